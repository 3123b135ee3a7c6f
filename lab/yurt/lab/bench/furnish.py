"""Devices and readers for a stopped node: written into its database, as joining and commits would write them.

A hundred rooms and ten thousand streams need thousands of devices. Making each by its own join would take an
hour and measure nothing: what a stream costs does not depend on how its device came to be.
"""

import contextlib
import hashlib
import os
import secrets
import sqlite3
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final

_DEVICE_ID_SIZE: Final = 32
_FOR_EVER: Final = 2**40


@contextlib.contextmanager
def _database(data: Path) -> Generator[sqlite3.Connection]:
    (file,) = data.glob("*.db")
    with contextlib.closing(sqlite3.connect(file)) as base, base:
        yield base


def allow_connections(data: Path, count: int) -> None:
    """Let a node hold so many connections."""
    with (data / "node.toml").open("a", encoding="utf-8") as settings:
        settings.write(f"max_connections = {count}\n")


def add_readers(data: Path, account: str, rooms: Sequence[bytes], each: int) -> list[list[str]]:
    """Give an account so many more devices in each room; return their tokens, by room."""
    found: list[list[str]] = []
    with _database(data) as base:
        (did,) = base.execute("SELECT did FROM account WHERE name = ?", (account,)).fetchone()
        for room in rooms:
            made = _devices(base, account, each)
            base.executemany(
                "INSERT INTO reader (room, did, device, start_term, start_seq, proved) "
                "VALUES (?, ?, ?, 0, 0, 1)",
                [(room, did, device) for _, device in made],
            )
            found.append([token for token, _ in made])
    return found


def _devices(base: sqlite3.Connection, account: str, count: int) -> list[tuple[str, bytes]]:
    (number,) = base.execute("SELECT id FROM account WHERE name = ?", (account,)).fetchone()
    made = [(secrets.token_urlsafe(32), os.urandom(_DEVICE_ID_SIZE)) for _ in range(count)]
    base.executemany(
        "INSERT INTO device (account, device_id, token_hash, expires_at) VALUES (?, ?, ?, ?)",
        [(number, device, hashlib.sha256(token.encode()).digest(), _FOR_EVER) for token, device in made],
    )
    return made
