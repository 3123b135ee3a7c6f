"""How much is asked of one host because requests name it: enough for a crowd, not enough for a flood."""

import json
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from yurt.activitypub.actor_documents import PersonProfile, person_document
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.moves import COOLDOWN_S
from yurt.node.accounts.testing import actor_key
from yurt.node.admin.init import init_node
from yurt.node.clock import SystemClock
from yurt.node.config import NodeConfig
from yurt.node.fetch import Fetched
from yurt.node.keys import NodeKeys
from yurt.node.limiter import Limiter
from yurt.node.people.directory import AGAIN_RATE, KEY_RATE, Directory
from yurt.node.people.record_book import RecordBook
from yurt.node.people.signed_fetch import SignedFetch
from yurt.node.people.tidying import MOVED_S, Tidying
from yurt.node.store import moves, people
from yurt.node.store.sqlite import DATABASE_NAME, SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import Tx
from yurt.node.testing_fetch import FakeFetch, document
from yurt.node.work_pool import WorkPool
from yurt.wire.problems import ProblemError

BIG = "big.example"


@cache
def their_key() -> RSAPublicKey:
    """The key of everybody there; reading one is slow."""
    key = load_der_private_key(actor_key(), None)
    assert isinstance(key, RSAPrivateKey)
    return key.public_key()


def somebody(url: str, _headers: dict[str, str]) -> Fetched:
    """One server with as many people as anybody asks for."""
    profile = PersonProfile(PersonLocations(BIG, url.rpartition("/")[2]), their_key())
    return document(url, json.dumps(person_document(profile)).encode())


class Here:
    """A node that nobody wrote to yet."""

    def __init__(self, store: SqliteStore, web: FakeFetch, directory: Directory) -> None:
        self.store = store
        self.web = web
        self.directory = directory

    async def newcomers(self, first: int, last: int) -> None:
        """Requests come, each signed by somebody who is new here."""
        for number in range(first, last):
            await self.directory.signing_key(PersonLocations(BIG, f"p{number}").key_id)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Here]:
    """The node; its minutes stand still, so that every bucket is only ever emptied."""
    init_node(tmp_path / "node", NodeConfig("harbour.example", plain=True))
    store = await SqliteStore.open(tmp_path / "node" / DATABASE_NAME, STEPS)
    web, clock, work = FakeFetch(somebody), SystemClock(), WorkPool()
    signed = SignedFetch("harbour.example", store, NodeKeys(tmp_path / "node"), clock, web, work)
    book = RecordBook("harbour.example", store, clock, web)
    limiter = Limiter(lambda: 0.0)
    yield Here(store, web, Directory("harbour.example", store, clock, signed, book, limiter))
    work.close()
    await store.close()


async def test_a_whole_community_may_come_at_once(here: Here) -> None:
    """Fifty people of one node follow somebody in the same second; a flood is told when to come again."""
    await here.newcomers(0, 50)

    with pytest.raises(ProblemError) as caught:
        await here.newcomers(50, KEY_RATE.burst + 1)

    assert len(here.web.asked) == KEY_RATE.burst
    problem = caught.value.problem
    assert problem.code == "tooMany"
    assert problem.retry_after is not None
    assert 0 < problem.retry_after < 1


async def test_forgeries_use_up_nothing_of_newcomers(here: Here) -> None:
    """A key whose signature does not fit is fetched anew a few times; after that the kept one stands."""
    known = PersonLocations(BIG, "p0").key_id
    await here.newcomers(0, 1)

    again = [await here.directory.signing_key(known, refresh=True) for _ in range(500)]

    assert [one.fresh for one in again].count(True) == AGAIN_RATE.burst
    assert len(here.web.asked) == 1 + AGAIN_RATE.burst
    await here.newcomers(1, KEY_RATE.burst)


async def test_moves_of_strangers_use_up_nothing_of_newcomers(here: Here) -> None:
    """What a Move names is fetched from a bucket of its own."""
    for number in range(KEY_RATE.burst):
        await here.directory.refresh(PersonLocations(BIG, f"m{number}").actor, "move")
    with pytest.raises(ProblemError):
        await here.directory.refresh(PersonLocations(BIG, "m0").actor, "move")

    await here.newcomers(0, KEY_RATE.burst)


async def test_strangers_are_forgotten(here: Here) -> None:
    """Of whom nobody here knows anything is kept for a month; a pinned did, and who is muted, for ever."""
    now_s = SystemClock().now_s()

    def unit(tx: Tx) -> None:
        for name in ("old", "pinned"):
            places = PersonLocations(BIG, name)
            did = "did:key:z6Mk" if name == "pinned" else ""
            people.put_person(
                tx, people.KnownPerson(places.actor, places.address, did, places.inbox, fetched_at=1)
            )
        for actor, at in (("https://a.example/a", 1), ("https://a.example/b", now_s)):
            life = moves.move_life(tx, actor)
            moves.put_move_life(tx, actor, type(life)("https://b.example/x", at))

    await here.store.write(unit)
    await here.newcomers(0, 1)

    await Tidying("harbour.example", here.store, SystemClock()).tidy()

    rows = await here.store.read(lambda tx: tx.rows("SELECT address FROM person ORDER BY id"))
    assert [row[0] for row in rows] == [f"pinned@{BIG}", f"p0@{BIG}"]
    assert MOVED_S > COOLDOWN_S
    moved = await here.store.read(lambda tx: tx.rows("SELECT actor FROM moved_actor"))
    assert [row[0] for row in moved] == ["https://a.example/b"]
