"""Lists: private, named sets of people whom somebody follows; nobody is told who is in which.

Somebody may be put into a list before they accepted the follow, or before they were found: the list remembers
what was meant, and they are shown in it from the day that the follow stands.
"""

from typing import ClassVar, Final

import msgspec

from yurt.wire.command import Answer, Command, Done

MAX_LIST_NAME_LENGTH: Final = 256
"""Characters, on one line."""


class ListInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One list."""

    list: str
    members: int
    """People in it whose follow stands."""
    intended: int = 0
    """People who will be in it once they accept."""


class ListPage(Answer, frozen=True):
    """Every list of an account, oldest first."""

    lists: tuple[ListInfo, ...]


class ListMember(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody in a list."""

    address: str
    accepted: bool
    """False: meant to be in it; the follow does not stand (yet)."""
    actor: str = ""


class ListMembers(Answer, frozen=True):
    """A page of the people in a list, in the order in which they were put in."""

    members: tuple[ListMember, ...]
    next: str = ""
    """Give it as ``after`` for the next page; empty at the end."""


class Lists(Command, frozen=True):
    """Which lists there are."""

    name: ClassVar[str] = "lists"
    answer: ClassVar[type[Answer]] = ListPage


class ShowList(Command, frozen=True):
    """Who is in a list."""

    name: ClassVar[str] = "show_list"
    answer: ClassVar[type[Answer]] = ListMembers

    list: str
    after: str = ""


class CreateList(Command, frozen=True):
    """Make a list; one that is there already stays as it is."""

    name: ClassVar[str] = "create_list"
    answer: ClassVar[type[Answer]] = Done

    list: str


class DropList(Command, frozen=True):
    """Forget a list; nobody is unfollowed."""

    name: ClassVar[str] = "drop_list"
    answer: ClassVar[type[Answer]] = Done

    list: str


class AddToList(Command, frozen=True):
    """Put somebody into a list; it is made if it is not there."""

    name: ClassVar[str] = "add_to_list"
    answer: ClassVar[type[Answer]] = Done

    list: str
    address: str


class RemoveFromList(Command, frozen=True):
    """Take somebody out of a list."""

    name: ClassVar[str] = "remove_from_list"
    answer: ClassVar[type[Answer]] = Done

    list: str
    address: str


LIST_COMMANDS: Final[tuple[type[Command], ...]] = (
    Lists,
    ShowList,
    CreateList,
    DropList,
    AddToList,
    RemoveFromList,
)
