"""Scene: benchmarks that are programs of their own; what they print is kept word for word."""

import asyncio
import sys
from datetime import datetime
from typing import Final

from yurt.lab.bench.figures import Printed
from yurt.lab.bench.machine import State

_GAP: Final = "  "
_PATIENCE_S: Final = 1_800.0


class ModuleFailed(RuntimeError):
    """A benchmark ended with an error; its last lines say which."""


async def run(module: str, when: datetime) -> Printed:
    """Run a module, show its lines as they come, and keep them.

    Raises:
        ModuleFailed: it ended with an error.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, stdout=pipe)
    lines: list[tuple[str, str]] = []
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while process.stdout is not None and (line := (await process.stdout.readline()).decode()):
                print(line, end="", flush=True)
                if (found := figure_of(line)) is not None:
                    lines.append(found)
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code:
        raise ModuleFailed(f"{module} ended with exit code {code}")
    return Printed(tuple(lines), State.now().load, when.isoformat(timespec="minutes"))


def figure_of(line: str) -> tuple[str, str] | None:
    """Read ``  what      figure``; None for any other line, such as progress, which is set in further."""
    if not line.startswith(_GAP) or line.startswith(2 * _GAP):
        return None
    what, _, figure = line.strip().partition(_GAP)
    return (what, figure.strip()) if figure.strip() else None
