"""The rooms of this person, each with what waits to be read: ``3`` messages, ``@1`` of them to them."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message
from typing_extensions import override

from yurt.client.api import RoomView
from yurt.tui.widgets.line_list import Line, LineList

MANY = 999


class RoomsPane(LineList):
    """The list of rooms."""

    BORDER_TITLE = "rooms"
    BINDINGS: ClassVar[list[BindingType]] = []
    DEFAULT_CSS = """
    RoomsPane { width: 26; border: round $foreground 35%; border-title-color: $foreground; padding: 0 0; }
    RoomsPane:focus { border: round $accent; }
    """

    class Opened(Message):
        """A room was chosen."""

        def __init__(self, room: bytes) -> None:
            super().__init__()
            self.room = room

    def show_rooms(self, rooms: Sequence[RoomView], opened: bytes) -> None:
        """Show the rooms as they stand."""
        self.show([room_line(room) for room in rooms], opened=opened.hex())

    @override
    def action_choose(self) -> None:
        if self.chosen:
            self.post_message(self.Opened(bytes.fromhex(self.chosen)))


def room_line(room: RoomView) -> Line:
    """Lay out one room."""
    unread = "" if not room.unread else f"{MANY}+" if room.unread > MANY else str(room.unread)
    mentions = f"@{min(room.mentions, MANY)} " if room.mentions else ""
    closed = "x " if room.removed or room.stopped else ""
    return Line(room.room.hex(), closed + room_name(room), mentions + unread, bold=bool(room.unread))


def room_name(room: RoomView) -> str:
    """Name a room, also one whose name no member has told yet; as it came."""
    return room.name or f"room {room.room.hex()[:8]}"
