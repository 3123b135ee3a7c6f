"""Finds out, in the background, whether people in rooms live where their leaves say.

The own node is asked about one address after the other, slowly; what it cannot say now is asked again
later. Nothing waits for it: until then the address is shown as not confirmed (`vault.addresses`).
"""

import asyncio
import random
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.api import PersonView
from yurt.client.calls import EngineCalls, Nothing
from yurt.client.core import Core
from yurt.client.errors import ClientError
from yurt.client.outbox import Outbox
from yurt.client.people import People, check_person
from yurt.client.people_calls import ConfirmRoom, KeepOld
from yurt.client.vault import addresses, link_makers, rooms
from yurt.client.vault.accounts import address_of
from yurt.wire.people_commands import Person, Resolve
from yurt.wire.problems import ProblemError

PACE_S: Final = 2.5
"""Between two questions; the first few go at once. The node allows one each 2 s, after 30."""
AT_ONCE: Final = 10
AGAIN_S: Final = 3600.0
"""When what was not confirmed is asked again, sooner after a reconnection."""

_Somebody = tuple[str, str]
"""did and actor."""


class Addresses:
    """Asks the own node."""

    def __init__(self, core: Core, people: People, outbox: Outbox) -> None:
        self._core = core
        self._people = people
        self._outbox = outbox
        self._look = asyncio.Event()
        self._asked: set[_Somebody] = set()
        """Since the last reconnection."""
        self._quick = AT_ONCE
        self._task: asyncio.Task[None] | None = None

    def calls(self) -> EngineCalls:
        """What a front end may ask here."""
        return {KeepOld: self._keep_old, ConfirmRoom: self._confirm_room}

    async def _keep_old(self, call: KeepOld) -> PersonView:
        person = await self._people.keep(call.address)
        for room in await self._core.vault.read(rooms.every):
            self._outbox.kick(room.room)  # what was held back may go now
        return person

    async def _confirm_room(self, call: ConfirmRoom) -> Nothing:
        await self._core.write(lambda tx: link_makers.release(tx, call.room))
        self._outbox.kick(call.room)
        return Nothing()

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="addresses")

    async def close(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def look(self, *, anew: bool = False) -> None:
        """Look who is in the rooms now; `anew` asks again about those who could not be confirmed."""
        if anew:
            self._asked.clear()
            self._quick = AT_ONCE
        self._look.set()

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(AGAIN_S):
                    await self._look.wait()
            except TimeoutError:
                self._asked.clear()
            self._look.clear()
            for somebody in await self._core.vault.read(_doubtful):
                if somebody not in self._asked:
                    await self._ask(*somebody)

    async def _ask(self, did: str, actor: str) -> None:
        self._asked.add((did, actor))
        self._quick -= 1
        if self._quick < 0:
            await asyncio.sleep(PACE_S * random.uniform(1, 1.2))  # noqa: S311  # spreads load
        address, now_ms = address_of(actor), self._core.clock.now_ms()
        try:
            person = await self._core.session.call(Resolve(address), Person)
            if (person.did, person.actor) == (did, actor):
                record = check_person(person, address).signed.encode()
                await self._core.write(lambda tx: _found(tx, did, actor, record, now_ms))
        except (ProblemError, ClientError):
            return  # not confirmed; asked again later


def _doubtful(tx: Connection) -> list[_Somebody]:
    """Everybody in rooms whose address is their own word only."""
    everybody = {pair for room in rooms.every(tx) if room.state != "removed" for pair in room.people}
    return sorted(pair for pair in everybody if pair[1] and _is_doubtful(tx, *pair))


def _is_doubtful(tx: Connection, did: str, actor: str) -> bool:
    return link_makers.is_unmet(tx, did) or not addresses.is_confirmed(tx, did, actor)


def _found(tx: Connection, did: str, actor: str, record: bytes, now_ms: int) -> None:
    """Believe an address; whoever made a link of ours is met by it."""
    addresses.confirm(tx, did, actor, now_ms)
    link_makers.meet(tx, did, actor, record)
