"""The person records that this node holds: taken in only when they verify and continue what is known.

Records come with joins, claims and exchanges, and are fetched from the node where their person lives. Each
is verified here, and again by whoever reads it: a node is nobody's authority about people (TRUST 1).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

from aiohttp import web

from yurt.identity.did import parse_did
from yurt.identity.errors import RecordError, RemoteIdentityError
from yurt.identity.location import node_of
from yurt.identity.signed_record import (
    MAX_SIGNED_RECORD_SIZE,
    Frozen,
    SignedRecord,
    VerifiedRecord,
    decode_records,
    encode_records,
    verify_next,
    verify_record,
)
from yurt.node.clock import Clock
from yurt.node.fetch import FetchError, SafeFetch
from yurt.node.limiter import Limiter, Rate
from yurt.node.store import records
from yurt.node.store.types import Store, Tx
from yurt.wire import limits
from yurt.wire.problems import ProblemError, refuse

RECORDS_PATH: Final = "/records/"
_PAGE: Final = 64
_MAX_DIGITS: Final = 16
CATCH_UP_S: Final = 5.0
"""How soon the records that lie between are fetched again for one person."""
_MAX_CAUGHT_UP: Final = 10_000

KEEP_RATE: Final = Rate(burst=300, every_s=300.0)
"""New records of one person: of who is known here each is kept for ever, and costs its signer nothing.
Somebody who changes their devices every week for five years has that many."""

STRANGERS_RATE: Final = Rate(burst=64 * limits.MIB, every_s=86_400 / (64 * limits.MIB))
"""Bytes of records of people whom nobody here knows or asked for, all together."""

HearRecord = Callable[[VerifiedRecord], Awaitable[None]]


class RecordBook:
    """Keeps, serves and fetches person records."""

    def __init__(self, domain: str, store: Store, clock: Clock, fetch: SafeFetch) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._fetch = fetch
        self._again_at: dict[str, float] = {}
        self._listeners: list[HearRecord] = []
        self._taking = asyncio.Lock()
        self._limiter = Limiter()

    def listen(self, hear: HearRecord) -> None:
        """Tell somebody of each record that is new here, once it is durable."""
        self._listeners.append(hear)

    def routes(self) -> list[web.AbstractRouteDef]:
        """What this part answers."""
        return [web.get(RECORDS_PATH + "{did:did:key:z[1-9A-HJ-NP-Za-km-z]{1,80}}", self.serve)]

    async def serve(self, request: web.Request) -> web.Response:
        """`GET /records/{did}?from=SEQ`: the records from a number on, as a JSON array, verbatim."""
        text = request.query.get("from", "0")
        if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
            raise refuse("badRequest", "from is the number of a record")
        did, seq = request.match_info["did"], int(text)
        found = await self._store.read(lambda tx: records.records_from(tx, did, seq, _PAGE))
        if not found:
            raise refuse("notFound", "no such record here")
        return web.Response(body=encode_records(found), content_type="application/json")

    async def known(self, did: str) -> VerifiedRecord | None:
        """The newest record that is held, verified when it came in."""
        body = await self._store.read(lambda tx: records.newest_record(tx, did))
        return verify_record(SignedRecord.decode(body)) if body else None

    async def take(self, body: bytes, *, strangers: bool = False, evidence: bool = True) -> VerifiedRecord:
        """Take in a signed record; return the newest one known of its person.

        Args:
            body: The wire form.
            strangers: Keep it also if nothing of this person is held yet. What another node pushes is kept
                only of people who are known here already, or anybody could fill the disk.
            evidence: Keep one that competes with the known one, to be shown. Not what the person's own
                devices bring here: two that are equally quick are no crime, and the second is told to yield.

        Raises:
            RemoteIdentityError: it does not verify, or does not continue what is known.
        """
        verified = verify_record(SignedRecord.decode(body))
        known = await self.known(verified.did)
        if known is not None and verified.record.seq > known.record.seq + 1:
            await self._catch_up(known, verified)
        async with self._taking:  # of two records with one number, one is the first
            return await self._take(verified, strangers=strangers, evidence=evidence)

    async def _take(self, verified: VerifiedRecord, *, strangers: bool, evidence: bool) -> VerifiedRecord:
        known = await self.known(verified.did)
        try:
            outcome = verified if known is None else verify_next(known, verified.signed)
        except RecordError as error:
            if error.rule == "recordOld" and known is not None:
                return known
            raise
        competes = isinstance(outcome, Frozen) and known is not None
        if (known is not None or strangers) and (evidence or not competes):
            await self._keep(verified)
        return known if competes and known is not None else verified

    async def fetch(self, did: str, actor: str, *, asked_for: bool = True) -> VerifiedRecord | None:
        """Fetch what is new of a person from the node where their actor is; return the newest known.

        Nothing that goes wrong over there takes away what is known here. Of strangers whom nobody here asked
        for, so much is kept and no more.
        """
        known = await self.known(parse_did(did))
        start, keep = known.record.seq if known else 0, True
        try:
            node = node_of(actor)
            url = f"https://{node}{RECORDS_PATH}{quote(did, safe=':')}?from={start}"
            answer = await self._fetch.get(url, limit=limits.RECORD_BODY)
            if answer.status != web.HTTPOk.status_code:
                return known
            if known is None and not asked_for:
                keep = self._may("strangers' records", "all", STRANGERS_RATE, cost=_size(answer.body))
            for signed in decode_records(answer.body):
                record = verify_record(signed)
                if record.did == did:
                    known = await self._follow(known, record, keep=keep)
        except (FetchError, RemoteIdentityError):
            return known
        return known

    async def _follow(
        self, known: VerifiedRecord | None, record: VerifiedRecord, *, keep: bool
    ) -> VerifiedRecord:
        outcome = record if known is None else verify_next(known, record.signed)
        if keep:
            await self._keep(record)
        return outcome.known if isinstance(outcome, Frozen) else outcome

    async def _catch_up(self, known: VerifiedRecord, verified: VerifiedRecord) -> VerifiedRecord:
        """Fetch what lies between the known record and a newer one, but not each time that somebody says so.

        Who signs the newer record says where to fetch: each push would become a request to where they like.
        """
        now = time.monotonic()
        if now < self._again_at.get(known.did, 0.0):
            return known
        if len(self._again_at) >= _MAX_CAUGHT_UP:
            self._again_at.clear()
        self._again_at[known.did] = now + CATCH_UP_S
        return await self.fetch(verified.did, verified.record.actor) or known

    def _may(self, what: str, key: str, rate: Rate, *, cost: float = 1.0) -> bool:
        try:
            self._limiter.take(what, key, rate, cost=cost)
        except ProblemError:
            return False
        return True

    async def _keep(self, verified: VerifiedRecord) -> None:
        record, body = verified.record, verified.signed.encode()
        now_s = self._clock.now_s()

        if not self._may("records", record.did, KEEP_RATE):
            return

        def unit(tx: Tx) -> bool:
            new = records.add_record(tx, record.did, record.seq, verified.hash, body, now_s)
            if new and record.seq:
                records.keep_newest(tx, record.did)
            return new

        new = await self._store.write(unit)
        if new:
            for hear in self._listeners:
                await hear(verified)


def _size(body: bytes) -> int:
    """How much of a stranger's chain stays: its newest two records."""
    return min(len(body), 2 * MAX_SIGNED_RECORD_SIZE)
