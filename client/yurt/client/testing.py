"""A town for stories of clients: one small node, and people with vaults; tests only.

town = Town(folder, map_file, FakeNode(endpoint, certificate, key))
ana = await town.join("ana")
"""

from pathlib import Path
from typing import Final

from yurt.client.engine import Engine
from yurt.client.identity import KeepPhrase
from yurt.client.paths import load_network
from yurt.client.testing_node import HARBOUR, FakeNode

PASSPHRASE: Final = "correct horse battery staple"  # noqa: S105  # of people who do not exist
LINK: Final = f"https://{HARBOUR}/i/ABCDEFGHIJ#AAECAwQFBgcICQoLDA0ODw"


class Town:
    """The node, and people with vaults."""

    def __init__(self, folder: Path, map_file: Path, node: FakeNode) -> None:
        self.map_file = map_file
        self.node = node
        self._folder = folder
        self._engines: list[Engine] = []

    def home(self, name: str) -> Path:
        """Where somebody's vault is."""
        return self._folder / name

    async def join(self, name: str, keep_phrase: KeepPhrase = lambda _: None) -> Engine:
        """Somebody new joins the node."""
        engine, _ = await Engine.join(
            self.home(name),
            LINK,
            name,
            PASSPHRASE,
            network=load_network(self.map_file),
            keep_phrase=keep_phrase,
        )
        self._engines.append(engine)
        return engine

    async def join_anew(self, name: str) -> Engine:
        """Somebody else joins under a name that was another's, on a device of their own."""
        self._folder = self._folder / "anew"
        return await self.join(name)

    async def open(self, name: str) -> Engine:
        """Somebody opens their vault again."""
        engine = await Engine.open(self.home(name), PASSPHRASE, network=load_network(self.map_file))
        self._engines.append(engine)
        return engine

    async def leave(self, engine: Engine) -> None:
        """Somebody's engine ends, whatever waits in its outbox."""
        self._engines.remove(engine)
        await engine.close()

    async def close(self) -> None:
        """Everybody goes home."""
        for engine in self._engines:
            await engine.close()
        await self.node.stop()
