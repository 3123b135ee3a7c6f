"""Who is given history, decided in the transaction of the entry that makes it so: no restart forgets it.

The adder gives what was chosen, within the room's maximum; own new devices are given all, by an own device.
Who is asked (`HistoryWanted`) gives what this vault knows to be allowed, and to nobody else (TRUST 6).
"""

import random
import re
from typing import Final

import msgspec
from sqlcipher3.dbapi2 import Connection

from yurt.client.rooms.leaves import Device as OwnDevice
from yurt.client.vault import accounts, history, timeline
from yurt.client.vault.accounts import address_of
from yurt.client.vault.history import ALL_ALLOWED, Bundle, Entry, Grant
from yurt.client.vault.timeline import NewItem
from yurt.identity.leaf import VerifiedLeaf
from yurt.identity.location import node_of
from yurt.mls.change import CommitChange
from yurt.rooms.common.history import MAX_ANSWER_DELAY_MS, OFFER_WITHIN_MS, oldest_allowed
from yurt.rooms.common.policy import Invite, RoomPolicy
from yurt.rooms.common.room import read_room
from yurt.rooms.common.room_change import Device, RoomChange
from yurt.rooms.common.said import HistoryOffer, HistoryWanted
from yurt.wire.position import LogRow, Position

UNTIL_OTHERS_MS: Final = OFFER_WITHIN_MS + MAX_ANSWER_DELAY_MS
"""How long another own device leaves a new one to the device that added it."""
_PLAIN: Final = re.compile(r"[a-z0-9_]+@[a-z0-9.-]+")


def came_in(
    tx: Connection, own: OwnDevice, room: bytes, row: LogRow, change: CommitChange, happened: RoomChange
) -> None:
    """Note who is to be given history, after a commit that adds devices."""
    added = [device for device in happened.devices_added if device != happened.resynced]
    if not added:
        return
    before = read_room(change.extensions_before, change.tree_before).policy
    after = read_room(change.extensions_after, change.tree_after).policy
    mine = (happened.by, happened.device_id) == (own.did, own.keys.device_id)
    for device in added:
        if device.did == own.did:
            if device.device_id != own.keys.device_id:
                due = 0 if mine else row.accepted_at + UNTIL_OTHERS_MS
                _grant(tx, room, device, 0, row.position, due)
        elif device.did in happened.joined:
            since = _allowed(tx, room, device, before, after, row, by_link=device.did in happened.by_link)
            if since is not None and mine:
                _grant(tx, room, device, since, row.position, 0)


def entered(tx: Connection, room: bytes, policy: RoomPolicy, position: Position, at: int) -> None:
    """Note where this device enters a room."""
    history.enter(tx, room, Entry(position, at, policy.history))


def offered(tx: Connection, room: bytes, author: VerifiedLeaf, said: HistoryOffer) -> None:
    """Hear that somebody offers history: to this device, or to another, which then needs no other offer."""
    own, offer = accounts.load(tx), said.object
    if own is None or (author.did, author.device_id) == (own.did, own.device.device_id):
        return
    if (offer.to, offer.device_id) == (own.did, own.device.device_id):
        node = node_of(author.actor)
        data = msgspec.msgpack.encode(offer)
        history.offer(tx, Bundle(room, offer.blob_hash, author.did, node, data))
        return
    waiting = (one for one in history.grants(tx) if one.room == room and one.due)
    if any((one.did, one.device_id) == (offer.to, offer.device_id) for one in waiting):
        history.end_grant(tx, room, offer.to, offer.device_id)


def wanted(tx: Connection, room: bytes, row: LogRow, author: VerifiedLeaf, said: HistoryWanted) -> None:
    """Hear that somebody asks for history."""
    own, ask = accounts.load(tx), said.object
    if own is None or (author.did, author.device_id) == (own.did, own.device.device_id):
        return
    if ask.device_id != author.device_id:
        return  # a device asks for itself
    since = 0 if author.did == own.did else history.chosen(tx, room, author.did)
    if since is None or since < 0:
        text = f"asks for what was said before they came. To tell them: {_to_type(room, author.actor)}"
        line = NewItem(
            room=room,
            kind="notice",
            did=author.did,
            actor=author.actor,
            text=text,
            reason="historyWanted",
            position=row.position,
            accepted_at=row.accepted_at,
        )
        timeline.add(tx, line)
        return
    delay = random.randrange(1, MAX_ANSWER_DELAY_MS)  # noqa: S311  # so that not all answer at once
    device = Device(author.did, author.device_id)
    _grant(tx, room, device, max(since, ask.since), ask.before, row.accepted_at + delay)


def _to_type(room: bytes, actor: str) -> str:
    """Say what tells them; it is pasted into shells, so nothing that others chose freely may be in it."""
    address = address_of(actor)
    return f"`yurt room tell {room.hex()[:8]} {address if _PLAIN.fullmatch(address) else 'ADDRESS'}`"


def _grant(tx: Connection, room: bytes, device: Device, since: int, before: Position, due: int) -> None:
    history.grant(tx, Grant(room, device.did, device.device_id, since, before, due))


def _allowed(
    tx: Connection,
    room: bytes,
    device: Device,
    before: RoomPolicy,
    after: RoomPolicy,
    row: LogRow,
    *,
    by_link: bool,
) -> int | None:
    """From which moment on a joiner may be given history, as far as it is known here; None for nothing."""
    if by_link:
        invite = _least([each for each in before.invites if _used(each, after)])
        since = None if invite is None else oldest_allowed(after, row.accepted_at, invite)
    else:
        # What was chosen when they came an earlier time is over: they may have been removed since.
        chosen = history.chosen(tx, room, device.did) == ALL_ALLOWED
        since = oldest_allowed(after, row.accepted_at) if chosen else None
    if since is None or since >= row.accepted_at:
        history.choose_nothing(tx, room, device.did)
        return None
    history.choose(tx, room, device.did, since)
    return since


def _used(invite: Invite, after: RoomPolicy) -> bool:
    left = after.invite(invite.invite_pub)
    return left is None or left.uses_left < invite.uses_left


def _least(invites: list[Invite]) -> Invite | None:
    """The link that allows least: a commit may add people of several."""
    return min(invites, key=lambda invite: invite.history, default=None)
