"""Times that others say are shown, whatever they say: no hub, member or stranger stops what shows them."""

import time
from collections.abc import Iterator

import pytest

from yurt.cli.commands.tail import item_line
from yurt.cli.commands.timeline import post_lines
from yurt.client.api import TimelineItem
from yurt.client.clock import local_time
from yurt.tui.lines import day_of
from yurt.wire.post_commands import PostInfo

NEVER_MS = 2**53 - 1
"""What a hub may write into a row, and a member into the history that they tell."""
LAST_S = 253_402_300_799
"""What a post may say: the last second of the year 9999, which is over where the day begins first."""


@pytest.fixture(params=["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def somewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock on the wall."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("somewhere")
def test_no_time_is_too_late_to_be_shown() -> None:
    """A message of the year 287396 is a line like any other, and so is a post of the last second."""
    item = TimelineItem(item=1, room=bytes(32), kind="message", text="hi", accepted_at=NEVER_MS)
    post = PostInfo(
        number=1, id="x", author="eve@hill.example", text="hi", published=LAST_S, visibility="public"
    )

    assert item_line(item, None).endswith("hi")
    assert "9999" in day_of(item)
    assert "9999" in post_lines(post)
    assert local_time(-1.0).year in (1969, 1970)
