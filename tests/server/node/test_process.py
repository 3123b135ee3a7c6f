"""A node as a process: it stops when it is told to, whoever is connected."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest
from websockets.sync.client import ClientConnection, connect

from yurt.lab.world.network import free_endpoints
from yurt.node.streams.door import STREAM_PATH
from yurt.node.testing import PATIENCE_S
from yurt.wire.frames import Bye, ClientHello, NodeFrame, NodeHello
from yurt.wire.network_map import Endpoint

NAME = "harbour.example"


@pytest.fixture
def where() -> Endpoint:
    return free_endpoints([NAME])[NAME]


@pytest.fixture
def node(tmp_path: Path, where: Endpoint) -> Iterator["subprocess.Popen[bytes]"]:
    """A plain node on loopback, answering."""
    data = tmp_path / "node"
    run = [sys.executable, "-m", "yurt.node"]
    listen = ["--listen", f"{where.host}:{where.port}", "--plain"]
    environment = {key: value for key, value in os.environ.items() if key != "YURT_NETWORK"}
    init = [*run, "init", NAME, "--data", str(data), *listen]
    subprocess.run(init, check=True, env=environment)  # noqa: S603  # our own command
    with (tmp_path / "log").open("wb") as log:
        command = [*run, "run", "--data", str(data)]
        process = subprocess.Popen(command, stderr=log, env=environment)  # noqa: S603  # our own command
    with ExitStack() as stack:
        stack.callback(process.wait)
        stack.callback(process.kill)
        answered(process, where)
        yield process


def answered(process: "subprocess.Popen[bytes]", where: Endpoint) -> None:
    """Wait until the node takes connections."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the node did not start"
        try:
            socket.create_connection((where.host, where.port), timeout=PATIENCE_S).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise TimeoutError


@contextmanager
def opened(where: Endpoint) -> Generator[ClientConnection]:
    """A stream on which nothing was said yet."""
    url = f"ws://{where.host}:{where.port}{STREAM_PATH}"
    with connect(url, compression=None, proxy=None, open_timeout=PATIENCE_S) as stream:
        yield stream


def heard(stream: ClientConnection) -> NodeFrame:
    frame: NodeFrame = msgspec.msgpack.decode(stream.recv(timeout=PATIENCE_S, decode=False), type=NodeFrame)
    return frame


def test_stop_with_open_streams_is_quick_and_clean(node: "subprocess.Popen[bytes]", where: Endpoint) -> None:
    """SIGTERM: every stream hears bye, the process ends by itself with 0."""
    with ExitStack() as stack:
        streams = [stack.enter_context(opened(where)) for _ in range(3)]
        for stream in streams:
            stream.send(msgspec.msgpack.encode(ClientHello((1,))))
            assert isinstance(heard(stream), NodeHello)

        node.send_signal(signal.SIGTERM)

        assert node.wait(PATIENCE_S) == 0
        assert [heard(stream) for stream in streams] == [Bye("stopping", 1.0)] * 3


def test_stop_does_not_wait_for_silent_connections(node: "subprocess.Popen[bytes]", where: Endpoint) -> None:
    """A half-sent request and a stream that never says hello do not hold the process."""
    with opened(where), socket.create_connection((where.host, where.port)) as half:
        half.sendall(b"POST /api/v1/login HTTP/1.1\r\nHost: harbour.example\r\nContent-Length: 100\r\n\r\n{")

        node.send_signal(signal.SIGTERM)

        assert node.wait(PATIENCE_S) == 0
