"""The engine's part for how a room is called: name and topic are content, which no node reads (TRUST 4).

Admins and above may change them; the log's order decides which of two changes stands.
"""

from typing import ClassVar

from sqlcipher3.dbapi2 import Connection

from yurt.client.calls import EngineCall, EngineCalls, Nothing
from yurt.client.core import Core
from yurt.client.outbox import Outbox
from yurt.client.rooms.send import open_room, store_name
from yurt.client.rooms.standing import standing_of
from yurt.client.vault import namings, timeline
from yurt.rooms.common.card import RoomCard
from yurt.rooms.common.errors import ContentError
from yurt.rooms.common.policy import Role
from yurt.wire.problems import refuse


class NameRoom(EngineCall, frozen=True, kw_only=True):
    """Change a room's name or topic (`Nothing`)."""

    name: ClassVar[str] = "name_room"

    room: bytes
    content_id: bytes
    """16 random bytes: asked again, it is said once."""
    called: str | None = None
    """None: as it is."""
    topic: str | None = None


class Naming:
    """Changes names."""

    def __init__(self, core: Core, outbox: Outbox) -> None:
        self._core = core
        self._outbox = outbox

    def calls(self) -> EngineCalls:
        """What is answered here."""
        return {NameRoom: self.name}

    async def name(self, call: NameRoom) -> Nothing:
        """Say it in the room."""
        core = self._core

        def unit(tx: Connection) -> None:
            if timeline.find_content(tx, call.room, core.account.did, call.content_id) is not None:
                return
            found = open_room(tx, call.room)
            if standing_of(core.groups.load(tx, call.room)).role(core.account.did) < Role.ADMIN:
                raise refuse("notAllowed", "only an admin of a room may change how it is called")
            called = found.name if call.called is None else call.called
            topic = found.topic if call.topic is None else call.topic
            try:
                RoomCard(called, topic)
            except ContentError as error:
                raise refuse("badRequest", str(error)) from None
            item = store_name(tx, core.device, found, call.content_id, called, topic)
            namings.note(tx, item, called, topic)

        await core.write(unit)
        self._outbox.kick(call.room)
        return Nothing()
