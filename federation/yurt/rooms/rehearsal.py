"""A town with real MLS groups, for tests that play the hub's side and the members' side of one commit.

Keys of people are fixed (`yurt.rooms.testing`). A `Town` is built once; every case plays in a copy of it.
Nothing of the product imports this module.

    town = Town.found(policy, ANA_PHONE, BO_PHONE)
    here = town.copy()
    staged = here.group(ANA_PHONE).stage_commit(...)
"""

import os
from dataclasses import dataclass, field

from yurt.identity.device import DeviceCertificate, DeviceKeys
from yurt.identity.leaf import LeafUse, issue_leaf
from yurt.mls.capabilities import Capabilities
from yurt.mls.cipher_suite import X25519_AES128GCM_SHA256_ED25519 as SUITE
from yurt.mls.credential import Credential
from yurt.mls.extensions import Extension
from yurt.mls.group import Group
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.key_package_bundle import KeyPackageBundle, OwnLeaf, make_key_package
from yurt.mls.leaf_node import Lifetime
from yurt.mls.proposals import ProposalType
from yurt.rooms.common.invite_link import InviteLink
from yurt.rooms.common.join_proof import JoinProof
from yurt.rooms.common.policy import RoomPolicy
from yurt.rooms.common.room import room_extensions
from yurt.rooms.hub.state import HubState, standing_of
from yurt.rooms.testing import DAY, NOW, NOW_MS, ROOM_ID, Person
from yurt.wire.position import Position
from yurt.wire.registry import LEAF_EXTENSION, ROOM_CARD_EXTENSION, ROOM_POLICY_EXTENSION

CAPABILITIES = Capabilities(
    cipher_suites=(SUITE.value,),
    extensions=(LEAF_EXTENSION, ROOM_POLICY_EXTENSION, ROOM_CARD_EXTENSION),
    proposals=(ProposalType.SELF_REMOVE,),
    credentials=(1, 2),
)


@dataclass(frozen=True, slots=True)
class Device:
    """One device of a person."""

    person: Person
    nth: int = 0
    record_seq: int = 1

    @property
    def keys(self) -> DeviceKeys:
        """Its private keys."""
        return self.person.devices[self.nth]

    @property
    def key(self) -> tuple[str, bytes]:
        """(did, device id)."""
        return self.person.did, self.keys.device_id

    def leaf(
        self,
        use: LeafUse = LeafUse.ROOM,
        *,
        room: bytes = ROOM_ID,
        actor: str = "",
        not_after: int = NOW + 80 * DAY,
    ) -> OwnLeaf:
        """Make a leaf with a new signature key."""
        private, actor = os.urandom(32), actor or self.person.actor
        certificate = DeviceCertificate.issue(
            self.person.identity, self.keys.public, record_seq=self.record_seq, not_after=NOW + 300 * DAY
        )
        data = issue_leaf(
            self.keys,
            certificate,
            actor=actor,
            signature_public=SUITE.signature_public(private),
            use=use,
            group_id=room if use is LeafUse.ROOM else b"",
            not_before=NOW - DAY,
            not_after=not_after,
        )
        extension = Extension(LEAF_EXTENSION, data)
        return OwnLeaf(Credential.basic(actor.encode()), CAPABILITIES, (extension,), private)

    def key_package(
        self, use: LeafUse = LeafUse.JOINING, *, not_after: int = NOW + 80 * DAY
    ) -> KeyPackageBundle:
        """Make a one-time key package."""
        return make_key_package(SUITE, self.leaf(use, not_after=not_after), NOW - DAY, NOW + 28 * DAY)

    def proof(self, link: InviteLink, bundle: KeyPackageBundle, *, room: bytes = ROOM_ID) -> bytes:
        """Prove, with a link, that this device's key package asks to join."""
        keys = link.keys
        return JoinProof.make(
            keys.private,
            keys.public,
            group_id=room,
            did=self.person.did,
            device_id=self.keys.device_id,
            leaf_key=bundle.key_package.leaf_node.signature_key,
        ).encode()


@dataclass(slots=True)
class Town:
    """A room at its hub, with everybody's group, in one epoch."""

    hub: HubState
    stores: dict[Device, MemoryGroupStore] = field(default_factory=dict[Device, MemoryGroupStore])
    now_ms: int = NOW_MS

    @classmethod
    def found(cls, policy: RoomPolicy, first: Device, *others: Device) -> "Town":
        """Make a room with this policy and these devices; the first one founds it."""
        stores = {device: MemoryGroupStore() for device in (first, *others)}
        lifetime = Lifetime(NOW - DAY, NOW + 28 * DAY)
        group = Group.create(
            stores[first],
            SUITE,
            ROOM_ID,
            first.leaf(LeafUse.JOINING),
            extensions=room_extensions(policy),
            lifetime=lifetime,
        )
        bundles = {device: device.key_package() for device in others}
        staged = group.stage_commit(
            adds=[bundle.key_package for bundle in bundles.values()], leaf=first.leaf()
        )
        group.merge(at=NOW_MS)
        for device, bundle in bundles.items():
            Group.join(stores[device], staged.welcome or b"", bundle)
        state = HubState(
            ROOM_ID, 1, Position(1, 1), ROOM_ID, NOW_MS, group.public, (), 0, standing_of(group.public)
        )
        return cls(state, stores)

    def copy(self) -> "Town":
        """Give the same town, to do something else in it."""
        return Town(self.hub, {device: store.copy() for device, store in self.stores.items()}, self.now_ms)

    def group(self, device: Device) -> Group:
        """Load a device's group."""
        return Group.load(self.stores[device], ROOM_ID)

    def index(self, device: Device) -> int:
        """Find a device's leaf."""
        return next(
            m.index for m in self.hub.standing.people.members if (str(m.did), m.leaf.device_id) == device.key
        )
