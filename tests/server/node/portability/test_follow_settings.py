"""What a file says of a follow has effect: boosts, languages, and a mark on who is to be noticed."""

import hashlib

from yurt.activitypub.audience import Audience, Visibility
from yurt.activitypub.notes import Note
from yurt.activitypub.object_life import Arrival
from yurt.activitypub.reactions import Announce
from yurt.node.people.post_ends import PostEnds
from yurt.node.store import people
from yurt.node.store.people import KnownPerson
from yurt.node.store.types import Tx
from yurt.node.testing import Client, Town
from yurt.portability.csv_rows import CsvKind
from yurt.wire.people_commands import Follow
from yurt.wire.portability_commands import JobItem, JobStatus, JobView, Portable, StartJob
from yurt.wire.post_commands import Timeline

HARBOUR = "harbour.example"
HILL = "https://hill.example"
CY = f"{HILL}/users/cy"
NOW_S = 1_795_000_000


def note(author: str, number: int, language: str = "", *named: str) -> Note:
    """A public post, wherever its author lives."""
    audience, host = Audience(Visibility.PUBLIC, named), author.partition("/users/")[0]
    return Note(f"{host}/notes/{number}", author, f"post {number}", audience, NOW_S, language=language)


async def follows_as_a_file_says(ana: Client, **settings: object) -> None:
    """Import one row."""
    row = JobItem(CsvKind.FOLLOWING.value, f"dan@{HARBOUR}", **settings)  # type: ignore[arg-type]  # columns
    view: JobView = await ana.call(StartJob(hashlib.sha256(b"one").digest()[:16], "import", (row,)))
    while view.state != "done":
        view = await ana.call(JobStatus(view.job))


async def seen(one: Client) -> dict[str, tuple[str, bool]]:
    """By text of each post on a timeline: who boosted it, and whether it is marked."""
    return {post.text: (post.boosted_by, post.notify) for post in (await one.call(Timeline())).posts}


async def test_boosts_languages_and_notices(harbour: Town) -> None:
    """Ana follows as her file says, Eve as one does; each sees what they chose."""
    ana, eve = await harbour.join("ana", HARBOUR), await harbour.join("eve", HARBOUR)
    dan = await harbour.join("dan", HARBOUR)
    await follows_as_a_file_says(ana, show_boosts=False, notify=True, languages=("de",))
    await eve.call(Follow(f"dan@{HARBOUR}"))
    dans = dan.person.actor

    def arrive(tx: Tx) -> None:
        people.put_person(tx, KnownPerson(CY, "cy@hill.example", inbox=f"{CY}/inbox"))
        ends = PostEnds(tx, HARBOUR, NOW_S * 1000)
        for number, language in enumerate(("de", "fr", "")):
            ends.keep(note(dans, number, language), Arrival.MADE)
        ends.keep(note(dans, 3, "fr", ana.person.actor), Arrival.MADE)
        ends.keep(note(CY, 9, "de", dans), Arrival.MADE)
        public = Audience(Visibility.PUBLIC)
        ends.react(Announce(f"{dans}/boosts/1", dans, f"{HILL}/notes/9", public, NOW_S))

    await harbour.nodes[HARBOUR].store.write(arrive)

    dan_shows = f"dan@{HARBOUR}"
    assert await seen(ana) == {"post 0": ("", True), "post 2": ("", True), "post 3": ("", True)}
    assert await seen(eve) == {
        **{f"post {number}": ("", False) for number in range(4)},
        "post 9": (dan_shows, False),
    }
    (row,) = (await ana.call(Portable(CsvKind.FOLLOWING.value))).rows
    assert (row.show_boosts, row.notify, row.languages) == (False, True, ("de",))
