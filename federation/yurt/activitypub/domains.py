"""With which other domains a node has to do: a list of those that are blocked, or of those that are allowed.

    rules = DomainRules(mode=Mode.OPEN, blocked=frozenset({"bad.example"}))
    rules.refuses("media.bad.example")            # "domainBlocked"

A block covers every name beneath it, as Mastodon's does; what is allowed is exactly one name. Whatever the
lists say, a node never refuses itself.
"""

import enum
from dataclasses import dataclass
from typing import Final

BLOCKED: Final = "domainBlocked"
NOT_ALLOWED: Final = "domainNotAllowed"


class Mode(enum.Enum):
    """Which list counts; the values are stored."""

    OPEN = "open"
    """Everybody but who is blocked."""
    ALLOWLIST = "allowlist"
    """Nobody but who is allowed, and is not blocked."""


@dataclass(frozen=True, slots=True)
class DomainRules:
    """What an operator decided."""

    node: str
    """The own domain."""
    mode: Mode = Mode.OPEN
    blocked: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()

    def refuses(self, host: str) -> str:
        """Give the code of the rule that keeps a domain out; empty if none does.

        Args:
            host: A lower-case DNS name.
        """
        if host == self.node:
            return ""
        if any(name in self.blocked for name in _covering(host)):
            return BLOCKED
        return NOT_ALLOWED if self.mode is Mode.ALLOWLIST and host not in self.allowed else ""


def _covering(host: str) -> list[str]:
    """The name itself and every name above it: `a.b.example`, `b.example`, `example`."""
    labels = host.rstrip(".").split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]
