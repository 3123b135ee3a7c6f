"""What the ``yurt`` command may reach of the terminal client, imported only when called."""


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

    network = paths.network_path()
    entrance = HomeEntrance(paths.home(), paths.load_network(network), SystemClock(network), passphrase)
    app = YurtApp(entrance, os.environ)

    async def run() -> None:
        try:
            await app.run_async()
        finally:
            await app.leave()

    asyncio.run(run())
    return app.return_code or 0
