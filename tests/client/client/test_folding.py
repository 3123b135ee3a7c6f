"""What blocked people say is one quiet line, however much it is."""

from msgspec.structs import replace

from yurt.client.folding import folded
from yurt.tui.lines import Gutter, Roll, rows_of
from yurt.tui.testing import ANA, BO, FakeEngine


async def test_a_run_of_blocked_messages_is_one_line() -> None:
    """Three in a row say that there are three, and nobody's name; what stands between others stays there."""
    engine = FakeEngine()
    room = engine.room("harbour watch", BO)
    for text, who in (("one", ANA), ("x", BO), ("x", BO), ("x", BO), ("two", ANA), ("x", BO)):
        engine.say(room, who, text)
    items = [
        replace(item, text="blocked: 1 message", reason="blocked") if item.text == "x" else item
        for item in engine.items[room]
    ]

    lines = folded(items)

    assert [line.text for line in lines] == ["one", "blocked: 3 messages", "two", "blocked: 1 message"]
    assert folded(items[:1]) == items[:1]
    (row,) = rows_of(lines[1], Gutter.of(80), Roll())
    assert (row.tone, row.mark.strip(), row.name.strip()) == ("quiet", "──", "")
