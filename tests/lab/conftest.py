"""Worlds for whole modules."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from yurt.lab.world.moulds import Moulds
from yurt.lab.world.town import Town
from yurt.lab.world.world import World


@pytest.fixture(scope="session", autouse=True)
def _cheap(cheap_people: None, patient_clients: None) -> None:
    """A world with many people spends its time on other things than their passphrases, and has much of it."""


@pytest.fixture(scope="session", autouse=True)
def _moulds(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Make the nodes of each name once."""
    World.moulds = Moulds(tmp_path_factory.mktemp("moulds"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Town]:
    """A town that the tests of a module share: each has texts of its own, since claims are few an hour."""
    async with Town.open(tmp_path_factory.mktemp("town")) as town:
        yield town
