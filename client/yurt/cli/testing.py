"""Running ``yurt`` as a script does: in a process of its own, without a terminal; tests only."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE

from yurt.client.testing import LINK, PASSPHRASE, Town


async def yurt(town: Town, name: str, *words: str) -> tuple[int, str, str]:
    """Run a command as somebody; returns its exit code and what it printed."""
    secret = town.home(name).parent / f"{name}.passphrase"
    secret.write_text(PASSPHRASE + "\n", encoding="utf-8")
    environment = {
        **os.environ,
        "YURT_HOME": str(town.home(name)),
        "YURT_NETWORK": str(town.map_file),
        "YURT_PASSPHRASE_FILE": str(secret),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "yurt.cli.main",
        *words,
        env=environment,
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
