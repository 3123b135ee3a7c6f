"""What a front end may ask about people beside `EngineApi`."""

from typing import ClassVar

from yurt.client.api import View
from yurt.client.calls import EngineCall


class KeepOld(EngineCall, frozen=True):
    """Decide that an address still means whom it meant; answered with that `PersonView`."""

    name: ClassVar[str] = "keep_old"

    address: str


class ConfirmRoom(EngineCall, frozen=True):
    """Decide that a room is the one a link was for, though its maker is not there (`Nothing`)."""

    name: ClassVar[str] = "confirm_room"

    room: bytes


class BlockedView(View, frozen=True):
    """Whom this person does not want to hear of, by address, in the order in which they came to it."""

    blocked: tuple[str, ...]
    muted: tuple[str, ...]


class ListBlocked(EngineCall, frozen=True):
    """List whom this person blocks and mutes (`BlockedView`); the own node knows."""

    name: ClassVar[str] = "list_blocked"
