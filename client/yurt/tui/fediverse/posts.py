"""F6: what people who are followed have posted, and what there is to say to it."""

import asyncio
import os
from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static
from typing_extensions import override

from yurt.client.api import EngineApi, TimelineItem
from yurt.tui import shown
from yurt.tui.app_of import app_of
from yurt.tui.fediverse.followed import Followed
from yurt.tui.fediverse.post_lines import POSTS, line_of
from yurt.tui.fediverse.requests import Requests
from yurt.tui.lines import Roll
from yurt.tui.screens.about_people import AboutPeople
from yurt.tui.screens.ask import Ask, agreed
from yurt.tui.screens.help import Help
from yurt.tui.tried import tell, tried
from yurt.tui.widgets.composer import Composer, Purpose
from yurt.tui.widgets.timeline import Timeline
from yurt.tui.window import Window
from yurt.wire.command import Done
from yurt.wire.post_commands import Boost, Delete, Like, Post, Posted, PostInfo, TimelinePage
from yurt.wire.post_commands import Timeline as AskTimeline

PAGE: Final = 50
LOOK_S: Final = 15.0
"""How often to look for new posts; nothing tells of them."""
VISIBILITIES: Final = ("followers", "unlisted", "public")
_UNIQUE: Final = 16
_WHO_READS: Final = {
    "followers": "your followers read it",
    "unlisted": "anybody may read it, no list shows it",
    "public": "anybody may read it",
}
_KEYS: Final = (
    "Esc rooms",
    "F1 keys",
    "F7 requests",
    "F8 people",
    "i write",
    "r answer",
    "+ like",
    "v who reads it",
    "b boost",
    "d take back",
)
"""The last ones go where there is little space."""
_NAMES: Final = 28


def fitting(keys: Sequence[str], width: int) -> str:
    """Join as many of the first words as fit into a width."""
    for count in range(len(keys), 0, -1):
        if len(line := " · ".join(keys[:count])) <= width:
            return line
    return ""


class Posts(Screen[None]):
    """The timeline of the fediverse."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "write", "write a post"),
        Binding("v", "visibility", "who may read the next post"),
        Binding("enter", "unfold", "show what stands behind a warning"),
        Binding("b", "boost", "show this post to your followers, or no longer"),
        Binding("m", "author('mute')", "do not see what its author posts"),
        Binding("u", "author('unfollow')", "follow its author no longer"),
        Binding("x", "author('block')", "have nothing to do with its author"),
        Binding("f5", "look", "look for new posts"),
        Binding("f7", "requests", "who asks to follow you", priority=True),
        Binding("f8", "followed", "whom you follow, block and mute", priority=True),
        Binding("f1,question_mark", "help", "this help"),
        Binding("escape", "leave", "back to the rooms"),
    ]
    DEFAULT_CSS = """
    Posts > Static { height: 1; background: $panel; color: $text-muted; padding: 0 1; }
    """

    def __init__(self, engine: EngineApi, me: str) -> None:
        """Take whose timeline it is.

        Args:
            engine: Asks the node.
            me: The own address.
        """
        super().__init__()
        self._engine = engine
        self._me = me
        self._posts: dict[int, PostInfo] = {}
        self._unfolded = set[int]()
        """Numbers of posts whose warning was read."""
        self._next = 0
        self._visibility = VISIBILITIES[0]
        self._outgoing: asyncio.Queue[tuple[str, str, str, bytes]] = asyncio.Queue()
        self._about = AboutPeople(self, engine, me, self._look_anew)

    @override
    def compose(self) -> ComposeResult:
        with Vertical():
            yield Timeline(names=_NAMES)
            yield Composer()
        yield Static()

    def on_resize(self) -> None:
        """Tell as many keys as there is space for, and never half of one."""
        for line in self.query(Static):  # not there yet, or not any more
            line.update(Content(fitting(_KEYS, self.size.width - 2)))

    def on_mount(self) -> None:
        """Ask for the newest posts."""
        timeline = self.query_one(Timeline)
        timeline.border_title = Content("posts")
        timeline.set_hint("Nothing yet. Follow somebody (F9 among your rooms), or write a post: i.")
        self.query_one(Composer).open(POSTS)
        self._tell_visibility()
        timeline.focus()
        self.run_worker(self._keep_looking())
        self.run_worker(self._send())

    # --- reading ------------------------------------------------------------------------------------
    async def _keep_looking(self) -> None:
        while True:
            await tried(self, self._look())
            await asyncio.sleep(LOOK_S)

    async def _look(self) -> None:
        page, timeline = await self._newest(), self.query_one(Timeline)
        if not len(timeline.window):
            self._next = page.next
            window = Window()
            window.show(self._lines(page), older=page.next > 0, newer=False)
            timeline.open(window, roll=Roll(), viewer=self._me, new_after=0)
            return
        changed = [timeline.window.merge(line) for line in self._lines(page)]
        if any(changed):
            timeline.changed()

    async def _look_anew(self) -> None:
        """Look, and show nothing that is no longer there; whoever reads keeps their place."""
        page, timeline = await self._newest(), self.query_one(Timeline)
        self._next = page.next
        timeline.window.show(self._lines(page), older=page.next > 0, newer=False)
        timeline.changed()

    async def _newest(self) -> TimelinePage:
        return await self._engine.ask_node(AskTimeline(0, PAGE), TimelinePage)

    def _lines(self, page: TimelinePage) -> list[TimelineItem]:
        self._posts |= {post.number: post for post in page.posts}
        return [self._line(post) for post in reversed(page.posts)]

    def _line(self, post: PostInfo) -> TimelineItem:
        return line_of(post, self._me, unfold=post.number in self._unfolded)

    def on_timeline_older_wanted(self) -> None:
        """Fetch the page before."""
        self.run_worker(tried(self, self._older()))

    async def _older(self) -> None:
        timeline = self.query_one(Timeline)
        page = await self._engine.ask_node(AskTimeline(self._next, PAGE), TimelinePage)
        self._next = page.next
        timeline.window.prepend(self._lines(page), older=page.next > 0)
        timeline.changed()

    def on_timeline_copied(self, event: Timeline.Copied) -> None:
        """Put it into the terminal's clipboard (OSC 52)."""
        app_of(self).copy_to_clipboard(event.text)
        tell(self, "copied")

    def action_look(self) -> None:
        """Look now."""
        self.run_worker(tried(self, self._look()))

    # --- writing ------------------------------------------------------------------------------------
    def action_write(self) -> None:
        """Go to the composer."""
        self.query_one(Composer).focus()

    def action_visibility(self) -> None:
        """Let others, or fewer, read the next post."""
        at = VISIBILITIES.index(self._visibility)
        self._visibility = VISIBILITIES[(at + 1) % len(VISIBILITIES)]
        self._tell_visibility()

    def _tell_visibility(self) -> None:
        self.query_one(Composer).border_subtitle = _WHO_READS[self._visibility]

    def on_composer_submitted(self, event: Composer.Submitted) -> None:
        """Post it, after what was written before."""
        answered = self._posts.get(event.purpose.item)
        answer_to = answered.id if answered else ""
        self._outgoing.put_nowait((event.text, self._visibility, answer_to, os.urandom(_UNIQUE)))
        self._tell_visibility()

    async def _send(self) -> None:
        while True:
            text, visibility, answer_to, unique = await self._outgoing.get()
            post = Post(text=text, visibility=visibility, in_reply_to=answer_to, unique=unique)
            if await tried(self, self._engine.ask_node(post, Posted)) is None:
                composer = self.query_one(Composer)
                composer.text = composer.text or text  # nothing that was written is lost
            else:
                tell(self, f"posted: {_WHO_READS[visibility]}")
                await tried(self, self._look())

    def on_composer_left(self) -> None:
        """Read."""
        self.query_one(Timeline).focus()

    def on_composer_editor_wanted(self) -> None:
        """Say that a post is written here."""
        tell(self, "posts are written here; an editor opens for messages")

    # --- what is said to a post ---------------------------------------------------------------------
    def on_timeline_asked(self, event: Timeline.Asked) -> None:
        """Do something about a post."""
        post = self._posts.get(event.item.item)
        if post is None:
            return
        match event.what:
            case "react":
                self._do(Like(post.id, undo=post.liked), "liked" if not post.liked else "no longer liked")
            case "reply":
                self.query_one(Composer).begin(
                    Purpose("reply", post.number), f"answer {shown.line(post.author)}", f"@{post.author} "
                )
                self._tell_visibility()
                self.action_write()
            case "delete" if event.item.own:
                self._take_back(post)
            case _:
                tell(self, "only its author can do that to a post, and posts are not edited here")

    def action_unfold(self) -> None:
        """Show what stands behind the warning of the post under the cursor."""
        timeline, post = self.query_one(Timeline), self._under_cursor()
        if post is not None and post.summary:
            self._unfolded.add(post.number)
            timeline.window.merge(self._line(post))
            timeline.changed()

    def action_author(self, what: Literal["mute", "unfollow", "block"]) -> None:
        """Do something about whoever wrote the post under the cursor."""
        post = self._under_cursor()
        if post is not None:
            do = {"mute": self._about.mute, "unfollow": self._about.unfollow, "block": self._about.block}
            do[what](post.author)

    def _under_cursor(self) -> PostInfo | None:
        item = self.query_one(Timeline).under_cursor
        return self._posts.get(item.item) if item else None

    def action_boost(self) -> None:
        """Show the post under the cursor to one's followers, or no longer."""
        post = self._under_cursor()
        if post is not None:
            self._do(
                Boost(post.id, undo=post.boosted),
                "no longer shown" if post.boosted else "shown to your followers",
            )

    def _take_back(self, post: PostInfo) -> None:
        def answered(answer: str | None) -> None:
            if agreed(answer):
                self._do(Delete(post.id), "taken back: every server that has it is told")

        app_of(self).push_screen(Ask("take this post back?", "It cannot come back.", "type yes"), answered)

    def _do(self, command: Like | Boost | Delete, told: str) -> None:
        async def work() -> None:
            await self._engine.ask_node(command, Done)
            tell(self, told)
            await (self._look_anew() if isinstance(command, Delete) else self._look())

        self.run_worker(tried(self, work()))

    # --- around it ----------------------------------------------------------------------------------
    def action_requests(self) -> None:
        """Show who asks to follow."""
        app_of(self).push_screen(Requests(self._engine))

    def action_followed(self) -> None:
        """Show whom one follows."""
        app_of(self).push_screen(Followed(self._engine, self._me))

    def action_help(self) -> None:
        """Tell the keys."""
        owners: tuple[tuple[str, type[Widget]], ...] = (
            ("posts", Posts),
            ("timeline", Timeline),
            ("composer", Composer),
            ("requests", Requests),
            ("people", Followed),
        )
        parts = [(title, owner.BINDINGS) for title, owner in owners]
        app_of(self).push_screen(Help([*parts, ("the client", app_of(self).BINDINGS)]))

    def action_leave(self) -> None:
        """Go back to the rooms."""
        self.dismiss()
