"""The room parts of a node on a real store, for tests; who speaks there is the test's own.

harbour = await RoomNode.open(folder, "harbour.example")
await harbour.founded(ana)
receipt = await harbour.append(ana, ana.says("hello"))
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from yurt.node.dispatcher import Caller, Context
from yurt.node.hub.append import RoomHub
from yurt.node.hub.handlers import RoomCommands
from yurt.node.hub.member_copy import MemberCopies
from yurt.node.hub.states import RoomStates
from yurt.node.store import accounts, logs, outbound
from yurt.node.store.accounts import NewAccount, StoredLogin
from yurt.node.store.outbound import OutboundKind
from yurt.node.store.sqlite import SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import Appended as Told
from yurt.node.testing_clock import SetClock
from yurt.rooms.testing import NOW_MS, ROOM_ID
from yurt.wire import exchange
from yurt.wire.exchange import RoomStart, WelcomeDelivery
from yurt.wire.frames import room_log
from yurt.wire.position import START, LogRow, Position
from yurt.wire.problems import refuse
from yurt.wire.room_commands import Append, Appended, CreateRoom

LOG = room_log(ROOM_ID)


class Speaker(Protocol):
    """A participant's one device; `yurt.rooms.testing_participant` has some with real groups."""

    @property
    def name(self) -> str:
        """Of their account."""
        ...

    @property
    def did(self) -> str:
        """Who they are."""
        ...

    @property
    def actor(self) -> str:
        """Their actor URL."""
        ...

    @property
    def device_id(self) -> bytes:
        """Of their device."""
        ...

    def found(self, hub: str) -> bytes:
        """Found the room at a hub; return its first GroupInfo."""
        ...

    def merges(self, accepted_at: int) -> None:
        """Enter the epoch of the own commit."""
        ...

    def joins(self, adding: Append) -> None:
        """Enter the room by the commit that added them."""
        ...


S = TypeVar("S", bound=Speaker)
S_contra = TypeVar("S_contra", bound=Speaker, contravariant=True)


class Host(Speaker, Protocol[S_contra]):
    """A participant who may add another."""

    def adds(self, guest: S_contra) -> Append:
        """Stage the commit that adds somebody."""
        ...


class _NobodyElse:
    """There is no other hub."""

    async def submit(self, hub: str, submission: exchange.Submission) -> Appended:  # noqa: ARG002  # protocol
        raise refuse("hubUnreachable", f"{hub} cannot be reached")


@dataclass
class RoomNode:
    """A node that has nothing but rooms."""

    name: str
    store: SqliteStore
    commits: list[int] = field(default_factory=list[int])
    """How many appends shared each transaction."""

    def __post_init__(self) -> None:
        self.clock = SetClock(NOW_MS)
        self.start_again()

    @classmethod
    async def open(cls, folder: Path, name: str) -> "RoomNode":
        """Start a node with an empty store."""
        commits: list[int] = []

        def count(told: Sequence[Told]) -> None:
            commits.append(len(told))

        return cls(name, await SqliteStore.open(folder / f"{name}.db", STEPS, count), commits)

    def start_again(self) -> None:
        """Forget everything that is only in memory."""
        self.states = RoomStates(self.store)
        self.hub = RoomHub(self.name, self.store, self.states, self.clock)
        self.copies = MemberCopies(self.name, self.store, self.states, self.clock)
        self.commands = RoomCommands(self.name, self.store, self.states, self.clock, self.hub, _NobodyElse())

    async def has(self, who: Speaker) -> None:
        """Give somebody an account."""
        new = NewAccount(who.name, who.did, b"", b"", "", StoredLogin(b"", b"", 0, 0), self.clock.now_s())
        await self.store.write(lambda tx: accounts.add_account(tx, new, ""))

    async def founded(self, founder: Speaker) -> None:
        """Let somebody who lives here found the room."""
        await self.has(founder)
        await self.commands.create(called_by(founder), CreateRoom(founder.found(self.name)))

    async def append(self, who: Speaker, command: Append) -> Appended:
        """Take an entry of somebody.

        Raises:
            ProblemError: it is refused.
        """
        return await self.commands.append(called_by(who), command)

    async def let_in(self, host: Host[S], guest: S) -> Appended:
        """Add somebody; both are then in the new epoch."""
        adding = host.adds(guest)
        receipt = await self.append(host, adding)
        host.merges(receipt.accepted_at)
        guest.joins(adding)
        return receipt

    async def rows(self, after: Position = START) -> list[LogRow]:
        """The room's log."""
        return await self.store.read(lambda tx: logs.after(tx, LOG, after, 1000))

    async def inbox(self, who: Speaker) -> list[WelcomeDelivery]:
        """The Welcomes that somebody got."""
        rows = await self.store.read(lambda tx: logs.after(tx, logs.inbox_log(who.name), START))
        return [msgspec.msgpack.decode(row.body, type=WelcomeDelivery) for row in rows]

    async def sent_to(self, peer: str) -> tuple[list[RoomStart], list[WelcomeDelivery]]:
        """What waits for another node: beginnings of copies, and Welcomes."""
        items = await self.store.read(lambda tx: outbound.waiting(tx, peer))
        kinds = {kind: [item.body for item in items if item.kind is kind] for kind in OutboundKind}
        return (
            [msgspec.msgpack.decode(body, type=RoomStart) for body in kinds[OutboundKind.START]],
            [msgspec.msgpack.decode(body, type=WelcomeDelivery) for body in kinds[OutboundKind.WELCOME]],
        )


def called_by(who: Speaker) -> Context:
    """A call of somebody's device."""
    return Context("", Caller(who.name, who.actor, who.did, who.device_id))
