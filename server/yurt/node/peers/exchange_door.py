"""`POST /rooms/exchange`: what another node tells and asks this one, item by item.

Verified first: signature over these very bytes, by the key of the node that it names, never seen before.
Then each item gets its answer; one that is refused, or that we fail on, says so in its own answer and stops
no other.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import msgspec
from aiohttp import web

from yurt.activitypub.errors import RemoteActivityPubError
from yurt.activitypub.http_signatures.policy import check_exchange_body
from yurt.activitypub.http_signatures.request import VerifiedRequest
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.location import MalformedLocation, node_of
from yurt.node.clock import Clock
from yurt.node.dispatcher import problem_error
from yurt.node.http.body import read_body
from yurt.node.http.inbound import inbound_request
from yurt.node.peers import asks
from yurt.node.peers.asks import Asks
from yurt.node.peers.batch import ROW_OVERHEAD
from yurt.node.peers.errors import PeerError
from yurt.node.peers.peer_keys import PeerKeys
from yurt.node.peers.ports import Claims, Copies, Hub
from yurt.node.people.record_book import RecordBook
from yurt.node.store import replay
from yurt.node.store.types import Store
from yurt.wire import limits
from yurt.wire.errors import GateError
from yurt.wire.exchange import (
    EXCHANGE_PATH,
    EXCHANGE_TYPE,
    Ask,
    AskAnswer,
    Claim,
    ClaimAnswer,
    ExchangeAnswer,
    ExchangeRequest,
    Pull,
    RoomHave,
    RoomRows,
    RoomStart,
    Settled,
    Submission,
    SubmissionAnswer,
    WelcomeDelivery,
)
from yurt.wire.gate import decode_msgpack
from yurt.wire.position import START
from yurt.wire.problems import Problem, ProblemError, refuse

MAX_ITEMS: Final = 2_000
MAX_PULLED_BYTES: Final = 2 * 1024 * 1024
"""Rows in one answer, about: the last room may bring as much once more; 8 MiB are taken altogether."""
MAX_WAITING: Final = 8
"""Exchanges of one peer that may wait for each other; a good peer has one."""

_log = logging.getLogger(__name__)
T = TypeVar("T")


class ExchangeDoor:
    """Answers exchanges."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        keys: PeerKeys,
        *,
        hub: Hub,
        copies: Copies,
        claims: Claims,
        book: RecordBook,
        heard: Callable[[str], None],
        asks: Asks | None = None,
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._keys = keys
        self._hub = hub
        self._copies = copies
        self._claims = claims
        self._book = book
        self._heard = heard
        self._asks = asks or {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._waiting: dict[str, int] = {}

    def routes(self) -> list[web.AbstractRouteDef]:
        """What this part answers."""
        return [web.post(EXCHANGE_PATH, self.exchange)]

    async def exchange(self, request: web.Request) -> web.Response:
        """Verify, then answer each item; nothing is read from somebody who is no node."""
        peer, verified = await self._verified(request)
        body = await read_body(request, limits.EXCHANGE_BODY)
        try:
            check_exchange_body(verified.request, body)
        except RemoteActivityPubError as error:
            raise refuse("badSignature", str(error), rule=error.rule) from error
        try:
            items = decode_msgpack(body, ExchangeRequest, limit=limits.EXCHANGE_BODY)
        except GateError as error:
            raise error.as_problem() from error
        _check_size(items)
        # Remembering shares the commit of the first item instead of waiting for one of its own: every item
        # may come twice, so a replay that is found out afterwards has changed nothing.
        remembered, answer = await asyncio.gather(self._remember(verified), self._in_turn(peer, items))
        if not remembered:
            raise refuse("badSignature", "this request was seen before", rule="replay")
        self._heard(peer)
        return web.Response(body=msgspec.msgpack.encode(answer), headers={"Content-Type": EXCHANGE_TYPE})

    async def _verified(self, request: web.Request) -> tuple[str, VerifiedRequest]:
        """The peer that signed the head of this request."""
        try:
            peer, verified = await self._keys.verify_exchange(inbound_request(request, self._domain, b""))
        except RemoteActivityPubError as error:
            raise refuse("badSignature", str(error), rule=error.rule) from error
        except PeerError as error:
            raise refuse("badSignature", f"the key of the signature cannot be had: {error}") from error
        if peer == self._domain:
            raise refuse("badSignature", "a node does not exchange with itself")
        return peer, verified

    async def _remember(self, verified: VerifiedRequest) -> bool:
        """Remember a signature; False if it was seen before."""
        key, now_s, until = b"exchange/" + verified.replay_key, self._clock.now_s(), verified.not_after
        return await self._store.write(lambda tx: replay.first_time(tx, key, now_s, until))

    async def _in_turn(self, peer: str, items: ExchangeRequest) -> ExchangeAnswer:
        """One exchange of a peer after the other, so that its items keep their order."""
        if self._waiting.get(peer, 0) >= MAX_WAITING:
            raise refuse("tooMany", "one exchange at a time", retry_after=1.0)
        self._waiting[peer] = self._waiting.get(peer, 0) + 1
        try:
            async with self._turns.setdefault(peer, asyncio.Lock()):
                return await self._answer(peer, items)
        finally:
            self._waiting[peer] -= 1
            if not self._waiting[peer]:
                del self._waiting[peer], self._turns[peer]

    async def _answer(self, peer: str, items: ExchangeRequest) -> ExchangeAnswer:
        for record in items.records:
            await self._take_record(record)
        starts = [await self._start(peer, start) for start in items.starts]
        rooms = [await self._rows(peer, rows) for rows in items.rooms]
        welcomes = [await self._welcome(peer, delivery) for delivery in items.welcomes]
        # All at once: the hub takes them in this order and makes many durable with one commit.
        submissions = await asyncio.gather(*(self._submission(peer, item) for item in items.submissions))
        claims = [await self._claim(peer, claim) for claim in items.claims]
        answers = await asyncio.gather(*(self._ask(peer, ask) for ask in items.asks))
        pulls = await self._pulls(peer, items.pulls)
        return ExchangeAnswer(
            starts=tuple(starts),
            rooms=tuple(rooms),
            welcomes=tuple(welcomes),
            submissions=tuple(submissions),
            claims=tuple(claims),
            pulls=tuple(pulls),
            asks=tuple(answers),
        )

    async def _take_record(self, record: bytes) -> None:
        try:
            await self._book.take(record)
        except RemoteIdentityError as error:
            _log.info("a person record was refused: %s", error.rule)

    async def _start(self, peer: str, start: RoomStart) -> Settled:
        return Settled(start.id, problem=await _problem_of(self._copies.start(peer, start), "a room's start"))

    async def _welcome(self, peer: str, delivery: WelcomeDelivery) -> Settled:
        problem = await _problem_of(self._copies.welcome(peer, delivery), "a welcome")
        return Settled(delivery.id, problem=problem)

    async def _rows(self, peer: str, rows: RoomRows) -> RoomHave:
        try:
            return await self._copies.take(peer, rows)
        except Exception as error:  # noqa: BLE001  # one room must not stop the others
            return RoomHave(rows.room, START, problem_error(error, "a room's rows").problem.code)

    async def _submission(self, peer: str, item: Submission) -> SubmissionAnswer:
        try:
            _check_speaker(peer, item.actor)
            done = await self._hub.append_submitted(peer, item)
        except Exception as error:  # noqa: BLE001  # one submission must not stop the others
            return SubmissionAnswer(item.id, problem=problem_error(error, "a submission").problem)
        return SubmissionAnswer(item.id, done.position, done.accepted_at, done.hash, done.chain)

    async def _claim(self, peer: str, claim: Claim) -> ClaimAnswer:
        try:
            return await self._claims.claimed(peer, claim)
        except Exception as error:  # noqa: BLE001  # one claim must not stop the others
            return ClaimAnswer(claim.id, problem=problem_error(error, "a claim").problem)

    async def _ask(self, peer: str, ask: Ask) -> AskAnswer:
        try:
            _check_speaker(peer, ask.actor)
            return AskAnswer(ask.id, await asks.answer(self._asks, ask))
        except Exception as error:  # noqa: BLE001  # one ask must not stop the others
            return AskAnswer(ask.id, problem=problem_error(error, "an ask").problem)

    async def _pulls(self, peer: str, pulls: Sequence[Pull]) -> list[RoomRows]:
        """Serve each room once, and no more than an answer holds; the rest is asked for again."""
        found: list[RoomRows] = []
        left = MAX_PULLED_BYTES
        for pull in {pull.room: pull for pull in pulls}.values():
            if left <= 0:
                break
            if (rows := await self._pull(peer, pull)) is not None:
                found.append(rows)
                left -= sum(len(row.body) + ROW_OVERHEAD for row in rows.rows)
        return found

    async def _pull(self, peer: str, pull: Pull) -> RoomRows | None:
        try:
            return await self._copies.serve(peer, pull)
        except ProblemError:
            return None


async def _problem_of(work: Awaitable[None], what: str) -> Problem | None:
    try:
        await work
    except Exception as error:  # noqa: BLE001  # one item must not stop the others
        return problem_error(error, what).problem
    return None


def _check_speaker(peer: str, actor: str) -> None:
    """A node speaks only for accounts of its own domain (DESIGN 5)."""
    try:
        node = node_of(actor)
    except MalformedLocation as error:
        raise refuse("badRequest", str(error)) from error
    if node != peer:
        raise refuse("notAllowed", "a node speaks only for its own accounts")


def _check_size(items: ExchangeRequest) -> None:
    count = sum(
        len(part)
        for part in (
            items.starts,
            items.rooms,
            items.welcomes,
            items.submissions,
            items.claims,
            items.pulls,
            items.records,
            items.asks,
        )
    )
    if count > MAX_ITEMS:
        raise refuse("tooLarge", f"at most {MAX_ITEMS} items in one exchange", limit=MAX_ITEMS)
