"""People of a world: each a real client engine with a home of their own, in the lab's process.

A person does what a front end does, through the same `EngineApi`; what is added here only waits: until a
line is there, until a room is there. Nothing sleeps longer than it must, and nothing waits for ever::

    ana = await Person.join("ana", link, home, map_file)
    room = await ana.engine.create_room("harbour watch")
    await bo.reads(room.room, "hello")
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final, Self, TypeVar

import msgspec

from yurt.client.api import RoomView, TimelineItem
from yurt.client.clock import SystemClock
from yurt.client.engine import Engine
from yurt.client.paths import load_network
from yurt.client.vault.passphrase import login_key
from yurt.lab.world.process import NodeFailed, NodeProcess
from yurt.wire.account_commands import Login, SignedIn

T = TypeVar("T")

PASSPHRASE: Final = "a lab has no secrets"  # noqa: S105  # of people who do not exist
PATIENCE_S: Final = 120.0
"""How long anybody waits for something that should take milliseconds; a world under load is slow."""
_FIRST_LOOK_S: Final = 0.02
_LOOK_S: Final = 0.4
"""Later: a node answers a person only so often."""


class NeverHappened(AssertionError):
    """Somebody waited in vain; the message says what they saw instead."""


@dataclass(slots=True)
class Person:
    """Somebody with an account."""

    name: str
    home: Path
    map_file: Path
    engine: Engine
    phrase: str = field(repr=False)

    @property
    def address(self) -> str:
        """``name@node``, from the home that the world made."""
        return self.home.name

    @classmethod
    async def join(cls, name: str, link: str, home: Path, map_file: Path) -> Self:
        """Join a node by an account invite; return the person with a running engine."""
        engine, phrase = await Engine.join(
            home,
            link,
            name,
            PASSPHRASE,
            network=load_network(map_file),
            clock=SystemClock(map_file),
            keep_phrase=_keep_nothing,
        )
        return cls(name, home, map_file, engine, phrase)

    async def reopen(self) -> None:
        """Open the vault again, after `close` or after the engine was lost."""
        self.engine = await Engine.open(
            self.home, PASSPHRASE, network=load_network(self.map_file), clock=SystemClock(self.map_file)
        )

    async def close(self) -> None:
        """Leave."""
        await self.engine.close()

    # --- waiting -----------------------------------------------------------------------------------
    async def reads(self, room: bytes, text: str, *, within: float = PATIENCE_S) -> TimelineItem:
        """Wait until a message of somebody else with this text is in the room.

        Raises:
            NeverHappened: it never came.
        """
        return await self.sees(
            room, lambda item: item.kind == "message" and item.text == text and not item.own, within=within
        )

    async def has(self, room: bytes, text: str, *, within: float = PATIENCE_S) -> TimelineItem:
        """Wait until a message with this text, own or not, has its place in the room.

        Raises:
            NeverHappened: it never had.
        """
        return await self.sees(
            room, lambda item: item.text == text and item.position is not None, within=within
        )

    async def sees(
        self, room: bytes, wanted: Callable[[TimelineItem], bool], *, within: float = PATIENCE_S
    ) -> TimelineItem:
        """Wait for the first line of a room that is wanted.

        Raises:
            NeverHappened: it never came.
        """
        seen: list[str] = []
        try:
            async with asyncio.timeout(within):
                async for item in self.engine.watch(room):
                    if wanted(item):
                        return item
                    seen.append(f"{item.kind} {item.address}: {item.text or item.reason}")
        except TimeoutError:
            pass
        raise NeverHappened(f"{self.name} waited {within:.0f} s and saw only {seen[-20:]}")

    async def enters(self, room: bytes, *, within: float = PATIENCE_S) -> RoomView:
        """Wait until this person is in a room.

        Raises:
            NeverHappened: no Welcome came.
        """

        async def there() -> RoomView | None:
            return next((view for view in await self.engine.rooms() if view.room == room), None)

        return await until(there, f"{self.name} enters the room", within=within)

    async def texts(self, room: bytes) -> list[str]:
        """All messages of a room in the order that this person's screen would show."""
        found: list[TimelineItem] = []
        while page := await self.engine.timeline(room, after=found[-1].item if found else 0):
            found += page
        ordered = sorted(
            (item for item in found if item.kind == "message" and item.position is not None),
            key=lambda item: (item.position.term, item.position.seq) if item.position else (0, 0),
        )
        return [item.text for item in ordered]


async def follow(follower: Person, target: Person) -> None:
    """Let somebody follow somebody; returns when it was accepted, and the target may claim key packages.

    Raises:
        NeverHappened: it was not accepted.
    """

    async def accepted() -> bool:
        ties = await follower.engine.following()
        return any(tie.address == target.address and tie.state == "accepted" for tie in ties)

    await follower.engine.follow(target.address)
    await until(accepted, f"{target.name} accepts that {follower.name} follows")


async def meet(host: Person, *guests: Person, name: str = "harbour watch") -> bytes:
    """Open a room with guests who follow the host; return its id when everybody is in it."""
    room = (await host.engine.create_room(name)).room
    for guest in guests:
        await host.engine.invite(room, guest.address)
        await guest.enters(room)
    return room


async def sign_in(node: NodeProcess, name: str, device_id: bytes) -> str:
    """Sign a device in over the HTTP door, beside its engine; return the token.

    Raises:
        NodeFailed: the node refuses.
    """
    key = await asyncio.to_thread(login_key, PASSPHRASE, name, node.domain)
    login = Login(account=name, login_key=key, device_id=device_id)
    answer = await node.ask("POST", "/api/v1/login", msgspec.json.encode(login))
    if answer.status != HTTPStatus.OK:
        raise NodeFailed(node.domain, f"{name} cannot sign in", answer.body.decode(errors="replace"))
    return msgspec.json.decode(answer.body, type=SignedIn).token


async def until(look: Callable[[], Awaitable[T | None]], what: str, *, within: float = PATIENCE_S) -> T:
    """Look again and again, less and less often, until there is something; return it.

    Raises:
        NeverHappened: there never was.
    """
    loop, rest_s = asyncio.get_running_loop(), _FIRST_LOOK_S
    deadline = loop.time() + within
    while loop.time() < deadline:
        if found := await look():
            return found
        await asyncio.sleep(rest_s)
        rest_s = min(1.1 * rest_s, _LOOK_S)
    raise NeverHappened(f"waited {within:.0f} s in vain: {what}")


def _keep_nothing(_phrase: object) -> None:
    """A lab's people keep their phrase in memory only."""
