"""What every command has in common: how it is described, and how it gets an engine."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from yurt.cli.output import Output
from yurt.client.api import EngineApi

CATCH_UP_S: Final = 0.1
CATCH_UP_TRIES: Final = 50
"""Five seconds in all."""


class Command(Protocol):
    """A module of ``commands``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say what it takes."""
        ...

    def run(self, args: argparse.Namespace, output: Output) -> int:
        """Do it; returns the exit code."""
        ...


def with_engine(work: Callable[[EngineApi], Awaitable[int]], *, caught_up: bool = False) -> int:
    """Run something with the engine of this person's vault, wherever it runs.

    Args:
        work: What to do; gives the exit code.
        caught_up: Whether the logs should be read to their heads first, if the node can be reached: a
            command must know the room that somebody brought us into a minute ago.

    Raises:
        ClientError: There is no vault, or it cannot be opened.
        ProblemError: What the engine says.
    """
    return asyncio.run(_with_engine(work, caught_up=caught_up))


async def _with_engine(work: Callable[[EngineApi], Awaitable[int]], *, caught_up: bool) -> int:
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
        if caught_up:
            await _catch_up(engine)
        return await work(engine)
    finally:
        await engine.close()


async def _catch_up(engine: EngineApi) -> None:
    """Wait until every log is live; not long, and not at all once the node proved unreachable."""
    for _ in range(CATCH_UP_TRIES):
        status = await engine.status()
        if status.live or (not status.connected and status.problem) or await engine.sync(CATCH_UP_S):
            return
