"""The listening socket: TLS, or plain on loopback or a unix socket; and the drain.

Stopping takes at most five seconds: no new connection, then the parts say goodbye to their streams (the
application's shutdown signal), then running requests get a second to end, then what is left is cut.
"""

import asyncio
import contextlib
import logging
import os
import ssl
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from typing_extensions import override

from yurt.node.config import ConfigError, NodeConfig
from yurt.node.http.guard import Guard

DRAIN_S: Final = 1.0
_BACKLOG: Final = 512
_HANDSHAKE_S: Final = 10.0
_MAX_FIELD: Final = 8190
_SOCKET_MODE: Final = 0o660


class _Ours(logging.Filter):
    """Passes over what is no HTTP: that would be a line for each stranger, with their address."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write an event."""
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


_log = logging.getLogger("yurt.node.http.server")
_log.addFilter(_Ours())


class Listener:
    """Serves an application until it is stopped."""

    def __init__(self, data: Path, config: NodeConfig, app: web.Application, guard: Guard) -> None:
        self._data = data
        self._config = config
        self._guard = guard
        # Bodies are never unpacked (300 kB would become 300 MB); idle connections are the guard's.
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_log,
            auto_decompress=False,
            keepalive_timeout=75.0,
            lingering_time=2.0,
            max_field_size=_MAX_FIELD,
            shutdown_timeout=DRAIN_S,
        )
        self._server: asyncio.Server | None = None
        self._reaper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            ConfigError: the address or the TLS files cannot be used.
        """
        tls = self._tls()
        await self._runner.setup()
        server = self._runner.server
        if server is None:
            raise AssertionError("the runner was set up")
        factory = self._guard.watching(server)
        loop = asyncio.get_running_loop()
        wait_s = _HANDSHAKE_S if tls else None
        try:
            if path := self._config.unix_path:
                self._server = await loop.create_unix_server(
                    factory, path, ssl=tls, backlog=_BACKLOG, ssl_handshake_timeout=wait_s
                )
                os.chmod(path, _SOCKET_MODE)  # noqa: PTH101  # one system call at start; it cannot block
            else:
                host, port = self._config.address
                self._server = await loop.create_server(
                    factory, host, port, ssl=tls, backlog=_BACKLOG, ssl_handshake_timeout=wait_s
                )
        except OSError as error:
            raise ConfigError(f"cannot listen on {self._config.listen}: {error.strerror}") from error
        self._reaper = asyncio.create_task(self._guard.run(), name="reaper of connections")

    async def stop(self) -> None:
        """Drain."""
        if self._server is not None:
            self._server.close()
        if self._reaper is not None:
            self._reaper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reaper
        await self._runner.cleanup()

    def _tls(self) -> ssl.SSLContext | None:
        if self._config.plain:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self._data / self._config.tls_cert, self._data / self._config.tls_key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"cannot use tls_cert and tls_key: {error}") from error
        return context
