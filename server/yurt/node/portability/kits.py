"""Continuity kits: kept for people who named this node as a buddy, and carried to and from other buddies.

What is kept is sealed to a key of a phrase that no node knows (`yurt.portability.kit`). A kit is taken in
only if its person record names this node as a buddy, and if a device of the newest record signed it; it is
handed out only to a signature of a key of the phrase::

    POST /kits/keep   {kit_id[32]} then a kit's file         -> counters, JSON
    POST /kits/read   a request signed by the reader key     -> the kit's file
"""

import contextlib
from dataclasses import dataclass, replace
from typing import Final

import msgspec
from aiohttp import web

from yurt.identity.errors import RemoteIdentityError
from yurt.identity.location import check_node
from yurt.identity.signed_record import SignedRecord, VerifiedRecord, verify_record
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.fetch import Fetched, FetchError, SafeFetch
from yurt.node.http.body import read_body
from yurt.node.limiter import Limiter, Rate, limited_address
from yurt.node.people.record_book import RecordBook
from yurt.node.store import kits, replay
from yurt.node.store.kits import StoredKit
from yurt.node.store.types import ReadTx, Store, Tx
from yurt.node.work_pool import WorkPool
from yurt.portability.errors import KitError
from yurt.portability.kit import accept
from yurt.portability.kit_file import MAX_KIT_SIZE, decode_kit, encode_kit
from yurt.portability.kit_keys import KIT_ID_SIZE, READ_WINDOW_S, verify_read
from yurt.portability.kit_part import KEYS, KitPartIn, decode_part
from yurt.wire.errors import GateError
from yurt.wire.gate import decode_json
from yurt.wire.portability_commands import FetchKit, KeepKit, KitFile, KitKept
from yurt.wire.problems import ProblemError, refuse

KEEP_PATH: Final = "/kits/keep"
READ_PATH: Final = "/kits/read"
KIT_TYPE: Final = "application/vnd.yurt.kit"
QUOTA: Final = 4 * 1024 * 1024
"""Bytes for one person."""
EVERY_S: Final = 60
"""Seconds between two writes of one part."""
MAX_KITS: Final = 10_000
MAX_STRANGERS: Final = 1_000
"""Of them, those of people with whom nobody here has a tie: 4 GiB at worst."""
MAX_LOOKED_AT: Final = 1_000
"""Kits under one name whose readers are tried: 0.15 s at worst, beside everything else."""
KEEP_RATE: Final = Rate(burst=20, every_s=3.0)
READ_RATE: Final = Rate(burst=10, every_s=6.0)
NEW_RATE: Final = Rate(burst=100, every_s=300.0)
"""New kits of people with whom nobody here has a tie, all together: dids and addresses cost nothing."""
_MAX_REQUEST: Final = 1_024
_MAX_ANSWER: Final = MAX_KIT_SIZE + 1024
_NODES_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class _Kept:
    """A part that was judged good."""

    part: KitPartIn
    data: bytes


class Kits:
    """Keeps kits for others, and carries those of its own people."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        fetch: SafeFetch,
        book: RecordBook,
        limiter: Limiter,
        work: WorkPool,
        *,
        is_open: bool = True,
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._fetch = fetch
        self._book = book
        self._limiter = limiter
        self._work = work
        self._is_open = is_open
        """The operator's switch: whether kits of people of other nodes are kept."""

    def routes(self) -> list[web.AbstractRouteDef]:
        """What this part answers."""
        return [web.post(KEEP_PATH, self.door_keep), web.post(READ_PATH, self.door_read)]

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {KeepKit.name: self.keep_elsewhere, FetchKit.name: self.fetch_elsewhere}

    # --- for own people --------------------------------------------------------------------------------
    async def keep_elsewhere(self, context: Context, command: KeepKit) -> KitKept:
        """Hand parts of a kit to a buddy; the asker's own kit only."""
        record = _record(command.record)
        if record.did != context.who.did:
            raise refuse("notAllowed", "that is somebody else's kit")
        self._limiter.take("carry kit", context.who.account, KEEP_RATE)
        body = encode_kit(record, command.parts)
        if _node(command.buddy) == self._domain:
            return await self.keep(command.kit_id, body, own=True)
        answer = await self._post(command.buddy, KEEP_PATH, command.kit_id + body)
        try:
            return decode_json(answer.body, KitKept, limit=_MAX_REQUEST)
        except GateError as error:
            raise refuse("peerRefused", f"{command.buddy} answers what nobody understands") from error

    async def fetch_elsewhere(self, context: Context, command: FetchKit) -> KitFile:
        """Fetch a kit from a buddy; the signature inside the request says whose it may be."""
        self._limiter.take("fetch kit", context.who.account, READ_RATE)
        if _node(command.buddy) == self._domain:
            return KitFile(await self.read(command.request))
        answer = await self._post(command.buddy, READ_PATH, command.request)
        return KitFile(answer.body)

    async def _post(self, buddy: str, path: str, body: bytes) -> Fetched:
        try:
            answer = await self._fetch.post(
                f"https://{buddy}{path}",
                body,
                {"Content-Type": KIT_TYPE},
                limit=_MAX_ANSWER,
                total_s=_NODES_S,
            )
        except FetchError as error:
            raise refuse("peerUnreachable", str(error)) from error
        if answer.status != web.HTTPOk.status_code:
            raise _their_problem(buddy, answer)
        return answer

    # --- the doors -------------------------------------------------------------------------------------
    async def door_keep(self, request: web.Request) -> web.Response:
        """`POST /kits/keep`."""
        self._limiter.take("keep kit", limited_address(request.remote or ""), KEEP_RATE)
        body = await read_body(request, KIT_ID_SIZE + MAX_KIT_SIZE)
        kept = await self.keep(body[:KIT_ID_SIZE], body[KIT_ID_SIZE:])
        return web.Response(body=msgspec.json.encode(kept), content_type="application/json")

    async def door_read(self, request: web.Request) -> web.Response:
        """`POST /kits/read`."""
        self._limiter.take("read kit", limited_address(request.remote or ""), READ_RATE)
        kit = await self.read(await read_body(request, _MAX_REQUEST))
        headers = {"Content-Type": KIT_TYPE, "Cache-Control": "no-store"}
        return web.Response(body=kit, headers=headers)

    async def keep(self, kit_id: bytes, data: bytes, *, own: bool = False) -> KitKept:
        """Take in parts of a kit.

        Args:
            kit_id: 32 bytes; the name under which they are kept.
            data: A kit's file.
            own: Whether it is of somebody who has an account here.

        Raises:
            ProblemError: `refused` with the rule, `tooMany`, `tooLarge`.
        """
        if not (own or self._is_open):
            raise refuse("notAllowed", "this node keeps no kits of people of other nodes")
        if len(kit_id) != KIT_ID_SIZE:
            raise _refused("malformedKit", "a kit's name has 32 bytes")
        record, parts = await self._work.run(lambda: _opened(data))
        held = await self._store.read(lambda tx: kits.kit_of(tx, kit_id, record.did))
        record = await self._newest(record, held)
        if self._domain not in record.record.buddies:
            raise _refused("notBuddy", f"the person record does not name {self._domain} as a buddy")
        now = self._clock.now_s()
        judged = await self._work.run(lambda: [_judged(part, record, held, now) for part in parts])
        await self._admit(record.did, is_known=own or held is not None)

        def unit(tx: Tx) -> KitKept:
            if kits.kit_of(tx, kit_id, record.did) != held:
                raise refuse("tooMany", "another device wrote this kit just now", retry_after=1.0)
            self._check_room(tx, record.did, is_new=held is None, own=own)
            kit = held or StoredKit(kit_id, record.did, b"")
            kit = replace(kit, record=record.signed.encode(), kept_at=now)
            for one in judged:
                kit = _with(kit, one, now)
            if kit.size > QUOTA:
                raise refuse("tooLarge", f"a buddy keeps at most {QUOTA} bytes of a kit", limit=QUOTA)
            kits.put_kit(tx, kit)
            return _kept(kit)

        return await self._store.write(unit)

    async def read(self, request: bytes) -> bytes:
        """Hand out a kit to whoever has its phrase.

        Raises:
            ProblemError: `notFound`: no kit, or not theirs; a stranger learns no difference.
        """
        kit_id, now = request[:KIT_ID_SIZE], self._clock.now_s()
        # Every buddy knows the name: others may have put kits of their own under it.
        readers = await self._store.read(lambda tx: kits.readers_under(tx, kit_id, MAX_LOOKED_AT))
        readers = [(did, reader or await self._old_reader(kit_id, did)) for did, reader in readers]
        opened = await self._work.run(lambda: self._opened_by(request, readers, now))
        if opened is None or not await self._first_time(b"kit/" + kit_id + opened[1], now):
            raise _no_kit()
        kit = await self._store.read(lambda tx: kits.kit_of(tx, kit_id, opened[0]))
        if kit is None:
            raise _no_kit()
        return encode_kit(_record(kit.record), [part for part in (kit.keys, kit.graph) if part])

    async def _old_reader(self, kit_id: bytes, did: str) -> bytes:
        """The reader of a kit that was kept before readers had a column."""
        kit = await self._store.read(lambda tx: kits.kit_of(tx, kit_id, did))
        part = (kit.keys or kit.graph) if kit is not None else b""
        return decode_part(part).reader if part else b""

    def _opened_by(
        self, request: bytes, readers: list[tuple[str, bytes]], now: int
    ) -> tuple[str, bytes] | None:
        """Whose kit a request opens, and the request's nonce; None if nobody's."""
        for did, reader in readers:
            with contextlib.suppress(KitError):
                return did, verify_read(
                    request, kit_id=request[:KIT_ID_SIZE], reader=reader, node=self._domain, now=now
                )
        return None

    async def _first_time(self, key: bytes, now: int) -> bool:
        until = now + 2 * READ_WINDOW_S
        return await self._store.write(lambda tx: replay.first_time(tx, key, now, until))

    # --- parts -----------------------------------------------------------------------------------------
    async def _admit(self, did: str, *, is_known: bool) -> None:
        """Let a new kit in: those of friends always, those of strangers slowly."""
        if not is_known and not await self._store.read(lambda tx: kits.is_tied(tx, did)):
            self._limiter.take("new kit", "all", NEW_RATE)

    async def _newest(self, record: VerifiedRecord, held: StoredKit | None) -> VerifiedRecord:
        """The newest record known here: a revoked device must not come back with an older one."""
        in_book = await self._book.known(record.did)
        for known in (in_book, _record(held.record) if held else None):
            if known is None or record.record.seq > known.record.seq:
                continue
            if record.record.seq == known.record.seq and record.hash != known.hash:
                raise _refused("recordFrozen", "two person records have one number")
            record = known
        return record

    def _check_room(self, tx: ReadTx, did: str, *, is_new: bool, own: bool) -> None:
        """Find a place for a new kit: strangers leave some of them to friends.

        Raises:
            ProblemError: `refused`, or `tooMany`: there is none.
        """
        if not is_new:
            return
        if kits.kits_of(tx, did) >= 1:
            raise _refused("kitId", "this person's kit has another name here")
        is_friend = own or kits.is_tied(tx, did)
        if not is_friend and kits.count_strangers(tx) >= MAX_STRANGERS:
            raise refuse("tooMany", "this node keeps no more kits of people whom nobody here knows")
        if kits.count_kits(tx) >= MAX_KITS:
            raise refuse("tooMany", "this node keeps no more kits")


def _opened(data: bytes) -> tuple[VerifiedRecord, list[bytes]]:
    try:
        kit = decode_kit(data)
    except KitError as error:
        raise _refused(error.rule, str(error)) from None
    if not kit.parts:
        raise _refused("malformedKit", "there is no part in it")
    return _record(kit.record.encode()), list(kit.parts)


def _judged(data: bytes, record: VerifiedRecord, held: StoredKit | None, now: int) -> _Kept:
    """Judge one part against what is kept of it.

    Raises:
        ProblemError: `refused` with the rule, or `tooMany`.
    """
    try:
        name = decode_part(data).part
        kept, at = (held.keys, held.keys_at) if held and name == KEYS else (b"", 0)
        if held and name != KEYS:
            kept, at = held.graph, held.graph_at
        if kept and kept == data:
            return _Kept(decode_part(data), data)  # an answer was lost: the same again is no write
        said = accept(data, record, decode_part(kept) if kept else None, now=now).said
        other = (held.graph if name == KEYS else held.keys) if held else b""
        is_other_reader = bool(other) and decode_part(other).reader != said.reader
    except KitError as error:
        raise _refused(error.rule, str(error)) from None
    if is_other_reader:
        raise _refused("kitReader", "the kit names another key for fetching it")
    if kept and now - at < EVERY_S:
        raise refuse("tooMany", "a buddy takes one write a minute", retry_after=float(EVERY_S - (now - at)))
    return _Kept(said, data)


def _with(kit: StoredKit, one: _Kept, now: int) -> StoredKit:
    kit = replace(kit, reader=one.part.reader)  # one for all parts, as `_judged` has seen
    if one.part.part == KEYS:
        return kit if kit.keys == one.data else replace(kit, keys=one.data, keys_at=now)
    return kit if kit.graph == one.data else replace(kit, graph=one.data, graph_at=now)


def _kept(kit: StoredKit) -> KitKept:
    return KitKept(
        decode_part(kit.keys).counter if kit.keys else 0,
        decode_part(kit.graph).counter if kit.graph else 0,
        kit.kept_at,
    )


def _record(data: bytes) -> VerifiedRecord:
    try:
        return verify_record(SignedRecord.decode(data))
    except RemoteIdentityError as error:
        raise refuse("badRecord", str(error), rule=error.rule) from None


def _node(name: str) -> str:
    try:
        return check_node(name)
    except RemoteIdentityError:
        raise refuse("badRequest", "a buddy is a node: name it like harbour.example") from None


def _no_kit() -> ProblemError:
    return refuse("notFound", "no kit here opens to this request")


def _refused(rule: str, message: str) -> ProblemError:
    return refuse("refused", message, rule=rule)


class _Document(msgspec.Struct):
    """What is read of another node's problem document."""

    code: str = ""
    title: str = ""
    extra: dict[str, str | int] = msgspec.field(default_factory=dict[str, str | int])


def _their_problem(buddy: str, answer: Fetched) -> ProblemError:
    try:
        document = decode_json(answer.body, _Document, limit=64 * 1024)
    except GateError:
        document = _Document()
    title = document.title[:200] or f"answers {answer.status}"
    match answer.status:
        case web.HTTPTooManyRequests.status_code | web.HTTPServiceUnavailable.status_code:
            wait = answer.headers.get("retry-after", "")
            seconds = float(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else 60.0
            return refuse("tooMany", f"{buddy}: {title}", retry_after=seconds)
        case web.HTTPNotFound.status_code:
            return refuse("notFound", f"{buddy}: {title}")
        case _:
            rule = str(document.extra.get("rule", document.code))[:60]
            return refuse("peerRefused", f"{buddy}: {title}", rule=rule)
