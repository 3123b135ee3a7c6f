"""Ctrl-K: to a room, or to the room that is shared with a person, by some letters of the name."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input
from typing_extensions import override

from yurt.client.api import RoomView
from yurt.tui.screens.dialogs import Dialog
from yurt.tui.widgets.line_list import Line, LineList
from yurt.tui.widgets.rooms_pane import room_name


class Jump(Dialog[bytes]):
    """Finds a room; its result is the room's id."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "the row above", priority=True),
        Binding("down", "move(1)", "the row below", priority=True),
    ]
    DEFAULT_CSS = """
    Jump LineList { height: 12; }
    """

    def __init__(self, rooms: Sequence[RoomView], me: str) -> None:
        super().__init__()
        self._places = places(rooms, me)

    @override
    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "jump to a room or a person"
            yield Input(placeholder="some letters of the name", compact=True)
            yield LineList(empty="nothing like that")

    def on_mount(self) -> None:
        """Begin with everything."""
        self.query_one(LineList).can_focus = False
        self.query_one(LineList).show_from_top(found(self._places, ""))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what fits."""
        self.query_one(LineList).show_from_top(found(self._places, event.value))

    def on_input_submitted(self) -> None:
        """Take the marked row."""
        self.query_one(LineList).action_choose()

    def on_line_list_chosen(self, event: LineList.Chosen) -> None:
        """Go there."""
        self.dismiss(bytes.fromhex(event.key.partition(" ")[0]))

    def action_move(self, by: int) -> None:
        """Move in the list while typing goes on."""
        self.query_one(LineList).action_move(by)


def places(rooms: Sequence[RoomView], me: str) -> list[Line]:
    """List where one can go: rooms first, then each person with the smallest room shared with them."""
    lines = [
        Line(room.room.hex(), f"# {room_name(room)}", str(room.unread or ""), bold=bool(room.unread))
        for room in rooms
    ]
    nearest = dict[str, RoomView]()
    for room in sorted(rooms, key=lambda room: len(room.participants)):
        for address in room.participants:
            nearest.setdefault(address, room)
    nearest.pop(me, None)
    people = [Line(f"{room.room.hex()} {address}", f"@ {address}") for address, room in nearest.items()]
    return lines + sorted(people, key=lambda line: line.text)


def found(lines: Sequence[Line], letters: str) -> list[Line]:
    """Give the rows that have the letters: as a beginning, as a part, or in their order."""
    wanted = letters.casefold().strip()
    ranked = [(rank, line) for line in lines if (rank := _rank(line.text[2:].casefold(), wanted)) is not None]
    return [line for _, line in sorted(ranked, key=lambda pair: pair[0])]


def _rank(text: str, wanted: str) -> int | None:
    if text.startswith(wanted):
        return 0
    if wanted in text:
        return 1
    rest = iter(text)
    return 2 if all(letter in rest for letter in wanted) else None
