"""What was said leaves in order, once, whatever breaks in between."""

import asyncio

from yurt.client.api import TimelineItem
from yurt.client.engine import Engine
from yurt.client.testing import Town
from yurt.client.testing_node import HARBOUR
from yurt.client.testing_waits import PATIENCE_S
from yurt.wire.problems import refuse

BO = f"bo@{HARBOUR}"


async def _reads(engine: Engine, room: bytes, *texts: str) -> list[str]:
    """Read messages until as many have their place as are wanted; in the order of the room."""
    found: dict[int, TimelineItem] = {}
    async with asyncio.timeout(PATIENCE_S):
        async for item in engine.watch(room):
            if item.kind == "message" and item.position is not None:
                found[item.item] = item
            if len(found) >= len(texts):
                break
    lines = sorted(found.values(), key=lambda line: line.position.seq if line.position else 0)
    return [line.text for line in lines]


async def _together(town: Town) -> tuple[Engine, Engine, bytes]:
    """Ana and bo share a room."""
    ana, bo = await asyncio.gather(town.join("ana"), town.join("bo"))
    room = (await ana.create_room("harbour watch")).room
    await ana.invite(room, BO)
    async with asyncio.timeout(PATIENCE_S):
        async for item in bo.watch(room):
            if item.kind == "roster":
                break
    return ana, bo, room


async def test_conversation(town: Town) -> None:
    """Two people in a room read what the other wrote, and how the room is called."""
    ana, bo, room = await _together(town)

    await ana.send(room, "hello bo")
    heard = await _reads(bo, room, "hello bo")
    await bo.send(room, "hello ana", wait="accepted")
    answer = await _reads(ana, room, "hello bo", "hello ana")
    (seen,) = await bo.rooms()

    assert heard == ["hello bo"]
    assert answer == ["hello bo", "hello ana"]
    assert (seen.name, seen.undecryptable) == ("harbour watch", 0)
    assert [name.partition(" ")[0] for name in seen.participants] == [BO, f"ana@{HARBOUR}"]


async def test_no_message_from_a_joining_leaf(town: Town) -> None:
    """A device makes a key for the room before it says its first word there."""
    _, bo, room = await _together(town)
    before = town.node.rooms[room].epoch

    await bo.send(room, "my first word", wait="accepted")

    assert town.node.rooms[room].epoch == before + 1
    kinds = [row.kind for row in town.node.logs[f"room/{room.hex()}"]]
    assert kinds[-2:] == [1, 2]


async def test_offline_and_restarted(town: Town) -> None:
    """What is said without a node survives the end of the engine and arrives once, in order."""
    ana, bo, room = await _together(town)
    await town.node.stop()

    states = [(await ana.send(room, text)).state for text in ("one", "two")]
    await town.leave(ana)
    ana = await town.open("ana")
    states.append((await ana.send(room, "three")).state)
    await town.node.start()
    heard = await _reads(bo, room, "one", "two", "three")

    assert states == ["queued", "queued", "queued"]
    assert heard == ["one", "two", "three"]
    assert await ana.sync(PATIENCE_S)
    assert len(town.node.messages(room)) == 1 + 3  # the room's name, and these


async def test_lost_answer(town: Town) -> None:
    """A message whose receipt was lost is offered again byte for byte, and stands once in the room."""
    ana, bo, room = await _together(town)
    await ana.send(room, "before", wait="accepted")
    offered = len(town.node.appends)
    town.node.lose_answers = 1

    await ana.send(room, "only once")
    heard = await _reads(bo, room, "before", "only once")

    assert await ana.sync(PATIENCE_S)
    assert heard == ["before", "only once"]
    assert len(set(town.node.appends[offered:])) == 1
    assert len(town.node.messages(room)) == 1 + 2


async def test_crash_between_sealed_and_sent(town: Town) -> None:
    """A sealed entry is never encrypted again: after a crash the same bytes go out."""
    ana, bo, room = await _together(town)
    await ana.send(room, "before", wait="accepted")
    offered = len(town.node.appends)
    town.node.refusals = [refuse("overloaded", "later", retry_after=60.0).problem]
    await ana.send(room, "sealed")
    await town.node.offered(offered + 1)
    await town.leave(ana)

    ana = await town.open("ana")
    heard = await _reads(bo, room, "before", "sealed")

    assert heard == ["before", "sealed"]
    first, *again = town.node.appends[offered:]
    assert set(again) == {first}


async def test_epoch_that_is_over(town: Town) -> None:
    """A message that the hub can take no more is encrypted anew, and still said once."""
    ana, bo, room = await _together(town)
    await ana.send(room, "before", wait="accepted")
    town.node.refusals = [refuse("epochTooOld", "encrypt again", epoch=9).problem]

    await ana.send(room, "mine")
    await bo.send(room, "his first word begins a new epoch", wait="accepted")
    heard = await _reads(bo, room, "before", "his first word begins a new epoch", "mine")

    assert await ana.sync(PATIENCE_S)
    assert sorted(heard) == ["before", "his first word begins a new epoch", "mine"]


async def test_refused_for_good(town: Town) -> None:
    """A message that the room will never take says why, and does not block the next one."""
    ana, bo, room = await _together(town)
    await ana.send(room, "before", wait="accepted")
    town.node.refusals = [refuse("refused", "no", rule="entryTooLarge").problem]

    refused = await ana.send(room, "too much", wait="accepted")
    taken = await ana.send(room, "after", wait="accepted")
    heard = await _reads(bo, room, "before", "after")

    assert (refused.state, refused.reason) == ("refused", "entryTooLarge")
    assert taken.state == "accepted"
    assert heard == ["before", "after"]
    reasons = [item.reason for item in await bo.timeline(room) if item.kind == "notice" and item.reason]
    assert reasons == ["missing"]  # the number that was never said is noticed, not hidden


async def test_same_content_id(town: Town) -> None:
    """Asking twice with one content id says it once."""
    ana, _, room = await _together(town)
    name = bytes(range(16))

    first = await ana.send(room, "once", content_id=name, wait="accepted")
    second = await ana.send(room, "once", content_id=name, wait="accepted")

    assert first == second
    assert (await ana.status()).outbox == 0


async def test_both_commit_at_once(town: Town) -> None:
    """Of two commits one takes the epoch; the other's intent is carried out in the next."""
    ana, bo, room = await _together(town)

    await asyncio.gather(
        bo.send(room, "bo makes a key", wait="accepted"),
        ana.send(room, "ana makes a key", wait="accepted"),
    )
    orders = [await _reads(who, room, "", "") for who in (ana, bo)]

    assert orders[0] == orders[1]
    assert len(orders[0]) == 2
