"""One engine per vault: an ``flock`` that ends with its process, however that ends (DESIGN 7).

Two processes on one ratchet would use a key and nonce twice. The lock is on a file of its own, because the
database's files come and go.
"""

import fcntl
import os
from pathlib import Path
from typing import Final, Self

from yurt.client.paths import check_private

LOCK: Final = "vault.lock"


class VaultLock:
    """Held while this process may open the vault."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, home: Path) -> Self | None:
        """Take the lock, or learn at once that somebody else has it.

        Raises:
            UsageError: Others may write into the folder.
        """
        check_private(home)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = home / LOCK
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(path, descriptor)

    def release(self) -> None:
        """Let go; again is no error."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def remove(self) -> None:
        """Let go and remove the file: there is no vault to hold."""
        self._path.unlink(missing_ok=True)
        self.release()
