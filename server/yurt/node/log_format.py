"""How a node writes its log: one line of text or of JSON for each event, and no values of an exception.

What an exception says may quote what it met: a request, a row, a token. So only its class and the places in
the code are written; they are what a report needs. Line breaks cannot make one event look like two.
"""

import json
import logging
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Literal

from typing_extensions import override

LogFormat = Literal["text", "json"]
_TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class TextFormatter(logging.Formatter):
    """One line for people; the places of an exception follow on the same line."""

    def __init__(self) -> None:
        super().__init__(_TEXT)

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Write an event."""
        record.exc_text = None  # whatever another handler cached would hold the values
        return " | ".join(super().format(record).splitlines())

    @override
    def formatException(self, ei: ExcInfo) -> str:
        """Write the class and the places of an exception, and not what it says."""
        return " < ".join(places(ei))


class JsonFormatter(logging.Formatter):
    """One object for programs."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Write an event."""
        event: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            event["exception"] = places(record.exc_info)
        return json.dumps(event)


def places(ei: ExcInfo) -> list[str]:
    """The class of an exception, then where it was, the innermost place first."""
    kind, _, trace = ei
    if kind is None:
        return []
    frames = reversed(traceback.extract_tb(trace))
    return [kind.__name__, *(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)]


def set_up(log_format: LogFormat) -> None:
    """Write the log of this process to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
