"""What anybody may read about this node and its people: WebFinger, NodeInfo, actor documents, collections.

Collections tell only how many; who follows whom is nobody's business but the two people's.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from yurt.activitypub import nodeinfo, webfinger
from yurt.activitypub.actor_documents import node_document, person_document
from yurt.activitypub.errors import DocumentRefused
from yurt.activitypub.follow import FollowState
from yurt.activitypub.locations import PersonLocations, node_actor
from yurt.activitypub.references import Json, write
from yurt.activitypub.vocabulary import ACTIVITY_TYPE, AS_CONTEXT, JRD_TYPE
from yurt.node.clock import Clock
from yurt.node.keys import NodeKeys
from yurt.node.pages.negotiation import VARY
from yurt.node.people.profiles import profile_of
from yurt.node.store import accounts, people
from yurt.node.store.account_care import is_former
from yurt.node.store.accounts import AccountRow
from yurt.node.store.types import ReadTx, Store
from yurt.wire.limits import MAX_URL
from yurt.wire.problems import refuse

_CACHED: Final = "max-age=180"
_NAME: Final = "{name:[a-z0-9_]{1,30}}"
ACCEPTED: Final = FollowState.ACCEPTED.value
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Page = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
"""Answers a browser; None for everybody else."""


class Documents:
    """Serves the documents of this node."""

    def __init__(self, domain: str, store: Store, clock: Clock, keys: NodeKeys, page: Page) -> None:
        self._domain = domain
        self._clock = clock
        self._page = page
        self._store = store
        self._keys = keys

    def routes(self) -> list[web.AbstractRouteDef]:
        """What this part answers."""
        user = f"/users/{_NAME}"
        return [
            web.get(webfinger.PATH, self.webfinger),
            web.get(nodeinfo.PATH, self.discovery),
            web.get("/nodeinfo/{version}", self.nodeinfo),
            web.get("/actor", self.node_actor),
            web.get("/actor/outbox", self.empty_outbox),
            web.get(user, self.person),
            web.get(f"{user}/followers", self.collection(_counted(people.FOLLOWER))),
            web.get(f"{user}/following", self.collection(_counted(people.FOLLOWING))),
        ]

    async def webfinger(self, request: web.Request) -> web.Response:
        """`GET /.well-known/webfinger?resource=`: the actor behind an address."""
        try:
            name = webfinger.account_asked(request.query.get("resource", "")[:MAX_URL], self._domain)
        except DocumentRefused as error:
            raise refuse("badRequest", str(error), rule=error.rule) from error
        if name == self._domain:
            return _json(webfinger.node_answer(self._domain), JRD_TYPE)
        await self._account(name)
        return _json(webfinger.person_answer(PersonLocations(self._domain, name)), JRD_TYPE)

    async def discovery(self, request: web.Request) -> web.Response:
        """`GET /.well-known/nodeinfo`."""
        del request
        return _json(nodeinfo.discovery_document(self._domain), "application/json")

    async def nodeinfo(self, request: web.Request) -> web.Response:
        """`GET /nodeinfo/2.0` and `/nodeinfo/2.1`."""
        wanted = request.match_info["version"]
        if wanted not in nodeinfo.VERSIONS:
            raise refuse("notFound", "only NodeInfo 2.0 and 2.1")
        from importlib.metadata import version  # slow to import, and seldom needed

        count = await self._store.read(accounts.count_accounts)
        figures = nodeinfo.NodeFigures(version("yurt"), count, name=self._domain)
        return _json(nodeinfo.nodeinfo_document(wanted, figures), nodeinfo.content_type(wanted))

    async def node_actor(self, request: web.Request) -> web.Response:
        """`GET /actor`: the node itself, with its keys and what it implements."""
        del request
        keys = self._keys
        return _json(node_document(self._domain, keys.rsa.public_key(), keys.ed25519.public_key()))

    async def empty_outbox(self, request: web.Request) -> web.Response:
        """The node's actor publishes nothing."""
        del request
        return _json(_collection(f"{node_actor(self._domain)}/outbox", 0))

    async def person(self, request: web.Request) -> web.StreamResponse:
        """`GET /users/NAME`: somebody's actor document, or their page for a browser."""
        if (page := await self._page(request)) is not None:
            return page
        account = await self._account(request.match_info["name"])
        now_s = self._clock.now_s()
        profile = await self._store.read(lambda tx: profile_of(tx, self._domain, account, now_s))
        response = _json(person_document(profile))
        response.headers.update(VARY)
        return response

    def collection(self, count: Callable[[ReadTx, str], int]) -> Handler:
        """Make the handler of a collection that tells only its size."""

        async def serve(request: web.Request) -> web.StreamResponse:
            account = await self._account(request.match_info["name"])
            total = await self._store.read(lambda tx: count(tx, account.name))
            return _json(_collection(f"https://{self._domain}{request.path}", total))

        return serve

    async def _account(self, name: str) -> AccountRow:
        account = await self._store.read(lambda tx: accounts.account_named(tx, name))
        if account is None and await self._store.read(lambda tx: is_former(tx, name)):
            raise refuse("gone", "whoever had that name is gone")
        if account is None:
            raise refuse("notFound", "nobody of that name lives here")
        return account


def _counted(direction: str) -> Callable[[ReadTx, str], int]:
    return lambda tx, name: people.count_ties(tx, name, direction, ACCEPTED)


def _collection(url: str, total: int) -> Json:
    # Without `first`, readers know that the items are not shown.
    return {"@context": AS_CONTEXT, "id": url, "type": "OrderedCollection", "totalItems": total}


def _json(document: Json, content_type: str = ACTIVITY_TYPE) -> web.Response:
    headers = {"Content-Type": content_type, "Cache-Control": _CACHED}
    return web.Response(body=write(document), headers=headers)
