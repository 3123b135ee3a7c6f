"""What can be wrong with a file that carries somebody's network, and whose fault it is.

::

    PortabilityError
    ├── LocalPortabilityError       our bug: a caller asked for what the formats do not allow
    └── RemotePortabilityError      what came from outside: a file, a peer's bytes, a buddy's copy
        ├── MalformedAddress        not an account address (user@domain)
        ├── CsvError                a CSV that is not read as a whole; single rows are refused, not raised
        ├── RosterError             a roster that is malformed, or that its device did not sign
        ├── KitError                a part of a continuity kit that is malformed, foreign, stale or closed
        ├── KeyChangeError          another actor key that its person did not ask for
        ├── ArchiveError            an archive that is malformed, hostile or changed
        └── PeerTableError          a table of peers that does not say what it must

Each carries ``rule``, a stable camelCase code for programs, and a message for people.
"""


class PortabilityError(Exception):
    """Something about a moving network is wrong."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class LocalPortabilityError(PortabilityError):
    """Our own mistake."""


class RemotePortabilityError(PortabilityError):
    """What came from outside is refused."""


class MalformedAddress(RemotePortabilityError):
    """This is no account address."""

    def __init__(self, why: str) -> None:
        super().__init__("malformedAddress", f"not an account address (user@domain): {why}")


class CsvError(RemotePortabilityError):
    """A CSV cannot be read."""


class RosterError(RemotePortabilityError):
    """A roster cannot be accepted."""


class KitError(RemotePortabilityError):
    """A part of a continuity kit cannot be accepted or opened."""


class KeyChangeError(RemotePortabilityError):
    """Nobody's word, or an old one, for another actor key."""


class ArchiveError(RemotePortabilityError):
    """An archive cannot be accepted."""

    def __init__(self, rule: str, message: str, *, path: str = "") -> None:
        super().__init__(rule, f"{path}: {message}" if path else message)
        self.path = path
        """The file inside the archive, cleaned for showing; empty if it is about the whole."""


class PeerTableError(RemotePortabilityError):
    """A peer table cannot be used."""
