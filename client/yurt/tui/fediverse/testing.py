"""An engine whose node has posts and requests; tests only."""

from typing import cast

import msgspec
from typing_extensions import override

from yurt.client.api import A, PersonView, T
from yurt.client.calls import EngineCall, Nothing
from yurt.client.consent.calls import AnswerInvitation, InvitationView, InvitationViews, ListInvitations
from yurt.client.conversations.calls import ListTried, TriedView, TriedViews
from yurt.client.people_calls import BlockedView, ListBlocked
from yurt.tui.testing import ANA, FakeEngine
from yurt.wire.command import Answer, Command, Done
from yurt.wire.list_commands import AddToList, ListInfo, ListPage, Lists
from yurt.wire.people_commands import (
    Accept,
    Block,
    KeptAway,
    Mute,
    Reject,
    Requests,
    Tie,
    Ties,
    Unblock,
    Unmute,
)
from yurt.wire.position import START
from yurt.wire.post_commands import Boost, Delete, Like, Post, Posted, PostInfo, Timeline, TimelinePage
from yurt.wire.problems import refuse

_NOON = 1_763_726_400


class FakeFediverse(FakeEngine):
    """Ana's engine, and what her node knows of the fediverse."""

    def __init__(self, me: str = ANA) -> None:
        super().__init__(me)
        self.posts: list[PostInfo] = []
        """Oldest first."""
        self.waiting: list[str] = []
        """Addresses of who asks to follow."""
        self.inviting: list[str] = []
        """Addresses of who asks to add Ana to a room."""
        self.tried: list[str] = []
        """Addresses of who tried an encrypted conversation from other software, told once."""
        self.followed: list[PersonView] = []
        self.muted: list[str] = []
        self.nobody: set[str] = set()
        """Addresses of which nobody can say who that is."""
        self.lists: dict[str, list[str]] = {}

    def post(self, author: str, text: str, **more: object) -> PostInfo:
        """Let somebody post."""
        number = len(self.posts) + 1
        fields: dict[str, object] = {
            "number": number,
            "id": f"https://example/posts/{number}",
            "author": author,
            "text": text,
            "published": _NOON + 60 * number,
            "visibility": "public",
        }
        self.posts.append(msgspec.convert(fields | more, PostInfo))
        return self.posts[-1]

    @override
    async def call(self, call: EngineCall, shape: type[T]) -> T:
        match call:
            case ListInvitations():
                views = [InvitationView(address=who, did=who, room=b"", since=0) for who in self.inviting]
                return cast("T", InvitationViews(tuple(views)))
            case AnswerInvitation():
                self._do(f"{'join' if call.accept else 'refuse'} {call.address}")
                self.inviting.remove(call.address)
                return cast("T", Nothing())
            case ListTried():
                told, self.tried = self.tried, []
                return cast("T", TriedViews(tuple(TriedView(address=w, actor=w, since=0) for w in told)))
            case ListBlocked():
                return cast("T", BlockedView(tuple(self.blocked), tuple(self.muted)))
            case _:
                return await super().call(call, shape)

    @override
    async def following(self) -> list[PersonView]:
        return self.followed

    @override
    async def unfollow(self, address: str) -> None:
        await super().unfollow(address)
        self.followed = [one for one in self.followed if one.address != address]

    @override
    async def ask_node(self, command: Command, shape: type[A]) -> A:
        if not isinstance(command, Timeline | Requests | Lists):
            self._do(command.name)
        return cast("A", self._answer(command))

    def _keep_away(self, command: Block | Unblock | Mute | Unmute) -> Answer:
        away = self.blocked if isinstance(command, Block | Unblock) else self.muted
        if isinstance(command, Unblock | Unmute):
            away.remove(command.address)
            return Done()
        away.append(command.address)
        if isinstance(command, Block):
            self.followed = [one for one in self.followed if one.address != command.address]
            self.posts = [post for post in self.posts if post.author != command.address]
        return KeptAway(met=command.address not in self.nobody)

    def _answer(self, command: Command) -> Answer:
        match command:
            case Timeline():
                older = [post for post in self.posts if not command.before or post.number < command.before]
                page = older[-command.limit :]
                return TimelinePage(tuple(reversed(page)), page[0].number if len(older) > len(page) else 0)
            case Post():
                more: dict[str, object] = {
                    "visibility": command.visibility,
                    "in_reply_to": command.in_reply_to,
                }
                return Posted(self.post(self.me, command.text, **more).id)
            case Like():
                return self._change(command.post, liked=not command.undo, likes=int(not command.undo))
            case Boost():
                return self._change(command.post, boosted=not command.undo, boosts=int(not command.undo))
            case Delete():
                self.posts = [post for post in self.posts if post.id != command.post]
                return Done()
            case _:
                return self._about_people(command)

    def _about_people(self, command: Command) -> Answer:
        match command:
            case Requests():
                return Ties(tuple(Tie(address, address, "pending", 0) for address in self.waiting), START)
            case Accept() | Reject():
                self.waiting.remove(command.address)
                return Done()
            case Lists():
                return ListPage(tuple(ListInfo(name, len(people)) for name, people in self.lists.items()))
            case AddToList():
                self.lists.setdefault(command.list, []).append(command.address)
                return Done()
            case Block() | Unblock() | Mute() | Unmute():
                return self._keep_away(command)
            case _:
                raise refuse("unsupported", f"{command.name} is not possible here")

    def _change(self, post: str, **fields: object) -> Done:
        self.posts = [
            msgspec.structs.replace(each, **fields) if each.id == post else each for each in self.posts
        ]
        return Done()
