"""What a commit did to a room, as its timeline must show it: who, what, and in which epoch (TRUST 3)."""

from dataclasses import dataclass

from yurt.identity.did import Did
from yurt.rooms.common.judged import Case
from yurt.rooms.common.participants import Member, Participants
from yurt.rooms.common.policy import Role, RoomPolicy


@dataclass(frozen=True, slots=True)
class RoleChange:
    """Somebody's role became another."""

    did: Did
    before: Role
    after: Role


@dataclass(frozen=True, slots=True)
class Moved:
    """A participant's device is at another actor now."""

    did: Did
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Device:
    """One device of a person."""

    did: Did
    device_id: bytes


@dataclass(frozen=True, slots=True)
class RoomChange:
    """What happened, and by whom; each line of it is shown and cannot be hidden."""

    epoch: int
    """The epoch that the commit begins."""
    by: Did
    device_id: bytes
    """The committing device."""
    joined: tuple[Did, ...] = ()
    left: tuple[Did, ...] = ()
    """Went by themselves (SelfRemove)."""
    removed: tuple[Did, ...] = ()
    devices_added: tuple[Device, ...] = ()
    """All new leaves, those of people who joined included."""
    devices_removed: tuple[Device, ...] = ()
    roles: tuple[RoleChange, ...] = ()
    banned: tuple[Did, ...] = ()
    unbanned: tuple[Did, ...] = ()
    moved: tuple[Moved, ...] = ()
    by_link: tuple[Did, ...] = ()
    """Those of `joined` who came by a link."""
    links_made: tuple[bytes, ...] = ()
    """Invite keys of new links."""
    links_ended: tuple[bytes, ...] = ()
    """Revoked, expired or used up."""
    resynced: Device | None = None
    """The committer's own device came back from outside, after a loss."""
    settings: bool = False
    """History, limits or another part of the policy changed."""
    owner: Did | None = None
    """Who acts as the owner from now on, if that is somebody else than before."""

    @property
    def is_quiet(self) -> bool:
        """Whether nothing but keys changed, so that there is no line to show."""
        return self == RoomChange(self.epoch, self.by, self.device_id)


def describe(case: Case) -> RoomChange:
    """Say what a judged commit did."""
    before, after = case.before, case.after
    here, then = before.policy, after.policy
    owner = after.effective_owner
    left = tuple(
        dict.fromkeys(m.did for m in before.people.members if m.index in case.left and m.did in case.gone)
    )
    return RoomChange(
        epoch=case.change.epoch + 1,
        by=case.by.did,
        device_id=case.by.leaf.device_id,
        joined=_new(before.people, after.people),
        left=left,
        removed=tuple(did for did in _new(after.people, before.people) if did not in left),
        devices_added=_new_devices(before.people, after.people),
        devices_removed=_new_devices(after.people, before.people),
        roles=_roles(case),
        banned=tuple(did for did in then.bans if did not in here.bans),
        unbanned=tuple(did for did in here.bans if did not in then.bans),
        moved=_moved(before.people, after.people),
        by_link=case.joins.new,
        links_made=_new_links(here, then),
        links_ended=_new_links(then, here),
        resynced=Device(case.by.did, case.by.leaf.device_id) if case.is_resync else None,
        settings=(here.history, here.limits, here.takeover_after)
        != (then.history, then.limits, then.takeover_after),
        owner=None if owner == before.effective_owner else owner,
    )


def _new(old: Participants, new: Participants) -> tuple[Did, ...]:
    return tuple(did for did in new.dids if did not in old)


def _new_links(old: RoomPolicy, new: RoomPolicy) -> tuple[bytes, ...]:
    return tuple(invite.invite_pub for invite in new.invites if old.invite(invite.invite_pub) is None)


def _devices(people: Participants) -> dict[Device, Member]:
    return {Device(member.did, member.leaf.device_id): member for member in people.members}


def _new_devices(old: Participants, new: Participants) -> tuple[Device, ...]:
    had = _devices(old)
    return tuple(device for device in _devices(new) if device not in had)


def _roles(case: Case) -> tuple[RoleChange, ...]:
    before, after = case.before.policy, case.after.policy
    dids = dict.fromkeys(entry.did for entry in (*before.roles, *after.roles))
    changes = (RoleChange(did, before.listed_role(did), after.listed_role(did)) for did in dids)
    return tuple(change for change in changes if change.before != change.after)


def _moved(old: Participants, new: Participants) -> tuple[Moved, ...]:
    had = _devices(old)
    pairs = ((had[device].leaf, member.leaf) for device, member in _devices(new).items() if device in had)
    return tuple(
        Moved(after.did, before.actor, after.actor) for before, after in pairs if before.actor != after.actor
    )
