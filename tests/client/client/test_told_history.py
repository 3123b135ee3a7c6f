"""History that somebody tells: taken piece by piece, within bounds, marked; a liar changes nothing."""

import asyncio
import os
from dataclasses import replace

import msgspec
import pytest
from sqlcipher3.dbapi2 import Connection

from yurt.client.api import PersonView, TimelineItem
from yurt.client.engine import Engine
from yurt.client.history import granting, keeper
from yurt.client.history.calls import InviteWithHistory
from yurt.client.history.taking import bounds, take_items
from yurt.client.rooms.places import Places
from yurt.client.settled.look import look
from yurt.client.testing import Town
from yurt.client.testing_rooms import ANA, BO, core_of, line, together
from yurt.client.testing_waits import PATIENCE_S
from yurt.client.vault import history, timeline
from yurt.client.vault.history import Bundle, Grant
from yurt.identity.did import Did
from yurt.rooms.common.checkpoint import Checkpoint, Seen
from yurt.rooms.common.content import Create, Note, Target, encode_content
from yurt.rooms.common.history import HistoryItem
from yurt.rooms.common.participants import participants_of
from yurt.rooms.common.said import (
    Delete,
    Edit,
    EditedNote,
    HistoryOffer,
    HistoryWanted,
    OfferedHistory,
    WantedHistory,
    encode_said,
)
from yurt.wire.position import LogRow, Position
from yurt.wire.registry import EntryKind


async def _archive(town: Town, *said: str) -> tuple[Engine, Engine, bytes]:
    """Ana has a room and has said something in it; bo is not in it yet."""
    ana, bo = await asyncio.gather(town.join("ana"), town.join("bo"))
    room = (await ana.create_room("archive")).room
    for text in said:
        await ana.send(room, text, wait="accepted")
    return ana, bo, room


async def _messages(engine: Engine, room: bytes) -> list[TimelineItem]:
    return [one for one in await engine.timeline(room) if one.kind == "message"]


async def test_a_fetch_goes_on_after_a_restart(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is here already is not fetched again, by the same device, whoever was interrupted."""
    monkeypatch.setattr(keeper, "PIECE", 256)  # small, so that there are many
    town.node.beside.piece = 256
    ana, bo, room = await _archive(town, *(f"line {number}" for number in range(30)))
    town.node.beside.pieces_left = 3
    await ana.call(InviteWithHistory(room=room, address=BO), PersonView)

    def has_three(tx: Connection) -> bool:
        return bool(tx.execute("SELECT count(*) = 3 FROM history_piece").fetchone()[0])

    assert await core_of(bo).until(has_three, 20.0)
    await town.leave(bo)
    town.node.beside.pieces_left = -1
    bo = await town.open("bo")
    await line(bo, room, text="line 0", vouched_by=ANA)
    told = await _messages(bo, room)
    assert [one.text for one in told] == [f"line {number}" for number in range(30)]
    served = town.node.beside.served
    assert served == sorted(set(served))  # each piece once


async def test_a_byte_at_a_time_is_no_history(town: Town) -> None:
    """The node of whoever offers it does not keep this device busy with eight million questions."""
    ana, bo, room = await _archive(town, "before")
    town.node.beside.piece = 1

    await ana.call(InviteWithHistory(room=room, address=BO), PersonView)

    refused = await line(bo, room, reason="historyRefused")
    assert "historyPiece" in refused.text
    assert len(town.node.beside.served) == 1


async def test_offers_without_end(town: Town) -> None:
    """Of one voucher so many wait, and no more."""
    bo = await town.join("bo")

    def offers(tx: Connection) -> int:
        for _ in range(history.MOST_OFFERED + 8):
            history.offer(tx, Bundle(bytes(32), os.urandom(32), "did:key:eve", "rogue.example", b"x"))
        return len(history.offered(tx))

    assert await core_of(bo).write(offers) == history.MOST_OFFERED


async def test_a_spoiled_bundle_is_refused_in_a_line(town: Town) -> None:
    """One turned bit, and nothing of it is shown."""
    ana, bo, room = await _archive(town, "before")
    town.node.beside.spoils = True
    await ana.call(InviteWithHistory(room=room, address=BO), PersonView)
    refused = await line(bo, room, reason="historyRefused")
    assert "bundleHash" in refused.text
    assert not await _messages(bo, room)


async def test_a_liar_changes_nothing_that_was_seen(town: Town) -> None:
    """Not what stands in the own log, not what others said, not what is known; all else is marked."""
    ana, bo, room = await together(town)
    await ana.send(room, "seen by bo", wait="accepted")
    seen = await line(bo, room, text="seen by bo")
    assert seen.position is not None
    core = core_of(bo)
    liar, own = core_of(ana).account.did, core.account.did
    told = os.urandom(16)

    def item(seq: int, content: bytes, did: str = liar, at: int = seen.accepted_at) -> HistoryItem:
        return HistoryItem(Position(1, seq), at, did, 0, content)

    items = [
        item(seen.position.seq + 9, encode_content(Create(os.urandom(16), Note("from the future")))),
        item(1, encode_content(Create(seen.content_id, Note("never seen by bo")))),
        item(1, encode_said(Edit(os.urandom(16), EditedNote(liar, seen.content_id, "by bo"))), did=own),
        item(1, b"\x00"),
        item(1, encode_content(Create(told, Note("bo owes me money"))), did=own),
    ]
    bundle = Bundle(room, bytes(32), liar, "harbour.example", b"")

    def unit(tx: Connection) -> int:
        limits = bounds(tx, room, liar, own)
        late = msgspec.structs.replace(items[4], accepted_at=0)
        assert take_items(tx, bundle, limits, [late]) == (limits.since == 0)
        return take_items(tx, bundle, limits, items)

    await core.write(unit)
    shown = await _messages(bo, room)
    assert [one.text for one in shown] == ["bo owes me money", "seen by bo"]
    assert shown[0].vouched_by.startswith(ANA)
    assert not shown[1].vouched_by
    assert await core.vault.read(lambda tx: history.offered(tx)) == []
    assert await core.vault.read(lambda tx: timeline.find_content(tx, room, own, told)) is not None


async def test_a_liar_edits_and_deletes_nobody_elses_words(town: Town) -> None:
    """In the author's name, and placed before the joiner came: not what was seen, nor what others told."""
    ana, bo, room = await together(town)
    for text in ("pay ana", "keep this"):
        await ana.send(room, text, wait="accepted")
    seen = [await line(bo, room, text=text) for text in ("pay ana", "keep this")]
    core, author = core_of(bo), core_of(ana).account.did
    liar, at = "did:key:z6MkLiar", seen[0].accepted_at
    early, late = os.urandom(16), os.urandom(16)

    def item(content: bytes) -> HistoryItem:
        return HistoryItem(Position(1, 1), at, author, 0, content)

    def edit(target: bytes) -> HistoryItem:
        return item(encode_said(Edit(os.urandom(16), EditedNote(author, target, "pay eve"))))

    def delete(target: bytes) -> HistoryItem:
        return item(encode_said(Delete(os.urandom(16), Target(author, target))))

    lies = [edit(seen[0].content_id), delete(seen[1].content_id), edit(early), delete(late)]
    truth = [item(encode_content(Create(name, Note("told by ana")))) for name in (early, late)]

    def unit(tx: Connection) -> None:
        limits = bounds(tx, room, author, core.account.did)
        take_items(tx, Bundle(room, bytes(32), liar, "hilltop.example", b""), limits, [lies[2]])
        take_items(tx, Bundle(room, bytes(32), author, "harbour.example", b""), limits, truth)
        take_items(tx, Bundle(room, bytes(32), liar, "hilltop.example", b""), limits, lies)

    await core.write(unit)
    shown = [(one.text, one.deleted_by, one.edited) for one in await _messages(bo, room)]
    assert shown == [(text, "", False) for text in ("told by ana", "told by ana", "pay ana", "keep this")]


async def test_only_a_true_word_of_somebody_else_settles(town: Town) -> None:
    """Not a garbled one, one of another room or device, one's own, or one of another log."""
    ana, bo, room = await together(town)
    await ana.send(room, "is it safe?", wait="accepted")
    await line(bo, room, text="is it safe?")
    assert await ana.sync(PATIENCE_S)
    assert await bo.sync(PATIENCE_S)
    mine, theirs, places = core_of(ana), core_of(bo), Places()
    seen = (await theirs.vault.write(lambda tx: look(tx, theirs, Places(), room, [], 0))).sign
    assert seen is not None
    keys, did = theirs.device.keys, Did(theirs.account.did)

    def said(other: Seen) -> bytes:
        return Checkpoint.make(keys, did, other).encode()

    true = said(seen)

    async def state(*words: bytes) -> str:
        await mine.vault.write(lambda tx: look(tx, mine, places, room, words, 0))
        return (await line(ana, room, text="is it safe?")).state

    own = Checkpoint.make(mine.device.keys, Did(mine.account.did), seen).encode()
    stranger = Checkpoint.make(keys, Did(mine.account.did), seen).encode()
    assert await state(true[:-1] + bytes((true[-1] ^ 1,)), b"", own, stranger) == "accepted"
    assert await state(said(replace(seen, group_id=bytes(32)))) == "accepted"
    lower = Position(seen.position.term, seen.position.seq - 1)
    assert (
        await state(said(replace(seen, position=lower, chain=bytes(32)))) == "accepted"
    )  # another log than ours
    assert await state(true) == "settled"
    assert await state(said(replace(seen, position=lower))) == "settled"  # replayed: nothing is taken back


async def test_who_asks_is_given_what_was_chosen_for_them_and_nothing_else(town: Town) -> None:
    """Without a choice a line says that they ask; another member's offer is enough."""
    ana, bo, room = await together(town)
    core = core_of(ana)
    bo_did, device_id = core_of(bo).account.did, core_of(bo).device.keys.device_id
    ask = HistoryWanted(os.urandom(16), WantedHistory(device_id, Position(1, 1), 5))
    row = LogRow(Position(1, 99), EntryKind.MESSAGE, 1_000_000, bytes(32), b"")

    def wanted(tx: Connection, said: HistoryWanted = ask) -> list[Grant]:
        (member,) = participants_of(core.groups.load(tx, room).tree).of(bo_did)
        granting.wanted(tx, room, row, member.leaf, said)
        return history.grants(tx)

    assert await core.write(wanted) == []
    asks = await line(ana, room, reason="historyWanted")
    assert (asks.address, asks.text[:4]) == (BO, "asks")
    assert asks.text.endswith(f"`yurt room tell {room.hex()[:8]} {BO}`")

    await core.write(lambda tx: history.choose(tx, room, bo_did, 70))
    (grant,) = await core.write(wanted)
    assert (grant.did, grant.since, grant.before) == (bo_did, 70, Position(1, 1))
    assert row.accepted_at < grant.due <= row.accepted_at + 10_000

    def offered(tx: Connection) -> list[Grant]:
        (member,) = participants_of(core.groups.load(tx, room).tree).of(bo_did)  # any leaf that is not ours
        offer = OfferedHistory(bo_did, device_id, Position(1, 1), Position(1, 1), 1, bytes(32), b"")
        granting.offered(tx, room, member.leaf, HistoryOffer(os.urandom(16), offer))
        return history.grants(tx)

    assert await core.write(offered) == []


async def test_a_choice_is_for_one_coming(town: Town) -> None:
    """Who was given history, removed, and added again without, is told nothing of the time between."""
    ana, bo, room = await _archive(town, "before")
    await ana.call(InviteWithHistory(room=room, address=BO), PersonView)
    await line(bo, room, text="before", vouched_by=ANA)
    await ana.remove(room, BO)
    await ana.send(room, "between us", wait="accepted")
    await ana.invite(room, BO)
    await ana.send(room, "welcome back", wait="accepted")
    await line(bo, room, text="welcome back")
    core, did = core_of(ana), core_of(bo).account.did
    assert await core.vault.read(lambda tx: history.chosen(tx, room, did)) is None
    assert await core.vault.read(lambda tx: history.grants(tx)) == []
