"""The network of a world: a name, an address, a port and a certificate for each node.

Nodes are ``https://NAME`` without a port in every id, so a world needs names that resolve and a CA that
vouches for them. Both are made here at start, and handed to every process as one network map (DESIGN 4).
Each process gets a map of its own, because the way from one process to a name may lead through a link that
a test delays or cuts (`yurt.lab.world.faults`)::

    network = Network.make(folder, ["harbour.example", "hilltop.example"])
    network.write_map("harbour.example", {"hilltop.example": link.endpoint})
"""

import datetime as dt
import json
import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from yurt.lab.world.certificates import Authority
from yurt.wire.network_map import Endpoint

LOCALHOST: Final = "127.0.0.1"


@dataclass(slots=True)
class Network:
    """Names, endpoints and certificates of one world, in one folder."""

    folder: Path
    endpoints: dict[str, Endpoint]
    """Where each node itself listens."""
    _offsets: dict[str, float] = field(default_factory=dict[str, float])
    _links: dict[str, dict[str, Endpoint]] = field(default_factory=dict[str, dict[str, Endpoint]])

    @classmethod
    def make(cls, folder: Path, names: Iterable[str]) -> "Network":
        """Choose a free endpoint for each name; make a CA and one certificate for each name.

        Args:
            folder: Made if it is missing; everything of the network lies in it.
            names: Domains of the nodes.
        """
        folder.mkdir(parents=True, exist_ok=True)
        network = cls(folder, free_endpoints(names))
        authority = Authority.make(dt.datetime.now(dt.UTC))  # noqa: TID251  # a world starts now
        network.ca_file.write_bytes(authority.certificate_pem)
        for name in network.endpoints:
            certificate, key = authority.issue(name)
            network.certificate_file(name).write_bytes(certificate)
            _write_secret(network.key_file(name), key)
        return network

    @property
    def ca_file(self) -> Path:
        """The CA that signs every name's certificate."""
        return self.folder / "ca.pem"

    def certificate_file(self, name: str) -> Path:
        """The certificate of a name."""
        return self.folder / f"{name}.pem"

    def key_file(self, name: str) -> Path:
        """The private key of a name's certificate."""
        return self.folder / f"{name}.key"

    def map_file(self, who: str) -> Path:
        """The network map of one process or person."""
        return self.folder / f"{who}.map.toml"

    def write_map(self, who: str, links: Mapping[str, Endpoint] | None = None) -> Path:
        """Write the network map of one process or person.

        Args:
            who: Whose map it is: a node's domain or an address; decides only the file's name.
            links: Names that this one reaches through something else than the node's own endpoint.
        """
        if links is not None:
            self._links[who] = dict(links)
        # Strings of JSON are basic strings of TOML.
        lines = [f"ca = {json.dumps(self.ca_file.name)}", f"clock_offset_s = {self._offsets.get(who, 0.0)}"]
        lines.append("[names]")
        for name, endpoint in (self.endpoints | self._links.get(who, {})).items():
            lines.append(f"{json.dumps(name)} = {json.dumps(f'{endpoint.host}:{endpoint.port}')}")
        path = self.map_file(who)
        draft = path.with_suffix(".draft")
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return draft.replace(path)  # a process that re-reads its map never sees half of it

    def shift_clock(self, who: str, offset_s: float) -> None:
        """Move the clock of one process or person; it notices within a second."""
        self._offsets[who] = offset_s
        self.write_map(who)


def free_endpoints(names: Iterable[str]) -> dict[str, Endpoint]:
    """Choose a loopback address and a free port for each name.

    Every world takes addresses from a block of its own (127.x.y.0/24), so worlds that run side by side
    never meet, and a port that was free stays free. Where only 127.0.0.1 exists (macOS), ports differ.
    """
    first, second = (1 + byte % 254 for byte in os.urandom(2))
    block = int(IPv4Address(f"127.{first}.{second}.1"))
    return {name: _free_endpoint(str(IPv4Address(block + index))) for index, name in enumerate(names)}


def _free_endpoint(host: str) -> Endpoint:
    for candidate in (host, LOCALHOST):
        try:
            with socket.create_server((candidate, 0)) as probe:
                return Endpoint(candidate, int(probe.getsockname()[1]))
        except OSError:
            continue
    raise OSError(f"no free port on {host} or {LOCALHOST}")


def _write_secret(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
