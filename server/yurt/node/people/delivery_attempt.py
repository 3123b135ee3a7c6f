"""One try to deliver one activity: signed as the host is known to read it, and once more if it is refused.

The queue (`yurt.node.people.delivery`) decides when; `yurt.activitypub.delivery` decides what becomes of it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from yurt.activitypub import follower_sync
from yurt.activitypub.delivery import Answer, when_to_come
from yurt.activitypub.http_signatures import cavage, rfc9421
from yurt.activitypub.http_signatures.knock import (
    Knock,
    KnownScheme,
    Scheme,
    first_knock,
    learn,
    second_knock,
)
from yurt.activitypub.locations import PersonLocations
from yurt.node.clock import Clock
from yurt.node.fetch import DomainRefused, FetchError, FetchRefused, SafeFetch
from yurt.node.store import accounts, farewells, moving, retired_keys
from yurt.node.store.deliveries import DeliveryRow, followers_at
from yurt.node.store.types import ReadTx
from yurt.node.work_pool import WorkPool

SIGNING_AT_ONCE: Final = 8
"""Of the places for such work: a post to a hundred hosts must not make who signs in wait, nor itself."""
MAX_ANSWER: Final = 64 * 1024
"""Bytes of an answer that are read; nobody looks at them."""
_UNAUTHORIZED: Final = 401


class CannotSend(Exception):
    """This activity can never be sent, whatever its host does; the message is a code for the log."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it."""

    answer: Answer
    scheme: KnownScheme
    """What is known of the host's signatures now."""


@dataclass(frozen=True, slots=True)
class _Key:
    key: RSAPrivateKey
    id: str
    """As peers know it."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One that is due, with all that its tries need of the store."""

    row: DeliveryRow
    signing: Sequence[tuple[bytes, str]]
    """The sender's keys and their ids, first the one that peers should know; empty if there is none (any
    more)."""
    followers: Sequence[str]
    """Of the sender, at this host, if it is told about them."""


def prepare(tx: ReadTx, row: DeliveryRow, domain: str, now_s: int) -> Prepared:
    """Read what the tries of a delivery need."""
    followers = followers_at(tx, row.sender, row.host) if row.for_followers else ()
    return Prepared(row, _signing(tx, domain, row, now_s), followers)


class Attempts:
    """Makes single tries."""

    def __init__(self, domain: str, clock: Clock, fetch: SafeFetch, work: WorkPool) -> None:
        self._domain = domain
        self._clock = clock
        self._fetch = fetch
        self._work = work
        self._signing = asyncio.Semaphore(SIGNING_AT_ONCE)

    async def attempt(self, due: Prepared, known: KnownScheme) -> Tried:
        """Send it, and at once again with the other scheme if the first was not understood.

        Raises:
            CannotSend: The account is gone, or the inbox is no place that we send to.
            ProblemError: This node has too much to do.
        """
        if not due.signing:
            raise CannotSend("senderGone")
        tried = await self._knocked(due, known, due.signing[0])
        for other in due.signing[1:]:
            if tried.answer.status != _UNAUTHORIZED:
                break
            again = await self._knocked(due, known, other)
            if again.answer.is_taken:
                tried = again  # a second refusal says no more than the first
        return tried

    async def _knocked(self, due: Prepared, known: KnownScheme, signing: tuple[bytes, str]) -> Tried:
        """Send it under one key."""
        key, now = _Key(_load(signing[0]), signing[1]), self._clock.now_s()
        knock = first_knock(known, now)
        answer = await self._send(due, knock, key)
        again = second_knock(knock, answer.status or 0)
        if again is not None:
            second = await self._send(due, again, key)
            if second.is_taken:
                # A second refusal says nothing: the scheme may just not be read there. The first one stands.
                knock, answer = again, second
        return Tried(answer, learn(known, knock, answer.status or 0, now))

    async def _send(self, due: Prepared, knock: Knock, key: _Key) -> Answer:
        row, more = due.row, self._more(due)
        make = cavage.sign if knock.scheme is Scheme.CAVAGE else rfc9421.sign

        async def sign() -> dict[str, str]:
            now = self._clock.now_s()
            async with self._signing:
                return await self._work.run(
                    lambda: make("POST", row.inbox, row.body, key_id=key.id, key=key.key, now=now, more=more)
                )

        try:
            answer = await self._fetch.post(row.inbox, row.body, {}, limit=MAX_ANSWER, sign=sign)
        except DomainRefused as error:
            raise CannotSend(error.rule) from error
        except FetchRefused as error:
            raise CannotSend("badInbox") from error
        except FetchError:
            return Answer(None)
        return Answer(answer.status, when_to_come(answer.status, answer.headers))

    def _more(self, due: Prepared) -> dict[str, str]:
        """The header with which the host can see whether it agrees about our followers (FEP-8fcf)."""
        if not due.row.for_followers:
            return {}
        places = PersonLocations(self._domain, due.row.sender)
        sync_url, host = places.followers_synchronization, due.row.host
        value = follower_sync.header_for(places.followers, sync_url, due.followers, host)
        return {follower_sync.HEADER: value} if value else {}


def _signing(tx: ReadTx, domain: str, row: DeliveryRow, now_s: int) -> list[tuple[bytes, str]]:
    """The keys that may sign, in turn, with their ids.

    None if the account is gone, or its key was lent and the time is over. A key that was exchanged is the
    first one for what waited then, and the second of a rescue: not everybody has heard of the newer one.
    """
    if row.sender.startswith(moving.LENT):
        lent = moving.lent_key(tx, row.sender.removeprefix(moving.LENT))
        keys = (lent.key, lent.older) if lent and lent.until > now_s else ()
        return [(der, lent.key_id) for der in keys if lent and der]
    now = accounts.actor_key_of(tx, row.sender) or farewells.farewell_key(tx, row.sender)
    before = retired_keys.retired_key(tx, row.sender, row.retired) if row.retired else None
    return [(der, PersonLocations(domain, row.sender).key_id) for der in (before, now) if der]


@lru_cache(maxsize=64)
def _load(der: bytes) -> RSAPrivateKey:
    # It was checked when it came; that takes as long as a hundred signatures, and here everybody waits.
    key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("an actor key is RSA; it was checked when it came")
    return key
