"""One line that tells how it stands: whose client, encryption, epoch, outbox, connection, what is unreadable.

When there is little space, words become short and the less urgent facts go.
"""

from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget
from typing_extensions import override

from yurt.client.api import RoomView, Status
from yurt.tui import shown
from yurt.tui.app_of import app_of
from yurt.tui.colours import warning_colour

BETWEEN: Final = " · "
HELP: Final = "F1 keys"
"""At the right edge, where there is space."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to tell."""

    long: str
    short: str
    urgent: bool = False


def facts(status: Status | None, room: RoomView | None) -> list[Fact]:
    """Say how it stands, the most urgent first."""
    if status is None:
        return [Fact("starting", "starting")]
    found = [_connection(status)]
    waiting = status.outbox
    found.append(Fact(f"outbox {waiting}", f"out {waiting}", urgent=waiting > 0))
    if status.undecryptable:
        found.append(Fact(f"{status.undecryptable} undecryptable", f"?{status.undecryptable}", urgent=True))
    if room is not None:
        found.append(_room(room))
    found.append(Fact(status.address, status.address.partition("@")[0]))
    return found


def _connection(status: Status) -> Fact:
    if not status.connected:
        return Fact(f"offline: {shown.line(status.problem) or 'trying'}", "offline", urgent=True)
    return Fact("connected", "on") if status.live else Fact("catching up", "reading")


def _room(room: RoomView) -> Fact:
    if room.removed:
        return Fact("you were removed from this room", "removed", urgent=True)
    if room.stopped:
        return Fact(f"stopped: {shown.line(room.stopped)}", "stopped", urgent=True)
    return Fact(f"encrypted, epoch {room.epoch}", f"enc e{room.epoch}")


def fitted(found: list[Fact], width: int) -> list[tuple[str, bool]]:
    """Choose words so that they fit: the last facts become short first, then they go."""
    for short in range(len(found) + 1):
        texts = [fact.long for fact in found[: len(found) - short]]
        texts += [fact.short for fact in found[len(found) - short :]]
        if cell_len(BETWEEN.join(texts)) <= width:
            return [(text, fact.urgent) for text, fact in zip(texts, found, strict=True)]
    return fitted(found[:-1], width) if len(found) > 1 else [(found[0].short, found[0].urgent)]


class StateLine(Widget):
    """The state of client and room."""

    DEFAULT_CSS = """
    StateLine { height: 1; background: $panel; color: $text-muted; }
    """

    def __init__(self, *, id: str | None = None, has_help: bool = True) -> None:  # noqa: A002  # Textual's word
        """Make one that says that the client starts.

        Args:
            id: As Textual has it.
            has_help: Whether F1 tells the keys where it stands.
        """
        super().__init__(id=id)
        self._facts = facts(None, None)
        self._help = HELP if has_help else ""

    def show(self, status: Status | None, room: RoomView | None) -> None:
        """Tell how it stands now."""
        now = facts(status, room)
        if now != self._facts:
            self._facts = now
            self.refresh()

    @override
    def render_line(self, y: int) -> Strip:
        width, style = self.size.width, self.rich_style
        warning = Style(bold=True, color=warning_colour(dark=app_of(self).current_theme.dark))
        segments = list[Segment]()
        for text, urgent in fitted(self._facts, max(0, width - 2)):
            segments.append(Segment(BETWEEN if segments else " ", style))
            segments.append(Segment(text, style + warning if urgent else style))
        # Whoever is new here must see where to begin.
        left = width - sum(segment.cell_length for segment in segments) - cell_len(self._help) - 1
        if left > len(BETWEEN):
            segments.append(Segment(" " * left + self._help, style))
        return Strip(segments).adjust_cell_length(width, style)
