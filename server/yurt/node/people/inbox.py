"""What other nodes send to people here: `POST /users/NAME/inbox` and `POST /inbox`.

Verified before 202: signature over these bytes, by a key that the activity's own actor owns. The same
request again is answered 202 and does nothing. One exception (DESIGN 10): a Delete of itself by an actor
that is unknown here gets 202 and is dropped before anything is fetched.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from aiohttp import web

from yurt.activitypub.activities import self_delete_of
from yurt.activitypub.audience import Visibility
from yurt.activitypub.errors import RemoteActivityPubError
from yurt.activitypub.follow import FollowState
from yurt.activitypub.follower_sync import HEADER
from yurt.activitypub.http_signatures.request import VerifiedRequest
from yurt.activitypub.inbox import InboxActivity, check_sender, read_activity
from yurt.activitypub.moves import Move
from yurt.activitypub.posts import Create, Update
from yurt.activitypub.reactions import Announce, Like
from yurt.activitypub.references import Json, host_of, types_of
from yurt.node.clock import Clock
from yurt.node.fetch import FetchError
from yurt.node.http.body import read_body
from yurt.node.http.inbound import inbound_request
from yurt.node.ids import account_at
from yurt.node.limiter import Limiter, Rate
from yurt.node.people.arrivals import Arrivals
from yurt.node.people.directory import Directory
from yurt.node.people.follower_repair import FollowerRepair
from yurt.node.people.gathered import Gathered
from yurt.node.people.moves import Moves, hear
from yurt.node.people.post_ends import in_time
from yurt.node.people.proofs import Proofs
from yurt.node.people.signatures import Signatures
from yurt.node.store import accounts, deliveries, people, posts, replay
from yurt.node.store.types import Store, StoreBusy, Tx
from yurt.wire import limits
from yurt.wire.errors import GateError
from yurt.wire.gate import parse_object
from yurt.wire.problems import ProblemError, refuse

MAX_RUNNING: Final = 500
"""Requests that are taken in at the same time: beyond that the answer is 503 at once, not 202 too late."""
BUSY_S: Final = 5.0
MAX_FAREWELL: Final = 16 * 1024
"""Bytes of a Delete of itself that are read before anything is verified."""
INBOX_RATE: Final = Rate(burst=3000, every_s=0.005)
"""Verified activities of one host."""
_MIB: Final = 1024 * 1024
_DAY_S: Final = 86_400.0
STRANGERS_RATE: Final = Rate(burst=32 * _MIB, every_s=_DAY_S / (32 * _MIB))
"""Bytes of posts by people of one host whom nobody here follows: anybody may name anybody here, and what is
posted stays for a month ..."""
ALL_STRANGERS_RATE: Final = Rate(burst=512 * _MIB, every_s=_DAY_S / (512 * _MIB))
"""... and of all hosts together where nobody here follows anybody, for hosts cost nothing. Their servers come
again later (429)."""
_FOR_FOLLOWERS: Final = frozenset({"Create", "Update", "Announce"})
_UNANSWERED: Final = (Like, Announce, Update)
"""Nothing goes out because of these."""
_UNAUTHORIZED: Final = 401

_log = logging.getLogger(__name__)


class Inbox:
    """Takes activities in."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        signatures: Signatures,
        directory: Directory,
        repair: FollowerRepair,
        moves: Moves,
        limiter: Limiter,
        wake_delivery: Callable[[], None],
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._signatures = signatures
        self._directory = directory
        self._proofs = Proofs(directory, clock)
        self._repair = repair
        self._moves = moves
        self._limiter = limiter
        self._gathered = Gathered(store)
        self._running = 0
        self._wake_delivery = wake_delivery

    def routes(self) -> list[web.AbstractRouteDef]:
        """What this part answers."""
        return [
            web.post("/inbox", self.receive),
            web.post("/users/{name:[a-z0-9_]{1,30}}/inbox", self.receive),
        ]

    async def receive(self, request: web.Request) -> web.Response:
        """Take one activity in."""
        # First the body: who sends it slowly takes nobody's place.
        body = await read_body(request, limits.ACTIVITY_BODY)
        if self._running >= MAX_RUNNING:
            raise refuse("overloaded", "too much arrives at once; try again", retry_after=BUSY_S)
        self._running += 1
        try:
            return await self._take_in(request, body)
        except StoreBusy as error:
            raise refuse("overloaded", "too much arrives at once; try again", retry_after=BUSY_S) from error
        finally:
            self._running -= 1

    async def _take_in(self, request: web.Request, body: bytes) -> web.Response:
        try:
            if await self._is_strangers_farewell(body):
                return _accepted()
            await self._check_address(request.match_info.get("name", ""))
            verified, owner = await self._signatures.verify(inbound_request(request, self._domain, body))
            self._limiter.take("inbox", host_of(owner), INBOX_RATE)
            # Not before: reading a large body costs a hundred times what it takes to refuse it.
            document = parse_object(body, limit=limits.ACTIVITY_BODY)
            author = await self._proofs.author(document, owner)
            followers = await self._followers(document, verified, author)
            activity = read_activity(document, followers)
            check_sender(activity, author)
            await self._admit(activity, len(body), host_of(owner))
        except GateError as error:
            raise error.as_problem() from error
        except RemoteActivityPubError as error:
            raise _problem(error) from error
        except FetchError as error:
            raise refuse("badSignature", f"the key of the signature cannot be had: {error}") from error
        await self._apply(verified, await self._complete(activity))
        await self._repair.look(verified, owner, followers if author == owner else "")
        return _accepted()

    async def _is_strangers_farewell(self, body: bytes) -> bool:
        """Whether it is the Delete of itself by an actor that is unknown here; those are small."""
        if len(body) > MAX_FAREWELL or b"Delete" not in body:
            return False
        gone = self_delete_of(parse_object(body, limit=MAX_FAREWELL))
        return bool(gone) and not await self._knows(gone)

    async def _admit(self, activity: InboxActivity, size: int, host: str) -> None:
        """Let a post in, or say when to come again.

        Raises:
            ProblemError: `tooMany`: strangers have posted enough here for now.
        """
        is_post = isinstance(activity, Create | Update) and activity.content is not None
        if is_post and not await self._is_followed(activity.actor):
            self._limiter.take("strangers' posts", host, STRANGERS_RATE, cost=size)
            if not await self._directory.has_friends_at(host):
                self._limiter.take("all strangers' posts", "all", ALL_STRANGERS_RATE, cost=size)

    async def _followers(self, document: Json, verified: VerifiedRequest, owner: str) -> str:
        """Where the sender's followers collection is, if anything in the request is about that."""
        asks = _FOR_FOLLOWERS & set(types_of(document)) or verified.signed_header(HEADER.lower())
        return await self._directory.followers_of(owner) if asks else ""

    async def _check_address(self, name: str) -> None:
        """An inbox of nobody is no inbox; the shared one has no name."""
        if name and await self._store.read(lambda tx: accounts.account_named(tx, name)) is None:
            raise refuse("notFound", "nobody of that name lives here")

    async def _complete(self, activity: InboxActivity) -> InboxActivity:
        """Fetch what an activity only names, if it is of somebody whom an account here follows.

        What cannot be fetched is left out; the sender has done its part.
        """
        try:
            match activity:
                case Update(is_self=True):
                    await self._directory.refresh(activity.actor)
                    self._signatures.forget(activity.actor)
                case Create(content=None) | Update(content=None) if await self._is_followed(activity.actor):
                    note = await self._directory.post(activity.object_id)
                    if note.author == activity.actor:
                        return replace(activity, content=note)
                case Announce() if await self._is_followed(activity.actor):
                    await self._learn(activity.target)
                case _:
                    return activity
        except (FetchError, RemoteActivityPubError, GateError, ProblemError) as error:
            _log.info("what an activity names cannot be fetched: %s", type(error).__name__)
        return activity

    async def _learn(self, target: str) -> None:
        """Keep a post because somebody shows it around."""
        is_here = account_at(self._domain, target.partition("/notes/")[0]) is not None
        if is_here or await self._store.read(lambda tx: posts.post_at(tx, target)) is not None:
            return
        note = await self._directory.post(target)
        if note.audience.visibility >= Visibility.UNLISTED:
            kept = in_time(note, self._clock.now_s())
            await self._store.write(lambda tx: posts.put_post(tx, kept))

    async def _is_followed(self, actor: str) -> bool:
        accepted = FollowState.ACCEPTED.value
        return bool(
            await self._store.read(lambda tx: people.accounts_tied_to(tx, actor, people.FOLLOWING, accepted))
        )

    async def _knows(self, actor: str) -> bool:
        return await self._store.read(lambda tx: people.person_at(tx, actor)) is not None

    async def _apply(self, verified: VerifiedRequest, activity: InboxActivity) -> None:
        now_ms, host = self._clock.now_ms(), host_of(activity.actor)
        key = b"inbox/" + verified.replay_key

        def unit(tx: Tx) -> bool:
            if not replay.first_time(tx, key, now_ms // 1000, verified.not_after):
                return False
            may_go = deliveries.alive(tx, host, now_ms)
            Arrivals(tx, self._domain, now_ms).take(activity)
            if isinstance(activity, Move):
                hear(tx, activity, activity.actor, now_ms)
            return may_go or not isinstance(activity, _UNANSWERED)

        if await self._gathered.write(unit):
            self._wake_delivery()
        if isinstance(activity, Move):
            self._moves.wake()


def _accepted() -> web.Response:
    return web.Response(status=web.HTTPAccepted.status_code)


def _problem(error: RemoteActivityPubError) -> ProblemError:
    code = "badSignature" if error.status_hint == _UNAUTHORIZED else "badRequest"
    return refuse(code, str(error), rule=error.rule)
