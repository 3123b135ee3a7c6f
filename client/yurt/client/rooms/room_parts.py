"""The engine's parts that follow a room beside its log: what is settled, who has read, what was before."""

from yurt.client.calls import EngineCalls
from yurt.client.consent.part import Consent
from yurt.client.core import Core
from yurt.client.history.asked import AskedHistory
from yurt.client.history.keeper import History
from yurt.client.outbox import Outbox
from yurt.client.people import People
from yurt.client.rooms.commit import Committer
from yurt.client.rooms.naming import Naming
from yurt.client.rooms.places import Places
from yurt.client.rooms.reading import Reading
from yurt.client.settled.keeper import Settling


class RoomParts:
    """Puts them together; decides nothing."""

    def __init__(
        self, core: Core, outbox: Outbox, places: Places, people: People, committer: Committer
    ) -> None:
        self._settling = Settling(core, places)
        self._reading = Reading(core, outbox)
        self._history = History(core, outbox)
        self._consent = Consent(core, people, committer)
        self._naming = Naming(core, outbox)
        self._asked = AskedHistory(core, people, committer, self._history.live)

    def calls(self) -> EngineCalls:
        """What is answered here."""
        return {
            **self._reading.calls(),
            **self._naming.calls(),
            **self._consent.calls(),
            **self._asked.calls(),
        }

    def live(self, room: bytes | None) -> None:
        """Hear that a room has been read to its head; None is the inbox."""
        self._settling.live(room)
        self._reading.look(room)
        self._history.live(room)
        self._consent.live(room)

    def ring(self, room: bytes) -> None:
        """Hear that the node has something about a room."""
        self._consent.ring(room)

    def read(self, room: bytes) -> None:
        """Hear that the person has read on."""
        self._reading.look(room)

    async def close(self) -> None:
        """End."""
        await self._settling.close()
        await self._reading.close()
        await self._history.close()
        await self._consent.close()
