"""People: finding, following, answering, blocking and muting them."""

from typing import ClassVar

import msgspec

from yurt.wire.command import Answer, Command, Done
from yurt.wire.position import Position


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
    locked: bool = False
    """They approve each follow by hand: one that was asked for waits for them."""


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
    locked: bool = False
    """They approve each follow by hand."""
    gone: bool = False
    """Their node says that their account was deleted."""


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


class KeptAway(Answer, frozen=True):
    """It holds from now on, and is durable."""

    met: bool = True
    """Whether it is known who they are; else it holds for whoever comes under this address."""


class Block(Command, frozen=True):
    """Have nothing to do with somebody: follows end both ways, and their node is told.

    Holds also for an address whose node cannot be asked who that is.
    """

    name: ClassVar[str] = "block"
    answer: ClassVar[type[Answer]] = KeptAway

    address: str


class Unblock(Command, frozen=True):
    """Block somebody no longer; no follow comes back by itself."""

    name: ClassVar[str] = "unblock"
    answer: ClassVar[type[Answer]] = Done

    address: str


class Mute(Command, frozen=True):
    """Do not see what somebody posts; nobody is told. Holds for any address, as `Block` does."""

    name: ClassVar[str] = "mute"
    answer: ClassVar[type[Answer]] = KeptAway

    address: str


class Unmute(Command, frozen=True):
    """See again what somebody posts."""

    name: ClassVar[str] = "unmute"
    answer: ClassVar[type[Answer]] = Done

    address: str
