"""`account list|suspend|resume|reset|delete`: what an operator does with accounts, node running or not.

A running node refuses the next request at once, and closes open streams within a second or two
(`accounts.care_watch`).
"""

from pathlib import Path

from yurt.node import config as configuration
from yurt.node.admin.opened import opened_store
from yurt.node.clock import Clock
from yurt.node.config import ConfigError
from yurt.node.people import farewell
from yurt.node.store import account_care
from yurt.node.store.account_care import AccountStanding


async def list_accounts(data: Path, clock: Clock) -> list[AccountStanding]:
    """Every account of the node, by name."""
    configuration.load(data)
    async with opened_store(data) as store:
        return await store.read(lambda tx: account_care.standings(tx, clock.now_s()))


async def suspend_account(data: Path, clock: Clock, name: str) -> None:
    """Sign every device of an account out and let none in.

    Raises:
        ConfigError: no such account.
    """
    configuration.load(data)
    async with opened_store(data) as store:
        _found(await store.write(lambda tx: account_care.suspend(tx, name, clock.now_s())), name)


async def resume_account(data: Path, name: str) -> None:
    """Let a suspended account sign in again.

    Raises:
        ConfigError: no such account.
    """
    configuration.load(data)
    async with opened_store(data) as store:
        _found(await store.write(lambda tx: account_care.resume(tx, name)), name)


async def reset_account(data: Path, name: str) -> str:
    """Sign every device out and forget the login key; return the address that 24 words bring back.

    Raises:
        ConfigError: no such account.
    """
    domain = configuration.load(data).domain
    async with opened_store(data) as store:
        _found(await store.write(lambda tx: account_care.reset(tx, name)), name)
    return f"{name}@{domain}"


async def delete_account(data: Path, clock: Clock, name: str) -> None:
    """Remove an account for ever; its name stays reserved for the same person.

    Raises:
        ConfigError: no such account.
    """
    domain = configuration.load(data).domain
    async with opened_store(data) as store:
        _found(await store.write(lambda tx: farewell.delete_account(tx, domain, name, clock.now_ms())), name)


def _found(found: bool, name: str) -> None:  # noqa: FBT001  # the answer of a unit
    if not found:
        raise ConfigError(f"nobody called {name!r} lives here; see `yurt node account list`")
