"""`docs/performance.md`, written from the figures: whoever changes it by hand loses that at the next run."""

from typing import Final

from yurt.lab.bench.figures import Record, table
from yurt.lab.bench.rows import ROWS, SCENES
from yurt.lab.bench.sizes import Sizes, measure

_HEAD: Final = """\
# How fast it is

Written by `python -m yurt.lab.bench --write docs/performance.md`; every repetition of it stands in
[performance.json](performance.json). `make bench` measures all of it again on your machine.

Yurt is one process of Python for each node. Beside each figure stands the *bare* one of the same run: a
broadcast server with no logic (aiohttp, uvloop, SQLite with `synchronous=FULL`, one frame built once), which
knows no accounts, no rooms, no checks. What a node takes longer is the price of its logic.

Server and load each have one core. Entries are opaque, of 256 bytes, and durable on the disk before anybody
is told of them; listeners are plain WebSockets. A figure is the median of three repetitions, bare and node
in turn; rows marked (quick) were measured once, or in a smaller size than they name. *load* is the load of
the machine while it was measured: on a machine with two cores anything above 2 means that others took time
from both servers, so that rates are lower and delays longer than the machine allows. CPU time of each
operation suffers least.

Beside bare aiohttp with the same signature check stand the signed POSTs. What goes over two nodes, out to the
fediverse or through real clients has both ends of it in its time, on the same two cores, with TLS.
"""


def written(record: Record) -> str:
    """Write the page."""
    machine = "\n".join(f"- {name}: {value}" for name, value in record.machine.items())
    fsync = " before, ".join(f"{one:.1f} ms" for one in record.fsync_p99_ms)
    parts = [
        _HEAD,
        table(ROWS, record),
        f"\n## The machine\n\n{machine}\n- fsync of 4 KiB, p99: {fsync} after\n"
        f"- taken by the hypervisor since it started: {record.steal:.1%}\n- measured at: {record.commit}",
        f"\n## Bytes\n\n{_sizes(measure())}",
    ]
    return "\n".join(parts) + "\n"


def listed() -> str:
    """Name every scene and its rows."""
    lines = [
        line
        for scene, rows in SCENES.items()
        for line in (scene, *(f"  {r.name:<18} {r.what}" for r in rows))
    ]
    return "\n".join(lines)


def _sizes(sizes: Sizes) -> str:
    rows = {
        "leaf extension": sizes.leaf_extension,
        "key package": sizes.key_package,
        **{f"Welcome into a room of {members}": size for members, size in sizes.welcomes.items()},
        "message of 256 characters: entry": sizes.message_entry,
        "the same as the author's call": sizes.message_sent,
        "the same as a frame with one row": sizes.message_received,
    }
    return "| what | bytes |\n|---|---:|\n" + "\n".join(
        f"| {what} | {size:,} |" for what, size in rows.items()
    )
