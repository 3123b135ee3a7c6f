"""What a person's newest record asks of a room: the floor, and which leaves go (TRUST 3).

A revocation is a record; each room learns of it by one commit, from anybody, that carries the record, raises
the floor and removes the leaves. The judge holds both halves together.

    wanted = revocation_of(standing, record)        # None: the room is as the record says
    stage_commit(removes=wanted.leaves, policy=wanted.policy, data=CommitData(now, (record_bytes,)))
"""

from dataclasses import dataclass, replace

from yurt.identity.did import Did
from yurt.identity.record import PersonRecord
from yurt.rooms.common.participants import Participants, Standing
from yurt.rooms.common.policy import Floor, RoomPolicy


@dataclass(frozen=True, slots=True)
class Revocation:
    """One commit's work."""

    did: Did
    leaves: tuple[int, ...]
    """Indices to be removed."""
    policy: RoomPolicy
    """With the floor raised."""


def floor_of(record: PersonRecord) -> int:
    """Give the least ``record_seq`` that shuts out what a record revokes, and nothing that it lists.

    A revocation issues the other certificates anew (TRUST 2), so everything revoked is below it.
    """
    return min((certificate.record_seq for certificate in record.devices), default=record.seq)


def revoked_leaves(people: Participants, record: PersonRecord) -> tuple[int, ...]:
    """Find the leaves of devices that a record revokes."""
    return tuple(m.index for m in people.of(record.did) if m.leaf.device_id in record.revoked)


def raised(policy: RoomPolicy, did: Did, floor: int) -> RoomPolicy:
    """Give a policy in which a did's floor is at least `floor`."""
    if policy.floor(did) >= floor:
        return policy
    others = tuple(each for each in policy.floors if each.did != did)
    return replace(policy, floors=(*others, Floor(did, floor)))


def revocation_of(standing: Standing, record: PersonRecord) -> Revocation | None:
    """Say what a room must still do about a record; None if nothing.

    Args:
        standing: The room.
        record: A verified record of a participant, the newest that is known.
    """
    if not record.revoked or record.did not in standing.people:
        return None
    leaves = revoked_leaves(standing.people, record)
    policy = raised(standing.policy, record.did, floor_of(record))
    if not leaves and policy is standing.policy:
        return None
    return Revocation(record.did, leaves, policy)
