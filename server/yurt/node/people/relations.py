"""The commands about who may follow and who is not wanted: lock, requests, accept, reject, block, mute."""

from collections.abc import Callable
from typing import Final

from yurt.activitypub.follow import Event, FollowState
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.limiter import RESOLVE_RATE, Limiter
from yurt.node.people.block_ends import BlockEnds
from yurt.node.people.directory import Directory
from yurt.node.people.follow_ends import FollowEnds
from yurt.node.people.follows import Follows
from yurt.node.people.profiles import tell_change
from yurt.node.store import accounts, blocks, people
from yurt.node.store.accounts import AccountRow
from yurt.node.store.people import FOLLOWER, KnownPerson
from yurt.node.store.types import ReadTx, Store, Tx
from yurt.wire.command import Done
from yurt.wire.people_commands import Accept, Block, Lock, Mute, Reject, Requests, Ties, Unblock, Unmute
from yurt.wire.problems import refuse

_PENDING: Final = (FollowState.PENDING.value, FollowState.PENDING.value)
Change = Callable[[Tx, AccountRow, KnownPerson, int], None]
"""(transaction, account, person, milliseconds since 1970)."""


class Relations:
    """Answers what a client says about who may follow and who is not wanted."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        directory: Directory,
        limiter: Limiter,
        follows: Follows,
        wake_delivery: Callable[[], None],
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._directory = directory
        self._limiter = limiter
        self._follows = follows
        self._wake_delivery = wake_delivery

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {
            Lock.name: self.lock,
            Requests.name: self.requests,
            Accept.name: self.accept,
            Reject.name: self.reject,
            Block.name: self.block,
            Unblock.name: self.unblock,
            Mute.name: self.mute,
            Unmute.name: self.unmute,
        }

    async def lock(self, context: Context, command: Lock) -> Done:
        """Let follows wait for an answer, or accept them at once."""
        name, now_ms = context.who.account, self._clock.now_ms()

        def unit(tx: Tx) -> None:
            account = accounts.account_named(tx, name)
            if account is not None and people.is_locked(tx, name) != command.locked:
                people.set_locked(tx, name, context.who.actor, locked=command.locked)
                tell_change(tx, self._domain, account, now_ms)

        await self._store.write(unit)
        self._wake_delivery()
        return Done()

    async def requests(self, context: Context, command: Requests) -> Ties:
        """Who waits for an answer."""
        return await self._follows.ties(context.who.account, FOLLOWER, _PENDING, command)

    async def accept(self, context: Context, command: Accept) -> Done:
        """Let somebody follow who asked to."""
        return await self._answer(context.who.account, command.address, Event.ACCEPTED)

    async def reject(self, context: Context, command: Reject) -> Done:
        """Let somebody not follow, or not any more."""
        return await self._answer(context.who.account, command.address, Event.REJECTED)

    async def block(self, context: Context, command: Block) -> Done:
        """Have nothing to do with somebody; works on what is known here, also when their node is gone."""

        def change(tx: Tx, account: AccountRow, person: KnownPerson, now_ms: int) -> None:
            BlockEnds(tx, self._domain, now_ms).block(account, person)

        return await self._change(context, command.address, change)

    async def unblock(self, context: Context, command: Unblock) -> Done:
        """Block somebody no longer."""

        def change(tx: Tx, account: AccountRow, person: KnownPerson, now_ms: int) -> None:
            BlockEnds(tx, self._domain, now_ms).unblock(account, person)

        return await self._change(context, command.address, change)

    async def mute(self, context: Context, command: Mute) -> Done:
        """Do not see what somebody posts."""

        def change(tx: Tx, account: AccountRow, person: KnownPerson, now_ms: int) -> None:
            number = people.put_person(tx, person)
            blocks.put_block(tx, account.id, number, blocks.MUTE, "", now_ms // 1000)

        return await self._change(context, command.address, change)

    async def unmute(self, context: Context, command: Unmute) -> Done:
        """See again what somebody posts."""

        def change(tx: Tx, account: AccountRow, person: KnownPerson, _now_ms: int) -> None:
            blocks.drop_block(tx, account.name, person.actor, blocks.MUTE)

        return await self._change(context, command.address, change)

    # --- parts ---------------------------------------------------------------------------------------
    async def _answer(self, name: str, address: str, event: Event) -> Done:
        now_ms, asked = self._clock.now_ms(), address.removeprefix("@").lower()

        def unit(tx: Tx) -> None:
            tie = people.tie_with_address(tx, name, asked, FOLLOWER)
            account = accounts.account_named(tx, name)
            person = people.person_at(tx, tie.actor) if tie else None
            if account is None or person is None:
                raise refuse("notFound", f"{asked[:100]} did not ask to follow you")
            FollowEnds(tx, self._domain, now_ms).answer(account, person, event)

        await self._store.write(unit)
        self._wake_delivery()
        return Done()

    async def _change(self, context: Context, address: str, change: Change) -> Done:
        who, now_ms = context.who, self._clock.now_ms()
        person = await self._person(who.account, address)
        if person.actor == who.actor:
            raise refuse("badRequest", "that is you")

        def unit(tx: Tx) -> None:
            account = accounts.account_named(tx, who.account)
            if account is not None:
                change(tx, account, person, now_ms)

        await self._store.write(unit)
        self._wake_delivery()
        return Done()

    async def _person(self, account: str, address: str) -> KnownPerson:
        """Somebody as known here, else as their node says."""
        asked = address.removeprefix("@").lower()

        def known(tx: ReadTx) -> KnownPerson | None:
            return people.person_called(tx, asked)

        found = await self._store.read(known)
        if found is not None:
            return found
        self._limiter.take("resolve", account, RESOLVE_RATE)
        return await self._directory.find(address)
