"""What every scene of the benchmark is told: where, how often, how much."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

SERVER_CORE: Final = 0
LOAD_CORE: Final = 1


@dataclass(frozen=True, slots=True)
class Setting:
    """One run."""

    folder: Path
    quick: bool
    """One repetition of each, and less of it."""
    rows: frozenset[str]
    """The rows that are wanted."""
    full: bool = False
    """What takes very long in its full size: ten minutes of load, 20,000 messages, 100,000 deliveries."""

    @property
    def times(self) -> int:
        """Repetitions."""
        return 1 if self.quick else 3

    def wants(self, *rows: str) -> bool:
        """Whether any of these rows is wanted."""
        return not self.rows.isdisjoint(rows)

    def less(self, full: int) -> int:
        """How much of something, in this run."""
        return full // 4 if self.quick else full
