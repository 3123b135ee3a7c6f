"""Scene: what arrives. Signed activities verified and durable, beside bare aiohttp with the same check.

Both get the same requests, one after the other, in each repetition; keys are fetched before. At the end more
arrives at once than can be taken in.
"""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from yurt.lab.bench import bare_inbox, fedi_node
from yurt.lab.bench.fedi_node import INBOX, NAME, FediNode
from yurt.lab.bench.figures import Book
from yurt.lab.bench.http_load import load
from yurt.lab.bench.machine import cpu_s, pin
from yurt.lab.bench.setting import SERVER_CORE, Setting
from yurt.lab.bench.street import signed, signed_ed25519
from yurt.wire.network_map import Endpoint

HOSTS: Final = [f"p{number}.example" for number in range(20)]
CONNECTIONS: Final = 50
REQUESTS: Final = 6_000
CROWD: Final = 1_500
Sign = Callable[[str, str, dict[str, object], int], bytes]


async def measure(setting: Setting, book: Book) -> None:
    """Measure what is wanted."""
    async with (
        fedi_node.opened(setting.folder, HOSTS) as node,
        bare_inbox.opened(setting.folder, NAME) as bare,
    ):
        pin(bare.pid, SERVER_CORE)
        numbers = iter(range(1_000_000))
        schemes: tuple[tuple[str, Sign], ...] = (("inbox-rsa", signed), ("inbox-ed25519", signed_ed25519))
        for _, sign in schemes:
            await load(node.process.endpoint, _likes(sign, 2 * len(HOSTS), next(numbers)), 1)
        for _ in range(setting.times):
            for name, sign in schemes:
                if setting.wants(name, f"{name}-cpu"):
                    likes = _likes(sign, setting.less(REQUESTS), next(numbers))
                    of_bare = await _taken(bare.endpoint, bare.pid, likes)
                    of_node = await _taken(node.process.endpoint, node.process.pid, likes)
                    book.note(name, of_node[0], of_bare[0])
                    book.note(f"{name}-cpu", of_node[1], of_bare[1])
        if setting.wants("overload", "overload-told"):
            await _overload(node, book)


def _likes(sign: Sign, count: int, run: int) -> list[bytes]:
    """Activities of forty actors on twenty hosts, about posts that nobody here has."""
    now, made = int(time.time()), list[bytes]()  # noqa: TID251  # a benchmark runs now
    for number in range(count):
        actor = f"https://{HOSTS[number % len(HOSTS)]}/users/u{number // len(HOSTS) % 2}"
        like: dict[str, object] = {
            "id": f"{actor}#likes/{run}-{number}",
            "type": "Like",
            "object": f"https://{NAME}/users/ana/notes/{number}",
        }
        made.append(sign(actor, INBOX, like, now))
    return made


async def _taken(place: Endpoint, pid: int, requests: list[bytes]) -> tuple[float, float]:
    """Requests a second, and the server's CPU for each in microseconds.

    Raises:
        RuntimeError: One was refused.
    """
    before = cpu_s(pid)
    answers = await load(place, requests, CONNECTIONS)
    if set(answers.statuses) != {HTTPStatus.ACCEPTED}:
        raise RuntimeError(f"activities are refused: {dict(answers.statuses)}")
    return len(requests) / answers.seconds, (cpu_s(pid) - before) / len(requests) * 1e6


async def _overload(node: FediNode, book: Book) -> None:
    """So many requests in one moment that not all can be taken in."""
    answers = await load(node.process.endpoint, _likes(signed, CROWD * 2, 20_000_000), CROWD)
    refused = answers.statuses[HTTPStatus.SERVICE_UNAVAILABLE]
    book.note("overload", answers.slowest_s.get(HTTPStatus.SERVICE_UNAVAILABLE, 0.0))
    book.note("overload-told", 100 * answers.retry_after / refused if refused else 100)
