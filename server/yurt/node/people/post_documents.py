"""Posts as documents: each at its id, and the outbox. Who may not see a post is told that there is none.

A post that is not public is shown only to a signed request ("authorized fetch"): of a follower, of somebody
whom it names, or of the node actor of a node where such a person lives, for a node fetches in its own name.
"""

from typing import Final

from aiohttp import web

from yurt.activitypub.audience import Viewer, Visibility, may_see
from yurt.activitypub.errors import DocumentRefused, RemoteActivityPubError
from yurt.activitypub.follow import FollowState
from yurt.activitypub.locations import PersonLocations, node_actor
from yurt.activitypub.notes import Note, note_document, tombstone_document, with_context
from yurt.activitypub.posts import create_document
from yurt.activitypub.references import Json, host_of, write
from yurt.activitypub.vocabulary import ACTIVITY_TYPE, AS_CONTEXT
from yurt.node.fetch import FetchError
from yurt.node.http.inbound import inbound_request
from yurt.node.people.signatures import Signatures
from yurt.node.store import accounts, blocks, people, posts
from yurt.node.store.types import ReadTx, Store
from yurt.wire.errors import GateError
from yurt.wire.problems import ProblemError, refuse

PAGE: Final = 20
_NEWEST: Final = 2**53 - 1
_GONE: Final = 410
_ACCEPTED: Final = FollowState.ACCEPTED.value
_MAX_DIGITS: Final = 16


class PostDocuments:
    """Serves posts and outboxes."""

    def __init__(self, domain: str, store: Store, signatures: Signatures) -> None:
        self._domain = domain
        self._store = store
        self._signatures = signatures

    def routes(self) -> list[web.AbstractRouteDef]:
        """What this part answers."""
        user = "/users/{name:[a-z0-9_]{1,30}}"
        return [
            web.get(user + "/notes/{unique:[0-9a-f-]{36}}", self.note),
            web.get(user + "/outbox", self.outbox),
        ]

    async def note(self, request: web.Request) -> web.Response:
        """`GET /users/NAME/notes/ID`: a post, or where it was."""
        places = PersonLocations(self._domain, request.match_info["name"])
        uri, viewer = places.note(request.match_info["unique"]), await self._viewer(request)

        def query(tx: ReadTx) -> tuple[Note | None, int | None]:
            note = posts.post_at(tx, uri)
            if note is not None and _may_see(tx, note, places.name, viewer):
                return note, None
            return None, posts.tombstone_at(tx, uri)

        note, deleted = await self._store.read(query)
        if note is not None and note.author == places.actor:
            return _json(with_context(note_document(note, places.followers)), signed=bool(viewer))
        if deleted is not None:
            return _json(tombstone_document(uri, deleted), signed=bool(viewer), status=_GONE)
        raise _no_post()

    async def outbox(self, request: web.Request) -> web.Response:
        """`GET /users/NAME/outbox`: how many public posts there are; `?page=true`: the newest of them."""
        places = PersonLocations(self._domain, request.match_info["name"])
        before = _number(request.query.get("before", ""))

        def query(tx: ReadTx) -> tuple[int, list[tuple[int, Note]]] | None:
            if accounts.account_named(tx, places.name) is None:
                return None
            found = posts.posts_of(tx, places.actor, Visibility.UNLISTED, before, PAGE)
            return posts.count_posts(tx, places.actor, Visibility.UNLISTED), found

        found = await self._store.read(query)
        if found is None:
            raise refuse("notFound", "nobody of that name lives here")
        total, page = found
        if request.query.get("page") == "true":
            return _json(_page(places, page, request.query.get("before", "")))
        document: Json = {"@context": AS_CONTEXT, "id": places.outbox, "type": "OrderedCollection"}
        first = {"first": f"{places.outbox}?page=true"} if total else {}
        return _json({**document, "totalItems": total, **first})

    async def _viewer(self, request: web.Request) -> str:
        """Who signed the request; empty for a stranger.

        Raises:
            ProblemError: `badSignature`: there is a signature, and it is not good.
        """
        if "Signature" not in request.headers:
            return ""
        try:
            _, owner = await self._signatures.verify(inbound_request(request, self._domain, b""))
        except (RemoteActivityPubError, GateError, FetchError) as error:
            raise refuse("badSignature", f"the signature is not good: {error}") from error
        return owner


def _may_see(tx: ReadTx, note: Note, account: str, viewer: str) -> bool:
    """Whether a post is shown to an actor, or to the node of people who may see it."""
    if not viewer:
        return may_see(note.audience, note.author, Viewer())
    host = host_of(viewer)
    followers = people.tied_actors(tx, account, people.FOLLOWER, _ACCEPTED)
    if viewer == node_actor(host):
        named = any(_lives_at(actor, host) for actor in note.audience.actors)
        is_follower = any(_lives_at(actor, host) for actor in followers)
        return named or may_see(note.audience, note.author, Viewer(viewer, is_follower))
    blocked = blocks.block_of(tx, account, viewer, blocks.BLOCK) is not None
    return may_see(note.audience, note.author, Viewer(viewer, viewer in followers, blocked))


def _lives_at(actor: str, host: str) -> bool:
    try:
        return host_of(actor) == host
    except DocumentRefused:
        return False


def _page(places: PersonLocations, page: list[tuple[int, Note]], before: str) -> Json:
    link = f"{places.outbox}?page=true"
    items = [create_document(f"{note.id}#create", note, places.followers) for _, note in page]
    document: Json = {
        "@context": AS_CONTEXT,
        "id": f"{link}&before={before}" if before else link,
        "type": "OrderedCollectionPage",
        "partOf": places.outbox,
        "orderedItems": [
            {name: value for name, value in item.items() if name != "@context"} for item in items
        ],
    }
    return {**document, "next": f"{link}&before={page[-1][0]}"} if len(page) == PAGE else document


def _number(text: str) -> int:
    if not text:
        return _NEWEST
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise refuse("badRequest", "before is what an earlier page said")
    return int(text)


def _json(document: Json, *, signed: bool = False, status: int = 200) -> web.Response:
    # What was shown to one signer must not come out of a cache for another (GHSA-ccpr-m53r-mfwr).
    headers = {
        "Content-Type": ACTIVITY_TYPE,
        "Cache-Control": "private" if signed else "max-age=60",
        "Vary": "Signature",
    }
    return web.Response(body=write(document), headers=headers, status=status)


def _no_post() -> ProblemError:
    return refuse("notFound", "there is no such post here")
