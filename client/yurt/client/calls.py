"""What a front end may ask of one part of the engine: links, devices, moves.

What every front end needs is a method of `yurt.client.api.EngineApi`; the rest is a struct of its part, so
that a part can be read, tested and added by itself. A call may be repeated when the process that holds
the vault leaves before it answered: whatever must happen once carries a name of its own, made by the asker.

    class MakeLink(EngineCall, frozen=True, kw_only=True):
        name: ClassVar[str] = "make_link"
        room: bytes

    link = await engine.call(MakeLink(room=room), LinkView)
"""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import msgspec


class EngineCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of what may be asked; `yurt.client.service.every_call` lists them all."""

    name: ClassVar[str]


class Nothing(msgspec.Struct, frozen=True):
    """The answer of a call that just does something."""


EngineCalls = dict[type[EngineCall], Callable[[Any], Awaitable[object]]]
"""What a part of the engine answers, and how: each takes the call, and returns its answer."""
