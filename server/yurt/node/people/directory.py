"""Who is who: from an address to an actor to a person, fetched once and kept for a while.

WebFinger names the actor, the actor names the address back, the FEP-c390 statement in the actor's document
binds the did, and the person's record must name that actor as where they are. What does not close the
circle is shown without a did. Clients verify all of it again.
"""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from yurt.activitypub import webfinger
from yurt.activitypub.actors import ActorDocument, ActorGone, key_owner
from yurt.activitypub.errors import DocumentRefused, RemoteActivityPubError
from yurt.activitypub.http_signatures.keys import KeyKind, PublicKey, kind_of, read_pem, write_pem
from yurt.activitypub.locations import node_actor, node_ed25519_key_id
from yurt.activitypub.notes import Note, parse_note
from yurt.activitypub.references import host_of
from yurt.activitypub.webfinger import Address
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.statement import MAX_STATEMENT_SIZE, verify_statement
from yurt.node.clock import Clock
from yurt.node.fetch import DomainRefused, FetchError
from yurt.node.ids import account_at
from yurt.node.limiter import Limiter, Rate
from yurt.node.peers.errors import PeerDown, PeerRefuses
from yurt.node.people.keeping_away import KeepingAway
from yurt.node.people.record_book import RecordBook
from yurt.node.people.signed_fetch import Gone, NotThere, SignedFetch
from yurt.node.store import people
from yurt.node.store.people import KnownPerson
from yurt.node.store.types import Store, Tx
from yurt.wire.errors import GateError
from yurt.wire.problems import ProblemError, refuse

FRESH_S: Final = 24 * 3600
"""How long what was fetched is used without asking again."""
KEY_RATE: Final = Rate(burst=100, every_s=0.2)
"""Documents of one host that are fetched because requests name them: keys of people who are new here, posts.

All of a community of 50 may follow one person in the same minute, and hundreds on one big server like a post:
each of them is one new key. A host that is named by strangers for nothing gets five small GETs a second; who
comes too often is answered 429 with the seconds to wait, and comes again (no delivery is lost by that).
"""
AGAIN_RATE: Final = Rate(burst=3, every_s=60.0)
"""Keys of one actor that are fetched anew because a signature does not fit: beyond that the kept one stands,
and what it does not fit is refused. Forgeries use up nothing that newcomers need."""
MAX_FETCHING: Final = 80
"""Keys, actors and posts that are fetched at the same time because requests name them: servers that never
answer must not take all places for reading (`yurt.node.fetch.PLACES`), nor those of the inbox."""
BUSY_S: Final = 5.0
CLAIMED_RATE: Final = Rate(burst=30, every_s=1.0)
"""Times that one node is asked whether somebody of another really has an address there, as they say."""
MAX_ALIASES: Final = 50
"""Of one actor: what is beyond is passed over."""
NEW_PEOPLE_RATE: Final = Rate(burst=500, every_s=1.0)
"""People never heard of before: those of one host where somebody here follows somebody, those of all other
hosts together ..."""
_DAY_S: Final = 86_400.0
_MIB: Final = 1024 * 1024
NEW_BYTES_RATE: Final = Rate(burst=64 * _MIB, every_s=_DAY_S / (64 * _MIB))
"""... and bytes of what is kept of them: a document of one may be as long as those of a hundred."""
_ROW: Final = 1_024
FRIENDS_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs for an actor."""

    actor: str
    key: PublicKey
    fresh: bool
    """Whether it was fetched just now."""


class Directory:
    """Finds people, here and elsewhere."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        fetch: SignedFetch,
        book: RecordBook,
        limiter: Limiter,
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._fetch = fetch
        self._book = book
        self._limiter = limiter
        self._fetching = 0
        self._friends: frozenset[str] = frozenset()
        self._friends_until = 0.0

    async def find(self, text: str) -> KnownPerson:
        """Find somebody by address; what is told is what their node says now.

        Raises:
            ProblemError: `badRequest`, `notFound`, `peerUnreachable` or `peerRefused`.
        """
        try:
            address = webfinger.parse_address(text)
        except DocumentRefused as error:
            raise refuse("badRequest", str(error), rule=error.rule) from error
        if address.node == self._domain:
            return await self._local(address)
        try:
            return await self._remote(address)
        except NotThere as error:
            if isinstance(error, Gone):
                await self._store.write(lambda tx: self._mark_gone(tx, address))
            raise refuse("notFound", f"nobody is called {address}") from error
        except DomainRefused as error:
            raise refuse("notAllowed", str(error), rule=error.rule) from error
        except FetchError as error:
            raise refuse("peerUnreachable", str(error)) from error
        except (RemoteActivityPubError, GateError) as error:
            raise refuse("peerRefused", f"{address.node}: {error}", rule=error.rule) from error

    async def at(self, actor: str) -> KnownPerson:
        """Who is at an actor URL: as kept while that is fresh, else fetched.

        Raises:
            FetchError, RemoteActivityPubError, GateError: nobody that can be used.
        """
        kept = await self._store.read(lambda tx: people.person_at(tx, actor))
        if account_at(self._domain, actor) is not None:
            if kept is None:
                raise NotThere(f"{actor} does not exist")
            return kept
        if kept is not None and self._clock.now_s() - kept.fetched_at < FRESH_S:
            return kept
        return await self._take(await self._actor(actor))

    async def refresh(self, actor: str, why: str = "change") -> KnownPerson:
        """Fetch an actor again, because it said that it changed, or moved.

        Args:
            actor: Whom.
            why: What asks for it, each with a bucket of its own: strangers' Moves use up nothing of others.

        Raises:
            FetchError, RemoteActivityPubError, GateError: nobody that can be used; what is kept stays.
            ProblemError: `tooMany`: too much was fetched from that host.
        """
        self._limiter.take(f"key {why}", host_of(actor), KEY_RATE)
        with self._place():
            return await self._take(await self._actor(actor))

    async def followers_of(self, actor: str) -> str:
        """Where somebody's followers collection is; empty if that is not known."""
        kept = await self._store.read(lambda tx: people.person_at(tx, actor))
        if kept is not None and (kept.followers or self._clock.now_s() - kept.fetched_at < FRESH_S):
            return kept.followers
        try:
            return (await self.at(actor)).followers
        except (FetchError, RemoteActivityPubError, GateError):
            return ""  # the old server may be dead; what is known of the actor stays

    async def post(self, url: str) -> Note:
        """Fetch a post that was only named; its author must be known, or is fetched too.

        Raises:
            FetchError, RemoteActivityPubError, GateError: there is none that can be used.
            ProblemError: `tooMany`: too much was fetched from that host.
        """
        self._limiter.take("post", host_of(url), KEY_RATE)
        with self._place():
            document = await self._fetch.document(url)
            note = parse_note(document)
            # Before anybody is asked for the author: the document may name whom it likes.
            if note.id != url:
                raise DocumentRefused("idMismatch", "the post's id is not the URL that it was fetched from")
            return parse_note(document, (await self.at(note.author)).followers)

    async def signing_key(self, key_id: str, *, refresh: bool = False) -> SigningKey:
        """The key of a signature and the actor that owns it; the actor's own document must say so.

        Raises:
            FetchError, RemoteActivityPubError, GateError: there is none.
            ProblemError: `tooMany`: too many keys were fetched from that host.
        """
        actor = key_id.partition("#")[0]
        kept = await self._store.read(lambda tx: people.person_with_key(tx, key_id))
        if kept is not None and not (refresh and self._may_ask_again(kept.actor)):
            return SigningKey(kept.actor, read_pem(kept.key_pem), fresh=False)
        if kept is not None:
            actor = kept.actor
        else:
            self._limiter.take("key", host_of(key_id), KEY_RATE)
        with self._place():
            if kept is None and "#" not in key_id:
                actor = key_owner(await self._fetch.document(key_id), key_id)
            return await self._key_of(actor, key_id)

    async def proof_key(self, key_id: str) -> SigningKey:
        """The key of an integrity proof, as its actor's own document shows it now.

        Raises:
            FetchError, RemoteActivityPubError, GateError: there is none.
            ProblemError: `tooMany` keys were fetched from that host.
        """
        self._limiter.take("key proof", host_of(key_id), KEY_RATE)
        with self._place():
            return await self._key_of(key_id.partition("#")[0], key_id)

    async def _key_of(self, actor: str, key_id: str) -> SigningKey:
        document = await self._actor(actor)
        key = document.key(key_id)
        if key is None:
            raise DocumentRefused("keyOwner", "the actor's own document does not hold this key")
        await self._take(document)
        return SigningKey(document.id, key, fresh=True)

    @contextmanager
    def _place(self) -> Generator[None]:
        """Take a place for fetching what a request of nobody knows whom names.

        Raises:
            ProblemError: `overloaded`: none is free.
        """
        if self._fetching >= MAX_FETCHING:
            raise refuse("overloaded", "too much is being fetched; try again", retry_after=BUSY_S)
        self._fetching += 1
        try:
            yield
        finally:
            self._fetching -= 1

    def _may_ask_again(self, actor: str) -> bool:
        try:
            self._limiter.take("key again", actor, AGAIN_RATE)
        except ProblemError:
            return False
        return True

    async def node_key(self, node: str) -> Ed25519PublicKey:
        """The Ed25519 key with which a node signs exchanges.

        Raises:
            PeerDown, PeerRefuses: it cannot be had.
            ProblemError: `tooMany`.
        """
        # Apart from people's keys: strangers can name so many of those that no exchange would be verified.
        self._limiter.take("node key", node, KEY_RATE)
        try:
            with self._place():
                document = await self._fetch.node_actor(node_actor(node))
        except FetchError as error:
            raise PeerDown(str(error)) from error
        except (RemoteActivityPubError, GateError) as error:
            raise PeerRefuses(f"{node}: {error}") from error
        key = document.key(node_ed25519_key_id(node))
        if not isinstance(key, Ed25519PublicKey):
            raise PeerRefuses(f"{node} names no Ed25519 key")
        return key

    async def _local(self, address: Address) -> KnownPerson:
        actor = f"https://{self._domain}/users/{address.name.lower()}"
        known = await self._store.read(lambda tx: people.person_at(tx, actor))
        if known is None:
            raise refuse("notFound", f"nobody is called {address}")
        return known

    async def _remote(self, asked: Address) -> KnownPerson:
        answer = webfinger.parse_answer(await self._fetch.plain(webfinger.query_url(asked)), asked)
        if not webfinger.settled(answer, asked):
            # One step to the address that they are really called by, and that one must stand.
            asked = answer.subject
            if asked.node == self._domain:
                return await self._local(asked)
            answer = webfinger.parse_answer(await self._fetch.plain(webfinger.query_url(asked)), asked)
            if not webfinger.settled(answer, asked):
                raise DocumentRefused("webfingerMismatch", f"{asked} is called something else again")
        document = await self._actor(answer.actor)
        webfinger.confirm(answer, document.id, document.address)
        # An account here asked for them, at a rate of its own: that is no stranger who came by himself.
        return await self._take(document, asked_for=True)

    async def _actor(self, url: str) -> ActorDocument:
        """Fetch an actor; that one is deleted is kept, as long as its node says so.

        Raises:
            FetchError, RemoteActivityPubError, GateError: there is none that can be used.
        """
        if url.startswith(f"https://{self._domain}/"):
            # What this node serves is in its store; read back, it would stand there as somebody elsewhere.
            raise DocumentRefused("ownActor", "nobody of this node comes in over the network")
        try:
            return await self._fetch.actor(url)
        except (Gone, ActorGone):
            now_s = self._clock.now_s()
            await self._store.write(lambda tx: people.mark_gone(tx, url, now_s))
            raise

    def _mark_gone(self, tx: Tx, address: Address) -> None:
        """Keep that a node says so of somebody of its own, whom it was asked for by address."""
        known = people.person_called(tx, str(address).lower())
        if known is not None and host_of(known.actor) == address.node:
            people.mark_gone(tx, known.actor, self._clock.now_s())

    async def _take(self, document: ActorDocument, *, asked_for: bool = False) -> KnownPerson:
        """Keep what an actor document says, with the did if everything about it holds."""
        known = await self._store.read(lambda tx: people.person_at(tx, document.id))
        if known is None and not asked_for:
            await self._let_in(document)
        if document.address.node != document.node:
            if not asked_for:
                # The other node is named by the document alone, whoever it is.
                self._limiter.take("claimed address", document.address.node, CLAIMED_RATE)
            await self._confirm(document)
        did = await self._did(document, asked_for=asked_for)
        rsa = next((item for item in document.keys if kind_of(item.key) is KeyKind.RSA), None)
        person = KnownPerson(
            actor=document.id,
            address=str(document.address),
            did=did,
            inbox=document.inbox,
            shared_inbox=document.shared_inbox,
            key_id=rsa.id if rsa else "",
            key_pem=write_pem(rsa.key) if rsa else "",
            statement=document.statement if did else b"",
            fetched_at=self._clock.now_s(),
            followers=document.followers,
            also_known_as=tuple(one for one in document.also_known_as[:MAX_ALIASES] if one.split() == [one]),
            moved_to=document.moved_to,
            locked=document.locked,
        )
        now_ms = self._clock.now_ms()

        def learned(tx: Tx) -> None:
            people.put_person(tx, person)
            KeepingAway(tx, self._domain, now_ms).learned(person)

        await self._store.write(learned)
        return person

    async def _let_in(self, document: ActorDocument) -> None:
        """Let somebody in who is new here and whom nobody here asked for.

        Raises:
            ProblemError: `tooMany`: others came before them.
        """
        # Hosts cost nothing: a limit for each of them would be none. Those of friends are few.
        whose = document.node if await self.has_friends_at(document.node) else "all"
        size = _ROW + min(len(document.statement), MAX_STATEMENT_SIZE)
        size += sum(map(len, document.also_known_as[:MAX_ALIASES]))
        self._limiter.take("new people", whose, NEW_PEOPLE_RATE)
        self._limiter.take("what new people say", whose, NEW_BYTES_RATE, cost=size)

    async def has_friends_at(self, host: str) -> bool:
        """Whether somebody here follows somebody there; as it was within the last minute."""
        now = time.monotonic()
        if now >= self._friends_until:
            self._friends_until = now + FRIENDS_S
            self._friends = await self._store.read(people.followed_hosts)
        return host in self._friends

    async def _confirm(self, document: ActorDocument) -> None:
        """An actor that claims an address at another node is believed only if that node says so too."""
        claimed = document.address
        answer = webfinger.parse_answer(await self._fetch.plain(webfinger.query_url(claimed)), claimed)
        webfinger.confirm(answer, document.id, claimed)

    async def _did(self, document: ActorDocument, *, asked_for: bool) -> str:
        if not document.statement:
            return ""
        try:
            did = verify_statement(document.statement, document.id)
        except RemoteIdentityError:
            return ""
        record = await self._book.fetch(did, document.id, asked_for=asked_for)
        return did if record is not None and record.record.actor == document.id else ""
