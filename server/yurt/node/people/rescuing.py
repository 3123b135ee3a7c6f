"""A rescue's Move: signed with the old actor key, which its person lent to this node for at most thirty days.

The old node is dead, so nobody else can send it. Each inbox first gets something of the new actor (snac
follows only whom it has seen), then the Move; each of them once (DESIGN 6).
"""

import uuid
from collections.abc import Callable, Iterable
from typing import Final

from yurt.activitypub.actor_documents import person_document
from yurt.activitypub.delivery import Recipient, Stop, plan
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.moves import Move, move_document
from yurt.activitypub.posts import update_actor_document
from yurt.activitypub.references import write
from yurt.node.accounts.actor_keys import read_actor_key
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.ids import account_at
from yurt.node.people.move_checks import account_of, check_named, move_id_of, put_in_order
from yurt.node.people.moves import Moves
from yurt.node.people.profiles import profile_of
from yurt.node.store import deliveries, moving, people
from yurt.node.store.accounts import AccountRow
from yurt.node.store.deliveries import NewDelivery
from yurt.node.store.moving import LENT, LentKey
from yurt.node.store.types import Store, Tx
from yurt.node.work_pool import WorkPool
from yurt.wire.command import Done
from yurt.wire.move_commands import EraseKey, LendKey, RescueFollowers
from yurt.wire.problems import refuse

KEY_DAYS: Final = 30
MAX_FOLLOWERS: Final = 500
MAX_URL: Final = 2048
MAX_WAITING: Final = 50_000
"""Activities of one account in the queue: whom its Move goes to is its own word, and hosts may be slow."""
_FULL_S: Final = 60.0
_DAY_S: Final = 86_400


class Rescuing:
    """Sends Moves with lent keys."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        work: WorkPool,
        received: Moves,
        wake_delivery: Callable[[], None],
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._work = work
        self._received = received
        self._wake_delivery = wake_delivery

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {
            LendKey.name: self.lend_key,
            EraseKey.name: self.erase_key,
            RescueFollowers.name: self.rescue_followers,
        }

    async def lend_key(self, context: Context, command: LendKey) -> Done:
        """Keep the old actor key, for one Move and at most thirty days."""
        who = context.who
        if not 1 <= command.days <= KEY_DAYS:
            raise refuse("badRequest", f"a key is lent for 1 to {KEY_DAYS} days")
        if command.actor == who.actor or command.key_id.partition("#")[0] != command.actor:
            raise refuse("badRequest", "the lent key is that of the actor that was left")
        checked = await self._work.run(lambda: read_actor_key(command.key))
        older = await self._work.run(lambda: read_actor_key(command.older)) if command.older else None
        until = self._clock.now_s() + command.days * _DAY_S

        def unit(tx: Tx) -> None:
            account = account_of(tx, who.account)
            check_named(tx, who.did, who.actor, command.actor)
            before = older.private_der if older else b""
            lent = LentKey(command.actor, command.key_id, checked.private_der, until, before)
            if moving.lend_key(tx, account.id, lent) <= self._clock.now_s():
                raise refuse("refused", "this key's thirty days are over here", rule="keyOver")

        await self._store.write(unit)
        return Done()

    async def erase_key(self, context: Context, command: EraseKey) -> Done:  # noqa: ARG002  # handlers' shape
        """Forget the lent key."""
        name = context.who.account
        await self._store.write(lambda tx: moving.erase_key(tx, name))
        return Done()

    async def rescue_followers(self, context: Context, command: RescueFollowers) -> Done:
        """Queue the Move for followers of the old actor, each behind something of the new one."""
        who = context.who
        if len(command.followers) > MAX_FOLLOWERS or any(
            len(one.inbox) > MAX_URL or len(one.shared_inbox) > MAX_URL for one in command.followers
        ):
            raise refuse("tooLarge", f"at most {MAX_FOLLOWERS} followers at once", limit=MAX_FOLLOWERS)
        here = [one for one in command.followers if account_at(self._domain, one.actor) is not None]
        stops = plan(
            Recipient(one.actor, one.inbox, one.shared_inbox)
            for one in command.followers
            if account_at(self._domain, one.actor) is None
        )
        now_ms = self._clock.now_ms()

        def unit(tx: Tx) -> tuple[Move, LentKey]:
            account = account_of(tx, who.account)
            check_named(tx, who.did, who.actor)
            lent = moving.lent_key(tx, account.name)
            if lent is None or lent.until <= now_ms // 1000:
                raise refuse("notAllowed", "no key was lent to this node, or its time is over")
            if moving.queue_of(tx, account.name)[0] + 2 * len(stops) > MAX_WAITING:
                raise refuse("tooMany", "too much of yours waits to be delivered", retry_after=_FULL_S)
            move_id = move_id_of(lent.actor, who.actor)
            if command.again:
                # What was taken under one id is not looked at again.
                move_id = f"{move_id}-{now_ms}"
                moving.forget_stops(tx, account.id, [stop.inbox for stop in stops])
            move = Move(move_id, lent.actor, lent.actor, who.actor)
            self._queue_rescue(tx, account, move, stops, now_ms)
            return move, lent

        move, lent = await self._store.write(unit)
        self._wake_delivery()
        if here and await self._is_theirs(lent, who.did):
            await self._received.arrived(move, move.actor)
        return Done()

    async def _is_theirs(self, lent: LentKey, did: str) -> bool:
        """Whether people who live here may believe a Move without a signature.

        Elsewhere a wrong key moves nobody. Here no signature is looked at, and any record may name any old
        actor: so it must be of the same did (then the record decides), or the key the one that it showed.
        """
        left = await self._store.read(lambda tx: people.person_at(tx, lent.actor))
        if left is None or left.did:
            return left is not None and left.did == did
        checked = await self._work.run(lambda: read_actor_key(lent.key))
        return checked.public_pem.split() == left.key_pem.split()

    def _queue_rescue(
        self, tx: Tx, account: AccountRow, move: Move, stops: Iterable[Stop], now_ms: int
    ) -> None:
        places = PersonLocations(self._domain, account.name)
        new = [stop for stop in stops if not moving.has_stop(tx, account.id, stop.inbox)]
        if not new:
            return
        # Sent again after the documents were lost, an Update changes nothing: it is only to be seen.
        introduction = update_actor_document(
            places.activity("updates", str(uuid.uuid4())),
            person_document(profile_of(tx, self._domain, account)),
            places.followers,
        )
        body = write(move_document(move, f"{move.actor}/followers"))
        first, then = (
            NewDelivery(account.name, write(introduction), is_follow=True),
            NewDelivery(LENT + account.name, body, is_follow=True),
        )
        for stop in new:
            deliveries.add_deliveries(tx, first, [stop], now_ms)
            before = moving.newest_delivery(tx, account.name, stop.inbox)
            deliveries.add_deliveries(tx, then, [stop], now_ms)
            put_in_order(tx, LENT + account.name, stop.inbox, before)
            delivery = moving.newest_delivery(tx, LENT + account.name, stop.inbox)
            moving.add_stop(tx, account.id, stop.inbox, delivery)
