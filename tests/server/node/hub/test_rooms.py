"""Rooms at their hub, which orders them; with real groups and a real store."""

import asyncio

import msgspec
import pytest

from yurt.mls.group_store import MemoryGroupStore
from yurt.node.hub.refusals import REFUSED_A_MINUTE
from yurt.node.hub.testing import LOG, RoomNode, called_by
from yurt.node.store import logs, rooms
from yurt.rooms.common.chain import chain_of
from yurt.rooms.hub.order import Submission, accept
from yurt.rooms.testing import NOW_MS, ROOM_ID
from yurt.rooms.testing_participant import Participant
from yurt.wire.command import Done
from yurt.wire.position import Position
from yurt.wire.problems import ProblemError
from yurt.wire.room_commands import Append, CreateRoom, ListRooms


async def refusal(node: RoomNode, who: Participant, command: Append) -> ProblemError:
    with pytest.raises(ProblemError) as refused:
        await node.append(who, command)
    return refused.value


async def test_messages_get_one_place_each_and_a_chain(at_harbour: RoomNode, ana: Participant) -> None:
    """A room's log is gapless and its chain begins with the room id."""
    await at_harbour.founded(ana)

    receipts = [await at_harbour.append(ana, ana.says(str(n))) for n in range(3)]

    rows = await at_harbour.rows()
    assert [row.position for row in rows] == [Position(1, n) for n in (1, 2, 3)]
    assert [receipt.chain for receipt in receipts] == [row.chain for row in rows]
    chain = ROOM_ID
    for row in rows:
        chain = chain_of(chain, row)
        assert row.chain == chain


async def test_a_crowd_shares_commits_and_gets_one_order(at_harbour: RoomNode, ana: Participant) -> None:
    """Two hundred messages at once: each accepted once, in few commits, without a hole."""
    await at_harbour.founded(ana)
    commands = [ana.says(str(n)) for n in range(200)]

    receipts = await asyncio.gather(*(at_harbour.append(ana, command) for command in commands))

    assert sorted(receipt.position.seq for receipt in receipts) == list(range(1, 201))
    assert len(at_harbour.commits) < 20


async def test_the_same_entry_is_accepted_once(at_harbour: RoomNode, ana: Participant) -> None:
    """A message sent again, later or at the same moment, gets the receipt of the first time."""
    await at_harbour.founded(ana)
    command = ana.says("hello")

    twins = await asyncio.gather(*(at_harbour.append(ana, command) for _ in range(3)))
    at_harbour.start_again()
    later = await at_harbour.append(ana, command)

    assert set(twins) == {later}
    assert len(await at_harbour.rows()) == 1


async def test_a_stale_head_decides_again(at_harbour: RoomNode, ana: Participant) -> None:
    """When something else wrote the log meanwhile, the hub loads, decides again, and nothing is lost."""
    await at_harbour.founded(ana)
    await at_harbour.append(ana, ana.says("first"))
    state = await at_harbour.states.get(ROOM_ID)
    assert state is not None
    says = ana.says("behind the hub's back")
    after, accepted = accept(state, Submission(ana.did, says.kind, says.entry), NOW_MS)
    await at_harbour.store.write(lambda tx: logs.append(tx, LOG, state.head, [accepted.row]))

    receipt = await at_harbour.append(ana, ana.says("third"))

    assert receipt.position == Position(1, 3)
    assert [row.chain for row in await at_harbour.rows()][1] == after.chain


async def test_restart_goes_on_where_the_log_ends(at_harbour: RoomNode, ana: Participant) -> None:
    """State in memory is a cache: without it the hub goes on with the next place."""
    await at_harbour.founded(ana)
    await at_harbour.append(ana, ana.says("before"))

    at_harbour.start_again()

    assert (await at_harbour.append(ana, ana.says("after"))).position == Position(1, 2)


async def test_creating_twice_is_creating_once(at_harbour: RoomNode, ana: Participant) -> None:
    """The same room again is done already; another one under its id is refused."""
    await at_harbour.has(ana)
    info = ana.found(at_harbour.name)
    context = called_by(ana)
    await at_harbour.commands.create(context, CreateRoom(info))

    assert await at_harbour.commands.create(context, CreateRoom(info)) == Done()
    ana.store = MemoryGroupStore()
    with pytest.raises(ProblemError) as refused:
        await at_harbour.commands.create(context, CreateRoom(ana.found(at_harbour.name)))

    assert refused.value.problem.detail["rule"] == "roomNotNew"


@pytest.mark.parametrize("info", [b"", b"\x00", bytes(range(256))])
async def test_a_hostile_group_info_makes_no_room(
    at_harbour: RoomNode, ana: Participant, info: bytes
) -> None:
    """Garbage is refused by a rule."""
    await at_harbour.has(ana)

    with pytest.raises(ProblemError) as refused:
        await at_harbour.commands.create(called_by(ana), CreateRoom(info))

    assert refused.value.problem.code == "refused"


async def test_welcome_reaches_a_local_inbox_with_its_commit(
    at_harbour: RoomNode, ana: Participant, bo: Participant
) -> None:
    """Who is added finds the Welcome, stamped with the commit's place, and reads from there on."""
    await at_harbour.founded(ana)
    await at_harbour.has(bo)
    await at_harbour.append(ana, ana.says("before bo"))

    receipt = await at_harbour.let_in(ana, bo)

    [welcome] = await at_harbour.inbox(bo)
    assert (welcome.position, welcome.chain) == (receipt.position, receipt.chain)
    listed = await at_harbour.commands.list_rooms(called_by(bo), ListRooms())
    assert [(room.room, room.start) for room in listed.rooms] == [(ROOM_ID, receipt.position)]
    assert (await at_harbour.append(bo, bo.says("hello"))).position == Position(1, 3)


async def test_first_commit_takes_the_epoch(at_harbour: RoomNode, ana: Participant, bo: Participant) -> None:
    """Of two commits in one epoch the second is told the current epoch; the first may be sent again."""
    await at_harbour.founded(ana)
    await at_harbour.has(bo)
    await at_harbour.let_in(ana, bo)
    first, second = ana.commits(), bo.commits()

    receipt = await at_harbour.append(ana, first)
    lost = await refusal(at_harbour, bo, second)

    assert (lost.problem.code, lost.problem.detail["epoch"]) == ("wrongEpoch", 2)
    assert await at_harbour.append(ana, first) == receipt
    assert len(await at_harbour.rows()) == 2


async def test_a_commit_and_messages_behind_it_share_a_batch(at_harbour: RoomNode, ana: Participant) -> None:
    """Messages of the new epoch that arrive together with its commit are decided after it."""
    await at_harbour.founded(ana)
    before, commit = ana.says("old epoch"), ana.commits()
    ana.merges(NOW_MS)
    batch = [before, commit, ana.says("new epoch")]

    receipts = await asyncio.gather(*(at_harbour.append(ana, one) for one in batch))

    assert [receipt.position.seq for receipt in receipts] == [1, 2, 3]
    at_harbour.start_again()
    assert (await at_harbour.append(ana, ana.says("after a restart"))).position.seq == 4


async def test_refused_commits_are_not_free(at_harbour: RoomNode, ana: Participant) -> None:
    """Who sends commits that the rules refuse is not listened to for a minute; their messages still pass."""
    await at_harbour.founded(ana)
    bare = msgspec.structs.replace(ana.commits(), group_info=b"")

    codes = [(await refusal(at_harbour, ana, bare)).problem.code for _ in range(REFUSED_A_MINUTE + 1)]
    flood = await asyncio.gather(*(at_harbour.append(ana, bare) for _ in range(9)), return_exceptions=True)
    said = await at_harbour.append(ana, ana.says("hello"))

    assert codes == ["refused"] * REFUSED_A_MINUTE + ["tooMany"]
    assert {type(each) for each in flood} == {ProblemError}
    assert said.position.seq == 1


async def test_a_stranger_learns_nothing(at_harbour: RoomNode, ana: Participant, bo: Participant) -> None:
    """Appending to a room one is not in, and to one that is not there, are answered alike."""
    await at_harbour.founded(ana)
    says = ana.says("stolen")

    here = await refusal(at_harbour, bo, says)
    nowhere = await refusal(at_harbour, bo, msgspec.structs.replace(says, room=bytes(32)))

    assert here.problem == nowhere.problem


async def test_removal_closes_the_window(at_harbour: RoomNode, ana: Participant, bo: Participant) -> None:
    """A removed device reads up to its removal; its room is no longer listed, its messages are refused."""
    await at_harbour.founded(ana)
    await at_harbour.has(bo)
    added = await at_harbour.let_in(ana, bo)
    late = bo.says("too late")

    removal = await at_harbour.append(ana, ana.commits(removes=(bo.group.own_index,)))

    [window] = await at_harbour.store.read(lambda tx: rooms.device_windows(tx, ROOM_ID, bo.did, bo.device_id))
    assert (window.start, window.end) == (added.position, removal.position)
    listed = await at_harbour.commands.list_rooms(called_by(bo), ListRooms())
    assert listed.rooms == ()
    assert (await refusal(at_harbour, bo, late)).problem.code == "notFound"
