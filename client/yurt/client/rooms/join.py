"""Joining a room by the Welcome that waits in the inbox.

Everything is checked before anything is kept: the Welcome opens with a key package of this device, the
GroupInfo is signed by a member, every leaf of the tree proves whose it is, and the group has a room's
policy. Then group, room, place and the used key package change in one transaction. A Welcome for a room
that is known, or for a key package that was used, changes nothing (TRUST 6).
"""

from dataclasses import dataclass, replace

from sqlcipher3.dbapi2 import Connection

from yurt.client.history import granting
from yurt.client.rooms import lines
from yurt.client.rooms.groups import Groups
from yurt.client.rooms.leaves import Device
from yurt.client.rooms.roster import check_pins, people_of
from yurt.client.vault import (
    addresses,
    cursors,
    joinings,
    key_packages,
    link_makers,
    raced,
    rooms,
    timeline,
)
from yurt.client.vault.mls_store import VaultGroupStore
from yurt.client.vault.rooms import RoomRow
from yurt.client.vault.timeline import NewItem
from yurt.identity.did import Did
from yurt.mls.errors import GroupExists, RemoteMlsError
from yurt.mls.extensions import find_extension
from yurt.mls.framing import MLSMessage
from yurt.mls.group import Group
from yurt.mls.key_package_bundle import KeyPackageBundle
from yurt.mls.welcome import Welcome
from yurt.rooms.common.card import RoomCard
from yurt.rooms.common.errors import ContentError, Refused
from yurt.rooms.common.log_copy import LogCopy
from yurt.rooms.common.participants import Standing
from yurt.rooms.common.room import read_room
from yurt.rooms.common.rules import Rule
from yurt.wire.exchange import WelcomeDelivery
from yurt.wire.frames import room_log
from yurt.wire.registry import CIPHER_SUITE, ROOM_CARD_EXTENSION


@dataclass(frozen=True, slots=True)
class WelcomeRefused:
    """A Welcome that let nobody in."""

    code: str


def join_room(
    tx: Connection, device: Device, groups: Groups, delivery: WelcomeDelivery
) -> RoomRow | WelcomeRefused | None:
    """Follow a Welcome into its room.

    Returns:
        The room; why not; or None if the Welcome is for another device.
    """
    if delivery.device_id != device.keys.device_id:
        return None
    known = rooms.find(tx, delivery.room)
    if known is not None and known.state != "removed":
        return None  # a second Welcome for a room that we are in
    bundle = _used_bundle(tx, delivery.welcome)
    if bundle is None:
        return _refuse(tx, delivery, "keyPackageUsed")
    store = VaultGroupStore(tx)
    try:
        group = Group.join(store, delivery.welcome, bundle)
    except RemoteMlsError as error:
        return _refuse(tx, delivery, error.rule)
    except GroupExists:
        return _refuse(tx, delivery, "knownRoom")
    try:
        _check_asked(tx, bundle, delivery.room)
        standing = _check(group, device, delivery)
        card = _card(group)
    except (Refused, ContentError) as error:
        group.forget()
        return _refuse(tx, delivery, error.code)
    if not bundle.is_last_resort:
        key_packages.delete(tx, bundle.ref)
    groups.keep(group)
    return _keep(tx, device, delivery, group, standing, card)


def _used_bundle(tx: Connection, welcome: bytes) -> KeyPackageBundle | None:
    """Find the key package of ours that a Welcome was made for."""
    try:
        secrets = MLSMessage.decode(welcome).expect(Welcome).secrets
    except RemoteMlsError:
        return None
    bundle = key_packages.find(tx, [entry.new_member for entry in secrets])
    return None if bundle is None else KeyPackageBundle.decode(bundle)


def _check_asked(tx: Connection, bundle: KeyPackageBundle, room: bytes) -> None:
    """Check that a key package that went to a hub, with a request for one room, is used for that room.

    Raises:
        Refused: ``wrongRoom``: a request for one room is no yes to another.
    """
    if joinings.room_of(tx, bundle.ref) not in (None, room):
        raise Refused(Rule.WRONG_ROOM, "the Welcome is for another room than was asked for")


def _check(group: Group, device: Device, delivery: WelcomeDelivery) -> Standing:
    """Check that the group is the room that the inbox named, and that we are in it as ourselves.

    Raises:
        Refused: A leaf, the policy, or the stamp is not as it must be.
    """
    if group.context.cipher_suite != CIPHER_SUITE:
        raise Refused(Rule.INVALID_COMMIT, "a room is of another cipher suite than rooms have")
    standing = read_room(group.context.extensions, group.tree)
    own = standing.people.device(device.did, device.keys.device_id)
    # TRUST 4: the room is named by the signed group, never by the envelope around it.
    if group.group_id != delivery.room or own is None or own.index != group.own_index:
        raise Refused(Rule.WRONG_ROOM, "the Welcome is for another room or another device")
    if standing.policy.term != delivery.position.term:
        raise Refused(Rule.WRONG_ROOM, "the Welcome is stamped with another term")
    return standing


def _card(group: Group) -> RoomCard:
    data = find_extension(group.group_info_extensions, ROOM_CARD_EXTENSION)
    return RoomCard("") if data is None else RoomCard.decode(data)


def _keep(
    tx: Connection,
    device: Device,
    delivery: WelcomeDelivery,
    group: Group,
    standing: Standing,
    card: RoomCard,
) -> RoomRow:
    room = RoomRow(
        room=delivery.room,
        name=card.name,
        topic=card.topic,
        hub=standing.policy.hub,
        state="active",
        stamped=False,
        epoch=group.epoch,
        people=people_of(standing.people, device.did),
    )
    known = rooms.find(tx, delivery.room)
    if known is None:
        rooms.insert(tx, room)
    else:
        # Back again: own contents go on counting, so that nobody takes the next one for a repetition.
        room = replace(room, sender=known.sender)
        rooms.update(tx, room)
    asked = joinings.find(tx, delivery.room)
    joinings.end(tx, delivery.room)
    place = LogCopy(delivery.position, delivery.chain, delivery.accepted_at)
    cursors.save(tx, room_log(delivery.room), place)
    _tell(tx, room, delivery, group, standing)
    if asked is not None and asked.inviter and asked.state != "refused":
        is_here = Did(asked.inviter) in standing.people
        at, then = delivery.position, delivery.accepted_at
        link_makers.entered(tx, room.room, asked.inviter, present=is_here, at=at, accepted_at=then)
    granting.entered(tx, room.room, standing.policy, delivery.position, delivery.accepted_at)
    raced.enter(tx, room.room, group.epoch)
    check_pins(tx, room.room, standing.people)
    return room


def _tell(tx: Connection, room: RoomRow, delivery: WelcomeDelivery, group: Group, standing: Standing) -> None:
    """Say who added us: the member who signed the GroupInfo made the commit."""
    by = next((member for member in standing.people.members if member.index == group.added_by), None)
    actor = "" if by is None else by.leaf.actor
    timeline.add(
        tx,
        NewItem(
            room=room.room,
            kind="roster",
            did="" if by is None else by.did,
            actor=actor,
            text=f"{addresses.told(tx, by.did, actor) if by else 'somebody'} added you (epoch {room.epoch})",
            position=delivery.position,
            accepted_at=delivery.accepted_at,
        ),
    )


def _refuse(tx: Connection, delivery: WelcomeDelivery, code: str) -> WelcomeRefused:
    """Say that somebody tried to bring us in, and why it did not work."""
    timeline.add(
        tx,
        NewItem(
            room=delivery.room,
            kind="notice",
            text=f"an invitation could not be used ({code}): ask for another one",
            reason=lines.WELCOME_REFUSED,
            accepted_at=delivery.accepted_at,
        ),
    )
    return WelcomeRefused(code)
