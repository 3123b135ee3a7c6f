"""A stream to a node for a few questions: the new home before it is the own one, the old one afterwards."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from yurt.client.errors import Disconnected
from yurt.client.stream import A, Stream
from yurt.wire.account_commands import Login, SignedIn
from yurt.wire.command import Command
from yurt.wire.network_map import NetworkMap
from yurt.wire.problems import ProblemError, refuse


class Ask(Protocol):
    """Asks a node."""

    async def __call__(self, command: Command, shape: type[A]) -> A:
        """Ask; `shape` is the command's answer.

        Raises:
            ProblemError: Its refusal, or ``peerUnreachable``.
        """
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """How a device gets into an account."""

    node: str
    account: str
    device_id: bytes
    token: str = field(repr=False)
    login_key: bytes = field(repr=False)


Learned = Callable[[SignedIn], Awaitable[None]]


@asynccontextmanager
async def visit(node: str, network: NetworkMap | None) -> AsyncGenerator[Ask]:
    """Ask a node without an account.

    Raises:
        ProblemError: ``peerUnreachable``.
    """
    try:
        stream = await Stream.open(node, network)
    except Disconnected as error:
        raise refuse("peerUnreachable", str(error)) from None
    try:
        await stream.hello()
        yield _asker(stream)
    except Disconnected as error:
        raise refuse("peerUnreachable", str(error)) from None
    finally:
        await stream.close()


@asynccontextmanager
async def at_home(access: Access, network: NetworkMap | None, learned: Learned) -> AsyncGenerator[Ask]:
    """Ask a node as an account of it; a token that is over is changed for a new one.

    Raises:
        ProblemError: It lets this device in no more, or ``peerUnreachable``.
    """
    try:
        stream = await Stream.open(access.node, network)
    except Disconnected as error:
        raise refuse("peerUnreachable", str(error)) from None
    try:
        await _sign_in(stream, access, learned)
        yield _asker(stream)
    except Disconnected as error:
        raise refuse("peerUnreachable", str(error)) from None
    finally:
        await stream.close()


async def _sign_in(stream: Stream, access: Access, learned: Learned) -> None:
    try:
        await stream.hello(access.token)
    except ProblemError as error:
        if error.problem.code not in ("tokenExpired", "notSignedIn"):
            raise
    else:
        return
    await stream.hello()
    login = Login(account=access.account, login_key=access.login_key, device_id=access.device_id)
    answer = await stream.call(login, SignedIn)
    await learned(answer)
    await stream.hello(answer.token)


def _asker(stream: Stream) -> Ask:
    async def ask(command: Command, shape: type[A]) -> A:
        try:
            return await stream.call(command, shape)
        except Disconnected as error:
            raise refuse("peerUnreachable", str(error)) from None

    return ask
