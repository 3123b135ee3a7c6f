"""Copies of rooms: what a member node keeps of a room whose hub is elsewhere, and what it is served.

A copy begins with the state right after the commit that added this node's first participant, and follows
row by row: the chain is checked, commits are judged by the same rules as at the hub, and rows, state and
readers' windows go into one transaction. A gap is not filled by guessing: the answer says up to where the
copy stands, and the hub goes back to there. A row that contradicts the copy stops the room here; one that is
more than a room may keep waits at the hub.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from yurt.identity.leaf import LeafUse
from yurt.identity.location import node_of
from yurt.node.allowances import FULL_RETRY_S, ROOM_FULL, Allowances
from yurt.node.clock import Clock
from yurt.node.hub.keep import move_windows, post_welcome, prove_windows
from yurt.node.hub.problems import no_room, room_problem
from yurt.node.hub.states import RoomStates, stored
from yurt.node.ids import account_at
from yurt.node.limiter import Limiter, Rate
from yurt.node.store import accounts, join_requests, logs, rooms
from yurt.node.store.rooms import STILL
from yurt.node.store.types import ReadTx, StaleHead, Store, Tx
from yurt.rooms.common.chain import entry_hash
from yurt.rooms.common.errors import LogForked, LogGap, Refused, RemoteRoomError
from yurt.rooms.common.room_change import RoomChange
from yurt.rooms.hub.follow import Followed, follow_row
from yurt.rooms.hub.snapshot import decode_snapshot, prove_snapshot
from yurt.rooms.hub.state import HubState
from yurt.wire.exchange import Pull, RoomHave, RoomRows, RoomStart, WelcomeDelivery
from yurt.wire.frames import room_log
from yurt.wire.position import START, LogRow, Position
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import HASH_SIZE, MAX_COMMIT_SIZE, MAX_WELCOME_SIZE, EntryKind

_log = logging.getLogger(__name__)
MAX_SERVED: Final = 500
"""Rows that one pull gets."""
MAX_SERVED_BYTES: Final = 2 * 1024 * 1024
_ID_SIZE: Final = 16
T = TypeVar("T")
WORK_RATE: Final = Rate(burst=120_000, every_s=0.004)
"""Milliseconds of CPU in which the commits of one hub are checked: two minutes at once, then a quarter of a
core. Who is in rooms there learns a little later what was said; everybody else notices nothing."""
WELCOME_RATE: Final = Rate(burst=30, every_s=600.0)
"""Of one room for one account: a person has ten devices, and each is let in once."""


@dataclass(slots=True)
class _Taken:
    """How far a batch of rows could be followed."""

    before: HubState
    after: HubState
    rows: list[LogRow] = field(default_factory=list[LogRow])
    changes: list[tuple[RoomChange, Position]] = field(default_factory=list[tuple[RoomChange, Position]])
    keeps_state: bool = False
    """Whether the public group changed, so that the snapshot is stored too."""
    problem: str = ""


class MemberCopies:
    """Keeps copies of rooms for this node's participants, and serves those of others."""

    def __init__(self, domain: str, store: Store, states: RoomStates, clock: Clock) -> None:
        self._domain = domain
        self._store = store
        self._states = states
        self._clock = clock
        self._locks: defaultdict[bytes, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._full: set[bytes] = set()
        self._limiter = Limiter()
        self.allowances: Allowances | None = None
        """What a room may keep; None: as much as it likes."""

    async def start(self, peer: str, start: RoomStart) -> None:
        """Begin a copy of a room whose hub is `peer`; one that stands already and goes on changes nothing.

        Raises:
            ProblemError: finally refused: the snapshot does not prove itself, or is another hub's.
        """
        state = await self._work(peer, lambda: _read_start(start))
        if state.standing.policy.hub != peer:
            raise refuse("refused", "only a room's hub starts copies of it", rule="wrongHub")
        if not await self._store.read(lambda tx: _is_anybody_here(tx, self._domain, state)):
            raise refuse("refused", "nobody of this node is in that room", rule="notParticipant")
        async with self._locks[state.room_id]:
            known = await self._states.get(state.room_id)
            if known is not None and known.standing.policy.hub != peer:
                raise refuse("refused", "this node knows that room from another hub", rule="wrongHub")
            if known is not None and known.head >= state.head:
                return
            if self.allowances is not None and not await self.allowances.fitting(state.room_id, [start.row]):
                raise refuse("tooMany", "this room is full here", retry_after=FULL_RETRY_S, rule=ROOM_FULL)
            await self._store.write(lambda tx: _keep_start(tx, state, start.row))
            self._states.keep(state)

    async def take(self, peer: str, rows: RoomRows) -> RoomHave:
        """Append rows from the hub; rows that stand already change nothing.

        Returns:
            Up to where the copy stands now, and what is wrong: `unknownRoom`, `gap`, `badChain`, `roomFull`.
        """
        known = await self._known(peer, rows.room)
        if known is None:
            return RoomHave(rows.room, START, "unknownRoom")
        if self._owes(peer):
            return RoomHave(rows.room, known.head)  # nothing was taken: the hub comes again, ever later
        async with self._locks[rows.room]:
            while (state := await self._known(peer, rows.room)) is not None:
                fresh = [row for row in rows.rows if row.position > state.head]
                fits = (
                    len(fresh) if self.allowances is None else await self.allowances.fitting(rows.room, fresh)
                )
                taken = await self._follow(peer, state, rows.rows[: len(rows.rows) - len(fresh) + fits])
                self._tell(peer, rows.room, is_full=fits < len(fresh))
                if fits < len(fresh) and not taken.problem:
                    taken.problem = ROOM_FULL
                try:
                    await self._keep(taken)
                except StaleHead:
                    self._states.drop(rows.room)
                else:
                    return RoomHave(rows.room, taken.after.head, taken.problem)
            return RoomHave(rows.room, START, "unknownRoom")

    async def welcome(self, peer: str, delivery: WelcomeDelivery) -> None:
        """Put a Welcome into the inbox of a local person, once.

        Raises:
            ProblemError: finally refused: not from the room's hub, or for nobody here.
        """
        state = await self._known(peer, delivery.room)
        if state is None:
            raise refuse(
                "refused", "a Welcome comes from the hub of a room that is known here", rule="wrongHub"
            )
        _check_delivery(delivery)
        name = _account(self._domain, state, delivery)
        self._check_rate(delivery, name or "")

        def unit(tx: Tx) -> bool:
            account = accounts.account_named(tx, name) if name else None
            if account is None or account.did != delivery.did:
                return False
            post_welcome(tx, account.name, delivery)
            return True

        if not await self._store.write(unit):
            raise refuse("refused", "the Welcome is for nobody of this node", rule="notParticipant")

    async def serve(self, peer: str, pull: Pull) -> RoomRows:
        """Give a member node rows that it misses, up to where it may read.

        Raises:
            ProblemError: `notFound`, also for a room that is not for this peer.
        """
        limit = max(1, min(pull.limit, MAX_SERVED))
        found = await self._store.read(lambda tx: _serve(tx, peer, pull.room, pull.after, limit))
        if found is None:
            raise no_room()
        return found

    def _check_rate(self, delivery: WelcomeDelivery, account: str) -> None:
        """Take so many Welcomes of one room for one account: they stay until its devices have read them.

        Raises:
            ProblemError: `notAllowed`, for good: only a hub that makes them up sends more.
        """
        try:
            self._limiter.take("welcomes", f"{delivery.room.hex()} {account}", WELCOME_RATE)
        except ProblemError as error:
            problem = error.problem
            raise refuse("notAllowed", f"too many Welcomes of one room: {problem.message}") from None

    def _tell(self, peer: str, room: bytes, *, is_full: bool) -> None:
        """Say once that a copy is full, and once that it goes on."""
        if is_full and room not in self._full:
            self._full.add(room)
            _log.warning("room %s of %s is full here: see room_mib in node.toml", room.hex(), peer)
        elif not is_full and room in self._full:
            self._full.remove(room)
            _log.warning("room %s of %s goes on", room.hex(), peer)

    async def _known(self, peer: str, room: bytes) -> HubState | None:
        """The copy of a room whose hub is this peer."""
        state = await self._states.get(room)
        return state if state is not None and state.standing.policy.hub == peer else None

    async def _follow(self, peer: str, state: HubState, rows: Sequence[LogRow]) -> _Taken:
        now_ms = self._clock.now_ms()
        if any(row.kind in (EntryKind.COMMIT, EntryKind.PROPOSAL) for row in rows):
            return await self._work(peer, lambda: _follow(state, rows, now_ms))
        return _follow(state, rows, now_ms)

    async def _work(self, peer: str, check: Callable[[], T]) -> T:
        """Check commits in a thread, on a peer's account.

        Raises:
            ProblemError: `tooMany`: it has used up its share; or whatever `check` raises.
        """
        self._limiter.take("work", peer, WORK_RATE, cost=0.0)
        spent_s: list[float] = []

        def timed() -> T:
            began = time.thread_time()
            try:
                return check()
            finally:
                spent_s.append(time.thread_time() - began)

        try:
            return await asyncio.to_thread(timed)
        finally:
            self._limiter.spend("work", peer, WORK_RATE, cost=sum(spent_s) * 1000)

    def _owes(self, peer: str) -> bool:
        try:
            self._limiter.take("work", peer, WORK_RATE, cost=0.0)
        except ProblemError:
            return True
        return False

    async def _keep(self, taken: _Taken) -> None:
        """Store what was followed, then keep the state.

        Raises:
            StaleHead: the copy stands elsewhere.
        """
        if not taken.rows:
            return
        room = taken.before.room_id

        def unit(tx: Tx) -> None:
            logs.append(tx, room_log(room), taken.before.head, taken.rows)
            if taken.keeps_state:
                rooms.update(tx, stored(taken.after))
            for change, at in taken.changes:
                move_windows(tx, room, change, at)
                join_requests.end_links(tx, room, change.links_ended)
            prove_windows(tx, taken.after, [change for change, _ in taken.changes])

        await self._store.write(unit)
        self._states.keep(taken.after)
        if self.allowances is not None:
            self.allowances.taken(room, sum(len(row.body) for row in taken.rows))


def _read_start(start: RoomStart) -> HubState:
    """Check that a start proves itself.

    Raises:
        ProblemError: it does not.
    """
    try:
        state = decode_snapshot(start.snapshot)
        prove_snapshot(state, start.row.body, start.group_info)
    except RemoteRoomError as error:
        raise room_problem(error) from error
    row = start.row
    fits = (
        state.room_id == start.room
        and state.head == row.position
        and state.chain == row.chain
        and state.accepted_at == row.accepted_at
        and row.kind == EntryKind.COMMIT
        and entry_hash(row.body) == row.hash
        and len(row.body) <= MAX_COMMIT_SIZE
    )
    if not fits:
        raise refuse(
            "refused", "the row and the snapshot of a start contradict each other", rule="badSnapshot"
        )
    return state


def _keep_start(tx: Tx, state: HubState, row: LogRow) -> None:
    """Store the beginning of a copy; an older copy (everybody here had left) goes on after a hole."""
    if not rooms.insert(tx, stored(state)):
        rooms.update(tx, stored(state))
    room, log = state.room_id, room_log(state.room_id)
    before = logs.head(tx, log)
    logs.append(tx, log, before, [row])
    here = {(one.did, one.device) for one in rooms.windows(tx, room) if one.is_open}
    then = {(str(member.did), member.leaf.device_id) for member in state.standing.people.members}
    rooms.close_windows(tx, room, sorted(here - then), before)
    rooms.open_windows(tx, room, sorted(then - here), row.position)
    made = [m for m in state.standing.people.members if m.leaf.use is LeafUse.ROOM]
    rooms.prove_windows(tx, room, [(m.did, m.leaf.device_id) for m in made])


def _follow(state: HubState, rows: Sequence[LogRow], now_ms: int) -> _Taken:
    taken = _Taken(state, state)
    for row in rows:
        try:
            followed = follow_row(taken.after, row, now_ms)
        except LogGap:
            taken.problem = "gap"
            return taken
        except (LogForked, Refused) as error:
            _log.error("room %s cannot be followed: %s", state.room_id.hex(), error)
            taken.problem = "badChain"
            return taken
        if isinstance(followed, Followed):
            taken.after = followed.state
            taken.rows.append(row)
            taken.keeps_state |= followed.keeps_state
            if followed.change is not None:
                taken.changes.append((followed.change, row.position))
    return taken


def _check_delivery(delivery: WelcomeDelivery) -> None:
    """Take no Welcome that fits into no frame: its device could never read its inbox past it.

    Raises:
        ProblemError: `tooLarge`.
    """
    fits = (
        len(delivery.welcome) <= MAX_WELCOME_SIZE
        and len(delivery.id) == _ID_SIZE
        and len(delivery.chain) == HASH_SIZE
    )
    if not fits:
        raise refuse("tooLarge", f"a Welcome has at most {MAX_WELCOME_SIZE} bytes", limit=MAX_WELCOME_SIZE)


def _is_anybody_here(tx: ReadTx, domain: str, state: HubState) -> bool:
    """Whether an account of this node has a leaf in a room.

    Anybody can write our name into a leaf of their own; their rooms are not ours to keep.
    """
    for member in state.standing.people.members:
        name = account_at(domain, member.leaf.actor)
        account = accounts.account_named(tx, name) if name else None
        if account is not None and account.did == member.did:
            return True
    return False


def _account(domain: str, state: HubState, delivery: WelcomeDelivery) -> str | None:
    """The local account whose device a Welcome is for, as the room's leaf names it."""
    member = state.standing.people.device(delivery.did, delivery.device_id)
    if member is None or node_of(member.leaf.actor) != domain:
        return None
    return account_at(domain, member.leaf.actor)


def _serve(tx: ReadTx, peer: str, room: bytes, after: Position, limit: int) -> RoomRows | None:
    end = dict(rooms.nodes_of(tx, room)).get(peer)
    if end is None:
        return None
    log = room_log(room)
    first = rooms.node_start(tx, room, peer)
    if first is None or after < first:
        return None  # what lies before is not for this peer, as if there were no room
    rows: list[LogRow] = []
    size = 0
    for row in logs.after(tx, log, after, limit):
        size += len(row.body)
        if (end != STILL and row.position > end) or (rows and size > MAX_SERVED_BYTES):
            break
        rows.append(row)
    return RoomRows(room, after, tuple(rows), logs.head(tx, log) if end == STILL else end)
