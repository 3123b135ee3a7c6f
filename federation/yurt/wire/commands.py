"""What a client may ask of its own node: one struct for each command, one for each answer.

The same structs go through two doors: ``POST /api/v1/<name>`` (JSON, bytes as base64) and the stream frame
``call`` (MessagePack). Unknown keys are ignored, so a newer client can talk to an older node. Before a
client has a token it may call only the commands whose ``open`` is true.
"""

from typing import ClassVar, Final

import msgspec
from typing_extensions import override

from yurt.wire.position import Position


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


# --- account and device -----------------------------------------------------------------------------
class SignedIn(Answer, frozen=True):
    """A device's access to its account."""

    account: str
    """The account's name on this node."""
    actor: str
    """The actor URL."""
    token: str
    """For this device only; the node stores its SHA-256."""
    expires_at: int
    """Seconds since 1970."""

    @override
    def __repr__(self) -> str:
        """Show nothing: a traceback or a log must not hold what it carries."""
        return "SignedIn(...)"


class Join(Command, frozen=True, kw_only=True):
    """Make an account from an account invite, all or nothing.

    Asked again by the same did with the same secret and login key (the answer was lost), it signs in.
    """

    name: ClassVar[str] = "join"
    answer: ClassVar[type[Answer]] = SignedIn
    open: ClassVar[bool] = True

    code: str
    secret: bytes
    """From the link's fragment; the node stores its SHA-256."""
    account: str
    """1 to 30 of a-z, 0-9, _; the actor is ``https://NODE/users/ACCOUNT``."""
    login_key: bytes
    """32 bytes, Argon2id of the passphrase: the node never sees the passphrase."""
    device_id: bytes
    record: bytes
    """The first signed person record, verbatim."""
    statement: bytes
    """FEP-c390 identity statement for the actor, JSON, verbatim."""
    actor_key: bytes
    """RSA-2048 private key, PKCS #8 DER, lent to the node for HTTP signatures."""

    @override
    def __repr__(self) -> str:
        """Show nothing: a traceback or a log must not hold what it carries."""
        return "Join(...)"


class Login(Command, frozen=True, kw_only=True):
    """Sign a device in with the login key."""

    name: ClassVar[str] = "login"
    answer: ClassVar[type[Answer]] = SignedIn
    open: ClassVar[bool] = True

    account: str
    login_key: bytes
    device_id: bytes

    @override
    def __repr__(self) -> str:
        """Show nothing: a traceback or a log must not hold what it carries."""
        return "Login(...)"


class Logout(Command, frozen=True):
    """Forget this device's token."""

    name: ClassVar[str] = "logout"
    answer: ClassVar[type[Answer]] = Done


# --- people -----------------------------------------------------------------------------------------
class Person(Answer, frozen=True):
    """Somebody, as the node knows them."""

    address: str
    """``name@node``."""
    actor: str
    did: str = ""
    """Empty for actors without one."""
    record: bytes = b""
    """Newest signed person record that the node holds, verbatim; the client verifies for itself."""
    statement: bytes = b""
    """FEP-c390 statement that binds the did to the actor, verbatim."""


class Resolve(Command, frozen=True):
    """Find a person by address (WebFinger, then actor document, then record)."""

    name: ClassVar[str] = "resolve"
    answer: ClassVar[type[Answer]] = Person

    address: str


class Follow(Command, frozen=True):
    """Follow somebody; the answer comes before theirs does."""

    name: ClassVar[str] = "follow"
    answer: ClassVar[type[Answer]] = Person

    address: str


class Unfollow(Command, frozen=True):
    """Stop following somebody."""

    name: ClassVar[str] = "unfollow"
    answer: ClassVar[type[Answer]] = Done

    address: str


class Tie(msgspec.Struct, frozen=True, omit_defaults=True):
    """One follow, seen from this account."""

    address: str
    actor: str
    state: str
    """``pending`` or ``accepted``."""
    since: int
    """Seconds since 1970."""
    did: str = ""


class Ties(Answer, frozen=True):
    """A page of ties."""

    ties: tuple[Tie, ...]
    as_of: Position
    """Position in the inbox that this page agrees with."""
    next: str = ""
    """Give it as ``after`` for the next page; empty at the end."""


class Followers(Command, frozen=True):
    """Who follows this account."""

    name: ClassVar[str] = "followers"
    answer: ClassVar[type[Answer]] = Ties

    after: str = ""
    limit: int = 200


class Following(Command, frozen=True):
    """Whom this account follows."""

    name: ClassVar[str] = "following"
    answer: ClassVar[type[Answer]] = Ties

    after: str = ""
    limit: int = 200


# --- key packages -----------------------------------------------------------------------------------
class KeyPackageCount(Answer, frozen=True):
    """How many one-time key packages of this device the node still holds."""

    one_time: int


class PublishKeyPackages(Command, frozen=True):
    """Give the node one-time key packages of this device (MLSMessages)."""

    name: ClassVar[str] = "publish_key_packages"
    answer: ClassVar[type[Answer]] = KeyPackageCount

    key_packages: tuple[bytes, ...] = ()


class Claimed(Answer, frozen=True):
    """One key package for each live device of the target, never handed out again."""

    key_packages: tuple[bytes, ...]
    record: bytes
    """The target's newest signed record, verbatim."""


class ClaimKeyPackages(Command, frozen=True):
    """Claim key packages of a person in order to add them to a room."""

    name: ClassVar[str] = "claim_key_packages"
    answer: ClassVar[type[Answer]] = Claimed

    actor: str
    """The target's location."""
    claim: bytes
    """Signed by the claimer's device (TRUST 6), verbatim."""


# --- rooms ------------------------------------------------------------------------------------------
class RoomInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """A room in which this account's did has a leaf."""

    room: bytes
    hub: str
    """The hub's node name."""
    start: Position
    """This device reads what comes after this position; nothing before it is served."""
    head: Position
    epoch: int


class Rooms(Answer, frozen=True):
    """The rooms of this account."""

    rooms: tuple[RoomInfo, ...]
    as_of: Position


class ListRooms(Command, frozen=True):
    """Which rooms this account's did has a leaf in."""

    name: ClassVar[str] = "rooms"
    answer: ClassVar[type[Answer]] = Rooms


class Appended(Answer, frozen=True):
    """The hub's receipt: the entry is durable at this place."""

    position: Position
    accepted_at: int
    """Milliseconds since 1970, by the hub's clock."""
    hash: bytes
    """SHA-256 of the entry."""
    chain: bytes


class CreateRoom(Command, frozen=True):
    """Open a room whose hub is this node, from the GroupInfo (with tree) of epoch 0."""

    name: ClassVar[str] = "create_room"
    answer: ClassVar[type[Answer]] = Done

    group_info: bytes


class Append(Command, frozen=True, kw_only=True):
    """Append an entry to a room's log; the same entry twice is accepted once.

    Idempotency key: SHA-256 of ``entry``, remembered for 30 days.
    """

    name: ClassVar[str] = "append"
    answer: ClassVar[type[Answer]] = Appended

    room: bytes
    kind: int
    """An EntryKind."""
    entry: bytes
    """The MLSMessage's bytes."""
    group_info: bytes = b""
    """With a commit: the GroupInfo of its new epoch (no tree)."""
    welcome: bytes = b""
    """With a commit that adds leaves: the Welcome."""


# --- posts ------------------------------------------------------------------------------------------
class PostInfo(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A post as this account sees it. Texts are safe to show."""

    number: int
    """Its place in the timeline; 0 in the answer to `Post`."""
    id: str
    """Its URL: name it to answer, like, boost or delete it."""
    author: str
    """Address, or the actor URL if that is all that is known."""
    text: str
    published: int
    """Seconds since 1970."""
    visibility: str
    """``public``, ``unlisted``, ``followers`` or ``direct``."""
    summary: str = ""
    """A content warning: show the text only when asked for."""
    in_reply_to: str = ""
    boosted_by: str = ""
    """Address of who showed it; empty if the author did."""
    edited: int = 0
    """Seconds since 1970; 0 if never."""
    likes: int = 0
    """That this node knows of."""
    boosts: int = 0
    liked: bool = False
    """By this account."""
    boosted: bool = False


class Posted(Answer, frozen=True):
    """The post is kept, shown to followers here, and on its way to those elsewhere."""

    id: str


class Post(Command, frozen=True, kw_only=True):
    """Post something; asked again with the same `unique`, nothing is posted twice."""

    name: ClassVar[str] = "post"
    answer: ClassVar[type[Answer]] = Posted

    text: str
    """People who are named as ``@name@node`` get it too."""
    visibility: str = "followers"
    """``public``, ``unlisted``, ``followers`` or ``direct`` (only whom it names)."""
    in_reply_to: str = ""
    summary: str = ""
    unique: bytes = b""
    """16 random bytes; the node makes them if there are none."""


class TimelinePage(Answer, frozen=True):
    """A page of the timeline, newest first."""

    posts: tuple[PostInfo, ...]
    next: int = 0
    """Give it as ``before`` for the page of older posts; 0 at the end."""


class Timeline(Command, frozen=True):
    """What people who are followed have posted, and what names this account."""

    name: ClassVar[str] = "timeline"
    answer: ClassVar[type[Answer]] = TimelinePage

    before: int = 0
    """Only what stands before this number; 0: from the newest."""
    limit: int = 50


class Delete(Command, frozen=True):
    """Take back an own post, for everybody who got it."""

    name: ClassVar[str] = "delete"
    answer: ClassVar[type[Answer]] = Done

    post: str


class Like(Command, frozen=True):
    """Like a post, or no longer."""

    name: ClassVar[str] = "like"
    answer: ClassVar[type[Answer]] = Done

    post: str
    undo: bool = False


class Boost(Command, frozen=True):
    """Show a public post to one's followers, or no longer."""

    name: ClassVar[str] = "boost"
    answer: ClassVar[type[Answer]] = Done

    post: str
    undo: bool = False


# --- who may follow, who is not wanted --------------------------------------------------------------
class Lock(Command, frozen=True):
    """Let follows of this account wait for an answer, or accept them at once."""

    name: ClassVar[str] = "lock"
    answer: ClassVar[type[Answer]] = Done

    locked: bool = True


class Requests(Command, frozen=True):
    """Who waits for an answer to their follow."""

    name: ClassVar[str] = "requests"
    answer: ClassVar[type[Answer]] = Ties

    after: str = ""
    limit: int = 200


class Accept(Command, frozen=True):
    """Let somebody follow who asked to."""

    name: ClassVar[str] = "accept"
    answer: ClassVar[type[Answer]] = Done

    address: str


class Reject(Command, frozen=True):
    """Let somebody not follow, or not any more."""

    name: ClassVar[str] = "reject"
    answer: ClassVar[type[Answer]] = Done

    address: str


class Block(Command, frozen=True):
    """Have nothing to do with somebody: follows end both ways, and their node is told."""

    name: ClassVar[str] = "block"
    answer: ClassVar[type[Answer]] = Done

    address: str


class Unblock(Command, frozen=True):
    """Block somebody no longer; no follow comes back by itself."""

    name: ClassVar[str] = "unblock"
    answer: ClassVar[type[Answer]] = Done

    address: str


class Mute(Command, frozen=True):
    """Do not see what somebody posts; nobody is told."""

    name: ClassVar[str] = "mute"
    answer: ClassVar[type[Answer]] = Done

    address: str


class Unmute(Command, frozen=True):
    """See again what somebody posts."""

    name: ClassVar[str] = "unmute"
    answer: ClassVar[type[Answer]] = Done

    address: str


COMMANDS: Final[dict[str, type[Command]]] = {
    command.name: command
    for command in (
        Join,
        Login,
        Logout,
        Resolve,
        Follow,
        Unfollow,
        Followers,
        Following,
        PublishKeyPackages,
        ClaimKeyPackages,
        ListRooms,
        CreateRoom,
        Append,
        Post,
        Timeline,
        Delete,
        Like,
        Boost,
        Lock,
        Requests,
        Accept,
        Reject,
        Block,
        Unblock,
        Mute,
        Unmute,
    )
}
