"""``yurt tail [ROOM]``: what was said, then what is said, until interrupted.

Each line comes when it has its place in the room, and again when something was done to it; own messages that
still wait are not shown.
"""

import argparse
from collections.abc import AsyncIterator
from typing import Final

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.cli.which_room import find_room, short_id
from yurt.client.api import NEWEST, EngineApi, TimelineItem
from yurt.client.clock import local_time
from yurt.client.errors import UsageError
from yurt.client.folding import folded
from yurt.client.vault.timeline import BLOCKED

HISTORY: Final = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("room", metavar="ROOM", nargs="?", help="its name, or the beginning of its id")
    parser.add_argument("--history", type=int, metavar="N", help="lines from before (20, or as --count)")
    parser.add_argument(
        "--count", type=int, default=0, metavar="N", help="end after N lines; waits if fewer were said yet"
    )
    parser.add_argument("--no-wait", action="store_true", help="show what was said, and end")
    parser.add_argument("--states", action="store_true", help="show a line again once it is settled or read")
    parser.add_argument("--numbers", action="store_true", help="show the number of each line, to speak of it")


def run(args: argparse.Namespace, output: Output) -> int:
    """Show lines as they come."""
    history: int = (args.count or HISTORY) if args.history is None else args.history
    if history < 0 or args.count < 0:
        raise UsageError("--history and --count take numbers from 0 up")

    async def work(engine: EngineApi) -> int:
        names = {room.room: room.name for room in await engine.rooms()}
        room = (await find_room(engine, args.room)).room if args.room else None
        revision = (await engine.status()).revision
        before = await _last(engine, [room] if room else list(names), history)
        before = before if output.as_json else folded(before)
        shown: dict[int, object] = {}
        said: dict[tuple[str, bytes], str] = {}
        count = 0
        after = None if args.no_wait else engine.watch(room, revision=revision)
        async for item in _then(before, after, output):
            if item.content_id:
                said[item.did, item.content_id] = item.address
            told = (item.state, item.read_by) if args.states else ()
            looks = (item.text, item.deleted_by, item.reactions, told)
            waits = item.own and item.state not in ("accepted", "settled", "refused")
            if waits or shown.get(item.item) == looks:
                continue
            shown[item.item] = looks
            place = names.get(item.room, "") if room is None else None
            line = item_line(item, place, said.get((item.reply_did, item.reply_id), ""))
            output.show(item_json(item), f"{item.item:>5} {line}" if args.numbers else line)
            count += 1
            if count == args.count:
                break
        return 0

    return with_engine(work, caught_up=True)


async def _last(engine: EngineApi, rooms: list[bytes], count: int) -> list[TimelineItem]:
    """Give the last `count` lines of some rooms, in the order in which this device learned of them."""
    items = list[TimelineItem]()
    for room in rooms if count else ():
        items += await engine.timeline(room, before=NEWEST, limit=count)
    return sorted(items, key=lambda item: item.item)[-count:]


async def _then(
    before: list[TimelineItem], after: AsyncIterator[TimelineItem] | None, output: Output
) -> AsyncIterator[TimelineItem]:
    """Give what was said, then what is said, if that is wanted."""
    for item in before:
        yield item
    if after is None:
        return
    output.confirm("(what is said from now on comes here; Ctrl-C ends)")
    async for item in after:
        yield item


def item_json(item: TimelineItem) -> dict[str, object]:
    """Say a line for programs."""
    position = [item.position.term, item.position.seq] if item.position else None
    return {
        "item": item.item,
        "room": item.room,
        "kind": item.kind,
        "position": position,
        "did": item.did,
        "address": item.address,
        "text": item.text,
        "reason": item.reason,
        "content_id": item.content_id,
        "state": item.state,
        "own": item.own,
        "accepted_at": item.accepted_at,
        "reply_to": [item.reply_did, item.reply_id] if item.reply_did else None,
        "edited": item.edited,
        "deleted_by": item.deleted_by,
        "read_by": list(item.read_by),
        "vouched_by": item.vouched_by,
        "reactions": {each.emoji: list(each.by) for each in item.reactions},
    }


def _said(item: TimelineItem) -> str:
    """Say a message, and what was done to it."""
    if item.deleted_by:
        return f"(deleted by {item.deleted_by})"
    marks = ["edited"] * item.edited + ([item.reason] if item.reason else [])
    marks += [f"vouched for by {item.vouched_by}"] if item.vouched_by else []
    marks += ["settled"] if item.own and item.state == "settled" else []
    marks += [f"{each.emoji} {len(each.by)}" for each in item.reactions]
    return "".join([_inside(item.text), *(f" [{mark}]" for mark in marks)])


def _inside(text: str) -> str:
    """Indent what comes after the first line, so that no text looks like a line of somebody else."""
    from yurt.wire.sanitise import clean_body  # unicode tables: only when something is printed

    return clean_body(text).replace("\n", "\n      ")


def item_line(item: TimelineItem, room: str | None, answered: str = "") -> str:
    """Say a line for people.

    Args:
        item: The line.
        room: The room's name, where it could be any.
        answered: Whose message it answers, if that is known.
    """
    place = "" if room is None else f"[{room or short_id(item.room)}] "
    clock = f"{local_time(item.accepted_at / 1000):%H:%M} " if item.accepted_at else ""
    if item.kind == "message" and item.reason != BLOCKED:
        answers = f" (answers {answered or 'an earlier message'})" if item.reply_did else ""
        return f"{clock}{place}{item.address or item.did}{answers}: {_said(item)}"
    who = f"{item.address}: " if item.kind != "roster" and item.address else ""
    return f"{clock}{place}* {who}{_inside(item.text)}"
