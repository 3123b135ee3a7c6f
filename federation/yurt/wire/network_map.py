"""The network map: names of nodes to addresses on this machine, for the demo, the lab and the tests.

Nodes are ``https://NAME`` without a port in every id. A process started with ``YURT_NETWORK=map.toml``
resolves the mapped names to the loopback addresses given, and trusts the CA file given; only mapped names
may be loopback (DESIGN 4). The file is TOML::

    ca = "ca.pem"            # relative to the map
    clock_offset_s = 0       # tests only: added to the clock, re-read each second

    [names]
    "harbour.example" = "127.0.0.2:7443"

This module parses; reading the file is the caller's.
"""

import tomllib
from dataclasses import dataclass
from ipaddress import ip_address


class BadNetworkMap(ValueError):
    """The network map cannot be used; the message says which line to change."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A loopback address and port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class NetworkMap:
    """Names to loopback endpoints, and what the processes share."""

    names: dict[str, Endpoint]
    ca: str
    """Path of the CA file as written; empty if none."""
    clock_offset_s: float

    @classmethod
    def parse(cls, text: str) -> "NetworkMap":
        """Read a map's text.

        Raises:
            BadNetworkMap: not TOML, an address that is not loopback, a port out of range.
        """
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise BadNetworkMap(f"the network map is not TOML: {error}") from error
        names = data.get("names", {})
        if not isinstance(names, dict):
            raise BadNetworkMap("[names] must be a table of name = address:port")
        entries: dict[str, Endpoint] = {}
        for name, address in names.items():  # pyright: ignore[reportUnknownVariableType]  # TOML is untyped
            entries[str(name)] = _endpoint(str(name), str(address))  # pyright: ignore[reportUnknownArgumentType]
        try:
            offset = float(data.get("clock_offset_s", 0))
        except (TypeError, ValueError) as error:
            raise BadNetworkMap("clock_offset_s must be a number of seconds") from error
        return cls(entries, str(data.get("ca", "")), offset)


def _endpoint(name: str, address: str) -> Endpoint:
    host, _, port = address.rpartition(":")
    try:
        loopback = ip_address(host).is_loopback
        number = int(port)
    except ValueError as error:
        raise BadNetworkMap(f"{name}: {address!r} is not ADDRESS:PORT") from error
    if not loopback or not 0 < number < 65536:
        raise BadNetworkMap(f"{name}: {address!r} is not a loopback address with a port")
    return Endpoint(host, number)
