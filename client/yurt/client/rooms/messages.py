"""Messages as they come from the log: decrypted, checked against what their leaf said before, shown once.

Nothing here can break the room: what cannot be read becomes a line with a reason, and is counted.
"""

from dataclasses import dataclass, replace
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.api import ItemKind
from yurt.client.rooms import lines
from yurt.client.rooms.groups import Groups
from yurt.client.rooms.places import Places
from yurt.client.vault import outbox, own_entries, rooms, timeline
from yurt.client.vault.rooms import RoomRow
from yurt.client.vault.timeline import NewItem
from yurt.identity.leaf import VerifiedLeaf
from yurt.mls.errors import RemoteMlsError
from yurt.mls.group import Group
from yurt.mls.message_epoch import ApplicationMessage
from yurt.rooms.common.content import (
    Content,
    Create,
    Plaintext,
    UnknownContent,
    Update,
    content_hash,
    decode_aad,
    decode_content,
)
from yurt.rooms.common.errors import ContentError
from yurt.rooms.common.participants import Standing, participants_of, verified_leaf
from yurt.rooms.common.policy import Role
from yurt.rooms.common.room import read_policy
from yurt.rooms.member.content_rules import hidden_because
from yurt.rooms.member.received import Outcome, receive
from yurt.wire.position import LogRow

_FLAGS: Final = {Outcome.REPEATED: lines.REPEATED, Outcome.REWRITTEN: lines.REWRITTEN}


@dataclass(frozen=True, slots=True)
class _Read:
    """A message that could be read."""

    author: VerifiedLeaf
    plaintext: Plaintext
    content: Content


class Messages:
    """Takes messages in."""

    def __init__(self, groups: Groups, places: Places) -> None:
        self._groups = groups
        self._places = places

    def take(self, tx: Connection, room: RoomRow, row: LogRow) -> RoomRow:
        """Take in one message; returns the room as it is then (its name may have changed)."""
        if self._own(tx, room, row):
            return room
        if not row.body:
            _unreadable(tx, room, row, lines.ERASED)
            return room
        group = self._groups.load(tx, room.room)
        try:
            read = _open(group, row)
        except RemoteMlsError as error:
            _unreadable(tx, room, row, error.rule)
            return room
        except ContentError as error:
            _unreadable(tx, room, row, error.code)
            return room
        room = self._check_place(tx, room, row, read)
        flag = _check_order(tx, room, row, read)
        if _known(tx, room, row, read):
            return room
        return self._show(tx, room, row, group, read, flag)

    def _own(self, tx: Connection, room: RoomRow, row: LogRow) -> bool:
        """Notice an own message coming back: the log says where it stands."""
        item = own_entries.find(tx, room.room, row.hash)
        if item is None:
            return False
        own_entries.place(tx, item, row.hash, row.position, row.accepted_at)
        outbox.delete(tx, item)
        return True

    def _check_place(self, tx: Connection, room: RoomRow, row: LogRow, read: _Read) -> RoomRow:
        """Compare the author's log with ours, and the Welcome's stamp with it (TRUST 6)."""
        seen = read.plaintext.header
        ours = self._places.chain_at(room.room, seen.seen)
        if ours is None:
            return room
        if ours == seen.chain:
            return replace(room, stamped=True)
        # One of the two hubs' stories, or the author, lies; which, the log cannot tell: say it, go on.
        reason = lines.LOG_FORKED
        _note(tx, room, row, read.author, lines.text_of(reason), reason)
        return room

    def _show(
        self, tx: Connection, room: RoomRow, row: LogRow, group: Group, read: _Read, flag: str
    ) -> RoomRow:
        hidden = hidden_because(read.content, read.author, _role(group, read))
        if hidden is not None:
            _add(tx, room, row, kind="undecryptable", read=read, text=lines.text_of(hidden), reason=hidden)
            return room
        match read.content:
            case Create():
                text = read.content.object.content
                _add(tx, room, row, kind="message", read=read, text=text, reason=flag)
                return room
            case Update():
                named = read.content.object
                _add(tx, room, row, kind="notice", read=read, text=f"named the room {named.name!r}")
                return replace(room, name=named.name, topic=named.topic)
            case UnknownContent():
                reason = lines.UNKNOWN_CONTENT
                _add(tx, room, row, kind="notice", read=read, text=lines.text_of(reason), reason=reason)
                return room


def _open(group: Group, row: LogRow) -> _Read:
    """Decrypt and decode.

    Raises:
        RemoteMlsError: It cannot be decrypted.
        ContentError: What was inside cannot be read.
    """
    message = group.process(row.body, at=row.accepted_at)
    if not isinstance(message, ApplicationMessage):
        raise ContentError(lines.WRONG_FRAMING, "no message")
    decode_aad(message.authenticated_data)
    plaintext = Plaintext.decode(message.plaintext)
    # Every leaf was verified when it entered; this finds it in the cache.
    return _Read(verified_leaf(message.leaf), plaintext, decode_content(plaintext.content))


def _check_order(tx: Connection, room: RoomRow, row: LogRow, read: _Read) -> str:
    """Hold the message against the last one of its leaf; returns how it must be flagged."""
    author = read.author
    log = rooms.sender_log(tx, room.room, author.did, author.device_id)
    receipt = receive(log, read.plaintext.header, read.plaintext.content)
    rooms.keep_sender_log(tx, room.room, author.did, author.device_id, receipt.log)
    if receipt.outcome is Outcome.MISSING:
        _note(tx, room, row, author, lines.missing(receipt.missing), lines.MISSING)
    return _FLAGS.get(receipt.outcome, "")


def _known(tx: Connection, room: RoomRow, row: LogRow, read: _Read) -> bool:
    """Drop what was shown already; flag other bytes under a known name (TRUST 4: the first stands)."""
    found = timeline.find_content(tx, room.room, read.author.did, read.content.id)
    if found is None:
        return False
    _, known_hash = found
    if known_hash != content_hash(read.plaintext.content):
        reason = lines.DIFFERENT_CONTENT
        _note(tx, room, row, read.author, lines.text_of(reason), reason)
    return True


def _role(group: Group, read: _Read) -> Role:
    """Give the author's role; asked only where it matters, because it reads the whole tree."""
    if not isinstance(read.content, Update):
        return Role.MEMBER
    standing = Standing(read_policy(group.context.extensions), participants_of(group.tree))
    return standing.role(read.author.did)


def _add(
    tx: Connection,
    room: RoomRow,
    row: LogRow,
    *,
    kind: ItemKind,
    read: _Read,
    text: str,
    reason: str = "",
) -> None:
    timeline.add(
        tx,
        NewItem(
            room=room.room,
            kind=kind,
            did=read.author.did,
            actor=read.author.actor,
            text=text,
            reason=reason,
            content_id=read.content.id,
            hash=content_hash(read.plaintext.content),
            position=row.position,
            accepted_at=row.accepted_at,
        ),
    )


def _note(tx: Connection, room: RoomRow, row: LogRow, author: VerifiedLeaf, text: str, reason: str) -> None:
    """Add a warning about somebody's messages."""
    timeline.add(
        tx,
        NewItem(
            room=room.room,
            kind="notice",
            did=author.did,
            actor=author.actor,
            text=text,
            reason=reason,
            position=row.position,
            accepted_at=row.accepted_at,
        ),
    )


def _unreadable(tx: Connection, room: RoomRow, row: LogRow, reason: str) -> None:
    """Add a line without an author: who sent it is inside the encryption."""
    timeline.add(
        tx,
        NewItem(
            room=room.room,
            kind="undecryptable",
            text=lines.text_of(reason),
            reason=reason,
            position=row.position,
            accepted_at=row.accepted_at,
        ),
    )
