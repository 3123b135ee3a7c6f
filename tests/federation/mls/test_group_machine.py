"""Rooms in which everything happens that can.

Members come, go and renew their keys; messages are late, twice, in any order or never there; commits
collide; and the power goes at any write. Whatever happens: who is in an epoch shares all of it, no message
key is used twice, everybody reads every message of its epochs exactly once, and who left reads nothing.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from yurt.mls.errors import OwnMessage, RemoteMlsError, Replayed, UnknownEpoch, WrongEpoch
from yurt.mls.external_join import ExternalJoin
from yurt.mls.framing import MLSMessage, PrivateMessage
from yurt.mls.group import Group, OwnCommit
from yurt.mls.group_store import EpochRows, MemoryGroupStore
from yurt.mls.key_package_bundle import make_key_package
from yurt.mls.member_epoch import MemberEpoch
from yurt.mls.message_epoch import ApplicationMessage
from yurt.mls.message_protection import open_sender_data
from yurt.mls.proposals import SelfRemove
from yurt.mls.public_group import PublicGroup
from yurt.mls.receiving import ReceivedCommit
from yurt.mls.rehearsal import GROUP_ID, NOT_AFTER, SUITE, FailingStore, PowerCut, own_leaf
from yurt.mls.staging import StagedCommit

T = TypeVar("T")
MOST = 7
CUTS = st.none() | st.integers(0, 40)
"""At which write the power goes, if at all."""


@dataclass(eq=False)
class Device:
    """A member's device: its rows, and how far it has read the log."""

    name: str
    store: MemoryGroupStore
    first_epoch: int
    position: int
    _group: Group | None = None

    @property
    def group(self) -> Group:
        if self._group is None:
            self._group = Group.load(self.store, GROUP_ID)
        return self._group

    def do(self, step: Callable[[Group], T], cut: int | None = None) -> T:
        """Do one transaction; with a cut, first on a machine that stops, whose rows roll back."""
        if cut is not None:
            with contextlib.suppress(PowerCut):
                step(Group.load(FailingStore(self.store.copy(), cut), GROUP_ID))
            self._group = None
        return step(self.group)

    def secrets(self, epoch: int) -> MemberEpoch:
        slots = {slot: value for number, slot, value in self.store.rows(GROUP_ID) if number == epoch}
        return MemberEpoch.load(EpochRows(MemoryGroupStore(), GROUP_ID, epoch), slots)


@dataclass(eq=False)
class Mail:
    """A message of the application, somewhere on its way."""

    message: bytes
    epoch: int
    sender: Device
    plaintext: bytes
    heard: set[int] = field(default_factory=set[int])


class Room(RuleBasedStateMachine):
    """A hub with its log, and devices that follow it each at its own pace."""

    def __init__(self) -> None:
        super().__init__()
        self.devices: list[Device] = []
        self.ghosts: list[Device] = []
        self.log: list[bytes] = []
        self.mail: list[Mail] = []
        self.keys: set[tuple[bytes, int, int]] = set()
        self.names = 0

    @initialize()
    def found(self) -> None:
        store = MemoryGroupStore()
        group = Group.create(store, SUITE, GROUP_ID, own_leaf("founder"))
        self.devices.append(Device("founder", store, 0, 0))
        self.group_info = group.group_info()
        self.hub = PublicGroup.from_group_info(group.group_info(with_tree=True), None, now_ms=None)

    # --- the hub ---

    def submit(self, device: Device, staged: StagedCommit) -> bool:
        """Offer a commit; the first of an epoch takes it."""
        try:
            after = self.hub.stage(staged.commit)
        except WrongEpoch:
            device.do(lambda group: group.discard())
            return False
        self.hub, self.group_info = after.apply(), staged.group_info
        self.log.append(staged.commit)
        return True

    def propose(self, message: bytes) -> None:
        try:
            self.hub = self.hub.with_proposal(self.hub.stage_proposal(message))
        except RemoteMlsError:
            return
        self.log.append(message)

    def read_log(self, device: Device, entries: int, cut: int | None = None) -> None:
        for message in self.log[device.position : device.position + entries]:
            device.position += 1
            if device.do(partial(follow, message=message), cut):
                self.devices.remove(device)
                self.ghosts.append(device)
                return

    def one(self, data: st.DataObject, *, up_to_date: bool = False) -> Device | None:
        """Draw a device, perhaps after it has read all of the log."""
        device = data.draw(st.sampled_from(self.devices))
        if up_to_date:
            self.read_log(device, len(self.log))
        return device if device in self.devices else None

    def new_name(self) -> str:
        self.names += 1
        return f"m{self.names}"

    # --- commits ---

    @precondition(lambda self: self.hub.tree.member_count < MOST)
    @rule(data=st.data(), cut=CUTS, up_to_date=st.booleans())
    def add(self, data: st.DataObject, cut: int | None, *, up_to_date: bool) -> None:
        """Somebody adds a newcomer, unless it is behind."""
        device = self.one(data, up_to_date=up_to_date)
        if device is None or device.group.pending is not None:
            return
        name = self.new_name()
        bundle = make_key_package(SUITE, own_leaf(name), 0, NOT_AFTER)
        staged = device.do(lambda group: group.stage_commit(adds=[bundle.key_package]), cut)
        if self.submit(device, staged) and staged.welcome is not None:
            store = MemoryGroupStore()
            Group.join(store, staged.welcome, bundle)
            self.devices.append(Device(name, store, self.hub.epoch, len(self.log)))

    @precondition(lambda self: self.hub.tree.member_count > 2)
    @rule(data=st.data(), cut=CUTS)
    def remove(self, data: st.DataObject, cut: int | None) -> None:
        """Somebody removes another."""
        device = self.one(data, up_to_date=True)
        if device is None or device.group.pending is not None:
            return
        others = [index for index, _ in self.hub.tree.leaves() if index != device.group.own_index]
        index = data.draw(st.sampled_from(others))
        self.submit(device, device.do(lambda group: group.stage_commit(removes=[index]), cut))

    @rule(data=st.data(), cut=CUTS, up_to_date=st.booleans())
    def renew(self, data: st.DataObject, cut: int | None, *, up_to_date: bool) -> None:
        """Somebody renews its keys, unless it is behind."""
        device = self.one(data, up_to_date=up_to_date)
        if device is None or device.group.pending is not None:
            return
        leaf = own_leaf(device.name)
        self.submit(device, device.do(lambda group: group.stage_commit(leaf=leaf), cut))

    @rule(data=st.data())
    def collide(self, data: st.DataObject) -> None:
        """Two commit at once; the hub takes one."""
        first, second = (self.one(data, up_to_date=True) for _ in range(2))
        if first is None or second is None or first is second or first not in self.devices:
            return
        if first.group.pending is None and second.group.pending is None:
            staged = [one.do(lambda group: group.stage_commit(force_path=True)) for one in (first, second)]
            assert self.submit(first, staged[0])
            assert not self.submit(second, staged[1])

    @rule(data=st.data())
    def sweep(self, data: st.DataObject) -> None:
        """Somebody commits what others proposed."""
        device = self.one(data, up_to_date=True)
        if device is None or device.group.pending is not None:
            return
        own = device.group.own_index
        chosen = {p.author: p.reference for p in device.group.proposals if p.author != own}
        self.submit(device, device.do(lambda group: group.stage_commit(references=list(chosen.values()))))

    # --- proposals ---

    @rule(data=st.data(), cut=CUTS)
    def update(self, data: st.DataObject, cut: int | None) -> None:
        """Somebody proposes new keys for itself."""
        device = self.one(data, up_to_date=True)
        if device is not None:
            self.propose(device.do(lambda group: group.propose_update(), cut))

    @precondition(lambda self: self.hub.tree.member_count > 2)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        """Somebody asks to go."""
        device = self.one(data, up_to_date=True)
        if device is None or any(isinstance(p.proposal, SelfRemove) for p in device.group.proposals):
            return
        self.propose(device.do(lambda group: group.propose(SelfRemove())))

    # --- from outside ---

    @precondition(lambda self: self.hub.tree.member_count < MOST)
    @rule()
    def come_in(self) -> None:
        """Somebody new commits itself in."""
        self.enter(self.new_name(), None)

    @rule(data=st.data())
    def come_back(self, data: st.DataObject) -> None:
        """Somebody lost its device and replaces its leaf; the old device is still out there."""
        device = self.one(data, up_to_date=True)
        if device is not None:
            self.enter(device.name, device.group.own_index)

    def enter(self, name: str, replaces: int | None) -> None:
        store = MemoryGroupStore()
        ExternalJoin.stage(store, self.group_info, own_leaf(name), tree=self.hub.tree, replaces=replaces)
        joining = ExternalJoin.load(store, GROUP_ID)
        self.hub = self.hub.stage(joining.staged.commit).apply()
        self.log.append(joining.staged.commit)
        self.group_info = joining.staged.group_info
        joining.merge()
        self.devices.append(Device(name, store, self.hub.epoch, len(self.log)))

    # --- messages ---

    @rule(data=st.data(), cut=CUTS, messages=st.integers(1, 3))
    def say(self, data: st.DataObject, cut: int | None, messages: int) -> None:
        """Somebody writes; no key was ever used before."""
        device = data.draw(st.sampled_from(self.devices))
        for _ in range(messages):
            self.say_once(device, cut)

    def say_once(self, device: Device, cut: int | None) -> None:
        plaintext = f"{device.name} {len(self.mail)}".encode()
        message = device.do(lambda group: group.encrypt(plaintext), cut)
        private = MLSMessage.decode(message).expect(PrivateMessage)
        secret = device.secrets(private.epoch).secrets.sender_data_secret
        sender = open_sender_data(SUITE, private, secret)
        key = secret, sender.leaf_index, sender.generation
        assert key not in self.keys
        self.keys.add(key)
        self.mail.append(Mail(message, private.epoch, device, plaintext))

    @precondition(lambda self: bool(self.mail))
    @rule(data=st.data(), cut=CUTS, up_to_date=st.booleans())
    def deliver(self, data: st.DataObject, cut: int | None, *, up_to_date: bool) -> None:
        """Messages arrive here and there, in any order, perhaps again."""
        several = st.lists(st.sampled_from(self.mail[-12:]), min_size=1, max_size=4)
        everybody = st.lists(st.sampled_from(self.devices), min_size=1, max_size=4)
        for mail in data.draw(several):
            for device in data.draw(everybody):
                if up_to_date and device in self.devices:
                    self.read_log(device, len(self.log))
                self.deliver_once(device, mail, cut)

    def deliver_once(self, device: Device, mail: Mail, cut: int | None) -> None:
        """Deliver a message, also to a device that just learned that it was removed."""

        def read(group: Group) -> bytes | type[RemoteMlsError]:
            try:
                received = group.process(mail.message, at=0)
            except RemoteMlsError as error:
                return type(error)
            assert isinstance(received, ApplicationMessage)
            return received.plaintext

        assert device.do(read, cut) == self.expected(device, mail)
        if mail.sender is not device and device.first_epoch <= mail.epoch <= device.group.epoch:
            mail.heard.add(id(device))

    def expected(self, device: Device, mail: Mail) -> bytes | type[RemoteMlsError]:
        if mail.epoch > device.group.epoch:
            return WrongEpoch
        if mail.epoch < device.first_epoch:
            return UnknownEpoch
        if mail.sender is device:
            return OwnMessage
        return Replayed if id(device) in mail.heard else mail.plaintext

    @rule(data=st.data(), entries=st.integers(1, 3), cut=CUTS)
    def catch_up(self, data: st.DataObject, entries: int, cut: int | None) -> None:
        """Somebody reads a little of the log."""
        self.read_log(data.draw(st.sampled_from(self.devices)), entries, cut)

    # --- what always holds ---

    @invariant()
    def one_epoch_is_one(self) -> None:
        """Who is where the hub is shares its tree, and one secret."""
        current = [device.group for device in self.devices if device.group.epoch == self.hub.epoch]
        assert len({group.epoch_authenticator for group in current}) <= 1
        assert {group.tree.tree_hash() for group in current} <= {self.hub.tree.tree_hash()}

    @invariant()
    def who_left_knows_nothing(self) -> None:
        """No secret of the epoch is among the rows of a device that was removed."""
        current = [device for device in self.devices if device.group.epoch == self.hub.epoch]
        if not current:
            return
        epoch = current[0].secrets(self.hub.epoch)
        secrets = epoch.secrets
        wanted = (secrets.sender_data_secret, secrets.exporter_secret, secrets.init_secret)
        for ghost in self.ghosts[-3:]:
            rows = b"".join(value for _, _, value in ghost.store.rows(GROUP_ID))
            assert not any(secret in rows for secret in wanted)
            for mail in self.mail[-3:]:
                if mail.epoch > ghost.group.epoch:
                    with pytest.raises(RemoteMlsError):
                        ghost.group.process(mail.message, at=0)

    @override
    def teardown(self) -> None:
        """In the end everybody reads the whole log and stands in one epoch."""
        for device in list(self.devices):
            self.read_log(device, len(self.log))
        if self.devices:
            self.one_epoch_is_one()
            assert {device.group.epoch for device in self.devices} == {self.hub.epoch}


def follow(group: Group, message: bytes) -> bool:
    """Take in an entry of the log; tells whether it removes us."""
    received = group.process(message, at=0)
    if isinstance(received, OwnCommit):
        group.merge()
    elif isinstance(received, ReceivedCommit):
        if received.removes_me:
            return True
        group.merge_received(received)
    return False


def sized(examples: int, steps: int) -> settings:
    """Give the machine's settings."""
    return settings(max_examples=examples, stateful_step_count=steps)


class LongRoom(Room):
    """The same at length."""


TestRoom = Room.TestCase
TestRoom.settings = sized(15, 30)
TestLongRoom = pytest.mark.long(pytest.mark.timeout(1800)(LongRoom.TestCase))
TestLongRoom.settings = sized(400, 60)
