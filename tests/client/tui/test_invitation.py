"""Inviting by a link: one key, one Enter, and a code for a camera."""

import segno
from textual.pilot import Pilot
from textual.widgets import Input, Static

from yurt.client.testing_waits import until
from yurt.tui.app import YurtApp
from yurt.tui.screens.chat import Chat
from yurt.tui.screens.invitation import Invitation, LinkShown
from yurt.tui.testing import BO, FakeEngine, FakeEntrance
from yurt.tui.widgets.people_pane import PeoplePane
from yurt.tui.widgets.qr_code import QUIET, QrCode, rows_of

LINK = "https://harbour.example/j/ABCDEFGHIJ#AAECAwQFBgcICQoLDA0ODw"
UPPER, LOWER = "▀█", "▄█"


def _client(engine: FakeEngine) -> YurtApp:
    engine.room("harbour watch", BO)
    return YurtApp(FakeEntrance(engine), {})


async def _invite(pilot: Pilot[None]) -> None:
    """Open the dialog, once there is a room to invite into."""
    await until(lambda: isinstance(pilot.app.screen, Chat))
    await until(lambda: bool(pilot.app.screen.query_one(PeoplePane).chosen))
    await pilot.press("f5")
    await until(lambda: isinstance(pilot.app.screen, Invitation) and isinstance(pilot.app.focused, Input))


async def _link_shown(pilot: Pilot[None]) -> None:
    """Wait for the link, laid out."""
    await until(lambda: isinstance(pilot.app.screen, LinkShown))
    await until(lambda: pilot.app.screen.query_one(Static).region.height > 0)


async def _ask_for_a_link(pilot: Pilot[None]) -> None:
    await _invite(pilot)
    await pilot.press("enter")
    await _link_shown(pilot)


def test_code_is_the_link() -> None:
    """Read back from its half blocks, the code is the standard's, in a light frame."""
    rows = rows_of(LINK)

    modules: list[list[bool]] = []
    for row in rows:
        modules += [[cell in UPPER for cell in row], [cell in LOWER for cell in row]]

    expected = [[bool(dark) for dark in row] for row in segno.make_qr(LINK, error="l").matrix]
    side = len(expected)
    inner = [row[QUIET : QUIET + side] for row in modules[QUIET : QUIET + side]]
    assert inner == expected
    assert sum(map(sum, modules)) == sum(map(sum, expected))
    assert {len(row) for row in rows} == {side + 2 * QUIET}


async def test_link_with_code() -> None:
    """F5 and Enter make a link; it stands there in full, y copies it, and the code fits a usual terminal."""
    engine = FakeEngine()
    async with _client(engine).run_test(size=(80, 24)) as pilot:
        await _ask_for_a_link(pilot)

        assert engine.asked == ["make_link"]
        code = pilot.app.screen.query_one(QrCode)
        await until(lambda: code.display and code.region.height == code.needs.height)
        assert pilot.app.screen.region.contains_region(code.region)

        await pilot.press("y")
        await until(lambda: pilot.app.clipboard == LINK)


async def test_no_half_code() -> None:
    """In a narrow terminal there is no code rather than a part of one; the link is whole."""
    async with _client(FakeEngine()).run_test(size=(40, 20)) as pilot:
        await _ask_for_a_link(pilot)

        await until(lambda: not pilot.app.screen.query_one(QrCode).display)
        await pilot.press("y")
        await until(lambda: pilot.app.clipboard == LINK)


async def test_link_with_account() -> None:
    """Somebody without an account gets one by the same link, if that was chosen."""
    engine = FakeEngine()
    async with _client(engine).run_test(size=(80, 24)) as pilot:
        await _invite(pilot)
        await pilot.press("tab", "space", "shift+tab", "enter")
        await _link_shown(pilot)

    assert engine.asked == ["make_link account"]
