"""Like, Announce and Block, and Undo of each: one actor's word about somebody else's thing.

    match read_reaction(other, followers):
        case Like(target=post): ...
        case UndoReaction(reaction=Like()): ...

Only the id of the target is taken, never its embedded copy: what it says is fetched at its own host.
"""

from dataclasses import dataclass
from typing import Final

from yurt.activitypub.activities import Other
from yurt.activitypub.audience import Audience, address, read_audience
from yurt.activitypub.errors import DocumentRefused
from yurt.activitypub.references import Json, host_of, id_of, object_of, text_of, types_of
from yurt.activitypub.timestamps import read_time, write_time
from yurt.activitypub.vocabulary import AS_CONTEXT


@dataclass(frozen=True, slots=True)
class Like:
    """`actor` likes the post `target`."""

    id: str
    actor: str
    target: str


@dataclass(frozen=True, slots=True)
class Announce:
    """`actor` shows the post `target` to others (a boost)."""

    id: str
    actor: str
    target: str
    audience: Audience
    published: int = 0
    """Seconds since 1970; 0 if it does not say."""


@dataclass(frozen=True, slots=True)
class Block:
    """`actor` wants to have nothing to do with the actor `target`: follows end, both ways."""

    id: str
    actor: str
    target: str


Reaction = Like | Announce | Block


@dataclass(frozen=True, slots=True)
class UndoReaction:
    """`actor` takes a reaction back. One that is only named arrives as `activities.Undo` with its id."""

    id: str
    actor: str
    reaction: Reaction


_KINDS: Final = frozenset({"Like", "Announce", "Block"})


def read_reaction(activity: Other, followers: str = "") -> Reaction | UndoReaction | None:
    """Read a reaction, or the Undo of an embedded one.

    Args:
        activity: As `parse_activity` left it.
        followers: The actor's followers collection.

    Returns:
        None if it is of another type.

    Raises:
        DocumentRefused: No target, or somebody else's reaction.
    """
    if activity.type in _KINDS:
        return _reaction(activity.type, activity.id, activity.actor, activity.document, followers)
    embedded = object_of(activity.document.get("object"))
    if activity.type != "Undo" or embedded is None:
        return None
    kinds = types_of(embedded)
    if len(kinds) != 1 or kinds[0] not in _KINDS:
        return None
    if id_of(embedded.get("actor")) not in ("", activity.actor):
        raise DocumentRefused("notTheirs", "only who reacted takes it back")
    reaction_id = text_of(embedded, "id")
    if reaction_id and host_of(reaction_id) != host_of(activity.actor):
        raise DocumentRefused("idHost", "the reaction's id is on another host than its actor")
    reaction = _reaction(kinds[0], reaction_id, activity.actor, embedded, followers)
    return UndoReaction(activity.id, activity.actor, reaction)


def reaction_document(reaction: Reaction, author: str, followers: str) -> Json:
    """Write a reaction of ours.

    Args:
        reaction: The reaction.
        author: Whose post the target is; for a Block, the target itself.
        followers: The followers collection of who reacts.
    """
    return {"@context": AS_CONTEXT, **_written(reaction, author, followers)}


def undo_reaction_document(undo: UndoReaction, author: str, followers: str) -> Json:
    """Write that a reaction of ours is taken back, for the same people."""
    embedded = _written(undo.reaction, author, followers)
    return {
        "@context": AS_CONTEXT,
        "id": undo.id,
        "type": "Undo",
        "actor": undo.actor,
        "to": embedded["to"],
        "cc": embedded.get("cc", []),
        "object": embedded,
    }


def _reaction(kind: str, reaction_id: str, actor: str, document: Json, followers: str) -> Reaction:
    target = id_of(document.get("object"))
    host_of(target)
    match kind:
        case "Like":
            return Like(reaction_id, actor, target)
        case "Announce":
            published = read_time(text_of(document, "published")) or 0
            return Announce(reaction_id, actor, target, read_audience(document, followers), published)
        case _:
            if target == actor:
                raise DocumentRefused("notTheirs", "nobody blocks oneself")
            return Block(reaction_id, actor, target)


def _written(reaction: Reaction, author: str, followers: str) -> Json:
    document: Json = {
        "id": reaction.id,
        "type": type(reaction).__name__,
        "actor": reaction.actor,
        "object": reaction.target,
        "to": [author],
    }
    if isinstance(reaction, Announce):
        audience = Audience(reaction.audience.visibility, (author,))
        document |= {"published": write_time(reaction.published), **address(audience, followers)}
    return document
