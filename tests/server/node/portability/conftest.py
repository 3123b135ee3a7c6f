"""A store with one account."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from yurt.node.portability.testing import Bench, open_bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A store with one account."""
    bench = await open_bench(tmp_path)
    yield bench
    await bench.store.close()
