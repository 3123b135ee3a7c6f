"""Who a post is for: written into ``to`` and ``cc``, read from them, and who may see it.

Yurt's posts are for followers unless the author asks for public (DESIGN 5). Where a document could be read
in two ways, the narrower one holds: a mistake may hide a post, never publish one.
"""

import enum
from dataclasses import dataclass
from typing import Final

from yurt.activitypub.references import Json, ids_of
from yurt.activitypub.vocabulary import PUBLIC

_PUBLIC_NAMES: Final = frozenset({PUBLIC, "as:Public", "Public"})


class Visibility(enum.IntEnum):
    """Who may see a post, from nobody else to everybody; the values are stored."""

    DIRECT = 0
    """Whom it names."""
    FOLLOWERS = 1
    UNLISTED = 2
    """Everybody, but it is not shown around."""
    PUBLIC = 3


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a post is addressed to."""

    visibility: Visibility
    actors: tuple[str, ...] = ()
    """Actors that are named one by one, in order."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who asks for a post; a fetch must be signed to be more than a stranger's."""

    actor: str = ""
    """Empty: a stranger."""
    is_follower: bool = False
    """The author accepted the follow; pending is not following."""
    is_blocked: bool = False
    """By the author, or the node blocks the viewer's domain."""


def address(audience: Audience, followers: str) -> Json:
    """Write ``to`` and ``cc``.

    Args:
        audience: Whom it is for.
        followers: The author's followers collection.
    """
    named = list(audience.actors)
    match audience.visibility:
        case Visibility.PUBLIC:
            return {"to": [PUBLIC], "cc": [followers, *named]}
        case Visibility.UNLISTED:
            return {"to": [followers], "cc": [PUBLIC, *named]}
        case Visibility.FOLLOWERS:
            return {"to": [followers], "cc": named}
        case Visibility.DIRECT:
            return {"to": named, "cc": []}


def read_audience(document: Json, followers: str) -> Audience:
    """Read ``to`` and ``cc`` of an object or an activity.

    Args:
        document: The object.
        followers: The author's followers collection, from the author's actor document; empty if unknown,
            then a collection that is named cannot be told from an actor and opens nothing.
    """
    to, cc = ids_of(document.get("to")), ids_of(document.get("cc"))
    everybody = [
        item for item in dict.fromkeys((*to, *cc)) if item not in _PUBLIC_NAMES and item != followers
    ]
    return Audience(_visibility(to, cc, followers), tuple(everybody))


def narrower(one: Audience, other: Audience) -> Audience:
    """The audience on which an activity and its object agree."""
    return one if one.visibility <= other.visibility else other


def may_see(audience: Audience, author: str, viewer: Viewer) -> bool:
    """Tell whether somebody may fetch a post; who may not is answered as if there were none."""
    if viewer.actor and viewer.actor == author:
        return True
    if viewer.is_blocked:
        return False
    if audience.visibility >= Visibility.UNLISTED:
        return True
    if not viewer.actor:
        return False
    if viewer.actor in audience.actors:
        return True
    return viewer.is_follower and audience.visibility is Visibility.FOLLOWERS


def may_boost(visibility: Visibility, author: str, actor: str) -> bool:
    """Tell whether `actor` may Announce a post: public ones, and one's own to one's followers."""
    own = actor == author and visibility is Visibility.FOLLOWERS
    return own or visibility >= Visibility.UNLISTED


def _visibility(to: list[str], cc: list[str], followers: str) -> Visibility:
    if _PUBLIC_NAMES & set(to):
        return Visibility.PUBLIC
    if _PUBLIC_NAMES & set(cc):
        return Visibility.UNLISTED
    if followers and followers in (*to, *cc):
        return Visibility.FOLLOWERS
    return Visibility.DIRECT
