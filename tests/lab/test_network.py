"""The network of a world: names, endpoints, certificates and maps."""

import ssl
from pathlib import Path

from yurt.lab.world.network import Network
from yurt.wire.network_map import Endpoint, NetworkMap

HARBOUR = "harbour.example"
HILLTOP = "hilltop.example"


def test_each_process_has_its_own_map(tmp_path: Path) -> None:
    """Two processes may reach one name over different ways."""
    network = Network.make(tmp_path, [HARBOUR, HILLTOP])
    link = Endpoint("127.0.0.1", 4711)

    there = NetworkMap.parse(network.write_map(HARBOUR, {HILLTOP: link}).read_text())
    here = NetworkMap.parse(network.write_map(HILLTOP).read_text())

    assert there.names == {HARBOUR: network.endpoints[HARBOUR], HILLTOP: link}
    assert here.names == network.endpoints
    assert (tmp_path / here.ca).exists()


def test_a_shifted_clock_keeps_the_links(tmp_path: Path) -> None:
    """Moving the clock of one process changes nothing else in its map."""
    network = Network.make(tmp_path, [HARBOUR, HILLTOP])
    link = Endpoint("127.0.0.1", 4711)
    network.write_map(HARBOUR, {HILLTOP: link})

    network.shift_clock(HARBOUR, 90_000.0)

    shifted = NetworkMap.parse(network.map_file(HARBOUR).read_text())
    assert shifted.clock_offset_s == 90_000.0
    assert shifted.names[HILLTOP] == link


def test_keys_are_private(tmp_path: Path) -> None:
    """Nobody else on the machine reads the key of a name, and certificate and key belong together."""
    network = Network.make(tmp_path, [HARBOUR])

    assert network.key_file(HARBOUR).stat().st_mode & 0o777 == 0o600
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
        network.certificate_file(HARBOUR), network.key_file(HARBOUR)
    )


def test_two_worlds_do_not_meet(tmp_path: Path) -> None:
    """Worlds that run side by side have endpoints of their own."""
    one = Network.make(tmp_path / "one", [HARBOUR, HILLTOP])
    other = Network.make(tmp_path / "other", [HARBOUR, HILLTOP])

    endpoints = [*one.endpoints.values(), *other.endpoints.values()]

    assert len(set(endpoints)) == 4
