"""History that somebody gave goes into the vault: each line marked with who vouches for it.

It stands before everything that this device saw itself, or where a message raced its Add; what is known
already stays as it is. Whose words they are is the voucher's word; nothing here is proved by a signature.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlcipher3.dbapi2 import Connection

from yurt.client.rooms import looks
from yurt.client.vault import actions, history, raced, rooms, timeline
from yurt.client.vault.history import Bundle
from yurt.client.vault.timeline import NewItem
from yurt.rooms.common.content import Create, Target, content_hash
from yurt.rooms.common.errors import ContentError
from yurt.rooms.common.history import HistoryItem
from yurt.rooms.common.said import Action, Delete, Edit, Like, Undo, decode_said, target_of
from yurt.wire.position import START, Position

_ACTIONS = Edit | Delete | Like | Undo


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may be told to this device."""

    before: Position
    """Where it saw for itself."""
    since: int
    """Milliseconds since 1970: the room allows nothing from before."""


def bounds(tx: Connection, room: bytes, voucher: str, own: str) -> Bounds:
    """What somebody may tell this device of a room; an own device may tell all."""
    entry = history.entry(tx, room)
    if entry is None:
        return Bounds(_first_seen(tx, room), 0 if voucher == own else 2**62)
    since = 0 if voucher == own else max(entry.at - entry.seconds * 1000, 0)
    return Bounds(entry.position, since)


def take_items(tx: Connection, bundle: Bundle, limits: Bounds, items: Sequence[HistoryItem]) -> int:
    """Take items in, newest first; returns how many messages are new here."""
    new = 0
    known = dict(_actors(tx, bundle.room))
    for item in items:
        gap = raced.line_at(tx, bundle.room, item.position)
        if not _fits(item, limits, gap):
            continue
        try:
            said = decode_said(item.content)
        except ContentError:
            continue
        if not isinstance(said, Create | _ACTIONS):
            continue
        if timeline.find_content(tx, bundle.room, item.did, said.id) is not None:
            continue
        line = NewItem(
            room=bundle.room,
            kind="notice",
            did=item.did,
            actor=known.get(item.did, item.actor),
            content_id=said.id,
            hash=content_hash(item.content),
            position=item.position,
            accepted_at=item.accepted_at,
            hidden=True,
            vouched=bundle.did,
        )
        if isinstance(said, Create):
            _add_note(tx, bundle.room, line, said, gap)
            new += 1
        elif _may(said, item.did) and _is_theirs(tx, bundle, target_of(said, item.did)):
            where = timeline.add(tx, line, gap)
            actions.add(tx, where, bundle.room, target_of(said, item.did), item.content)
            looks.refresh(tx, bundle.room, target_of(said, item.did))
    return new


def _fits(item: HistoryItem, limits: Bounds, gap: int | None) -> bool:
    if item.position <= START or item.accepted_at < limits.since:
        return False
    return item.position < limits.before or gap is not None


def _add_note(tx: Connection, room: bytes, line: NewItem, said: Create, gap: int | None) -> None:
    reply = said.object.in_reply_to
    shown = msgspec.structs.replace(line, kind="message", hidden=False, text=said.object.content)
    if reply is not None:
        shown = msgspec.structs.replace(shown, reply_did=reply.did, reply_id=reply.id)
    actions.forget_told(tx, room, Target(line.did, said.id), line.vouched)
    timeline.add(tx, shown, gap)
    looks.refresh(tx, room, Target(line.did, said.id))


def _may(said: Action, did: str) -> bool:
    """Only authors edit; who deleted something of somebody else was judged by whoever tells us of it."""
    return not isinstance(said, Edit) or said.object.did == did


def _is_theirs(tx: Connection, bundle: Bundle, target: Target) -> bool:
    """Whether a voucher may tell what became of a message: of none that was seen here, or told by another."""
    return actions.voucher(tx, bundle.room, target) in (None, bundle.did)


def _actors(tx: Connection, room: bytes) -> tuple[tuple[str, str], ...]:
    found = rooms.find(tx, room)
    return () if found is None else found.people


def _first_seen(tx: Connection, room: bytes) -> Position:
    row = tx.execute(
        "SELECT term, seq FROM item WHERE room = ? AND seq > 0 AND vouched = '' ORDER BY id LIMIT 1", (room,)
    ).fetchone()
    return START if row is None else Position(*row)
