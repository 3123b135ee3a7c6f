"""Two nodes that have nothing but rooms, and people with real groups."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from yurt.node.hub.testing import RoomNode
from yurt.rooms.testing_participant import Participant

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"


@pytest.fixture
async def at_harbour(tmp_path: Path) -> AsyncIterator[RoomNode]:
    """The hub."""
    node = await RoomNode.open(tmp_path, HARBOUR)
    yield node
    await node.store.close()


@pytest.fixture
async def at_hilltop(tmp_path: Path) -> AsyncIterator[RoomNode]:
    """The node of a member."""
    node = await RoomNode.open(tmp_path, HILLTOP)
    yield node
    await node.store.close()


@pytest.fixture
def ana() -> Participant:
    """She lives at the hub."""
    return Participant("ana", HARBOUR, 1)


@pytest.fixture
def bo() -> Participant:
    """He lives at the hub too."""
    return Participant("bo", HARBOUR, 2)


@pytest.fixture
def cy() -> Participant:
    """They live at the member's node."""
    return Participant("cy", HILLTOP, 3)
