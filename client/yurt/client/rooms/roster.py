"""Commits as they come from the log: judged like everywhere, merged, and told in the timeline.

The first commit of an epoch takes it. One that the hub accepted and that this client cannot follow stops
the room here: nothing is sent into a group whose members may differ (TRUST 3, 4).
"""

from dataclasses import replace

from sqlcipher3.dbapi2 import Connection

from yurt.client.history import granting
from yurt.client.rooms import lines
from yurt.client.rooms.groups import Groups
from yurt.client.rooms.leaves import Device
from yurt.client.vault import addresses, leavings, outbox, people, rooms, timeline
from yurt.client.vault.accounts import address_of
from yurt.client.vault.rooms import RoomRow
from yurt.client.vault.timeline import NewItem
from yurt.mls.change import CommitChange
from yurt.mls.errors import CommitOfOwnLeaf, RemoteMlsError
from yurt.mls.group import Group, OwnCommit
from yurt.mls.policy import judged_by_caller
from yurt.mls.receiving import ReceivedCommit, ReceivedProposal
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.judge import judge
from yurt.rooms.common.judged import Judged
from yurt.rooms.common.leaving import judge_proposal
from yurt.rooms.common.participants import Participants, participants_of
from yurt.rooms.common.room_change import RoomChange
from yurt.rooms.member.received import FRESH
from yurt.wire.position import LogRow


class CannotFollow(Exception):  # caught in this package, never shown as an error
    """A commit that the log has and this client cannot take."""

    def __init__(self, code: str, *, heals: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.heals = heals
        """Whether this device may come back by itself: nobody broke a rule that all can check (TRUST 7)."""


class Roster:
    """Takes commits in."""

    def __init__(self, device: Device, groups: Groups) -> None:
        self._device = device
        self._groups = groups

    def take(self, tx: Connection, room: RoomRow, row: LogRow) -> RoomRow:
        """Follow a commit into its epoch; returns the room as it is then.

        Raises:
            CannotFollow: It is not valid, though the hub accepted it.
        """
        group = self._groups.load(tx, room.room)
        try:
            received = group.process(row.body, at=row.accepted_at, policy=judged_by_caller)
            if not isinstance(received, OwnCommit | ReceivedCommit):
                raise CannotFollow(lines.WRONG_FRAMING)
            change = received.staged.change if isinstance(received, OwnCommit) else received.change
            happened = judge(change, Judged.of(row))
        except RemoteMlsError as error:
            raise CannotFollow(error.rule, heals=_holds(group, row, error)) from error
        except Refused as error:
            raise CannotFollow(error.code) from error
        after = self._enter(tx, room, group, received)
        self._tell(tx, room.room, row, change, happened)
        granting.came_in(tx, self._device, room.room, row, change, happened)
        return after

    def take_proposal(self, tx: Connection, room: RoomRow, row: LogRow) -> RoomRow:
        """Keep somebody's wish to leave, which a later commit names; one that is none changes nothing."""
        group = self._groups.load(tx, room.room)
        try:
            received = group.process(row.body, at=row.accepted_at)
            if isinstance(received, ReceivedProposal):
                who = judge_proposal(received.pending, group.tree).did
                actor = next(iter(participants_of(group.tree).actors(who)), "")
                if who != self._device.did:
                    leavings.depart(tx, room.room, row.accepted_at)
                text = f"{addresses.told(tx, who, actor)} wants to leave (epoch {group.epoch})"
                _add_line(tx, room.room, row, text, did=who, actor=actor)
        except (RemoteMlsError, Refused):
            # The hub should have refused it; without a commit that names it, it does nothing.
            reason = lines.WRONG_FRAMING
            text = lines.text_of(reason)
            told = NewItem(room=room.room, kind="notice", text=text, reason=reason, position=row.position)
            timeline.add(tx, told)
        return room

    def _enter(
        self, tx: Connection, room: RoomRow, group: Group, received: OwnCommit | ReceivedCommit
    ) -> RoomRow:
        """Merge; an own commit that lost the epoch is gone with it."""
        outbox.drop_commit(tx, room.room)
        leavings.departed(tx, room.room)
        if isinstance(received, OwnCommit):
            group.merge()
        elif received.removes_me:
            self._groups.forget(tx, room.room)
            reason = leavings.LEFT if leavings.end(tx, room.room) else ""
            return replace(rooms.ended(room, reason), epoch=received.change.epoch + 1)
        else:
            group.merge_received(received)
        who = participants_of(group.tree)
        return replace(room, epoch=group.epoch, people=people_of(who, self._device.did))

    def _tell(
        self, tx: Connection, room: bytes, row: LogRow, change: CommitChange, happened: RoomChange
    ) -> None:
        """Write the lines that nobody can hide, and forget leaves that went."""
        before, after = participants_of(change.tree_before), participants_of(change.tree_after)

        def name(did: str) -> str:
            actors = after.actors(did) or before.actors(did)
            return addresses.told(tx, did, actors[0]) if actors else did

        actor = next(iter(before.actors(happened.by)), "")
        for text in lines.roster_lines(happened, name):
            _add_line(tx, room, row, f"{text} (epoch {happened.epoch})", did=happened.by, actor=actor)
        _begin_anew(tx, room, happened)
        check_pins(tx, room, after)


def _begin_anew(tx: Connection, room: bytes, happened: RoomChange) -> None:
    """Say from which number on the messages of leaves that came or came back are counted.

    Who was never here begins with 0, so that not even a first message can be withheld. Who was here before
    goes on counting where it stood, wherever that is; an older copy of a vault, which lost its place, too.
    """
    for device in happened.devices_added:
        if rooms.sender_log(tx, room, device.did, device.device_id) is None:
            rooms.keep_sender_log(tx, room, device.did, device.device_id, FRESH)
        else:
            rooms.forget_sender(tx, room, device.did, device.device_id)
    if happened.resynced is not None and happened.resynced not in happened.devices_added:
        rooms.forget_sender(tx, room, happened.resynced.did, happened.resynced.device_id)


def _holds(group: Group, row: LogRow, error: RemoteMlsError) -> bool:
    """Tell whether a commit that we cannot take is one that nodes and other members had to take.

    Whoever comes back takes the room as it is then. After a commit against the rules that would be the
    word of the hub and of one member for what everybody refuses.
    """
    if isinstance(error, CommitOfOwnLeaf):
        return False  # TRUST 2: alarm, stop; a person decides
    try:
        staged = group.public.stage(row.body, at_ms=row.accepted_at, policy=judged_by_caller)
        judge(staged.change, Judged.of(row))
    except (RemoteMlsError, Refused):
        return False
    return True


def _add_line(tx: Connection, room: bytes, row: LogRow, text: str, *, did: str, actor: str) -> None:
    """Add a line that nobody can hide."""
    timeline.add(
        tx,
        NewItem(
            room=room,
            kind="roster",
            did=did,
            actor=actor,
            text=text,
            position=row.position,
            accepted_at=row.accepted_at,
        ),
    )


def people_of(who: Participants, own: str) -> tuple[tuple[str, str], ...]:
    """Give did and actor of each participant, own first."""
    pairs = [(str(did), who.actors(did)[0]) for did in who.dids]
    return tuple(sorted(pairs, key=lambda pair: pair[0] != own))


def check_pins(tx: Connection, room: bytes, who: Participants) -> None:
    """Notice a known address that comes with another did; the outbox sends nothing there (TRUST 1)."""
    claimed = [(did, address_of(actor)) for did in who.dids for actor in who.actors(did)]
    for did, address in claimed:
        pin = people.by_address(tx, address)
        if pin is None or pin.did == did or pin.changed == did:
            continue
        if addresses.is_refused_as(tx, did, address):
            continue  # the person has decided
        people.mark_changed(tx, pin.did, did)
        text = f"{address} is not who it was: nothing is sent here until you have decided"
        timeline.add(tx, NewItem(room=room, kind="notice", did=did, text=text, reason=lines.DID_CHANGED))
