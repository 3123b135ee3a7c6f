"""Rooms at a node: the hub orders them, member nodes follow; with real groups and a real store."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from yurt.identity.device import DeviceCertificate, DeviceKeys
from yurt.identity.identity_key import IdentityKey
from yurt.identity.leaf import LeafUse, issue_leaf
from yurt.mls.capabilities import Capabilities
from yurt.mls.cipher_suite import X25519_AES128GCM_SHA256_ED25519 as SUITE
from yurt.mls.credential import Credential
from yurt.mls.extensions import Extension
from yurt.mls.group import Group
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.key_package_bundle import KeyPackageBundle, OwnLeaf, make_key_package
from yurt.mls.leaf_node import Lifetime
from yurt.mls.proposals import ProposalType, SelfRemove
from yurt.mls.receiving import ReceivedProposal
from yurt.mls.staging import StagedCommit
from yurt.node.dispatcher import Caller, Context
from yurt.node.hub.append import RoomHub
from yurt.node.hub.handlers import RoomCommands
from yurt.node.hub.member_copy import WELCOME_RATE, MemberCopies
from yurt.node.hub.refusals import REFUSED_A_MINUTE
from yurt.node.hub.states import RoomStates
from yurt.node.store import accounts, logs, outbound, rooms
from yurt.node.store.accounts import NewAccount, StoredLogin
from yurt.node.store.outbound import OutboundKind
from yurt.node.store.sqlite import SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import Appended as Told
from yurt.node.store.types import Tx
from yurt.rooms.common.chain import chain_of
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.policy import RoomPolicy
from yurt.rooms.common.room import room_extensions
from yurt.rooms.hub.order import Submission, accept
from yurt.wire import exchange, limits
from yurt.wire.command import Done
from yurt.wire.exchange import Pull, RoomHave, RoomRows, RoomStart, WelcomeDelivery
from yurt.wire.frames import room_log
from yurt.wire.position import START, LogRow, Position
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import LEAF_EXTENSION, ROOM_POLICY_EXTENSION, EntryKind
from yurt.wire.room_commands import Append, Appended, CreateRoom, ListRooms

NOW = 1_795_000_000
ROOM = bytes([7]) * 32
LOG = room_log(ROOM)
CAPABILITIES = Capabilities(
    cipher_suites=(1,),
    extensions=(LEAF_EXTENSION, ROOM_POLICY_EXTENSION, 0xF0B3),
    proposals=(ProposalType.SELF_REMOVE,),
    credentials=(1,),
)


class StandingClock:
    """A clock that stands still."""

    def now_ms(self) -> int:
        return NOW * 1000

    def now_s(self) -> int:
        return NOW


class Device:
    """One person with one device, at one node."""

    def __init__(self, name: str, node: str) -> None:
        self.identity = IdentityKey(hashlib.sha256(name.encode()).digest())
        self.did = self.identity.did
        self.actor = f"https://{node}/users/{name}"
        self.keys = DeviceKeys.generate()
        self.certificate = DeviceCertificate.issue(
            self.identity, self.keys.public, record_seq=1, not_after=NOW + 86_400 * 300
        )
        self.store = MemoryGroupStore()
        self.group: Group | None = None
        self.caller = Caller(name, self.actor, self.did, self.keys.public.device_id)

    def leaf(self, use: LeafUse) -> OwnLeaf:
        private = os.urandom(32)
        data = issue_leaf(
            self.keys,
            self.certificate,
            actor=self.actor,
            signature_public=SUITE.signature_public(private),
            use=use,
            group_id=ROOM if use is LeafUse.ROOM else b"",
            not_before=NOW - 3600,
            not_after=NOW + 86_400 * 80,
        )
        credential = Credential.basic(self.actor.encode())
        return OwnLeaf(credential, CAPABILITIES, (Extension(LEAF_EXTENSION, data),), private)

    def key_package(self) -> KeyPackageBundle:
        return make_key_package(SUITE, self.leaf(LeafUse.JOINING), NOW - 3600, NOW + 86_400)

    def found(self, hub: str) -> bytes:
        extensions = room_extensions(RoomPolicy.first(hub, ROOM, self.did))
        self.group = Group.create(
            self.store,
            SUITE,
            ROOM,
            self.leaf(LeafUse.JOINING),
            extensions=extensions,
            lifetime=Lifetime(NOW - 3600, NOW + 86_400),
        )
        return self.group.group_info(with_tree=True)

    @property
    def member(self) -> Group:
        assert self.group is not None
        return self.group

    def says(self, text: str) -> Append:
        return Append(room=ROOM, kind=EntryKind.MESSAGE, entry=self.member.encrypt(text.encode()))

    def stage(
        self,
        *adds: KeyPackageBundle,
        removes: tuple[int, ...] = (),
        references: tuple[bytes, ...] = (),
    ) -> StagedCommit:
        return self.member.stage_commit(
            references=references,
            adds=[bundle.key_package for bundle in adds],
            removes=removes,
            leaf=self.leaf(LeafUse.ROOM),
            force_path=True,
            authenticated_data=CommitData(NOW * 1000).encode(),
        )


def account_of(device: Device) -> Callable[[Tx], int]:
    login = StoredLogin(b"", b"", 0, 0)
    new = NewAccount(device.caller.account, device.did, b"", b"", "", login, NOW)
    return lambda tx: accounts.add_account(tx, new, "")


def commit(staged: StagedCommit) -> Append:
    return Append(
        room=ROOM,
        kind=EntryKind.COMMIT,
        entry=staged.commit,
        group_info=staged.group_info,
        welcome=staged.welcome or b"",
    )


class NobodyElse:
    """There is no other hub."""

    async def submit(self, hub: str, submission: exchange.Submission) -> Appended:  # noqa: ARG002  # protocol
        raise refuse("hubUnreachable", f"{hub} cannot be reached")


@dataclass
class Node:
    """The room parts of a node on a real store."""

    name: str
    store: SqliteStore
    commits: list[int] = field(default_factory=list[int])

    def __post_init__(self) -> None:
        self.clock = StandingClock()
        self.start_again()

    def start_again(self) -> None:
        """Forget everything that is only in memory."""
        self.states = RoomStates(self.store)
        self.hub = RoomHub(self.name, self.store, self.states, self.clock)
        self.copies = MemberCopies(self.name, self.store, self.states, self.clock)
        self.commands = RoomCommands(self.name, self.store, self.states, self.clock, self.hub, NobodyElse())

    async def has(self, *devices: Device) -> None:
        for device in devices:
            await self.store.write(account_of(device))

    async def append(self, device: Device, command: Append) -> Appended:
        return await self.commands.append(Context("", device.caller), command)

    async def rows(self, after: Position = START) -> list[LogRow]:
        return await self.store.read(lambda tx: logs.after(tx, LOG, after, 1000))

    async def inbox(self, device: Device) -> list[WelcomeDelivery]:
        log = logs.inbox_log(device.caller.account)
        rows = await self.store.read(lambda tx: logs.after(tx, log, START))
        return [msgspec.msgpack.decode(row.body, type=WelcomeDelivery) for row in rows]

    async def refusal(self, device: Device, command: Append) -> ProblemError:
        with pytest.raises(ProblemError) as refused:
            await self.append(device, command)
        return refused.value


async def open_node(path: Path, name: str) -> Node:
    commits: list[int] = []

    def count(told: Sequence[Told]) -> None:
        commits.append(len(told))

    return Node(name, await SqliteStore.open(path / f"{name}.db", STEPS, count), commits)


@pytest.fixture
async def harbour(tmp_path: Path) -> AsyncIterator[Node]:
    node = await open_node(tmp_path, "harbour.example")
    yield node
    await node.store.close()


@pytest.fixture
async def hilltop(tmp_path: Path) -> AsyncIterator[Node]:
    node = await open_node(tmp_path, "hilltop.example")
    yield node
    await node.store.close()


@pytest.fixture
def ana() -> Device:
    return Device("ana", "harbour.example")


@pytest.fixture
def bo() -> Device:
    return Device("bo", "harbour.example")


@pytest.fixture
def cy() -> Device:
    return Device("cy", "hilltop.example")


async def founded(node: Node, ana: Device) -> None:
    await node.has(ana)
    created = await node.commands.create(Context("", ana.caller), CreateRoom(ana.found(node.name)))
    assert created == Done()


async def let_in(node: Node, host: Device, guest: Device) -> Appended:
    """Add somebody; both are then in the new epoch."""
    bundle = guest.key_package()
    staged = host.stage(bundle)
    receipt = await node.append(host, commit(staged))
    host.member.merge(at=receipt.accepted_at)
    assert staged.welcome is not None
    guest.group = Group.join(guest.store, staged.welcome, bundle)
    return receipt


async def test_messages_get_one_place_each_and_a_chain(harbour: Node, ana: Device) -> None:
    """A room's log is gapless and its chain begins with the room id."""
    await founded(harbour, ana)

    receipts = [await harbour.append(ana, ana.says(str(n))) for n in range(3)]

    rows = await harbour.rows()
    assert [row.position for row in rows] == [Position(1, n) for n in (1, 2, 3)]
    assert [receipt.chain for receipt in receipts] == [row.chain for row in rows]
    chain = ROOM
    for row in rows:
        chain = chain_of(chain, row)
        assert row.chain == chain


async def test_a_crowd_shares_commits_and_gets_one_order(harbour: Node, ana: Device) -> None:
    """Two hundred messages at once: each accepted once, in few commits, without a hole."""
    await founded(harbour, ana)
    commands = [ana.says(str(n)) for n in range(200)]

    receipts = await asyncio.gather(*(harbour.append(ana, command) for command in commands))

    assert sorted(receipt.position.seq for receipt in receipts) == list(range(1, 201))
    assert len(harbour.commits) < 20


async def test_the_same_entry_is_accepted_once(harbour: Node, ana: Device) -> None:
    """A message sent again, later or at the same moment, gets the receipt of the first time."""
    await founded(harbour, ana)
    command = ana.says("hello")

    twins = await asyncio.gather(*(harbour.append(ana, command) for _ in range(3)))
    harbour.start_again()
    later = await harbour.append(ana, command)

    assert set(twins) == {later}
    assert len(await harbour.rows()) == 1


async def test_a_stale_head_decides_again(harbour: Node, ana: Device) -> None:
    """When something else wrote the log meanwhile, the hub loads, decides again, and nothing is lost."""
    await founded(harbour, ana)
    await harbour.append(ana, ana.says("first"))
    state = await harbour.states.get(ROOM)
    assert state is not None
    says = ana.says("behind the hub's back")
    after, accepted = accept(state, Submission(ana.did, says.kind, says.entry), NOW * 1000)
    await harbour.store.write(lambda tx: logs.append(tx, LOG, state.head, [accepted.row]))

    receipt = await harbour.append(ana, ana.says("third"))

    assert receipt.position == Position(1, 3)
    assert [row.chain for row in await harbour.rows()][1] == after.chain


async def test_restart_goes_on_where_the_log_ends(harbour: Node, ana: Device) -> None:
    """State in memory is a cache: without it the hub goes on with the next place."""
    await founded(harbour, ana)
    await harbour.append(ana, ana.says("before"))

    harbour.start_again()

    assert (await harbour.append(ana, ana.says("after"))).position == Position(1, 2)


async def test_creating_twice_is_creating_once(harbour: Node, ana: Device) -> None:
    """The same room again is done already; another one under its id is refused."""
    await harbour.has(ana)
    info = ana.found(harbour.name)
    context = Context("", ana.caller)
    await harbour.commands.create(context, CreateRoom(info))

    assert await harbour.commands.create(context, CreateRoom(info)) == Done()
    ana.store = MemoryGroupStore()
    with pytest.raises(ProblemError) as refused:
        await harbour.commands.create(context, CreateRoom(ana.found(harbour.name)))

    assert refused.value.problem.detail["rule"] == "roomNotNew"


@pytest.mark.parametrize("info", [b"", b"\x00", os.urandom(300)])
async def test_a_hostile_group_info_makes_no_room(harbour: Node, ana: Device, info: bytes) -> None:
    """Garbage is refused by a rule."""
    await harbour.has(ana)

    with pytest.raises(ProblemError) as refused:
        await harbour.commands.create(Context("", ana.caller), CreateRoom(info))

    assert refused.value.problem.code == "refused"


async def test_welcome_reaches_a_local_inbox_with_its_commit(harbour: Node, ana: Device, bo: Device) -> None:
    """Who is added finds the Welcome, stamped with the commit's place, and reads from there on."""
    await founded(harbour, ana)
    await harbour.has(bo)
    await harbour.append(ana, ana.says("before bo"))

    receipt = await let_in(harbour, ana, bo)

    [welcome] = await harbour.inbox(bo)
    assert (welcome.position, welcome.chain) == (receipt.position, receipt.chain)
    listed = await harbour.commands.list_rooms(Context("", bo.caller), ListRooms())
    assert [(room.room, room.start) for room in listed.rooms] == [(ROOM, receipt.position)]
    assert (await harbour.append(bo, bo.says("hello"))).position == Position(1, 3)


async def test_first_commit_takes_the_epoch(harbour: Node, ana: Device, bo: Device) -> None:
    """Of two commits in one epoch the second is told the current epoch; the first may be sent again."""
    await founded(harbour, ana)
    await harbour.has(bo)
    await let_in(harbour, ana, bo)
    first, second = commit(ana.stage()), commit(bo.stage())

    receipt = await harbour.append(ana, first)
    lost = await harbour.refusal(bo, second)

    assert (lost.problem.code, lost.problem.detail["epoch"]) == ("wrongEpoch", 2)
    assert await harbour.append(ana, first) == receipt
    assert len(await harbour.rows()) == 2


async def test_a_commit_and_messages_behind_it_share_a_batch(harbour: Node, ana: Device) -> None:
    """Messages of the new epoch that arrive together with its commit are decided after it."""
    await founded(harbour, ana)
    before, staged = ana.says("old epoch"), ana.stage()
    ana.member.merge(at=NOW * 1000)
    batch = [before, commit(staged), ana.says("new epoch")]

    receipts = await asyncio.gather(*(harbour.append(ana, one) for one in batch))

    assert [receipt.position.seq for receipt in receipts] == [1, 2, 3]
    harbour.start_again()
    assert (await harbour.append(ana, ana.says("after a restart"))).position.seq == 4


async def test_refused_commits_are_not_free(harbour: Node, ana: Device) -> None:
    """Who sends commits that the rules refuse is not listened to for a minute; their messages still pass."""
    await founded(harbour, ana)
    bare = msgspec.structs.replace(commit(ana.stage()), group_info=b"")

    codes = [(await harbour.refusal(ana, bare)).problem.code for _ in range(REFUSED_A_MINUTE + 1)]
    flood = await asyncio.gather(*(harbour.append(ana, bare) for _ in range(9)), return_exceptions=True)
    said = await harbour.append(ana, ana.says("hello"))

    assert codes == ["refused"] * REFUSED_A_MINUTE + ["tooMany"]
    assert {type(each) for each in flood} == {ProblemError}
    assert said.position.seq == 1


async def test_a_stranger_learns_nothing(harbour: Node, ana: Device, bo: Device) -> None:
    """Appending to a room one is not in, and to one that is not there, are answered alike."""
    await founded(harbour, ana)
    says = ana.says("stolen")

    here = await harbour.refusal(bo, says)
    nowhere = await harbour.refusal(bo, msgspec.structs.replace(says, room=bytes(32)))

    assert here.problem == nowhere.problem


async def test_removal_closes_the_window(harbour: Node, ana: Device, bo: Device) -> None:
    """A removed device reads up to its removal; its room is no longer listed, its messages are refused."""
    await founded(harbour, ana)
    await harbour.has(bo)
    added = await let_in(harbour, ana, bo)
    late = bo.says("too late")

    removal = await harbour.append(ana, commit(ana.stage(removes=(bo.member.own_index,))))

    [window] = await harbour.store.read(
        lambda tx: rooms.device_windows(tx, ROOM, bo.did, bo.caller.device_id)
    )
    assert (window.start, window.end) == (added.position, removal.position)
    listed = await harbour.commands.list_rooms(Context("", bo.caller), ListRooms())
    assert listed.rooms == ()
    assert (await harbour.refusal(bo, late)).problem.code == "notFound"


async def sent_to(node: Node, peer: str) -> tuple[list[RoomStart], list[WelcomeDelivery]]:
    items = await node.store.read(lambda tx: outbound.waiting(tx, peer))
    starts = [msgspec.msgpack.decode(i.body, type=RoomStart) for i in items if i.kind is OutboundKind.START]
    welcomes = [
        msgspec.msgpack.decode(i.body, type=WelcomeDelivery) for i in items if i.kind is OutboundKind.WELCOME
    ]
    return starts, welcomes


async def joined_across(harbour: Node, hilltop: Node, ana: Device, cy: Device) -> Position:
    """Ana's room at harbour, with cy at hilltop in it, and hilltop's copy begun."""
    await founded(harbour, ana)
    await hilltop.has(cy)
    await harbour.append(ana, ana.says("before cy"))
    await let_in(harbour, ana, cy)
    [start], [welcome] = await sent_to(harbour, "hilltop.example")
    await hilltop.copies.start("harbour.example", start)
    await hilltop.copies.welcome("harbour.example", welcome)
    return start.row.position


async def test_a_member_node_gets_start_and_welcome_with_the_commit(
    harbour: Node, hilltop: Node, ana: Device, cy: Device
) -> None:
    """The copy begins at the commit that added its first participant; nothing before it is there."""
    at = await joined_across(harbour, hilltop, ana, cy)

    assert [row.position for row in await hilltop.rows()] == [at]
    [welcome] = await hilltop.inbox(cy)
    assert welcome.position == at
    reader = rooms.peer_reader("hilltop.example")
    assert await harbour.store.read(lambda tx: logs.cursor(tx, LOG, reader)) == at


async def test_a_copy_takes_rows_once_and_names_gaps(
    harbour: Node, hilltop: Node, ana: Device, cy: Device
) -> None:
    """Rows in order stand, twice is once, a hole is answered with what the copy has."""
    at = await joined_across(harbour, hilltop, ana, cy)
    for n in range(4):
        await harbour.append(ana, ana.says(str(n)))
    rows = tuple(await harbour.rows(at))
    head = rows[-1].position

    hole = await hilltop.copies.take("harbour.example", RoomRows(ROOM, at, rows[2:], head))
    first = await hilltop.copies.take("harbour.example", RoomRows(ROOM, at, rows[:3], head))
    hilltop.start_again()
    again = await hilltop.copies.take("harbour.example", RoomRows(ROOM, at, rows, head))

    assert hole == RoomHave(ROOM, at, "gap")
    assert first == RoomHave(ROOM, rows[2].position)
    assert again == RoomHave(ROOM, head)
    assert await hilltop.rows(at) == list(rows)


async def test_a_copy_follows_commits_and_closes_windows(
    harbour: Node, hilltop: Node, ana: Device, cy: Device
) -> None:
    """The member node judges commits itself, and stops serving who was removed."""
    at = await joined_across(harbour, hilltop, ana, cy)
    removal = await harbour.append(ana, commit(ana.stage(removes=(cy.member.own_index,))))
    rows = tuple(await harbour.rows(at))

    have = await hilltop.copies.take("harbour.example", RoomRows(ROOM, at, rows, removal.position))

    assert have == RoomHave(ROOM, removal.position)
    [window] = await hilltop.store.read(
        lambda tx: rooms.device_windows(tx, ROOM, cy.did, cy.caller.device_id)
    )
    assert window.end == removal.position
    assert await harbour.store.read(lambda tx: rooms.nodes_of(tx, ROOM)) == [
        ("hilltop.example", removal.position)
    ]


async def test_a_wish_to_leave_outlives_a_restart(
    harbour: Node, hilltop: Node, ana: Device, cy: Device
) -> None:
    """Hub and copy keep a SelfRemove with its row: the commit that names it is followed after a restart."""
    at = await joined_across(harbour, hilltop, ana, cy)
    wish = Append(room=ROOM, kind=EntryKind.PROPOSAL, entry=cy.member.propose(SelfRemove()))
    leaving = await harbour.append(cy, wish)
    row = tuple(await harbour.rows(at))
    await hilltop.copies.take("harbour.example", RoomRows(ROOM, at, row, leaving.position))
    heard = ana.member.process(wish.entry, at=NOW * 1000)
    assert isinstance(heard, ReceivedProposal)

    harbour.start_again()
    hilltop.start_again()
    staged = ana.stage(references=(heard.pending.reference,))
    gone = await harbour.append(ana, commit(staged))
    rows = tuple(await harbour.rows(at))
    have = await hilltop.copies.take("harbour.example", RoomRows(ROOM, at, rows, gone.position))

    assert have == RoomHave(ROOM, gone.position)
    for node in (harbour, hilltop):
        [window] = await node.store.read(
            lambda tx: rooms.device_windows(tx, ROOM, cy.did, cy.caller.device_id)
        )
        assert window.end == gone.position


async def test_a_start_is_proved_by_the_committer(
    harbour: Node, hilltop: Node, ana: Device, cy: Device
) -> None:
    """A hub cannot begin a copy with a GroupInfo that does not belong to the commit."""
    await founded(harbour, ana)
    await hilltop.has(cy)
    await let_in(harbour, ana, cy)
    [start], _ = await sent_to(harbour, "hilltop.example")
    assert start.group_info
    other = ana.stage(ana.key_package()).group_info

    with pytest.raises(ProblemError) as refused:
        await hilltop.copies.start("harbour.example", msgspec.structs.replace(start, group_info=other))

    assert refused.value.problem.detail["rule"] == "badSnapshot"
    await hilltop.copies.start("harbour.example", start)


async def test_a_copy_refuses_a_log_that_contradicts_itself(
    harbour: Node, hilltop: Node, ana: Device, cy: Device
) -> None:
    """A changed body, time or chain stops the room at what was sound."""
    at = await joined_across(harbour, hilltop, ana, cy)
    await harbour.append(ana, ana.says("sound"))
    await harbour.append(ana, ana.says("forged"))
    sound, row = await harbour.rows(at)
    forgeries = [
        msgspec.structs.replace(row, body=row.body + b"!"),
        msgspec.structs.replace(row, accepted_at=row.accepted_at + 1),
        msgspec.structs.replace(row, chain=bytes(32)),
        msgspec.structs.replace(row, position=Position(2, row.position.seq)),
    ]

    for forged in forgeries:
        have = await hilltop.copies.take("harbour.example", RoomRows(ROOM, at, (sound, forged), row.position))
        assert have == RoomHave(ROOM, sound.position, "badChain")


async def test_a_hub_cannot_send_what_fits_into_no_frame(
    harbour: Node, hilltop: Node, ana: Device, cy: Device
) -> None:
    """A giant row or Welcome would end each stream of its reader, at the same place, for ever."""
    at = await joined_across(harbour, hilltop, ana, cy)
    _, [welcome] = await sent_to(harbour, "hilltop.example")
    copy = await hilltop.states.get(ROOM)
    assert copy is not None
    place, giant = Position(at.term, at.seq + 1), bytes(limits.NODE_FRAME)

    for kind, body, digest in (
        (EntryKind.MESSAGE, giant, hashlib.sha256(giant).digest()),
        (99, giant, hashlib.sha256(giant).digest()),
        (EntryKind.MESSAGE, b"", giant),
    ):
        row = LogRow(place, kind, copy.accepted_at, digest, body)
        row = msgspec.structs.replace(row, chain=chain_of(copy.chain, row))
        have = await hilltop.copies.take("harbour.example", RoomRows(ROOM, at, (row,), place))
        assert have == RoomHave(ROOM, at, "badChain")
    for large in (
        msgspec.structs.replace(welcome, welcome=giant),
        msgspec.structs.replace(welcome, id=giant),
        msgspec.structs.replace(welcome, chain=giant),
    ):
        with pytest.raises(ProblemError) as refused:
            await hilltop.copies.welcome("harbour.example", large)
        assert refused.value.problem.code == "tooLarge"

    assert await hilltop.inbox(cy) == [welcome]


async def test_only_the_hub_feeds_a_copy(harbour: Node, hilltop: Node, ana: Device, cy: Device) -> None:
    """Another node can neither begin a copy, nor add rows, nor deliver a Welcome."""
    at = await joined_across(harbour, hilltop, ana, cy)
    [start], [welcome] = await sent_to(harbour, "hilltop.example")

    rows = await hilltop.copies.take("rogue.example", RoomRows(ROOM, at, (), at))
    with pytest.raises(ProblemError):
        await hilltop.copies.start("rogue.example", start)
    with pytest.raises(ProblemError):
        await hilltop.copies.welcome("rogue.example", replace_id(welcome))
    await hilltop.copies.start("harbour.example", start)
    await hilltop.copies.welcome("harbour.example", welcome)

    assert rows.problem == "unknownRoom"
    assert len(await hilltop.inbox(cy)) == 1


async def test_a_hub_fills_nobodys_inbox_with_welcomes(
    harbour: Node, hilltop: Node, ana: Device, cy: Device
) -> None:
    """Whoever shares one room with somebody sends them so many, and no more: each stays until it is read."""
    await joined_across(harbour, hilltop, ana, cy)
    _, [welcome] = await sent_to(harbour, "hilltop.example")

    for _ in range(WELCOME_RATE.burst - 1):
        await hilltop.copies.welcome("harbour.example", replace_id(welcome))
    with pytest.raises(ProblemError) as refused:
        await hilltop.copies.welcome("harbour.example", replace_id(welcome))

    assert not refused.value.problem.kind.retry
    assert len(await hilltop.inbox(cy)) == 30


def replace_id(welcome: WelcomeDelivery) -> WelcomeDelivery:
    return msgspec.structs.replace(welcome, id=os.urandom(16))


async def test_a_room_of_nobody_here_is_not_kept(
    harbour: Node, hilltop: Node, ana: Device, cy: Device
) -> None:
    """A leaf that only says it is at hilltop (no such account, or another did's) fills no disk there."""
    await founded(harbour, ana)
    await let_in(harbour, ana, cy)
    [start], _ = await sent_to(harbour, "hilltop.example")

    other = Device("cy", "hilltop.example")
    other.did = ana.did

    with pytest.raises(ProblemError) as nobody:
        await hilltop.copies.start("harbour.example", start)
    await hilltop.has(other)
    with pytest.raises(ProblemError) as somebody_else:
        await hilltop.copies.start("harbour.example", start)

    for refused in (nobody, somebody_else):
        assert refused.value.problem.detail["rule"] == "notParticipant"
    assert await hilltop.rows() == []


async def test_a_member_node_submits_for_its_own_people(
    harbour: Node, hilltop: Node, ana: Device, cy: Device
) -> None:
    """The hub finds the did by the leaf's actor; an actor without a leaf is told nothing."""
    await joined_across(harbour, hilltop, ana, cy)
    says = cy.says("from hilltop")
    submission = exchange.Submission(os.urandom(16), cy.actor, ROOM, says.kind, says.entry)

    receipt = await harbour.hub.append_submitted("hilltop.example", submission)
    stranger = msgspec.structs.replace(submission, actor="https://hilltop.example/users/eve")
    with pytest.raises(ProblemError) as refused:
        await harbour.hub.append_submitted("hilltop.example", stranger)

    assert receipt.position == Position(1, 3)
    assert refused.value.problem.code == "notFound"


async def test_a_pull_is_served_from_the_start_of_the_copy(
    harbour: Node, hilltop: Node, ana: Device, cy: Device
) -> None:
    """A member node gets what follows its start; what lies before is as if it were not there."""
    at = await joined_across(harbour, hilltop, ana, cy)
    await harbour.append(ana, ana.says("after"))

    served = await harbour.copies.serve("hilltop.example", Pull(ROOM, at))
    refusals = [("hilltop.example", Pull(ROOM, START)), ("rogue.example", Pull(ROOM, at))]
    for peer, pull in refusals:
        with pytest.raises(ProblemError):
            await harbour.copies.serve(peer, pull)

    assert [row.position for row in served.rows] == [Position(1, 3)]


async def test_append_at_another_hub_waits_for_nothing(
    harbour: Node, hilltop: Node, ana: Device, cy: Device
) -> None:
    """When the hub is down the client is told at once; nothing waits in the node."""
    await joined_across(harbour, hilltop, ana, cy)

    assert (await hilltop.refusal(cy, cy.says("hello?"))).problem.code == "hubUnreachable"
