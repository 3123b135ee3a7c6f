"""What the command line prints: sentences for people, or one JSON object a line for programs.

Results go to standard output, errors to standard error: one line that says what to do, and an exit code of
docs/exit-codes.md. Text that came from other people is cleaned before a terminal sees it; JSON is pure
ASCII, so it needs no cleaning.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any, TextIO

Json = Mapping[str, Any]
"""One object, for programs; bytes become hexadecimal."""


class Output:
    """Where a command's results go."""

    def __init__(self, *, as_json: bool, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.as_json = as_json
        self._out = out or sys.stdout
        self._err = err or sys.stderr

    def show(self, value: Json, line: str) -> None:
        """Print one result: `value` for programs, `line` for people."""
        self._write(self._out, dumps(value) if self.as_json else clean(line))

    def note(self, line: str) -> None:
        """Tell people something on the side; programs do not need it."""
        if not self.as_json:
            self._write(self._err, clean(line))

    def confirm(self, line: str) -> None:
        """Tell a person at a terminal that it was done; where nobody sits, silence says so."""
        if self._err.isatty():
            self.note(line)

    def secret(self, line: str) -> None:
        """Show a person something that only the terminal may see."""
        self._write(self._err, line)

    def fail(self, code: str, message: str) -> None:
        """Print the one line of an error."""
        if self.as_json:
            self._write(self._err, dumps({"error": code, "message": message}))
        else:
            self._write(self._err, f"yurt: {clean(message)}")

    @staticmethod
    def _write(stream: TextIO, line: str) -> None:
        stream.write(line + "\n")
        stream.flush()


def dumps(value: Json) -> str:
    """Write one JSON object on one line, pure ASCII."""
    return json.dumps(value, default=_hex, separators=(", ", ": "))


def clean(text: str) -> str:
    """Make text safe for a terminal, line breaks kept."""
    from yurt.wire.sanitise import clean_body  # unicode tables: only when something is printed

    return clean_body(text)


def _hex(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(type(value).__name__)
