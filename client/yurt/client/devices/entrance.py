"""From a folder without a vault to a running engine: linking or restoring, under the folder's lock."""

from collections.abc import Awaitable
from pathlib import Path

from yurt.client.clock import Clock
from yurt.client.engine import Engine
from yurt.client.errors import VaultHeld
from yurt.client.service.lock import VaultLock
from yurt.client.vault import open as vaults
from yurt.client.vault.accounts import Account
from yurt.wire.network_map import NetworkMap


async def enter(
    home: Path, passphrase: str, made: Awaitable[Account], *, network: NetworkMap | None, clock: Clock
) -> Engine:
    """Make the vault and run on it.

    Args:
        home: Its folder.
        passphrase: Opens it.
        made: `new_device.join_by_code` or `new_device.restore`, not begun yet.
        network: The network map.
        clock: The engine's.

    Raises:
        VaultHeld: Another process is at work in this folder.
        ClientError, ProblemError: See `yurt.client.devices.new_device`.
    """
    lock = VaultLock.acquire(home)
    if lock is None:
        raise VaultHeld
    try:
        await made
        return await Engine.open(home, passphrase, network=network, clock=clock, lock=lock)
    except BaseException:
        if vaults.exists(home):
            lock.release()
        else:
            lock.remove()
        raise
