"""Views of what the vault has, for front ends."""

from sqlcipher3.dbapi2 import Connection

from yurt.client.api import RoomView, Sent, Status
from yurt.client.session import Session
from yurt.client.vault import addresses, cursors, joinings, leavings, outbox, read_marks, rooms, timeline
from yurt.client.vault.accounts import Account
from yurt.client.vault.rooms import RoomRow
from yurt.wire.frames import room_log
from yurt.wire.problems import refuse
from yurt.wire.sanitise import clean_line


def room_view(tx: Connection, room: RoomRow, me: str) -> RoomView:
    """Show a room to the person at the address `me`."""
    read = read_marks.load(tx, room.room)
    leaving = leavings.find(tx, room.room) is not None
    return RoomView(
        room=room.room,
        name=clean_line(room.name),  # a member's word, or whoever made a link
        hub=room.hub,
        epoch=room.epoch,
        participants=tuple(addresses.shown(tx, did, actor) for did, actor in room.people),
        position=cursors.load(tx, room_log(room.room)).head,
        outbox=outbox.count(tx, room.room),
        undecryptable=timeline.count_undecryptable(tx, room.room),
        removed=room.state == "removed" or leaving,
        left=leaving or (room.state == "removed" and room.reason == leavings.LEFT),
        stopped=room.reason if room.state == "stopped" else "",
        unread=read_marks.count_unread(tx, room.room, read),
        mentions=read_marks.count_mentions(tx, room.room, read, me),
        read=read,
    )


def room_views(tx: Connection, me: str) -> list[RoomView]:
    """Show all rooms, oldest first, and after them those that this device asked to join."""
    every = rooms.every(tx)
    open_now = {room.room for room in every if room.state != "removed"}
    asked = [one for one in joinings.every(tx) if one.room not in open_now]
    again = {one.room for one in asked}
    views = [room_view(tx, room, me) for room in every if room.room not in again]
    return views + [
        RoomView(
            room=one.room,
            name=clean_line(one.name),
            hub=one.hub,
            epoch=0,
            participants=(),
            waiting=one.state != "refused",
            refused=one.problem,
        )
        for one in asked
    ]


def sent_view(tx: Connection, item: int) -> Sent:
    """Show what became of an own message."""
    line = timeline.get(tx, item)
    if line is None:
        raise refuse("notFound", "there is no such message here")
    # Settled is what others make of it later; whoever sends is told that the hub has it.
    state = "accepted" if line.state == "settled" else line.state
    return Sent(content_id=line.content_id, state=state, item=item, reason=line.reason)


def status_view(tx: Connection, account: Account, session: Session) -> Status:
    """Show how this client stands."""
    return Status(
        address=account.address,
        actor=account.actor,
        did=account.did,
        device_id=account.device.device_id,
        state=account.state,
        connected=session.connected,
        live=session.all_live,
        rooms=len(rooms.every(tx)),
        outbox=outbox.count(tx),
        undecryptable=timeline.count_undecryptable(tx, None),
        problem=session.problem,
        revision=timeline.revision(tx),
    )


def searchable(words: str) -> str:
    """Take what a person looks for, as far as it can be in a text.

    Raises:
        ProblemError: ``badRequest``: there is nothing in it to look for.
    """
    wanted = words.encode(errors="ignore").decode().replace("\0", " ")
    if not any(character.isalnum() for character in wanted):
        raise refuse("badRequest", "there is nothing to look for: give one or more words")
    return wanted
