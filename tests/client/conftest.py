"""A town with one small node (`yurt.client.testing`)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from yurt.client.testing import Town
from yurt.client.testing_node import HARBOUR, FakeNode
from yurt.lab.world.network import Network


@pytest.fixture(scope="session", autouse=True)
def _cheap(cheap_people: None, patient_clients: None) -> None:
    """No story here is about the cost of a passphrase, or about how long a person would wait."""


def _build(folder: Path) -> Town:
    network = Network.make(folder / "network", [HARBOUR])
    endpoint = network.endpoints[HARBOUR]
    node = FakeNode(endpoint, network.certificate_file(HARBOUR), network.key_file(HARBOUR))
    return Town(folder, network.write_map("town"), node)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """A town whose node runs."""
    town = await asyncio.to_thread(_build, tmp_path)
    await town.node.start()
    yield town
    await town.close()
