"""Links, joining by them, leaving and bans, as one part of the engine: puts the pieces together."""

import asyncio
from collections.abc import Coroutine

from sqlcipher3.dbapi2 import Connection

from yurt.client.calls import EngineCalls, Nothing
from yurt.client.core import Core
from yurt.client.invitations import links
from yurt.client.invitations.answering import Answering
from yurt.client.invitations.calls import (
    Ban,
    EndLink,
    JoinByLink,
    LeaveRoom,
    Links,
    LinkView,
    ListLinks,
    MakeLink,
    Unban,
)
from yurt.client.invitations.departures import Departures
from yurt.client.invitations.joining import Joiner
from yurt.client.invitations.leaving import Leaver
from yurt.client.people import People
from yurt.client.rooms import standing
from yurt.client.rooms.commit import Committer
from yurt.client.vault import people
from yurt.client.vault.accounts import address_of
from yurt.identity.did import Did


class Invitations:
    """Everything about coming into rooms by link, and about going."""

    def __init__(self, core: Core, people: People, committer: Committer) -> None:
        self._core = core
        self._people = people
        self._committer = committer
        self._joiner = Joiner(core)
        self._answering = Answering(core, committer)
        self._leaver = Leaver(core, committer)
        self.departures = Departures(core, committer)
        self._asked: dict[bytes, int] = {}
        self._looks: set[asyncio.Task[None]] = set()

    def calls(self) -> EngineCalls:
        """What a front end may ask of this part."""
        return {
            MakeLink: self._make,
            ListLinks: self._list,
            EndLink: self._end,
            JoinByLink: self._joiner.join,
            LeaveRoom: self._leaver.leave,
            Ban: self._ban,
            Unban: self._unban,
        }

    def live(self, room: bytes | None) -> None:
        """Hear that a room, or the inbox, has been read to its head."""
        if room is None:
            self._joiner.look()
            return
        self._leaver.look(room)
        self._look(self.departures.look(room))
        stream = self._core.session.streams
        if self._asked.get(room) != stream:
            self._asked[room] = stream
            self._answering.look(room)  # once on each stream: who waited while nobody was here

    def ring(self, room: bytes) -> None:
        """Hear that the node has something about a room: somebody asks, or our own request was answered."""
        self._answering.look(room)
        self._joiner.look()

    async def close(self) -> None:
        """Stop everything; the vault knows what is left to do."""
        for task in self._looks:
            task.cancel()
        await asyncio.gather(*self._looks, return_exceptions=True)
        for part in (self._joiner, self._answering, self._leaver, self.departures):
            await part.close()

    def _look(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._looks.add(task)
        task.add_done_callback(self._looks.discard)

    # --- calls --------------------------------------------------------------------------------------
    async def _make(self, call: MakeLink) -> LinkView:
        return await links.make(self._core, self._committer, call)

    async def _list(self, call: ListLinks) -> Links:
        return await links.every(self._core, call)

    async def _end(self, call: EndLink) -> Nothing:
        await links.end(self._core, self._committer, call)
        return Nothing()

    async def _ban(self, call: Ban) -> Nothing:
        did = await self._who(call.room, call.address)
        await standing.ban(self._core, self._committer, call.room, did, call.address)
        return Nothing()

    async def _unban(self, call: Unban) -> Nothing:
        did = await self._who(call.room, call.address)
        await standing.unban(self._core, self._committer, call.room, did, call.address)
        return Nothing()

    async def _who(self, room: bytes, address: str) -> Did:
        """Find who is meant: the pinned person, whoever is in the room, else whoever lives there now."""

        def look(tx: Connection) -> str | None:
            pin = people.by_address(tx, address)
            if pin is not None:
                return pin.did
            here = standing.standing_of(self._core.groups.load(tx, room)).people.members
            return next((str(m.did) for m in here if address_of(m.leaf.actor) == address), None)

        found = await self._core.vault.write(look)
        return Did(found or (await self._people.meet(address)).pin.did)
