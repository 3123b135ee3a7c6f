"""Streams: what a client sees of its node."""

import asyncio

import aiohttp
import pytest

from yurt.node.bus import Hint
from yurt.node.store import logs
from yurt.node.streams import catch_up
from yurt.node.streams.acks import device_reader
from yurt.node.streams.testing import ANA, BO, ROOM, Client, Node
from yurt.node.testing import PATIENCE_S
from yurt.wire.account_commands import Logout
from yurt.wire.frames import Ack, Bye, Entries, Gap, ProblemFrame, Result, Unsubscribe, room_log
from yurt.wire.position import START, Position

LOG = room_log(ROOM)


async def reader(node: Node, name: str = "ana") -> Client:
    client = await node.connect()
    await client.hello(f"{name}-token")
    return client


async def live_in_room(node: Node, name: str = "ana") -> Client:
    client = await reader(node, name)
    await client.subscribe(LOG)
    first = await client.receive()
    assert isinstance(first, Entries)
    return client


async def test_hello_names_the_account(node: Node) -> None:
    """The node says who it is, and whose token it was given."""
    client = await node.connect()

    hello = await client.hello("ana-token")

    assert (hello.node, hello.account) == ("harbour.example", "ana")


async def test_subscription_to_an_empty_log_is_live_at_once(node: Node) -> None:
    """Even without rows there is one frame, so that the client knows it has read to the head."""
    client = await reader(node)

    await client.subscribe("inbox")

    assert await client.receive() == Entries("inbox", (), START)


async def test_rows_before_and_after_subscribing_come_once_in_order(node: Node) -> None:
    """What was there and what comes later arrive as one sequence without holes."""
    await node.let_in(ANA, START)
    await node.append("one", "two")
    client = await reader(node)
    await client.subscribe(LOG)

    for number in range(20):
        await node.append(f"later {number}")
    rows = await client.rows_until(Position(1, 22))

    assert [row.position.seq for row in rows] == list(range(1, 23))


async def test_resuming_after_a_position_loses_nothing(node: Node) -> None:
    """A client that comes back gets exactly what it has not had."""
    await node.let_in(ANA, START)
    await node.append("one", "two", "three")
    client = await reader(node)

    await client.subscribe(LOG, Position(1, 2))

    assert [row.body for row in await client.rows_until(Position(1, 3))] == [b"three"]


async def test_a_long_log_comes_in_pages(node: Node) -> None:
    """History is paged, and the last page says that the client is live."""
    await node.let_in(ANA, START)
    await node.append(*(str(n) for n in range(450)))
    client = await reader(node)

    await client.subscribe(LOG)
    rows = await client.rows_until(Position(1, 450))

    pages = [frame for frame in client.seen if isinstance(frame, Entries)]
    assert [len(page.rows) for page in pages] == [200, 200, 50]
    assert len(rows) == 450


async def test_a_stranger_sees_the_same_as_for_a_room_that_is_not_there(node: Node) -> None:
    """Asking for a room tells nothing about whether it exists."""
    await node.let_in(ANA, START)
    client = await reader(node, "bo")

    await client.subscribe(LOG)
    here = await client.receive()
    await client.subscribe(room_log(bytes(32)))
    nowhere = await client.receive()

    assert isinstance(here, ProblemFrame)
    assert isinstance(nowhere, ProblemFrame)
    assert here.problem.code == nowhere.problem.code == "notFound"
    assert here.problem.message == nowhere.problem.message


async def test_joiner_reads_nothing_from_before_its_commit(node: Node) -> None:
    """Rows up to and with the adding commit are hidden, and the gap is named."""
    await node.append("before", "the commit that adds bo")
    await node.let_in(BO, Position(1, 2))
    await node.append("after")
    client = await reader(node, "bo")

    await client.subscribe(LOG)
    gap = await client.receive()
    rows = await client.rows_until(Position(1, 3))

    assert gap == Gap(LOG, START, Position(1, 2), "notForYou")
    assert [row.body for row in rows] == [b"after"]


async def test_removed_device_gets_its_removal_and_nothing_more(node: Node) -> None:
    """A live reader that is removed learns it, and rows of the same commit batch stay hidden from it."""
    for caller in (ANA, BO):
        await node.let_in(caller, START)
    ana, bo = await live_in_room(node), await live_in_room(node, "bo")
    await node.append("hello")

    removal = await node.put_out(BO, "without bo")
    await node.append("really without bo")

    assert [row.body for row in await ana.rows_until(Position(1, 4))][-1] == b"really without bo"
    assert [row.body for row in await bo.rows_until(removal.position)] == [b"hello", b"removal"]
    last = bo.seen[-1]
    assert isinstance(last, Entries)
    assert last.head == removal.position
    await bo.subscribe(LOG, removal.position)
    assert await bo.receive() == Entries(LOG, (), removal.position)


async def test_lost_hints_cost_one_poll(deaf_node: Node) -> None:
    """A bus that drops everything delays rows until the poll, and loses none."""
    await deaf_node.let_in(ANA, START)
    client = await live_in_room(deaf_node)
    await deaf_node.append("one", "two")

    await deaf_node.poll.once()

    assert [row.body for row in await client.rows_until(Position(1, 2))] == [b"one", b"two"]


async def test_hint_for_what_is_not_in_memory_is_read_from_disk(deaf_node: Node) -> None:
    """Fan-out that finds no rows in the tail sends pages."""
    await deaf_node.let_in(ANA, START)
    client = await live_in_room(deaf_node)
    await deaf_node.append("one")
    deaf_node.tail.clear()

    deaf_node.bus.deliver([Hint(LOG, Position(1, 1))])

    assert [row.body for row in await client.rows_until(Position(1, 1))] == [b"one"]


async def test_unsubscribed_log_is_silent(node: Node) -> None:
    """After unsubscribe nothing of the log comes."""
    await node.let_in(ANA, START)
    client = await live_in_room(node)

    await client.send(Unsubscribe(LOG))
    await client.call(1, "logout", Logout())
    await node.append("unheard")

    assert isinstance(await client.call(2, "logout", Logout()), Result)


async def test_ack_moves_the_cursor_but_never_beyond_the_head(node: Node) -> None:
    """A device says what it has; more than there is, it cannot have."""
    await node.let_in(ANA, START)
    client = await live_in_room(node)
    await node.append("one")
    await client.rows_until(Position(1, 1))

    await client.send(Ack(LOG, Position(9, 99)))
    await client.ws.close()
    await node.emptied()

    async def cursor(did: str) -> Position:
        name = device_reader(did, ANA.device_id)
        return await node.store.read(lambda tx: logs.cursor(tx, LOG, name))

    cursors = [await cursor(ANA.did), await cursor(BO.did)]
    assert cursors == [Position(1, 1), START]  # bo's device may have the same id


async def test_calls_answer_by_number(node: Node) -> None:
    """A result carries the number of its call; an unknown command is a problem with that number."""
    client = await reader(node)

    done = await client.call(7, "logout", Logout())
    unknown = await client.call(8, "dance", {})

    assert isinstance(done, Result)
    assert done.id == 7
    assert isinstance(unknown, ProblemFrame)
    assert (unknown.id, unknown.problem.code) == (8, "unsupported")


async def test_without_a_token_only_open_commands_are_heard(node: Node) -> None:
    """A stream before join or login reaches nothing else."""
    client = await node.connect()
    await client.hello()

    answer = await client.call(1, "logout", Logout())
    await client.subscribe("inbox")
    log = await client.receive()

    assert isinstance(answer, ProblemFrame)
    assert isinstance(log, ProblemFrame)
    assert answer.problem.code == log.problem.code == "notSignedIn"


async def test_second_hello_signs_an_open_stream_in(node: Node) -> None:
    """After join or login the same stream goes on with the token."""
    client = await node.connect()
    await client.hello()

    assert (await client.hello("bo-token")).account == "bo"

    await client.hello("bo-token")
    await client.subscribe("inbox")
    assert isinstance(await client.receive(), Entries)


HOSTILE = {
    "nothing": b"",
    "not MessagePack": b"\xc1",
    "no map": b"\x01",
    "no tag": b"\x80",
    "unknown frame": b"\x81\xa1t\xa5dance",
    "tag twice": b"\x82\xa1t\xa3ack\xa1t\xa3ack",
    "a bomb of depth": b"\x91" * 5000 + b"\xc0",
    "a map that claims 4 billion keys": b"\xdf\xff\xff\xff\xff",
    "bytes that claim 4 GiB": b"\x81\xa1t\xc6\xff\xff\xff\xff",
    "subscribe without a log": b"\x81\xa1t\xa9subscribe",
    "a number beyond 2^53": b"\x83\xa1t\xa4call\xa2id\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa7command\xa1x",
    "call without arguments": b"\x83\xa1t\xa4call\xa2id\x01\xa7command\xa6logout",
    "trailing bytes": b"\x82\xa1t\xabunsubscribe\xa3log\xa5inbox\xc0",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_frame_is_answered_and_the_stream_goes_on(node: Node, name: str) -> None:
    """Garbage gets a problem that blames the sender; the next frame is heard."""
    client = await reader(node)

    await client.ws.send_bytes(HOSTILE[name])
    answer = await client.receive()

    assert isinstance(answer, ProblemFrame)
    assert answer.problem.kind.status < 500
    assert isinstance(await client.call(1, "logout", Logout()), Result)


async def test_garbage_without_end_is_cut(node: Node) -> None:
    """A client that sends nothing but garbage is let go."""
    client = await reader(node)

    for _ in range(25):
        await client.ws.send_bytes(b"\xc1")
    while not isinstance(await client.receive(), Bye):
        pass

    assert (await client.ws.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_unknown_token_is_refused_and_may_be_repeated(node: Node) -> None:
    """A wrong token leaves the stream open for a right one."""
    client = await node.connect()
    await client.ws.send_bytes(b"\x83\xa1t\xa5hello\xa8versions\x91\x01\xa5token\xa3old")

    answer = await client.receive()

    assert isinstance(answer, ProblemFrame)
    assert answer.problem.code == "notSignedIn"
    assert (await client.hello("ana-token")).account == "ana"


async def test_stream_of_a_device_that_was_signed_out_is_closed(node: Node) -> None:
    """Whoever revoked the token, the stream does not outlive it by more than a minute."""
    ana, bo = await reader(node), await reader(node, "bo")
    del node.tokens.known["ana-token"]

    await node.door.check_tokens()

    assert await ana.receive() == Bye("notSignedIn")
    assert isinstance(await bo.call(1, "logout", Logout()), Result)


async def test_tokens_of_all_streams_are_looked_at_together(node: Node) -> None:
    """Ten thousand open streams are one question to the database, not ten thousand."""
    for name in ("ana", "bo", "ana"):
        await reader(node, name)

    await node.door.check_tokens()
    await node.door.check_tokens(BO.did)

    assert node.tokens.asked == [{"ana-token", "bo-token"}, {"bo-token"}]


async def test_tokens_that_cannot_be_read_end_no_stream(node: Node) -> None:
    """A database that does not answer says nothing about who is signed in."""
    ana = await reader(node)
    node.tokens.broken = True

    await node.door.check_tokens()

    assert isinstance(await ana.call(1, "logout", Logout()), Result)


async def test_sixth_stream_of_a_device_closes_the_first(node: Node) -> None:
    """A device keeps its five newest streams."""
    clients = [await reader(node) for _ in range(6)]

    assert isinstance(await clients[0].receive(), Bye)
    assert isinstance(await clients[5].call(1, "logout", Logout()), Result)


async def test_streams_that_ended_do_not_count(node: Node) -> None:
    """A device that comes and goes all day keeps the stream that it has."""
    for _ in range(6):
        client = await reader(node)
        await client.ws.close()
    stays = await reader(node)

    assert isinstance(await stays.call(1, "logout", Logout()), Result)


async def test_stop_says_bye_to_all_and_is_quick(node: Node) -> None:
    """Stopping does not wait for clients that do not answer."""
    clients = [await reader(node, name) for name in ("ana", "bo")]

    async with asyncio.timeout(PATIENCE_S):
        await node.door.stop()

    assert [await client.receive() for client in clients] == [Bye("stopping", 1.0)] * 2


async def test_slow_reader_costs_a_page_and_misses_nothing(node: Node) -> None:
    """A reader that stops reading lags: little is queued for it, others are not delayed, it gets all."""
    for caller in (ANA, BO):
        await node.let_in(caller, START)
    slow, quick = await live_in_room(node), await live_in_room(node, "bo")
    slow.stop_reading()
    text = "x" * 30_000

    for _ in range(20):
        await node.append(*[text] * 20)
    rows = await quick.rows_until(Position(1, 400))

    assert len(rows) == 400
    waiting = node.door.waiting
    assert waiting < 2 * 1024 * 1024
    slow.read_on()
    assert [row.position.seq for row in await slow.rows_until(Position(1, 400))] == list(range(1, 401))


async def test_reader_that_takes_nothing_is_given_up(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """When nothing drains for the allowed time, the stream is closed; the client resumes later."""
    monkeypatch.setattr(catch_up.StreamCatchUp.__init__, "__defaults__", (0.2,))
    await node.let_in(ANA, START)
    client = await live_in_room(node)
    client.stop_reading()

    for _ in range(30):
        await node.append(*["x" * 60_000] * 10)
    await node.emptied()
    client.read_on()
