"""What the `yurt` command may reach of the lab, each imported only when called."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from yurt.lab.stage import Stage


def demo(*, json: bool, show: "Callable[[Stage], Awaitable[int]] | None" = None) -> int:
    """Play the first conversation on this machine; return the exit code.

    Args:
        json: Print one JSON object a line instead of sentences.
        show: Takes the stage once everybody is in the room, and the terminal until it is left; None to play
            the conversation to its end, without anybody.
    """
    import asyncio

    from yurt.lab.demo import run, run_on_screen

    return asyncio.run(run(json=json) if show is None else run_on_screen(show))


def run_scenario(scenario: str, out: "Path", *, json: bool, is_small: bool = False) -> int:
    """Play a migration; return the exit code (see `yurt.lab.migration.running`)."""
    from yurt.lab.migration.running import run

    return run(scenario, out, json=json, is_small=is_small)


def scenario_names() -> list[str]:
    """Name the scenarios that come with the package."""
    from yurt.lab.migration.scenario import names

    return names()
