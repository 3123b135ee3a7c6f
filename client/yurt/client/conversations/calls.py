"""What a front end may ask about conversations with clients of other software."""

from typing import ClassVar, Final

from yurt.client.api import View
from yurt.client.calls import EngineCall


class TriedView(View, frozen=True, kw_only=True):
    """Somebody whose client tried to begin an encrypted conversation; it was told that it cannot be."""

    address: str
    actor: str
    since: int
    """Milliseconds since 1970."""


class TriedViews(View, frozen=True):
    """Who tried."""

    tried: tuple[TriedView, ...]


class ListTried(EngineCall, frozen=True):
    """List who tried since somebody last looked, each person once (`TriedViews`)."""

    name: ClassVar[str] = "list_tried"


CALLS: Final[tuple[type[EngineCall], ...]] = (ListTried,)
