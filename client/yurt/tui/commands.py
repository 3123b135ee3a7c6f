"""What the ``yurt`` command may reach of the terminal client, imported only when called."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yurt.tui.demo.stage import Stage


def open_client(passphrase: str | None) -> int:
    """Take over the terminal until the person leaves; return the exit code.

    Args:
        passphrase: Of the vault, where nobody is to be asked.

    Raises:
        ClientError: The environment names something that cannot be used.
    """
    import asyncio
    import os

    from yurt.client import paths
    from yurt.client.clock import SystemClock
    from yurt.tui.app import YurtApp
    from yurt.tui.entrance import HomeEntrance
    from yurt.tui.gone import leave_with_terminal

    network = paths.network_path()
    entrance = HomeEntrance(paths.home(), paths.load_network(network), SystemClock(network), passphrase)
    app = YurtApp(entrance, os.environ)

    leave_with_terminal()

    async def run() -> None:
        try:
            await app.run_async()
        finally:
            await app.leave()

    asyncio.run(run())
    return app.return_code or 0


async def show_demo(stage: "Stage") -> int:
    """Show a demo's people side by side until somebody ends it; return the exit code."""
    import os

    from yurt.tui.demo.app import DemoApp
    from yurt.tui.gone import leave_with_terminal

    leave_with_terminal()
    app = DemoApp(stage, os.environ)
    await app.run_async()
    return app.return_code or 0
