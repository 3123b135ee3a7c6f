"""Who follows somebody goes along when they move; and nobody is taken anywhere by anybody else."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from yurt.activitypub.activities import Accept, FollowReference, Reject
from yurt.activitypub.actor_documents import PersonProfile, person_document
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.moves import COOLDOWN_S, Move, TieEvent
from yurt.identity.signed_record import SignedRecord, encode_records, next_record, verify_first
from yurt.identity.statement import make_statement
from yurt.node.accounts.testing import Newcomer, actor_key
from yurt.node.fetch import Fetched
from yurt.node.keys import NodeKeys
from yurt.node.limiter import Limiter
from yurt.node.people.arrivals import Arrivals
from yurt.node.people.block_ends import BlockEnds
from yurt.node.people.directory import Directory
from yurt.node.people.follow_ends import FollowEnds
from yurt.node.people.move_ends import MoveEnds
from yurt.node.people.moves import Moves
from yurt.node.people.record_book import RecordBook
from yurt.node.people.signed_fetch import SignedFetch
from yurt.node.store import accounts, blocks, lists, logs, moves, people, said
from yurt.node.store.accounts import AccountRow, NewAccount, StoredLogin
from yurt.node.store.sqlite import DATABASE_NAME, SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import ReadTx, Tx
from yurt.node.testing_clock import SetClock
from yurt.node.testing_fetch import FakeFetch, document, unreachable
from yurt.node.work_pool import WorkPool

HARBOUR = "harbour.example"
ANA = f"https://{HARBOUR}/users/ana"
OLD = "https://hill.example/users/bo"
NEW = "https://meadow.example/users/bo"
EVE = "https://evil.example/users/eve"
NOW_S = 1_795_000_000
BO = Newcomer("bo", "hill.example", born_at=NOW_S - 10_000)


class Web(FakeFetch):
    """A fediverse of documents; a host that is dead does not answer."""

    def __init__(self) -> None:
        super().__init__(self._look)
        self.documents: dict[str, bytes] = {}
        self.dead: set[str] = set()

    def _look(self, url: str, headers: dict[str, str]) -> Fetched:
        if url.split("/")[2] in self.dead:
            return unreachable(url, headers)
        body = self.documents.get(url.partition("?")[0].replace("%3A", ":"))
        return Fetched(url, 404, {}, b"") if body is None else document(url, body)

    def actor(
        self, url: str, *, aliases: tuple[str, ...] = (), moved_to: str = "", person: Newcomer | None = None
    ) -> None:
        """Put an actor there."""
        key = load_der_private_key(actor_key(), None)
        assert isinstance(key, RSAPrivateKey)
        _, _, host, _, name = url.split("/")
        profile = PersonProfile(
            locations=PersonLocations(host, name),
            rsa=key.public_key(),
            statement=make_statement(person.identity, url, NOW_S) if person else b"",
            also_known_as=aliases,
            moved_to=moved_to,
        )
        self.documents[url] = json.dumps(person_document(profile)).encode()

    def records(self, host: str, *chain: SignedRecord) -> None:
        """Let a host serve Bo's records."""
        body = encode_records([one.encode() for one in chain])
        self.documents[f"https://{host}/records/{BO.identity.did}"] = body


@dataclass
class Here:
    """Ana's node, from which she follows Bo."""

    store: SqliteStore
    web: Web
    clock: SetClock
    directory: Directory
    book: RecordBook
    moves: Moves

    async def arrives(self, move: Move, signer: str = "") -> None:
        """A signed Move comes, and is seen to."""
        await self.moves.arrived(move, signer or move.actor)
        await self.moves.look()

    async def do(self, work: "partial[None]") -> None:
        """Run a unit that starts with (transaction, account)."""

        def unit(tx: Tx) -> None:
            account = accounts.account_named(tx, "ana")
            assert account is not None
            work(tx, account)

        await self.store.write(unit)

    async def follow(self, actor: str) -> None:
        """Ana follows somebody, who accepts."""
        person = await self.directory.at(actor)

        def unit(tx: Tx, account: AccountRow) -> None:
            FollowEnds(tx, HARBOUR, self.clock.now_ms()).follow(account, person)
            Arrivals(tx, HARBOUR, self.clock.now_ms()).take(
                Accept("", actor, FollowReference("", ANA, actor))
            )

        await self.do(partial(unit))

    async def answered(self, event: TieEvent) -> None:
        """The Follow of the new actor was delivered, or could not be."""

        def unit(tx: Tx) -> None:
            for row in tx.rows("SELECT follow FROM tie_move"):
                MoveEnds(tx, HARBOUR, self.clock.now_ms()).follow_answered(str(row[0]), event)

        await self.store.write(unit)

    async def follows(self) -> dict[str, str]:
        """How Ana follows whom."""

        def query(tx: ReadTx) -> dict[str, str]:
            rows = people.ties_page(tx, "ana", people.FOLLOWING, ("pending", "accepted"), 0, 50)
            return {row.actor: row.state for row in rows}

        return await self.store.read(query)

    async def told(self) -> list[tuple[str, str]]:
        """What Ana was told about moves."""

        def query(tx: ReadTx) -> list[bytes]:
            rows = tx.rows(
                "SELECT body FROM entry JOIN log ON log.id = entry.log WHERE kind = 5 ORDER BY seq"
            )
            return [bytes(row[0]) for row in rows]

        found = [msgspec.msgpack.decode(body) for body in await self.store.read(query)]
        return [(one["state"], one["target"]) for one in found]


@pytest.fixture
async def here(tmp_path: Path, keys: NodeKeys) -> AsyncIterator[Here]:
    """Ana alone; Bo's actor stands at hill.example."""
    store, web, clock, work = (
        await SqliteStore.open(tmp_path / DATABASE_NAME, STEPS),
        Web(),
        SetClock(NOW_S * 1000),
        WorkPool(),
    )
    book = RecordBook(HARBOUR, store, clock, web)
    signed = SignedFetch(HARBOUR, store, keys, clock, web, work)
    directory = Directory(HARBOUR, store, clock, signed, book, Limiter())

    def unit(tx: Tx) -> None:
        did = Newcomer("ana", HARBOUR).identity.did
        accounts.add_account(
            tx, NewAccount("ana", did, b"", actor_key(), "", StoredLogin(b"", b"", 8, 1), 0), ""
        )
        people.put_person(tx, people.KnownPerson(ANA, "ana@harbour.example", did))

    await store.write(unit)
    web.actor(OLD)
    yield Here(store, web, clock, directory, book, Moves(HARBOUR, store, clock, directory, lambda: None))
    work.close()
    await store.close()


PUSH = Move(f"{OLD}#moves/1", OLD, OLD, NEW)


async def test_a_stock_servers_move_takes_the_follow_along(here: Here) -> None:
    """First the new actor is followed; when its node has taken that, the old one no longer."""
    await here.follow(OLD)
    here.web.actor(OLD, moved_to=NEW)
    here.web.actor(NEW, aliases=(OLD,))

    await here.arrives(PUSH)
    assert await here.follows() == {OLD: "accepted", NEW: "pending"}

    await here.answered(TieEvent.DELIVERED)
    await here.arrives(PUSH)
    assert await here.follows() == {NEW: "pending"}
    assert await here.told() == [("moved", NEW)]


async def test_strangers_cannot_push_out_a_move_that_waits(here: Here) -> None:
    """What others claim about somebody costs no look-up, or goes before what they sent themselves."""
    await here.follow(OLD)
    await here.moves.arrived(PUSH, OLD)
    for number in range(10):
        theirs = f"https://evil.example/users/e{number}"
        await here.moves.arrived(Move("", theirs, OLD, "https://victim.example/a"), theirs)
        await here.moves.arrived(Move("", theirs, OLD, theirs), theirs)
    await here.moves.arrived(Move("", OLD, OLD, EVE), EVE)

    heard = await here.store.read(lambda tx: tx.rows("SELECT actor, target FROM move_heard ORDER BY id"))
    assert heard[0] == (OLD, NEW)
    assert len(heard) == 5
    assert not [row for row in heard if row[1] in ("https://victim.example/a", EVE)]


async def test_a_dead_old_server_stops_nobody(here: Here) -> None:
    """A Move signed with the old key is enough: the old server is not asked."""
    await here.follow(OLD)
    here.web.dead.add("hill.example")
    here.web.actor(NEW, aliases=(OLD,))

    await here.arrives(PUSH)

    assert await here.follows() == {OLD: "accepted", NEW: "pending"}


async def test_a_new_server_that_is_down_is_asked_again(here: Here) -> None:
    """The Move waits in the store, over a restart too, and costs no cooldown."""
    await here.follow(OLD)
    here.web.actor(NEW, aliases=(OLD,))
    here.web.dead.add("meadow.example")
    await here.arrives(PUSH)
    assert await here.follows() == {OLD: "accepted"}

    here.web.dead.clear()
    here.clock.ms += 60_000
    await Moves(HARBOUR, here.store, here.clock, here.directory, lambda: None).look()

    assert await here.follows() == {OLD: "accepted", NEW: "pending"}


async def test_what_both_ends_do_not_say_moves_nobody(here: Here) -> None:
    """No alias, a foreign signature, a target that moved or does not exist, the actor itself."""
    await here.follow(OLD)
    here.web.actor(EVE)
    await here.arrives(Move("", OLD, OLD, EVE))
    here.web.actor(EVE, aliases=(OLD,), moved_to=NEW)
    await here.arrives(Move("", OLD, OLD, EVE))
    here.web.actor(EVE, aliases=(OLD,))
    await here.arrives(Move("", OLD, OLD, EVE), signer=EVE)
    await here.arrives(Move("", EVE, OLD, EVE))
    await here.arrives(Move("", OLD, OLD, f"{EVE}/nobody"))
    await here.arrives(Move("", OLD, OLD, OLD))

    assert await here.follows() == {OLD: "accepted"}
    assert await here.told() == []


async def test_a_pull_without_the_alias_costs_the_old_server_nothing(here: Here) -> None:
    """Whoever only claims to have been somebody makes us ask nobody but themselves."""
    await here.follow(OLD)
    here.web.actor(EVE)
    here.web.asked.clear()

    await here.arrives(Move("", EVE, OLD, EVE))

    assert here.web.asked == [EVE]


async def test_a_circle_and_a_chain_end(here: Here) -> None:
    """Back to where it came from within a month, a second Move within a week, a sixth link: refused."""
    await here.follow(OLD)
    here.web.actor(NEW, aliases=(OLD, EVE))
    here.web.actor(OLD, aliases=(NEW,))
    await here.arrives(PUSH)
    await here.answered(TieEvent.DELIVERED)

    await here.arrives(Move("", NEW, NEW, OLD))
    assert set(await here.follows()) == {NEW}

    places = [f"https://p{number}.example/users/bo" for number in range(6)]
    before = NEW
    for place in places:
        here.web.actor(place, aliases=(before,))
        await here.arrives(Move("", before, before, place))
        await here.answered(TieEvent.DELIVERED)
        before = place
    # NEW is one link from OLD, so p3 is the fifth.
    assert set(await here.follows()) == {places[3]}


async def test_a_second_move_waits_for_the_cooldown(here: Here) -> None:
    """Whoever moved elsewhere a day ago is not followed to a third place; a week later they are."""
    await here.follow(OLD)
    here.web.actor(EVE, aliases=(OLD,))
    here.web.actor(NEW, aliases=(OLD,))
    await here.arrives(Move("", OLD, OLD, EVE))
    await here.answered(TieEvent.FAILED)
    assert (await here.follows())[OLD] == "accepted"

    await here.arrives(PUSH)
    assert NEW not in await here.follows()
    here.clock.ms += COOLDOWN_S * 1000
    await here.arrives(PUSH)
    assert NEW in await here.follows()


# --- persons (TRUST 9) ------------------------------------------------------------------------------
def moved_record() -> SignedRecord:
    """Bo's next record, which names the new actor."""
    return next_record(verify_first(BO.record), BO.identity, time=NOW_S, actor=NEW)


async def know_bo(here: Here) -> None:
    here.web.actor(OLD, person=BO)
    here.web.records("hill.example", BO.record)
    await here.follow(OLD)


async def test_a_person_moves_with_their_next_record(here: Here) -> None:
    """Move, statement and record together: the follow goes along."""
    await know_bo(here)
    here.web.actor(NEW, aliases=(OLD,), person=BO)
    here.web.records("meadow.example", BO.record, moved_record())

    await here.arrives(PUSH)

    assert await here.follows() == {OLD: "accepted", NEW: "pending"}


async def test_the_old_node_alone_moves_nobody_and_burns_nothing(here: Here) -> None:
    """With the stolen HTTP key it says Eve: unconfirmed. The person then moves by their record."""
    await know_bo(here)
    here.web.actor(EVE, aliases=(OLD,))
    await here.arrives(Move(f"{OLD}#moves/1", OLD, OLD, EVE))
    await here.arrives(Move(f"{OLD}#moves/1", OLD, OLD, EVE))
    assert await here.follows() == {OLD: "accepted"}
    assert await here.told() == [("unconfirmed", EVE)]

    here.web.actor(NEW, aliases=(OLD,), person=BO)
    here.web.records("meadow.example", BO.record, moved_record())
    await here.arrives(PUSH)

    assert await here.follows() == {OLD: "accepted", NEW: "pending"}


async def test_a_waiting_move_completes_when_the_record_comes(here: Here) -> None:
    """No second Move is needed."""
    await know_bo(here)
    here.web.actor(NEW, aliases=(OLD,), person=BO)
    await here.arrives(PUSH)
    assert await here.follows() == {OLD: "accepted"}

    here.web.records("meadow.example", BO.record, moved_record())
    await here.book.take(moved_record().encode())
    await here.moves.look()

    assert await here.follows() == {OLD: "accepted", NEW: "pending"}


async def test_a_record_alone_is_enough(here: Here) -> None:
    """The old node is dead and its key is lost; the next record names the new actor, and that one Bo."""
    await know_bo(here)
    here.web.dead.add("hill.example")
    here.web.actor(NEW, aliases=(OLD,), person=BO)
    here.web.records("meadow.example", BO.record, moved_record())

    await here.book.take(moved_record().encode())
    await here.moves.look()

    assert await here.follows() == {OLD: "accepted", NEW: "pending"}


async def test_the_new_node_alone_moves_nobody(here: Here) -> None:
    """An actor that says it is Bo, with an alias and a statement but no record of his, waits for ever."""
    await know_bo(here)
    here.web.actor(EVE, aliases=(OLD,), person=BO)
    await here.arrives(Move("", EVE, OLD, EVE))

    assert await here.follows() == {OLD: "accepted"}


async def test_two_records_at_one_place_freeze_the_move(here: Here) -> None:
    """Somebody has Bo's phrase: no new actor is taken, the human chooses (TRUST 1)."""
    await know_bo(here)
    here.web.actor(NEW, aliases=(OLD,), person=BO)
    other = next_record(verify_first(BO.record), BO.identity, time=NOW_S, actor=EVE)
    here.web.records("meadow.example", BO.record, moved_record())
    await here.book.take(other.encode())
    await here.book.take(moved_record().encode())
    await here.arrives(PUSH)

    assert set(await here.follows()) == {OLD}


# --- what goes along, and what does not -------------------------------------------------------------
async def test_nobody_escapes_a_block_by_moving(here: Here) -> None:
    """Who blocks the old actor blocks the new one; nothing is followed."""
    bo = await here.directory.at(OLD)

    def unit(tx: Tx, account: AccountRow) -> None:
        BlockEnds(tx, HARBOUR, NOW_S * 1000).block(account, bo)

    await here.do(partial(unit))
    here.web.actor(NEW, aliases=(OLD,))
    await here.arrives(PUSH)

    def query(tx: ReadTx) -> str | None:
        return blocks.block_of(tx, "ana", NEW, blocks.BLOCK)

    assert await here.store.read(query)
    assert await here.follows() == {}


@pytest.mark.parametrize("what", ["node", "address"])
async def test_nobody_is_taken_along_to_where_they_want_nothing(here: Here, what: str) -> None:
    """Who blocks a node, or an address that nobody has looked up, does not follow anybody there."""
    await here.follow(OLD)
    here.web.actor(NEW, aliases=(OLD,))

    def unit(tx: Tx) -> None:
        account = accounts.account_named(tx, "ana")
        assert account is not None
        if what == "node":
            lists.put_domain_block(tx, account.id, "meadow.example")
        else:
            said.put(tx, account.id, said.BLOCK, said.Said("bo@meadow.example"))

    await here.store.write(unit)
    await here.arrives(PUSH)

    assert await here.follows() == {OLD: "accepted"}


async def test_a_refused_follow_keeps_the_old_tie(here: Here) -> None:
    """Nothing is given up for nothing; and who ends the new follow stays where they were."""
    await here.follow(OLD)
    here.web.actor(NEW, aliases=(OLD,))
    await here.arrives(PUSH)

    def unit(tx: Tx, _account: AccountRow) -> None:
        follow = str(tx.rows("SELECT follow FROM tie_move")[0][0])
        Arrivals(tx, HARBOUR, NOW_S * 1000).take(Reject("", NEW, FollowReference(follow, ANA, NEW)))

    await here.do(partial(unit))
    await here.answered(TieEvent.DELIVERED)
    assert await here.follows() == {OLD: "accepted"}
    assert await here.told() == [("failed", NEW)]


async def test_a_move_to_somebody_here(here: Here) -> None:
    """Bo moves in: the follow arrives at once, and the old one ends in the same unit."""
    await here.follow(OLD)
    here.web.actor(OLD, moved_to=f"https://{HARBOUR}/users/bo")

    def unit(tx: Tx, _account: AccountRow) -> None:
        did = Newcomer("bo", HARBOUR).identity.did
        number = accounts.add_account(
            tx, NewAccount("bo", did, b"", actor_key(), "", StoredLogin(b"", b"", 8, 1), 0), ""
        )
        people.put_person(tx, people.KnownPerson(f"https://{HARBOUR}/users/bo", "bo@harbour.example", did))
        moves.add_alias(tx, number, OLD)

    await here.do(partial(unit))
    await here.arrives(replace_target(f"https://{HARBOUR}/users/bo"))

    assert await here.follows() == {f"https://{HARBOUR}/users/bo": "accepted"}


async def test_nobody_is_fetched_for_a_stranger(here: Here) -> None:
    """A Move of somebody whom nobody here follows or blocks is forgotten at once."""
    await here.directory.at(OLD)
    here.web.dead.update({"hill.example", "meadow.example"})

    await here.arrives(PUSH)

    assert await here.store.read(lambda tx: tx.rows("SELECT 1 FROM move_heard")) == []
    assert await here.store.read(lambda tx: logs.head(tx, logs.inbox_log("ana"))) is not None


def replace_target(target: str) -> Move:
    return Move(f"{OLD}#moves/1", OLD, OLD, target)
