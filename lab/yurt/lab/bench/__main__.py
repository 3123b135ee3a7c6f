"""`make bench`: a real node and real streams, and their figures beside a bare broadcast of the same run.

The server under load has one core, the load another one; both servers get the same load, the bare one first.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from yurt.lab.bench.bare_target import BODY_SIZE, Bare
from yurt.lab.bench.load import Target, accepted_per_s, fan_out, steady
from yurt.lab.bench.machine import fsync_p99_ms, pin, rss_mb
from yurt.lab.bench.node_target import NAME, Node
from yurt.lab.bench.sizes import measure
from yurt.lab.bench.small import help_cpu_ms, idle_node
from yurt.lab.world.network import Network, free_endpoints
from yurt.lab.world.process import NodeProcess

FEW: Final = 50
MANY: Final = 500
_SERVER_CORE: Final = 0
_LOAD_CORE: Final = 1


async def main() -> None:
    """Measure everything, the small things first."""
    with tempfile.TemporaryDirectory(prefix="yurt-bench-") as name:
        folder = Path(name)
        _title(f"one process ({os.cpu_count()} cores)")
        await _one_process(folder)
        _title("bytes")
        _sizes()
        _title(f"under load: opaque entries of {BODY_SIZE} bytes, all durable, plain listener")
        await _under_load(folder)


async def _one_process(folder: Path) -> None:
    network = Network.make(folder / "idle", ["idle.example"])
    network.write_map("idle.example")
    process = NodeProcess("idle.example", network, folder / "idle.example")
    await process.init()
    try:
        idle = await idle_node(process)
    finally:
        await process.close()
    _line("node: start to first answer", f"{idle.cold_start_s:.2f} s")
    _line("node: resident memory, idle", f"{idle.rss_mb:.1f} MB")
    _line("yurt --help", f"{help_cpu_ms():.0f} ms CPU")


def _sizes() -> None:
    sizes = measure()
    _line("leaf extension", f"{sizes.leaf_extension} B")
    _line("key package", f"{sizes.key_package} B")
    for members, size in sizes.welcomes.items():
        _line(f"Welcome into a room of {members}", f"{size} B")
    _line("256-character message: entry", f"{sizes.message_entry} B")
    _line(
        "  as the author's call / as a frame with one row",
        f"{sizes.message_sent} / {sizes.message_received} B",
    )


async def _under_load(folder: Path) -> None:
    bare = await Bare.start(free_endpoints(["bare.example"])["bare.example"], folder)
    try:
        node = await Node.start(Network.make(folder / "network", [NAME]), folder, MANY)
        try:
            pin(0, _LOAD_CORE)
            _line("fsync of 4 KiB, p99, before", f"{fsync_p99_ms(folder):.2f} ms")
            for what, target in (("bare", bare), ("node", node)):
                pin(target.pid, _SERVER_CORE)
                await _one_target(what, target)
            _line("fsync of 4 KiB, p99, after", f"{fsync_p99_ms(folder):.2f} ms")
        finally:
            await node.process.close()
    finally:
        await bare.stop()


async def _one_target(what: str, target: Target) -> None:
    for listeners, messages in ((FEW, 4_000), (MANY, 1_000)):
        burst = await fan_out(target, listeners, messages)
        _line(
            f"{what}: fan-out to {listeners}",
            f"{burst.deliveries_per_s:,.0f} deliveries/s, {burst.cpu_us_per_delivery:.2f} us CPU each",
        )
    latency = await steady(target, FEW, per_s=20, messages=200)
    _line(f"{what}: 20 msg/s to {FEW}", f"p50 {latency.p50_ms:.2f} ms, p99 {latency.p99_ms:.2f} ms")
    _line(f"{what}: durable messages accepted", f"{await accepted_per_s(target, 20_000):,.0f} /s")
    _line(f"{what}: resident memory afterwards", f"{rss_mb(target.pid):.1f} MB")


def _title(text: str) -> None:
    print(f"\n{text}")


def _line(what: str, figure: str) -> None:
    print(f"  {what:<50} {figure}", flush=True)


if __name__ == "__main__":
    if sys.platform != "linux":
        sys.exit("the benchmark reads /proc: it runs on Linux only")
    import uvloop

    uvloop.run(main())
