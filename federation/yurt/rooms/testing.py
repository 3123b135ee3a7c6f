"""People and rooms for tests of the judge: keys are fixed, and MLS's own rules are not asked.

A `RoomBefore` says what a room is and what a commit shall do; it writes the `CommitChange` as MLS would.
Nothing of the product imports this module.

    case = room(ANA, BO, by=ANA)
    case.adds.append(EVE.leaf())
    case.judge()
"""

from dataclasses import dataclass, field, replace
from typing import Final

from yurt.identity.device import DeviceCertificate, DeviceKeys
from yurt.identity.identity_key import IdentityKey
from yurt.identity.leaf import LeafUse, issue_leaf
from yurt.identity.signed_record import SignedRecord, first_record, verify_first
from yurt.mls.capabilities import Capabilities
from yurt.mls.change import CommitChange, EnteringLeaf
from yurt.mls.cipher_suite import X25519_AES128GCM_SHA256_ED25519 as SUITE
from yurt.mls.credential import Credential
from yurt.mls.extensions import Extension
from yurt.mls.key_package import KeyPackage
from yurt.mls.leaf_node import LeafNode, LeafNodeSource, Lifetime
from yurt.mls.proposals import Add, ExternalInit, GroupContextExtensions, Proposal, Remove, SelfRemove
from yurt.mls.ratchet_tree import RatchetTree
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.judge import judge
from yurt.rooms.common.judged import Judged
from yurt.rooms.common.policy import Role, RoleEntry, RoomPolicy
from yurt.rooms.common.room import room_extensions
from yurt.rooms.common.room_change import RoomChange
from yurt.wire.registry import LEAF_EXTENSION

NOW: Final = 1_795_000_000
"""Seconds since 1970."""
NOW_MS: Final = NOW * 1000
DAY: Final = 86_400
ROOM_ID: Final = bytes([9]) * 32
HUB: Final = "harbour.example"
AT: Final = Judged(1, 7, NOW_MS)
EPOCH: Final = 4
"""The epoch that the commits end."""


class Person:
    """Somebody with devices, each of which can make leaves."""

    def __init__(self, name: str, number: int) -> None:
        self.identity = IdentityKey(bytes([number]) * 32)
        self.did = self.identity.did
        self.actor = f"https://{HUB}/users/{name}"
        self.devices = [
            DeviceKeys(bytes([number, n]) * 8, bytes([number, n]) * 16, bytes([n, number]) * 16)
            for n in range(11)
        ]
        self.record = verify_first(
            first_record(
                self.identity, self.actor, self.devices[0].public, not_after=NOW + 300 * DAY, time=NOW
            )
        )

    def leaf(
        self,
        *,
        device: int = 0,
        use: LeafUse = LeafUse.JOINING,
        key: int = 0,
        actor: str = "",
        room: bytes = ROOM_ID,
        record_seq: int = 1,
        not_before: int = NOW - 3600,
        not_after: int = NOW + 80 * DAY,
    ) -> LeafNode:
        """Make a leaf; `key` makes one signature key differ from another."""
        keys, actor = self.devices[device], actor or self.actor
        certificate = DeviceCertificate.issue(
            self.identity, keys.public, record_seq=record_seq, not_after=NOW + 300 * DAY
        )
        signature_key = SUITE.signature_public(bytes([key, device, *self.identity.public[:30]]))
        data = issue_leaf(
            keys,
            certificate,
            actor=actor,
            signature_public=signature_key,
            use=use,
            group_id=room if use is LeafUse.ROOM else b"",
            not_before=not_before,
            not_after=not_after,
        )
        joining = use is LeafUse.JOINING
        return LeafNode(
            encryption_key=keys.public.x25519,
            signature_key=signature_key,
            credential=Credential.basic(actor.encode()),
            capabilities=Capabilities(),
            leaf_node_source=LeafNodeSource.KEY_PACKAGE if joining else LeafNodeSource.COMMIT,
            lifetime=Lifetime(0, 1) if joining else None,
            parent_hash=None if joining else b"",
            extensions=(Extension(LEAF_EXTENSION, data),),
        )


ANA, BO, CY, DEE, EVE = (Person(name, n) for n, name in enumerate(("ana", "bo", "cy", "dee", "eve"), 1))


@dataclass
class RoomBefore:
    """A room before a commit, and what the commit will do; MLS itself is somebody else's test."""

    leaves: list[LeafNode]
    policy: RoomPolicy
    by: int = 0
    adds: list[LeafNode] = field(default_factory=list[LeafNode])
    removes: list[int] = field(default_factory=list[int])
    path: LeafNode | None = None
    after: RoomPolicy | None = None
    data: CommitData = field(default_factory=lambda: CommitData(NOW_MS))
    leaving: list[int] = field(default_factory=list[int])
    """Leaves whose SelfRemove the commit names."""
    resync: LeafNode | None = None
    """Who commits from outside, instead of `by`; `removes` are its own."""

    def change(self) -> CommitChange:
        """Write the change as MLS would."""
        before = RatchetTree.of(SUITE, self.leaves[0])
        for leaf in self.leaves[1:]:
            before, _ = before.add(leaf)
        tree, entering = before, list[EnteringLeaf]()
        asked = list[tuple[Proposal, int | None]]()
        for index in self.removes:
            tree = tree.remove(index)
            asked.append((Remove(index), self.by))
        for index in self.leaving:
            tree = tree.remove(index)
            asked.append((SelfRemove(), index))
        for leaf in self.adds:
            tree, index = tree.add(leaf)
            entering.append(EnteringLeaf(index, leaf, "add", None, self.by))
            asked.append((Add(KeyPackage(1, 1, b"init", leaf)), self.by))
        if self.path is not None:
            tree = tree.with_leaf(self.by, self.path)
            entering.append(EnteringLeaf(self.by, self.path, "path", self.leaves[self.by], self.by))
        extensions = room_extensions(self.after or self.policy)
        if self.after is not None and self.resync is None:
            asked.append((GroupContextExtensions(extensions), self.by))
        committer: int | None = self.by
        if self.resync is not None:
            committer, asked = None, [(ExternalInit(b""), None), *((proposal, None) for proposal, _ in asked)]
            replaced = self.leaves[self.removes[0]] if self.removes else None
            tree, index = tree.add(self.resync)
            entering.append(EnteringLeaf(index, self.resync, "external", replaced, None))
        return CommitChange(
            group_id=ROOM_ID,
            epoch=EPOCH,
            committer=committer,
            committer_leaf=self.resync or self.leaves[self.by],
            proposals=tuple(asked),
            entering=tuple(entering),
            removed=tuple((index, self.leaves[index]) for index in (*self.removes, *self.leaving)),
            extensions_before=room_extensions(self.policy),
            extensions_after=extensions,
            authenticated_data=self.data.encode(),
            tree_before=before,
            tree_after=tree,
        )

    def judge(self, at: Judged = AT) -> RoomChange:
        """Judge the commit."""
        return judge(self.change(), at)


def policy_of(**roles: Role) -> RoomPolicy:
    """Give a policy with roles by name."""
    people = {"ana": ANA, "bo": BO, "cy": CY, "dee": DEE, "eve": EVE}
    entries = tuple(RoleEntry(people[name].did, role) for name, role in roles.items())
    return replace(RoomPolicy.first(HUB, ROOM_ID, ANA.did), roles=entries)


def room(*people: Person, by: Person = ANA) -> RoomBefore:
    """Give a room of people, one leaf each: ana owner, bo admin, cy moderator, others members."""
    people = people or (ANA, BO, CY, DEE)
    policy = policy_of(ana=Role.OWNER, bo=Role.ADMIN, cy=Role.MODERATOR)
    return RoomBefore([person.leaf() for person in people], policy, by=people.index(by))


def attach(*records: SignedRecord) -> CommitData:
    """Give commit data that carries records."""
    return CommitData(NOW_MS, tuple(record.encode() for record in records))
