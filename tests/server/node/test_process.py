"""A node as a process: it stops when it is told to, whoever is connected."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest
from websockets.sync.client import ClientConnection, connect

from yurt.wire.frames import Bye, ClientHello, NodeFrame, NodeHello

STOP_S = 5


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.2", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def node(tmp_path: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A plain node on loopback, answering."""
    data = tmp_path / "node"
    run = [sys.executable, "-m", "yurt.node"]
    listen = ["--listen", f"127.0.0.2:{port}", "--plain"]
    environment = {key: value for key, value in os.environ.items() if key != "YURT_NETWORK"}
    init = [*run, "init", "harbour.example", "--data", str(data), *listen]
    subprocess.run(init, check=True, env=environment)  # noqa: S603  # our own command
    with (tmp_path / "log").open("wb") as log:
        command = [*run, "run", "--data", str(data)]
        process = subprocess.Popen(command, stderr=log, env=environment)  # noqa: S603  # our own command
    with ExitStack() as stack:
        stack.callback(process.wait)
        stack.callback(process.kill)
        answered(process, port)
        yield process


def answered(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Wait until the node takes connections."""
    for _ in range(1000):
        assert process.poll() is None, "the node did not start"
        try:
            socket.create_connection(("127.0.0.2", port), timeout=1).close()
        except OSError:
            signal.sigtimedwait([], 0.01)
        else:
            return
    raise TimeoutError


@contextmanager
def opened(port: int) -> Generator[ClientConnection]:
    """A stream on which nothing was said yet."""
    with connect(f"ws://127.0.0.2:{port}/api/v1/stream", compression=None, proxy=None) as stream:
        yield stream


def heard(stream: ClientConnection) -> NodeFrame:
    frame: NodeFrame = msgspec.msgpack.decode(stream.recv(timeout=2, decode=False), type=NodeFrame)
    return frame


def test_stop_with_open_streams_is_quick_and_clean(node: "subprocess.Popen[bytes]", port: int) -> None:
    """SIGTERM: every stream hears bye, the process ends by itself with 0 within five seconds."""
    with ExitStack() as stack:
        streams = [stack.enter_context(opened(port)) for _ in range(3)]
        for stream in streams:
            stream.send(msgspec.msgpack.encode(ClientHello((1,))))
            assert isinstance(heard(stream), NodeHello)

        node.send_signal(signal.SIGTERM)

        assert node.wait(STOP_S) == 0
        assert [heard(stream) for stream in streams] == [Bye("stopping", 1.0)] * 3


def test_stop_does_not_wait_for_silent_connections(node: "subprocess.Popen[bytes]", port: int) -> None:
    """A half-sent request and a stream that never says hello do not hold the process."""
    with opened(port), socket.create_connection(("127.0.0.2", port)) as half:
        half.sendall(b"POST /api/v1/login HTTP/1.1\r\nHost: harbour.example\r\nContent-Length: 100\r\n\r\n{")

        node.send_signal(signal.SIGTERM)

        assert node.wait(STOP_S) == 0
