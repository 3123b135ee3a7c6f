"""What strangers say makes this node ask nobody else, and keep only so much."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import load_der_private_key
from typing_extensions import override

from yurt.activitypub.actor_documents import PersonProfile, person_document
from yurt.activitypub.errors import DocumentRefused, SignatureRefused
from yurt.activitypub.http_signatures import cavage
from yurt.activitypub.http_signatures.request import InboundRequest
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.webfinger import person_answer
from yurt.identity.signed_record import encode_records
from yurt.identity.statement import make_statement
from yurt.node.accounts.testing import Newcomer, actor_key
from yurt.node.clock import SystemClock
from yurt.node.fetch import MAX_BODY, Fetched, FetchError
from yurt.node.keys import NodeKeys
from yurt.node.limiter import Limiter, Rate
from yurt.node.people import directory, record_book
from yurt.node.people import signatures as signatures_of
from yurt.node.people.directory import Directory
from yurt.node.people.record_book import RecordBook
from yurt.node.people.signatures import Signatures
from yurt.node.people.signed_fetch import SignedFetch
from yurt.node.store import accounts, people, records
from yurt.node.store.accounts import NewAccount, StoredLogin
from yurt.node.store.sqlite import DATABASE_NAME, SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import Tx
from yurt.node.testing import until
from yurt.node.testing_fetch import Answering, FakeFetch, document
from yurt.node.work_pool import WorkPool
from yurt.wire.problems import ProblemError

HARBOUR, EVIL, VICTIM = "harbour.example", "evil.example", "victim.example"
FRIENDLY = "friendly.example"
EVE = "203.0.113.7"
NOBODY = Fetched("", 404, {}, b"")


class Web(FakeFetch):
    """Other servers; one of them says nothing for a while."""

    def __init__(self, answer: Answering) -> None:
        super().__init__(answer)
        self.speaks = asyncio.Event()
        self.speaks.set()

    @override
    async def get(
        self,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        limit: int = MAX_BODY,
        redirects: bool = True,
    ) -> Fetched:
        """Answer as the function does, in time."""
        found = await super().get(url, headers=headers, limit=limit, redirects=redirects)
        if VICTIM in url:
            await self.speaks.wait()
        return found


@dataclass
class Here:
    """A node to which only strangers write; its minutes stand still: buckets are only ever emptied."""

    store: SqliteStore
    web: Web
    documents: dict[str, bytes]
    directory: Directory

    def puts(self, name: str, host: str = EVIL, **said: object) -> str:
        """Somebody of the hostile server, or another one, says something; returns the id of their key."""
        key = load_der_private_key(actor_key(), None)
        assert isinstance(key, RSAPrivateKey)
        places = PersonLocations(host, name)
        self.documents[places.actor] = json.dumps(
            person_document(PersonProfile(places, key.public_key())) | said
        ).encode()
        return places.key_id


@pytest.fixture
async def here(tmp_path: Path, keys: NodeKeys) -> AsyncIterator[Here]:
    """The node."""
    store = await SqliteStore.open(tmp_path / DATABASE_NAME, STEPS)
    documents: dict[str, bytes] = {}

    def answer(url: str, _headers: dict[str, str]) -> Fetched:
        body = documents.get(url.partition("?")[0])
        return NOBODY if body is None else document(url, body)

    web, clock, work = Web(answer), SystemClock(), WorkPool()
    signed = SignedFetch(HARBOUR, store, keys, clock, web, work)
    book = RecordBook(HARBOUR, store, clock, web)
    yield Here(store, web, documents, Directory(HARBOUR, store, clock, signed, book, Limiter(lambda: 0.0)))
    work.close()
    await store.close()


async def test_a_post_under_a_foreign_name_makes_us_ask_nobody(here: Here) -> None:
    """What calls itself something else than it was fetched as is refused before its author is looked for."""
    url = f"https://{EVIL}/p/1"
    author = PersonLocations(VICTIM, "bo")
    here.documents[url] = json.dumps(
        {"id": author.note("1"), "type": "Note", "attributedTo": author.actor, "content": "x"}
    ).encode()

    with pytest.raises(DocumentRefused):
        await here.directory.post(url)

    assert here.web.asked == [url]


async def test_an_address_elsewhere_may_lead_here(here: Here) -> None:
    """Whoever is called something else at another node is found in the store, not over the network."""
    ana = PersonLocations(HARBOUR, "ana")
    known = people.KnownPerson(ana.actor, ana.address)
    await here.store.write(lambda tx: people.put_person(tx, known))
    finger = f"https://{VICTIM}/.well-known/webfinger"
    here.documents[finger] = json.dumps(person_answer(ana)).encode()

    found = await here.directory.find(f"old@{VICTIM}")

    assert (found.actor, found.inbox) == (ana.actor, "")
    assert len(here.web.asked) == 1


async def test_addresses_that_strangers_claim_are_asked_for_slowly(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many actors claim to be called something at another node, it is asked no more than so often."""
    monkeypatch.setattr(directory, "CLAIMED_RATE", Rate(burst=3, every_s=1.0))
    for number in range(5):
        key_id = here.puts(f"e{number}", webfinger=f"e{number}@{VICTIM}")
        with pytest.raises((ProblemError, FetchError)):
            await here.directory.signing_key(key_id)

    assert [url.split("/")[2] for url in here.web.asked].count(VICTIM) == 3


async def test_long_documents_of_strangers_are_kept_up_to_a_size(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One actor with fifty long aliases takes the place of a hundred others."""
    monkeypatch.setattr(directory, "NEW_BYTES_RATE", Rate(burst=250_000, every_s=1.0))
    aliases = [f"https://{EVIL}/{number}/" + "x" * 2_000 for number in range(50)]

    keys = [here.puts(f"e{number}", alsoKnownAs=aliases) for number in range(3)]

    await here.directory.signing_key(keys[0])
    await here.directory.signing_key(keys[1])
    with pytest.raises(ProblemError):
        await here.directory.signing_key(keys[2])
    await here.directory.signing_key(here.puts("short"))


async def test_a_flood_of_strangers_keeps_out_nobody_from_where_friends_are(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever makes up people uses up the places of strangers; a friend's neighbours come in as ever."""
    monkeypatch.setattr(directory, "NEW_PEOPLE_RATE", Rate(burst=2, every_s=1.0))

    def follows(tx: Tx) -> None:
        account = accounts.add_account(
            tx, NewAccount("ana", "did:key:z6Mk", b"", actor_key(), "", StoredLogin(b"", b"", 8, 1), 0), ""
        )
        friend = PersonLocations(FRIENDLY, "bo")
        known = people.KnownPerson(friend.actor, friend.address, inbox=friend.inbox)
        people.put_tie(tx, account, people.put_person(tx, known), people.FOLLOWING, ("accepted", "x", 0))

    await here.store.write(follows)
    for number in range(2):
        await here.directory.signing_key(here.puts(f"e{number}"))
    with pytest.raises(ProblemError):
        await here.directory.signing_key(here.puts("e2"))

    assert (await here.directory.signing_key(here.puts("cy", FRIENDLY))).fresh


async def test_records_of_strangers_are_kept_up_to_a_size(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of dids that cost nothing so much is kept; that they are whose they are is believed all the same."""
    newcomers = [Newcomer(f"e{number}", EVIL) for number in range(3)]
    enough = len(newcomers[0].record.encode()) * 3 // 2
    monkeypatch.setattr(record_book, "STRANGERS_RATE", Rate(burst=enough, every_s=1_000.0))
    for one in newcomers:
        here.puts(one.name, attachment=[json.loads(make_statement(one.identity, one.actor, one.born_at))])
        body = encode_records([one.record.encode()])
        here.documents[f"https://{EVIL}/records/{one.identity.did}"] = body
        await here.directory.signing_key(PersonLocations(EVIL, one.name).key_id)

    dids = [str(one.identity.did) for one in newcomers]
    kept = await here.store.read(lambda tx: [bool(records.newest_record(tx, did)) for did in dids])
    known = [(await here.directory.at(one.actor)).did for one in newcomers]

    assert kept == [True, False, False]
    assert known == dids


async def test_whoever_names_keys_for_nothing_uses_up_nothing_of_others(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After so many that are not there, or do not fit, one address names no more; others do."""
    monkeypatch.setattr(signatures_of, "MISS_RATE", Rate(burst=4, every_s=1.0))
    signatures = Signatures(here.directory, SystemClock(), Limiter(lambda: 0.0), lambda _host: None)

    async def names(key_id: str, address: str) -> str:
        with pytest.raises((FetchError, ProblemError, SignatureRefused)) as refused:
            await signatures.verify(asking(key_id, address))
        return type(refused.value).__name__

    wrong = [await names(here.puts(f"e{number}"), EVE) for number in range(2)]
    absent = [await names(f"https://{VICTIM}/{number}#key", EVE) for number in range(2)]
    asked = len(here.web.asked)
    after = [await names(f"https://{VICTIM}/{number}#key", EVE) for number in range(2, 6)]

    assert (set(wrong), set(absent), set(after)) == ({"SignatureRefused"}, {"NotThere"}, {"ProblemError"})
    assert len(here.web.asked) == asked
    assert await names(f"https://{VICTIM}/20#key", "203.0.113.8") == "NotThere"


async def test_servers_that_never_answer_keep_out_nobody_whose_key_is_known(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many keys are fetched at the same time; whoever is known, and whoever comes later, is let in."""
    monkeypatch.setattr(directory, "MAX_FETCHING", 3)
    known, new = here.puts("known"), here.puts("new")
    await here.directory.signing_key(known)
    here.web.speaks.clear()
    waiting = [
        asyncio.create_task(here.directory.signing_key(f"https://{VICTIM}/{number}#key"))
        for number in range(3)
    ]
    await until(lambda: len([url for url in here.web.asked if VICTIM in url]) == 3)
    for asked in (
        here.directory.refresh(new.partition("#")[0]),
        here.directory.post(f"https://{EVIL}/p"),
        here.directory.proof_key(new),
    ):
        with pytest.raises(ProblemError):
            await asked
    with pytest.raises(ProblemError) as full:
        await here.directory.signing_key(new)
    assert (await here.directory.signing_key(known)).fresh is False
    here.web.speaks.set()
    await asyncio.gather(*waiting, return_exceptions=True)

    assert full.value.problem.code == "overloaded"
    assert (await here.directory.signing_key(new)).fresh is True


def asking(key_id: str, address: str) -> InboundRequest:
    """A request that a key is said to have signed, which it has not."""
    forger = rsa_key()
    headers = cavage.sign(
        "GET", f"https://{HARBOUR}/x", None, key_id=key_id, key=forger, now=SystemClock().now_s()
    )
    return InboundRequest("GET", HARBOUR, "/x", None, tuple(headers.items()), b"", address)


@lru_cache(maxsize=1)
def rsa_key() -> RSAPrivateKey:
    """Nobody's key."""
    return generate_private_key(65537, 2048)
