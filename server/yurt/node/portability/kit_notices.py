"""A kit that nobody renewed for 400 days is dropped; its person is told, thirty days before, and then.

The buddy tells the node where the person lives, which puts it into their inbox. A node that is away is told
an hour later, and so on; of a kit that was dropped an empty row remembers that for sixty days. Who comes back
after years with phrase and device alone sees what became of their copies.
"""

import hashlib
import logging
from functools import partial
from typing import Final

import msgspec

from yurt.identity.did import parse_did
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.location import node_of
from yurt.identity.signed_record import SignedRecord, VerifiedRecord, verify_record
from yurt.node.clock import Clock
from yurt.node.ids import account_at, node_actor
from yurt.node.limiter import Limiter, Rate
from yurt.node.peers.asks import Answerer, Asks
from yurt.node.peers.links import Links
from yurt.node.people.record_book import RecordBook
from yurt.node.store import accounts, kits, logs
from yurt.node.store.kits import StoredKit
from yurt.node.store.logs import NewRow
from yurt.node.store.types import Store, Tx
from yurt.wire.command import Done
from yurt.wire.portability_commands import KIT_KEPT_S, KitNotice
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import InboxKind

WHAT: Final = "kit_notice"
WARN_S: Final = 30 * 86_400
"""So long before, its person is told."""
TELL_S: Final = 60 * 86_400
"""How long it is tried to tell somebody that their kit was dropped."""
PAGE: Final = 100
NOTICE_RATE: Final = Rate(burst=200, every_s=20.0)
"""Notices of one node."""

_log = logging.getLogger(__name__)


class KitNotices:
    """Drops kits, and tells whose they were; takes such notices in for people who live here."""

    def __init__(
        self, domain: str, store: Store, clock: Clock, book: RecordBook, limiter: Limiter, links: Links
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._book = book
        self._limiter = limiter
        self._links = links

    def asks(self) -> Asks:
        """What other nodes ask here."""
        return {WHAT: Answerer(KitNotice, self.noticed)}

    async def look(self) -> None:
        """Warn of what will be dropped, drop what is old enough, and tell of it.

        Raises:
            StoreError: it is looked at again.
        """
        now_s = self._clock.now_s()
        for kit in await self._store.read(lambda tx: kits.unwarned(tx, now_s - KIT_KEPT_S + WARN_S, PAGE)):
            await self._tell(kit, kits.WARNED)
        if dropped := await self._store.write(lambda tx: kits.drop_old(tx, now_s - KIT_KEPT_S)):
            _log.info("%d kits that nobody renewed are dropped", dropped)
        for kit in await self._store.read(lambda tx: kits.untold(tx, PAGE)):
            await self._tell(kit, kits.TOLD)
        await self._store.write(lambda tx: kits.forget_dropped(tx, now_s - KIT_KEPT_S - TELL_S))

    async def noticed(self, actor: str, notice: KitNotice) -> Done:
        """Tell somebody who lives here what their buddy says; that it is its word is checked by the door."""
        buddy = node_of(actor)
        self._limiter.take("kit notice", buddy, NOTICE_RATE)
        try:
            record = await self._book.known(parse_did(notice.did))
        except RemoteIdentityError as error:
            raise refuse("badRequest", str(error), rule=error.rule) from None
        if record is None or buddy not in record.record.buddies:
            raise refuse("notAllowed", "nobody here has named that node as a buddy")
        await self._store.write(lambda tx: self._post(tx, notice, buddy))
        return Done()

    async def _tell(self, kit: StoredKit, told: int) -> None:
        """Tell one person; who cannot be reached now is told later."""
        record = await self._newest(kit)
        notice = KitNotice(did=kit.did, drops_at=kit.kept_at + KIT_KEPT_S, is_dropped=told == kits.TOLD)
        try:
            if account_at(self._domain, record.record.actor) is not None:
                await self._store.write(lambda tx: self._post(tx, notice, self._domain))
            else:
                node = node_of(record.record.actor)
                await self._links.ask(node, WHAT, node_actor(self._domain), notice, Done)
        except ProblemError as error:
            _log.info("somebody could not be told of their kit: %s", error.problem.code)
            return
        await self._store.write(partial(kits.note_told, kit=kit, told=told))

    async def _newest(self, kit: StoredKit) -> VerifiedRecord:
        kept = verify_record(SignedRecord.decode(kit.record))
        known = await self._book.known(kept.did)
        return kept if known is None else max(kept, known, key=lambda one: one.record.seq)

    def _post(self, tx: Tx, notice: KitNotice, buddy: str) -> None:
        account = accounts.account_of(tx, notice.did)
        if account is None:
            raise refuse("notFound", "nobody with this identity lives here")
        body = msgspec.msgpack.encode(msgspec.structs.replace(notice, node=buddy))
        row = NewRow(InboxKind.KIT, self._clock.now_ms(), hashlib.sha256(body).digest(), body)
        inbox = logs.inbox_log(account.name)
        if logs.find(tx, inbox, row.hash) is None:  # an answer may be lost: the same word comes again
            logs.post(tx, inbox, row)
