"""Messages as they come from the log: decrypted, checked against what their leaf said before, shown once.

Nothing here can break the room: what cannot be read becomes a line with a reason, and is counted.
"""

from dataclasses import dataclass, replace
from typing import Final

import msgspec
from sqlcipher3.dbapi2 import Connection

from yurt.client.api import ItemKind
from yurt.client.rooms import actions, for_devices, lines, looks
from yurt.client.rooms.groups import Groups
from yurt.client.rooms.places import Places
from yurt.client.rooms.roster import CannotFollow
from yurt.client.vault import namings, outbox, own_entries, raced, rooms, timeline
from yurt.client.vault.rooms import RoomRow
from yurt.client.vault.timeline import NewItem
from yurt.identity.did import Did
from yurt.identity.leaf import VerifiedLeaf
from yurt.mls.errors import OwnMessage, RemoteMlsError, UnknownEpoch
from yurt.mls.framing import peek
from yurt.mls.group import Group
from yurt.mls.message_epoch import ApplicationMessage
from yurt.rooms.common.content import (
    Create,
    Plaintext,
    Target,
    UnknownContent,
    Update,
    content_hash,
    decode_aad,
)
from yurt.rooms.common.errors import ContentError
from yurt.rooms.common.participants import verified_leaf
from yurt.rooms.common.policy import Role
from yurt.rooms.common.room import read_room
from yurt.rooms.common.said import (
    Delete,
    Edit,
    HistoryOffer,
    HistoryWanted,
    Like,
    Read,
    Said,
    Undo,
    decode_said,
)
from yurt.rooms.member.content_rules import refused_because
from yurt.rooms.member.received import Outcome, receive
from yurt.wire.position import LogRow

_QUIET_MS: Final = 1_000
"""After a message that raced our Add, more of them may come."""
_FLAGS: Final = {Outcome.REPEATED: lines.REPEATED, Outcome.REWRITTEN: lines.REWRITTEN}


@dataclass(frozen=True, slots=True)
class _Read:
    """A message that could be read."""

    author: VerifiedLeaf
    plaintext: Plaintext
    content: Said


class Messages:
    """Takes messages in."""

    def __init__(self, groups: Groups, places: Places) -> None:
        self._groups = groups
        self._places = places

    def take(self, tx: Connection, room: RoomRow, row: LogRow) -> RoomRow:
        """Take in one message; returns the room as it is then (its name may have changed).

        Raises:
            CannotFollow: Our own leaf said it, and this vault does not know.
        """
        if (known := self._own(tx, room, row)) is not None:
            return known
        if not row.body:
            _unreadable(tx, room, row, lines.ERASED)
            return room
        group = self._groups.load(tx, room.room)
        try:
            read = _open(group, row)
        except OwnMessage as error:
            if error.is_proved:  # our leaf spoke with a key that this vault never used (TRUST 7)
                raise CannotFollow(lines.ROLLBACK, heals=True) from error
            _unreadable(tx, room, row, error.rule)  # one of ours, garbled by somebody
            return room
        except RemoteMlsError as error:
            _unreadable(tx, room, row, _why(tx, room, row, error))
            return room
        except ContentError as error:
            _unreadable(tx, room, row, error.code)
            return room
        room = self._check_place(tx, room, row, read)
        flag = _check_order(tx, room, row, read)
        if _known(tx, room, row, read):
            return room
        return self._show(tx, room, row, group, read, flag)

    def _own(self, tx: Connection, room: RoomRow, row: LogRow) -> RoomRow | None:
        """Notice an own message coming back: the log says where it stands."""
        item = own_entries.find(tx, room.room, row.hash)
        if item is None:
            return None
        first = own_entries.place(tx, item, row.hash, row.position, row.accepted_at)
        outbox.delete(tx, item)
        actions.settled(tx, item, placed=first)
        named = namings.placed(tx, item)
        return room if named is None else replace(room, name=named[0], topic=named[1])

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
        hidden = refused_because(read.content, read.author, lambda did: _role(group, did))
        if hidden is not None:
            _add(tx, room, row, kind="undecryptable", read=read, text=lines.text_of(hidden), reason=hidden)
            return room
        match read.content:
            case Create():
                _add_note(tx, room, row, read, read.content, flag)
            case Update():
                named = read.content.object
                _add(tx, room, row, kind="notice", read=read, text=lines.named(named.name, named.topic))
                return replace(room, name=named.name, topic=named.topic)
            case Edit() | Delete() | Like() | Undo():
                if flag:
                    _note(tx, room, row, read.author, lines.text_of(flag), flag)
                line = msgspec.structs.replace(_item(room, row, read, kind="notice"), hidden=True)
                actions.take_action(tx, room.room, line, read.content, read.plaintext.content)
            case Read() | HistoryOffer() | HistoryWanted():
                for_devices.take(tx, room.room, row, read.author, read.content)
            case UnknownContent():
                reason = lines.UNKNOWN_CONTENT
                item = _add(
                    tx, room, row, kind="notice", read=read, text=lines.text_of(reason), reason=reason
                )
                namings.keep_unknown(tx, item, read.plaintext.content)
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
    return _Read(verified_leaf(message.leaf), plaintext, decode_said(plaintext.content))


def _why(tx: Connection, room: RoomRow, row: LogRow, error: RemoteMlsError) -> str:
    """Give the reason why a message cannot be read; one that raced our Add can still be told by others."""
    if not isinstance(error, UnknownEpoch) or not raced.is_before(tx, room.room, peek(row.body).epoch):
        return error.rule
    raced.note(tx, room.room, row.position, row.accepted_at, row.accepted_at + _QUIET_MS)
    return raced.BEFORE_YOU


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


def _role(group: Group, did: Did) -> Role:
    """Give somebody's role; asked only where it matters, because it reads the whole tree.

    By the epoch that the log is in at this row, which is the same on every device.
    """
    return read_room(group.context.extensions, group.tree).role(did)


def _add_note(tx: Connection, room: RoomRow, row: LogRow, read: _Read, said: Create, flag: str) -> None:
    """Add a message, and what was done to it before it came."""
    line = _item(room, row, read, kind="message", text=said.object.content, reason=flag)
    if (target := said.object.in_reply_to) is not None:
        line = msgspec.structs.replace(line, reply_did=target.did, reply_id=target.id)
    timeline.add(tx, line)
    looks.refresh(tx, room.room, Target(read.author.did, said.id))


def _add(
    tx: Connection,
    room: RoomRow,
    row: LogRow,
    *,
    kind: ItemKind,
    read: _Read,
    text: str,
    reason: str = "",
) -> int:
    return timeline.add(tx, _item(room, row, read, kind=kind, text=text, reason=reason))


def _item(
    room: RoomRow, row: LogRow, read: _Read, *, kind: ItemKind, text: str = "", reason: str = ""
) -> NewItem:
    """Make the line of something that was said."""
    return NewItem(
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
