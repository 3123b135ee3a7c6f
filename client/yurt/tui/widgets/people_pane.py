"""Who is in the open room: ``=`` was compared, ``x`` is blocked. A person is their address, not a name."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, Literal

from textual.binding import Binding, BindingType
from textual.message import Message
from typing_extensions import override

from yurt.client.api import ParticipantView, RoleName
from yurt.tui.widgets.line_list import Line, LineList

What = Literal["tell", "block"]


class PeoplePane(LineList):
    """The list of participants."""

    BORDER_TITLE = "people"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "choose", "the safety number of this person"),
        Binding("t", "tell", "tell this person what was said before they came"),
        Binding("x", "block", "have nothing to do with this person, or again"),
        Binding("c", "room_code", "the code of this room, the same for everybody in it"),
        Binding("o", "right_room", "this room is the right one, though whoever made your link is not in it"),
    ]
    DEFAULT_CSS = """
    PeoplePane { width: 28; border: round $foreground 35%; border-title-color: $foreground; }
    PeoplePane:focus { border: round $accent; }
    """

    class Chose(Message):
        """A participant was chosen."""

        def __init__(self, address: str) -> None:
            super().__init__()
            self.address = address

    class Asked(Message):
        """Something is to be done about a participant."""

        def __init__(self, what: What, address: str) -> None:
            super().__init__()
            self.what = what
            self.address = address

    class CodeWanted(Message):
        """The person wants to compare the room's code."""

    class RightRoom(Message):
        """The person says that the room is the one that their link was for."""

    def show_people(self, people: Sequence[ParticipantView]) -> None:
        """Show the participants of a room, own first."""
        self.border_title = f"people ({len(people)})"
        self.show([Line(person.address, person.address, _facts(person)) for person in people])

    def action_room_code(self) -> None:
        """Ask for the room's code."""
        self.post_message(self.CodeWanted())

    def action_tell(self) -> None:
        """Ask that the person under the cursor be told what was said before."""
        self._ask("tell")

    def action_block(self) -> None:
        """Ask that the person under the cursor be blocked, or no longer."""
        self._ask("block")

    def action_right_room(self) -> None:
        """Say that the room is the right one."""
        self.post_message(self.RightRoom())

    def _ask(self, what: What) -> None:
        if self.chosen:
            self.post_message(self.Asked(what, self.chosen))

    @override
    def action_choose(self) -> None:
        if self.chosen:
            self.post_message(self.Chose(self.chosen))


_ROLES: Final[Mapping[RoleName, str]] = {"member": "", "moderator": "mod", "admin": "admin", "owner": "owner"}


def _facts(person: ParticipantView) -> str:
    facts = _ROLES[person.role] + ("=" if person.verified else "")
    return f"{facts} x".strip() if person.blocked else facts
