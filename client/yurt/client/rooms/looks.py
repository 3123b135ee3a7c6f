"""How a message looks after everything that was done to it; kept in its line, made anew when it changes."""

from collections.abc import Iterable
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.api import Reaction
from yurt.client.vault import actions
from yurt.client.vault.actions import Action, Note
from yurt.client.vault.timeline import Marks
from yurt.identity.did import Did
from yurt.rooms.common import content
from yurt.rooms.common.content import Create, Target
from yurt.rooms.common.said import Delete, Edit, Like, Undo, decode_said
from yurt.rooms.member.message_state import Actions, MessageView, Placed
from yurt.wire.position import Position

_SAID: Final = (Edit, Delete, Like, Undo)


def refresh(tx: Connection, room: bytes, target: Target) -> MessageView | None:
    """Show a message as it is after everything that was done to it; None if it is not here."""
    done, note = actions.on(tx, room, target), actions.note(tx, room, target=target)
    if note is None or not (done or note.marks != Marks()):
        return None
    view = _view(note, done)
    deletes = [each for each in done if each.is_placed and isinstance(decode_said(each.content), Delete)]
    marks = Marks(
        edited=view.edited_at is not None,
        deleted_by=_address(done, view.deleted_by) if view.deleted_by else "",
        reactions=tuple(_reactions(view, done)),
    )
    actions.show(tx, note, view.note.content if view.note else "", marks)
    if deletes:
        first = min(deletes, key=lambda each: each.position)
        actions.erase(tx, room, target, first.item)
    return view


def _view(note: Note, done: list[Action]) -> MessageView:
    first = Placed(Create(note.target.id, content.Note(note.original)), Did(note.target.did), note.position)
    placed = [first]
    for each in done:
        said = decode_said(each.content)
        if isinstance(said, _SAID):
            placed.append(Placed(said, Did(each.did), each.position))
    return Actions(tuple(sorted(placed, key=_place))).view()


def _place(placed: Placed) -> Position:
    return placed.position


def _reactions(view: MessageView, done: list[Action]) -> Iterable[Reaction]:
    by: dict[str, list[str]] = {}
    for reaction in view.reactions:
        by.setdefault(reaction.emoji, []).append(reaction.by)
    own = {each.did for each in done if each.own}
    for emoji, dids in by.items():
        addresses = tuple(_address(done, did) for did in dids)
        yield Reaction(emoji=emoji, by=addresses, dids=tuple(dids), own=not own.isdisjoint(dids))


def _address(done: list[Action], did: str) -> str:
    return next((each.address for each in done if each.did == did), did)
