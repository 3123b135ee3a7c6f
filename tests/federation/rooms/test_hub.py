"""A hub gives each entry its place or refuses it by name, and a member node comes to the same state."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import msgspec
import pytest

from yurt.identity.device import DeviceCertificate, DeviceKeys
from yurt.identity.identity_key import IdentityKey
from yurt.identity.leaf import LeafUse, issue_leaf
from yurt.mls.capabilities import Capabilities
from yurt.mls.cipher_suite import X25519_AES128GCM_SHA256_ED25519 as SUITE
from yurt.mls.credential import Credential
from yurt.mls.extensions import Extension, ExtensionType
from yurt.mls.framing import MLSMessage
from yurt.mls.group import Group
from yurt.mls.group_info import GroupInfo
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.key_package_bundle import KeyPackageBundle, OwnLeaf, make_key_package
from yurt.mls.leaf_node import LeafNode, Lifetime
from yurt.mls.message_epoch import ApplicationMessage
from yurt.mls.receiving import ReceivedCommit
from yurt.rooms.common.card import RoomCard
from yurt.rooms.common.chain import chain_of
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.errors import EpochTooOld, LogForked, LogGap, Refused, WrongEpoch
from yurt.rooms.common.judge import judge
from yurt.rooms.common.judged import Judged
from yurt.rooms.common.log_copy import Duplicate
from yurt.rooms.common.padding import padded_length
from yurt.rooms.common.policy import RoomPolicy
from yurt.rooms.common.room import check_suite, read_room, room_extensions
from yurt.rooms.common.rules import Rule
from yurt.rooms.hub.effects import Accepted, DeliverWelcome, DeviceRemoved, NodeJoined, NodeLeft
from yurt.rooms.hub.follow import Followed, follow_row
from yurt.rooms.hub.open_room import open_room
from yurt.rooms.hub.order import Submission, accept, next_row
from yurt.rooms.hub.snapshot import decode_snapshot, encode_snapshot
from yurt.rooms.hub.state import HubState
from yurt.wire.position import LogRow, Position
from yurt.wire.registry import LEAF_EXTENSION, ROOM_CARD_EXTENSION, ROOM_POLICY_EXTENSION, EntryKind

NOW = 1_795_000_000
NOW_MS = NOW * 1000
HOUR_MS = 3600 * 1000
DAY = 86_400
ROOM = bytes([9]) * 32
HUB = "harbour.example"
CAPABILITIES = Capabilities(
    cipher_suites=(1,),
    extensions=(LEAF_EXTENSION, ROOM_POLICY_EXTENSION, ROOM_CARD_EXTENSION),
    credentials=(1, 2),
)


class Device:
    """One device of a person, with random bytes that are the same in every run."""

    def __init__(self, name: str, node: str, number: int) -> None:
        self._seed, self._drawn = name.encode(), 0
        self.identity = IdentityKey(bytes([number]) * 32)
        self.keys = DeviceKeys.generate(self.random)
        self.did = self.identity.did
        self.actor = f"https://{node}/users/{name}"
        self.store = MemoryGroupStore()

    def random(self, size: int) -> bytes:
        """Draw bytes that look random."""
        self._drawn += 1
        return hashlib.shake_256(self._seed + self._drawn.to_bytes(4, "big")).digest(size)

    def leaf(self, use: LeafUse) -> OwnLeaf:
        """Make a leaf with a new signature key."""
        private = self.random(32)
        certificate = DeviceCertificate.issue(
            self.identity, self.keys.public, record_seq=1, not_after=NOW + 300 * DAY
        )
        data = issue_leaf(
            self.keys,
            certificate,
            actor=self.actor,
            signature_public=SUITE.signature_public(private),
            use=use,
            group_id=ROOM if use is LeafUse.ROOM else b"",
            not_before=NOW - 3600,
            not_after=NOW + 80 * DAY,
        )
        extension = Extension(LEAF_EXTENSION, data)
        return OwnLeaf(Credential.basic(self.actor.encode()), CAPABILITIES, (extension,), private)

    def key_package(self) -> KeyPackageBundle:
        """Make a one-time key package."""
        return make_key_package(
            SUITE, self.leaf(LeafUse.JOINING), NOW - 3600, NOW + 28 * DAY, random=self.random
        )

    def found(self, policy: RoomPolicy | None = None) -> tuple[Group, bytes]:
        """Found the room; returns the group and the GroupInfo of epoch 0 with its tree."""
        policy = policy or RoomPolicy.first(HUB, ROOM, self.did)
        leaf = self.leaf(LeafUse.JOINING)
        group = Group.create(
            self.store,
            SUITE,
            ROOM,
            leaf,
            extensions=room_extensions(policy),
            lifetime=Lifetime(NOW - 3600, NOW + 28 * DAY),
            random=self.random,
        )
        return group, group_info_of(group, leaf.signature_private, with_tree(group))


def with_tree(group: Group) -> Extension:
    """Give the tree as an extension."""
    return Extension(ExtensionType.RATCHET_TREE, group.tree.encode())


def group_info_of(group: Group, private: bytes, *extensions: Extension) -> bytes:
    """Sign a GroupInfo of a group's current epoch."""
    tag = group._epoch.public.confirmation_tag  # pyright: ignore[reportPrivateUsage]  # a test looks inside
    info = GroupInfo(group.context, extensions, tag, group.own_index)
    return MLSMessage(info.signed(SUITE, private)).encode()


@dataclass
class Story:
    """A room at its hub with ana (harbour) in it, and what has happened."""

    hub: HubState
    ana: Device
    group: Group
    now_ms: int = NOW_MS

    @classmethod
    def begin(cls) -> "Story":
        """Ana makes a room."""
        ana = Device("ana", HUB, 1)
        group, group_info = ana.found()
        return cls(open_room(group_info, hub=HUB, did=ana.did, now_ms=NOW_MS), ana, group)

    def offer(self, by: Device, kind: int, entry: bytes, info: bytes = b"", welcome: bytes = b"") -> Accepted:
        """Offer an entry to the hub and keep its new state."""
        self.now_ms += 1000
        submission = Submission(by.did, kind, entry, info, welcome)
        self.hub, accepted = accept(self.hub, submission, self.now_ms)
        return accepted

    def say(self, by: Device, group: Group, text: bytes = b"hello") -> Accepted:
        """Send a message."""
        return self.offer(by, EntryKind.MESSAGE, group.encrypt(text, padding=padded_length))

    def commit(self, **what: object) -> Accepted:
        """Ana commits, always with a path for this room."""
        self.stage(**what)
        staged = self.group.pending
        assert staged is not None
        accepted = self.offer(
            self.ana, EntryKind.COMMIT, staged.commit, staged.group_info, staged.welcome or b""
        )
        self.group.merge(at=accepted.row.accepted_at)
        return accepted

    def stage(self, **what: object) -> None:
        """Make ana's commit, and offer it to nobody."""
        what.setdefault("leaf", self.ana.leaf(LeafUse.ROOM))
        what.setdefault("authenticated_data", CommitData(self.now_ms).encode())
        self.group.stage_commit(**what)  # type: ignore[arg-type]  # the keyword arguments vary by test

    def add(self, device: Device) -> tuple[Group, Accepted]:
        """Ana adds a device, which joins."""
        bundle = device.key_package()
        card = Extension(ROOM_CARD_EXTENSION, RoomCard("tea").encode())
        accepted = self.commit(adds=[bundle.key_package], welcome_extensions=(card,))
        return Group.join(device.store, accepted.welcome, bundle), accepted


@pytest.fixture
def story() -> Story:
    return Story.begin()


@pytest.fixture
def bo() -> Device:
    return Device("bo", "hilltop.example", 2)


@pytest.fixture
def eve() -> Device:
    return Device("eve", HUB, 3)


def refusal(story: Story, submission: Submission, *, after_ms: int = 0) -> Refused:
    """Offer what must be refused, and see that nothing has changed."""
    before = story.hub
    with pytest.raises(Refused) as caught:
        accept(story.hub, submission, story.now_ms + after_ms)
    assert story.hub == before
    return caught.value


# --- a conversation ---
def test_two_people_talk(story: Story, bo: Device) -> None:
    """Ana makes a room, bo joins from another node, both read each other in one order."""
    group, accepted = story.add(bo)
    assert accepted.change is not None
    assert accepted.change.joined == (bo.did,)
    assert accepted.effects == (
        DeliverWelcome(bo.did, bo.keys.device_id, bo.actor),
        NodeJoined("hilltop.example"),
    )
    standing = read_room(group.context.extensions, group.tree)
    assert standing.people.dids == (story.ana.did, bo.did)
    assert [e.extension_type for e in group.group_info_extensions].count(ROOM_CARD_EXTENSION) == 1

    hello = story.say(story.ana, story.group, b"hello bo")
    answer = story.say(bo, group, b"hello ana")

    heard = group.process(hello.row.body, at=hello.row.accepted_at)
    assert isinstance(heard, ApplicationMessage)
    assert heard.plaintext == b"hello bo"
    assert [row.row.position for row in (accepted, hello, answer)] == [Position(1, n) for n in (1, 2, 3)]
    assert story.hub.chain == chain_of(hello.row.chain, answer.row)


def test_client_and_hub_judge_alike(story: Story, bo: Device, eve: Device) -> None:
    """What a client stages from the log gives the very change that the hub gave."""
    group, _ = story.add(bo)
    _, accepted = story.add(eve)

    received = group.process(accepted.row.body, at=accepted.row.accepted_at)

    assert isinstance(received, ReceivedCommit)
    assert judge(received.change, Judged.of(accepted.row)) == accepted.change


def test_member_node_follows(story: Story, bo: Device, eve: Device) -> None:
    """From the snapshot of its first participant's commit on, its copy equals the hub's state."""
    _, start = story.add(bo)
    copy = decode_snapshot(encode_snapshot(story.hub))
    rows = [story.say(story.ana, story.group).row, story.add(eve)[1].row]
    rows.append(story.commit(removes=[1]).row)

    assert isinstance(follow_row(copy, start.row, story.now_ms), Duplicate)
    with pytest.raises(LogGap):
        follow_row(copy, rows[1], story.now_ms)
    last: Followed | None = None
    for row in rows:
        followed = follow_row(copy, row, story.now_ms)
        assert isinstance(followed, Followed)
        copy, last = followed.state, followed

    assert copy == story.hub
    assert last is not None
    assert last.effects == (DeviceRemoved(bo.did, bo.keys.device_id), NodeLeft("hilltop.example"))


def test_hub_that_lies(story: Story, bo: Device, eve: Device) -> None:
    """A member node takes neither a commit against the rules nor a row that breaks the chain."""
    story.add(bo)
    copy = story.hub
    story.stage(adds=[eve.key_package().key_package], authenticated_data=CommitData(0).encode())
    pending = story.group.pending
    assert pending is not None
    lie = next_row(copy, EntryKind.COMMIT, pending.commit, story.now_ms)
    message = next_row(copy, EntryKind.MESSAGE, b"bytes", story.now_ms)
    erased = msgspec.structs.replace(lie, body=b"")
    other_term = next_row(replace(copy, term=2), EntryKind.MESSAGE, b"bytes", story.now_ms)

    with pytest.raises(Refused) as caught:
        follow_row(copy, lie, story.now_ms)
    assert caught.value.rule is Rule.CLOCK_SKEW
    with pytest.raises(Refused):
        follow_row(copy, erased, story.now_ms)
    for row in (msgspec.structs.replace(message, chain=bytes(32)), other_term):
        with pytest.raises(LogForked):
            follow_row(copy, row, story.now_ms)


# --- order and epochs ---
def test_first_commit_takes_the_epoch(story: Story, bo: Device) -> None:
    """The loser learns the current epoch; a message for an epoch that nobody has is early as well."""
    group, _ = story.add(bo)
    late = group.stage_commit(
        leaf=bo.leaf(LeafUse.ROOM), authenticated_data=CommitData(story.now_ms).encode()
    )
    story.commit()

    refused = refusal(story, Submission(bo.did, EntryKind.COMMIT, late.commit, late.group_info))

    assert isinstance(refused, WrongEpoch)
    assert (refused.code, refused.current, refused.got) == ("wrongEpoch", 2, 1)
    story.stage()
    story.group.merge()
    early = story.group.encrypt(b"early", padding=padded_length)
    assert isinstance(refusal(story, Submission(story.ana.did, EntryKind.MESSAGE, early)), WrongEpoch)


def test_old_messages(story: Story, bo: Device) -> None:
    """Two epochs back are taken, three are not; and twelve hours after its end no epoch is."""
    group, _ = story.add(bo)
    message = Submission(bo.did, EntryKind.MESSAGE, group.encrypt(b"slow", padding=padded_length))
    story.commit()
    story.commit()

    accept(story.hub, message, story.now_ms)
    accept(story.hub, message, story.now_ms + 11 * HOUR_MS)
    assert isinstance(refusal(story, message, after_ms=12 * HOUR_MS + 1), EpochTooOld)
    story.commit()
    assert isinstance(refusal(story, message), EpochTooOld)


def test_nothing_from_before_a_removal(story: Story, bo: Device, eve: Device) -> None:
    """Once somebody was taken out, what was encrypted before is encrypted again."""
    story.add(eve)
    group, _ = story.add(bo)
    message = Submission(bo.did, EntryKind.MESSAGE, group.encrypt(b"slow", padding=padded_length))

    accepted = story.commit(removes=[1])

    assert accepted.effects == (DeviceRemoved(eve.did, eve.keys.device_id),)
    assert isinstance(refusal(story, message), EpochTooOld)
    story.commit()
    assert isinstance(refusal(story, message), EpochTooOld)
    refused = refusal(story, Submission(eve.did, EntryKind.MESSAGE, message.entry))
    assert refused.rule is Rule.NOT_PARTICIPANT


def test_time_never_goes_back(story: Story) -> None:
    """Even if the hub's clock does."""
    first = story.say(story.ana, story.group)
    story.now_ms -= HOUR_MS

    second = story.say(story.ana, story.group)

    assert second.row.accepted_at == first.row.accepted_at


# --- form ---
def test_form_of_entries(story: Story, bo: Device) -> None:
    """Each kind has one framing, one room, one size, and an author in the room."""
    message = story.group.encrypt(b"hello", padding=padded_length)
    story.stage()
    staged = story.group.pending
    assert staged is not None
    elsewhere = message.replace(ROOM, bytes(32))
    ana = story.ana.did

    for did, kind, entry, rule in (
        (bo.did, EntryKind.MESSAGE, message, Rule.NOT_PARTICIPANT),
        ("nobody", EntryKind.MESSAGE, message, Rule.NOT_PARTICIPANT),
        (ana, EntryKind.COMMIT, message, Rule.WRONG_FRAMING),
        (ana, EntryKind.MESSAGE, staged.commit, Rule.WRONG_FRAMING),
        (ana, EntryKind.ORPHAN, message, Rule.WRONG_FRAMING),
        (ana, 77, message, Rule.WRONG_FRAMING),
        (ana, EntryKind.MESSAGE, b"", Rule.WRONG_FRAMING),
        (ana, EntryKind.MESSAGE, staged.group_info, Rule.WRONG_FRAMING),
        (ana, EntryKind.PROPOSAL, message, Rule.WRONG_FRAMING),
        (ana, EntryKind.MESSAGE, elsewhere, Rule.WRONG_ROOM),
        (ana, EntryKind.MESSAGE, message + bytes(70_000), Rule.ENTRY_TOO_LARGE),
        (ana, EntryKind.COMMIT, staged.commit + bytes(300_000), Rule.ENTRY_TOO_LARGE),
        (ana, EntryKind.COMMIT, staged.commit + b"\0", Rule.INVALID_COMMIT),
    ):
        assert refusal(story, Submission(did, kind, entry)).rule is rule


def test_commit_of_somebody_else(story: Story, bo: Device) -> None:
    """Bo cannot hand in what ana staged."""
    story.add(bo)
    story.stage()
    staged = story.group.pending
    assert staged is not None

    refused = refusal(story, Submission(bo.did, EntryKind.COMMIT, staged.commit, staged.group_info))

    assert refused.rule is Rule.NOT_YOURS


def broken_at(data: bytes, step: int) -> Iterator[bytes]:
    """Change one bit here and there."""
    for at in range(0, len(data), step):
        yield data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


def test_broken_commit(story: Story) -> None:
    """No changed commit is taken, and each has a name.

    Only the membership tag at the end is for members alone to check.
    """
    story.stage()
    staged = story.group.pending
    assert staged is not None
    tag_size = SUITE.hash_size + 1
    rules = set[Rule]()
    for broken in broken_at(staged.commit[:-tag_size], 5):
        entry = broken + staged.commit[-tag_size:]
        rules.add(refusal(story, Submission(story.ana.did, EntryKind.COMMIT, entry, staged.group_info)).rule)

    assert Rule.INVALID_COMMIT in rules


# --- what comes with a commit ---
def test_group_info_of_the_new_epoch(story: Story, bo: Device) -> None:
    """Exactly that one, from the committer, with the external key, without tree and card."""
    group, _ = story.add(bo)
    leaf = story.ana.leaf(LeafUse.ROOM)
    before = group_info_of(story.group, leaf.signature_private)
    story.stage(leaf=leaf)
    staged = story.group.pending
    assert staged is not None
    received = group.process(staged.commit, at=story.now_ms)
    assert isinstance(received, ReceivedCommit)
    group.merge_received(received)
    after = MLSMessage.decode(staged.group_info).expect(GroupInfo)
    by_bo = replace(after, signer=1).signed(SUITE, bo.leaf(LeafUse.JOINING).signature_private)

    def signed(*extensions: Extension) -> bytes:
        info = replace(after, extensions=extensions).signed(SUITE, leaf.signature_private)
        return MLSMessage(info).encode()

    for info, rule in (
        (b"", Rule.GROUP_INFO_MISSING),
        (b"\0", Rule.GROUP_INFO_WRONG),
        (before, Rule.GROUP_INFO_WRONG),
        (staged.commit, Rule.GROUP_INFO_WRONG),
        (MLSMessage(by_bo).encode(), Rule.GROUP_INFO_WRONG),
        (signed(), Rule.GROUP_INFO_WRONG),
        (signed(*after.extensions, with_tree(group)), Rule.GROUP_INFO_WRONG),
        (signed(*after.extensions, Extension(ROOM_CARD_EXTENSION, b"")), Rule.GROUP_INFO_WRONG),
        *((broken, Rule.GROUP_INFO_WRONG) for broken in broken_at(staged.group_info, 9)),
    ):
        submission = Submission(story.ana.did, EntryKind.COMMIT, staged.commit, info)
        assert refusal(story, submission).rule is rule


def test_welcome_for_exactly_the_new_leaves(story: Story, bo: Device, eve: Device) -> None:
    """None missing, none for somebody else, none without an Add."""
    other = bo.key_package()
    story.stage(adds=[other.key_package])
    elsewhere = story.group.pending
    assert elsewhere is not None
    story.group.discard()
    story.stage(adds=[eve.key_package().key_package])
    staged = story.group.pending
    assert staged is not None
    assert elsewhere.welcome is not None

    for welcome, rule in (
        (b"", Rule.WELCOME_MISSING),
        (b"\0", Rule.WELCOME_WRONG),
        (staged.group_info, Rule.WELCOME_WRONG),
        (elsewhere.welcome, Rule.WELCOME_WRONG),
    ):
        submission = Submission(story.ana.did, EntryKind.COMMIT, staged.commit, staged.group_info, welcome)
        assert refusal(story, submission).rule is rule
    story.group.discard()
    story.stage()
    plain = story.group.pending
    assert plain is not None
    submission = Submission(
        story.ana.did, EntryKind.COMMIT, plain.commit, plain.group_info, elsewhere.welcome
    )
    assert refusal(story, submission).rule is Rule.WELCOME_WRONG


# --- a room that is new here ---
def test_new_rooms(bo: Device) -> None:
    """Epoch 0, the creator's leaf, this hub, and a policy that has only begun."""
    ana = Device("ana", HUB, 1)
    group, info = ana.found()
    policy = RoomPolicy.first(HUB, ROOM, ana.did)

    def refused(group_info: bytes, did: str = ana.did, hub: str = HUB, now: int = NOW_MS) -> Rule:
        with pytest.raises(Refused) as caught:
            open_room(group_info, hub=hub, did=did, now_ms=now)
        return caught.value.rule

    assert open_room(info, hub=HUB, did=ana.did, now_ms=NOW_MS).chain == ROOM
    assert refused(info, did=bo.did) is Rule.NOT_YOURS
    assert refused(info, hub="hilltop.example") is Rule.WRONG_HUB
    assert refused(info, now=NOW_MS + 100 * DAY * 1000) is Rule.INVALID_COMMIT
    assert refused(b"") is Rule.INVALID_COMMIT
    for broken in broken_at(info, 97):
        refused(broken)
    for other in (
        replace(policy, term=2),
        replace(policy, bans=(bo.did,)),
        replace(policy, roles=()),
        RoomPolicy.first(HUB, ROOM, bo.did),
        RoomPolicy.first(HUB, bytes(32), ana.did),
    ):
        fresh = Device("ana", HUB, 1)
        assert refused(fresh.found(other)[1]) is Rule.ROOM_NOT_NEW
    group.stage_commit(leaf=ana.leaf(LeafUse.ROOM), authenticated_data=CommitData(NOW_MS).encode())
    leaf = ana.leaf(LeafUse.ROOM)
    group.discard()
    group.stage_commit(leaf=leaf, authenticated_data=CommitData(NOW_MS).encode())
    group.merge()
    later = group_info_of(group, leaf.signature_private, with_tree(group))
    assert refused(later) in (Rule.LEAF_USE, Rule.ROOM_NOT_NEW)


def test_room_has_one_suite() -> None:
    """Leaf certificates are for suite 1; a group of another is no room, whatever MLS can do."""
    check_suite(1)
    with pytest.raises(Refused) as caught:
        check_suite(3)
    assert caught.value.rule is Rule.WRONG_SUITE


def test_group_that_is_no_room() -> None:
    """Without policy or without required capabilities it is an MLS group like any other."""
    policy = RoomPolicy.first(HUB, ROOM, Device("ana", HUB, 1).did)
    required, extension = room_extensions(policy)

    for extensions, rule in (
        ((required,), Rule.POLICY_MISSING),
        ((extension,), Rule.REQUIRED_CAPABILITIES),
        ((Extension(ExtensionType.REQUIRED_CAPABILITIES, b"\0"), extension), Rule.REQUIRED_CAPABILITIES),
        ((required, extension, Extension(ExtensionType.EXTERNAL_SENDERS, b"\0")), Rule.EXTENSIONS_CHANGED),
    ):
        with pytest.raises(Refused) as caught:
            read_room(extensions, _Empty())
        assert caught.value.rule is rule


class _Empty:
    """A tree without leaves."""

    def leaves(self) -> Iterator[tuple[int, LeafNode]]:
        return iter(())


# --- snapshots ---
def test_snapshot(story: Story, bo: Device, golden: Callable[[str, bytes], None]) -> None:
    """A hub's state comes back from its bytes, which never change."""
    golden("hub_snapshot_new.hex", encode_snapshot(story.hub))
    story.add(bo)
    story.commit(removes=[1])

    data = encode_snapshot(story.hub)

    assert decode_snapshot(data) == story.hub
    assert decode_snapshot(data).standing.people == story.hub.standing.people


def test_broken_snapshot(story: Story) -> None:
    """Cut, of another version, room or tree, it is refused by name."""
    data = encode_snapshot(story.hub)
    for broken in (b"", data[:-1], data + b"\0", b"\2" + data[1:], data[:1] + bytes(32) + data[33:]):
        with pytest.raises(Refused) as caught:
            decode_snapshot(broken)
        assert caught.value.rule is Rule.BAD_SNAPSHOT
    tree = data.index(story.hub.public.tree.encode())
    for broken in broken_at(data[tree:], 7):
        with pytest.raises(Refused):
            decode_snapshot(data[:tree] + broken)
    for broken in broken_at(data, 3):
        with contextlib.suppress(Refused):  # what is not signed may differ, and is never a traceback
            decode_snapshot(broken)


def test_rows_travel(story: Story) -> None:
    """A row is what the wire carries, verbatim."""
    row = story.say(story.ana, story.group).row

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(row), type=LogRow) == row
