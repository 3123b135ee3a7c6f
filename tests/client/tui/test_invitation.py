"""Inviting by a link: one key, one Enter, and a code for a camera."""

import segno
from textual.pilot import Pilot

from yurt.tui.app import YurtApp
from yurt.tui.screens.chat import Chat
from yurt.tui.screens.invitation import Invitation, LinkShown
from yurt.tui.testing import BO, FakeEngine, FakeEntrance
from yurt.tui.widgets.qr_code import QUIET, QrCode, rows_of

LINK = "https://harbour.example/j/ABCDEFGHIJ#AAECAwQFBgcICQoLDA0ODw"
UPPER, LOWER = "▀█", "▄█"


async def _until(pilot: Pilot[None], screen: type) -> None:
    for _ in range(400):
        if isinstance(pilot.app.screen, screen):
            return
        await pilot.pause(0.02)
    raise AssertionError(f"never saw {screen.__name__}")


def _client(engine: FakeEngine) -> YurtApp:
    engine.room("harbour watch", BO)
    return YurtApp(FakeEntrance(engine), {})


async def _ask_for_a_link(pilot: Pilot[None]) -> None:
    await _until(pilot, Chat)
    await pilot.pause(0.2)
    await pilot.press("f5")
    await _until(pilot, Invitation)
    await pilot.press("enter")
    await _until(pilot, LinkShown)
    await pilot.pause()


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
        assert code.display
        assert code.region.height == code.needs.height
        assert pilot.app.screen.region.contains_region(code.region)

        await pilot.press("y")
        await pilot.pause()
        assert pilot.app.clipboard == LINK


async def test_no_half_code() -> None:
    """In a narrow terminal there is no code rather than a part of one; the link is whole."""
    async with _client(FakeEngine()).run_test(size=(40, 20)) as pilot:
        await _ask_for_a_link(pilot)

        assert not pilot.app.screen.query_one(QrCode).display
        await pilot.press("y")
        await pilot.pause()
        assert pilot.app.clipboard == LINK


async def test_link_with_account() -> None:
    """Somebody without an account gets one by the same link, if that was chosen."""
    engine = FakeEngine()
    async with _client(engine).run_test(size=(80, 24)) as pilot:
        await _until(pilot, Chat)
        await pilot.pause(0.2)
        await pilot.press("f5")
        await _until(pilot, Invitation)
        await pilot.press("tab", "space", "shift+tab", "enter")
        await _until(pilot, LinkShown)

    assert engine.asked == ["make_link account"]
