"""How long a guest waits while three hundred connections only hold on to the door.

    python -m yurt.lab.bench.hostile

A real node with a plain listener. The hostile ones say nothing, half a header, a body that never ends, or
nonsense, and come again when they are put out; meanwhile one healthy client asks for a document, again and
again, each time on a connection of its own. Printed are its median, p99 and worst answer, in milliseconds,
first alone and then in that company, for so long that the hostile ones are put out in between.
"""

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from yurt.lab.world.network import Network
from yurt.lab.world.process import READY_PATH, NodeProcess

NAME: Final = "harbour.example"
HOSTILE: Final = 300
ASKED: Final = 1_500
_PAUSE_S: Final = 0.01
BEGINNINGS: Final = (
    b"",
    b"G",
    b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ",
    b"POST /inbox HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n",
    b"GET /api/v1/stream HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    b"\x16\x03\x01\x02\x00\x01",
    b"POST /api/v1/login HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n" + b"{" * 5000,
)
_DRIP_S: Final = 0.5


async def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="yurt-hostile-") as folder:
        network = Network.make(Path(folder) / "network", [NAME])
        network.write_map(NAME)
        node = NodeProcess(NAME, network, Path(folder) / "node", plain=True)
        await node.init()
        await node.start()
        try:
            _print("alone", await _ask(node))
            crowd = [asyncio.create_task(_hold(node, number)) for number in range(HOSTILE)]
            await asyncio.sleep(2 * _DRIP_S)
            _print(f"beside {HOSTILE}", await _ask(node))
            for one in crowd:
                one.cancel()
            await asyncio.gather(*crowd, return_exceptions=True)
        finally:
            await node.close()


async def _ask(node: NodeProcess) -> list[float]:
    took: list[float] = []
    for _ in range(ASKED):
        began = time.perf_counter()
        if await node.get(READY_PATH) != 200:
            raise RuntimeError("the guest was turned away")
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(_PAUSE_S)
    return sorted(took)


async def _hold(node: NodeProcess, number: int) -> None:
    """Be a stranger who sends a byte now and then, and comes again."""
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(node.endpoint.host, node.endpoint.port)
            try:
                writer.write(BEGINNINGS[number % len(BEGINNINGS)])
                while not writer.transport.is_closing():
                    await asyncio.sleep(_DRIP_S)
                    writer.write(b"x")
            finally:
                writer.transport.abort()
        await asyncio.sleep(_DRIP_S)


def _print(what: str, took: list[float]) -> None:
    p99 = took[len(took) * 99 // 100]
    sys.stdout.write(f"{what:12} p50 {statistics.median(took):6.1f} ms  p99 {p99:6.1f} ms  ")
    sys.stdout.write(f"worst {took[-1]:6.1f} ms\n")


if __name__ == "__main__":
    asyncio.run(main())
