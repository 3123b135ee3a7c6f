"""What can be wrong with a migration, by whose fault it is.

::

    MigrationError
    ├── ScenarioError      the scenario cannot be read or played; names the key
    └── ExtraMissing       the lab's extra is not installed
"""


class MigrationError(Exception):
    """A migration cannot be played."""


class ScenarioError(MigrationError):
    """A scenario says something that cannot be played."""

    def __init__(self, where: str, what: str, line: int = 0) -> None:
        place = ", ".join(filter(None, (where, f"line {line}" if line else "")))
        super().__init__(f"{place}: {what}" if place else what)
        self.where = where
        """The key, as ``population.people``; empty for the file itself."""
        self.what = what
        self.line = line
        """Of the file, from 1; 0: not known."""


class ExtraMissing(MigrationError):
    """A library of the lab's extra is not installed."""

    def __init__(self, library: str) -> None:
        super().__init__(f"{library} is not installed: install Yurt with its extra `lab`")
