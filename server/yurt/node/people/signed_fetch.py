"""Fetching fediverse documents: every GET is signed as the node's actor, as "authorized fetch" wants it."""

from typing import Final

from aiohttp import web

from yurt.activitypub.actors import ActorDocument, OtherId, read_actor
from yurt.activitypub.delivery import read_retry_after, when_to_come
from yurt.activitypub.errors import DocumentRefused
from yurt.activitypub.http_signatures import cavage, rfc9421
from yurt.activitypub.http_signatures.knock import Knock, Scheme, first_knock, learn, second_knock
from yurt.activitypub.locations import node_rsa_key_id
from yurt.activitypub.references import Json, host_of
from yurt.activitypub.vocabulary import ACCEPT_ACTIVITY, JRD_TYPE, is_activity_type
from yurt.node.clock import Clock
from yurt.node.fetch import Fetched, FetchFailed, SafeFetch
from yurt.node.keys import NodeKeys
from yurt.node.store.delivery_hosts import host_named, put_scheme
from yurt.node.store.types import Store
from yurt.node.work_pool import WorkPool
from yurt.wire import limits
from yurt.wire.gate import parse_object

_LATER: Final = frozenset({429, 503})


class NotThere(FetchFailed):
    """The other node answers that there is no such thing."""


class Gone(NotThere):
    """The other node answers that there was such a thing, and is no more (410)."""


class NotNow(FetchFailed):
    """The other node has too much to do, or was asked too often."""

    def __init__(self, status: int, retry_after: str) -> None:
        super().__init__(f"the other node answers {status}: ask later")
        self.code = "tooMany" if status == web.HTTPTooManyRequests.status_code else "overloaded"
        self._retry_after = retry_after

    def retry_after(self, now: float) -> float:
        """Seconds for which it wants to be left alone."""
        return read_retry_after(self._retry_after, now)


class SignedFetch:
    """GETs documents of other nodes in the name of this one."""

    def __init__(
        self, domain: str, store: Store, keys: NodeKeys, clock: Clock, fetch: SafeFetch, work: WorkPool
    ) -> None:
        self._key_id = node_rsa_key_id(domain)
        self._store = store
        self._keys = keys
        self._clock = clock
        self._fetch = fetch
        self._work = work

    async def actor(self, url: str) -> ActorDocument:
        """Fetch an actor; one that calls itself something else is fetched once more, at its id.

        Raises:
            FetchError, RemoteActivityPubError, GateError: there is none that can be used.
        """
        try:
            return await self._actor(url)
        except OtherId as error:
            if host_of(error.id) != host_of(url):
                raise
            return await self._actor(error.id)

    async def document(self, url: str) -> Json:
        """Fetch a document that is no actor: a key of its own, a post, a collection.

        Raises:
            FetchError, GateError, DocumentRefused: there is none that can be used, or it is only a file that
                somebody uploaded there (GHSA-jhrq-qvrm-qr36): those have another content type.
        """
        answer = await self._get(url)
        if not is_activity_type(answer.content_type):
            raise DocumentRefused("contentType", "a document must be served as application/activity+json")
        return parse_object(answer.body, limit=limits.DOCUMENT_BODY)

    async def plain(self, url: str) -> Json:
        """Fetch a public document (WebFinger, a node's actor) without a signature.

        Raises:
            FetchError, GateError: there is none that can be used.
        """
        answer = await self._fetch.get(
            url, headers={"Accept": f"{JRD_TYPE}, application/json"}, limit=limits.DOCUMENT_BODY
        )
        return parse_object(_ok(answer).body, limit=limits.DOCUMENT_BODY)

    async def node_actor(self, url: str) -> ActorDocument:
        """Fetch a node's own actor, which everybody serves unsigned.

        Raises:
            FetchError, RemoteActivityPubError, GateError: there is none that can be used.
        """
        answer = _ok(await self._fetch.get(url, headers={"Accept": ACCEPT_ACTIVITY}, redirects=False))
        return read_actor(answer.body, answer.content_type, url)

    async def _actor(self, url: str) -> ActorDocument:
        url = url.partition("#")[0]
        answer = await self._get(url)
        return read_actor(answer.body, answer.content_type, url)

    async def _get(self, url: str) -> Fetched:
        """One GET, and one more with the other signature if that was not understood (DESIGN 5).

        No redirects, since a signature holds for one target only.
        """
        host, now = host_of(url), self._clock.now_s()
        known = (await self._store.read(lambda tx: host_named(tx, host))).scheme
        knock = first_knock(known, now)
        answer = await self._knock(url, knock)
        again = second_knock(knock, answer.status)
        if again is not None:
            second = await self._knock(url, again)
            if second.status == web.HTTPOk.status_code:
                knock, answer = again, second
        learned = learn(known, knock, answer.status, now)
        if learned.scheme is not known.scheme:
            await self._store.write(lambda tx: put_scheme(tx, host, learned))
        return _ok(answer)

    async def _knock(self, url: str, knock: Knock) -> Fetched:
        sign = cavage.sign if knock.scheme is Scheme.CAVAGE else rfc9421.sign
        key, now = self._keys.rsa, self._clock.now_s()
        headers = await self._work.run(lambda: sign("GET", url, None, key_id=self._key_id, key=key, now=now))
        headers["Accept"] = ACCEPT_ACTIVITY
        return await self._fetch.get(url, headers=headers, limit=limits.DOCUMENT_BODY, redirects=False)


def _ok(answer: Fetched) -> Fetched:
    if answer.status == web.HTTPGone.status_code:
        raise Gone(f"{answer.url} is gone")
    if answer.status == web.HTTPNotFound.status_code:
        raise NotThere(f"{answer.url} does not exist")
    if answer.status in _LATER:
        raise NotNow(answer.status, when_to_come(answer.status, answer.headers))
    if answer.status != web.HTTPOk.status_code:
        raise FetchFailed(f"{answer.url} answers {answer.status}")
    return answer
