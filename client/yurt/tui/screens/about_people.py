"""What one does about a person: follow no longer, block, mute, and back; asked first where others notice."""

from collections.abc import Awaitable, Callable
from typing import Any

from textual.screen import Screen

from yurt.client.api import EngineApi
from yurt.tui import shown
from yurt.tui.app_of import app_of
from yurt.tui.screens.ask import Ask, agreed
from yurt.tui.tried import tell, tried
from yurt.wire.command import Done
from yurt.wire.people_commands import Block, KeptAway, Mute, Unblock, Unmute

_BLOCK = "Follows end both ways, what they say is folded away here, and their node is told."
_UNFOLLOW = "Their posts no longer come, and they may not add you to rooms unasked."


class AboutPeople:
    """Asks, does it, says so."""

    def __init__(
        self, screen: Screen[Any], engine: EngineApi, me: str, changed: Callable[[], Awaitable[None]]
    ) -> None:
        """Take whose hands these are.

        Args:
            screen: Where it is asked and told.
            engine: Does it.
            me: The own address.
            changed: Shows what is different then.
        """
        self._screen = screen
        self._engine = engine
        self._me = me
        self._changed = changed

    def block(self, address: str) -> None:
        """Have nothing to do with somebody, if the person is sure."""
        self._if_sure(f"block {shown.line(address)}?", _BLOCK, address, self._block)

    def unfollow(self, address: str) -> None:
        """Follow somebody no longer, if the person is sure."""
        self._if_sure(f"follow {shown.line(address)} no longer?", _UNFOLLOW, address, self._unfollow)

    def unblock(self, address: str) -> None:
        """Block somebody no longer."""
        self._begin(self._ask(Unblock(address), f"you no longer block {address}"))

    def mute(self, address: str) -> None:
        """Do not see what somebody posts."""
        if address == self._me:
            tell(self._screen, "that is you")
        else:
            self._begin(self._mute(address))

    def unmute(self, address: str) -> None:
        """See it again."""
        self._begin(self._ask(Unmute(address), f"you no longer mute {address}"))

    def _if_sure(self, title: str, note: str, address: str, work: Callable[[str], Awaitable[None]]) -> None:
        def answered(answer: str | None) -> None:
            if agreed(answer):
                self._begin(work(address))

        if address == self._me:
            tell(self._screen, "that is you")
        else:
            app_of(self._screen).push_screen(Ask(title, note, "type yes"), answered)

    def _begin(self, work: Awaitable[None]) -> None:
        self._screen.run_worker(tried(self._screen, work))

    async def _block(self, address: str) -> None:
        kept = await self._engine.ask_node(Block(address), KeptAway)
        met = "" if kept.met else ", whoever that is: nobody could be asked"
        await self._did(f"you block {address}{met}")

    async def _mute(self, address: str) -> None:
        await self._engine.ask_node(Mute(address), KeptAway)
        await self._did(f"you see no posts of {address}")

    async def _unfollow(self, address: str) -> None:
        await self._engine.unfollow(address)
        await self._did(f"you no longer follow {address}")

    async def _ask(self, command: Unblock | Unmute, told: str) -> None:
        await self._engine.ask_node(command, Done)
        await self._did(told)

    async def _did(self, told: str) -> None:
        tell(self._screen, told)
        await self._changed()
