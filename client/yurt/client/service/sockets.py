"""The socket beside the vault: mode 0600, and only for the same user.

A unix socket's path has room for about 100 bytes. A vault that lies deeper is reached through the folder's
descriptor in ``/proc``, so that the socket is always beside it and never in a folder of others.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from yurt.client.errors import UsageError
from yurt.client.paths import check_private

SOCKET: Final = "vault.sock"
_MOST: Final = 100
_PROC: Final = Path("/proc/self/fd")
_UCRED: Final = struct.Struct("3i")
"""pid, uid, gid: Linux' answer to SO_PEERCRED."""


def listen(home: Path) -> socket.socket:
    """Bind the socket, over a stale one; only the holder of the lock may.

    Raises:
        UsageError: The path is too long for this system.
    """
    (home / SOCKET).unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The mask is the process's: nothing else may run between, so this is not for threads of ours.
    before = os.umask(0o177)
    try:
        with _reachable(home) as path:
            listening.bind(path)
    except BaseException:
        listening.close()
        raise
    finally:
        os.umask(before)
    listening.listen(64)
    return listening


def remove(home: Path) -> None:
    """Remove the socket's file."""
    (home / SOCKET).unlink(missing_ok=True)


async def dial(home: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """Connect to the engine that holds the vault; None if nobody answers there.

    Raises:
        UsageError: Others may write into the folder, so it could be anybody who listens there.
    """
    check_private(home)
    if not (home / SOCKET).exists():  # one stat of a local file
        return None
    with _reachable(home) as path:
        try:
            return await asyncio.open_unix_connection(path)
        except (ConnectionError, FileNotFoundError):
            return None


def is_same_user(connection: socket.socket) -> bool:
    """Tell whether the other end runs as this user."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True  # elsewhere the file's mode alone must do
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    _, uid, _ = _UCRED.unpack(data)
    return bool(uid == os.getuid())


@contextmanager
def _reachable(home: Path) -> Generator[str]:
    """Give a path to the socket that is short enough."""
    path = home / SOCKET
    if len(os.fsencode(path)) <= _MOST:
        yield str(path)
        return
    if not _PROC.exists():
        raise UsageError(f"{home} is too long a path for a socket: set YURT_HOME to a shorter one")
    descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"{_PROC}/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)
