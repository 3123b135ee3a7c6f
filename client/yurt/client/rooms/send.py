"""Saying something: content, its name and number, its line and its place in the outbox, in one transaction.

When ``store`` returns, what was said survives a crash and will be sent once; online or not.
"""

from dataclasses import replace

import msgspec
from sqlcipher3.dbapi2 import Connection

from yurt.client.rooms import lines, looks
from yurt.client.rooms.leaves import Device
from yurt.client.vault import actions, leavings, outbox, rooms, timeline
from yurt.client.vault.rooms import RoomRow
from yurt.client.vault.timeline import NewItem
from yurt.rooms.common.content import (
    Create,
    Note,
    Plaintext,
    Room,
    Target,
    Update,
    content_hash,
    encode_content,
)
from yurt.rooms.common.errors import ContentError
from yurt.rooms.member.sending import number
from yurt.wire.position import START
from yurt.wire.problems import refuse
from yurt.wire.registry import HASH_SIZE, MAX_CONTENT_SIZE


def store_note(
    tx: Connection, device: Device, room: bytes, content_id: bytes, text: str, reply_to: int = 0
) -> int:
    """Say a text in a room; asked again under the same content id, it is said once.

    Returns:
        The local id of its line.

    Raises:
        ProblemError: No such room, not a member any more, or too long.
    """
    known = timeline.find_content(tx, room, device.did, content_id)
    if known is not None:
        return known[0]
    found, target = open_room(tx, room), None
    if reply_to:
        note = actions.note(tx, room, item=reply_to)
        if note is None:
            raise refuse("notFound", "there is no such message in this room to be answered")
        target = note.target
    line = NewItem(room=room, kind="message", text=text)
    if target is not None:
        line = msgspec.structs.replace(line, reply_did=target.did, reply_id=target.id)
    data = encode_content(Create(content_id, Note(text, target)))
    item = store(tx, device, found, content_id, data, line)
    looks.refresh(tx, room, Target(device.did, content_id))
    return item


def store_name(
    tx: Connection, device: Device, room: RoomRow, content_id: bytes, name: str, topic: str = ""
) -> int:
    """Name a room; members learn the name from this content, joiners from their Welcome."""
    content, text = Update(content_id, Room(name, topic)), lines.named(name, topic)
    line = NewItem(room=room.room, kind="notice", text=text)
    return store(tx, device, room, content_id, encode_content(content), line)


def open_room(tx: Connection, room: bytes) -> RoomRow:
    """Find a room that can be written to.

    Raises:
        ProblemError: No such room, not a member any more, or stopped.
    """
    found = rooms.find(tx, room)
    if found is None:
        raise refuse("notFound", "there is no such room here: `yurt rooms` lists them")
    if leavings.find(tx, room) is not None or (found.state, found.reason) == ("removed", leavings.LEFT):
        raise refuse("notAllowed", "you have left this room: to come back, ask for a link or an invitation")
    if found.state == "removed":
        raise refuse("notAllowed", "nothing can be sent here: you are no longer in this room")
    if found.state == "stopped":
        raise refuse("notAllowed", f"nothing can be sent here: it is stopped: {found.reason}")
    return found


def store(
    tx: Connection, device: Device, room: RoomRow, content_id: bytes, data: bytes, line: NewItem
) -> int:
    """Number content, and give it its line and its place in the outbox.

    Raises:
        ProblemError: It is too long.
    """
    numbered, sender = number(room.sender, data)
    try:
        Plaintext(numbered.header(START, bytes(HASH_SIZE)), data).encode()
    except ContentError:
        raise refuse("tooLarge", "this message is too long", limit=MAX_CONTENT_SIZE) from None
    own = msgspec.structs.replace(
        line,
        did=device.did,
        actor=device.actor,
        content_id=content_id,
        hash=content_hash(data),
        state="queued",
        own=True,
    )
    item = timeline.add(tx, own)
    outbox.queue(tx, item, room.room, data, numbered)
    rooms.update(tx, replace(room, sender=sender))
    return item
