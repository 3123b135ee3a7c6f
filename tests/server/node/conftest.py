"""A town of two nodes for the stories of `yurt.node`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from yurt.lab.world.network import Network
from yurt.node.testing import Town, open_town

NAMES = ("harbour.example", "hilltop.example")


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """harbour.example and hilltop.example, both running."""
    network = Network.make(tmp_path / "network", NAMES)
    for name in NAMES:
        network.write_map(name)
    async with open_town(tmp_path, network, *NAMES) as running:
        yield running


@pytest.fixture
async def harbour(tmp_path: Path) -> AsyncIterator[Town]:
    """harbour.example alone."""
    network = Network.make(tmp_path / "network", NAMES[:1])
    network.write_map(NAMES[0])
    async with open_town(tmp_path, network, NAMES[0]) as running:
        yield running
