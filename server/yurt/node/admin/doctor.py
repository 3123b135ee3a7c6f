"""`doctor`: what is wrong with a node, or soon will be; each check has a code that never changes.

::

    python, sqlite                  versions
    modes                           who else may read the folder, the keys, the database
    disk, wal                       space left; a write-ahead log that is never checkpointed
    database                        opens, and is of this release
    backup, queue, restored         how old the newest backup is; what waits; rooms not asked for yet
    rooms                           rooms that keep as much as they may: `room_mib`
    certificate                     of the listener, where it has one itself
    listening                       something takes connections where the node listens
    dns, ports                      the domain has addresses that others can reach, and connects
    front, webfinger                https://DOMAIN answers as this node, from here
    friend                          a friend node takes this node's signature
    reach                           the friend reaches this node from outside, and it is this one
    clock                           ours beside the friend's

It looks and changes nothing, except that an older database is brought up to date as by every command.
"""

import asyncio
import shutil
import sqlite3
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from yurt.identity.location import MalformedLocation, check_node
from yurt.node import config as configuration
from yurt.node.admin.check import Check, Level
from yurt.node.admin.opened import opened_store
from yurt.node.admin.outside import look_outside
from yurt.node.admin.status import is_listening, rooms_full, size_of
from yurt.node.clock import Clock
from yurt.node.config import ConfigError, Network, NodeConfig
from yurt.node.keys import KEYS_DIRECTORY
from yurt.node.store.figures import RESTORED_AT, Figures, fact, figures
from yurt.node.store.sqlite import DATABASE_NAME
from yurt.node.store.types import StoreError

MIB: Final = 1024 * 1024
_DISK_FAIL: Final = 256 * MIB
_DISK_WARN: Final = 2048 * MIB
_WAL_WARN: Final = 256 * MIB
_BACKUP_WARN_S: Final = 8 * 86_400
_CERTIFICATE_WARN_S: Final = 14 * 86_400
_QUEUE_WARN: Final = 10_000
_OLDEST_SQLITE: Final = (3, 40, 0)


async def examine(data: Path, clock: Clock, network: Network | None, friend: str = "") -> list[Check]:
    """Run every check.

    Raises:
        ConfigError: there is no node to look at, or the friend is no node's name.
    """
    config = configuration.load(data)
    if friend:
        try:
            check_node(friend)
        except MalformedLocation as error:
            raise ConfigError(f"{friend!r} is no node: {error}") from error
    found = [*_versions(), *await asyncio.to_thread(_folder, data), _certificate(data, config, clock)]
    found += await _database(data, config, clock)
    running = await asyncio.to_thread(is_listening, config)
    found.append(
        Check("listening", "ok", f"something listens on {config.listen}")
        if running
        else Check("listening", "fail", f"nothing listens on {config.listen}: is the node running?")
    )
    return found + await look_outside(data, config, clock, network, friend)


def _versions() -> list[Check]:
    python = ".".join(map(str, sys.version_info[:3]))
    sqlite: Level = "ok" if sqlite3.sqlite_version_info >= _OLDEST_SQLITE else "warn"
    return [
        Check("python", "ok", f"Python {python}"),
        Check("sqlite", sqlite, f"SQLite {sqlite3.sqlite_version}; 3.40 or newer is tested"),
    ]


def _folder(data: Path) -> list[Check]:
    private = [
        data,
        data / KEYS_DIRECTORY,
        *(data / KEYS_DIRECTORY).glob("*"),
        *data.glob(f"{DATABASE_NAME}*"),
    ]
    open_ = [path for path in private if stat.S_IMODE(path.stat().st_mode) & 0o077]
    names = ", ".join(str(path.relative_to(data.parent)) for path in open_)
    free, wal = shutil.disk_usage(data).free, size_of(data / f"{DATABASE_NAME}-wal")
    disk: Level = "fail" if free < _DISK_FAIL else "warn" if free < _DISK_WARN else "ok"
    return [
        Check("modes", "fail", f"others may read {names}: chmod go= them")
        if open_
        else Check("modes", "ok", "only the node's user reads its files"),
        Check("disk", disk, f"{free // MIB} MiB are free"),
        Check("wal", "warn" if wal > _WAL_WARN else "ok", f"the write-ahead log has {wal // MIB} MiB"),
    ]


def _certificate(data: Path, config: NodeConfig, clock: Clock) -> Check:
    if not config.tls_cert:
        return Check("certificate", "skip", "the proxy in front has it")
    from cryptography.x509 import load_pem_x509_certificates

    try:
        first = load_pem_x509_certificates((data / config.tls_cert).read_bytes())[0]
    except (OSError, ValueError, IndexError) as error:
        return Check("certificate", "fail", f"{config.tls_cert} cannot be read: {error}")
    end = first.not_valid_after_utc
    left_s = end.timestamp() - clock.now_s()
    level: Level = "fail" if left_s <= 0 else "warn" if left_s < _CERTIFICATE_WARN_S else "ok"
    return Check("certificate", level, f"valid until {end:%Y-%m-%d}")


async def _database(data: Path, config: NodeConfig, clock: Clock) -> list[Check]:
    try:
        async with opened_store(data) as store:
            counted = await store.read(lambda tx: figures(tx, config.domain))
            restored_at = await store.read(lambda tx: fact(tx, RESTORED_AT))
            full = await store.read(lambda tx: rooms_full(tx, config))
    except StoreError as error:
        return [Check("database", "fail", str(error))]
    restored = Check("restored", "ok", "no room waits for its copies")
    if restored_at:
        restored = Check(
            "restored", "warn", "its rooms were not asked for yet: run it, with its peers reachable"
        )
    return [
        Check("database", "ok", "opens, and is of this release"),
        _backup(counted.backup_at, clock.now_s()),
        _queue(counted),
        restored,
        Check("rooms", "warn", f"{full} are full and take nothing more: see room_mib in node.toml")
        if full
        else Check("rooms", "ok", "no room is full"),
    ]


def _backup(backup_at: int, now_s: int) -> Check:
    if not backup_at:
        return Check("backup", "warn", "there was never a backup: `yurt node backup FILE`")
    level: Level = "warn" if now_s - backup_at > _BACKUP_WARN_S else "ok"
    return Check(
        "backup", level, f"the newest is of {datetime.fromtimestamp(backup_at, UTC):%Y-%m-%d %H:%M} UTC"
    )


def _queue(counted: Figures) -> Check:
    waiting = counted.deliveries_waiting + counted.exchanges_waiting
    aside = counted.deliveries_aside + counted.exchanges_aside
    level: Level = "warn" if waiting > _QUEUE_WARN or counted.exchanges_aside else "ok"
    return Check("queue", level, f"{waiting} wait for other nodes, {aside} were set aside")
