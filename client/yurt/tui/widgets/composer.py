"""Where a message is written: Enter sends it, a paste stays one message.

A draft belongs to its room and waits there while another room is open; it is on no disk.
"""

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import TextArea
from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a text is for."""

    kind: Literal["say", "reply", "edit"] = "say"
    item: int = 0
    """Local id of the message that it answers or replaces."""


SAY: Final = Purpose()


class Composer(TextArea):
    """A text that is about to be said."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "send the message"),
        Binding("alt+enter,ctrl+j", "new_line", "a new line in the message"),
        Binding("f4", "edit", "write in $EDITOR"),
        Binding("escape", "leave", "leave the composer"),
    ]
    DEFAULT_CSS = """
    Composer { height: auto; min-height: 3; max-height: 9;
        border: round $foreground 35%; border-title-color: $foreground; padding: 0 1; }
    Composer:focus { border: round $accent; }
    """

    class Submitted(Message):
        """The person wants `text` said."""

        def __init__(self, text: str, purpose: Purpose) -> None:
            super().__init__()
            self.text = text
            self.purpose = purpose

    class EditorWanted(Message):
        """The person wants to write `text` on in an editor of theirs."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The person wants to read."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's word
        super().__init__(
            id=id,
            soft_wrap=True,
            show_line_numbers=False,
            tab_behavior="focus",
            highlight_cursor_line=False,
        )
        self._room = b""
        self._drafts = dict[bytes, str]()
        self._purpose = SAY
        self._aside = ""
        """What was being written before an edit began."""

    def open(self, room: bytes, *, why_not: str = "") -> None:
        """Write for a room from now on; the draft of the last one stays with it.

        Args:
            room: Its id.
            why_not: Why nothing may be said there; empty if it may.
        """
        if room != self._room:
            self.give_up()
            self._drafts[self._room] = self.text
            self._room = room
            self.text = self._drafts.pop(room, "")
            self.move_cursor(self.document.end)
        self.read_only = bool(why_not)
        self.border_subtitle = why_not

    @override
    async def _on_key(self, event: events.Key) -> None:
        # Not by a binding of the screen: that would overtake the letters that wait in this widget's queue,
        # and send half of what somebody types fast.
        if event.key == "enter":
            self.action_submit()
        elif event.key in ("alt+enter", "ctrl+j"):
            self.action_new_line()
        else:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()

    def action_submit(self) -> None:
        """Send what stands there, unless it is only blank."""
        if self.text.strip() and not self.read_only:
            text, purpose = self.text.strip("\n"), self._purpose
            self.text = ""
            self.give_up()
            self.post_message(self.Submitted(text, purpose))

    def action_new_line(self) -> None:
        """Begin a new line."""
        if not self.read_only:
            self.insert("\n")

    def action_edit(self) -> None:
        """Hand the text to an editor."""
        if not self.read_only:
            self.post_message(self.EditorWanted(self.text))

    def begin(self, purpose: Purpose, title: str, text: str | None = None) -> None:
        """Write for a purpose.

        Args:
            purpose: What the next message is for.
            title: Tells the person; may hold words of others, safe to show.
            text: What to begin with, instead of the draft.
        """
        self.give_up()
        self._purpose, self.border_title = purpose, Content(title)
        if text is not None:
            self._aside, self.text = self.text, text
            self.move_cursor(self.document.end)

    def give_up(self) -> None:
        """Write an ordinary message again."""
        if self._purpose.kind == "edit":
            self.text = self._aside
        self._purpose, self._aside, self.border_title = SAY, "", None

    def action_leave(self) -> None:
        """Give up an answer or an edit; else go where one reads."""
        if self._purpose != SAY:
            self.give_up()
        else:
            self.post_message(self.Left())
