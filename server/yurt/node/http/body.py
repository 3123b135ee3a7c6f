"""Reading a request's body: never more than the cap, never slower than the minimum rate, never unpacked.

aiohttp is told not to decompress (300 kB would become 300 MB); a request that says it is compressed is
refused. What is read here goes through `yurt.wire.gate` before anything looks at it.
"""

import asyncio
from collections import Counter
from typing import Final

from aiohttp import web

from yurt.node.limiter import limited_address
from yurt.wire.problems import refuse

MIN_BYTES_PER_S: Final = 1_000
TOTAL: Final = 96 * 1024 * 1024
PER_ADDRESS: Final = 24 * 1024 * 1024
"""Of that, for one address: twelve slow senders of one stranger would take it all from everybody."""
FIRST_S: Final = 10.0
"""What every body may take, however small."""
LAST_S: Final = 60.0
"""What no body may take, however large: a few slow senders must not use the budget up."""


class Budget:
    """Bytes of bodies that may be in memory at once, from everybody together, verified or not."""

    def __init__(self, total: int = TOTAL, per_address: int = PER_ADDRESS) -> None:
        self._left = total
        self._per_address = per_address
        self._held: Counter[str] = Counter()

    def take(self, size: int, address: str) -> None:
        """Take bytes for an address; an empty one (a proxy stands there) counts only with the total.

        Raises:
            ProblemError: `overloaded`.
        """
        if size > self._left or (address and self._held[address] + size > self._per_address):
            raise refuse("overloaded", "too much arrives at once; try again", retry_after=1.0)
        self._left -= size
        self._held[address] += size

    def give_back(self, size: int, address: str) -> None:
        """Give bytes back."""
        self._left += size
        self._held[address] -= size
        if self._held[address] <= 0:
            del self._held[address]


BUDGET: Final = web.AppKey("body budget", Budget)


async def read_body(request: web.Request, limit: int) -> bytes:
    """Read the whole body.

    Raises:
        ProblemError: `tooLarge`, or `badRequest` for a compressed, slow or broken body.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise refuse("badRequest", "send the body without Content-Encoding")
    length = request.content_length
    if length is not None and length > limit:
        raise refuse("tooLarge", f"at most {limit} bytes are taken here", limit=limit)
    try:
        if request.content.is_eof():
            return _whole(request, limit)
        async with asyncio.timeout(min(FIRST_S + (length or limit) / MIN_BYTES_PER_S, LAST_S)):
            return await _read(request, limit)
    except TimeoutError as error:
        raise refuse("badRequest", "the body came too slowly") from error
    except (web.RequestPayloadError, ValueError) as error:
        raise refuse("badRequest", "the body breaks off or is not valid HTTP") from error


def _whole(request: web.Request, limit: int) -> bytes:
    """Take a body that came with its header, as small ones do: nothing to wait for, nothing to hold."""
    body = request.content.read_nowait()
    if len(body) > limit:
        raise refuse("tooLarge", f"at most {limit} bytes are taken here", limit=limit)
    return body


async def _read(request: web.Request, limit: int) -> bytes:
    budget, address = request.app[BUDGET], limited_address(request.remote or "")
    body, taken = bytearray(), 0
    try:
        async for chunk in request.content.iter_any():
            budget.take(len(chunk), address)
            taken += len(chunk)
            body += chunk
            if len(body) > limit:
                raise refuse("tooLarge", f"at most {limit} bytes are taken here", limit=limit)
        return bytes(body)
    finally:
        # Whoever waits for a slow sender holds little; what is complete is worked on at once.
        budget.give_back(taken, address)
