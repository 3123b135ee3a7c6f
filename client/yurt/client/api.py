"""What a front end may ask of the engine, and what it is shown.

The same for the command line, the screen and the lab.
A front end never learns whether the engine runs in its own process or in another one that holds the
vault (`yurt.client.service`); both satisfy ``EngineApi``. Views are frozen values that travel over the
service's socket as they are. Strings that came from other people are as they came: whoever shows them
passes them through ``yurt.wire.sanitise`` first.

    engine = await connect(vault)
    room = await engine.create_room("harbour watch")
    await engine.invite(room.room, "bo@hilltop.example")
    await engine.send(room.room, "hello")
    async for item in engine.watch(room.room):
        ...
"""

from collections.abc import AsyncIterator
from typing import Final, Literal, Protocol, TypeVar

import msgspec

from yurt.client.calls import EngineCall
from yurt.wire.command import Answer, Command
from yurt.wire.position import START, Position
from yurt.wire.problems import refuse

A = TypeVar("A", bound=Answer)
T = TypeVar("T")

SendState = Literal["queued", "sealed", "accepted", "settled", "refused"]
"""Life of a message; see ``yurt.client.outbox``. Settled: a second, independent copy exists (TRUST 4)."""
Wait = Literal["stored", "accepted"]
"""How long ``send`` waits: until the vault has it, or until the hub has accepted it."""
ItemKind = Literal["message", "roster", "undecryptable", "notice"]
RoleName = Literal["member", "moderator", "admin", "owner"]
SignedIn = Literal["joining", "joined"]

DEFAULT_PAGE: Final = 200
NEWEST: Final = 2**53 - 1
"""A local id after every other one: ``timeline(room, before=NEWEST)`` is the newest page."""


class View(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of what a front end is shown."""


class Status(View, frozen=True, kw_only=True):
    """How this person's client stands."""

    address: str
    """``name@node``."""
    actor: str
    did: str
    device_id: bytes
    state: SignedIn
    connected: bool
    """Whether the stream to the own node is open."""
    live: bool
    """Whether every log has been read to its head on this stream."""
    rooms: int
    outbox: int
    """Own messages that the hub has not yet accepted."""
    undecryptable: int
    """Entries of all rooms that could not be read."""
    problem: str = ""
    """Why there is no stream, in one line."""
    revision: int = 0
    """Newest change of any line: whoever shows what is there now goes on with ``watch`` after it."""


class RoomView(View, frozen=True, kw_only=True):
    """A room."""

    room: bytes
    """Its id, 32 bytes."""
    name: str
    hub: str
    epoch: int
    participants: tuple[str, ...]
    """Addresses, own first."""
    position: Position = START
    """Newest row that this device has taken in."""
    outbox: int = 0
    undecryptable: int = 0
    removed: bool = False
    """Whether this device was removed from it: it may be read, not written to."""
    left: bool = False
    """Whether that was this person's own wish."""
    waiting: bool = False
    """Whether this device is not in it yet: somebody in the room has to let it in."""
    refused: str = ""
    """Why this device cannot join, in one line."""
    stopped: str = ""
    """Code: why its log cannot be followed here; it may be read, not written to."""
    unread: int = 0
    """Messages of others after `read`, up to 1,000."""
    mentions: int = 0
    """Those of them that speak to this person."""
    read: int = 0
    """Local id of the newest line that was read on this device."""


class PersonView(View, frozen=True, kw_only=True):
    """Somebody, as this client has verified them."""

    address: str
    actor: str
    did: str
    """Empty for somebody without one."""
    state: str = ""
    """Of the tie or invitation asked for: ``pending``, ``accepted``, ``invited``."""
    safety_number: str = ""
    """60 digits, the same on both sides."""
    verified: bool = False
    """Whether this person has compared it."""
    changed: str = ""
    """Another did that the address claims now: nothing is sent to them until `EngineApi.trust`."""
    locked: bool = False
    """They approve each follow by hand: ``pending`` may take its time."""
    gone: bool = False
    """Their node says that their account was deleted."""


class ParticipantView(View, frozen=True, kw_only=True):
    """Somebody in a room."""

    address: str
    did: str
    role: RoleName
    """The effective owner's is ``owner``, whatever was given."""
    devices: int
    """How many of theirs can read."""
    own: bool = False
    verified: bool = False
    """Whether the safety number with them was compared."""
    blocked: bool = False
    """Whether this person blocks them: what they say is folded away."""
    read: Position | None = None
    """How far they have read, as far as they tell."""


class Sent(View, frozen=True, kw_only=True):
    """What became of a message that was to be sent."""

    content_id: bytes
    """16 bytes; the same through every retry."""
    state: SendState
    item: int
    """Its local id in the timeline."""
    reason: str = ""
    """Code of the refusal, if ``state`` is ``refused``."""


class Reaction(View, frozen=True, kw_only=True):
    """An emoji under a message, and whose it is."""

    emoji: str
    by: tuple[str, ...]
    """Addresses, in the order in which they came."""
    dids: tuple[str, ...] = ()
    """Likewise, each one's did; empty for what is no reaction in a room."""
    own: bool = False
    """Whether this person is among them."""


class TimelineItem(View, frozen=True, kw_only=True):
    """One line of a room, as it stands now."""

    item: int
    """Local id: grows with the order in which this device learned of things, never reused."""
    revision: int = 0
    """Grows with every change of any line: the same line with a higher one replaces what was shown."""
    room: bytes
    kind: ItemKind
    position: Position | None = None
    """None until the hub has accepted it."""
    did: str = ""
    address: str = ""
    name: str = ""
    """What to call the sender: from the address until there is something better."""
    text: str = ""
    """The message, or one line that says what happened."""
    reason: str = ""
    """Code, for a line that could not be read or that is a warning."""
    content_id: bytes = b""
    state: SendState = "accepted"
    own: bool = False
    accepted_at: int = 0
    """Milliseconds since 1970 by the hub's clock; 0 until accepted."""
    reply_did: str = ""
    """Whose message it answers; empty if it answers none."""
    reply_id: bytes = b""
    """Content id of that message, which may be missing here."""
    edited: bool = False
    """Whether `text` is what its author said later instead."""
    deleted_by: str = ""
    """Address of whoever took it back; then `text` is empty for good."""
    reactions: tuple[Reaction, ...] = ()
    read_by: tuple[str, ...] = ()
    """Addresses of who has read an own message, as far as they tell."""
    vouched_by: str = ""
    """Address of whoever told this device of it: it was said before this device came."""


class EngineApi(Protocol):
    """The engine, wherever it runs.

    Every call may raise ``yurt.wire.problems.ProblemError``; being offline is no error for ``send``.
    """

    async def status(self) -> Status:
        """Tell how this client stands."""
        ...

    async def create_room(self, name: str, *, room: bytes = b"") -> RoomView:
        """Open a room whose hub is the own node.

        Args:
            name: What it is called; only members learn it.
            room: 32 random bytes to be its id, so that asking again opens no second one; else new ones.
        """
        ...

    async def rooms(self) -> list[RoomView]:
        """List the rooms of the vault, oldest first."""
        ...

    async def invite(self, room: bytes, address: str) -> PersonView:
        """Add a person's devices to a room; returns when the hub has accepted the commit."""
        ...

    async def participants(self, room: bytes) -> list[ParticipantView]:
        """List who is in a room and as what, this person first."""
        ...

    async def remove(self, room: bytes, address: str) -> None:
        """Remove a person from a room; returns when this device has followed the commit."""
        ...

    async def set_role(self, room: bytes, address: str, role: RoleName) -> None:
        """Give a participant a role below one's own; returns as `remove` does."""
        ...

    async def send(
        self, room: bytes, text: str, *, wait: Wait = "stored", content_id: bytes = b"", reply_to: int = 0
    ) -> Sent:
        """Send a message; with ``stored`` it is in the vault when this returns, online or not.

        Args:
            room: The room's id.
            text: What to say.
            wait: With ``accepted``, until the hub has it or refuses it; gives up after some seconds offline.
            content_id: 16 random bytes, so that asking again sends it once; else new ones.
            reply_to: Local id of the message that it answers; 0 for none.
        """
        ...

    async def edit(
        self, room: bytes, item: int, text: str, *, wait: Wait = "stored", content_id: bytes = b""
    ) -> Sent:
        """Say something else instead of an own message; the rest is as for ``send``.

        What is done to a message shows in its line, which comes again with a higher revision.
        """
        ...

    async def delete(self, room: bytes, item: int, *, wait: Wait = "stored", content_id: bytes = b"") -> Sent:
        """Take a message back, for good: one's own, or as a moderator one of somebody with a lower role."""
        ...

    async def react(
        self,
        room: bytes,
        item: int,
        emoji: str,
        *,
        undo: bool = False,
        wait: Wait = "stored",
        content_id: bytes = b"",
    ) -> Sent:
        """Put an emoji under a message, or with ``undo`` take the own one away."""
        ...

    async def timeline(
        self, room: bytes, *, after: int = 0, before: int = 0, limit: int = DEFAULT_PAGE
    ) -> list[TimelineItem]:
        """Give one page of the lines of a room, oldest first.

        Args:
            room: The room's id.
            after: The first lines after this local id; or ...
            before: ... if not 0, the last lines before this one.
            limit: At most that many.
        """
        ...

    async def search(
        self, words: str, *, room: bytes | None = None, before: int = NEWEST, limit: int = DEFAULT_PAGE
    ) -> list[TimelineItem]:
        """Find messages in this vault: the last ones that have every word, or one that begins so.

        Args:
            words: Separated by blanks; there is no other syntax.
            room: One room, or None for all.
            before: Only lines before this local id: for the next page, the first one's.
            limit: At most that many; oldest first.
        """
        ...

    async def mark_read(self, room: bytes, item: int) -> None:
        """Note that a room was read up to a line; never goes back."""
        ...

    def watch(self, room: bytes | None, *, after: int = 0, revision: int = 0) -> AsyncIterator[TimelineItem]:
        """Give the lines after a local id, then each new or changed one, without end, by ``revision``.

        Args:
            room: One room, or None for all.
            after: Local id to begin after. An own message comes again, under the same id, when its state
                or position changes.
            revision: Go on after this revision instead: what was added or changed since.
        """
        ...

    async def person(self, address: str) -> PersonView:
        """Tell what this vault has verified of a participant of a room; asks nobody else."""
        ...

    async def verify(self, address: str, number: str) -> PersonView:
        """Note that the safety number with somebody was compared, and is this one.

        Args:
            address: Somebody whom this vault knows.
            number: The 60 digits, blanks aside; empty to take it back.
        """
        ...

    async def trust(self, address: str) -> PersonView:
        """Decide that an address whose did changed means the new person from now on; asks the node."""
        ...

    async def follow(self, address: str) -> PersonView:
        """Follow somebody; their answer comes later."""
        ...

    async def unfollow(self, address: str) -> None:
        """Stop following somebody."""
        ...

    async def followers(self) -> list[PersonView]:
        """List who follows this person."""
        ...

    async def following(self) -> list[PersonView]:
        """List whom this person follows."""
        ...

    async def ask_node(self, command: Command, shape: type[A]) -> A:
        """Ask the own node about posts and people; what it may be asked is `yurt.client.community.ASKED`.

        Args:
            command: What to do.
            shape: What the command answers.
        """
        raise refuse("unsupported", f"{command.name} is not possible here ({shape.__name__})")

    async def call(self, call: EngineCall, shape: type[T]) -> T:
        """Ask a part of the engine, see `yurt.client.calls`.

        Args:
            call: What to do.
            shape: What it answers.
        """
        raise refuse("unsupported", f"{call.name} is not possible here ({shape.__name__})")

    async def sync(self, within: float = 10.0) -> bool:
        """Wait until every log has been read to its head and the outbox is empty of what can be sent.

        Args:
            within: Seconds.

        Returns:
            Whether that was reached.
        """
        ...

    async def close(self) -> None:
        """Leave: close the stream and the vault, or just this connection to the engine that holds them."""
        ...
