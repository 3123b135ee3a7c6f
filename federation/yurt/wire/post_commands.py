"""Posts: written, read, liked and shown to others."""

from typing import ClassVar

import msgspec

from yurt.wire.command import Answer, Command, Done


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
    notify: bool = False
    """This account asked to be told of what the author posts ("Notify on new posts")."""


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
