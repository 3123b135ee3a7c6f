"""The shape of all small screens: a box over the room, Esc closes it."""

from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """A box over whatever was there; its result is None when it was closed."""

    # At once, before the keys that follow: they are meant for what is below.
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close", priority=True)]
    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > Vertical {
        width: 64; max-width: 100%; height: auto; max-height: 100%;
        border: round $accent; background: $surface; padding: 0 1;
    }
    Dialog .note { color: $text-muted; }
    """

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)
