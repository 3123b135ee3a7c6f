"""What a front end may ask about people beside `EngineApi`."""

from typing import ClassVar

from yurt.client.calls import EngineCall


class KeepOld(EngineCall, frozen=True):
    """Decide that an address still means whom it meant; answered with that `PersonView`."""

    name: ClassVar[str] = "keep_old"

    address: str


class ConfirmRoom(EngineCall, frozen=True):
    """Decide that a room is the one a link was for, though its maker is not there (`Nothing`)."""

    name: ClassVar[str] = "confirm_room"

    room: bytes
