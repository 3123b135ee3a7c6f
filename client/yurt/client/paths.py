"""Where things lie on this machine: the only place of the client that reads the environment.

``YURT_HOME`` overrides the folder of the vault, ``YURT_NETWORK`` names a network map.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from yurt.client.errors import UsageError
from yurt.wire.network_map import BadNetworkMap, NetworkMap

_OTHERS_WRITE: Final = 0o022


def home() -> Path:
    """Give the folder of this person's vault."""
    override = os.environ.get("YURT_HOME")
    if override:
        return Path(override).expanduser()
    from platformdirs import user_data_path  # 25 ms that an override saves

    return user_data_path("yurt", appauthor=False)


def check_private(folder: Path) -> None:
    """Check that nobody else can put files, links or sockets into the vault's folder.

    Raises:
        UsageError: It is another user's, or others may write there. A folder that is not there is private.
    """
    try:
        found = folder.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{folder} cannot be used: {error.strerror}") from None
    if found.st_uid != os.getuid():
        raise UsageError(f"{folder} is another user's: set YURT_HOME to a folder of your own")
    if found.st_mode & _OTHERS_WRITE:
        raise UsageError(f"others may write into {folder}: run chmod 700 {folder}, or set YURT_HOME")


def network_path() -> Path | None:
    """Give the file of the network map, if there is one."""
    name = os.environ.get("YURT_NETWORK")
    return Path(name).expanduser() if name else None


def load_network(path: Path | None) -> NetworkMap | None:
    """Read a network map; the CA's path becomes absolute.

    Raises:
        UsageError: It cannot be read or used.
    """
    if path is None:
        return None
    try:
        network = NetworkMap.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, BadNetworkMap) as error:
        raise UsageError(f"the network map {path} cannot be used: {error}") from None
    return replace(network, ca=str(path.parent.absolute() / network.ca)) if network.ca else network
