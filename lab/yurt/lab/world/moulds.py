"""Nodes that were made before, kept to be copied: making one takes two processes, a copy takes none.

Tests open many worlds with nodes of the same few names. They give `World` a folder of moulds once; the first
node of each name is made as an operator makes it, and kept with its invite before it runs. The next ones are
copies with the same keys and the same invite, at an endpoint and with a certificate of their own::

    World.moulds = Moulds(folder)
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from yurt.lab.world.network import Network

_CONFIG: Final = "node.toml"
_INVITE: Final = "invite"


@dataclass(frozen=True, slots=True)
class Moulds:
    """Kept nodes, a folder for each name."""

    folder: Path

    def keep(self, domain: str, data: Path, network: Network, invite: str) -> None:
        """Keep a node that has never run.

        Args:
            domain: Its name.
            data: Its data directory.
            network: Where it would listen.
            invite: The link of an account invite of it.
        """
        mould = self.folder / domain
        shutil.copytree(data, mould)
        config = mould / _CONFIG
        text = config.read_text(encoding="utf-8")
        for known, place in _places(domain, network).items():
            text = text.replace(known, place)
        config.write_text(text, encoding="utf-8")
        (mould / _INVITE).write_text(invite, encoding="utf-8")

    def cast(self, domain: str, data: Path, network: Network) -> str | None:
        """Make a data directory like the kept one; return its invite, or None if no such node was kept."""
        mould = self.folder / domain
        if not mould.is_dir():
            return None
        shutil.copytree(mould, data)
        invite, config = data / _INVITE, data / _CONFIG
        text = config.read_text(encoding="utf-8")
        for known, place in _places(domain, network).items():
            text = text.replace(place, known)
        config.write_text(text, encoding="utf-8")
        link = invite.read_text(encoding="utf-8")
        invite.unlink()
        return link


def _places(domain: str, network: Network) -> dict[str, str]:
    """What differs from world to world in a configuration, and what stands for it in a mould."""
    endpoint = network.endpoints[domain]
    return {f"{endpoint.host}:{endpoint.port}": "{listen}", str(network.folder): "{network}"}
