"""A clock for tests: it stands still until a test puts it forward."""

from dataclasses import dataclass


@dataclass
class SetClock:
    """Tells the time that a test has set."""

    ms: int = 1_795_000_000_000
    """Milliseconds since 1970: a day in November 2026."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return self.ms

    def now_s(self) -> int:
        """Seconds since 1970."""
        return self.ms // 1000
