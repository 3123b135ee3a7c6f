"""An engine without vault and node, for stories of the screen; tests and benches only.

``FakeEngine`` satisfies ``EngineApi``: it has rooms in memory, hands them out page by page, and yields what
`say` adds. It refuses what it is told to refuse. To look at the screen with so many messages in it::

    python -m yurt.tui.testing 10000
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from itertools import count
from typing import cast

import msgspec
from typing_extensions import override

from yurt.client.api import (
    DEFAULT_PAGE,
    NEWEST,
    EngineApi,
    ParticipantView,
    PersonView,
    Reaction,
    RoleName,
    RoomView,
    Sent,
    Status,
    T,
    TimelineItem,
    Wait,
)
from yurt.client.calls import EngineCall, Nothing
from yurt.client.errors import WrongPassphrase
from yurt.client.history.calls import GiveHistory, GivenView
from yurt.client.invitations.calls import LinkView, MakeLink
from yurt.client.mentions import mentions
from yurt.client.people_calls import ConfirmRoom
from yurt.client.rooms.code_call import GetRoomCode, RoomCodeView
from yurt.tui.entrance import Entrance, KeepWords, NewAccount, PassphraseNeeded
from yurt.wire.position import Position
from yurt.wire.problems import refuse

ANA = "ana@harbour.example"
BO = "bo@hilltop.example"
MORNING = 1_763_719_320_000
"""10:02 UTC on a day in November."""
WORDS = tuple(f"word{number}" for number in range(1, 25))


class FakeEngine(EngineApi):
    """Ana's engine."""

    def __init__(self, me: str = ANA) -> None:
        self.me = me
        self.views: dict[bytes, RoomView] = {}
        self.items: dict[bytes, list[TimelineItem]] = {}
        self.connected = True
        self.problem = "the stream to harbour.example ended; trying again"
        self.offline = False
        """Whether what is said waits in the outbox."""
        self.refusal = ""
        """What the next call that changes something is refused with."""
        self.asked: list[str] = []
        """Calls that changed something, in words."""
        self.closed = False
        self.verified: frozenset[str] = frozenset()
        """Addresses whose safety number was compared."""
        self.blocked: list[str] = []
        """Addresses of whom Ana wants to have nothing to do with."""
        self._ids = count(1)
        self._revision = 0
        self._bell = asyncio.Event()
        self._log: list[TimelineItem] = []

    @property
    def last_content_id(self) -> bytes:
        """Of the newest line; empty before the first."""
        return self._log[-1].content_id if self._log else b""

    # --- what a story does --------------------------------------------------------------------------
    def room(self, name: str, *others: str) -> bytes:
        """Open a room with others in it."""
        return self.add(bytes([len(self.views) + 1]) * 32, name, *others)

    def add(self, room: bytes, name: str, *others: str) -> bytes:
        """Open a room with that id."""
        self.views[room] = RoomView(
            room=room, name=name, hub="harbour.example", epoch=len(others), participants=(self.me, *others)
        )
        self.items[room] = []
        return room

    def say(self, room: bytes, who: str, text: str, **more: object) -> TimelineItem:
        """Somebody says something, or something happens (``kind="roster"``)."""
        number = next(self._ids)
        fields: dict[str, object] = {
            "position": Position(1, number),
            "accepted_at": MORNING + number * 60_000,
            "kind": "message",
            "did": f"did:key:{who}",
            "own": who == self.me,
            "content_id": number.to_bytes(16, "big"),
        }
        line = {"item": number, "room": room, "address": who, "name": who.partition("@")[0], "text": text}
        return self._put(
            msgspec.convert({**line, **fields, **more, "revision": 0}, TimelineItem, strict=False)
        )

    def change(self, item: TimelineItem, **fields: object) -> TimelineItem:
        """A line changes."""
        return self._put(msgspec.structs.replace(item, **fields))

    def update(self, room: bytes, **fields: object) -> None:
        """A room changes."""
        self.views[room] = msgspec.structs.replace(self.views[room], **fields)

    def _put(self, item: TimelineItem) -> TimelineItem:
        self._revision += 1
        item = msgspec.structs.replace(item, revision=self._revision)
        lines = self.items[item.room]
        if lines and lines[-1].item >= item.item:
            lines[[line.item for line in lines].index(item.item)] = item
        else:
            lines.append(item)
        self._log.append(item)
        self._bell.set()
        return item

    # --- EngineApi ----------------------------------------------------------------------------------
    @override
    async def status(self) -> Status:
        await asyncio.sleep(0)
        every = [line for lines in self.items.values() for line in lines]
        return Status(
            address=self.me,
            actor="",
            did=f"did:key:{self.me}",
            device_id=b"",
            state="joined",
            connected=self.connected,
            live=self.connected,
            rooms=len(self.views),
            outbox=sum(line.state in ("queued", "sealed") for line in every),
            undecryptable=sum(line.kind == "undecryptable" for line in every),
            problem="" if self.connected else self.problem,
            revision=self._revision,
        )

    @override
    async def create_room(self, name: str, *, room: bytes = b"") -> RoomView:
        self._do(f"create {name}")
        return self.views[self.room(name)]

    @override
    async def rooms(self) -> list[RoomView]:
        await asyncio.sleep(0)
        return [self._view(room) for room in self.views]

    @override
    async def invite(self, room: bytes, address: str) -> PersonView:
        self._do(f"invite {address}")
        view = self.views[room]
        self.update(room, participants=(*view.participants, address), epoch=view.epoch + 1)
        self.say(room, self.me, f"{self.me} added {address}", kind="roster")
        return await self.person(address)

    @override
    async def participants(self, room: bytes) -> list[ParticipantView]:
        people = self.views[room].participants
        return [
            ParticipantView(
                address=address,
                did=f"did:key:{address}",
                role="owner" if address == people[0] else "member",
                devices=1,
                own=address == self.me,
                verified=address in self.verified,
                blocked=address in self.blocked,
            )
            for address in people
        ]

    @override
    async def remove(self, room: bytes, address: str) -> None:
        self._do(f"remove {address}")

    @override
    async def set_role(self, room: bytes, address: str, role: RoleName) -> None:
        self._do(f"make {address} {role}")

    @override
    async def send(
        self, room: bytes, text: str, *, wait: Wait = "stored", content_id: bytes = b"", reply_to: int = 0
    ) -> Sent:
        self._do(f"send {text}" + (f" to {reply_to}" if reply_to else ""))
        fields: dict[str, object] = {}
        if self.offline:
            fields = {"state": "queued", "position": None, "accepted_at": 0}
        if reply_to:
            target = self._find(room, reply_to)
            fields |= {"reply_did": target.did, "reply_id": target.content_id}
        return self._sent(self.say(room, self.me, text, **fields))

    @override
    async def edit(
        self, room: bytes, item: int, text: str, *, wait: Wait = "stored", content_id: bytes = b""
    ) -> Sent:
        self._do(f"edit {item} {text}")
        return self._sent(self.change(self._find(room, item), text=text, edited=True))

    @override
    async def delete(self, room: bytes, item: int, *, wait: Wait = "stored", content_id: bytes = b"") -> Sent:
        self._do(f"delete {item}")
        return self._sent(self.change(self._find(room, item), text="", deleted_by=self.me))

    @override
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
        self._do(f"{'take back' if undo else 'react'} {emoji}")
        reactions = () if undo else (Reaction(emoji=emoji, by=(self.me,), own=True),)
        return self._sent(self.change(self._find(room, item), reactions=reactions))

    @override
    async def search(
        self, words: str, *, room: bytes | None = None, before: int = NEWEST, limit: int = DEFAULT_PAGE
    ) -> list[TimelineItem]:
        lines = [line for each in self.items.values() for line in each if room in (None, line.room)]
        found = [line for line in lines if words.casefold() in line.text.casefold() and line.item < before]
        return sorted(found, key=lambda line: line.item)[-limit:]

    @override
    async def verify(self, address: str, number: str) -> PersonView:
        self._do(f"verify {address}")
        self.verified = self.verified | {address} if number else self.verified - {address}
        return await self.person(address)

    @override
    async def trust(self, address: str) -> PersonView:
        self._do(f"trust {address}")
        return await self.person(address)

    @override
    async def timeline(
        self, room: bytes, *, after: int = 0, before: int = 0, limit: int = DEFAULT_PAGE
    ) -> list[TimelineItem]:
        await asyncio.sleep(0)
        lines = self.items[room]
        if before:
            return [line for line in lines if line.item < before][-limit:]
        return [line for line in lines if line.item > after][:limit]

    @override
    async def mark_read(self, room: bytes, item: int) -> None:
        self.update(room, read=max(item, self.views[room].read))

    @override
    async def watch(
        self, room: bytes | None, *, after: int = 0, revision: int = 0
    ) -> AsyncIterator[TimelineItem]:
        seen = 0
        while True:
            self._bell.clear()
            while seen < len(self._log):
                item, seen = self._log[seen], seen + 1
                if item.revision > revision and item.item > after and room in (None, item.room):
                    yield item
            await self._bell.wait()

    @override
    async def person(self, address: str) -> PersonView:
        number = "" if address == self.me else " ".join(f"{group:05d}" for group in range(12))
        return PersonView(
            address=address,
            actor="",
            did=f"did:key:{address}",
            safety_number=number,
            verified=address in self.verified,
        )

    @override
    async def follow(self, address: str) -> PersonView:
        self._do(f"follow {address}")
        return PersonView(address=address, actor="", did="", state="pending")

    @override
    async def unfollow(self, address: str) -> None:
        self._do(f"unfollow {address}")

    @override
    async def followers(self) -> list[PersonView]:
        return []

    @override
    async def following(self) -> list[PersonView]:
        return []

    @override
    async def call(self, call: EngineCall, shape: type[T]) -> T:
        match call:
            case GetRoomCode():
                return cast("T", RoomCodeView(2, "12345 67890 11223 34455 66778 89900"))
            case GiveHistory():
                self._do(f"tell {call.address}")
                return cast("T", GivenView(devices=2))
            case ConfirmRoom():
                self._do("confirm")
                return cast("T", Nothing())
            case MakeLink():
                return cast("T", self._link(call))
            case _:
                return await super().call(call, shape)

    def _link(self, call: MakeLink) -> LinkView:
        self._do("make_link" + (" account" if call.account else ""))
        url = "https://harbour.example/j/ABCDEFGHIJ#AAECAwQFBgcICQoLDA0ODw"
        return LinkView(code="ABCDEFGHIJ", by=self.me, uses_left=call.uses, not_after=0, own=True, url=url)

    @override
    async def sync(self, within: float = 10.0) -> bool:
        return self.connected

    @override
    async def close(self) -> None:
        self.closed = True

    def _find(self, room: bytes, item: int) -> TimelineItem:
        return next(line for line in self.items[room] if line.item == item)

    @staticmethod
    def _sent(item: TimelineItem) -> Sent:
        return Sent(content_id=item.content_id, state=item.state, item=item.item)

    def _do(self, what: str) -> None:
        if self.refusal:
            reason, self.refusal = self.refusal, ""
            raise refuse("refused", reason)
        self.asked.append(what)

    def _view(self, room: bytes) -> RoomView:
        view = self.views[room]
        waiting = [
            line
            for line in self.items[room]
            if line.item > view.read and line.kind == "message" and not line.own
        ]
        spoken_to = sum(mentions(line.text, self.me) for line in waiting)
        return msgspec.structs.replace(view, unread=len(waiting), mentions=spoken_to)


class FakeEntrance(Entrance):
    """A home whose engine is a fake one."""

    def __init__(self, engine: EngineApi, *, lives_here: bool = True, passphrase: str = "") -> None:
        self._engine = engine
        self._lives_here = lives_here
        self._passphrase = passphrase
        self.refusal = ""
        """What the next join is refused with, after the words were shown."""
        self.joined: NewAccount | None = None

    @override
    def inhabited(self) -> bool:
        return self._lives_here

    @override
    async def open(self, passphrase: str | None) -> EngineApi:
        if self._passphrase and passphrase is None:
            raise PassphraseNeeded
        if self._passphrase and passphrase != self._passphrase:
            raise WrongPassphrase
        return self._engine

    @override
    async def join(self, account: NewAccount, keep_words: KeepWords) -> None:
        keep_words(WORDS)
        await asyncio.sleep(0)
        if self.refusal:
            reason, self.refusal = self.refusal, ""
            raise refuse("wrongInvite", reason)
        self._lives_here, self._passphrase, self.joined = True, account.passphrase, account


class BusyEngine(FakeEngine):
    """An engine whose first room has so many messages, each made when it is asked for, as a vault does."""

    def __init__(self, messages: int) -> None:
        super().__init__()
        self._messages = messages
        self._busy = self.room("harbour watch", BO, "cy@hilltop.example")
        for number in range(39):
            self.room(f"room {number}", BO)

    @override
    async def timeline(
        self, room: bytes, *, after: int = 0, before: int = 0, limit: int = DEFAULT_PAGE
    ) -> list[TimelineItem]:
        if room != self._busy:
            return await super().timeline(room, after=after, before=before, limit=limit)
        end = min(before - 1, self._messages) if before else min(after + limit, self._messages)
        start = max(0, end - limit) if before else after
        return [self._line(number) for number in range(start + 1, end + 1)]

    def _line(self, number: int) -> TimelineItem:
        who = (BO, ANA, "cy@hilltop.example")[number % 3]
        return TimelineItem(
            item=number,
            revision=0,
            room=self._busy,
            kind="message",
            position=Position(1, number),
            did=f"did:key:{who}",
            address=who,
            name=who.partition("@")[0],
            text=f"{number}: the light turns, and somebody writes a line of usual length about it",
            own=who == ANA,
            accepted_at=MORNING + number * 60_000,
        )


if __name__ == "__main__":
    from yurt.tui.app import YurtApp

    YurtApp(FakeEntrance(BusyEngine(int(sys.argv[1]))), os.environ).run()
