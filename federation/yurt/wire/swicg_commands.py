"""Key packages for clients of other software (SWICG): public, last-resort, and never for a room."""

from typing import ClassVar, Final

import msgspec

from yurt.wire.command import Answer, Command, Done


class PublishPublicKeyPackage(Command, frozen=True):
    """Show a device's last-resort key package in the actor's ``keyPackages``; with none, show it no longer.

    It must not list the room policy's extension (0xF0B2): nobody can add it to a room (TRUST 6).
    """

    name: ClassVar[str] = "publish_public_key_package"
    answer: ClassVar[type[Answer]] = Done

    key_package: bytes = b""
    """MLSMessage, verbatim."""


class ConversationTried(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of an inbox row of `InboxKind.CONVERSATION`."""

    actor: str
    """Who tried."""
    address: str
    kind: str
    """What came: one of the SWICG's types, such as ``Welcome``."""


SWICG_COMMANDS: Final[tuple[type[Command], ...]] = (PublishPublicKeyPackage,)
