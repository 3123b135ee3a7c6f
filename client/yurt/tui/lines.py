"""How one line of a room becomes rows on the screen: a gutter that is ours, and a place for their words.

::

    10:02          ana │ a message; further rows of it
                       │ stay behind the same rule
                bo@… ┆ an own message on its way (! when it was refused)
    10:03             ── ana@harbour.example added bo@hilltop.example

What stands in the gutter never comes from a message, and no message reaches into it: so no message can
look like a line of the room's own. Everything here is a plain function of values.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from yurt.client.api import ItemKind, TimelineItem
from yurt.client.clock import local_time
from yurt.tui import shown

Tone = Literal["message", "own", "quiet", "warning", "rule"]
"""What a row is, for its colours."""

RULE: Final = "│"
DELETED, ANSWERS, REACTED, TOLD = "x", "┌", "└", "?"
"""Where the rule would be: our words follow, about the message."""
_FEW: Final = 3
"""Names that are told under a message; of more, how many."""
_EMOJI: Final = 16
"""Characters of a reaction that are shown."""
_ON_ITS_WAY: Final = "┆"
_SETTLED: Final = "┃"
_REFUSED: Final = "!"
_MARKS: Final[Mapping[ItemKind, str]] = {"roster": "──", "notice": "!─", "undecryptable": "?─"}
_TONES: Final[Mapping[ItemKind, Tone]] = {"roster": "quiet", "notice": "warning", "undecryptable": "warning"}
_QUIET: Final[Tone] = "quiet"
NAME: Final = 14
"""Cells for a name in a room."""
_ROOMY: Final = 54
"""Cells from which there is space for the time."""
_LEAST: Final = 8
"""Cells that words get, however narrow it is."""


@dataclass(frozen=True, slots=True)
class Gutter:
    """How the width of a timeline is divided."""

    time: int
    name: int
    text: int

    @classmethod
    def of(cls, width: int, names: int = NAME) -> "Gutter":
        """Divide a width, in cells; `names` are for names, as far as a quarter of the width goes."""
        time, name = (6, max(NAME, min(names, width // 4))) if width >= _ROOMY else (0, 8)
        return cls(time, name, max(_LEAST, width - time - name - 3))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the timeline."""

    item: int
    """Local id of its line; 0 for one of ours between lines."""
    tone: Tone
    time: str
    name: str
    """Filled to the gutter's width."""
    mark: str
    """Three cells that tell what follows."""
    text: str
    did: str = ""
    """Whose name it is, for its colour."""


@dataclass(frozen=True, slots=True)
class Roll:
    """Which names of a room need more than themselves: somebody else there is called the same."""

    shared: AbstractSet[str] = frozenset()

    @classmethod
    def of(cls, participants: tuple[str, ...]) -> "Roll":
        """Read the addresses of a room's participants."""
        names = [address.partition("@")[0].casefold() for address in participants]
        return cls(frozenset(name for name in names if names.count(name) > 1))

    def name(self, item: TimelineItem) -> str:
        """Say who sent a line, as short as is unmistakable."""
        if not item.name:
            return item.address or item.did
        if not item.name.isascii():
            return f"?{item.name}"  # letters of other scripts may look like somebody else's
        return item.address if item.name.casefold() in self.shared else item.name


def rows_of(
    item: TimelineItem, gutter: Gutter, roll: Roll, answered: TimelineItem | None = None
) -> list[Row]:
    """Lay out one line of a room.

    Args:
        item: The line.
        gutter: How the width is divided.
        roll: The names in the room.
        answered: The message that it answers, if that is at hand.
    """
    if item.kind == "message":
        return _message(item, gutter, roll, answered)
    said_by = f"{item.address}: " if item.kind != "roster" and item.address else ""
    quiet = item.kind == "notice" and not item.reason
    mark, tone = ("──", _QUIET) if quiet else (_MARKS[item.kind], _TONES[item.kind])
    return _own_line(item, gutter, mark, tone, said_by + item.text)


def divider(text: str, width: int) -> Row:
    """Lay out a rule across the timeline, such as before what is new."""
    words = f" {text} "
    side = max(0, width - len(words)) // 2
    drawn = "─" * side + words + "─" * max(0, width - side - len(words))
    return Row(0, "rule", "", "", "", drawn[: max(0, width)])


def day_of(item: TimelineItem) -> str:
    """Tell the day of a line, as this machine's person counts days; empty while it has none."""
    return f"{_local(item.accepted_at):%Y-%m-%d}" if item.accepted_at else ""


def _message(item: TimelineItem, gutter: Gutter, roll: Roll, answered: TimelineItem | None) -> list[Row]:
    tone: Tone = "own" if item.own else "message"
    if item.deleted_by:
        mark, tone, texts = DELETED, "quiet", shown.line_rows(f"taken back by {item.deleted_by}", gutter.text)
    else:
        mark, texts = _mark(item), shown.rows(item.text, gutter.text)
    time, name = _time(item, gutter), _name(item, gutter, roll)
    blank_time, blank_name = " " * gutter.time, " " * gutter.name

    def below(mark: str, text: str, tone: Tone) -> Row:
        return Row(item.item, tone, blank_time, blank_name, f" {mark} ", text)

    edited = "~" if item.edited and not item.deleted_by else " "
    head = Row(item.item, tone, time, name, f"{edited}{mark} ", texts[0], item.did)
    if item.reply_did:
        words = _answered(answered, gutter, roll)
        quote = replace(head, text=words, mark=f" {ANSWERS} ", tone="quiet")
        found = [quote, replace(head, time=blank_time, name=blank_name, did="")]
    else:
        found = [head]
    found += [below(mark, text, tone) for text in texts[1:]]
    if item.reactions:
        found += [below(REACTED, text, "quiet") for text in _reactions(item, gutter)]
    if item.vouched_by:
        told = shown.line_rows(f"told by {item.vouched_by}", gutter.text)
        found += [below(TOLD, text, "quiet") for text in told]
    if item.reason:
        why = f"not sent ({item.reason})" if item.state == "refused" else f"({item.reason})"
        found += _own_line(item, gutter, "!─", "warning", why, timed=False)
    return found


def _mark(item: TimelineItem) -> str:
    if item.own and item.state in ("queued", "sealed"):
        return _ON_ITS_WAY
    if item.own and item.state == "settled":
        return _SETTLED
    return _REFUSED if item.state == "refused" else RULE


def _answered(item: TimelineItem | None, gutter: Gutter, roll: Roll) -> str:
    """Say in one row what a message answers."""
    if item is None:
        return "an earlier message"
    said = "taken back" if item.deleted_by else item.text[: gutter.text]
    return shown.line_rows(f"{roll.name(item)}: {said}", gutter.text)[0]


def _reactions(item: TimelineItem, gutter: Gutter) -> list[str]:
    """Say who thinks what, as many as there are when they are many."""
    told = list[str]()
    for reaction in item.reactions:
        names = [address.partition("@")[0] for address in reaction.by]
        who = ", ".join(names) if len(names) <= _FEW else str(len(names))
        told.append(f"{reaction.emoji[:_EMOJI]} {who}")
    return shown.line_rows("   ".join(told), gutter.text)


def _own_line(
    item: TimelineItem, gutter: Gutter, mark: str, tone: Tone, text: str, *, timed: bool = True
) -> list[Row]:
    """Lay out what the client itself says; only its first row has the mark."""
    time = _time(item, gutter) if timed else " " * gutter.time
    blank_time, name = " " * gutter.time, " " * gutter.name
    texts = shown.line_rows(text, gutter.text)
    first = Row(item.item, tone, time, name, f"{mark} ", texts[0])
    return [first, *(Row(item.item, tone, blank_time, name, "   ", text) for text in texts[1:])]


def _name(item: TimelineItem, gutter: Gutter, roll: Roll) -> str:
    name = shown.label(roll.name(item), gutter.name)
    bare = name.rstrip(" ")
    return " " * (len(name) - len(bare)) + bare if gutter.time else name


def _time(item: TimelineItem, gutter: Gutter) -> str:
    if not gutter.time:
        return ""
    return f"{_local(item.accepted_at):%H:%M} " if item.accepted_at else " " * gutter.time


def _local(milliseconds: int) -> datetime:
    return local_time(milliseconds / 1000)
