"""A node's configuration: `node.toml` in its data directory, and the network map of the process.

The file is written by `init` and read at every start::

    domain = "harbour.example"
    listen = "127.0.0.1:7443"        # or "unix:/run/yurt/harbour.sock"
    tls_cert = "/etc/yurt/cert.pem"  # relative paths are relative to the data directory
    tls_key = "/etc/yurt/key.pem"
    plain = false                    # true: no TLS here, a proxy in front of a loopback address has it

The domain decides every id and every `@target-uri`; nothing is ever taken from a request's Host header.
"""

import os
import re
import tomllib
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import msgspec

from yurt.node.log_format import LogFormat
from yurt.wire.network_map import BadNetworkMap, NetworkMap

CONFIG_NAME: Final = "node.toml"
NETWORK_VARIABLE: Final = "YURT_NETWORK"
UNIX_PREFIX: Final = "unix:"
_TOO_MUCH: Final = 2**31
_DOMAIN: Final = re.compile(
    r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]\Z"
)


class ConfigError(Exception):
    """The configuration cannot be used; the message is one line that says what to change."""


class NodeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `node.toml` says."""

    domain: str
    listen: str = "127.0.0.1:7443"
    tls_cert: str = ""
    tls_key: str = ""
    plain: bool = False
    """No TLS on the listener: allowed only on loopback or a unix socket, and only said explicitly."""
    forwarded: bool = False
    """Take the other end's address from the last X-Forwarded-For, which a proxy of yours writes itself."""
    max_connections: int = 2_000
    max_connections_per_address: int = 50
    """Loopback addresses are exempt: a proxy stands there."""

    restore_wait_s: int = 60
    """How long a restored hub asks member nodes for what its backup lacks before it goes on without them."""

    member_accounts: int = 100
    """Accounts that one link of a member may bring (`yurt link create --account`); 0: only the operator
    invites."""

    keep_kits: bool = True
    """Whether this node keeps continuity kits of people of other nodes: sealed, at most 4 MiB each."""

    messages_per_s: float = 5.0
    """What each account may append to rooms, after its burst; 0: no limit."""
    messages_burst: int = 30
    """What each account may append at once."""
    account_mib_per_day: int = 256
    """What each account may append to rooms, MiB a day; 0: no limit."""
    room_mib: int = 1024
    """What each room may keep, MiB, whether its hub is here or elsewhere; commits pass (of a copy: a quarter
    more), so people can still be removed. 0: no limit."""

    about: str = ""
    """Shown on the front page."""
    contact: str = ""
    """Who runs this node, and how to reach them; shown on the front page."""
    install: str = ""
    """The command with which guests install Yurt; shown to whoever opens an invite."""

    log: LogFormat = "text"
    """`text` or `json`, one event a line on standard error."""
    metrics_token_sha256: str = ""
    """SHA-256 (hexadecimal) of the token that `/metrics` wants; empty: no such page."""

    @property
    def origin(self) -> str:
        """Beginning of every id of this node."""
        return f"https://{self.domain}"

    @property
    def unix_path(self) -> str:
        """Path of the unix socket, or empty for TCP."""
        return self.listen.removeprefix(UNIX_PREFIX) if self.listen.startswith(UNIX_PREFIX) else ""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on (TCP only)."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


@dataclass(frozen=True, slots=True)
class Network:
    """The network map of this process, with the folder that its relative paths start from."""

    map: NetworkMap
    path: Path

    @property
    def ca_file(self) -> Path | None:
        """The CA that signs the mapped names' certificates."""
        return self.path.parent / self.map.ca if self.map.ca else None


def check_domain(domain: str) -> str:
    """Return the domain if a node can be named so.

    Raises:
        ConfigError: not a lower-case DNS name with at least one dot.
    """
    if not _DOMAIN.match(domain):
        raise ConfigError(f"{domain!r} is no domain: give a lower-case name such as harbour.example, no port")
    return domain


def check(config: NodeConfig) -> NodeConfig:
    """Return the configuration if its parts agree with each other.

    Raises:
        ConfigError: a bad domain or address, plain where it is not allowed, or TLS files missing.
    """
    check_domain(config.domain)
    if not config.unix_path:
        _check_address(config)
    if config.plain and (config.tls_cert or config.tls_key):
        raise ConfigError(f"{CONFIG_NAME}: plain = true and TLS files contradict each other; keep one")
    if not config.plain and not (config.tls_cert and config.tls_key):
        raise ConfigError(f"{CONFIG_NAME}: give tls_cert and tls_key, or plain = true behind a proxy")
    if config.forwarded and not config.plain:
        raise ConfigError(f"{CONFIG_NAME}: forwarded = true is only for a proxy, so with plain = true")
    _check_numbers(config)
    return config


def _check_numbers(config: NodeConfig) -> None:
    for name in ("max_connections", "max_connections_per_address", "messages_burst"):
        if getattr(config, name) < 1:
            raise ConfigError(f"{CONFIG_NAME}: {name} must be 1 or more")
    for name in ("restore_wait_s", "member_accounts", "messages_per_s", "account_mib_per_day", "room_mib"):
        if not 0 <= getattr(config, name) < _TOO_MUCH:
            raise ConfigError(f"{CONFIG_NAME}: {name} must be a number, 0 or more")


def _check_address(config: NodeConfig) -> None:
    try:
        host, port = config.address
        address = ip_address(host)
    except ValueError as error:
        raise ConfigError(
            f"{CONFIG_NAME}: listen = {config.listen!r} is not ADDRESS:PORT or unix:PATH"
        ) from error
    if not 0 < port < 65536:
        raise ConfigError(f"{CONFIG_NAME}: listen = {config.listen!r} has no usable port")
    if config.plain and not address.is_loopback:
        raise ConfigError(f"{CONFIG_NAME}: plain = true is only for loopback addresses and unix sockets")


def load(data: Path) -> NodeConfig:
    """Read the configuration of the node whose data directory this is.

    Raises:
        ConfigError: there is none, or it cannot be used.
    """
    path = data / CONFIG_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            f"{data} holds no node; make one with `yurt node init DOMAIN --data {data}`"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    try:
        config = msgspec.convert(tomllib.loads(text), NodeConfig)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path}: {error}") from error
    return check(config)


def render(config: NodeConfig) -> str:
    """Write the configuration as TOML (JSON strings are TOML basic strings)."""
    lines = (f"{name} = {msgspec.json.encode(value).decode()}" for name, value in _set_fields(config))
    return "\n".join(lines) + "\n"


def _set_fields(config: NodeConfig) -> list[tuple[str, object]]:
    defaults = NodeConfig(domain="")
    names = NodeConfig.__struct_fields__
    pairs = [(name, getattr(config, name), getattr(defaults, name)) for name in names]
    return [(name, value) for name, value, default in pairs if value != default or name == "listen"]


def network_from_environment() -> Network | None:
    """Read the network map that `YURT_NETWORK` names, or None without one.

    Raises:
        ConfigError: the variable names a file that cannot be used.
    """
    name = os.environ.get(NETWORK_VARIABLE, "")
    return read_network(Path(name)) if name else None


def read_network(path: Path) -> Network:
    """Read a network map.

    Raises:
        ConfigError: the file cannot be read or used.
    """
    try:
        return Network(NetworkMap.parse(path.read_text(encoding="utf-8")), path)
    except (OSError, UnicodeDecodeError, BadNetworkMap) as error:
        raise ConfigError(f"{NETWORK_VARIABLE}={path}: {error}") from error
