"""A node carries out moves only with the person's record, and holds an old key no longer than it must."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from yurt.identity.identity_key import IdentityKey
from yurt.identity.signed_record import SignedRecord, next_record, verify_first
from yurt.identity.statement import make_statement
from yurt.lab.world.network import Network
from yurt.node.accounts.testing import Newcomer, actor_key
from yurt.node.keys import public_pem
from yurt.node.people.peer_reports import NO_TIE
from yurt.node.store import accounts, moves, moving, people, records
from yurt.node.store.people import KnownPerson
from yurt.node.store.types import Tx
from yurt.node.testing import PATIENCE_S, Client, Town, open_town, served, until
from yurt.wire.account_commands import SignedIn
from yurt.wire.device_commands import PublishRecord
from yurt.wire.move_commands import (
    Arrive,
    AskPeers,
    EraseKey,
    LendKey,
    MoveAway,
    MoveState,
    MoveTies,
    MoveTiesPage,
    MoveView,
    OldFollower,
    PeerReports,
    RescueFollowers,
    WatchMove,
)
from yurt.wire.people_commands import Follow, Followers, Following
from yurt.wire.problems import ProblemError

HARBOUR, STOCK = "harbour.example", "stock.example"
OLD = "https://hill.example/users/bo"
NEW = f"https://{HARBOUR}/users/bo"


@dataclass
class StockPeer:
    """Takes whatever comes into its inbox, and writes down what it was and whose key it names."""

    taken: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    refuse_first: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def inbox(self, request: web.Request) -> web.Response:
        """`POST /inbox`."""
        document = json.loads(await request.read())
        if self.refuse_first:
            self.refuse_first -= 1
            return web.Response(status=500)
        key = request.headers["Signature"].partition('keyId="')[2].partition('"')[0]
        self.taken.append((document["type"], key))
        self.changed.set()
        return web.Response(status=202)

    async def has(self, count: int) -> None:
        """Wait until so many have come."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.taken) < count:
                self.changed.clear()
                await self.changed.wait()


@dataclass
class Place:
    """The new node, the stock peer, and somebody whose old node is dead."""

    town: Town
    peer: StockPeer
    bo: Client

    @property
    def person(self) -> Newcomer:
        """Who is rescued."""
        return self.bo.person

    def moved(self, *, actor: str = NEW) -> SignedRecord:
        """Their next record."""
        return next_record(
            verify_first(self.person.record), self.person.identity, time=self.person.born_at, actor=actor
        )

    async def arrive(
        self, *chain: SignedRecord, statement: bytes = b"", previous: str = OLD, login_key: bytes = b""
    ) -> None:
        """Make the account."""
        link = await self.town.invite(HARBOUR)
        made = statement or make_statement(self.person.identity, NEW, self.person.born_at)
        command = Arrive(
            code=link.code,
            secret=link.secret,
            account="bo",
            login_key=login_key or self.person.login_key,
            device_id=self.person.device.device_id,
            records=tuple(one.encode() for one in chain),
            statement=made,
            actor_key=actor_key(),
            previous=previous,
        )
        answer: SignedIn = await self.bo.call(command)
        self.bo.token = answer.token

    async def lend(
        self, actor: str = OLD, key_id: str = f"{OLD}#main-key", key: bytes = b"", days: int = 30
    ) -> None:
        """Lend the old key."""
        await self.bo.call(LendKey(actor=actor, key_id=key_id, key=key or actor_key(), days=days))


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """The new node, beside a stock peer."""
    network = Network.make(tmp_path / "network", (HARBOUR, STOCK))
    for name in (HARBOUR, STOCK):
        network.write_map(name)
    peer, app = StockPeer(), web.Application()
    app.router.add_post("/inbox", peer.inbox)
    async with served(network, STOCK, app), open_town(tmp_path, network, HARBOUR) as town:
        person = Newcomer("bo", "hill.example", born_at=time.time_ns() // 1_000_000_000 - 1000)
        yield Place(town, peer, Client(town.session, HARBOUR, person))


def follower(name: str) -> OldFollower:
    """Somebody at the stock peer."""
    return OldFollower(f"https://{STOCK}/users/{name}", f"https://{STOCK}/inbox", f"https://{STOCK}/inbox")


async def test_a_move_from_the_dead(place: Place) -> None:
    """A stock peer hears the new actor first, then the Move under the old key; and each only once."""
    await place.arrive(place.person.record, place.moved())
    await place.lend()
    place.peer.refuse_first = 1  # what comes first is tried again, and still comes first

    for _ in range(2):
        await place.bo.call(RescueFollowers((follower("ana"), follower("cy"))))
    await place.peer.has(2)
    await asyncio.sleep(0.1)

    once = [("Update", f"{NEW}#main-key"), ("Move", f"{OLD}#main-key")]
    assert place.peer.taken == once
    await place.bo.call(RescueFollowers((follower("cy"),), again=True))
    await place.peer.has(4)
    assert place.peer.taken == 2 * once


async def test_who_had_an_account_here_before_is_told_so(place: Place) -> None:
    """Coming back with new keys is no wrong passphrase: the old account stands in the way."""
    await place.arrive(place.person.record, place.moved())

    with pytest.raises(ProblemError, match="you had an account here before, bo: ") as refused:
        await place.arrive(place.person.record, place.moved(), login_key=bytes(32))

    assert refused.value.problem.code == "nameTaken"
    assert "yurt node account delete bo --yes" in refused.value.problem.message


async def test_a_key_is_lent_for_a_move_that_the_record_names(place: Place) -> None:
    """Nobody lends a key for somebody else's actor, for longer than thirty days, or without the record."""
    await place.arrive(place.person.record)  # a planned move: nothing is published yet
    with pytest.raises(ProblemError, match="does not lead to"):
        await place.lend()
    await place.bo.call(PublishRecord(place.moved().encode()))

    eve = "https://hill.example/users/eve"
    for actor, key_id, key, days in (
        (eve, f"{eve}#main-key", b"", 30),
        (OLD, f"{eve}#main-key", b"", 30),
        (OLD, f"{OLD}#main-key", b"", 31),
        (OLD, f"{OLD}#main-key", b"no key", 30),
    ):
        with pytest.raises(ProblemError):
            await place.lend(actor, key_id, key, days)

    await place.lend(days=30)
    view: MoveView = await place.bo.call(MoveState())
    assert 29 * 86_400 < view.key_until - time.time_ns() // 1_000_000_000 <= 30 * 86_400
    await place.bo.call(EraseKey())
    assert (await place.bo.call(MoveState())).key_until == 0
    with pytest.raises(ProblemError, match="no key"):
        await place.bo.call(RescueFollowers((follower("ana"),)))


async def test_a_foreign_key_moves_nobody_who_lives_here(place: Place) -> None:
    """A record may name any old actor: without that actor's key, its followers on this node stay."""
    ana = await place.town.join("ana", HARBOUR)
    await place.arrive(place.person.record, place.moved())
    key, store = actor_key(), place.town.nodes[HARBOUR].store
    private = load_der_private_key(key, None)
    assert isinstance(private, RSAPrivateKey)
    shown = public_pem(private.public_key())
    foreign = generate_private_key(65537, 2048).private_bytes(
        Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
    )
    own = OldFollower(f"https://{HARBOUR}/users/ana", f"https://{HARBOUR}/inbox")

    def followed(tx: Tx) -> None:
        account = accounts.account_named(tx, "ana")
        assert account is not None
        star = people.put_person(tx, KnownPerson(OLD, "bo@hill.example", key_pem=shown))
        people.put_tie(tx, account.id, star, people.FOLLOWING, ("accepted", f"{OLD}#follow", 1))

    async def follows(actor: str) -> bool:
        return [tie.actor for tie in (await ana.call(Following())).ties] == [actor]

    await store.write(followed)
    await place.lend(key=foreign)
    await place.bo.call(RescueFollowers((own,)))
    assert await store.read(lambda tx: tx.rows("SELECT object FROM move_heard")) == []
    assert await follows(OLD)

    await place.bo.call(EraseKey())
    await place.lend(key=key)
    await place.bo.call(RescueFollowers((own,)))
    await until(lambda: follows(NEW))


async def test_a_lent_key_is_erased_in_time(place: Place) -> None:
    """After its time a key is gone, and so is what it would have signed; asking again prolongs nothing."""
    await place.arrive(place.person.record, place.moved())
    await place.lend(days=1)
    until = (await place.bo.call(MoveState())).key_until
    await place.lend(days=30)
    await place.bo.call(EraseKey())
    await place.lend(days=30)
    store = place.town.nodes[HARBOUR].store
    assert (await place.bo.call(MoveState())).key_until == until

    assert await store.read(lambda tx: moving.anything_due(tx, until))
    assert await store.write(lambda tx: moving.erase_old_keys(tx, until - 1)) == []
    assert await store.write(lambda tx: moving.erase_old_keys(tx, until)) == ["bo"]
    assert await store.read(lambda tx: moving.lent_key(tx, "bo")) is None
    await store.write(lambda tx: tx.change("UPDATE lent_until SET until = 1"))
    with pytest.raises(ProblemError, match="thirty days are over"):
        await place.lend(days=30)
    assert await store.read(lambda tx: moving.lent_key(tx, "bo")) is None


@pytest.mark.parametrize("by", ["its person", "its time"])
async def test_an_erased_key_is_on_no_disk(place: Place, by: str) -> None:
    """Neither in the database nor in its write-ahead log, while the node goes on and others read."""
    await place.arrive(place.person.record, place.moved())
    own = generate_private_key(65537, 2048).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    def found() -> list[str]:
        return [
            file.name
            for file in sorted((place.town.folder / HARBOUR).rglob("*"))
            if file.is_file() and own[100:164] in file.read_bytes()
        ]

    await place.lend(key=own)
    assert await asyncio.to_thread(found) != []
    end = (await place.bo.call(MoveState())).key_until
    if by == "its person":
        await place.bo.call(EraseKey())
    else:
        await place.town.nodes[HARBOUR].store.write(lambda tx: moving.erase_old_keys(tx, end))

    assert await asyncio.to_thread(found) == []


async def test_a_rescue_fills_no_disk(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inboxes are somebody's own word: what waits of one account has a limit."""
    monkeypatch.setattr("yurt.node.people.rescuing.MAX_WAITING", 5)
    await place.arrive(place.person.record, place.moved())
    await place.lend()
    silent = [OldFollower(f"https://s{n}.example/u", f"https://s{n}.example/inbox") for n in range(3)]

    await place.bo.call(RescueFollowers(tuple(silent[:2])))
    with pytest.raises(ProblemError) as refused:
        await place.bo.call(RescueFollowers(tuple(silent), again=True))

    assert refused.value.problem.code == "tooMany"


async def test_a_full_queue_makes_no_move_slow(place: Place) -> None:
    """Looking for what waits for an inbox looks at nothing else."""
    query = "EXPLAIN QUERY PLAN SELECT max(id) FROM delivery WHERE sender = ? AND inbox = ?"
    plan = await place.town.nodes[HARBOUR].store.read(lambda tx: tx.rows(query, "bo", "https://a.example"))

    assert "delivery_inbox" in str(plan)


async def test_arrivals_that_do_not_add_up(place: Place) -> None:
    """Statement, record, old actor and account belong together, or nobody arrives."""
    eve = IdentityKey(bytes(32))
    first, moved = place.person.record, place.moved()
    elsewhere = place.moved(actor="https://elsewhere.example/users/bo")
    born = place.person.born_at

    for chain, statement, previous in (
        ((first, moved), make_statement(eve, NEW, born), OLD),
        ((first, moved), make_statement(place.person.identity, OLD, born), OLD),
        ((first, moved), b"", "https://hill.example/users/eve"),
        ((first, elsewhere), b"", OLD),
        ((moved, first), b"", OLD),
        ((), b"", OLD),
    ):
        with pytest.raises(ProblemError, match="badRecord"):
            await place.arrive(*chain, statement=statement, previous=previous)

    store = place.town.nodes[HARBOUR].store
    assert await store.read(lambda tx: accounts.account_named(tx, "bo")) is None
    assert await store.read(lambda tx: records.newest_record(tx, verify_first(first).did)) == b""


async def test_competing_records_are_shown(place: Place) -> None:
    """Where another record of the same number is known, nobody arrives: a person must decide."""
    first = place.person.record
    thief = place.moved(actor="https://thief.example/users/bo")
    store, did = place.town.nodes[HARBOUR].store, verify_first(first).did
    now_s = time.time_ns() // 1_000_000_000  # what is kept of strangers is forgotten after a while

    def known(tx: Tx) -> None:
        for seq, one in ((1, first), (2, thief)):
            digest = hashlib.sha256(one.record).digest()
            records.add_record(tx, did, seq, digest, one.encode(), now_s)

    await store.write(known)
    with pytest.raises(ProblemError, match=r"thief\.example") as refused:
        await place.arrive(first, place.moved())

    assert refused.value.problem.detail["rule"] == "recordFrozen"
    assert await store.read(lambda tx: records.is_frozen(tx, did))


async def test_nobody_moves_away_without_record_and_alias(place: Place) -> None:
    """The old node alone moves nobody; and who moved to one place does not move to another."""
    ana = await place.town.join("ana", HARBOUR)
    for target in (NEW, f"https://{HARBOUR}/users/ana", "https://nowhere.example/users/ana"):
        with pytest.raises(ProblemError):
            await ana.call(MoveAway(target))
    for target in ("", "0", "https://[", "https://hill.example:443/users/bo", "http://hill.example/users/bo"):
        with pytest.raises(ProblemError, match="badRequest"):
            await ana.call(MoveAway(target))

    store = place.town.nodes[HARBOUR].store
    assert await store.read(lambda tx: moves.moved_to(tx, "ana")) == ""


async def test_who_arrives_is_counted(place: Place) -> None:
    """At an hour, a day, a week and a month those are counted who follow since the Move; each time once."""
    await place.arrive(place.person.record, place.moved())
    start = time.time_ns() // 1_000_000_000
    for _ in range(2):
        await place.bo.call(WatchMove(start=start, previous=OLD))
    with pytest.raises(ProblemError, match="nobody moved here"):
        await place.bo.call(WatchMove(start=start, previous=f"{OLD}2"))
    store = place.town.nodes[HARBOUR].store
    due = await store.read(lambda tx: moving.due_marks(tx, start + 86_400))

    assert [mark.after_s for mark in due] == [3_600, 86_400]
    for mark in due:
        await store.write(partial(moving.count_arrivals, mark=mark, now_s=start + 86_400))
    view: MoveView = await place.bo.call(MoveState())
    assert [(mark.after_s, bool(mark.at), mark.arrived) for mark in view.marks] == [
        (3_600, True, 0),
        (86_400, True, 0),
        (7 * 86_400, False, 0),
        (30 * 86_400, False, 0),
    ]
    assert await store.read(lambda tx: moving.due_marks(tx, start + 86_400)) == []


async def accepted(followed: Client, follower_: Client) -> bool:
    """Whether both ends know of the follow."""
    ties = (await followed.call(Followers())).ties, (await follower_.call(Following())).ties
    return all(one and one[0].state == "accepted" for one in ties)


async def test_a_node_tells_an_actors_own_node_who_follows_it(town: Town) -> None:
    """What a Yurt node says of followers goes to the actor's own node; one that is gone says so."""
    ana, bo = await town.join("ana", HARBOUR), await town.join("bo", "hilltop.example")
    await bo.call(Follow("ana@" + HARBOUR))
    await until(lambda: accepted(ana, bo))

    answer: PeerReports = await ana.call(AskPeers(("hilltop.example", "gone.example")))

    gone, there = answer.reports
    assert (there.followers, there.record_seq, there.problem) == (
        ("https://hilltop.example/users/bo",),
        1,
        "",
    )
    assert gone.node == "gone.example"
    assert gone.problem


async def test_nobody_is_asked_for_a_stranger_s_sake(town: Town) -> None:
    """An account that did not move has only nodes asked where it has a tie, and so many in a while."""
    ana, bo = await town.join("ana", HARBOUR), await town.join("bo", "hilltop.example")

    answer: PeerReports = await ana.call(AskPeers(("hilltop.example", "gone.example")))
    assert {report.problem for report in answer.reports} == {NO_TIE}
    await bo.call(Follow("ana@" + HARBOUR))
    await until(lambda: accepted(ana, bo))
    answer = await ana.call(AskPeers(("hilltop.example", "gone.example")))
    assert {report.node: bool(report.problem) for report in answer.reports} == {
        "hilltop.example": False,
        "gone.example": True,
    }

    many = tuple(f"n{number}.example" for number in range(50))
    for _ in range(3):
        await ana.call(AskPeers(many))
    with pytest.raises(ProblemError) as refused:
        await ana.call(AskPeers(many))
    assert refused.value.problem.code == "tooMany"


async def test_ties_are_told_with_their_software(town: Town) -> None:
    """Each tie is told with what NodeInfo of its node says, asked once."""
    ana, bo = await town.join("ana", HARBOUR), await town.join("bo", "hilltop.example")
    await bo.call(Follow("ana@" + HARBOUR))
    await ana.call(Follow("bo@hilltop.example"))
    await until(lambda: accepted(ana, bo))

    page: MoveTiesPage = await ana.call(MoveTies())

    (tie,) = page.ties
    assert (tie.software, tie.follower, tie.following, tie.unreachable_s) == ("yurt", True, True, 0)
    assert tie.did == verify_first(bo.person.record).did
    assert tie.inbox == "https://hilltop.example/users/bo/inbox"
