"""Neighbouring lines of blocked people as one: how much was said shows, not who said it or what."""

from collections.abc import Iterable
from itertools import groupby

from msgspec.structs import replace

from yurt.client.api import TimelineItem
from yurt.client.counted import counted
from yurt.client.vault.timeline import BLOCKED


def folded(items: Iterable[TimelineItem]) -> list[TimelineItem]:
    """Make each run of blocked messages in a room one quiet line of the room's own; other lines stay."""
    found = list[TimelineItem]()
    for (is_blocked, _), group in groupby(items, key=lambda item: (item.reason == BLOCKED, item.room)):
        run = list(group)
        found += [_line(run)] if is_blocked else run
    return found


def _line(run: list[TimelineItem]) -> TimelineItem:
    """Say a run; it stands where its last message does, and changes when one of them does."""
    text = f"blocked: {counted(len(run), 'message')}"
    revision = max(item.revision for item in run)
    return replace(run[-1], kind="notice", text=text, reason="", address="", name="", revision=revision)
