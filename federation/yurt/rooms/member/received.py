"""What a receiver makes of each message of a leaf: in order, after a hole, a repetition, or a lie.

The hub may drop a message or send it twice; the leaf's own counter and hash, inside the encryption, show
it. Kept per leaf, (did, device), and forgotten when the leaf goes.

    outcome, log = receive(log, plaintext.header, plaintext.content)
    if outcome is Outcome.MISSING: ...   # "3 messages of bo are missing"
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from yurt.rooms.common.content import Header, content_hash


class Outcome(Enum):
    """How a message fits to what this leaf said before."""

    IN_ORDER = auto()
    MISSING = auto()
    """`Receipt.missing` messages between did not arrive; name the number in the timeline."""
    REPEATED = auto()
    """Its number was had already: drop it if (did, content id) is known, else flag it."""
    REWRITTEN = auto()
    """It denies what came before it: show it, and flag it."""


@dataclass(frozen=True, slots=True)
class SenderLog:
    """The last message of a leaf."""

    counter: int
    hash: bytes


FRESH: Final = SenderLog(-1, b"")
"""A leaf that entered while this device was there: its first message must have number 0."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a message was, and the log to keep with it."""

    outcome: Outcome
    log: SenderLog
    missing: int = 0


def receive(log: SenderLog | None, header: Header, content: bytes) -> Receipt:
    """Compare a message with what its leaf said before.

    Args:
        log: What is known of this leaf: `FRESH` if it entered later than this device, None if it was there
            before, so that any number begins it.
        header: The message's.
        content: The content's bytes.
    """
    here = SenderLog(header.counter, content_hash(content))
    if log is None:
        return Receipt(Outcome.IN_ORDER, here)
    if header.counter <= log.counter:
        return Receipt(Outcome.REPEATED, log)
    missing = header.counter - log.counter - 1
    if missing:
        return Receipt(Outcome.MISSING, here, missing)
    fits = header.previous == log.hash
    return Receipt(Outcome.IN_ORDER if fits else Outcome.REWRITTEN, here)
