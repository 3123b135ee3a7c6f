"""What people do to messages: edits, deletes, reactions, and taking a reaction back (TRUST 4).

An action is kept under the name of its target and waits there if the target is missing. The target's line
shows what all actions on it amount to (`yurt.rooms.member.message_state`); the own ones count from the moment
that they are said, and no longer if the room refuses them.
"""

from collections.abc import Callable
from dataclasses import replace

from sqlcipher3.dbapi2 import Connection

from yurt.client.rooms import lines, looks
from yurt.client.rooms.groups import Groups
from yurt.client.rooms.leaves import Device
from yurt.client.rooms.send import open_room, store
from yurt.client.vault import actions, addresses, rooms, timeline
from yurt.client.vault.timeline import NewItem
from yurt.identity.leaf import LeafUse
from yurt.rooms.common.content import Target
from yurt.rooms.common.errors import ContentError
from yurt.rooms.common.participants import verified_leaf
from yurt.rooms.common.room import read_room
from yurt.rooms.common.said import Action as SaidAction
from yurt.rooms.common.said import (
    Delete,
    Edit,
    EditedNote,
    Like,
    Liked,
    Undo,
    decode_said,
    encode_said,
    target_of,
)
from yurt.rooms.member.content_rules import TOO_MANY_REACTIONS, refused_because
from yurt.rooms.member.message_state import MessageView
from yurt.wire.problems import refuse

Do = Callable[[bytes, Target], SaidAction]
"""Makes an action from its content id and its target."""


def edit(text: str) -> Do:
    """Say something else instead."""
    return lambda name, target: Edit(name, EditedNote(target.did, target.id, text))


def delete() -> Do:
    """Take a message back."""
    return Delete


def react(emoji: str, *, undo: bool) -> Do:
    """Put an emoji under a message, or take it away."""
    if undo:
        return lambda name, target: Undo(name, Liked(emoji, target))
    return lambda name, target: Like(name, emoji, target)


def store_action(
    tx: Connection, device: Device, groups: Groups, room: bytes, content_id: bytes, item: int, do: Do
) -> int:
    """Do something to a message; asked again under the same content id, it is done once.

    Returns:
        The local id of the action's own line.

    Raises:
        ProblemError: No such message, not allowed, or an emoji or text that nobody would take.
    """
    known = timeline.find_content(tx, room, device.did, content_id)
    if known is not None:
        return known[0]
    found, note = open_room(tx, room), actions.note(tx, room, item=item)
    if note is None or note.marks.deleted_by:
        raise refuse("notFound", "there is no such message in this room (any more)")
    said = do(content_id, note.target)
    _check(tx, groups, room, said)
    try:
        data = encode_said(said)
    except ContentError as error:
        raise refuse("badRequest", str(error)) from None
    line = store(tx, device, found, content_id, data, NewItem(room=room, kind="notice", hidden=True))
    actions.add(tx, line, room, note.target, data)
    view = looks.refresh(tx, room, note.target)
    if view is not None and _is_refused(view, said):
        raise refuse("notAllowed", "there are too many reactions of yours under this message already")
    return line


def take_action(tx: Connection, room: bytes, line: NewItem, said: SaidAction, data: bytes) -> None:
    """Take in what somebody else did, as far as the rules of content let it pass."""
    target = target_of(said, line.did)
    item = timeline.add(tx, line)
    actions.add(tx, item, room, target, data)
    view = looks.refresh(tx, room, target)
    if view is not None and _is_refused(view, said):
        timeline.reveal(tx, item, "undecryptable", lines.text_of(TOO_MANY_REACTIONS), TOO_MANY_REACTIONS)
    _tell(tx, room, item)


def settled(tx: Connection, item: int, *, placed: bool = False) -> None:
    """Look again at what an own action is done to: the room took or refused it.

    Args:
        tx: A transaction.
        item: An own line; nothing happens if it is no action.
        placed: Whether the log has brought it just now.
    """
    action, where = actions.find(tx, item), timeline.get(tx, item)
    if action is None or where is None:
        return
    looks.refresh(tx, where.room, action.target)
    if placed:
        _tell(tx, where.room, item)


def _is_refused(view: MessageView, said: SaidAction) -> bool:
    return any(each.said == said for each in view.refused)


def _check(tx: Connection, groups: Groups, room: bytes, said: SaidAction) -> None:
    """Judge an own action as its receivers will; by then our leaf is the room's."""
    group = groups.load(tx, room)
    leaf = replace(verified_leaf(group.tree.leaf(group.own_index)), use=LeafUse.ROOM)
    standing = read_room(group.context.extensions, group.tree)
    if refused_because(said, leaf, standing.role) is not None:
        raise refuse("notAllowed", "only its author may change a message; moderators may delete one")


def _tell(tx: Connection, room: bytes, item: int) -> None:
    """Say who deleted a message of somebody else: the line names both."""
    action, line = actions.find(tx, item), timeline.get(tx, item)
    if action is None or line is None or action.target.did == action.did:
        return
    if not isinstance(decode_said(action.content), Delete):
        return
    text = f"deleted a message of {_name(tx, room, action.target.did)}"
    told = NewItem(
        room=room,
        kind="notice",
        did=action.did,
        actor=action.actor,
        text=text,
        position=line.position,
        accepted_at=line.accepted_at,
    )
    timeline.add(tx, told)


def _name(tx: Connection, room: bytes, did: str) -> str:
    found = rooms.find(tx, room)
    there = (actor for who, actor in (found.people if found else ()) if who == did)
    return addresses.told(tx, did, next(there, "")) or did
