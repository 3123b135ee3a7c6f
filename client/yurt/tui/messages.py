"""What screens ask of the app, which alone has the terminal."""

from collections.abc import Callable

from textual.message import Message


class Alert(Message):
    """Something wants the person's attention, wherever they look."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class EditWanted(Message):
    """The person wants to edit `text` in an editor; `done` takes the result."""

    def __init__(self, text: str, done: Callable[[str], None]) -> None:
        super().__init__()
        self.text = text
        self.done = done
