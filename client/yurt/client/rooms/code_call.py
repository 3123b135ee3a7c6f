"""Asking for the code of a room: digits that its members share in one epoch (TRUST 5)."""

from typing import ClassVar

from yurt.client.api import View
from yurt.client.calls import EngineCall


class RoomCodeView(View, frozen=True):
    """What people in a room read to each other."""

    epoch: int
    """People in different epochs see different digits."""
    digits: str
    """Six groups of five digits."""


class GetRoomCode(EngineCall, frozen=True):
    """Ask for the code of a room in its current epoch."""

    name: ClassVar[str] = "room_code"
    room: bytes
