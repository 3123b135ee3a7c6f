"""The 24 words, once: written down before anybody goes on, and one of them asked for."""

import secrets

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static
from typing_extensions import override

_CELLS = 16
"""Of one numbered word."""


class Phrase(Screen[None]):
    """Shows the recovery phrase; it ends when a word of it was typed."""

    DEFAULT_CSS = """
    Phrase { align: center middle; }
    Phrase > Vertical { width: 76; max-width: 100%; height: auto; max-height: 100%;
        border: round $accent; padding: 0 1; }
    Phrase VerticalScroll { height: auto; max-height: 12; }
    Phrase #words { text-style: bold; padding: 1 0; }
    Phrase .problem { color: $text-error; }
    """

    def __init__(self, words: tuple[str, ...], asked: int | None = None) -> None:
        """Take the words.

        Args:
            words: All 24.
            asked: Number of the word to be typed, from 1; any, if not given.
        """
        super().__init__()
        self._words = words
        self._asked = asked or secrets.randbelow(len(words)) + 1

    @override
    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "your recovery phrase"
            yield Static(
                Content(
                    "Write these 24 words down, on paper. They are you: with them you can always come back, "
                    "without them nobody can help you. They are shown once and stored nowhere."
                )
            )
            with VerticalScroll():
                yield Static(id="words")
            yield Static(Content(f"Type word {self._asked} to go on:"))
            yield Input(compact=True)
            yield Static(id="problem", classes="problem")

    def on_mount(self) -> None:
        """Begin where one types."""
        self.query_one(Input).focus()

    def on_resize(self) -> None:
        """Set the words in as many columns as there are."""
        columns = max(1, min(4, (self.size.width - 4) // _CELLS))
        for words in self.query("#words").results(Static):  # not there yet, or not any more
            words.update(Content(word_rows(self._words, columns)))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on if the word is right."""
        if event.value.strip().casefold() == self._words[self._asked - 1]:
            self.dismiss(None)
        else:
            self.query_one("#problem", Static).update(Content(f"That is not word {self._asked}."))


def word_rows(words: tuple[str, ...], columns: int) -> str:
    """Number the words, down the columns."""
    height = -(-len(words) // columns)
    numbered = [f"{number:2}. {word:<12}" for number, word in enumerate(words, start=1)]
    return "\n".join("".join(numbered[row::height]).rstrip() for row in range(height))
