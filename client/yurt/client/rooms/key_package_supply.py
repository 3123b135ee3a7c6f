"""Keeping the node supplied with key packages of this device (TRUST 6).

100 one-time ones are kept at the node; below 30 they are refilled. One last resort package serves when none
is left; it says so itself, and is replaced when it was used, and after 28 days. The private halves are in the
vault before the node has the public ones; if the node's answer is lost, the same packages are offered again.
After a revocation all are made anew: those with the earlier certificate would be believed by nobody.
"""

import random
from asyncio import Event
from functools import partial
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.rooms.leaves import SLOW_CLOCK_S
from yurt.client.vault import key_packages
from yurt.identity.leaf import verify_leaf
from yurt.mls.framing import MLSMessage
from yurt.mls.key_package_bundle import KeyPackageBundle
from yurt.wire.key_package_commands import KeyPackageCount, PublishKeyPackages
from yurt.wire.registry import KEY_PACKAGE_LIFETIME_S, KEY_PACKAGE_REFILL, MAX_KEY_PACKAGES

BATCH: Final = 20
"""Made and published at once: the first people can add us a moment after we joined."""
LOOK_S: Final = (3 * 3600.0, 6 * 3600.0)
"""How often a device that stays connected looks what the node has left: a last resort package that was used
is to be replaced within a day."""


def next_look_s() -> float:
    """Give the seconds until the next look."""
    return random.uniform(*LOOK_S)  # noqa: S311  # spreads load, keeps no secret


async def refill(core: Core, supplied: Event) -> None:
    """Publish key packages if the node runs short of them.

    Args:
        core: The engine's ground.
        supplied: Set as soon as the node has some.

    Raises:
        ProblemError: The node cannot be reached or refuses; the next stream tries again.
    """
    waiting = await core.vault.write(partial(_waiting, core))
    if waiting:
        await _publish(core, waiting)
    held = await core.session.call(PublishKeyPackages(), KeyPackageCount)
    count = held.one_time
    if count >= KEY_PACKAGE_REFILL:
        supplied.set()
    else:
        while count < MAX_KEY_PACKAGES:
            size = min(BATCH, MAX_KEY_PACKAGES - count)
            await _publish(core, await core.vault.write(partial(_make, core, size)))
            supplied.set()
            count += size
    if not held.last_resort:
        await _publish(core, await core.vault.write(partial(_make_last_resort, core)))


def _waiting(core: Core, tx: Connection) -> list[bytes]:
    """Give what the node may not have; what was made under an earlier certificate goes."""
    bundles = [KeyPackageBundle.decode(bundle) for bundle in key_packages.unpublished(tx)]
    seq = core.device.certificate.record_seq
    fresh = [b for b in bundles if verify_leaf(b.key_package.leaf_node).record_seq == seq]
    key_packages.drop(tx, [bundle.ref for bundle in bundles if bundle not in fresh])
    return [bundle.encode() for bundle in fresh]


def _make(core: Core, count: int, tx: Connection) -> list[bytes]:
    key_packages.drop_expired(tx, core.now_s)
    return _keep(core, tx, [core.device.key_package(core.now_s) for _ in range(count)])


def _make_last_resort(core: Core, tx: Connection) -> list[bytes]:
    """Make one; the one before stays here until it ends: Welcomes for it may be on their way."""
    return _keep(core, tx, [core.device.last_resort(core.now_s)])


def _keep(core: Core, tx: Connection, bundles: list[KeyPackageBundle]) -> list[bytes]:
    not_after = core.now_s - SLOW_CLOCK_S + KEY_PACKAGE_LIFETIME_S
    for bundle in bundles:
        key_packages.add(tx, bundle.ref, bundle.encode(), not_after)
    return [bundle.encode() for bundle in bundles]


async def _publish(core: Core, bundles: list[bytes]) -> None:
    packages = tuple(MLSMessage(KeyPackageBundle.decode(bundle).key_package).encode() for bundle in bundles)
    for start in range(0, len(packages), BATCH):
        await core.session.call(PublishKeyPackages(packages[start : start + BATCH]), KeyPackageCount)
    await core.vault.write(key_packages.mark_published)
