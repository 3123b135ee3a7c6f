"""The process of a node: event loop (uvloop where it is installed), signals, log."""

import asyncio
import contextlib
import ctypes
import gc
import logging
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

from yurt.node import config as configuration
from yurt.node import log_format
from yurt.node.app import Node
from yurt.node.config import network_from_environment

_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_ARENAS: Final = 2
_LARGE: Final = 1024 * 1024
_log = logging.getLogger("yurt.node")


def run_node(data: Path) -> None:
    """Run until SIGTERM or SIGINT, then drain.

    Raises:
        ConfigError, StoreError: it could not start.
    """
    log_format.set_up(configuration.load(data).log)
    _give_memory_back()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(data))


def _give_memory_back() -> None:
    """Let glibc return large blocks to the system when they are freed, and keep few pools of small ones.

    Each sign-in takes 19 MiB for Argon2id. By default glibc learns from the first one to keep such blocks.
    And it gives each of our dozen threads a pool of its own, from which the others cannot take.
    """
    with contextlib.suppress(OSError, AttributeError):  # another libc has no such setting
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        libc.mallopt(_M_ARENA_MAX, _ARENAS)


async def _serve(data: Path) -> None:
    config = configuration.load(data)
    node = Node(data, config, network_from_environment())
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await node.start()
    # 68,000 objects that stay to the end: looking through them again stops the loop for 15 to 30 ms.
    gc.freeze()
    _log.info("%s listens on %s%s", config.domain, config.listen, " without TLS" if config.plain else "")
    await stopped.wait()
    _log.info("stopping")
    await node.stop()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
