"""A node as an operating system process: made, started, killed, restarted, and always ended.

The lab never imports `yurt.node`; it runs ``python -m yurt.node`` as an operator would. What a node prints
lies in a file in its folder, and the end of that file is in the message when something fails.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from yurt.lab.world.network import Network
from yurt.wire.network_map import Endpoint

NODE_PROGRAM: Final = ("-m", "yurt.node")
READY_PATH: Final = "/.well-known/nodeinfo"
_START_S: Final = 180.0
_STOP_S: Final = 60.0
_POLL_S: Final = 0.01
_TAIL: Final = 2_000
_PR_SET_PDEATHSIG: Final = 1
_NO_LIMITS: Final = "messages_per_s = 0\naccount_mib_per_day = 0\nroom_mib = 0\n"
"""Benchmarks and tests say in seconds what a community says in a month."""


def _leash() -> Callable[[], None] | None:
    """Let no node outlive its world, not even one that is killed (prctl(2), Linux only)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def leash() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    return leash


_LEASH: Final = _leash()


class NodeFailed(RuntimeError):
    """A node did not do what was asked; the message ends with what it printed last."""

    def __init__(self, domain: str, what: str, printed: str) -> None:
        super().__init__(f"{domain}: {what}\n{printed}")
        self.domain = domain


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back for one request."""

    status: int
    body: bytes


class NodeProcess:
    """One node with its data directory."""

    def __init__(
        self,
        domain: str,
        network: Network,
        folder: Path,
        *,
        plain: bool = False,
        program: Sequence[str] = NODE_PROGRAM,
    ) -> None:
        """Name a node; nothing is made or started yet.

        Args:
            domain: The node's name; must be in the network.
            network: Names and certificates of the world.
            folder: For data and log; made by `init`.
            plain: Listen without TLS.
            program: What Python runs; a test may wrap the node's module.
        """
        self.domain = domain
        self.data = folder / "data"
        self.log = folder / "log.txt"
        self._network = network
        self._plain = plain
        self._program = tuple(program)
        self._process: asyncio.subprocess.Process | None = None

    # --- what an operator does ---------------------------------------------------------------------
    async def init(self) -> None:
        """Make the node's data directory."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        endpoint = self.endpoint
        arguments = [self.domain, "--listen", f"{endpoint.host}:{endpoint.port}"]
        if self._plain:
            arguments.append("--plain")
        else:
            arguments += ["--tls-cert", str(self._network.certificate_file(self.domain))]
            arguments += ["--tls-key", str(self._network.key_file(self.domain))]
        await self.command("init", *arguments)
        with (self.data / "node.toml").open("a", encoding="utf-8") as config:
            config.write(_NO_LIMITS)

    async def start(self) -> float:
        """Run the node and wait for its first answer; return the seconds that took."""
        if self.running:
            raise RuntimeError(f"{self.domain} runs already")
        began = time.monotonic()
        with self.log.open("ab") as log:
            self._process = await self._spawn("run", stdout=log, stderr=log)
        try:
            async with asyncio.timeout(_START_S):
                await self._ready(self._process)
        except TimeoutError as error:
            await self.kill()
            raise NodeFailed(self.domain, f"not ready within {_START_S:.0f} s", self.printed()) from error
        return time.monotonic() - began

    async def invite(self, *, uses: int = 1) -> str:
        """Make an account invite; return its link."""
        return (await self.command("invite", "--uses", str(uses))).strip()

    async def stop(self) -> None:
        """Ask the node to stop (SIGTERM) and wait until it has drained.

        Raises:
            NodeFailed: it did not stop in time, or not with exit code 0.
        """
        code = await self._end(signal.SIGTERM)
        if code:
            raise NodeFailed(self.domain, f"stopped with exit code {code}", self.printed())

    async def kill(self) -> None:
        """End the node at once (SIGKILL), as a power cut ends a process."""
        await self._end(signal.SIGKILL)

    async def restart(self) -> float:
        """Stop, then start again."""
        if self.running:
            await self.stop()
        return await self.start()

    async def close(self) -> None:
        """End the process if it still runs, whatever state it is in."""
        if self.running:
            with contextlib.suppress(NodeFailed):
                await self.stop()

    # --- looking at it -----------------------------------------------------------------------------
    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """The process id of the running node."""
        if self._process is None:
            raise RuntimeError(f"{self.domain} was never started")
        return self._process.pid

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens."""
        return self._network.endpoints[self.domain]

    def printed(self) -> str:
        """The end of what the node printed."""
        with contextlib.suppress(OSError):
            return self.log.read_text(encoding="utf-8", errors="replace")[-_TAIL:]
        return ""

    async def get(self, path: str) -> int:
        """Ask for a path over the real listener; return the HTTP status.

        Raises:
            OSError: nobody answers.
        """
        return (await self.ask("GET", path)).status

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answered:
        """Send one request, well-formed or not, on a connection of its own.

        Args:
            method: As it stands in the request.
            path: Likewise, with its query.
            body: Sent with its length.
            headers: Further ones; an underscore stands for a hyphen.

        Raises:
            OSError: nobody answers, or not with HTTP.
        """
        tls = None if self._plain else ssl.create_default_context(cafile=str(self._network.ca_file))
        name = None if self._plain else self.domain
        fields = {"Host": self.domain, "Connection": "close", "Content-Length": str(len(body))}
        fields |= {key.replace("_", "-"): value for key, value in headers.items()}
        head = "".join(f"{key}: {value}\r\n" for key, value in fields.items())
        reader, writer = await asyncio.open_connection(
            self.endpoint.host, self.endpoint.port, ssl=tls, server_hostname=name
        )
        try:
            writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
            await writer.drain()
            status, answer = (await reader.readline()).split(), await reader.read()
        finally:
            writer.transport.abort()
        if len(status) < 2 or not status[1].isdigit():
            raise ConnectionError("the answer has no status line")
        return Answered(int(status[1]), answer.partition(b"\r\n\r\n")[2])

    # --- the process -------------------------------------------------------------------------------
    async def command(self, name: str, *arguments: str) -> str:
        """Run one command of the node to its end; return what it printed.

        Raises:
            NodeFailed: it ended with an error.
        """
        pipe = asyncio.subprocess.PIPE
        process = await self._spawn(name, *arguments, stdout=pipe, stderr=pipe)
        try:
            printed, complaint = await process.communicate()
        except asyncio.CancelledError:
            _send(process, signal.SIGKILL)
            await process.wait()
            raise
        if process.returncode:
            raise NodeFailed(self.domain, f"{name} failed", complaint.decode(errors="replace")[-_TAIL:])
        return printed.decode()

    async def _spawn(
        self, name: str, *arguments: str, stdout: int | IO[bytes], stderr: int | IO[bytes]
    ) -> asyncio.subprocess.Process:
        environment = os.environ | {"YURT_NETWORK": str(self._network.map_file(self.domain))}
        command = [*self._program, name, *arguments, "--data", str(self.data)]
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            stdout=stdout,
            stderr=stderr,
            env=environment,
            preexec_fn=_LEASH,  # one system call, prepared beforehand: nothing in it can wait for a lock
        )

    async def _ready(self, process: asyncio.subprocess.Process) -> None:
        while process.returncode is None:
            with contextlib.suppress(OSError):
                if await self.get(READY_PATH) < 500:
                    return
            await asyncio.sleep(_POLL_S)
        raise NodeFailed(self.domain, f"ended with exit code {process.returncode}", self.printed())

    async def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self.running:
            _send(self._process, how)
        try:
            async with asyncio.timeout(_STOP_S):
                return await self._process.wait()
        except TimeoutError as error:
            _send(self._process, signal.SIGKILL)
            await self._process.wait()
            raise NodeFailed(self.domain, f"did not stop within {_STOP_S:.0f} s", self.printed()) from error


def _send(process: asyncio.subprocess.Process, how: signal.Signals) -> None:
    """Send a signal, also to a process that has just ended.

    `Process.send_signal` looks first whether it still runs, and so takes its exit code away from asyncio's
    watcher, which then complains on stderr.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, how)
