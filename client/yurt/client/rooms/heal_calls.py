"""What a front end may ask of the repair of rooms."""

from typing import ClassVar

from yurt.client.calls import EngineCall


class ResyncRoom(EngineCall, frozen=True):
    """Come back into a room from outside, by hand; answered once the room goes on here (`Nothing`)."""

    name: ClassVar[str] = "resync_room"

    room: bytes
