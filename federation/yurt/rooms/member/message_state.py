"""What a note looks like after everything that was done to it, in whatever order it became known (TRUST 4).

The state is the set of actions on one target; its view follows from their positions in the log alone. So
an action whose target is missing simply waits in the set, and two devices that learned of the same actions
on different ways show the same.

    actions = Actions().add(Placed(said, by, position))      # only what `content_rules` lets pass
    actions.view()

Rules: the last edit by position wins; a delete is final, wherever it stands; one reaction per (did, emoji),
the last of Like and Undo by position wins; the 21st reaction of one did is not shown.
"""

from bisect import insort
from collections import Counter
from dataclasses import dataclass
from typing import Final

from yurt.identity.did import Did
from yurt.rooms.common.content import Create, Note
from yurt.rooms.common.said import Action, Delete, Edit, Like, Undo
from yurt.wire.position import Position

MAX_REACTIONS: Final = 20
"""Of one did on one target."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A note or an action that may count, and where it stands in the log."""

    said: Create | Action
    by: Did
    position: Position

    @property
    def name(self) -> tuple[Did, bytes]:
        """(did, content id): the same content may stand in the log twice; the first counts."""
        return self.by, self.said.id


@dataclass(frozen=True, slots=True)
class Reaction:
    """Somebody's emoji under a note."""

    by: Did
    emoji: str


@dataclass(frozen=True, slots=True)
class MessageView:
    """A note as it is shown."""

    note: Note | None = None
    """As last edited; None if it is not here (`waits`) or was deleted."""
    edited_at: Position | None = None
    deleted_by: Did | None = None
    """The author, or a moderator: then a line names both."""
    reactions: tuple[Reaction, ...] = ()
    """In the order in which they came."""
    refused: tuple[Placed, ...] = ()
    """Reactions over the limit: hidden and counted as ``tooManyReactions``."""
    waits: bool = False
    """The note itself is not here yet."""


@dataclass(frozen=True, slots=True)
class Actions:
    """Everything about one target, in the order of the log."""

    placed: tuple[Placed, ...] = ()

    def add(self, new: Placed) -> "Actions":
        """Take in one more; the same content again keeps its first position."""
        known = next((old for old in self.placed if old.name == new.name), None)
        if known is not None and known.position <= new.position:
            return self
        placed = [old for old in self.placed if old is not known]
        insort(placed, new, key=lambda each: each.position)
        return Actions(tuple(placed))

    def view(self) -> MessageView:
        """Say what is to be shown."""
        deletes = [each for each in self.placed if isinstance(each.said, Delete)]
        if deletes:
            return MessageView(deleted_by=deletes[0].by, waits=self._original() is None)
        original = self._original()
        if original is None:
            return MessageView(waits=True)
        note, edited_at = original.object, None
        for each in self.placed:
            if isinstance(each.said, Edit):
                edited = each.said.object
                note = Note(edited.content, original.object.in_reply_to, edited.mentions)
                edited_at = each.position
        reactions, refused = self._reactions()
        return MessageView(note, edited_at, None, reactions, refused)

    def _original(self) -> Create | None:
        return next((each.said for each in self.placed if isinstance(each.said, Create)), None)

    def _reactions(self) -> tuple[tuple[Reaction, ...], tuple[Placed, ...]]:
        shown: dict[Reaction, None] = {}
        count: Counter[Did] = Counter()
        refused: list[Placed] = []
        for each in self.placed:
            match each.said:
                case Like():
                    reaction = Reaction(each.by, each.said.content)
                    if reaction in shown:
                        continue
                    if count[each.by] >= MAX_REACTIONS:
                        refused.append(each)
                        continue
                    shown[reaction] = None
                    count[each.by] += 1
                case Undo():
                    reaction = Reaction(each.by, each.said.object.content)
                    if reaction in shown:
                        del shown[reaction]
                        count[each.by] -= 1
                case _:
                    pass
        return tuple(shown), tuple(refused)
