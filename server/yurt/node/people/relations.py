"""The commands about who may follow and who is not wanted: lock, requests, accept, reject, block, mute."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from yurt.activitypub.errors import DocumentRefused
from yurt.activitypub.follow import Event, FollowState
from yurt.activitypub.webfinger import Address, parse_address
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.limiter import RESOLVE_RATE, Limiter
from yurt.node.people.directory import Directory
from yurt.node.people.follow_ends import FollowEnds
from yurt.node.people.follows import Follows
from yurt.node.people.keeping_away import KeepingAway
from yurt.node.people.profiles import tell_change
from yurt.node.store import accounts, people, said
from yurt.node.store.accounts import AccountRow
from yurt.node.store.people import FOLLOWER, KnownPerson
from yurt.node.store.types import Store, Tx
from yurt.wire.command import Done
from yurt.wire.people_commands import (
    Accept,
    Block,
    KeptAway,
    Lock,
    Mute,
    Reject,
    Requests,
    Ties,
    Unblock,
    Unmute,
)
from yurt.wire.problems import ProblemError, refuse

_PENDING: Final = (FollowState.PENDING.value, FollowState.PENDING.value)


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

    async def block(self, context: Context, command: Block) -> KeptAway:
        """Have nothing to do with somebody; always possible, whatever has become of their node."""
        return await self._keep_away(context, said.BLOCK, command.address)

    async def unblock(self, context: Context, command: Unblock) -> Done:
        """Block somebody no longer."""
        return await self._let_near(context, said.BLOCK, command.address)

    async def mute(self, context: Context, command: Mute) -> KeptAway:
        """Do not see what somebody posts."""
        return await self._keep_away(context, said.MUTE, command.address)

    async def unmute(self, context: Context, command: Unmute) -> Done:
        """See again what somebody posts."""
        return await self._let_near(context, said.MUTE, command.address)

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

    async def _keep_away(self, context: Context, kind: str, text: str) -> KeptAway:
        asked, known = await self._known(text)
        person = known or await self._meant(context, kind, asked)
        if person is None:
            return KeptAway(met=False)
        if person.actor == context.who.actor:
            raise refuse("badRequest", "that is you")
        await self._write(context, partial(_begin, kind, person, str(asked)))
        return KeptAway()

    async def _let_near(self, context: Context, kind: str, text: str) -> Done:
        asked, person = await self._known(text)
        await self._write(context, lambda ends, account: ends.end(account, kind, person, str(asked)))
        return Done()

    async def _write(self, context: Context, change: Callable[[KeepingAway, AccountRow], None]) -> None:
        name, now_ms = context.who.account, self._clock.now_ms()

        def unit(tx: Tx) -> None:
            account = accounts.account_named(tx, name)
            if account is not None:
                change(KeepingAway(tx, self._domain, now_ms), account)

        await self._store.write(unit)
        self._wake_delivery()

    async def _known(self, text: str) -> tuple[Address, KnownPerson | None]:
        """Read an address; with whoever is known by it here.

        Raises:
            ProblemError: `badRequest`: it is none.
        """
        try:
            asked = parse_address(text)
        except DocumentRefused as error:
            raise refuse("badRequest", str(error), rule=error.rule) from error
        key = str(asked).lower()
        return asked, await self._store.read(lambda tx: people.person_called(tx, key))

    async def _meant(self, context: Context, kind: str, asked: Address) -> KnownPerson | None:
        """Keep it for an address that is not known here, then ask who that is; None if nobody can say.

        Raises:
            ProblemError: `notFound`: it would be here, where nobody is called so; `tooMany`.
        """
        self._limiter.take("resolve", context.who.account, RESOLVE_RATE)
        if asked.node == self._domain:
            return await self._directory.find(str(asked))
        # It holds before anybody is asked: that may take long, and may fail.
        await self._write(context, lambda ends, account: ends.intend(account, kind, str(asked)))
        with suppress(ProblemError):
            return await self._directory.find(str(asked))
        return None


def _begin(kind: str, person: KnownPerson, asked: str, ends: KeepingAway, account: AccountRow) -> None:
    ends.begin(account, kind, person, asked)
