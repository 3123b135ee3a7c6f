"""A room at the node of a member, whose hub is elsewhere: it follows, and believes nothing unproved."""

import hashlib
import os

import msgspec
import pytest

from yurt.mls.proposals import SelfRemove
from yurt.mls.receiving import ReceivedProposal
from yurt.node.hub import member_copy
from yurt.node.hub.member_copy import WELCOME_RATE
from yurt.node.hub.testing import LOG, RoomNode
from yurt.node.limiter import Rate
from yurt.node.store import logs, rooms
from yurt.rooms.common.chain import chain_of
from yurt.rooms.testing import NOW_MS, ROOM_ID
from yurt.rooms.testing_participant import Participant
from yurt.wire import exchange, limits
from yurt.wire.exchange import Pull, RoomHave, RoomRows, WelcomeDelivery
from yurt.wire.position import START, LogRow, Position
from yurt.wire.problems import ProblemError
from yurt.wire.registry import EntryKind
from yurt.wire.room_commands import Append


async def joined_across(
    at_harbour: RoomNode, at_hilltop: RoomNode, ana: Participant, cy: Participant
) -> Position:
    """Ana's room at harbour, with cy at hilltop in it, and hilltop's copy begun."""
    await at_harbour.founded(ana)
    await at_hilltop.has(cy)
    await at_harbour.append(ana, ana.says("before cy"))
    await at_harbour.let_in(ana, cy)
    [start], [welcome] = await at_harbour.sent_to("hilltop.example")
    await at_hilltop.copies.start("harbour.example", start)
    await at_hilltop.copies.welcome("harbour.example", welcome)
    return start.row.position


async def test_a_member_node_gets_start_and_welcome_with_the_commit(
    at_harbour: RoomNode, at_hilltop: RoomNode, ana: Participant, cy: Participant
) -> None:
    """The copy begins at the commit that added its first participant; nothing before it is there."""
    at = await joined_across(at_harbour, at_hilltop, ana, cy)

    assert [row.position for row in await at_hilltop.rows()] == [at]
    [welcome] = await at_hilltop.inbox(cy)
    assert welcome.position == at
    reader = rooms.peer_reader("hilltop.example")
    assert await at_harbour.store.read(lambda tx: logs.cursor(tx, LOG, reader)) == at


async def test_a_copy_takes_rows_once_and_names_gaps(
    at_harbour: RoomNode, at_hilltop: RoomNode, ana: Participant, cy: Participant
) -> None:
    """Rows in order stand, twice is once, a hole is answered with what the copy has."""
    at = await joined_across(at_harbour, at_hilltop, ana, cy)
    for n in range(4):
        await at_harbour.append(ana, ana.says(str(n)))
    rows = tuple(await at_harbour.rows(at))
    head = rows[-1].position

    hole = await at_hilltop.copies.take("harbour.example", RoomRows(ROOM_ID, at, rows[2:], head))
    first = await at_hilltop.copies.take("harbour.example", RoomRows(ROOM_ID, at, rows[:3], head))
    at_hilltop.start_again()
    again = await at_hilltop.copies.take("harbour.example", RoomRows(ROOM_ID, at, rows, head))

    assert hole == RoomHave(ROOM_ID, at, "gap")
    assert first == RoomHave(ROOM_ID, rows[2].position)
    assert again == RoomHave(ROOM_ID, head)
    assert await at_hilltop.rows(at) == list(rows)


async def test_a_copy_follows_commits_and_closes_windows(
    at_harbour: RoomNode, at_hilltop: RoomNode, ana: Participant, cy: Participant
) -> None:
    """The member node judges commits itself, and stops serving who was removed."""
    at = await joined_across(at_harbour, at_hilltop, ana, cy)
    removal = await at_harbour.append(ana, ana.commits(removes=(cy.group.own_index,)))
    rows = tuple(await at_harbour.rows(at))

    have = await at_hilltop.copies.take("harbour.example", RoomRows(ROOM_ID, at, rows, removal.position))

    assert have == RoomHave(ROOM_ID, removal.position)
    [window] = await at_hilltop.store.read(lambda tx: rooms.device_windows(tx, ROOM_ID, cy.did, cy.device_id))
    assert window.end == removal.position
    assert await at_harbour.store.read(lambda tx: rooms.nodes_of(tx, ROOM_ID)) == [
        ("hilltop.example", removal.position)
    ]


async def test_a_wish_to_leave_outlives_a_restart(
    at_harbour: RoomNode, at_hilltop: RoomNode, ana: Participant, cy: Participant
) -> None:
    """Hub and copy keep a SelfRemove with its row: the commit that names it is followed after a restart."""
    at = await joined_across(at_harbour, at_hilltop, ana, cy)
    wish = Append(room=ROOM_ID, kind=EntryKind.PROPOSAL, entry=cy.group.propose(SelfRemove()))
    leaving = await at_harbour.append(cy, wish)
    row = tuple(await at_harbour.rows(at))
    await at_hilltop.copies.take("harbour.example", RoomRows(ROOM_ID, at, row, leaving.position))
    heard = ana.group.process(wish.entry, at=NOW_MS)
    assert isinstance(heard, ReceivedProposal)

    at_harbour.start_again()
    at_hilltop.start_again()
    gone = await at_harbour.append(ana, ana.commits(references=(heard.pending.reference,)))
    rows = tuple(await at_harbour.rows(at))
    have = await at_hilltop.copies.take("harbour.example", RoomRows(ROOM_ID, at, rows, gone.position))

    assert have == RoomHave(ROOM_ID, gone.position)
    for node in (at_harbour, at_hilltop):
        [window] = await node.store.read(lambda tx: rooms.device_windows(tx, ROOM_ID, cy.did, cy.device_id))
        assert window.end == gone.position


async def test_a_start_is_proved_by_the_committer(
    at_harbour: RoomNode, at_hilltop: RoomNode, ana: Participant, cy: Participant
) -> None:
    """A hub cannot begin a copy with a GroupInfo that does not belong to the commit."""
    await at_harbour.founded(ana)
    await at_hilltop.has(cy)
    await at_harbour.let_in(ana, cy)
    [start], _ = await at_harbour.sent_to("hilltop.example")
    assert start.group_info
    other = ana.commits().group_info

    with pytest.raises(ProblemError) as refused:
        await at_hilltop.copies.start("harbour.example", msgspec.structs.replace(start, group_info=other))

    assert refused.value.problem.detail["rule"] == "badSnapshot"
    await at_hilltop.copies.start("harbour.example", start)


async def test_a_copy_refuses_a_log_that_contradicts_itself(
    at_harbour: RoomNode, at_hilltop: RoomNode, ana: Participant, cy: Participant
) -> None:
    """A changed body, time or chain stops the room at what was sound."""
    at = await joined_across(at_harbour, at_hilltop, ana, cy)
    await at_harbour.append(ana, ana.says("sound"))
    await at_harbour.append(ana, ana.says("forged"))
    sound, row = await at_harbour.rows(at)
    forgeries = [
        msgspec.structs.replace(row, body=row.body + b"!"),
        msgspec.structs.replace(row, accepted_at=row.accepted_at + 1),
        msgspec.structs.replace(row, chain=bytes(32)),
        msgspec.structs.replace(row, position=Position(2, row.position.seq)),
    ]

    for forged in forgeries:
        have = await at_hilltop.copies.take(
            "harbour.example", RoomRows(ROOM_ID, at, (sound, forged), row.position)
        )
        assert have == RoomHave(ROOM_ID, sound.position, "badChain")


async def test_a_hub_cannot_send_what_fits_into_no_frame(
    at_harbour: RoomNode, at_hilltop: RoomNode, ana: Participant, cy: Participant
) -> None:
    """A giant row or Welcome would end each stream of its reader, at the same place, for ever."""
    at = await joined_across(at_harbour, at_hilltop, ana, cy)
    _, [welcome] = await at_harbour.sent_to("hilltop.example")
    copy = await at_hilltop.states.get(ROOM_ID)
    assert copy is not None
    place, giant = Position(at.term, at.seq + 1), bytes(limits.NODE_FRAME)

    for kind, body, digest in (
        (EntryKind.MESSAGE, giant, hashlib.sha256(giant).digest()),
        (99, giant, hashlib.sha256(giant).digest()),
        (EntryKind.MESSAGE, b"", giant),
    ):
        row = LogRow(place, kind, copy.accepted_at, digest, body)
        row = msgspec.structs.replace(row, chain=chain_of(copy.chain, row))
        have = await at_hilltop.copies.take("harbour.example", RoomRows(ROOM_ID, at, (row,), place))
        assert have == RoomHave(ROOM_ID, at, "badChain")
    for large in (
        msgspec.structs.replace(welcome, welcome=giant),
        msgspec.structs.replace(welcome, id=giant),
        msgspec.structs.replace(welcome, chain=giant),
    ):
        with pytest.raises(ProblemError) as refused:
            await at_hilltop.copies.welcome("harbour.example", large)
        assert refused.value.problem.code == "tooLarge"

    assert await at_hilltop.inbox(cy) == [welcome]


async def test_only_the_hub_feeds_a_copy(
    at_harbour: RoomNode, at_hilltop: RoomNode, ana: Participant, cy: Participant
) -> None:
    """Another node can neither begin a copy, nor add rows, nor deliver a Welcome."""
    at = await joined_across(at_harbour, at_hilltop, ana, cy)
    [start], [welcome] = await at_harbour.sent_to("hilltop.example")

    rows = await at_hilltop.copies.take("rogue.example", RoomRows(ROOM_ID, at, (), at))
    with pytest.raises(ProblemError):
        await at_hilltop.copies.start("rogue.example", start)
    with pytest.raises(ProblemError):
        await at_hilltop.copies.welcome("rogue.example", replace_id(welcome))
    await at_hilltop.copies.start("harbour.example", start)
    await at_hilltop.copies.welcome("harbour.example", welcome)

    assert rows.problem == "unknownRoom"
    assert len(await at_hilltop.inbox(cy)) == 1


async def test_a_hub_fills_nobodys_inbox_with_welcomes(
    at_harbour: RoomNode, at_hilltop: RoomNode, ana: Participant, cy: Participant
) -> None:
    """Whoever shares one room with somebody sends them so many, and no more: each stays until it is read."""
    await joined_across(at_harbour, at_hilltop, ana, cy)
    _, [welcome] = await at_harbour.sent_to("hilltop.example")

    for _ in range(WELCOME_RATE.burst - 1):
        await at_hilltop.copies.welcome("harbour.example", replace_id(welcome))
    with pytest.raises(ProblemError) as refused:
        await at_hilltop.copies.welcome("harbour.example", replace_id(welcome))

    assert not refused.value.problem.kind.retry
    assert len(await at_hilltop.inbox(cy)) == 30


async def test_a_hub_has_so_much_of_our_processor_and_no_more(
    at_harbour: RoomNode,
    at_hilltop: RoomNode,
    ana: Participant,
    cy: Participant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Valid commits without end are checked a little at a time; none is lost, or refused for good."""
    monkeypatch.setattr(member_copy, "WORK_RATE", Rate(burst=0, every_s=1_000_000.0))
    at = await joined_across(at_harbour, at_hilltop, ana, cy)
    [start], _ = await at_harbour.sent_to("hilltop.example")
    await at_harbour.append(ana, ana.commits())
    rows = tuple(await at_harbour.rows(at))
    sent = RoomRows(ROOM_ID, at, rows, rows[-1].position)

    first = await at_hilltop.copies.take("harbour.example", sent)
    with pytest.raises(ProblemError) as refused:
        await at_hilltop.copies.start("harbour.example", start)
    monkeypatch.setattr(member_copy, "WORK_RATE", Rate(burst=10**9, every_s=1_000_000.0))
    then = await at_hilltop.copies.take("harbour.example", sent)

    assert first == RoomHave(ROOM_ID, at)
    assert refused.value.problem.kind.retry
    assert then == RoomHave(ROOM_ID, rows[-1].position)


def replace_id(welcome: WelcomeDelivery) -> WelcomeDelivery:
    return msgspec.structs.replace(welcome, id=os.urandom(16))


async def test_a_room_of_nobody_here_is_not_kept(
    at_harbour: RoomNode, at_hilltop: RoomNode, ana: Participant, cy: Participant
) -> None:
    """A leaf that only says it is at hilltop (no such account, or another did's) fills no disk there."""
    await at_harbour.founded(ana)
    await at_harbour.let_in(ana, cy)
    [start], _ = await at_harbour.sent_to("hilltop.example")

    other = Participant("cy", "hilltop.example", 4)
    other.did = ana.did

    with pytest.raises(ProblemError) as nobody:
        await at_hilltop.copies.start("harbour.example", start)
    await at_hilltop.has(other)
    with pytest.raises(ProblemError) as somebody_else:
        await at_hilltop.copies.start("harbour.example", start)

    for refused in (nobody, somebody_else):
        assert refused.value.problem.detail["rule"] == "notParticipant"
    assert await at_hilltop.rows() == []


async def test_a_member_node_submits_for_its_own_people(
    at_harbour: RoomNode, at_hilltop: RoomNode, ana: Participant, cy: Participant
) -> None:
    """The hub finds the did by the leaf's actor; an actor without a leaf is told nothing."""
    await joined_across(at_harbour, at_hilltop, ana, cy)
    says = cy.says("from at_hilltop")
    submission = exchange.Submission(os.urandom(16), cy.actor, ROOM_ID, says.kind, says.entry)

    receipt = await at_harbour.hub.append_submitted("hilltop.example", submission)
    stranger = msgspec.structs.replace(submission, actor="https://hilltop.example/users/eve")
    with pytest.raises(ProblemError) as refused:
        await at_harbour.hub.append_submitted("hilltop.example", stranger)

    assert receipt.position == Position(1, 3)
    assert refused.value.problem.code == "notFound"


async def test_a_pull_is_served_from_the_start_of_the_copy(
    at_harbour: RoomNode, at_hilltop: RoomNode, ana: Participant, cy: Participant
) -> None:
    """A member node gets what follows its start; what lies before is as if it were not there."""
    at = await joined_across(at_harbour, at_hilltop, ana, cy)
    await at_harbour.append(ana, ana.says("after"))

    served = await at_harbour.copies.serve("hilltop.example", Pull(ROOM_ID, at))
    refusals = [("hilltop.example", Pull(ROOM_ID, START)), ("rogue.example", Pull(ROOM_ID, at))]
    for peer, pull in refusals:
        with pytest.raises(ProblemError):
            await at_harbour.copies.serve(peer, pull)

    assert [row.position for row in served.rows] == [Position(1, 3)]


async def test_append_at_another_hub_waits_for_nothing(
    at_harbour: RoomNode, at_hilltop: RoomNode, ana: Participant, cy: Participant
) -> None:
    """When the hub is down the client is told at once; nothing waits in the node."""
    await joined_across(at_harbour, at_hilltop, ana, cy)

    with pytest.raises(ProblemError) as refused:
        await at_hilltop.append(cy, cy.says("hello?"))

    assert refused.value.problem.code == "hubUnreachable"
