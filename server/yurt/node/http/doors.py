"""The HTTP door of the dispatcher, `POST /api/v1/<command>`."""

from typing import Final

import msgspec
from aiohttp import web

from yurt.node.dispatcher import Authenticator, Caller, Context, Dispatcher
from yurt.node.http.body import read_body
from yurt.node.http.paths import API_PATH
from yurt.wire import limits
from yurt.wire.command import Command
from yurt.wire.errors import GateError
from yurt.wire.gate import decode_json
from yurt.wire.problems import refuse

_BEARER: Final = "Bearer "


class CommandDoor:
    """Takes commands as JSON."""

    def __init__(self, dispatcher: Dispatcher, tokens: Authenticator) -> None:
        self._dispatcher = dispatcher
        self._tokens = tokens

    def routes(self) -> list[web.AbstractRouteDef]:
        """What this part answers."""
        return [web.post(API_PATH + "{command:[a-z_]{1,40}}", self.call)]

    async def call(self, request: web.Request) -> web.Response:
        """Do a command."""
        context = Context(request.remote or "", await self._caller(request))
        body = await read_body(request, limits.COMMAND_BODY)
        answer = await self._dispatcher.call(context, request.match_info["command"], body, decode_command)
        return web.Response(
            body=msgspec.json.encode(answer),
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    async def _caller(self, request: web.Request) -> Caller | None:
        header = request.headers.get("Authorization", "")
        if not header:
            return None
        if not header.startswith(_BEARER):
            raise refuse("notSignedIn", "give the token as `Authorization: Bearer TOKEN`")
        return await self._tokens.authenticate(header.removeprefix(_BEARER).strip())


def decode_command(body: bytes, kind: type[Command]) -> Command:
    """Read a command's struct from JSON (bytes as base64).

    Raises:
        ProblemError: `tooLarge` or `badRequest`.
    """
    try:
        return decode_json(body or b"{}", kind, limit=limits.COMMAND_BODY)
    except GateError as error:
        raise error.as_problem() from error
