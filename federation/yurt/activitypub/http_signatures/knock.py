"""Which signature scheme a host is sent: draft-cavage first, RFC 9421 where that was refused (DESIGN 5).

    knock = first_knock(known)
    ... send, signed with knock.scheme ...
    again = second_knock(knock, status)           # None: the answer stands
    known = learn(known, knock, status, now)      # kept for each host, as a value

Some servers answer a scheme that they do not read with 202 and forget it (snac), others with 401
(GoToSocial); so the scheme that everybody reads comes first, and only 400 or 401 makes us try the other.
"""

import enum
from dataclasses import dataclass
from typing import Final

REFUSALS: Final = frozenset({400, 401})
"""What a server answers that cannot read or verify a signature."""
MEMORY_S: Final = 30 * 86_400
"""How long a host is taken to prefer RFC 9421 without having shown it again."""


class Scheme(enum.Enum):
    """A way to sign; the values are stored."""

    CAVAGE = "cavage"
    RFC9421 = "rfc9421"


_OTHER: Final = {Scheme.CAVAGE: Scheme.RFC9421, Scheme.RFC9421: Scheme.CAVAGE}


@dataclass(frozen=True, slots=True)
class KnownScheme:
    """What a host took last."""

    scheme: Scheme = Scheme.CAVAGE
    at: int = 0
    """Seconds since 1970; 0: nothing is known."""


@dataclass(frozen=True, slots=True)
class Knock:
    """One way to send one request."""

    scheme: Scheme
    is_second: bool = False


def first_knock(known: KnownScheme, now: int) -> Knock:
    """Choose how to sign a request to a host."""
    remembered = known.at and now < known.at + MEMORY_S
    return Knock(known.scheme if remembered else Scheme.CAVAGE)


def second_knock(knock: Knock, status: int) -> Knock | None:
    """Choose how to sign the same request once more, at once; None if its answer stands."""
    if knock.is_second or status not in REFUSALS:
        return None
    return Knock(_OTHER[knock.scheme], is_second=True)


def learn(known: KnownScheme, knock: Knock, status: int, now: int) -> KnownScheme:
    """Remember what a host took: only a success teaches anything."""
    return KnownScheme(knock.scheme, now) if 200 <= status < 300 else known
