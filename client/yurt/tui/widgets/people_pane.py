"""Who is in the open room. A person is their address: names alone may look alike."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.message import Message
from typing_extensions import override

from yurt.client.api import ParticipantView, RoleName
from yurt.tui.widgets.line_list import Line, LineList


class PeoplePane(LineList):
    """The list of participants."""

    BORDER_TITLE = "people"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "choose", "the safety number of this person"),
        Binding("c", "room_code", "the code of this room, the same for everybody in it"),
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

    class CodeWanted(Message):
        """The person wants to compare the room's code."""

    def show_people(self, people: Sequence[ParticipantView]) -> None:
        """Show the participants of a room, own first: ``=`` who was compared, and roles."""
        self.border_title = f"people ({len(people)})"
        self.show([Line(person.address, person.address, _facts(person)) for person in people])

    def action_room_code(self) -> None:
        """Ask for the room's code."""
        self.post_message(self.CodeWanted())

    @override
    def action_choose(self) -> None:
        if self.chosen:
            self.post_message(self.Chose(self.chosen))


_ROLES: Final[Mapping[RoleName, str]] = {"member": "", "moderator": "mod", "admin": "admin", "owner": "owner"}


def _facts(person: ParticipantView) -> str:
    return _ROLES[person.role] + ("=" if person.verified else "")
