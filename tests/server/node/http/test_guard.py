"""The guard's counts: how many connections there may be, and whose end first."""

import time
from collections.abc import Sequence
from typing import cast

from aiohttp import web

from yurt.node.http.guard import Guard

LOOPBACK = "127.0.0.1"
STRANGER = "203.0.113.7"
OTHER = "2001:db8::1"


class Wire:
    """A transport from an address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.asked = 0
        self.is_cut = False

    def is_closing(self) -> bool:
        return self.is_cut

    def get_extra_info(self, name: str) -> tuple[str, int]:
        assert name == "peername"
        self.asked += 1
        return self.address, 40_000

    def abort(self) -> None:
        self.is_cut = True


class Connection:
    """As much of aiohttp's connection as the guard looks at."""

    def __init__(self, wire: Wire | None) -> None:
        self.transport = wire


def cut(addresses: Sequence[str], *, total: int = 100, per_address: int = 100, sweeps: int = 1) -> list[int]:
    """Which of the connections from these addresses, oldest first, end."""
    wires = [Wire(address) for address in addresses]
    waiting = iter(wires)
    guard = Guard(total=total, per_address=per_address)
    accept = guard.watching(cast(web.Server, lambda: Connection(next(waiting))))
    for _ in wires:
        accept()
    ended = sum(guard.sweep(time.monotonic()) for _ in range(sweeps))
    found = [number for number, wire in enumerate(wires) if wire.is_cut]
    assert ended == len(found)
    assert all(wire.asked == 1 for wire in wires)
    return found


def test_newest_of_one_address_end_and_others_stay() -> None:
    """Who opens too many loses the newest of them; nobody else notices."""
    assert cut([STRANGER, OTHER, STRANGER, STRANGER, OTHER], per_address=2, sweeps=3) == [3]


def test_newest_of_all_end() -> None:
    """Nobody has so many addresses that the node has no place left; what ends for its address takes none."""
    assert cut([STRANGER, STRANGER, STRANGER, OTHER, OTHER, OTHER], total=3, per_address=2) == [2, 4, 5]


def test_proxy_stands_for_everybody() -> None:
    """Loopback and unix sockets count for nobody: a proxy stands there."""
    assert cut([LOOPBACK] * 9, per_address=2) == []
