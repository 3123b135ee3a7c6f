"""Create, Update and Delete: what brings, changes and takes away posts; made and parsed.

    match read_post_activity(other, followers):
        case Create(content=Note()): ...
        case Create(content=None): ...         # only named: fetch it at object_id
        case Update(object_id=actor): ...      # the actor itself: fetch its document again

An embedded object counts only if it is the sender's own, on the sender's own host; what is merely named on
that host is fetched. In which order these arrive does not matter: `yurt.activitypub.object_life`.
"""

from dataclasses import dataclass, replace
from typing import Final

from yurt.activitypub.activities import Other
from yurt.activitypub.audience import narrower, read_audience
from yurt.activitypub.errors import DocumentRefused
from yurt.activitypub.mls_objects import MlsObject, is_mls_object, parse_mls_object
from yurt.activitypub.notes import POST_TYPES, Note, note_document, parse_note
from yurt.activitypub.references import Json, host_of, id_of, object_of, types_of
from yurt.activitypub.timestamps import write_time
from yurt.activitypub.vocabulary import ACTOR_TYPES, AS_CONTEXT, PUBLIC

_EMBEDDING: Final = {"type", "content", "attributedTo"}


@dataclass(frozen=True, slots=True)
class Create:
    """`actor` brings something new."""

    id: str
    actor: str
    object_id: str
    content: Note | MlsObject | None
    """None: it is only named, and is to be fetched."""


@dataclass(frozen=True, slots=True)
class Update:
    """`actor` changed something, or itself."""

    id: str
    actor: str
    object_id: str
    content: Note | None
    """None: fetch it."""

    @property
    def is_self(self) -> bool:
        """Whether the actor's own document changed."""
        return self.object_id == self.actor


@dataclass(frozen=True, slots=True)
class Delete:
    """`actor` takes something away for ever, or itself."""

    id: str
    actor: str
    object_id: str

    @property
    def is_self(self) -> bool:
        """Whether the actor itself is gone."""
        return self.object_id == self.actor


PostActivity = Create | Update | Delete


def read_post_activity(activity: Other, followers: str = "") -> PostActivity | None:
    """Read an activity about a post.

    Args:
        activity: As `parse_activity` left it.
        followers: The actor's followers collection.

    Returns:
        None if it is of another type, or brings something that is not known here.

    Raises:
        DocumentRefused: The object is somebody else's, or on another host.
    """
    match activity.type:
        case "Create":
            return _create(activity, followers)
        case "Update":
            return _update(activity, followers)
        case "Delete":
            return Delete(activity.id, activity.actor, _own_object(activity))
        case _:
            return None


def create_document(activity_id: str, note: Note, followers: str) -> Json:
    """Write the Create of a post of ours."""
    document = note_document(note, followers)
    return {
        "@context": AS_CONTEXT,
        "id": activity_id,
        "type": "Create",
        "actor": note.author,
        "published": document["published"],
        "to": document["to"],
        "cc": document["cc"],
        "object": document,
    }


def update_actor_document(activity_id: str, actor: Json, followers: str) -> Json:
    """Write the Update of an actor of ours, for its followers and whoever else knows it.

    To everybody, as Mastodon has it: snac looks for its own people in the ``to`` of what is updated, where an
    actor has none, and so takes only an Update that is public. (It says nothing that is not public.)

    Args:
        activity_id: Its id.
        actor: The actor's document as it is now.
        followers: Its followers collection.
    """
    return {
        "@context": actor["@context"],
        "id": activity_id,
        "type": "Update",
        "actor": actor["id"],
        "to": [PUBLIC],
        "cc": [followers],
        "object": {name: value for name, value in actor.items() if name != "@context"},
    }


def delete_document(activity_id: str, note: Note, followers: str, deleted: int) -> Json:
    """Write the Delete of a post of ours, for everybody who had it."""
    addressed = note_document(note, followers)
    return {
        "@context": AS_CONTEXT,
        "id": activity_id,
        "type": "Delete",
        "actor": note.author,
        "to": addressed["to"],
        "cc": addressed["cc"],
        "object": {"id": note.id, "type": "Tombstone", "deleted": write_time(deleted)},
    }


def _create(activity: Other, followers: str) -> Create | None:
    object_id = _own_object(activity)
    embedded = _embedded(activity)
    if embedded is None:
        return Create(activity.id, activity.actor, object_id, None)
    if is_mls_object(embedded):
        message = parse_mls_object(embedded, followers)
        _check_author(message.author, activity)
        return Create(activity.id, activity.actor, object_id, message)
    note = _note(embedded, activity, followers)
    return None if note is None else Create(activity.id, activity.actor, object_id, note)


def _update(activity: Other, followers: str) -> Update | None:
    object_id = _own_object(activity)
    embedded = _embedded(activity)
    if object_id == activity.actor or embedded is None:
        return Update(activity.id, activity.actor, object_id, None)
    if ACTOR_TYPES & set(types_of(embedded)):
        raise DocumentRefused("notTheirs", "an actor updates only itself")
    note = _note(embedded, activity, followers)
    return None if note is None else Update(activity.id, activity.actor, object_id, note)


def _note(embedded: Json, activity: Other, followers: str) -> Note | None:
    if not POST_TYPES & set(types_of(embedded)):
        return None
    note = parse_note(embedded, followers)
    _check_author(note.author, activity)
    if "to" in activity.document or "cc" in activity.document:
        note = replace(note, audience=narrower(note.audience, read_audience(activity.document, followers)))
    return note


def _check_author(author: str, activity: Other) -> None:
    if author != activity.actor:
        raise DocumentRefused("foreignObject", "the object is by somebody else than who sent it")


def _own_object(activity: Other) -> str:
    """The object's id, on the actor's own host (GHSA-3fjr-858r-92rw: each host speaks for itself)."""
    object_id = id_of(activity.document.get("object"))
    if host_of(object_id) != host_of(activity.actor):
        raise DocumentRefused("foreignObject", "the object is on another host than who sent it")
    return object_id


def _embedded(activity: Other) -> Json | None:
    """The object, if more of it was sent than its id."""
    value = object_of(activity.document.get("object"))
    return value if value is not None and _EMBEDDING & value.keys() else None
