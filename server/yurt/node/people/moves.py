"""Moves of people elsewhere (and of accounts here that left), as they arrive: kept, decided, carried out.

A Move is kept in the unit that takes its request in, and decided beside: that needs the new actor's
document, whose server may be slow, and the person's record, which may come later (TRUST 9). What cannot be
fetched now is tried again; a restart loses nothing. A new record alone is enough, too: it is looked at as a
Move that the new actor sent.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from yurt.activitypub.errors import RemoteActivityPubError
from yurt.activitypub.moves import (
    CHAIN_S,
    MAX_CHAIN,
    Move,
    MoveDecision,
    MoveEffect,
    Origin,
    Target,
    Verdict,
    after_move,
    decide_move,
)
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.signed_record import SignedRecord, VerifiedRecord, verify_record
from yurt.node.clock import Clock
from yurt.node.fetch import FetchError, FetchRefused
from yurt.node.ids import account_at
from yurt.node.people.directory import Directory
from yurt.node.people.move_ends import MoveEnds, followers_here
from yurt.node.store import blocks, moves, people, records
from yurt.node.store.moves import NOT_DUE, HeardMove
from yurt.node.store.people import KnownPerson
from yurt.node.store.types import ReadTx, Store, StoreError, Tx
from yurt.wire.errors import GateError
from yurt.wire.problems import ProblemError

LOOK_S: Final = 5.0
"""How soon a record that came is looked at, should nobody ring."""
RETRIES_S: Final = (30, 300, 1800, 7200, 21_600, 43_200, 86_400)
"""When a new actor that cannot be fetched is tried again; then the Move is given up."""
PAGE: Final = 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Facts:
    """What was fetched to decide a Move."""

    target: KnownPerson
    origin: KnownPerson | None
    """None if the old actor cannot be fetched: its node may be dead."""


class Moves:
    """Takes Moves in and carries them out."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        directory: Directory,
        wake_delivery: Callable[[], None],
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._directory = directory
        self._wake_delivery = wake_delivery
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with what an earlier run left."""
        self._task = asyncio.create_task(self._run(), name="moves")

    async def stop(self) -> None:
        """End; what is not decided waits in the store."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """Something new waits."""
        self._bell.set()

    async def arrived(self, move: Move, signer: str) -> None:
        """Keep a Move, and see to it soon."""
        now_ms = self._clock.now_ms()
        await self._store.write(lambda tx: hear(tx, move, signer, now_ms))
        self.wake()

    async def heard(self, record: VerifiedRecord) -> None:
        """A record was kept: the unit that kept it has left word, so look now."""
        del record
        self.wake()

    async def look(self) -> None:
        """Decide everything that is due now.

        Raises:
            StoreError: something waits still.
        """
        now_ms = self._clock.now_ms()
        for did in await self._store.read(lambda tx: moves.record_news(tx, PAGE)):
            await self._store.write(partial(_take_news, did=did, now_ms=now_ms))
        for heard in await self._store.read(lambda tx: moves.due_moves(tx, now_ms, PAGE)):
            await self._see_to(heard)

    async def _run(self) -> None:
        while True:
            self._bell.clear()
            try:
                await self.look()
            except StoreError:
                _log.warning("moves could not be seen to; it is tried again")
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._bell.wait()
            except TimeoutError:
                continue

    async def _see_to(self, heard: HeardMove) -> None:
        try:
            target = await self._target(heard.move.target)
            # Without the alias it is no Move, whatever the old actor's document says.
            is_named = heard.move.object in target.also_known_as
            facts = Facts(target, await self._origin(heard.move.object) if is_named else None)
        except (RemoteActivityPubError, GateError, FetchRefused) as error:
            rule = getattr(error, "rule", "badTarget")
            _log.info("a Move is refused: %s", rule)
            await self._store.write(lambda tx: moves.forget_move(tx, heard.id))
            return
        except (FetchError, ProblemError) as error:
            _log.info("a Move waits for its target: %s", type(error).__name__)
            await self._later(heard)
            return
        now_ms = self._clock.now_ms()
        decision = await self._store.write(lambda tx: decide(tx, self._domain, heard, facts, now_ms))
        _log.info("a Move is decided: %s, %s", decision.verdict.value, decision.rule)
        self._wake_delivery()

    async def _later(self, heard: HeardMove) -> None:
        now_ms = self._clock.now_ms()

        def unit(tx: Tx) -> None:
            if heard.tries >= len(RETRIES_S):
                moves.forget_move(tx, heard.id)
            else:
                moves.postpone(tx, heard.id, now_ms + RETRIES_S[heard.tries] * 1000)

        await self._store.write(unit)

    async def _target(self, actor: str) -> KnownPerson:
        """The new actor as it is now.

        Raises:
            FetchRefused, RemoteActivityPubError, GateError: never to be had.
            FetchError, ProblemError: not now.
        """
        if account_at(self._domain, actor) is None:
            return await self._directory.refresh(actor, "move")
        found = await self._store.read(lambda tx: _local(tx, self._domain, actor))
        if found is None:
            raise FetchRefused(f"nobody lives at {actor}")
        return found

    async def _origin(self, actor: str) -> KnownPerson | None:
        """The old actor as its node shows it; None if that is dead, which does not stop a Move."""
        if account_at(self._domain, actor) is not None:
            return await self._store.read(lambda tx: _local(tx, self._domain, actor))
        try:
            return await self._directory.refresh(actor, "move")
        except (FetchError, RemoteActivityPubError, GateError, ProblemError):
            return None


def hear(tx: Tx, move: Move, signer: str, now_ms: int) -> None:
    """Keep a Move until it is decided, if anybody here has to do with who moves.

    What nobody but a stranger says is dropped at once: deciding it would fetch whatever it names.
    """
    if signer != move.actor or move.actor not in (move.object, move.target):
        return
    concerned = followers_here(tx, move.object) or any(
        blocks.blockers_of(tx, move.object, kind) for kind in (blocks.BLOCK, blocks.MUTE)
    )
    if concerned:
        moves.hear(tx, move, signer, now_ms)


def decide(tx: Tx, domain: str, heard: HeardMove, facts: Facts, now_ms: int) -> MoveDecision:
    """Decide a Move with what is known now, and carry it out, in one unit of work."""
    move, now_s = heard.move, now_ms // 1000
    life, kept = moves.move_life(tx, move.object), people.person_at(tx, move.object)
    if kept is None:
        moves.forget_move(tx, heard.id)
        return MoveDecision(Verdict.IGNORE, "unknownActor")
    decision = decide_move(move, heard.signer, _origin_of(tx, kept, facts, now_s), _target_of(facts), now_s)
    after, effects = after_move(life, decision, move.target, now_s)
    ends = MoveEnds(tx, domain, now_ms)
    if after != life:
        moves.put_move_life(tx, move.object, after)
    if MoveEffect.TELL_UNCONFIRMED in effects:
        ends.tell_unconfirmed(kept, move.target)
    if MoveEffect.REFOLLOW in effects:
        # Whoever comes home is at home again: a later Move from there is a new one.
        moves.put_move_life(tx, move.target, replace(moves.move_life(tx, move.target), moved_to=""))
        ends.go_along(kept, facts.target)
    if decision.verdict is Verdict.WAIT:
        moves.postpone(tx, heard.id, NOT_DUE)
    else:
        moves.forget_move(tx, heard.id)
    return decision


def _origin_of(tx: ReadTx, kept: KnownPerson, facts: Facts, now_s: int) -> Origin:
    fetched, life = facts.origin, moves.move_life(tx, kept.actor)
    record = _record(tx, kept.did)
    return Origin(
        id=kept.actor,
        did=kept.did,
        record_actor=record.record.actor if record else "",
        record_frozen=bool(kept.did) and records.is_frozen(tx, kept.did),
        moved_to=fetched.moved_to if fetched else None,
        also_known_as=fetched.also_known_as if fetched else (),
        last_move=life.moved_at,
        followed_to=life.moved_to,
        came_by=moves.came_by(tx, kept.actor, now_s - CHAIN_S, MAX_CHAIN),
    )


def _target_of(facts: Facts) -> Target:
    target = facts.target
    return Target(target.actor, target.also_known_as, target.moved_to, target.did)


def _local(tx: ReadTx, domain: str, actor: str) -> KnownPerson | None:
    """An account as its own document shows it."""
    kept, name = people.person_at(tx, actor), account_at(domain, actor) or ""
    if kept is None:
        return None
    return replace(kept, also_known_as=moves.aliases(tx, name), moved_to=moves.moved_to(tx, name))


def _record(tx: ReadTx, did: str) -> VerifiedRecord | None:
    """The newest record of a person; each was verified when it came in."""
    body = records.newest_record(tx, did) if did else b""
    try:
        return verify_record(SignedRecord.decode(body)) if body else None
    except RemoteIdentityError:
        return None


def _take_news(tx: Tx, did: str, now_ms: int) -> None:
    """A record came: decide what waited for it, and take it as a Move where it names a new actor."""
    moves.take_record_news(tx, did)
    record = _record(tx, did)
    if record is None:
        return
    for actor in moves.actors_of(tx, did):
        moves.wake_moves(tx, actor, now_ms)
        new = record.record.actor
        left = actor != new and actor in record.record.previous_actors
        if left and moves.move_life(tx, actor).moved_to != new:
            hear(tx, Move("", new, actor, new), new, now_ms)
