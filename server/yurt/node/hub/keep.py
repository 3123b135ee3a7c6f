"""What an accepted row changes in the store, in the transaction that stores it: a named unit of work.

The row itself; with a commit or a proposal the room's new state; with a commit who may read from now on,
Welcomes (into the inbox of a local person, else to their node), and the start of a copy for each new member
node.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from yurt.identity.leaf import LeafUse
from yurt.identity.location import node_of
from yurt.node.hub.states import stored
from yurt.node.ids import account_at
from yurt.node.store import accounts, join_requests, logs, outbound, rooms
from yurt.node.store.logs import NewRow
from yurt.node.store.outbound import Outbound, OutboundKind
from yurt.node.store.types import Tx
from yurt.rooms.common.room_change import RoomChange
from yurt.rooms.hub.effects import Accepted, DeliverWelcome, DeviceRemoved, NodeJoined, NodeLeft
from yurt.rooms.hub.snapshot import encode_snapshot
from yurt.rooms.hub.state import HubState
from yurt.wire.exchange import RoomStart, WelcomeDelivery
from yurt.wire.frames import room_log
from yurt.wire.position import Position
from yurt.wire.registry import InboxKind

_ID_SIZE: Final = 16


@dataclass(frozen=True, slots=True)
class Decision:
    """One accepted entry, and the room right after it."""

    accepted: Accepted
    after: HubState


def keep(tx: Tx, domain: str, before: HubState, decisions: Sequence[Decision]) -> None:
    """Store what a hub accepted, if the room still stands where it was decided.

    Args:
        tx: The transaction.
        domain: This node's name.
        before: The room that the first decision was made on.
        decisions: In order, at least one.

    Raises:
        StaleHead: Something else was stored meanwhile; nothing is changed.
    """
    rows = [decision.accepted.row for decision in decisions]
    logs.append(tx, room_log(before.room_id), before.head, rows)
    commits = [(one, one.accepted.change) for one in decisions if one.accepted.change is not None]
    if any(decision.accepted.keeps_state for decision in decisions):
        group_info = commits[-1][0].accepted.group_info if commits else b""
        rooms.update(tx, stored(decisions[-1].after), group_info)
    for decision, change in commits:
        _keep_commit(tx, domain, decision, change)


def move_windows(tx: Tx, room: bytes, change: RoomChange, at: Position) -> None:
    """Open and close the windows of devices whose leaves came or went by a commit.

    A device reads from the commit that added its person's first leaf on, to its own removal.
    """
    gone = [(device.did, device.device_id) for device in change.devices_removed]
    rooms.close_windows(tx, room, gone, at)
    for device in change.devices_added:
        start = None if device.did in change.joined else rooms.first_start(tx, room, device.did)
        rooms.open_windows(tx, room, [(device.did, device.device_id)], start or at)


def prove_windows(tx: Tx, after: HubState, changes: Sequence[RoomChange]) -> None:
    """Note which devices made a leaf for the room by these commits."""
    people, proved = after.standing.people, list[tuple[str, bytes]]()
    for change in changes:
        member = people.device(change.by, change.device_id)
        if member is not None and member.leaf.use is LeafUse.ROOM:
            proved.append((change.by, change.device_id))
    rooms.prove_windows(tx, after.room_id, proved)


def post_welcome(tx: Tx, account: str, delivery: WelcomeDelivery) -> bool:
    """Put a Welcome into an account's inbox; False if the same one is there already."""
    body = msgspec.msgpack.encode(delivery)
    digest = hashlib.sha256(body).digest()
    log = logs.inbox_log(account)
    if logs.find(tx, log, digest) is not None:
        return False
    logs.post(tx, log, NewRow(InboxKind.WELCOME, delivery.accepted_at, digest, body))
    return True


def _keep_commit(tx: Tx, domain: str, decision: Decision, change: RoomChange) -> None:
    accepted, after = decision.accepted, decision.after
    row = accepted.row
    move_windows(tx, after.room_id, change, row.position)
    prove_windows(tx, after, [change])
    join_requests.end_links(tx, after.room_id, change.links_ended)
    for effect in accepted.effects:
        match effect:
            case DeliverWelcome():
                _deliver(tx, domain, after.room_id, accepted, effect)
            case NodeJoined():
                if effect.node != domain:
                    _start_copy(tx, effect.node, accepted, after)
            case NodeLeft():
                rooms.end_nodes(tx, after.room_id, [effect.node], row.position)
            case DeviceRemoved():
                pass  # its window is closed above


def _deliver(tx: Tx, domain: str, room: bytes, accepted: Accepted, to: DeliverWelcome) -> None:
    row = accepted.row
    delivery = WelcomeDelivery(
        id=os.urandom(_ID_SIZE),
        room=room,
        did=to.did,
        device_id=to.device_id,
        welcome=accepted.welcome,
        position=row.position,
        chain=row.chain,
        accepted_at=row.accepted_at,
    )
    node = node_of(to.actor)
    if node != domain:
        body = msgspec.msgpack.encode(delivery)
        outbound.put(tx, Outbound(delivery.id, node, OutboundKind.WELCOME, room, body, delivery.accepted_at))
        return
    name = account_at(domain, to.actor)
    account = accounts.account_named(tx, name) if name else None
    if account is not None and account.did == to.did:  # a leaf may name an account that never was
        post_welcome(tx, account.name, delivery)


def _start_copy(tx: Tx, node: str, accepted: Accepted, after: HubState) -> None:
    room, row = after.room_id, accepted.row
    if not rooms.add_node(tx, room, node, row.position):
        return
    start = RoomStart(os.urandom(_ID_SIZE), room, row, encode_snapshot(after), accepted.group_info)
    body = msgspec.msgpack.encode(start)
    outbound.put(tx, Outbound(start.id, node, OutboundKind.START, room, body, row.accepted_at))
    logs.reset_cursor(tx, room_log(room), rooms.peer_reader(node), row.position)
