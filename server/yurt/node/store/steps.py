"""Every migration of a node's database, in the order in which they are applied.

A table module adds its steps at the end of this list, with the next numbers.
"""

from typing import Final

from yurt.node.store import (
    account_care,
    accounts,
    blocks,
    checkpoints,
    consents,
    deliveries,
    devices,
    domains,
    farewells,
    figures,
    history_blobs,
    jobs,
    join_requests,
    key_packages,
    kits,
    lists,
    logs,
    moves,
    moving,
    outbound,
    people,
    posts,
    public_key_packages,
    records,
    replay,
    rooms,
    said,
)
from yurt.node.store.schema import Step

STEPS: Final[tuple[Step, ...]] = (
    *logs.STEPS,
    *rooms.STEPS,
    *outbound.STEPS,
    *accounts.STEPS,
    *key_packages.STEPS,
    *records.STEPS,
    *replay.STEPS,
    *people.STEPS,
    *deliveries.STEPS,
    *account_care.STEPS,
    *blocks.STEPS,
    *posts.STEPS,
    *figures.STEPS,
    *moves.STEPS,
    *domains.STEPS,
    *public_key_packages.STEPS,
    *farewells.STEPS,
    *join_requests.STEPS,
    *devices.STEPS,
    *lists.STEPS,
    *said.STEPS,
    *jobs.STEPS,
    *kits.STEPS,
    *moving.STEPS,
    *checkpoints.STEPS,
    *history_blobs.STEPS,
    *consents.STEPS,
    *rooms.PROVED,
    *moving.LOOKED_UP,
)
