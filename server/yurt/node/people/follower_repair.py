"""Follower synchronisation (FEP-8fcf), both sides: two nodes find and repair what they disagree about.

After a node was restored from an older backup, or an answer was lost, one side believes in a follow that the
other does not know. Posts for followers carry a digest of the followers at the receiving host; if it is not
ours, the list is fetched and `yurt.activitypub.follower_sync.reconcile` says what to change here.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import web

from yurt.activitypub import follower_sync
from yurt.activitypub.errors import RemoteActivityPubError
from yurt.activitypub.follow import FollowState
from yurt.activitypub.follower_sync import HEADER, MAX_PAGES, Repair, SyncHeader, TiesHere
from yurt.activitypub.http_signatures.request import VerifiedRequest
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.references import Json, host_of, id_of, ids_of, object_of, write
from yurt.activitypub.vocabulary import ACTIVITY_TYPE, AS_CONTEXT
from yurt.node.clock import Clock
from yurt.node.fetch import FetchError
from yurt.node.http.inbound import inbound_request
from yurt.node.ids import account_at
from yurt.node.limiter import Limiter, Rate
from yurt.node.people.follow_ends import FollowEnds
from yurt.node.people.signatures import Signatures
from yurt.node.people.signed_fetch import SignedFetch
from yurt.node.store import accounts, people
from yurt.node.store.types import ReadTx, Store, StoreError, Tx
from yurt.wire.errors import GateError
from yurt.wire.problems import ProblemError, refuse

REPAIR_RATE: Final = Rate(burst=5, every_s=60.0)
"""Lists fetched from one host because its digest differs."""
MAX_RUNNING: Final = 16
"""Lists that are fetched at the same time; the next post for followers begins again."""
_PENDING: Final = FollowState.PENDING.value
_ACCEPTED: Final = FollowState.ACCEPTED.value

_log = logging.getLogger(__name__)


class FollowerList:
    """Serves to each host those followers that live there."""

    def __init__(self, domain: str, store: Store, signatures: Signatures) -> None:
        self._domain = domain
        self._store = store
        self._signatures = signatures

    def routes(self) -> list[web.AbstractRouteDef]:
        """What this part answers."""
        return [web.get("/users/{name:[a-z0-9_]{1,30}}/followers_synchronization", self.serve)]

    async def serve(self, request: web.Request) -> web.Response:
        """`GET /users/NAME/followers_synchronization`, signed by any actor of the asking host."""
        try:
            _, owner = await self._signatures.verify(inbound_request(request, self._domain, b""))
        except (RemoteActivityPubError, GateError, FetchError) as error:
            raise refuse("badSignature", f"this needs a good signature: {error}") from error
        places = PersonLocations(self._domain, request.match_info["name"])
        followers = await self._store.read(
            lambda tx: people.tied_actors(tx, places.name, people.FOLLOWER, _ACCEPTED)
        )
        document: Json = {
            "@context": AS_CONTEXT,
            "id": places.followers_synchronization,
            "type": "OrderedCollection",
            "orderedItems": list(follower_sync.at_host(followers, host_of(owner))),
        }
        headers = {"Content-Type": ACTIVITY_TYPE, "Cache-Control": "private", "Vary": "Signature"}
        return web.Response(body=write(document), headers=headers)


class FollowerRepair:
    """Repairs this side when somebody's digest differs from ours."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        fetch: SignedFetch,
        limiter: Limiter,
        wake_delivery: Callable[[], None],
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._fetch = fetch
        self._limiter = limiter
        self._wake_delivery = wake_delivery
        self._running: dict[str, asyncio.Task[None]] = {}

    async def stop(self) -> None:
        """End; the next post for followers begins again."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def look(self, verified: VerifiedRequest, actor: str, followers_url: str) -> None:
        """Compare the digest that came with a verified request; a repair goes on in the background."""
        try:
            header = follower_sync.read_header(verified.signed_header(HEADER.lower()), followers_url)
        except RemoteActivityPubError:
            return
        if header is None or actor in self._running or len(self._running) >= MAX_RUNNING:
            return
        here = await self._store.read(lambda tx: self._ties(tx, actor, ()))
        if follower_sync.differs(header, here.accepted):
            task = asyncio.create_task(self._repair(header, actor), name="follower repair")
            self._running[actor] = task

    async def _repair(self, header: SyncHeader, actor: str) -> None:
        try:
            self._limiter.take("followers", host_of(actor), REPAIR_RATE)
            listed = await self._list(header.url)
            now_ms = self._clock.now_ms()
            repair = await self._store.write(lambda tx: self._apply(tx, header, actor, listed, now_ms))
            self._wake_delivery()
            counts = (len(repair.remove), len(repair.accept), len(repair.undo))
            _log.info("followers repaired: %d removed, %d accepted, %d undone", *counts)
        except (FetchError, RemoteActivityPubError, GateError, ProblemError, StoreError) as error:
            _log.info("a list of followers cannot be had: %s", type(error).__name__)
        finally:
            self._running.pop(actor, None)

    async def _list(self, url: str) -> list[str]:
        """Fetch a collection with all its pages, from one host.

        Raises:
            FetchError, RemoteActivityPubError, GateError: it cannot be had.
            ProblemError: `peerRefused`: it has too many pages.
        """
        host, found, page = host_of(url), list[str](), await self._fetch.document(url)
        following = page.get("first")
        for _ in range(MAX_PAGES):
            found += [*ids_of(page.get("orderedItems")), *ids_of(page.get("items"))]
            if not following:
                return found
            embedded, named = object_of(following), id_of(following)
            if embedded is None or not {"items", "orderedItems"} & embedded.keys():
                if host_of(named) != host:
                    break
                embedded = await self._fetch.document(named)
            page, following = embedded, embedded.get("next")
        raise refuse("peerRefused", "the list of followers is too long or leads elsewhere")

    def _apply(self, tx: Tx, header: SyncHeader, actor: str, listed: list[str], now_ms: int) -> Repair:
        person, ends = people.person_at(tx, actor), FollowEnds(tx, self._domain, now_ms)
        here = self._ties(tx, actor, listed)
        repair = follower_sync.reconcile(header, listed, here, self._domain)
        if person is None:
            return Repair()
        for change, local in (
            *((ends.was_removed, one) for one in repair.remove),
            *((ends.was_accepted, one) for one in repair.accept),
            *((ends.never_followed, one) for one in repair.undo),
        ):
            name = account_at(self._domain, local)
            account = accounts.account_named(tx, name) if name else None
            if account is not None:
                change(account, person)
        return repair

    def _ties(self, tx: ReadTx, actor: str, listed: Sequence[str]) -> TiesHere:
        def tied(state: str) -> frozenset[str]:
            found = people.accounts_tied_to(tx, actor, people.FOLLOWING, state)
            return frozenset(PersonLocations(self._domain, name).actor for _, name in found)

        accepted, pending = tied(_ACCEPTED), tied(_PENDING)
        named = {
            one
            for one in listed
            if (name := account_at(self._domain, one)) and accounts.account_named(tx, name)
        }
        return TiesHere(accepted | pending | named, accepted, pending)
