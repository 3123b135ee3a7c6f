"""Whether a commit is valid follows from the room, the commit and its place in the log; from nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import pytest

from yurt.identity.device import DeviceCertificate, DeviceKeys
from yurt.identity.did import Did
from yurt.identity.identity_key import IdentityKey
from yurt.identity.leaf import LeafUse, issue_leaf
from yurt.identity.signed_record import (
    SignedRecord,
    VerifiedRecord,
    first_record,
    next_record,
    verify_chain,
    verify_first,
)
from yurt.mls.capabilities import Capabilities
from yurt.mls.change import CommitChange, EnteringLeaf
from yurt.mls.cipher_suite import X25519_AES128GCM_SHA256_ED25519 as SUITE
from yurt.mls.credential import Credential
from yurt.mls.extensions import Extension
from yurt.mls.key_package import KeyPackage
from yurt.mls.leaf_node import LeafNode, LeafNodeSource, Lifetime
from yurt.mls.pre_shared_key import ExternalPSK, PreSharedKeyID
from yurt.mls.proposals import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
    SelfRemove,
    Update,
)
from yurt.mls.ratchet_tree import RatchetTree
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.judge import judge
from yurt.rooms.common.judged import Judged
from yurt.rooms.common.policy import Fallback, Floor, Limits, Role, RoleEntry, RoomPolicy
from yurt.rooms.common.room import room_extensions
from yurt.rooms.common.room_change import Device, Moved, RoleChange, RoomChange
from yurt.rooms.common.rules import Rule
from yurt.wire.registry import LEAF_EXTENSION, ROOM_POLICY_EXTENSION

NOW = 1_795_000_000
NOW_MS = NOW * 1000
DAY = 86_400
ROOM = bytes([9]) * 32
HUB = "harbour.example"
AT = Judged(1, 7, NOW_MS)


class Person:
    """Somebody with devices, each of which can make leaves."""

    def __init__(self, name: str, number: int) -> None:
        self.identity = IdentityKey(bytes([number]) * 32)
        self.did = self.identity.did
        self.actor = f"https://{HUB}/users/{name}"
        self.devices = [self._device(number, n) for n in range(11)]
        self.record = verify_first(
            first_record(
                self.identity, self.actor, self.devices[0].public, not_after=NOW + 300 * DAY, time=NOW
            )
        )

    def _device(self, number: int, n: int) -> DeviceKeys:
        return DeviceKeys(bytes([number, n]) * 8, bytes([number, n]) * 16, bytes([n, number]) * 16)

    def leaf(
        self,
        *,
        device: int = 0,
        use: LeafUse = LeafUse.JOINING,
        key: int = 0,
        actor: str = "",
        room: bytes = ROOM,
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
class Room:
    """A room before a commit, and what the commit will do; MLS itself is somebody else's test."""

    leaves: list[LeafNode]
    policy: RoomPolicy
    by: int = 0
    adds: list[LeafNode] = field(default_factory=list[LeafNode])
    removes: list[int] = field(default_factory=list[int])
    path: LeafNode | None = None
    after: RoomPolicy | None = None
    data: CommitData = field(default_factory=lambda: CommitData(NOW_MS))

    def change(self) -> CommitChange:
        """Write the change as MLS would."""
        before = RatchetTree.of(SUITE, self.leaves[0])
        for leaf in self.leaves[1:]:
            before, _ = before.add(leaf)
        tree, entering = before, list[EnteringLeaf]()
        proposals = list[tuple[Proposal, int | None]]()
        for index in self.removes:
            tree = tree.remove(index)
            proposals.append((Remove(index), self.by))
        for leaf in self.adds:
            tree, index = tree.add(leaf)
            entering.append(EnteringLeaf(index, leaf, "add", None, self.by))
            proposals.append((Add(KeyPackage(1, 1, b"init", leaf)), self.by))
        if self.path is not None:
            tree = tree.with_leaf(self.by, self.path)
            entering.append(EnteringLeaf(self.by, self.path, "path", self.leaves[self.by], self.by))
        extensions = room_extensions(self.after or self.policy)
        if self.after is not None:
            proposals.append((GroupContextExtensions(extensions), self.by))
        return CommitChange(
            group_id=ROOM,
            epoch=4,
            committer=self.by,
            committer_leaf=self.leaves[self.by],
            proposals=tuple(proposals),
            entering=tuple(entering),
            removed=tuple((index, self.leaves[index]) for index in self.removes),
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
    return replace(RoomPolicy.first(HUB, ROOM, ANA.did), roles=entries)


def room(*people: Person, by: Person = ANA) -> Room:
    """Give a room of people, one leaf each: ana owner, bo admin, cy moderator, others members."""
    people = people or (ANA, BO, CY, DEE)
    policy = policy_of(ana=Role.OWNER, bo=Role.ADMIN, cy=Role.MODERATOR)
    return Room([person.leaf() for person in people], policy, by=people.index(by))


def refusal(case: Room, at: Judged = AT) -> Rule:
    """Judge a commit that must be refused, and say by which rule."""
    with pytest.raises(Refused) as caught:
        case.judge(at)
    return caught.value.rule


def attach(*records: SignedRecord) -> CommitData:
    """Give commit data that carries records."""
    return CommitData(NOW_MS, tuple(record.encode() for record in records))


# --- what may happen, and what the timeline then shows ---
def test_admin_adds_somebody() -> None:
    """Bo lets eve in: one line, with bo's name and the new epoch."""
    case = room(by=BO)
    case.adds.append(EVE.leaf())

    assert case.judge() == RoomChange(
        epoch=5,
        by=BO.did,
        device_id=BO.devices[0].device_id,
        joined=(EVE.did,),
        devices_added=(Device(EVE.did, EVE.devices[0].device_id),),
    )


def test_owner_removes_and_bans() -> None:
    """Both in one commit, so that nobody comes back between."""
    case = room()
    case.removes.append(3)
    case.after = replace(case.policy, bans=(DEE.did,))

    change = case.judge()

    assert (change.removed, change.banned) == ((DEE.did,), (DEE.did,))


def test_first_path_makes_a_leaf_for_the_room() -> None:
    """A new key, use 2: nothing that a timeline shows."""
    case = room(by=DEE)
    case.path = DEE.leaf(use=LeafUse.ROOM, key=1)

    assert case.judge().is_quiet


def test_second_device_of_a_member() -> None:
    """A plain member may add an own device, and take it out again."""
    case = room(by=DEE)
    case.adds.append(DEE.leaf(device=1))
    assert case.judge().devices_added == (Device(DEE.did, DEE.devices[1].device_id),)

    case = room(ANA, DEE, by=DEE)
    case.leaves.append(DEE.leaf(device=1))
    case.removes.append(2)
    change = case.judge()
    assert (change.removed, change.devices_removed) == ((), (Device(DEE.did, DEE.devices[1].device_id),))


def test_device_moves_with_its_record() -> None:
    """A new actor is taken if the attached record names it."""
    moved = "https://hilltop.example/users/dee"
    record = next_record(DEE.record, DEE.identity, time=NOW, actor=moved)
    case = room(by=DEE)
    case.path = DEE.leaf(use=LeafUse.ROOM, key=1, actor=moved)

    assert refusal(case) is Rule.ACTOR_WITHOUT_RECORD
    case.data = attach(next_record(DEE.record, DEE.identity, time=NOW))
    assert refusal(case) is Rule.ACTOR_WITHOUT_RECORD
    case.data = attach(record)
    assert case.judge().moved == (Moved(DEE.did, DEE.actor, moved),)


def test_roles_are_given_below_ones_own() -> None:
    """Bo makes dee a moderator; the timeline names both roles."""
    case = room(by=BO)
    case.after = policy_of(ana=Role.OWNER, bo=Role.ADMIN, cy=Role.MODERATOR, dee=Role.MODERATOR)

    assert case.judge().roles == (RoleChange(DEE.did, Role.MEMBER, Role.MODERATOR),)


def test_owner_is_who_is_there() -> None:
    """Without ana bo acts as the owner, without bo cy, without all the lowest leaf."""
    for people, acting in (((BO, CY, DEE), BO), ((CY, DEE), CY), ((EVE, DEE), EVE)):
        case = room(*people, by=acting)
        case.after = replace(case.policy, limits=Limits(20, Role.MEMBER))
        assert case.judge().settings
        for other in set(people) - {acting, BO}:
            assert refusal(replace(case, by=people.index(other))) is Rule.POLICY_RIGHT


def test_new_owner_is_shown() -> None:
    """When dee takes out an expired ana, bo acts as the owner."""
    case = room(by=DEE)
    case.removes.append(0)

    late = Judged(1, 7, (NOW + 111 * DAY) * 1000)
    case.data = CommitData(late.accepted_at)
    change = case.judge(late)
    assert (change.removed, change.owner) == ((ANA.did,), BO.did)


# --- every commit ---
@pytest.mark.parametrize("skew_ms", [-600_001, 600_001])
def test_clock_skew(skew_ms: int) -> None:
    """Ten minutes are forgiven, not more, on either side."""
    case = room()

    case.data = CommitData(NOW_MS + skew_ms)
    assert refusal(case) is Rule.CLOCK_SKEW
    case.data = CommitData(NOW_MS + (600_000 if skew_ms > 0 else -600_000))
    case.judge()


def test_data_of_the_commit() -> None:
    """None, later things, and records that do not verify."""
    case = room()
    change = case.change()

    for data, rule in (
        (b"", Rule.COMMIT_DATA),
        (b"\2" + case.data.encode()[1:], Rule.COMMIT_DATA_VERSION),
        (CommitData(NOW_MS, join_proofs=(b"proof",)).encode(), Rule.NOT_YET),
        (CommitData(NOW_MS, records=(b"{}",)).encode(), Rule.BAD_RECORD),
        (attach(DEE.record.signed, DEE.record.signed).encode(), Rule.BAD_RECORD),
    ):
        with pytest.raises(Refused) as caught:
            judge(replace(change, authenticated_data=data), AT)
        assert caught.value.rule is rule


@pytest.mark.parametrize(
    ("proposal", "rule"),
    [
        (Update(DEE.leaf()), Rule.UPDATE_PROPOSAL),
        (PreSharedKey(PreSharedKeyID(ExternalPSK(b"psk"), b"nonce")), Rule.PSK_PROPOSAL),
        (ReInit(ROOM, 1, 1), Rule.RE_INIT_PROPOSAL),
        (ExternalInit(b""), Rule.EXTERNAL_INIT_PROPOSAL),
        (SelfRemove(), Rule.NOT_YET),
    ],
)
def test_proposals_that_a_room_does_not_know(proposal: Proposal, rule: Rule) -> None:
    """RFC 9420 allows them, a room refuses each by name."""
    with pytest.raises(Refused) as caught:
        judge(replace(room().change(), proposals=((proposal, 0),)), AT)

    assert caught.value.rule is rule


def test_unknown_and_foreign_proposals() -> None:
    """A type from the future, a proposal of somebody else, a committer from outside."""

    class Wave(SelfRemove):
        """A proposal that does not exist yet."""

    change = room().change()
    for other, rule in (
        (replace(change, proposals=((Wave(), 0),)), Rule.UNKNOWN_PROPOSAL),
        (replace(change, proposals=((Remove(3), 2),)), Rule.PROPOSAL_BY_REFERENCE),
        (replace(change, committer=None), Rule.EXTERNAL_COMMIT),
        (replace(change, committer=99), Rule.INVALID_COMMIT),
    ):
        with pytest.raises(Refused) as caught:
            judge(other, AT)
        assert caught.value.rule is rule


@pytest.mark.parametrize("how", ["update", "external"])
def test_other_ways_in(how: Literal["update", "external"]) -> None:
    """A leaf enters by Add or by its own path."""
    entering = EnteringLeaf(3, DEE.leaf(), how, None, None)

    with pytest.raises(Refused) as caught:
        judge(replace(room().change(), entering=(entering,)), AT)

    assert caught.value.rule is Rule.EXTERNAL_COMMIT


# --- leaves ---
@pytest.mark.parametrize(
    ("leaf", "rule"),
    [
        (EVE.leaf(not_before=NOW + 1), Rule.LEAF_EXPIRED),
        (EVE.leaf(not_before=NOW - 10 * DAY, not_after=NOW - 1), Rule.LEAF_EXPIRED),
        (EVE.leaf(use=LeafUse.ROOM), Rule.LEAF_USE),
        (replace(EVE.leaf(), extensions=()), Rule.BAD_LEAF),
        (replace(EVE.leaf(), signature_key=bytes(32)), Rule.BAD_LEAF),
        (replace(EVE.leaf(), credential=Credential.basic(b"https://eve.example/eve")), Rule.BAD_LEAF),
        (DEE.leaf(), Rule.DUPLICATE_DEVICE),
        (DEE.leaf(key=1), Rule.DUPLICATE_DEVICE),
    ],
)
def test_leaves_that_may_not_be_added(leaf: LeafNode, rule: Rule) -> None:
    """Each leaf proves whose it is, in time, once."""
    case = room()
    case.adds.append(leaf)

    assert refusal(case) is rule


@pytest.mark.parametrize(
    ("leaf", "rule"),
    [
        (DEE.leaf(key=1), Rule.LEAF_USE),
        (DEE.leaf(use=LeafUse.ROOM, key=1, room=bytes(32)), Rule.LEAF_USE),
        (DEE.leaf(use=LeafUse.ROOM), Rule.LEAF_KEY_REUSED),
        (EVE.leaf(use=LeafUse.ROOM, key=1), Rule.LEAF_CONTINUITY),
        (DEE.leaf(use=LeafUse.ROOM, device=1), Rule.LEAF_CONTINUITY),
    ],
)
def test_paths_that_may_not_be_taken(leaf: LeafNode, rule: Rule) -> None:
    """A path keeps person and device, names this room, and begins with a new key."""
    case = room(by=DEE)
    case.path = leaf

    assert refusal(case) is rule


def test_later_paths_may_keep_the_key() -> None:
    """Only a key package's key has to go."""
    case = room(by=DEE)
    case.leaves[3] = DEE.leaf(use=LeafUse.ROOM, key=1)
    case.path = DEE.leaf(use=LeafUse.ROOM, key=1, not_after=NOW + 85 * DAY)

    assert case.judge().is_quiet


def test_ten_devices() -> None:
    """An eleventh device of a person stays outside."""
    case = room(ANA, DEE)
    case.leaves += [DEE.leaf(device=n) for n in range(1, 9)]
    case.adds.append(DEE.leaf(device=9))
    case.judge()

    case.adds.append(DEE.leaf(device=10))
    assert refusal(case) is Rule.TOO_MANY_DEVICES


def test_full_room() -> None:
    """The policy's number counts people, not leaves."""
    case = room()
    case.policy = replace(case.policy, limits=Limits(4))
    case.adds.append(DEE.leaf(device=1))
    case.judge()

    case.adds.append(EVE.leaf())
    assert refusal(case) is Rule.ROOM_FULL


def test_banned_people_stay_out() -> None:
    """Neither added while banned, nor banned while in."""
    case = room()
    case.policy = replace(case.policy, bans=(EVE.did,))
    case.adds.append(EVE.leaf())
    assert refusal(case) is Rule.BANNED

    case = room()
    case.after = replace(case.policy, bans=(DEE.did,))
    assert refusal(case) is Rule.BANNED


def test_revoked_device() -> None:
    """Anybody takes it out, with the record, raising the floor; afterwards its certificate is no use."""
    linked = next_record(DEE.record, DEE.identity, time=NOW, add=[(DEE.devices[1].public, NOW + DAY)])
    second = verify_chain([linked], DEE.record)
    assert isinstance(second, VerifiedRecord)
    lost = DEE.devices[1].device_id
    third = next_record(second, DEE.identity, time=NOW, revoke=[lost])
    case = room(ANA, EVE, by=EVE)
    case.leaves += [DEE.leaf(), DEE.leaf(device=1, record_seq=2)]
    case.removes.append(3)

    assert refusal(case) is Rule.REMOVE_RIGHT
    case.data = attach(third)
    assert refusal(case) is Rule.REMOVE_RIGHT  # the floor must rise with it
    case.after = replace(case.policy, floors=(Floor(DEE.did, 3),))
    assert case.judge().devices_removed == (Device(DEE.did, lost),)

    case = room(ANA, DEE, by=DEE)
    case.policy = replace(case.policy, floors=(Floor(DEE.did, 3),))
    case.path = DEE.leaf(use=LeafUse.ROOM, key=1)
    assert refusal(case) is Rule.BELOW_FLOOR
    case.path = DEE.leaf(use=LeafUse.ROOM, key=1, record_seq=3)
    case.judge()


def test_floors_do_not_rise_without_reason() -> None:
    """No record, one that revokes nothing, another's, too high, or downwards."""
    plain = next_record(DEE.record, DEE.identity, time=NOW)
    revoking = next_record(DEE.record, DEE.identity, time=NOW, revoke=[bytes(16)])
    raised = (Floor(DEE.did, 2),)
    case = room(by=BO)
    case.after = replace(case.policy, floors=raised)
    for data in (CommitData(NOW_MS), attach(plain), attach(EVE.record.signed)):
        case.data = data
        assert refusal(case) is Rule.FLOOR_WITHOUT_RECORD

    case.data = attach(revoking)
    case.judge()
    case.after = replace(case.policy, floors=(Floor(DEE.did, 3),))
    assert refusal(case) is Rule.FLOOR_WITHOUT_RECORD
    case.policy, case.after = replace(case.policy, floors=raised), case.policy
    assert refusal(case) is Rule.FLOOR_WITHOUT_RECORD


# --- who may ---
@pytest.mark.parametrize(("by", "may"), [(ANA, True), (BO, True), (CY, False), (DEE, False)])
def test_who_may_invite(by: Person, may: bool) -> None:  # noqa: FBT001  # a column of the table
    """Admins at first; whom the policy names later."""
    case = room(by=by)
    case.adds.append(EVE.leaf())
    if may:
        case.judge()
    else:
        assert refusal(case) is Rule.INVITE_RIGHT
    case.policy = replace(case.policy, limits=Limits(may_invite=Role.MEMBER))
    case.judge()


@pytest.mark.parametrize("by", [ANA, BO, CY, DEE])
@pytest.mark.parametrize("target", [ANA, BO, CY, DEE])
def test_who_may_remove_whom(by: Person, target: Person) -> None:
    """Strictly lower roles, and nobody else."""
    people = [ANA, BO, CY, DEE]
    if by is target:
        return
    case = room(by=by)
    case.removes.append(people.index(target))

    if people.index(by) < people.index(target):
        assert case.judge().removed == (target.did,)
    else:
        assert refusal(case) is Rule.REMOVE_RIGHT


def test_expired_leaf_goes_by_anybodys_hand() -> None:
    """Thirty days after its end, not before."""
    case = room(by=DEE)
    case.removes.append(0)
    for days, may in ((110, False), (111, True)):
        late = Judged(1, 7, (NOW + days * DAY) * 1000)
        case.data = CommitData(late.accepted_at)
        if may:
            assert case.judge(late).removed == (ANA.did,)
        else:
            assert refusal(case, late) is Rule.REMOVE_RIGHT


@pytest.mark.parametrize(
    ("by", "roles"),
    [
        (BO, {"ana": Role.OWNER, "bo": Role.OWNER, "cy": Role.MODERATOR}),
        (BO, {"ana": Role.OWNER, "bo": Role.ADMIN, "cy": Role.ADMIN}),
        (BO, {"bo": Role.ADMIN, "cy": Role.MODERATOR}),
        (BO, {"bo": Role.ADMIN, "ana": Role.OWNER, "cy": Role.MODERATOR}),
        (ANA, {"ana": Role.OWNER, "bo": Role.OWNER, "cy": Role.MODERATOR}),
        (CY, {"ana": Role.OWNER, "bo": Role.ADMIN, "cy": Role.MODERATOR, "dee": Role.MODERATOR}),
        (DEE, {"ana": Role.OWNER, "bo": Role.ADMIN, "cy": Role.MODERATOR, "dee": Role.ADMIN}),
    ],
)
def test_roles_that_one_may_not_give(by: Person, roles: dict[str, Role]) -> None:
    """Not one's own, nor above, nor by taking somebody's place in the order."""
    case = room(by=by)
    case.after = policy_of(**roles)

    assert refusal(case) is Rule.ROLE_RIGHT


def test_stepping_down() -> None:
    """Anybody may give back what they have."""
    case = room(by=CY)
    case.after = policy_of(ana=Role.OWNER, bo=Role.ADMIN)

    assert case.judge().roles == (RoleChange(CY.did, Role.MODERATOR, Role.MEMBER),)


@pytest.mark.parametrize(("by", "target", "may"), [(CY, EVE, True), (CY, BO, False), (DEE, EVE, False)])
def test_who_may_ban(by: Person, target: Person, may: bool) -> None:  # noqa: FBT001  # a column of the table
    """Moderators and above, over lower roles; unbanning alike."""
    case = room(CY, DEE, ANA, by=by)
    banned = replace(case.policy, bans=(target.did,))
    for before, after in ((case.policy, banned), (banned, case.policy)):
        change = replace(case, policy=before, after=after)
        if may:
            assert Did(target.did) in (*change.judge().banned, *change.judge().unbanned)
        else:
            assert refusal(change) is Rule.BAN_RIGHT


@pytest.mark.parametrize("by", [CY, DEE])
def test_settings_are_the_admins(by: Person) -> None:
    """History, limits and times are not everybody's."""
    case = room(by=by)
    for after in (
        replace(case.policy, history=1),
        replace(case.policy, limits=Limits(may_invite=Role.MEMBER)),
        replace(case.policy, takeover_after=1),
    ):
        assert refusal(replace(case, after=after)) is Rule.POLICY_RIGHT
        assert replace(case, after=after, by=1).judge().settings


def test_hub_term_and_links_stay() -> None:
    """Even the owner cannot change yet what has no rules yet."""
    case = room()
    for after in (
        replace(case.policy, hub="hilltop.example"),
        replace(case.policy, term=2),
        replace(case.policy, fallbacks=(Fallback("hilltop.example", b""),)),
    ):
        assert refusal(replace(case, after=after)) is Rule.NOT_YET


def test_other_extensions_stay() -> None:
    """A policy that goes, doubles, or comes with something else is refused."""
    change = room().change()
    required, policy = change.extensions_after
    unknown = Extension(ROOM_POLICY_EXTENSION, b"\2" + policy.extension_data[1:])
    cases: Sequence[tuple[tuple[Extension, ...], Rule]] = (
        ((required,), Rule.POLICY_MISSING),
        ((required, policy, policy), Rule.POLICY_MISSING),
        ((required, unknown), Rule.POLICY_VERSION),
        ((policy,), Rule.EXTENSIONS_CHANGED),
        ((required, policy, Extension(5, b"")), Rule.EXTENSIONS_CHANGED),
    )
    for extensions, rule in cases:
        with pytest.raises(Refused) as caught:
            judge(replace(change, extensions_after=extensions), AT)
        assert caught.value.rule is rule
