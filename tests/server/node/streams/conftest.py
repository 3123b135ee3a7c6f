"""A node with nothing but streams, for each story."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from yurt.node.bus import DeafBus, LocalBus
from yurt.node.streams.testing import Node, streams_only


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with streams_only(tmp_path, LocalBus()) as running:
        yield running


@pytest.fixture
async def deaf_node(tmp_path: Path) -> AsyncIterator[Node]:
    """Its bus loses every hint."""
    async with streams_only(tmp_path, DeafBus()) as running:
        yield running
