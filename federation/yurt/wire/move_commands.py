"""Moving: an account for somebody who comes with their person, what is known of ties, and the Move itself.

A planned move asks the old node for the Move (`MoveAway`); a rescue asks the new one, with the old actor key
lent for it (`LendKey`, `RescueFollowers`). Next person records go by `publish_record`.
"""

from typing import Annotated, ClassVar, Final

import msgspec

from yurt.wire.account_commands import SignedIn
from yurt.wire.command import Answer, Command, Done
from yurt.wire.portability_commands import KitFile
from yurt.wire.unshown import Unshown


class Arrive(Unshown, Command, frozen=True, kw_only=True):
    """Make an account for somebody who has a person already, all or nothing; asked again, it signs in.

    In a planned move the newest record still names the old actor: nothing is moved by arriving.
    """

    name: ClassVar[str] = "arrive"
    answer: ClassVar[type[Answer]] = SignedIn
    open: ClassVar[bool] = True

    code: str
    secret: bytes
    """From the link's fragment."""
    account: str
    login_key: bytes
    device_id: bytes
    records: tuple[bytes, ...]
    """Signed person records, each continuing the one before; the newest lists the device."""
    statement: bytes
    """FEP-c390 identity statement for the new actor, JSON, verbatim."""
    actor_key: bytes
    """RSA-2048 private key of the new actor, PKCS #8 DER, lent to the node."""
    previous: str
    """The actor that is left: the new one says that it is also that one (``alsoKnownAs``)."""


class RescueKit(Unshown, Command, frozen=True, kw_only=True):
    """Fetch a kit from a buddy before there is an account, on the strength of an account invite."""

    name: ClassVar[str] = "rescue_kit"
    answer: ClassVar[type[Answer]] = KitFile
    open: ClassVar[bool] = True

    code: str
    secret: bytes
    buddy: str
    request: Annotated[bytes, msgspec.Meta(max_length=1_024)]
    """See `yurt.wire.portability_commands.FetchKit`."""


class MoveTie(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Somebody with whom this account has a tie, and what is known of their node."""

    actor: str
    address: str
    did: str = ""
    inbox: str = ""
    shared_inbox: str = ""
    follower: bool = False
    following: bool = False
    locked: bool = False
    """Follows wait for them."""
    since: int = 0
    """When they began to follow; seconds since 1970."""
    software: str = ""
    """NodeInfo's name of their node's software; empty if nobody knows."""
    version: str = ""
    unreachable_s: int = 0
    """For how long nobody reached their node, in seconds."""
    gone: bool = False
    """Their account was deleted."""


class MoveTiesPage(Answer, frozen=True):
    """A page of ties."""

    ties: tuple[MoveTie, ...]
    next: str = ""
    """Give it as ``after`` for the next page; empty at the end."""


class MoveTies(Command, frozen=True):
    """Everybody with whom this account has a tie; their nodes are asked for their software, once a day."""

    name: ClassVar[str] = "move_ties"
    answer: ClassVar[type[Answer]] = MoveTiesPage

    after: str = ""
    limit: int = 200


class MoveAway(Command, frozen=True):
    """Tell everybody that this account has moved; the newest person record must name the target already."""

    name: ClassVar[str] = "move_away"
    answer: ClassVar[type[Answer]] = Done

    target: str
    """The new actor."""
    again: bool = False
    """Tell those once more who still follow here."""


class LendKey(Unshown, Command, frozen=True, kw_only=True):
    """Let this node sign one Move in the name of the actor that was left; asked again, it changes nothing.

    The newest person record must name this account's actor, and the other one as a previous actor.
    """

    name: ClassVar[str] = "lend_key"
    answer: ClassVar[type[Answer]] = Done

    actor: str
    key_id: str
    """As peers know it."""
    key: bytes
    """RSA private key, PKCS #8 DER."""
    older: bytes = b""
    """The key before it, for those who have not heard of the newer one; tried where that is refused."""
    days: int = 30
    """At most 30; then the node erases it."""


class EraseKey(Command, frozen=True):
    """Forget the lent key now, also if something still waits to be signed with it."""

    name: ClassVar[str] = "erase_key"
    answer: ClassVar[type[Answer]] = Done


class OldFollower(msgspec.Struct, frozen=True, omit_defaults=True):
    """A follower of the actor that was left, from the roster."""

    actor: str
    inbox: str
    shared_inbox: str = ""
    did: str = ""


class RescueFollowers(Command, frozen=True):
    """Send the Move of the lent key to these followers; each inbox gets it once, however often it is asked.

    Something signed by the new actor goes before it: some software follows only whom it has seen.
    """

    name: ClassVar[str] = "rescue_followers"
    answer: ClassVar[type[Answer]] = Done

    followers: tuple[OldFollower, ...]
    """At most 500 at once."""
    again: bool = False
    """Send it once more to an inbox that has taken it, or refused it."""


class SpreadRecord(Command, frozen=True):
    """Bring the newest own person record to nodes where somebody has a tie or a room with this person."""

    name: ClassVar[str] = "spread_record"
    answer: ClassVar[type[Answer]] = Done

    nodes: tuple[str, ...]
    """At most 500 at once."""


class WatchMove(Command, frozen=True, kw_only=True):
    """Count who arrives, at one hour, one day, seven days and thirty days from `start`."""

    name: ClassVar[str] = "watch_move"
    answer: ClassVar[type[Answer]] = Done

    start: int
    """When the Move was sent; seconds since 1970."""
    previous: str
    """The actor that was left."""


class PeerReport(Answer, frozen=True, kw_only=True):
    """What another Yurt node says of somebody who moved; the exchange proves whose word it is."""

    node: str = ""
    followers: tuple[str, ...] = ()
    """Actors of that node that follow the new actor."""
    record_seq: int = 0
    """Number of the newest person record that it knows; 0: none."""
    problem: str = ""
    """Why nothing is known."""


class FollowersOf(msgspec.Struct, frozen=True):
    """What a node is asked by the node of the actor itself: who there follows it?"""

    did: str


class PeerReports(Answer, frozen=True):
    """The answers of nodes."""

    reports: tuple[PeerReport, ...]


class AskPeers(Command, frozen=True):
    """Ask Yurt nodes which of their accounts follow this one by now, and which record they know."""

    name: ClassVar[str] = "ask_peers"
    answer: ClassVar[type[Answer]] = PeerReports

    nodes: tuple[str, ...]
    """At most 50 at once."""


class MoveMark(msgspec.Struct, frozen=True, omit_defaults=True):
    """One time at which is counted who arrived."""

    after_s: int
    """Seconds since the Move."""
    at: int = 0
    """When it was counted; seconds since 1970; 0 if that is still to come."""
    arrived: int = 0
    """Followers that came since the Move."""


class MoveView(Answer, frozen=True, kw_only=True):
    """Where a move of this account stands."""

    moved_to: str = ""
    """The account has moved there; empty while its person is here."""
    aliases: tuple[str, ...] = ()
    """Actors that this one says it also is."""
    waiting: int = 0
    """Activities of the move that still wait to be delivered."""
    set_aside: int = 0
    """Those that will not be delivered."""
    key_until: int = 0
    """Until when this node holds the old actor key; 0 if it holds none."""
    marks: tuple[MoveMark, ...] = ()


class MoveState(Command, frozen=True):
    """Where a move of this account stands."""

    name: ClassVar[str] = "move_state"
    answer: ClassVar[type[Answer]] = MoveView


MOVE_COMMANDS: Final = (
    Arrive,
    RescueKit,
    MoveTies,
    MoveAway,
    LendKey,
    EraseKey,
    RescueFollowers,
    SpreadRecord,
    WatchMove,
    AskPeers,
    MoveState,
)
