"""Consent: a stranger's invitation is a request, answered before a key package leaves (TRUST 6).

The asker's node brings the question to the target's node; the answer goes back only if it is yes, as a hint
to look at the room again. Whether the claim that follows is allowed is decided where the packages are.
"""

from typing import Final

from yurt.identity.errors import RemoteIdentityError
from yurt.identity.location import node_of
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.hub.other_nodes import OtherNodes
from yurt.node.hub.ringing import may_ring
from yurt.node.ids import account_at, address_of
from yurt.node.limiter import Limiter, Rate
from yurt.node.peers.asks import Answerer, Asks
from yurt.node.people.record_book import RecordBook
from yurt.node.portability.refusals import refuses
from yurt.node.store import accounts, consents, logs, records
from yurt.node.store.consents import AskingRow, Most
from yurt.node.store.people import KnownPerson
from yurt.node.store.types import Store, Tx
from yurt.node.streams.fanout import Fanout
from yurt.wire.command import Done
from yurt.wire.consent_commands import (
    AnswerInvite,
    Asking,
    Askings,
    AskInvite,
    InviteAccepted,
    InviteAsked,
    ListAskings,
)
from yurt.wire.frames import Ring
from yurt.wire.problems import ProblemError, refuse

ASK_RATE: Final = Rate(burst=20, every_s=180.0)
"""Of one person."""
MOST: Final = Most(altogether=200, of_node=40, of_one=5)
"""Askings that wait for one account."""
KEPT_MS: Final = 30 * 86_400_000
CONSENT_S: Final = 7 * 86_400
ACCEPTED: Final = "invite_accepted"


class Consents:
    """Takes questions to people and their answers back."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        limiter: Limiter,
        book: RecordBook,
        others: OtherNodes,
        fanout: Fanout,
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._limiter = limiter
        self._book = book
        self._others = others
        self._fanout = fanout

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {AskInvite.name: self.ask, ListAskings.name: self.list, AnswerInvite.name: self.answer}

    def asks(self) -> Asks:
        """What other nodes may ask."""
        return {
            AskInvite.name: Answerer(InviteAsked, self._asked),
            ACCEPTED: Answerer(InviteAccepted, self._accepted),
        }

    async def ask(self, context: Context, command: AskInvite) -> Done:
        """Ask somebody, here or elsewhere."""
        who = context.who
        self._limiter.take("ask invite", who.did, ASK_RATE)
        record = await self._store.read(lambda tx: records.newest_record(tx, who.did))
        asked = InviteAsked(command.actor, command.room, record)
        try:
            node = node_of(command.actor)
        except RemoteIdentityError as error:
            raise refuse("badRequest", str(error), rule=error.rule) from error
        if node == self._domain:
            return await self._asked(who.actor, asked)
        return await self._others.ask(node, AskInvite.name, who.actor, asked, Done)

    async def list(self, context: Context, command: ListAskings) -> Askings:  # noqa: ARG002  # a handler's shape
        """List who asks the caller."""
        account, before_ms = context.who.account, self._clock.now_ms() - KEPT_MS

        def unit(tx: Tx) -> list[AskingRow]:
            consents.forget_old(tx, before_ms)
            return consents.askings(tx, account)

        found = await self._store.write(unit)
        return Askings(tuple(Asking(one.did, one.actor, one.room, one.since) for one in found))

    async def answer(self, context: Context, command: AnswerInvite) -> Done:
        """Let somebody add the caller, or not; only who was let in hears of it."""
        who, until_s = context.who, self._clock.now_s() + CONSENT_S

        def unit(tx: Tx) -> list[AskingRow]:
            ended = consents.end(tx, who.account, command.did)
            if ended and command.accept:
                consents.consent(tx, who.account, command.did, until_s)
            return ended

        ended = await self._store.write(unit)
        if not ended:
            raise refuse("notFound", "nobody of that name asks you: `yurt requests` lists who does")
        if command.accept:
            for one in ended:
                await self._tell(who.actor, one)
        return Done()

    async def _tell(self, actor: str, one: AskingRow) -> None:
        """Tell who asked, as a hint: their client asks again by itself, now and then."""
        told = InviteAccepted(one.actor, one.room)
        try:
            node = node_of(one.actor)
            if node == self._domain:
                await self._accepted(actor, told)
            else:
                await self._others.ask(node, ACCEPTED, actor, told, Done)
        except (ProblemError, RemoteIdentityError):
            return

    # --- from other nodes ---------------------------------------------------------------------------
    async def _asked(self, actor: str, asked: InviteAsked) -> Done:
        """Keep a question; the answer never tells whether there is anybody."""
        self._limiter.take("asked invite", node_of(actor), Rate(burst=200, every_s=5.0))
        try:
            record = await self._book.take(asked.record)
        except RemoteIdentityError as error:
            raise refuse("badRequest", str(error), rule=error.rule) from error
        if record.record.actor != actor:
            raise refuse("badRequest", "the asker does not live at this node", rule="claimerNode")
        name, now_ms = account_at(self._domain, asked.actor) or "", self._clock.now_ms()
        asker = KnownPerson(actor, address_of(node_of(actor), actor.rpartition("/")[2]))

        def unit(tx: Tx) -> bool:
            target = accounts.account_named(tx, name)
            if target is None or target.did == record.did:
                return False
            if refuses(tx, target, asker):
                return False
            row = AskingRow(name, record.did, asked.room, actor, now_ms)
            return consents.ask(tx, row, MOST)

        if await self._store.write(unit):
            self._fanout.tell(logs.inbox_log(name), Ring(asked.room))
        return Done()

    async def _accepted(self, actor: str, told: InviteAccepted) -> Done:
        """Wake who had asked; only a hint, so it needs no proof, and too often wakes nobody."""
        name = account_at(self._domain, told.actor)
        if name is not None and may_ring(self._limiter, node_of(actor), told.actor):
            self._fanout.tell(logs.inbox_log(name), Ring(told.room))
        return Done()
