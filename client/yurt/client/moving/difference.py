"""What a move says to people: where it stands, what the confirmation changes, and the message to others."""

from collections.abc import Iterable

from yurt.client.counted import counted, lasting
from yurt.client.moving import steps
from yurt.client.moving.calls import MoveStanding
from yurt.client.vault.accounts import actor_url, address_of
from yurt.client.vault.moves import ForetoldTie, MoveRow

KEY_TEXT = (
    "the new node holds your old actor key for this, at most 30 days, then erases it; "
    "whoever runs it could speak as your old account until then"
)


def standing(row: MoveRow, foretold: list[ForetoldTie]) -> MoveStanding:
    """Show where a move stands."""
    following = steps.after(row.kind, row.step)
    waits = steps.waits(row.kind, row.step)
    return MoveStanding(
        kind=row.kind,
        step=row.step,
        next=steps.SAID.get(following, ""),
        needs_confirmation=waits,
        previous=row.previous,
        target=actor_url(row.name, row.node),
        difference=difference(row, foretold) if waits else (),
        notes=row.notes,
    )


def difference(row: MoveRow, foretold: Iterable[ForetoldTie]) -> tuple[str, ...]:
    """Say, line by line, what changes when the person agrees."""
    foretold = list(foretold)
    followers = [tie for tie in foretold if tie.direction == "follower"]
    followed = [tie for tie in foretold if tie.direction == "following"]
    count = {
        outcome: sum(tie.outcome == outcome for tie in followers)
        for outcome in ("automatic", "ours", "ask", "lost")
    }
    lines = [
        f"{address_of(row.previous)} becomes {row.name}@{row.node}; everybody is told, and it stays so",
        f"{counted(len(followers), 'follower')}: {count['automatic'] + count['ours']} by themselves, "
        f"{count['ask']} asked by a message, {count['lost']} lost",
        f"{counted(len(followed), 'person', 'people')} to follow again, after blocks",
        f"{counted(len(row.rooms), 'room')} to go along",
        "other software lets an actor move once in 7 days (Mastodon's own: once in 30)",
        "posts stay where they are",
    ]
    lines += [f"lost: {tie.address or tie.actor}: {tie.text}" for tie in followers if tie.outcome == "lost"]
    if row.kind == "rescue":
        lines.append(KEY_TEXT if row.old_key else "no key in the kit: only people on Yurt come by themselves")
    return tuple(lines)


def asking(addresses: list[str], row: MoveRow) -> str:
    """Write to people whose software does not take them along."""
    who = " ".join(f"@{address}" for address in addresses)
    return (
        f"{who} I have moved: I am @{row.name}@{row.node} now ({actor_url(row.name, row.node)}). "
        "Your server does not bring you along by itself; please follow me there."
    )


def rescue_difference(row: MoveRow, ties: list[ForetoldTie], age_s: int | None) -> tuple[str, ...]:
    """Say what changes with the confirmation of a rescue."""
    known = "nobody remembers your ties" if age_s is None else f"the kit is {lasting(age_s)} old"
    return (known, *difference(row, ties))
