"""The commands about people: resolve, follow, unfollow, followers, following."""

from collections.abc import Callable
from typing import Final

from yurt.activitypub.follow import FollowState
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.limiter import RESOLVE_RATE, Limiter
from yurt.node.people.directory import Directory
from yurt.node.people.follow_ends import FollowEnds
from yurt.node.people.move_ends import MoveEnds
from yurt.node.store import accounts, blocks, logs, people, records
from yurt.node.store.accounts import AccountRow
from yurt.node.store.people import FOLLOWER, FOLLOWING, KnownPerson, TieRow
from yurt.node.store.types import ReadTx, Store, Tx
from yurt.wire.command import Done
from yurt.wire.people_commands import (
    Follow,
    Followers,
    Following,
    Person,
    Requests,
    Resolve,
    Tie,
    Ties,
    Unfollow,
)
from yurt.wire.problems import refuse

MAX_PAGE: Final = 200
_SHOWN: Final = (FollowState.PENDING.value, FollowState.ACCEPTED.value)
_ACCEPTED: Final = (FollowState.ACCEPTED.value, FollowState.ACCEPTED.value)


class Follows:
    """Answers what a client asks about people."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        directory: Directory,
        limiter: Limiter,
        wake_delivery: Callable[[], None],
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._directory = directory
        self._limiter = limiter
        self._wake_delivery = wake_delivery

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {
            Resolve.name: self.resolve,
            Follow.name: self.follow,
            Unfollow.name: self.unfollow,
            Followers.name: self.followers,
            Following.name: self.following,
        }

    async def resolve(self, context: Context, command: Resolve) -> Person:
        """Find a person by address."""
        return await self._person(await self._find(context, command.address))

    async def follow(self, context: Context, command: Follow) -> Person:
        """Follow somebody; the answer comes before theirs does."""
        who, person = context.who, await self._find(context, command.address)
        if person.actor == who.actor:
            raise refuse("badRequest", "nobody follows themselves")
        await self._check_unblocked(who.account, person.actor)
        await self._move(who.account, lambda ends, account: ends.follow(account, person))
        return await self._person(person)

    async def unfollow(self, context: Context, command: Unfollow) -> Done:
        """Stop following somebody; works on what is known here, also when their node is gone."""
        who, address = context.who, command.address.removeprefix("@").lower()
        tie = await self._store.read(lambda tx: people.tie_with_address(tx, who.account, address, FOLLOWING))
        if tie is None:
            raise refuse("notFound", f"you do not follow {address[:100]}")

        def move(ends: FollowEnds, account: AccountRow) -> None:
            person = people.person_at(ends.tx, tie.actor)
            if person is not None:
                ends.unfollow(account, person)
                MoveEnds(ends.tx, self._domain, ends.now_ms).veto(account, person.actor)

        await self._move(who.account, move)
        return Done()

    async def followers(self, context: Context, command: Followers) -> Ties:
        """Who follows this account."""
        return await self.ties(context.who.account, FOLLOWER, _ACCEPTED, command)

    async def following(self, context: Context, command: Following) -> Ties:
        """Whom this account follows, or asked to."""
        return await self.ties(context.who.account, FOLLOWING, _SHOWN, command)

    async def _find(self, context: Context, address: str) -> KnownPerson:
        self._limiter.take("resolve", context.who.account, RESOLVE_RATE)
        return await self._directory.find(address)

    async def _check_unblocked(self, account: str, actor: str) -> None:
        def blocked(tx: ReadTx) -> bool:
            kinds = (blocks.BLOCK, blocks.BLOCKED_BY)
            return any(blocks.block_of(tx, account, actor, kind) is not None for kind in kinds)

        if await self._store.read(blocked):
            raise refuse("notAllowed", "you cannot follow them: one of you blocks the other")

    async def _move(self, name: str, move: Callable[[FollowEnds, AccountRow], None]) -> None:
        now_ms = self._clock.now_ms()

        def unit(tx: Tx) -> None:
            account = accounts.account_named(tx, name)
            if account is not None:
                move(FollowEnds(tx, self._domain, now_ms), account)

        await self._store.write(unit)
        self._wake_delivery()

    async def _person(self, person: KnownPerson) -> Person:
        did = person.did
        record = await self._store.read(lambda tx: records.newest_record(tx, did)) if did else b""
        return Person(person.address, person.actor, did, record, person.statement, person.locked)

    async def ties(
        self, account: str, direction: str, states: tuple[str, str], command: Followers | Following | Requests
    ) -> Ties:
        """Answer one page of ties in one of two states."""
        after, limit = _number(command.after), max(1, min(command.limit, MAX_PAGE))

        def query(tx: ReadTx) -> Ties:
            rows = people.ties_page(tx, account, direction, states, after, limit)
            as_of = logs.head(tx, logs.inbox_log(account))
            more = str(rows[-1].person) if len(rows) == limit else ""
            return Ties(tuple(_tie(row) for row in rows), as_of, more)

        return await self._store.read(query)


def _tie(row: TieRow) -> Tie:
    return Tie(row.address, row.actor, row.state, row.since, row.did, row.locked, row.gone)


def _number(after: str) -> int:
    if not after:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) <= 18):
        raise refuse("badRequest", "after is what an earlier page gave as next")
    return int(after)
