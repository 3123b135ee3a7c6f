"""The API described in OpenAPI 3.1, made from the command structs themselves: it cannot lag behind them.

Made when it is first asked for, and kept as bytes. What a stream does (`/api/v1/stream`) is not described:
OpenAPI knows no WebSocket; its frames are in `yurt.wire.frames`.
"""

import inspect
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from aiohttp import web

from yurt.node.http.paths import API_PATH, OPENAPI_PATH
from yurt.node.http.problem_documents import PROBLEM_TYPE
from yurt.wire.command import Command
from yurt.wire.commands import COMMANDS
from yurt.wire.problems import PROBLEMS

_REFERENCE: Final = "#/components/schemas/{name}"
_JSON: Final = "application/json"
_CACHED: Final = "max-age=3600"
Json = dict[str, Any]


class ApiDescription:
    """Serves the description of what a node's dispatcher answers."""

    def __init__(self, domain: str, names: Iterable[str]) -> None:
        self._domain = domain
        self._names = sorted(names)
        self._document = b""

    def routes(self) -> list[web.AbstractRouteDef]:
        """What this part answers."""
        return [web.get(OPENAPI_PATH, self.serve)]

    async def serve(self, request: web.Request) -> web.Response:
        """`GET /api/v1/openapi.json`."""
        del request
        if not self._document:
            self._document = msgspec.json.encode(describe(self._domain, self._names))
        return web.Response(body=self._document, content_type=_JSON, headers={"Cache-Control": _CACHED})


def describe(domain: str, names: Iterable[str]) -> Json:
    """Make the OpenAPI document of some commands.

    Args:
        domain: Of the node that answers them.
        names: Keys of `COMMANDS`.
    """
    commands = [COMMANDS[name] for name in names]
    structs = [*commands, *dict.fromkeys(command.answer for command in commands)]
    _, schemas = msgspec.json.schema_components(structs, ref_template=_REFERENCE)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{domain}: a Yurt node",
            "version": "1",
            "description": "Commands of a client to its own node. Unknown keys are ignored.",
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        "servers": [{"url": f"https://{domain}"}],
        "paths": {API_PATH + command.name: {"post": _operation(command)} for command in commands},
        "components": {
            "schemas": {name: _described(schema) for name, schema in schemas.items()}
            | {"Problem": _problem()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(command: type[Command]) -> Json:
    summary, _, more = inspect.cleandoc(command.__doc__ or command.name).partition("\n")
    described = {"description": more.strip()} if more.strip() else {}
    return {
        "operationId": command.name,
        "summary": summary,
        **described,
        "security": [] if command.open else [{"token": []}],
        "requestBody": {
            "required": True,
            "content": {_JSON: {"schema": {"$ref": _REFERENCE.format(name=command.__name__)}}},
        },
        "responses": {
            "200": {
                "description": "Done, and durable.",
                "content": {_JSON: {"schema": {"$ref": _REFERENCE.format(name=command.answer.__name__)}}},
            },
            "default": {
                "description": "A problem: 4xx the asker's, 5xx this node's or another's; `code` says which.",
                "headers": {
                    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
                },
                "content": {PROBLEM_TYPE: {"schema": {"$ref": _REFERENCE.format(name="Problem")}}},
            },
        },
    }


def _described(schema: Json) -> Json:
    """Take the margin of the source off a description."""
    text = schema.get("description")
    return {**schema, "description": inspect.cleandoc(text)} if isinstance(text, str) else schema


def _problem() -> Json:
    """RFC 9457, with our code."""
    return {
        "title": "Problem",
        "type": "object",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": {"type": "string", "pattern": "^urn:yurt:problem:"},
            "title": {"type": "string", "description": "One line that says what to do."},
            "status": {"type": "integer"},
            "code": {"type": "string", "enum": list(PROBLEMS)},
            "extra": {"type": "object"},
            "retry_after": {"type": "number", "description": "Seconds to wait."},
        },
    }
