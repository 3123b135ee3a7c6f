"""`init DOMAIN`: a new node's data directory, complete or not there at all.

Everything is made in a temporary directory beside the wanted one (mode 0700) and renamed at the end.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from yurt.node import config as configuration
from yurt.node import keys
from yurt.node.config import CONFIG_NAME, ConfigError, Network, NodeConfig
from yurt.node.store.schema import prepare
from yurt.node.store.sqlite import DATABASE_NAME
from yurt.node.store.steps import STEPS

_HEADER: Final = "# A Yurt node; see docs for every setting. Nothing here is secret; the keys are in keys/.\n"


def default_config(domain: str, network: Network | None) -> NodeConfig:
    """Configure a node that was told only its domain: plain on loopback, where a proxy reaches it.

    The network map of a demo or a test says which loopback address it is.
    """
    endpoint = network.map.names.get(domain) if network else None
    listen = f"{endpoint.host}:{endpoint.port}" if endpoint else NodeConfig(domain).listen
    return NodeConfig(domain, listen, plain=True)


def init_node(data: Path, config: NodeConfig) -> None:
    """Make the data directory of a new node.

    Raises:
        ConfigError: the configuration is wrong, or the directory holds something already.
    """
    configuration.check(config)
    try:
        if data.exists() and any(data.iterdir()):
            raise ConfigError(f"{data} is not empty; give a new directory, or remove the old node yourself")
        data.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{data.name}.", dir=data.parent))
    except OSError as error:
        raise ConfigError(f"cannot make {data}: {error.strerror}") from error
    try:
        _fill(draft, config)
        draft.rename(data)
    except OSError as error:
        raise ConfigError(f"cannot make {data}: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _fill(draft: Path, config: NodeConfig) -> None:
    keys.generate(draft)
    prepare(draft / DATABASE_NAME, STEPS)
    descriptor = os.open(draft / CONFIG_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_HEADER + configuration.render(config))
