"""What a person does about rooms, people and messages: a question if there is one, then a call of the engine.

The screen lends its hands (``Desk``); nothing here knows a widget.
"""

import os
from collections.abc import Callable, Coroutine
from typing import Final, Protocol, TypeVar

from textual.screen import Screen

from yurt.client.api import EngineApi, PersonView, RoomView, TimelineItem
from yurt.client.calls import Nothing
from yurt.client.counted import counted
from yurt.client.emoji import checked_emoji
from yurt.client.history.calls import GiveHistory, GivenView
from yurt.client.invitations.calls import LinkView, MakeLink
from yurt.client.people_calls import ConfirmRoom
from yurt.client.rooms.code_call import GetRoomCode, RoomCodeView
from yurt.tui import shown
from yurt.tui.screens.ask import Ask, agreed
from yurt.tui.screens.invitation import Invitation, LinkShown, Wanted
from yurt.tui.screens.room_code import RoomCode
from yurt.tui.screens.safety import Decision, Safety
from yurt.tui.widgets.rooms_pane import room_name

T = TypeVar("T")
Work = Coroutine[None, None, object]
_SECRET_SIZE: Final = 16


class Desk(Protocol):
    """What the screen does for an action."""

    def ask(self, screen: Screen[T], done: Callable[[T | None], None]) -> None:
        """Show a screen; `done` takes its result."""
        ...

    def begin(self, work: Work) -> None:
        """Do something; what goes wrong is told to the person."""
        ...

    def tell(self, text: str) -> None:
        """Tell the person something."""
        ...

    async def count(self, *, people: bool = False) -> None:
        """Look how everything stands; at the people of the room too, if asked."""
        ...

    async def open_room(self, room: bytes) -> None:
        """Show a room."""
        ...


class Actions:
    """All that changes something, apart from writing."""

    def __init__(self, engine: EngineApi, desk: Desk) -> None:
        self._engine = engine
        self._desk = desk

    # --- rooms and people ---------------------------------------------------------------------------
    def invite(self, room: RoomView) -> None:
        """Ask whom to invite, and how."""

        def answered(wanted: Wanted | None) -> None:
            if wanted is not None and wanted.address:
                self._desk.begin(self._invite(room.room, wanted.address))
            elif wanted is not None:
                self._desk.begin(self._make_link(room.room, account=wanted.account))

        self._desk.ask(Invitation(f"invite into {shown.line(room_name(room))}"), answered)

    async def _make_link(self, room: bytes, *, account: bool) -> None:
        made = await self._engine.call(
            MakeLink(room=room, secret=os.urandom(_SECRET_SIZE), account=account), LinkView
        )
        self._desk.ask(LinkShown(made.url), lambda _: None)

    async def _invite(self, room: bytes, address: str) -> None:
        self._desk.tell(f"inviting {address} ...")
        person = await self._engine.invite(room, address)
        await self._desk.count()
        if person.state == "asked":
            self._desk.tell(f"{person.address} is asked first: they come in when they agree")
        else:
            self._show(person)

    def create(self) -> None:
        """Ask for the name of a new room."""
        note = "Only its members learn its name. Your node becomes its hub."
        self._question("a new room", note, "name", self._create)

    async def _create(self, name: str) -> None:
        room = await self._engine.create_room(name)
        await self._desk.count()
        await self._desk.open_room(room.room)

    def follow(self) -> None:
        """Ask whom to follow."""
        note = "Whom you follow may invite you into rooms."
        self._question("follow somebody", note, "name@node", self._follow)

    async def _follow(self, address: str) -> None:
        person = await self._engine.follow(address)
        self._desk.tell(f"{person.address}: {person.state or 'asked'}")

    async def compare(self, address: str) -> None:
        """Show the safety number of somebody, and take what is decided about it."""
        self._show(await self._engine.person(address))

    async def room_code(self, room: RoomView) -> None:
        """Show what everybody in a room should see."""
        code = await self._engine.call(GetRoomCode(room.room), RoomCodeView)
        self._desk.ask(RoomCode(room_name(room), code), lambda _: None)

    def tell_before(self, room: RoomView, address: str) -> None:
        """Let somebody know what was said before they came, if the person is sure."""
        self._if_sure(
            f"tell {shown.line(address)} what was said before they came?",
            "All that you have of it, as far back as the room allows. It cannot be taken back.",
            lambda: self._tell_before(room.room, address),
        )

    async def _tell_before(self, room: bytes, address: str) -> None:
        given = await self._engine.call(GiveHistory(room=room, address=address), GivenView)
        self._desk.tell(f"{address} is told what you have of before ({counted(given.devices, 'device')})")

    def right_room(self, room: RoomView) -> None:
        """Let go what waits because whoever made the link is not in the room, if the person is sure."""
        self._if_sure(
            "is this the right room?",
            "If whoever made your link is not in it, ask them in another way first. Then what you said here "
            "is sent.",
            lambda: self._right_room(room.room),
        )

    async def _right_room(self, room: bytes) -> None:
        await self._engine.call(ConfirmRoom(room), Nothing)
        self._desk.tell("what you say here is sent from now on")

    def _show(self, person: PersonView) -> None:
        def decided(decision: Decision | None) -> None:
            if decision is not None:
                self._desk.begin(self._decide(person, decision))

        self._desk.ask(Safety(person), decided)

    async def _decide(self, person: PersonView, decision: Decision) -> None:
        if decision == "trust":
            after = await self._engine.trust(person.address)
        else:
            number = person.safety_number if decision == "verify" else ""
            after = await self._engine.verify(person.address, number)
        await self._desk.count(people=True)
        self._show(after)

    # --- messages -----------------------------------------------------------------------------------
    def delete(self, item: TimelineItem) -> None:
        """Ask once more, then take a message back."""
        note = "It disappears for everybody whose client does as it should, and cannot come back."
        self._if_sure("take this message back?", note, lambda: self._engine.delete(item.room, item.item))

    def react(self, item: TimelineItem) -> None:
        """Ask for an emoji."""
        note = "The same one again takes yours away."
        self._question("react", note, "an emoji, or :name:", lambda emoji: self._react(item, emoji))

    async def _react(self, item: TimelineItem, emoji: str) -> None:
        undo = any(reaction.own and reaction.emoji == emoji for reaction in item.reactions)
        await self._engine.react(item.room, item.item, emoji if undo else checked_emoji(emoji), undo=undo)

    def _if_sure(self, title: str, note: str, work: Callable[[], Work]) -> None:
        def answered(answer: str | None) -> None:
            if agreed(answer):
                self._desk.begin(work())

        self._desk.ask(Ask(title, note, "type yes"), answered)

    def _question(self, title: str, note: str, example: str, work: Callable[[str], Work]) -> None:
        def answered(answer: str | None) -> None:
            if answer:
                self._desk.begin(work(answer))

        self._desk.ask(Ask(title, note, example), answered)
