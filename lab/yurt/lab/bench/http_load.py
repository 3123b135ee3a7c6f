"""Plain HTTP/1.1 as load: whole requests made before, sent over so many connections, one after the other."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

from yurt.wire.network_map import Endpoint


@dataclass(slots=True)
class Answers:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    seconds: float = 0.0
    slowest_s: dict[int, float] = field(default_factory=dict[int, float])
    """Seconds, by status."""
    retry_after: int = 0
    """Answers with Retry-After."""


async def load(place: Endpoint, requests: list[bytes], connections: int) -> Answers:
    """Send requests over so many connections, one after the other on each."""
    found, waiting = Answers(), iter(requests)

    async def run() -> None:
        reader, writer = await asyncio.open_connection(place.host, place.port)
        for request in waiting:
            began = time.perf_counter()
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            taken = time.perf_counter() - began
            size = head.partition(b"content-length: ")[2].partition(b"\r")[0]
            await reader.readexactly(int(size or 0))
            status = int(head[9:12])
            found.statuses[status] += 1
            found.slowest_s[status] = max(found.slowest_s.get(status, 0.0), taken)
            found.retry_after += b"retry-after:" in head
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(run() for _ in range(connections)))
    found.seconds = time.perf_counter() - began
    return found
