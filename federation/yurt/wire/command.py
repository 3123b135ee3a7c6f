"""What a client may ask of its own node: the base of every command and answer.

The same structs go through two doors: ``POST /api/v1/<name>`` (JSON, bytes as base64) and the stream frame
``call`` (MessagePack). Unknown keys are ignored, so a newer client can talk to an older node. Before a
client has a token it may call only the commands whose ``open`` is true. `yurt.wire.commands` lists them all.
"""

from typing import ClassVar

import msgspec


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of what a command answers."""


class Command(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of everything a client may ask."""

    name: ClassVar[str]
    answer: ClassVar[type[Answer]]
    open: ClassVar[bool] = False
    """Whether it may be called without a token."""


class Done(Answer, frozen=True):
    """It is done, and durable."""
