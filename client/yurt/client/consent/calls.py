"""What a front end may ask about invitations by people whom one does not know."""

from typing import ClassVar, Final

from yurt.client.api import View
from yurt.client.calls import EngineCall


class InvitationView(View, frozen=True, kw_only=True):
    """Somebody asks whether they may add this person to a room."""

    address: str
    did: str
    room: bytes
    since: int
    """Milliseconds since 1970."""


class InvitationViews(View, frozen=True):
    """Who asks."""

    invitations: tuple[InvitationView, ...]


class ListInvitations(EngineCall, frozen=True):
    """List who asks (`InvitationViews`)."""

    name: ClassVar[str] = "list_invitations"


class AnswerInvitation(EngineCall, frozen=True, kw_only=True):
    """Let somebody add this person to rooms, or not (`Nothing`)."""

    name: ClassVar[str] = "answer_invitation"

    address: str
    accept: bool


CALLS: Final[tuple[type[EngineCall], ...]] = (ListInvitations, AnswerInvitation)
