"""Carrying out a move of an account of this node: away from here, or, after a rescue, to here (TRUST 9).

Away: the next person record must name the new actor, and the new actor's document this one; then `movedTo`,
the Update and the Move are one transaction. A rescue: the old node is dead, so the Move is signed with the
old actor key, which its person lent for at most thirty days; each inbox first gets something of the new
actor (snac follows only whom it has seen). What was sent proves nothing: who arrives is counted at one hour,
a day, a week and a month.
"""

import asyncio
import contextlib
import hashlib
import logging
import uuid
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from yurt.activitypub.actor_documents import person_document
from yurt.activitypub.delivery import Recipient, Stop, plan
from yurt.activitypub.errors import RemoteActivityPubError
from yurt.activitypub.follow import FollowState
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.moves import Move, move_document
from yurt.activitypub.posts import update_actor_document
from yurt.activitypub.references import write
from yurt.identity.location import MalformedLocation, check_node, node_of
from yurt.identity.record import PersonRecord
from yurt.identity.signed_record import SignedRecord
from yurt.node.accounts.actor_keys import read_actor_key
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.fetch import FetchError
from yurt.node.ids import account_at
from yurt.node.limiter import Limiter, Rate
from yurt.node.people.directory import Directory
from yurt.node.people.moves import Moves
from yurt.node.people.profiles import profile_of, tell_change
from yurt.node.store import accounts, deliveries, moves, moving, outbound, people, records
from yurt.node.store.accounts import AccountRow
from yurt.node.store.deliveries import NewDelivery
from yurt.node.store.moving import LENT, LentKey
from yurt.node.store.outbound import Outbound, OutboundKind
from yurt.node.store.types import ReadTx, Store, StoreError, Tx
from yurt.node.work_pool import WorkPool
from yurt.wire.command import Done
from yurt.wire.errors import GateError
from yurt.wire.move_commands import (
    EraseKey,
    LendKey,
    MoveAway,
    MoveMark,
    MoveState,
    MoveView,
    RescueFollowers,
    SpreadRecord,
    WatchMove,
)
from yurt.wire.problems import ProblemError, refuse

KEY_DAYS: Final = 30
MAX_FOLLOWERS: Final = 500
MAX_URL: Final = 2048
MAX_WAITING: Final = 50_000
"""Activities of one account in the queue: whom its Move goes to is its own word, and hosts may be slow."""
_FULL_S: Final = 60.0
SPREAD_RATE: Final = Rate(burst=5_000, every_s=1.0)
"""Nodes to which one account may have its record brought: all of a large network once, and again."""
EVERY_S: Final = 5.0
SOON_S: Final = 1.0
"""How often it is looked whether something is to be counted or erased; clocks jump, so nothing is waited for.

More often while somebody's arrivals are counted, or a key is held."""
_DAY_S: Final = 86_400
_ID_SIZE: Final = 16

_log = logging.getLogger(__name__)


class Moving:
    """Moves accounts of this node."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        work: WorkPool,
        limiter: Limiter,
        directory: Directory,
        received: Moves,
        wake_delivery: Callable[[], None],
        wake_node: Callable[[str], None],
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._work = work
        self._limiter = limiter
        self._directory = directory
        self._received = received
        self._wake_delivery = wake_delivery
        self._wake_node = wake_node
        self._task: asyncio.Task[None] | None = None

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {
            MoveAway.name: self.move_away,
            LendKey.name: self.lend_key,
            EraseKey.name: self.erase_key,
            RescueFollowers.name: self.rescue_followers,
            SpreadRecord.name: self.spread_record,
            WatchMove.name: self.watch_move,
            MoveState.name: self.move_state,
        }

    def start(self) -> None:
        """Begin to count and to erase what is due."""
        self._task = asyncio.create_task(self._run(), name="moving")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # --- away from here ------------------------------------------------------------------------------
    async def move_away(self, context: Context, command: MoveAway) -> Done:
        """Say that the account has moved, and tell its followers."""
        who, target = context.who, command.target
        await self._check_target(who.did, who.actor, target)
        now_ms = self._clock.now_ms()
        move = Move(_move_id(who.actor, target), who.actor, who.actor, target)

        def unit(tx: Tx) -> bool:
            account = _account(tx, who.account)
            _check_named(tx, who.did, target, who.actor)
            before = moves.moved_to(tx, account.name)
            if before == target and not command.again:
                return False
            if before and before != target:
                raise refuse("refused", f"this account has moved to {before} already", rule="movedElsewhere")
            moves.set_moved_to(tx, account.id, target, now_ms // 1000)
            tell_change(tx, self._domain, account, now_ms)
            self._send_move(tx, account, move, now_ms)
            return True

        if await self._store.write(unit):
            self._wake_delivery()
            # Followers who live here need no request; the rules are the same.
            await self._received.arrived(move, who.actor)
        return Done()

    async def _check_target(self, did: str, actor: str, target: str) -> None:
        """The new actor as it is now must say that it is also this one, of this person, and live there.

        Raises:
            ProblemError: `badRequest`, `refused` with the rule, `peerUnreachable` or `peerRefused`.
        """
        _check_actor(target)
        if account_at(self._domain, target) is not None:
            name = account_at(self._domain, target) or ""
            aliases = await self._store.read(lambda tx: moves.aliases(tx, name))
            if actor not in aliases:
                raise refuse("refused", f"{target} does not say that it is also {actor}", rule="noAlias")
            return
        try:
            found = await self._directory.refresh(target)
        except FetchError as error:
            raise refuse("peerUnreachable", str(error)) from error
        except (RemoteActivityPubError, GateError) as error:
            raise refuse("peerRefused", f"the new actor cannot be read: {error}", rule=error.rule) from error
        if actor not in found.also_known_as:
            raise refuse("refused", f"{target} does not say that it is also {actor}", rule="noAlias")
        if found.moved_to:
            raise refuse("refused", f"{target} has moved on to {found.moved_to}", rule="targetMoved")
        if found.did and found.did != did:
            raise refuse("refused", f"{target} is somebody else", rule="otherPerson")

    def _send_move(self, tx: Tx, account: AccountRow, move: Move, now_ms: int) -> None:
        places = PersonLocations(self._domain, account.name)
        followers = people.remote_inboxes(tx, account.name, FollowState.ACCEPTED.value)
        stops = plan(Recipient(*row) for row in followers)
        before = {stop.inbox: moving.newest_delivery(tx, account.name, stop.inbox) for stop in stops}
        body = write(move_document(move, places.followers))
        # A Follow passes the mark of a dead host; a Move is worth as much.
        deliveries.add_deliveries(tx, NewDelivery(account.name, body, is_follow=True), stops, now_ms)
        for stop in stops:
            _in_order(tx, account.name, stop.inbox, before[stop.inbox])

    # --- with a lent key -----------------------------------------------------------------------------
    async def lend_key(self, context: Context, command: LendKey) -> Done:
        """Keep the old actor key, for one Move and at most thirty days."""
        who = context.who
        if not 1 <= command.days <= KEY_DAYS:
            raise refuse("badRequest", f"a key is lent for 1 to {KEY_DAYS} days")
        if command.actor == who.actor or command.key_id.partition("#")[0] != command.actor:
            raise refuse("badRequest", "the lent key is that of the actor that was left")
        checked = await self._work.run(lambda: read_actor_key(command.key))
        until = self._clock.now_s() + command.days * _DAY_S

        def unit(tx: Tx) -> None:
            account = _account(tx, who.account)
            _check_named(tx, who.did, who.actor, command.actor)
            lent = LentKey(command.actor, command.key_id, checked.private_der, until)
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
            account = _account(tx, who.account)
            _check_named(tx, who.did, who.actor)
            lent = moving.lent_key(tx, account.name)
            if lent is None or lent.until <= now_ms // 1000:
                raise refuse("notAllowed", "no key was lent to this node, or its time is over")
            if moving.queue_of(tx, account.name)[0] + 2 * len(stops) > MAX_WAITING:
                raise refuse("tooMany", "too much of yours waits to be delivered", retry_after=_FULL_S)
            move_id = _move_id(lent.actor, who.actor)
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
            _in_order(tx, LENT + account.name, stop.inbox, before)
            delivery = moving.newest_delivery(tx, LENT + account.name, stop.inbox)
            moving.add_stop(tx, account.id, stop.inbox, delivery)

    async def spread_record(self, context: Context, command: SpreadRecord) -> Done:
        """Queue the newest own record for nodes; they fetch the new actor by themselves."""
        who, now_ms = context.who, self._clock.now_ms()
        if len(command.nodes) > MAX_FOLLOWERS:
            raise refuse("tooLarge", f"at most {MAX_FOLLOWERS} nodes at once", limit=MAX_FOLLOWERS)
        nodes = sorted({node for node in command.nodes if _is_node(node)} - {self._domain})
        self._limiter.take("spread record", who.account, SPREAD_RATE, cost=len(nodes))

        def unit(tx: Tx) -> None:
            body = records.newest_record(tx, who.did)
            for node in nodes:
                # One record for one node has one id: asked again, it is not sent twice at once.
                name = hashlib.sha256(node.encode() + b"\0" + body).digest()[:_ID_SIZE]
                outbound.settle(tx, name)
                outbound.put(tx, Outbound(name, node, OutboundKind.RECORD, b"", body, now_ms))

        await self._store.write(unit)
        for node in nodes:
            with contextlib.suppress(ProblemError):  # no more links now: the start of the node finds it
                self._wake_node(node)
        return Done()

    # --- who arrives ---------------------------------------------------------------------------------
    async def watch_move(self, context: Context, command: WatchMove) -> Done:
        """Count who arrives, from the Move on."""
        who = context.who
        start = min(command.start, self._clock.now_s())

        def unit(tx: Tx) -> None:
            account = _account(tx, who.account)
            if command.previous not in moves.aliases(tx, account.name):
                raise refuse("refused", "nobody moved here from there", rule="noAlias")
            moving.watch(tx, account.id, start, command.previous)

        await self._store.write(unit)
        return Done()

    async def move_state(self, context: Context, command: MoveState) -> MoveView:  # noqa: ARG002  # handlers' shape
        """Where the move stands."""
        name = context.who.account

        def query(tx: ReadTx) -> MoveView:
            waiting, aside = moving.queue_of(tx, name)
            lent = moving.lent_key(tx, name)
            return MoveView(
                moved_to=moves.moved_to(tx, name),
                aliases=moves.aliases(tx, name),
                waiting=waiting,
                set_aside=aside,
                key_until=lent.until if lent else 0,
                marks=tuple(MoveMark(*mark) for mark in moving.marks_of(tx, name)),
            )

        return await self._store.read(query)

    async def look(self) -> None:
        """Count and erase what is due now.

        Raises:
            StoreError: it is due still.
        """
        now_s = self._clock.now_s()
        for mark in await self._store.read(lambda tx: moving.due_marks(tx, now_s)):
            await self._store.write(partial(moving.count_arrivals, mark=mark, now_s=now_s))
        erased = await self._store.write(lambda tx: moving.erase_old_keys(tx, now_s))
        if erased:
            _log.info("%d lent keys are erased", len(erased))

    async def _run(self) -> None:
        while True:
            waits = False
            try:
                if await self._store.read(lambda tx: moving.anything_due(tx, self._clock.now_s())):
                    await self.look()
                waits = await self._store.read(moving.anything_waits)
            except StoreError:
                _log.warning("moves could not be looked at; it is tried again")
            await asyncio.sleep(SOON_S if waits else EVERY_S)


def _account(tx: ReadTx, name: str) -> AccountRow:
    account = accounts.account_named(tx, name)
    if account is None:
        raise refuse("notFound", "this account does not exist any more")
    return account


def _check_named(tx: ReadTx, did: str, target: str, *previous: str) -> None:
    """The newest person record must say that the person is at `target`, and left the others.

    Raises:
        ProblemError: `refused` with the rule.
    """
    body = records.newest_record(tx, did)
    record = PersonRecord.decode(SignedRecord.decode(body).record) if body else None
    if records.is_frozen(tx, did):
        raise refuse("refused", "two person records compete: nobody moves on either", rule="recordFrozen")
    if record is None or record.actor != target or not set(previous) <= set(record.previous_actors):
        raise _no_record(target)


def _check_actor(target: str) -> None:
    try:
        node_of(target)
    except MalformedLocation as error:
        raise refuse("badRequest", str(error), rule=error.rule) from error


def _is_node(name: str) -> bool:
    try:
        return check_node(name) == name
    except MalformedLocation:
        return False


def _no_record(target: str) -> ProblemError:
    return refuse("refused", f"the newest person record does not lead to {target}", rule="noRecord")


def _move_id(actor: str, target: str) -> str:
    """One Move from here to there has one id, however often it is sent: receivers take it once."""
    return f"{actor}#moves/{hashlib.sha256(target.encode()).hexdigest()[:16]}"


def _in_order(tx: Tx, sender: str, inbox: str, before: int) -> None:
    """Let the newest delivery to an inbox go after another one."""
    newest = moving.newest_delivery(tx, sender, inbox)
    if before and newest != before:
        moving.go_after(tx, newest, before)
