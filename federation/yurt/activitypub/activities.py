"""Activities that federate today, read and written: Follow, and Accept, Reject and Undo of a Follow.

    activity = parse_activity(parse_object(body, limit=limits.ACTIVITY_BODY))
    check_signer(activity, key_owner)
    match activity:
        case Follow(): ...
        case Other(): ...          # kept as it is; nothing that is unknown is an error

What an activity asks for is believed only of its ``actor``, and only once the actor signed the request.
"""

from dataclasses import dataclass, field
from typing import Final

from yurt.activitypub.errors import DocumentRefused
from yurt.activitypub.references import (
    Json,
    check_plain,
    host_of,
    id_of,
    object_of,
    text_of,
    types_of,
)
from yurt.activitypub.vocabulary import AS_CONTEXT

_FOLLOW: Final = "Follow"


@dataclass(frozen=True, slots=True)
class FollowReference:
    """The Follow that another activity is about: embedded, or only named."""

    id: str
    """Empty if it was embedded without one."""
    actor: str = ""
    """Who follows; empty if only the id is known."""
    object: str = ""
    """Who is followed; likewise."""


@dataclass(frozen=True, slots=True)
class Follow:
    """`actor` wants to follow `object`."""

    id: str
    actor: str
    object: str


@dataclass(frozen=True, slots=True)
class Accept:
    """`actor` takes a follower in."""

    id: str
    actor: str
    follow: FollowReference


@dataclass(frozen=True, slots=True)
class Reject:
    """`actor` refuses a follower, or removes one."""

    id: str
    actor: str
    follow: FollowReference


@dataclass(frozen=True, slots=True)
class Undo:
    """`actor` stops following, or takes the wish back."""

    id: str
    actor: str
    follow: FollowReference


@dataclass(frozen=True, slots=True)
class Other:
    """Anything else, kept as it came."""

    id: str
    actor: str
    type: str
    document: Json = field(repr=False)


Activity = Follow | Accept | Reject | Undo | Other


def parse_activity(document: Json) -> Activity:
    """Read an activity.

    Raises:
        DocumentRefused: No type, no actor, ids that are no https URLs or no text, an id on another host than
            the actor's, a Follow without an object, or an embedded Follow that the actor cannot speak about.
    """
    check_plain(document)
    kinds = types_of(document)
    actor = id_of(document.get("actor"))
    if len(kinds) != 1 or not actor:
        raise DocumentRefused("notAnActivity", "an activity has one type and one actor")
    node = host_of(actor)
    activity_id = text_of(document, "id")
    if not activity_id and document.get("id") is not None:
        raise DocumentRefused("badId", "an id is a URL, or there is none")
    if activity_id and host_of(activity_id) != node:
        raise DocumentRefused("idHost", "the activity's id is on another host than its actor")
    return _of_kind(kinds[0], activity_id, actor, document)


def _of_kind(kind: str, activity_id: str, actor: str, document: Json) -> Activity:
    if kind == _FOLLOW:
        followed = id_of(document.get("object"))
        host_of(followed)
        return Follow(activity_id, actor, followed)
    follow = _reference(document.get("object"))
    if follow is None:
        return Other(activity_id, actor, kind, document)
    match kind:
        case "Accept":
            return Accept(activity_id, actor, _of(follow, followed=actor))
        case "Reject":
            return Reject(activity_id, actor, _of(follow, followed=actor))
        case "Undo":
            return Undo(activity_id, actor, _of(follow, follower=actor))
        case _:
            return Other(activity_id, actor, kind, document)


def check_signer(activity: Activity, owner: str) -> None:
    """Refuse an activity that somebody else signed.

    Args:
        activity: What was read from the body.
        owner: The actor that owns the key which signed the request.

    Raises:
        DocumentRefused: They differ.
    """
    if activity.actor != owner:
        raise DocumentRefused("actorMismatch", "the activity's actor did not sign the request")


def self_delete_of(document: Json) -> str:
    """The actor that says of itself that it is gone, or empty.

    If it is unknown here, the request is answered 202 and dropped before any key is fetched (TRUST 10):
    whole servers that close send one to everybody.
    """
    actor = id_of(document.get("actor"))
    is_delete = types_of(document) == ["Delete"] and bool(actor)
    return actor if is_delete and id_of(document.get("object")) == actor else ""


# --- written ----------------------------------------------------------------------------------------
def follow_document(follow: Follow) -> Json:
    """Write a Follow."""
    return {"@context": AS_CONTEXT, **_embedded(follow), "to": [follow.object]}


def accept_document(activity_id: str, follow: Follow) -> Json:
    """Write the Accept of a Follow by whom it is about; the Follow is embedded, as it was sent."""
    return _answer(activity_id, "Accept", follow)


def reject_document(activity_id: str, follow: Follow) -> Json:
    """Write the Reject of a Follow by whom it is about."""
    return _answer(activity_id, "Reject", follow)


def undo_document(activity_id: str, follow: Follow) -> Json:
    """Write the Undo of a Follow by its actor."""
    return {
        "@context": AS_CONTEXT,
        "id": activity_id,
        "type": "Undo",
        "actor": follow.actor,
        "object": _embedded(follow),
        "to": [follow.object],
    }


def _answer(activity_id: str, kind: str, follow: Follow) -> Json:
    return {
        "@context": AS_CONTEXT,
        "id": activity_id,
        "type": kind,
        "actor": follow.object,
        "object": _embedded(follow),
        "to": [follow.actor],
    }


def _embedded(follow: Follow) -> Json:
    return {"id": follow.id, "type": _FOLLOW, "actor": follow.actor, "object": follow.object}


# --- read -------------------------------------------------------------------------------------------
def _reference(value: object) -> FollowReference | None:
    """The Follow that a value is or names; None if it embeds something else, or nothing."""
    embedded = object_of(value)
    if embedded is not None and "type" in embedded:
        if types_of(embedded) != [_FOLLOW]:
            return None
        return FollowReference(
            text_of(embedded, "id"), id_of(embedded.get("actor")), id_of(embedded.get("object"))
        )
    named = id_of(value)
    return FollowReference(named) if named else None


def _of(follow: FollowReference, *, follower: str = "", followed: str = "") -> FollowReference:
    """Take a reference that its sender may speak about: its own Follow, or one that is about itself."""
    speaks = (not follower or follow.actor in ("", follower)) and (
        not followed or follow.object in ("", followed)
    )
    if not speaks:
        raise DocumentRefused("notTheirFollow", "the Follow is between other people")
    return follow
