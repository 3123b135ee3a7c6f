"""What a front end may ask about history for joiners."""

from typing import ClassVar, Final

from yurt.client.api import View
from yurt.client.calls import EngineCall


class InviteWithHistory(EngineCall, frozen=True, kw_only=True):
    """Add somebody to a room and give them what was said before (`PersonView`)."""

    name: ClassVar[str] = "invite_with_history"

    room: bytes
    address: str


class GiveHistory(EngineCall, frozen=True, kw_only=True):
    """Give somebody who is in the room what was said before they came (`GivenView`)."""

    name: ClassVar[str] = "give_history"

    room: bytes
    address: str


class LimitHistory(EngineCall, frozen=True, kw_only=True):
    """Say how far back joiners of a room may be given history at most (`Nothing`); by owner and admins."""

    name: ClassVar[str] = "limit_history"

    room: bytes
    seconds: int
    """0: nothing."""


class GivenView(View, frozen=True, kw_only=True):
    """What is being given."""

    devices: int
    """Of that person; each is told by itself."""


CALLS: Final[tuple[type[EngineCall], ...]] = (InviteWithHistory, GiveHistory, LimitHistory)
