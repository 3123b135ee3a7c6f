"""Where an item stands in a log, and how a row of a log travels.

A log is append-only; ``Position(term, seq)`` orders it. ``seq`` goes on through terms (TRUST 4); logs
without a hub (``inbox``, ``timeline``) have term 0. The start of every log is ``Position(0, 0)``: nothing
stands there, reading begins *after* it.
"""

from typing import Final

import msgspec


class Position(msgspec.Struct, frozen=True, order=True):
    """One place in a log; compares by term, then seq."""

    term: int
    seq: int


START: Final = Position(0, 0)
"""Before the first row of any log."""


class LogRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of a log, as stored and as relayed (DESIGN 4).

    ``body`` holds the entry's bytes verbatim: for a room the MLSMessage, never the frame around it; empty
    once erased. ``hash`` is the SHA-256 of the entry, ``chain`` the chain hash up to and with this row
    (empty in logs without a hub). ``accepted_at`` is in milliseconds since 1970.
    """

    position: Position
    kind: int
    accepted_at: int
    hash: bytes
    body: bytes
    chain: bytes = b""
