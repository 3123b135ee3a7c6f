"""`domains block|allow|remove|list|mode`: with which other domains this node has to do, running or not.

A running node notices within a second. Nothing is deleted by a block: what is known of people there stays
hidden and silent, and comes back should the block end.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from yurt.activitypub.domains import Mode
from yurt.node import config as configuration
from yurt.node.admin.opened import opened_store
from yurt.node.clock import Clock
from yurt.node.config import ConfigError
from yurt.node.store import domains
from yurt.node.store.domains import Concerned, DomainRow

MODES: Final = tuple(mode.value for mode in Mode)


@dataclass(frozen=True, slots=True)
class DomainLists:
    """What an operator sees."""

    mode: str
    rows: tuple[DomainRow, ...]


async def list_domains(data: Path) -> DomainLists:
    """Both lists, and which counts."""
    configuration.load(data)
    async with opened_store(data) as store:
        return await store.read(
            lambda tx: DomainLists(domains.mode(tx).value, tuple(domains.domain_rows(tx)))
        )


async def put_domain(data: Path, clock: Clock, domain: str, kind: str, note: str) -> Concerned:
    """Put a domain on a list; tell what that concerns.

    Raises:
        ConfigError: no domain, or the node's own.
    """
    config, name = configuration.load(data), configuration.check_domain(domain.strip().lower())
    if name == config.domain:
        raise ConfigError(f"{name} is this node: nobody shuts themselves out")
    async with opened_store(data) as store:
        row = DomainRow(name, kind, note, clock.now_s())
        await store.write(lambda tx: domains.put_domain(tx, row))
        return await store.read(lambda tx: domains.concerned(tx, name))


async def remove_domain(data: Path, domain: str) -> None:
    """Take a domain off its list.

    Raises:
        ConfigError: it is on none.
    """
    configuration.load(data)
    async with opened_store(data) as store:
        if not await store.write(lambda tx: domains.drop_domain(tx, domain.strip().lower())):
            raise ConfigError(f"{domain} is on no list; see `yurt node domains list`")


async def set_mode(data: Path, mode: str) -> None:
    """Let one list count.

    Raises:
        ConfigError: no such mode.
    """
    configuration.load(data)
    if mode not in MODES:
        raise ConfigError(f"a mode is one of: {', '.join(MODES)}")
    async with opened_store(data) as store:
        await store.write(lambda tx: domains.set_mode(tx, Mode(mode)))
