"""The pages of a node: who lives here, somebody's profile, and what an invite is for.

An invite's secret is in the link's fragment, which no browser sends. So these pages know nothing of it: they
are the same for every code, good or not, and can show neither the whole link nor a picture of it (a QR code
would need the secret, and a script to read it; there is none here).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from yurt.activitypub.audience import Visibility
from yurt.activitypub.follow import FollowState
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.notes import Note
from yurt.node.config import NodeConfig
from yurt.node.pages.negotiation import VARY, prefers_page
from yurt.node.pages.render import Renderer
from yurt.node.store import account_care, accounts, moves, people, posts
from yurt.node.store.types import ReadTx, Store
from yurt.wire.problems import refuse
from yurt.wire.sanitise import clean_body, clean_line

POSTS: Final = 20
_NEWEST: Final = 2**53 - 1
_CACHED: Final = "max-age=60"
_ACCEPTED: Final = FollowState.ACCEPTED.value


@dataclass(frozen=True, slots=True)
class ShownPost:
    """A public post on a profile."""

    text: str
    summary: str
    """A content warning; empty without one."""
    published: str
    """ISO 8601; empty if unknown."""
    day: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What a profile shows."""

    name: str
    address: str
    did: str
    since: str
    locked: bool
    followers: int
    following: int
    moved_to: str
    posts: list[ShownPost]


class Pages:
    """Serves the pages."""

    def __init__(self, config: NodeConfig, store: Store, renderer: Renderer) -> None:
        self._config = config
        self._store = store
        self._renderer = renderer

    def routes(self) -> list[web.AbstractRouteDef]:
        """What this part answers; profiles stand at the actor's own URL (`people.documents`)."""
        return [
            web.get("/", self.front),
            web.get("/i/{code:[A-Za-z0-9_-]{1,128}}", self.account_invite),
            web.get("/j/{code:[A-Za-z0-9_-]{1,128}}", self.room_invite),
        ]

    async def front(self, request: web.Request) -> web.Response:
        """`GET /`: what this is, and how to come in."""
        del request
        count = await self._store.read(accounts.count_accounts)
        values = {
            "people": count,
            "about": clean_body(self._config.about),
            "contact": clean_line(self._config.contact),
        }
        return await self._renderer.page("front", values, cached=_CACHED)

    async def account_invite(self, request: web.Request) -> web.Response:
        """`GET /i/CODE`: how to join this node, and what it will know."""
        del request
        return await self._renderer.page("account_invite", {"install": clean_line(self._config.install)})

    async def room_invite(self, request: web.Request) -> web.Response:
        """`GET /j/CODE`: how to come into a room."""
        del request
        return await self._renderer.page("room_invite", {"install": clean_line(self._config.install)})

    async def profile(self, request: web.Request) -> web.Response | None:
        """`GET /users/NAME` for a browser; None for everybody else.

        Raises:
            ProblemError: `notFound`.
        """
        if not prefers_page(request.headers.get("Accept", "")):
            return None
        name = request.match_info["name"]
        found = await self._store.read(lambda tx: _profile(tx, self._config.domain, name))
        if found is None:
            raise refuse("notFound", "nobody of that name lives here")
        if isinstance(found, int):
            values: dict[str, object] = {
                "status": 410,
                "title": "Nobody lives here any more",
                "message": f"{name} was an account of this node and was deleted.",
            }
            response = await self._renderer.page("error", values, status=410)
        else:
            response = await self._renderer.page("profile", {"person": found}, cached=_CACHED)
        response.headers.update(VARY)
        return response


def _profile(tx: ReadTx, domain: str, name: str) -> Profile | int | None:
    """A profile; when the account was deleted; or None."""
    account = accounts.account_named(tx, name)
    if account is None:
        return account_care.deleted_at(tx, name)
    if account_care.suspended(tx, account.id):
        return None
    places = PersonLocations(domain, name)
    newest = posts.posts_of(tx, places.actor, Visibility.PUBLIC, _NEWEST, POSTS)
    return Profile(
        name=name,
        address=f"@{name}@{domain}",
        did=account.did,
        since=_day(account.created_at),
        locked=people.is_locked(tx, name),
        followers=people.count_ties(tx, name, people.FOLLOWER, _ACCEPTED),
        following=people.count_ties(tx, name, people.FOLLOWING, _ACCEPTED),
        moved_to=clean_line(moves.moved_to(tx, name)),
        posts=[_shown(note) for _, note in newest],
    )


def _shown(note: Note) -> ShownPost:
    moment = datetime.fromtimestamp(note.published, UTC) if note.published else None
    return ShownPost(
        clean_body(note.text),
        clean_line(note.summary),
        moment.isoformat() if moment else "",
        f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "",
    )


def _day(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
