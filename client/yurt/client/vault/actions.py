"""What was done to messages, and the messages that it was done to; the rules are elsewhere."""

from dataclasses import dataclass, field
from typing import Final

import msgspec
from sqlcipher3.dbapi2 import Connection

from yurt.client.vault.accounts import address_of
from yurt.client.vault.addresses import NOT_CONFIRMED
from yurt.client.vault.timeline import Marks
from yurt.rooms.common.content import Target
from yurt.wire.position import Position

_UNPLACED: Final = 2**32
"""A term after all others: what the log has not taken yet stands at the end, in the order it was said."""
_NEXT_REVISION: Final = "(SELECT coalesce(max(revision), 0) + 1 FROM item)"


@dataclass(frozen=True, slots=True)
class Note:
    """A message as something to act on."""

    item: int
    target: Target
    original: str = field(repr=False)
    """What it said at first; empty once it is gone."""
    position: Position
    marks: Marks


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that was done."""

    item: int
    target: Target
    did: str
    actor: str
    address: str
    own: bool
    content: bytes = field(repr=False)
    position: Position

    @property
    def is_placed(self) -> bool:
        """Whether the log has it."""
        return self.position.term < _UNPLACED


def add(tx: Connection, item: int, room: bytes, target: Target, content: bytes) -> None:
    """Keep an action beside its line."""
    tx.execute(
        "INSERT INTO action (item, room, did, content_id, content) VALUES (?, ?, ?, ?, ?)",
        (item, room, target.did, target.id, content),
    )


def note(tx: Connection, room: bytes, *, target: Target | None = None, item: int = 0) -> Note | None:
    """Look a message up, by its name or by its local id."""
    did, content_id = (target.did, target.id) if target else ("", b"")
    row = tx.execute(
        """
        SELECT id, did, content_id, CASE marks WHEN '' THEN text ELSE original END, term, seq, marks
        FROM item
        WHERE room = ?1 AND kind = 'message'
            AND (id = ?2 OR (did = ?3 AND content_id = ?4 AND content_id <> x''))
        """,
        (room, item, did, content_id),
    ).fetchone()
    if row is None:
        return None
    number, did, content_id, original, term, seq, marks = row
    done = msgspec.json.decode(marks, type=Marks) if marks else Marks()
    return Note(number, Target(did, content_id), original, _position(number, term, seq), done)


def find(tx: Connection, item: int) -> Action | None:
    """Look up the action whose line this is; None if it is none."""
    found = _select(tx, "action.item = ?", (item,))
    return found[0] if found else None


def on(tx: Connection, room: bytes, target: Target) -> list[Action]:
    """Give what was done to a message and was not refused."""
    where = "action.room = ? AND action.did = ? AND action.content_id = ? AND item.state <> 'refused'"
    return _select(tx, where, (room, target.did, target.id))


def voucher(tx: Connection, room: bytes, target: Target) -> str | None:
    """Say who told of a message that is here: empty if this device saw it; None if it is not here."""
    row = tx.execute(
        "SELECT vouched FROM item WHERE room = ? AND did = ? AND content_id = ? AND kind = 'message'",
        (room, target.did, target.id),
    ).fetchone()
    return None if row is None else str(row[0])


def forget_told(tx: Connection, room: bytes, target: Target, voucher: str) -> None:
    """Forget what others than its voucher told to have been done to a message that is only coming now."""
    tx.execute(
        """
        DELETE FROM action WHERE room = ? AND did = ? AND content_id = ?
            AND item IN (SELECT id FROM item WHERE vouched NOT IN ('', ?))
        """,
        (room, target.did, target.id, voucher),
    )


def show(tx: Connection, note: Note, text: str, marks: Marks) -> None:
    """Change how a message looks; nothing if it looks so already."""
    done = msgspec.json.encode(marks).decode() if marks != Marks() or note.marks != Marks() else ""
    tx.execute(
        f"""
        UPDATE item SET text = ?1, original = ?2, marks = ?3, revision = {_NEXT_REVISION}
        WHERE id = ?4 AND (text, marks) <> (?1, ?3)
        """,  # noqa: S608  # a constant
        (text, note.original, done, note.item),
    )


def erase(tx: Connection, room: bytes, target: Target, delete: int) -> None:
    """Forget what a deleted message said, and all that was done to it but its end."""
    tx.execute(
        "UPDATE item SET original = '', text = '' WHERE room = ? AND did = ? AND content_id = ?",
        (room, target.did, target.id),
    )
    tx.execute(
        "DELETE FROM action WHERE room = ? AND did = ? AND content_id = ? AND item <> ?",
        (room, target.did, target.id, delete),
    )


def _select(tx: Connection, where: str, values: tuple[object, ...]) -> list[Action]:
    rows = tx.execute(
        f"""
        SELECT item.id, action.did, action.content_id, item.did, item.actor, item.own, item.term, item.seq,
            action.content, coalesce(person.address, ''),
            confirmed.did IS NOT NULL OR item.own OR item.did = (SELECT did FROM account)
        FROM action JOIN item ON item.id = action.item LEFT JOIN person ON person.did = item.did
            LEFT JOIN confirmed ON confirmed.did = item.did AND confirmed.actor = item.actor
        WHERE {where}
        """,  # noqa: S608  # constants of this file
        values,
    ).fetchall()
    return [
        Action(
            item,
            Target(target_did, target_id),
            did,
            actor,
            pinned or address_of(actor) + ("" if is_sure else NOT_CONFIRMED),
            bool(own),
            content,
            _position(item, term, seq),
        )
        for item, target_did, target_id, did, actor, own, term, seq, content, pinned, is_sure in rows
    ]


def _position(item: int, term: int, seq: int) -> Position:
    return Position(term, seq) if seq else Position(_UNPLACED, item)
