"""Keeping the node supplied with one-time key packages of this device (TRUST 6).

100 are kept at the node; below 30 they are refilled. The private halves are in the vault before the node
has the public ones; if the node's answer is lost, the same packages are offered again.
"""

from asyncio import Event
from functools import partial
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.rooms.leaves import SLOW_CLOCK_S
from yurt.client.vault import key_packages
from yurt.mls.framing import MLSMessage
from yurt.mls.key_package_bundle import KeyPackageBundle
from yurt.wire.key_package_commands import KeyPackageCount, PublishKeyPackages
from yurt.wire.registry import KEY_PACKAGE_LIFETIME_S, KEY_PACKAGE_REFILL, MAX_KEY_PACKAGES

BATCH: Final = 20
"""Made and published at once: the first people can add us a moment after we joined."""


async def refill(core: Core, supplied: Event) -> None:
    """Publish key packages if the node runs short of them.

    Args:
        core: The engine's ground.
        supplied: Set as soon as the node has some.

    Raises:
        ProblemError: The node cannot be reached or refuses; the next stream tries again.
    """
    waiting = await core.vault.read(key_packages.unpublished)
    if waiting:
        await _publish(core, waiting)
    count = (await core.session.call(PublishKeyPackages(), KeyPackageCount)).one_time
    if count >= KEY_PACKAGE_REFILL:
        supplied.set()
        return
    while count < MAX_KEY_PACKAGES:
        size = min(BATCH, MAX_KEY_PACKAGES - count)
        made = await core.vault.write(partial(_make, core, size))
        await _publish(core, made)
        supplied.set()
        count += size


def _make(core: Core, count: int, tx: Connection) -> list[bytes]:
    key_packages.drop_expired(tx, core.now_s)
    not_after = core.now_s - SLOW_CLOCK_S + KEY_PACKAGE_LIFETIME_S
    bundles = [core.device.key_package(core.now_s) for _ in range(count)]
    for bundle in bundles:
        key_packages.add(tx, bundle.ref, bundle.encode(), not_after)
    return [bundle.encode() for bundle in bundles]


async def _publish(core: Core, bundles: list[bytes]) -> None:
    packages = tuple(MLSMessage(KeyPackageBundle.decode(bundle).key_package).encode() for bundle in bundles)
    for start in range(0, len(packages), BATCH):
        await core.session.call(PublishKeyPackages(packages[start : start + BATCH]), KeyPackageCount)
    await core.vault.write(key_packages.mark_published)
