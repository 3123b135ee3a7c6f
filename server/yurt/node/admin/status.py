"""`status`: how a node stands, read from its folder; it may run or not."""

import shutil
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from yurt.node import config as configuration
from yurt.node.admin.opened import opened_store
from yurt.node.allowances import MIB
from yurt.node.config import NodeConfig
from yurt.node.store.figures import Figures, figures, full_rooms
from yurt.node.store.sqlite import DATABASE_NAME
from yurt.node.store.types import ReadTx
from yurt.wire.registry import MAX_COMMIT_SIZE

_CONNECT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Status:
    """What an operator looks at first."""

    domain: str
    listen: str
    running: bool
    """Whether something takes connections where the node listens."""
    database_bytes: int
    wal_bytes: int
    free_bytes: int
    rooms_full: int
    """Rooms that keep as much as they may, or almost."""
    figures: Figures

    def as_map(self) -> dict[str, object]:
        """Flat, for programs."""
        whole = asdict(self)
        del whole["figures"]
        return whole | asdict(self.figures)


async def node_status(data: Path) -> Status:
    """Look at a node.

    Raises:
        ConfigError, StoreError: there is none, or its database cannot be used.
    """
    config = configuration.load(data)
    async with opened_store(data) as store:
        counted = await store.read(lambda tx: figures(tx, config.domain))
        full = await store.read(lambda tx: rooms_full(tx, config))
    return Status(
        config.domain,
        config.listen,
        is_listening(config),
        size_of(data / DATABASE_NAME),
        size_of(data / f"{DATABASE_NAME}-wal"),
        shutil.disk_usage(data).free,
        full,
        counted,
    )


def rooms_full(tx: ReadTx, config: NodeConfig) -> int:
    """How many rooms are full, or one large entry away from it; 0 without a limit."""
    limit = config.room_mib * MIB - MAX_COMMIT_SIZE
    return full_rooms(tx, limit) if config.room_mib else 0


def is_listening(config: NodeConfig) -> bool:
    """Whether something takes connections at the configured place."""
    unix = bool(config.unix_path)
    place = config.unix_path or config.address
    with socket.socket(socket.AF_UNIX if unix else _family(config)) as probe:
        probe.settimeout(_CONNECT_S)
        return probe.connect_ex(place) == 0


def size_of(path: Path) -> int:
    """Bytes of a file; 0 if there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _family(config: NodeConfig) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in config.address[0] else socket.AF_INET
