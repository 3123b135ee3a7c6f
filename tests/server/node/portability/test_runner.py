"""The runner of jobs: killed anywhere it goes on there; hosts get the peace they ask for."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from yurt.activitypub.actors import ActorGone
from yurt.node.people.signed_fetch import Gone, NotNow, NotThere
from yurt.node.portability.testing import Bench, DyingStore, Phonebook, first_of, open_bench
from yurt.node.store import people
from yurt.node.store.types import Row
from yurt.portability.csv_rows import CsvKind
from yurt.wire.portability_commands import JobItem
from yurt.wire.problems import refuse

DAY_MS = 86_400_000


FOLLOWING = CsvKind.FOLLOWING.value


def follow(address: str, rank: int = 0) -> JobItem:
    return JobItem(FOLLOWING, address, rank=rank)


def busy(retry_after: str) -> Exception:
    error = refuse("peerUnreachable", "429")
    error.__cause__ = NotNow(429, retry_after)
    return error


ITEMS = (
    JobItem(CsvKind.DOMAIN_BLOCKS.value, "bad.example"),
    JobItem(CsvKind.BLOCKS.value, "eve@hilltop.example"),
    JobItem(CsvKind.BLOCKS.value, "ghost@hilltop.example"),
    JobItem(CsvKind.MUTES.value, "cy@hilltop.example", hide=True),
    follow("bo@hilltop.example"),
    follow("dan@meadow.example"),
    follow("old@meadow.example"),
    follow("eve@hilltop.example"),
    follow("mia@bad.example"),
    JobItem(CsvKind.LISTS.value, "bo@hilltop.example", list="Friends"),
    JobItem(CsvKind.LISTS.value, "old@meadow.example", list="Friends"),
    JobItem(CsvKind.BOOKMARKS.value, "https://hilltop.example/notes/1"),
)


def fill(book: Phonebook) -> None:  # the phonebook of conftest
    for address in ("eve@hilltop.example", "cy@hilltop.example", "bo@hilltop.example", "dan@meadow.example"):
        book.add(address)
    new = book.add("new@hilltop.example", also_known_as=("https://meadow.example/users/old",))
    book.add("old@meadow.example", moved_to=new.actor)


async def unkilled(folder: Path) -> dict[str, list[Row]]:
    bench = await open_bench(folder / "unkilled")
    fill(bench.book)
    await bench.start(*ITEMS)
    await bench.run()
    try:
        return await bench.everything()
    finally:
        await bench.store.close()


@pytest.mark.parametrize("commits", [True, False], ids=["after the commit", "before the commit"])
async def test_killed_anywhere_it_ends_as_if_it_never_was(tmp_path: Path, *, commits: bool) -> None:
    """Each point at which a job can die is tried: nothing is done twice, and nothing is left out."""
    expected = await unkilled(tmp_path)

    died = 0
    for point in range(1, 60):
        bench = await open_bench(tmp_path / f"{commits}-{point}")
        fill(bench.book)
        await bench.start(*ITEMS)
        dying = DyingStore(bench.store, point, commits=commits)
        runner = bench.runner(dying)
        runner.start()
        await first_of(dying.died.wait(), bench.until_idle())
        await runner.stop()
        died += dying.died.is_set()
        await bench.run()
        assert await bench.everything() == expected, point
        await bench.store.close()
        if not dying.died.is_set():
            break

    assert died >= len(ITEMS)


async def test_killed_again_and_again_it_still_ends(tmp_path: Path) -> None:
    """A node that never lives longer than a few writes finishes all the same."""
    expected = await unkilled(tmp_path)
    bench, dice = await open_bench(tmp_path / "again"), random.Random(7)  # noqa: S311  # dice of a test
    fill(bench.book)
    await bench.start(*ITEMS)

    for _ in range(40):
        dying = DyingStore(bench.store, dice.randint(2, 5), commits=dice.random() < 0.5)
        runner = bench.runner(dying)
        runner.start()
        await first_of(dying.died.wait(), bench.until_idle())
        await runner.stop()
    await bench.run()

    assert await bench.everything() == expected
    await bench.store.close()


async def test_a_host_that_says_later_is_left_alone_as_long_as_it_wants(bench: Bench) -> None:
    """A 429 with Retry-After pauses every row of that host, and of no other."""
    for name in ("a", "b", "c"):
        bench.book.add(f"{name}@busy.example")
    bench.book.add("bo@hilltop.example")
    bench.book.problems["a@busy.example"] = [busy("120")]
    await bench.start(
        *(follow(f"{name}@busy.example", rank) for rank, name in enumerate("abc")),
        follow("bo@hilltop.example"),
    )

    await bench.run()

    rows = await bench.rows()
    assert rows[f"{FOLLOWING} bo@hilltop.example"][0] == "sent"
    assert {rows[f"{FOLLOWING} {name}@busy.example"] for name in "abc"} == {("queued", "tooMany")}
    assert [name for name in bench.book.asked if "busy" in name] == ["a@busy.example"]
    bench.clock.ahead_ms = 119_000
    await bench.run()
    assert [name for name in bench.book.asked if "busy" in name] == ["a@busy.example"]
    bench.clock.ahead_ms = 121_000
    await bench.run()
    rows = await bench.rows()
    assert {rows[f"{FOLLOWING} {name}@busy.example"][0] for name in "abc"} == {"sent"}


async def test_a_host_that_never_answers_is_dead_after_a_week(bench: Bench) -> None:
    """Silence is tried again for seven days; then each of its people has a reason."""
    silent = refuse("peerUnreachable", "no answer")
    bench.book.problems["a@gone.example"] = [silent] * 100
    bench.book.problems["b@gone.example"] = [silent] * 100
    await bench.start(follow("a@gone.example"), follow("b@gone.example"))

    for day in range(9):
        bench.clock.ahead_ms = day * DAY_MS
        await bench.run()

    assert set((await bench.rows()).values()) == {("dead", "unreachable")}
    assert len(bench.book.asked) <= 10


@pytest.mark.parametrize(
    ("code", "cause", "reason"),
    [
        ("notFound", NotThere("404"), "notFound"),
        ("notFound", Gone("410"), "gone"),
        ("peerRefused", ActorGone(), "gone"),
    ],
)
async def test_whoever_is_gone_is_said_to_be_gone(
    bench: Bench, code: str, cause: Exception, reason: str
) -> None:
    """A deleted account is another thing than a mistyped one; both are final, and asked for once."""
    error = refuse(code, "nobody")
    error.__cause__ = cause
    bench.book.problems["a@hilltop.example"] = [error]
    await bench.start(follow("a@hilltop.example"))

    await bench.run()

    assert set((await bench.rows()).values()) == {("dead", reason)}
    assert len(bench.book.asked) == 1


async def test_who_approves_by_hand_is_waited_for_by_name(bench: Bench) -> None:
    """A follow that was asked for before says why it waits."""
    for name, locked in (("a", True), ("b", False)):
        person = bench.book.add(f"{name}@hilltop.example", locked=locked)
        await bench.store.write(
            lambda tx, person=person: people.put_tie(  # type: ignore[misc]  # the default is the loop's value
                tx, 1, people.put_person(tx, person), people.FOLLOWING, ("pending", "f", 1)
            )
        )
    await bench.start(follow("a@hilltop.example"), follow("b@hilltop.example"))

    await bench.run()

    rows = await bench.rows()
    assert rows[f"{FOLLOWING} a@hilltop.example"] == ("pending", "locked")
    assert rows[f"{FOLLOWING} b@hilltop.example"] == ("pending", "asked")


async def test_strong_ties_are_asked_first(bench: Bench) -> None:
    """The rank decides, not the order of the file."""
    names = [f"p{number}@hilltop.example" for number in range(6)]
    for name in names:
        bench.book.add(name)
    await bench.start(*(follow(name, rank=10 - at) for at, name in enumerate(names)))

    await bench.run()

    assert bench.book.asked == names[::-1]


@pytest.mark.parametrize(
    ("moves", "state", "reason"),
    [
        (1, "successor", "p1@hilltop.example"),
        (5, "successor", "p5@hilltop.example"),
        (6, "dead", "moveChainTooLong"),
    ],
)
async def test_chains_of_moves_are_followed_five_steps(
    bench: Bench, moves: int, state: str, reason: str
) -> None:
    """Whoever moved is followed where they are now, and stands in their lists there."""
    for step in range(moves + 1):
        before = (f"https://hilltop.example/users/p{step - 1}",) if step else ()
        onward = f"https://hilltop.example/users/p{step + 1}" if step < moves else ""
        bench.book.add(f"p{step}@hilltop.example", moved_to=onward, also_known_as=before)
    await bench.start(
        follow("p0@hilltop.example"), JobItem(CsvKind.LISTS.value, "p0@hilltop.example", list="Friends")
    )

    await bench.run()

    assert (await bench.rows())[f"{FOLLOWING} p0@hilltop.example"] == (state, reason)
    ties = (await bench.everything())["ties"]
    found = [f"https://hilltop.example/users/p{moves}"] if state == "successor" else []
    assert [row[0] for row in ties] == found
    members = (await bench.everything())["lists"]
    assert members == [("Friends", reason if found else "p0@hilltop.example")]


async def test_a_circle_of_moves_ends(bench: Bench) -> None:
    """Two actors that point at each other are followed nowhere, and cost two look-ups."""
    a, b = "https://hilltop.example/users/a", "https://hilltop.example/users/b"
    bench.book.add("a@hilltop.example", moved_to=b, also_known_as=(b,))
    bench.book.add("b@hilltop.example", moved_to=a, also_known_as=(a,))
    await bench.start(follow("a@hilltop.example"))

    await bench.run()

    assert (await bench.rows())[f"{FOLLOWING} a@hilltop.example"] == ("dead", "moveLoop")


async def test_a_move_that_the_new_actor_does_not_confirm_is_none(bench: Bench) -> None:
    """Nobody becomes somebody's successor by being pointed at."""
    bench.book.add("old@hilltop.example", moved_to="https://meadow.example/users/thief")
    bench.book.add("thief@meadow.example")
    await bench.start(follow("old@hilltop.example"))

    await bench.run()

    assert [row[0] for row in (await bench.everything())["ties"]] == ["https://hilltop.example/users/old"]


@pytest.mark.parametrize(("shown", "new"), [("did:key:zBo", ""), ("", "did:key:zEve"), ("", "did:key:zBo")])
async def test_an_old_node_sends_nobody_elsewhere(bench: Bench, shown: str, new: str) -> None:
    """A person with a did is followed on only as themselves, whatever their old node points at."""
    end = bench.book.add("new@evil.example", also_known_as=("https://hill.example/users/bo",), did=new)
    old = bench.book.add("bo@hill.example", moved_to=end.actor, did=shown)
    await bench.store.write(lambda tx: people.put_person(tx, replace(old, did="did:key:zBo")))
    await bench.start(follow("bo@hill.example"))

    await bench.run()

    followed = [row[0] for row in (await bench.everything())["ties"]]
    assert followed == [end.actor if new == "did:key:zBo" else old.actor]


async def test_a_poisoned_row_holds_up_nobody(bench: Bench) -> None:
    """What nobody foresaw is one row's end, with its name."""
    bench.book.problems["a@hilltop.example"] = [RuntimeError("nobody knows")]
    bench.book.add("bo@hilltop.example")
    await bench.start(follow("a@hilltop.example"), follow("bo@hilltop.example", rank=1))

    await bench.run()

    rows = await bench.rows()
    assert rows[f"{FOLLOWING} a@hilltop.example"] == ("refused", "poisonedRuntimeError")
    assert rows[f"{FOLLOWING} bo@hilltop.example"][0] == "sent"
