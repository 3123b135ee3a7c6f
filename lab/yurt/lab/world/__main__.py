"""`make world`: two nodes to play with by hand, until Ctrl-C.

It prints what a shell needs to be Ana's or Bo's; everything is gone at the end.
"""

import asyncio
import contextlib
import signal
import sys
import tempfile
from pathlib import Path
from typing import Final

from yurt.lab.world.shell import Shell
from yurt.lab.world.world import HARBOUR, HILLTOP, World

_PEOPLE: Final = (("ana", HARBOUR), ("bo", HILLTOP))


async def main() -> None:
    """Run harbour and hilltop until somebody interrupts."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    with tempfile.TemporaryDirectory(prefix="yurt-world-") as folder:
        async with World.open(Path(folder)) as world:
            for name, domain in _PEOPLE:
                sys.stdout.write(await _shell_for(world, name, domain))
            sys.stdout.write("# Both nodes run until Ctrl-C.\n")
            sys.stdout.flush()
            await stopped.wait()


async def _shell_for(world: World, name: str, domain: str) -> str:
    address = f"{name}@{domain}"
    shell = Shell.of(world.folder / "homes" / address, await world.map_of(address))
    exports = (f"export {key}={value}" for key, value in shell.variables.items())
    join = f"yurt join '{world.invites[domain]}' {name} --phrase-file {shell.home}.words"
    return "\n".join((f"# A shell for {address}:", *exports, join)) + "\n\n"


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
