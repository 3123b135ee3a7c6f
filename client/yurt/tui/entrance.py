"""How the terminal client comes to an engine: through the vault of this home, or by making one.

The app knows only the ``Entrance``; it reads no environment and opens no file.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from typing_extensions import override

from yurt.client.api import EngineApi
from yurt.client.clock import Clock
from yurt.client.errors import UsageError, VaultError
from yurt.client.links import check_name, parse_invite
from yurt.wire.network_map import NetworkMap

MIN_PASSPHRASE: Final = 8
"""Characters of a new passphrase; the same as for ``yurt join``."""

KeepWords = Callable[[tuple[str, ...]], None]
"""Shows the 24 words of a new person, before the node is asked."""


class PassphraseNeeded(VaultError):
    """No engine runs for this vault: its passphrase must be typed."""

    def __init__(self) -> None:
        super().__init__("the passphrase of this device is needed")


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What somebody typed who wants to be in."""

    link: str = field(repr=False)
    name: str
    passphrase: str = field(repr=False)

    def check(self, again: str) -> None:
        """Find mistakes of typing before anything is asked.

        Args:
            again: The passphrase, typed a second time.

        Raises:
            UsageError: There is one; the message says which.
        """
        parse_invite(self.link)
        check_name(self.name)
        if len(self.passphrase) < MIN_PASSPHRASE:
            raise UsageError(f"choose a passphrase of at least {MIN_PASSPHRASE} characters")
        if self.passphrase != again:
            raise UsageError("the two passphrases differ")


class Entrance(Protocol):
    """The way in."""

    def inhabited(self) -> bool:
        """Tell whether somebody lives here already, or has begun to."""
        ...

    async def open(self, passphrase: str | None) -> EngineApi:
        """Use the engine of the vault, wherever it runs.

        Args:
            passphrase: What was typed; None if nobody has been asked yet.

        Raises:
            PassphraseNeeded: Somebody must be asked.
            ClientError: The vault cannot be opened.
        """
        ...

    async def join(self, account: NewAccount, keep_words: KeepWords) -> None:
        """Make an account and its vault; after that `open` works.

        Raises:
            ClientError, ProblemError: See ``yurt.client.identity.join``.
        """
        ...


class HomeEntrance(Entrance):
    """The vault in a folder of this machine."""

    def __init__(self, home: Path, network: NetworkMap | None, clock: Clock, given: str | None) -> None:
        """Take where and how.

        Args:
            home: The vault's folder.
            network: The network map, for tests and demos.
            clock: Tells the time.
            given: The passphrase, where nobody is to be asked.
        """
        self._home = home
        self._network = network
        self._clock = clock
        self._given = given

    @override
    def inhabited(self) -> bool:
        """Tell whether there is a vault."""
        from yurt.client.vault.open import exists  # SQLCipher: after the first paint

        return exists(self._home)

    @override
    async def open(self, passphrase: str | None) -> EngineApi:
        """Hold the engine, or use the one that another process holds."""
        from yurt.client.service.connect import connect

        def ask() -> str:
            known = passphrase if passphrase is not None else self._given
            if known is None:
                raise PassphraseNeeded
            return known

        return await connect(self._home, passphrase=ask, network=self._network, clock=self._clock)

    @override
    async def join(self, account: NewAccount, keep_words: KeepWords) -> None:
        """Join, then let go of the vault: `open` holds it like on every other day."""
        from yurt.client.engine import Engine

        engine, _ = await Engine.join(
            self._home,
            account.link,
            account.name,
            account.passphrase,
            network=self._network,
            clock=self._clock,
            keep_phrase=lambda phrase: keep_words(phrase.words),
        )
        await engine.close()
