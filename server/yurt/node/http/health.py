"""`/healthz` for whoever restarts a node, and `/metrics` (Prometheus) for whoever watches it.

Figures name nobody, but they tell how much goes on: they are given only to who shows the token whose SHA-256
stands in node.toml (`metrics_token_sha256`), and without that setting there is no such page.
"""

import asyncio
import hashlib
import hmac
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from aiohttp import web

from yurt.node.store.figures import figures
from yurt.node.store.logs import last_arrival
from yurt.node.store.types import Store
from yurt.wire.problems import refuse

HEALTH_PATH: Final = "/healthz"
METRICS_PATH: Final = "/metrics"
_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
_BEARER: Final = "Bearer "
_ANSWER_S: Final = 2.0
_STATM: Final = Path("/proc/self/statm")
Gauges = Callable[[], dict[str, int]]
"""What the parts of a running node count: name and value."""


class Health:
    """Says whether a node works, and what it counts."""

    def __init__(
        self,
        domain: str,
        store: Store,
        token_sha256: str,
        gauges: Gauges,
        refused: Callable[[], Mapping[tuple[str, str], int]] = dict,
    ) -> None:
        self._domain = domain
        self._store = store
        self._token_sha256 = token_sha256
        self._gauges = gauges
        self._refused = refused
        self._since = time.monotonic()

    def routes(self) -> list[web.AbstractRouteDef]:
        """What this part answers."""
        return [web.get(HEALTH_PATH, self.healthz), web.get(METRICS_PATH, self.metrics)]

    async def healthz(self, request: web.Request) -> web.Response:
        """`ok` if the database answers within two seconds.

        Raises:
            ProblemError: `overloaded` if it does not.
        """
        del request
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self._store.read(last_arrival)
        except TimeoutError as error:
            raise refuse("overloaded", "the database does not answer in time", retry_after=5.0) from error
        return web.Response(text="ok\n", headers={"Cache-Control": "no-store"})

    async def metrics(self, request: web.Request) -> web.Response:
        """Every figure, for who holds the token.

        Raises:
            ProblemError: `notFound` without the token, as if there were no such page.
        """
        if not self._may_read(request.headers.get("Authorization", "")):
            raise refuse("notFound", "there is nothing here")
        counted = asdict(await self._store.read(lambda tx: figures(tx, self._domain)))
        counted |= self._gauges()
        counted["uptime_seconds"] = int(time.monotonic() - self._since)
        counted["resident_bytes"] = await asyncio.to_thread(_resident)
        return web.Response(
            body=_text(counted, self._refused()), headers={"Content-Type": _TEXT, "Cache-Control": "no-store"}
        )

    def _may_read(self, header: str) -> bool:
        token = header.removeprefix(_BEARER).encode("utf-8", "surrogateescape")
        digest = hashlib.sha256(token).hexdigest()
        return bool(self._token_sha256) and hmac.compare_digest(digest, self._token_sha256)


def _text(counted: dict[str, int], refused: Mapping[tuple[str, str], int]) -> bytes:
    from prometheus_client import (
        CollectorRegistry,
        Counter,
        Gauge,
        generate_latest,
    )  # only where somebody watches

    registry = CollectorRegistry(auto_describe=False)
    for name, value in counted.items():
        Gauge(f"yurt_{name}", name.replace("_", " "), registry=registry).set(value)
    of_code = Counter(
        "yurt_refused", "requests refused, by place and code", ("at", "code"), registry=registry
    )
    for (where, code), count in refused.items():
        of_code.labels(where, code).inc(count)
    return generate_latest(registry)


def _resident() -> int:
    """Memory of this process in bytes; 0 where the system does not say."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
