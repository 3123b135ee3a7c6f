"""What a front end may ask about links, joining by them, leaving and bans."""

from typing import ClassVar, Final

from yurt.client.api import View
from yurt.client.calls import EngineCall
from yurt.wire.unshown import Unshown

DEFAULT_USES: Final = 1
DEFAULT_DAYS: Final = 7


class LinkView(Unshown, View, frozen=True, kw_only=True):
    """A link to a room, as the room's policy has it."""

    code: str
    by: str
    """Address of whoever made it."""
    uses_left: int
    not_after: int
    """Seconds since 1970."""
    own: bool = False
    url: str = ""
    """The secret link itself: only when it was just made."""
    history: int = 0
    """Seconds back that a joiner may be given."""


class Links(View, frozen=True):
    """The links of a room."""

    links: tuple[LinkView, ...]


class JoinView(View, frozen=True, kw_only=True):
    """How joining a room by link stands."""

    room: bytes
    name: str
    """As the link's maker called it."""
    hub: str
    state: str
    """``joined``; ``waiting`` for somebody in the room; ``asking`` while the hub cannot be reached."""
    until: int = 0
    """When the hub forgets the request, milliseconds since 1970."""


class LeftView(View, frozen=True):
    """How leaving a room stands: here it is closed in any case."""

    done: bool
    """Whether the room has taken it in; else somebody in it will, or it is said again once it can be."""


class MakeLink(Unshown, EngineCall, frozen=True, kw_only=True):
    """Make a link to a room; with the same secret again, it is made once."""

    name: ClassVar[str] = "make_link"
    room: bytes
    secret: bytes
    """16 random bytes, made by the asker."""
    uses: int = DEFAULT_USES
    days: int = DEFAULT_DAYS
    account: bool = False
    """Whether it also brings an account on the own node."""
    history: int = 0


class ListLinks(EngineCall, frozen=True, kw_only=True):
    """List the links of a room."""

    name: ClassVar[str] = "list_links"
    room: bytes


class EndLink(EngineCall, frozen=True, kw_only=True):
    """End a link: nobody comes in by it any more."""

    name: ClassVar[str] = "end_link"
    room: bytes
    code: str


class JoinByLink(Unshown, EngineCall, frozen=True, kw_only=True):
    """Ask to join the room that a link leads to, and wait a little."""

    name: ClassVar[str] = "join_by_link"
    url: str
    within: float = 10.0
    """Seconds to wait for somebody in the room."""


class LeaveRoom(EngineCall, frozen=True, kw_only=True):
    """Leave a room."""

    name: ClassVar[str] = "leave_room"
    room: bytes
    within: float = 0.0
    """Seconds to wait until the room has taken it in."""


class Ban(EngineCall, frozen=True, kw_only=True):
    """Ban somebody from a room, and remove them if they are in it."""

    name: ClassVar[str] = "ban"
    room: bytes
    address: str


class Unban(EngineCall, frozen=True, kw_only=True):
    """Let somebody be invited again."""

    name: ClassVar[str] = "unban"
    room: bytes
    address: str


CALLS: Final[tuple[type[EngineCall], ...]] = (MakeLink, ListLinks, EndLink, JoinByLink, LeaveRoom, Ban, Unban)
