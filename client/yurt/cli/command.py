"""What every command has in common: how it is described, and how it gets an engine."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from yurt.cli.output import Output
from yurt.client.api import EngineApi


class Command(Protocol):
    """A module of ``commands``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say what it takes."""
        ...

    def run(self, args: argparse.Namespace, output: Output) -> int:
        """Do it; returns the exit code."""
        ...


def with_engine(work: Callable[[EngineApi], Awaitable[int]]) -> int:
    """Run something with the engine of this person's vault, wherever it runs.

    Raises:
        ClientError: There is no vault, or it cannot be opened.
        ProblemError: What the engine says.
    """
    return asyncio.run(_with_engine(work))


async def _with_engine(work: Callable[[EngineApi], Awaitable[int]]) -> int:
    from yurt.cli import secrets
    from yurt.client import paths
    from yurt.client.clock import SystemClock
    from yurt.client.service.connect import connect

    network = paths.network_path()
    engine = await connect(
        paths.home(),
        passphrase=secrets.passphrase,
        network=paths.load_network(network),
        clock=SystemClock(network),
    )
    try:
        return await work(engine)
    finally:
        await engine.close()
