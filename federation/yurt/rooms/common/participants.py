"""Who is in a room: the dids in its tree, each with its leaves (TRUST 3).

Participants are never listed anywhere else. A leaf is verified once: the same leaf of the next tree, and
the same bytes read again, are found in a small cache; at 500 leaves that is the difference between
nothing and 120 ms a commit.

    people = participants_of(tree)
    people.dids, people.of(did), people.nodes
    standing = Standing(policy, people)
    standing.role(did)                      # with the effective owner as the owner
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

from yurt.identity.did import Did
from yurt.identity.leaf import VerifiedLeaf, verify_leaf
from yurt.identity.location import node_of
from yurt.mls.leaf_node import LeafNode
from yurt.rooms.common.policy import Role, RoomPolicy

_CACHE_SIZE: Final = 8192
"""Leaves; about a kilobyte each."""


class Tree(Protocol):
    """The part of a ratchet tree that is needed here."""

    def leaves(self) -> Iterable[tuple[int, LeafNode]]:
        """Give the leaves that are not blank, from the left."""
        ...


class _LeafCache:
    """Remembers leaves that verified, by object and by bytes; forgets all when full."""

    def __init__(self) -> None:
        # The object is kept beside its value, so its id cannot be given to another one.
        self._by_object: dict[int, tuple[LeafNode, VerifiedLeaf]] = {}
        self._by_bytes: dict[bytes, VerifiedLeaf] = {}

    def verify(self, leaf: LeafNode) -> VerifiedLeaf:
        found = self._by_object.get(id(leaf))
        if found is not None:
            return found[1]
        data = leaf.encode()
        verified = self._by_bytes.get(data)
        if verified is None:
            verified = verify_leaf(leaf)
        if len(self._by_object) >= _CACHE_SIZE:
            self._by_object.clear()
            self._by_bytes.clear()
        self._by_object[id(leaf)] = leaf, verified
        self._by_bytes[data] = verified
        return verified


_cache: Final = _LeafCache()


def verified_leaf(leaf: LeafNode) -> VerifiedLeaf:
    """Learn whose leaf this is, at the cost of two signatures the first time.

    Raises:
        LeafError: See `yurt.identity.leaf.verify_leaf`.
        WrongSignature: Likewise.
        DeviceError: Likewise.
    """
    return _cache.verify(leaf)


@dataclass(frozen=True, slots=True)
class Member:
    """One leaf of the room."""

    index: int
    leaf: VerifiedLeaf

    @property
    def did(self) -> Did:
        """Whose leaf it is."""
        return self.leaf.did


# No slots in the next two: what they compute once stays in their __dict__.
@dataclass(frozen=True)
class Participants:
    """The people of one epoch; in the order of their lowest leaf."""

    members: tuple[Member, ...]
    """All leaves, from the left."""

    @cached_property
    def _by_did(self) -> dict[Did, tuple[Member, ...]]:
        people: dict[Did, list[Member]] = {}
        for member in self.members:
            people.setdefault(member.did, []).append(member)
        return {did: tuple(members) for did, members in people.items()}

    @property
    def dids(self) -> tuple[Did, ...]:
        """The participants."""
        return tuple(self._by_did)

    def __contains__(self, did: object) -> bool:
        """Tell whether somebody participates."""
        return did in self._by_did

    def __len__(self) -> int:
        """Count the participants, not the leaves."""
        return len(self._by_did)

    def of(self, did: str) -> tuple[Member, ...]:
        """Give a participant's leaves; none for somebody else."""
        return self._by_did.get(Did(did), ())

    def device(self, did: str, device_id: bytes) -> Member | None:
        """Give the leaf of one device."""
        return next((m for m in self.of(did) if m.leaf.device_id == device_id), None)

    def actors(self, did: str) -> tuple[str, ...]:
        """Where a participant is, by their leaves; more than one while a move is under way."""
        return tuple(dict.fromkeys(member.leaf.actor for member in self.of(did)))

    def by_actor(self, actor: str) -> tuple[Did, ...]:
        """Give the dids that have a leaf with this actor: normally one."""
        return tuple(dict.fromkeys(m.did for m in self.members if m.leaf.actor == actor))

    @cached_property
    def nodes(self) -> frozenset[str]:
        """The nodes that keep a copy: the hosts of the actors in the leaves."""
        return frozenset(node_of(member.leaf.actor) for member in self.members)


def participants_of(tree: Tree) -> Participants:
    """Verify every leaf of a tree and group them by person.

    Raises:
        LeafError: A leaf does not prove whose it is; a room has no such leaf.
        WrongSignature: Likewise.
        DeviceError: Likewise.
    """
    return Participants(tuple(Member(index, verified_leaf(leaf)) for index, leaf in tree.leaves()))


@dataclass(frozen=True)
class Standing:
    """Who may do what in one epoch."""

    policy: RoomPolicy
    people: Participants

    @cached_property
    def effective_owner(self) -> Did | None:
        """The one who acts as the owner: computed, never stored (TRUST 3).

        The first owner present, else the first admin, else the first moderator, else the lowest leaf.
        """
        for role in (Role.OWNER, Role.ADMIN, Role.MODERATOR):
            for entry in self.policy.roles:
                if entry.role is role and entry.did in self.people:
                    return entry.did
        return self.people.dids[0] if self.people.dids else None

    def role(self, did: str) -> Role:
        """Give somebody's role, the effective owner's being owner."""
        if did == self.effective_owner:
            return Role.OWNER
        return self.policy.listed_role(Did(did))
