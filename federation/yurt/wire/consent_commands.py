"""Invitations to rooms by people whom one does not know: asked first, answered by the person (TRUST 6).

No key package leaves before the answer. Whoever asks learns nothing: the answer is the same for people who do
not exist, who have blocked the asker, and who have not looked yet.
"""

from typing import Annotated, ClassVar, Final

import msgspec

from yurt.wire.command import Answer, Command, Done
from yurt.wire.registry import ROOM_ID_SIZE

RoomId = Annotated[bytes, msgspec.Meta(min_length=ROOM_ID_SIZE, max_length=ROOM_ID_SIZE)]
_Actor = Annotated[str, msgspec.Meta(max_length=2048)]
_Did = Annotated[str, msgspec.Meta(max_length=128)]


class AskInvite(Command, frozen=True):
    """Ask somebody, wherever they live, whether they let the caller add them to a room."""

    name: ClassVar[str] = "ask_invite"
    answer: ClassVar[type[Answer]] = Done

    actor: _Actor
    """Whom."""
    room: RoomId


class Asking(msgspec.Struct, frozen=True):
    """Somebody asks whether they may add the caller to a room."""

    did: str
    actor: str
    room: bytes
    since: int
    """Milliseconds since 1970."""


class Askings(Answer, frozen=True):
    """Who asks."""

    askings: tuple[Asking, ...] = ()


class ListAskings(Command, frozen=True):
    """List who asks to add the caller to a room."""

    name: ClassVar[str] = "invitations"
    answer: ClassVar[type[Answer]] = Askings


class AnswerInvite(Command, frozen=True, kw_only=True):
    """Let somebody add the caller to rooms for a week, or not."""

    name: ClassVar[str] = "answer_invite"
    answer: ClassVar[type[Answer]] = Done

    did: _Did
    accept: bool


# --- between nodes only ---------------------------------------------------------------------------------
class InviteAsked(msgspec.Struct, frozen=True):
    """`AskInvite` of an account of the asking node."""

    actor: _Actor
    room: RoomId
    record: bytes
    """The asker's newest record: it must name who asks."""


class InviteAccepted(msgspec.Struct, frozen=True):
    """Somebody of the telling node lets an account of the told node add them."""

    actor: _Actor
    """Who had asked."""
    room: RoomId


CONSENT_COMMANDS: Final[tuple[type[Command], ...]] = (AskInvite, ListAskings, AnswerInvite)
