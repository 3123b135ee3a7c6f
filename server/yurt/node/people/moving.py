"""Carrying out a move of an account away from this node (TRUST 9).

The next person record must name the new actor, and the new actor's document this one; then `movedTo`, the
Update and the Move are one transaction. A rescue is `yurt.node.people.rescuing`, who arrives is counted by
`yurt.node.people.move_watch`.
"""

import contextlib
import hashlib
from collections.abc import Callable
from typing import Final

from yurt.activitypub.delivery import Recipient, plan
from yurt.activitypub.errors import RemoteActivityPubError
from yurt.activitypub.follow import FollowState
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.moves import Move, move_document
from yurt.activitypub.references import write
from yurt.identity.location import MalformedLocation, check_node, node_of
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.fetch import FetchError
from yurt.node.ids import account_at
from yurt.node.limiter import Limiter, Rate
from yurt.node.people.directory import Directory
from yurt.node.people.move_checks import account_of, check_named, move_id_of, put_in_order
from yurt.node.people.moves import Moves
from yurt.node.people.profiles import tell_change
from yurt.node.store import deliveries, moves, moving, outbound, people, records
from yurt.node.store.accounts import AccountRow
from yurt.node.store.deliveries import NewDelivery
from yurt.node.store.outbound import Outbound, OutboundKind
from yurt.node.store.types import Store, Tx
from yurt.wire.command import Done
from yurt.wire.errors import GateError
from yurt.wire.move_commands import MoveAway, SpreadRecord
from yurt.wire.problems import ProblemError, refuse

MAX_NODES: Final = 500
SPREAD_RATE: Final = Rate(burst=5_000, every_s=1.0)
"""Nodes to which one account may have its record brought: all of a large network once, and again."""
_ID_SIZE: Final = 16


class Moving:
    """Moves accounts away from this node."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        limiter: Limiter,
        directory: Directory,
        received: Moves,
        wake_delivery: Callable[[], None],
        wake_node: Callable[[str], None],
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._limiter = limiter
        self._directory = directory
        self._received = received
        self._wake_delivery = wake_delivery
        self._wake_node = wake_node

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {MoveAway.name: self.move_away, SpreadRecord.name: self.spread_record}

    async def move_away(self, context: Context, command: MoveAway) -> Done:
        """Say that the account has moved, and tell its followers."""
        who, target = context.who, command.target
        await self._check_target(who.did, who.actor, target)
        now_ms = self._clock.now_ms()
        move = Move(move_id_of(who.actor, target), who.actor, who.actor, target)

        def unit(tx: Tx) -> bool:
            account = account_of(tx, who.account)
            check_named(tx, who.did, target, who.actor)
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
            put_in_order(tx, account.name, stop.inbox, before[stop.inbox])

    async def spread_record(self, context: Context, command: SpreadRecord) -> Done:
        """Queue the newest own record for nodes; they fetch the new actor by themselves."""
        who, now_ms = context.who, self._clock.now_ms()
        if len(command.nodes) > MAX_NODES:
            raise refuse("tooLarge", f"at most {MAX_NODES} nodes at once", limit=MAX_NODES)
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
