"""Making, opening and removing a vault: which files there are, and with which key.

In the home folder (mode 0700), each file 0600::

    vault.db      SQLCipher; key = Argon2id(passphrase, salt of the header)
    vault.header  salt and cost
    vault.lock    flock of the one engine (yurt.client.service)
    vault.sock    its socket

Nothing of a person is in any other file. ``Vault`` is the facade: a writer and a reader.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self, TypeVar

from sqlcipher3 import dbapi2
from sqlcipher3.dbapi2 import Connection

from yurt.client.errors import NoVault, VaultDamaged, VaultExists, WrongPassphrase
from yurt.client.vault import schema
from yurt.client.vault.passphrase import VaultHeader
from yurt.client.vault.writer import ReaderThread, Unit, Writer

DATABASE: Final = "vault.db"
HEADER: Final = "vault.header"
_FILES: Final = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", HEADER)

T = TypeVar("T")


class Vault:
    """What this person's client keeps."""

    def __init__(self, home: Path, writer: Connection, reader: Connection) -> None:
        self.home = home
        self._writer = Writer(writer)
        self._reader = ReaderThread(reader)

    @classmethod
    def create(cls, home: Path, passphrase: str, *, random: Callable[[int], bytes] = os.urandom) -> Self:
        """Make a new vault; blocks for the stretching of the passphrase.

        Raises:
            VaultExists: There is one.
        """
        if exists(home):
            raise VaultExists(home)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        header = VaultHeader.new(random)
        key = header.key(passphrase)
        # The header goes last: a vault without one does not exist, whatever else lies there.
        remove(home)
        _touch(home / DATABASE)
        vault = cls._connect(home, key)
        _write_private(home / HEADER, header.encode())
        return vault

    @classmethod
    def open(cls, home: Path, passphrase: str) -> Self:
        """Open the vault; blocks for the stretching of the passphrase.

        Raises:
            NoVault: There is none.
            WrongPassphrase: The passphrase does not open it.
            VaultTooNew: A newer release wrote it.
            VaultDamaged: A file is not what we write.
        """
        if not exists(home):
            raise NoVault(home)
        if not (home / DATABASE).exists():
            raise VaultDamaged(f"{DATABASE} is missing")
        header = VaultHeader.decode((home / HEADER).read_bytes())
        return cls._connect(home, header.key(passphrase))

    @classmethod
    def _connect(cls, home: Path, key: bytes) -> Self:
        writer = _connection(home / DATABASE, key)
        try:
            schema.prepare(writer)
            reader = _connection(home / DATABASE, key)
        except BaseException:
            writer.close()
            raise
        reader.execute("PRAGMA query_only = ON")
        return cls(home, writer, reader)

    async def write(self, unit: Unit[T]) -> T:
        """Run a unit of work in one transaction; durable when this returns."""
        return await self._writer.run(unit)

    async def read(self, query: Unit[T]) -> T:
        """Run a query on the last committed state."""
        return await self._reader.run(query)

    def on_rollback(self, hook: Callable[[], None]) -> None:
        """Call `hook` on the writer's thread after each rollback."""
        self._writer.on_rollback(hook)

    async def close(self) -> None:
        """Close; what was begun is finished first."""
        await self._reader.close()
        await self._writer.close()


def exists(home: Path) -> bool:
    """Tell whether there is a vault."""
    return (home / HEADER).exists()


def remove(home: Path) -> None:
    """Remove the vault's files, the header first."""
    for name in reversed(_FILES):
        (home / name).unlink(missing_ok=True)


def _connection(path: Path, key: bytes) -> Connection:
    connection = dbapi2.connect(str(path), isolation_level=None, check_same_thread=False, timeout=10.0)
    try:
        # Else SQLCipher tells a wrong passphrase to standard error by itself, in words for nobody.
        connection.execute("PRAGMA cipher_log_level = NONE")
        # A raw key: the passphrase was stretched already, by Argon2id instead of SQLCipher's PBKDF2.
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except dbapi2.DatabaseError:
        connection.close()
        if path.stat().st_size % 512:
            raise VaultDamaged("its database is cut short") from None
        raise WrongPassphrase from None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


_PRAGMAS: Final = (
    "journal_mode = WAL",
    "synchronous = FULL",  # an acknowledged ratchet step survives a power cut
    "secure_delete = ON",  # consumed secrets are overwritten, not only unlinked
    "temp_store = MEMORY",
    "foreign_keys = ON",
)


def _touch(path: Path) -> None:
    """Make the file ourselves: SQLite would make it readable for others, and its journals copy its mode."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _write_private(path: Path, data: bytes) -> None:
    """Write a 0600 file, whole or not at all."""
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    part.replace(path)
