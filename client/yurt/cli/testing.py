"""Running ``yurt`` as a script does: in a process of its own, without a terminal; tests only."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from yurt.client.api import EngineApi
from yurt.client.clock import SystemClock
from yurt.client.paths import load_network
from yurt.client.service.connect import connect
from yurt.client.testing import LINK, PASSPHRASE, Town
from yurt.client.testing_waits import until


def environment(town: Town, name: str) -> dict[str, str]:
    """Give what somebody's shell tells a command."""
    secret = town.home(name).parent / f"{name}.passphrase"
    secret.write_text(PASSPHRASE + "\n", encoding="utf-8")
    return {
        **os.environ,
        "YURT_HOME": str(town.home(name)),
        "YURT_NETWORK": str(town.map_file),
        "YURT_PASSPHRASE_FILE": str(secret),
    }


async def yurt(town: Town, name: str, *words: str) -> tuple[int, str, str]:
    """Run a command as somebody; returns its exit code and what it printed."""
    return await run(environment(town, name), *words)


async def run(variables: dict[str, str], *words: str) -> tuple[int, str, str]:
    """Run a command in this environment; returns its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "yurt.cli.main",
        *words,
        env=variables,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def join(town: Town, name: str) -> tuple[int, str, str]:
    """Make somebody's account."""
    phrase = town.home(name).parent / f"{name}.phrase"
    return await yurt(town, name, "join", LINK, name, "--phrase-file", str(phrase), "--json")


@asynccontextmanager
async def at_home(town: Town, *names: str) -> AsyncGenerator[list[EngineApi]]:
    """Let people join, whose engines run here meanwhile: a command of theirs is then a thin client of it."""
    network, clock = load_network(town.map_file), SystemClock()
    engines = list[EngineApi]()
    async with AsyncExitStack() as stack:
        for name in names:
            await town.leave(await town.join(name))
            home = town.home(name)
            engine = await connect(home, passphrase=lambda: PASSPHRASE, network=network, clock=clock)
            stack.push_async_callback(engine.close)
            engines.append(engine)
        yield engines


async def hears(engine: EngineApi, *, removed: bool = False) -> None:
    """Wait until somebody's only room stands so in their vault."""

    async def stands() -> bool:
        return [room.removed for room in await engine.rooms()] == [removed]

    await until(stands)
