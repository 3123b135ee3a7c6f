"""The database of a node for the length of one command; the node may run or not."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from yurt.node.store.sqlite import DATABASE_NAME, SqliteStore
from yurt.node.store.steps import STEPS


@asynccontextmanager
async def opened_store(data: Path) -> AsyncGenerator[SqliteStore]:
    """Open the database of a data directory, and close it at the end.

    Raises:
        StoreError: it cannot be used.
    """
    store = await SqliteStore.open(data / DATABASE_NAME, STEPS)
    try:
        yield store
    finally:
        await store.close()
