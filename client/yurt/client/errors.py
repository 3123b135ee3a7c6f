"""What can go wrong before an engine runs, and whose fault it is.

::

    ClientError
    ├── LocalClientError        our bug: a part of the engine used wrongly
    │   └── Closed              used after it was closed
    ├── VaultError              what lies on this machine
    │   ├── NoVault             nobody has joined here
    │   ├── VaultExists         somebody already has
    │   ├── VaultTooNew         written by a newer release
    │   ├── VaultDamaged        unreadable
    │   ├── VaultUnwritable     the disk is full or read-only; nothing of the step was kept
    │   ├── VaultHeld           another process holds it and does not answer
    │   └── WrongPassphrase
    ├── UsageError              what the person typed: a link, an address, an environment variable
    └── Disconnected            the stream, or the engine that holds the vault, went away in the middle

Once an engine runs, whatever a person can act on is a ``yurt.wire.problems.ProblemError`` instead: it has a
code, travels over the service's socket, and ends with the exit code of its kind. Every error here names its
exit code as well. No message holds a passphrase, a key or the text of a message.
"""

from typing import ClassVar

from yurt.wire.problems import (
    EXIT_AUTH,
    EXIT_BUSY,
    EXIT_INTERNAL,
    EXIT_NOT_FOUND,
    EXIT_REFUSED,
    EXIT_UNREACHABLE,
    EXIT_USAGE,
    EXIT_VERSION,
)


class ClientError(Exception):
    """The client cannot go on."""

    exit_code: ClassVar[int] = EXIT_INTERNAL


class LocalClientError(ClientError):
    """Our own mistake."""


class Closed(LocalClientError):
    """It was closed."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the {what} is closed")


class VaultError(ClientError):
    """The vault on this machine cannot be used."""


class NoVault(VaultError):
    """Nobody has joined here."""

    exit_code = EXIT_NOT_FOUND

    def __init__(self, home: object) -> None:
        super().__init__(f"there is no vault in {home}: run `yurt join LINK` first, or set YURT_HOME")


class VaultExists(VaultError):
    """Somebody has already joined here."""

    exit_code = EXIT_REFUSED

    def __init__(self, home: object) -> None:
        super().__init__(f"{home} already holds a vault: set YURT_HOME to another folder for another person")


class VaultTooNew(VaultError):
    """The vault was written by a newer release."""

    exit_code = EXIT_VERSION

    def __init__(self, found: int, known: int) -> None:
        super().__init__(f"the vault has format {found}, this release knows {known}: install a newer yurt")
        self.found = found
        self.known = known


class VaultDamaged(VaultError):
    """A file of the vault is not what we write."""

    exit_code = EXIT_INTERNAL

    def __init__(self, what: str) -> None:
        super().__init__(f"the vault is damaged: {what}")


class VaultUnwritable(VaultError):
    """The disk does not take what must be kept; nothing of the step was kept."""

    exit_code = EXIT_BUSY

    def __init__(self, why: str) -> None:
        super().__init__(f"the vault cannot be written ({why}): is the disk full?")


class VaultHeld(VaultError):
    """Another process holds the vault and does not answer."""

    exit_code = EXIT_BUSY

    def __init__(self) -> None:
        super().__init__("another yurt process holds the vault and does not answer: wait for it or end it")


class WrongPassphrase(VaultError):
    """The passphrase does not open the vault."""

    exit_code = EXIT_AUTH

    def __init__(self) -> None:
        super().__init__("this passphrase does not open the vault: try again")


class UsageError(ClientError):
    """What was asked for cannot be understood; the message says how to ask."""

    exit_code = EXIT_USAGE


class Disconnected(ClientError):
    """The other end went away before it answered; the request may or may not have been done."""

    exit_code = EXIT_UNREACHABLE
