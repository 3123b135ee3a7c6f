r"""Five hundred strings that want to break a screen, and an engine that shows them everywhere; tests only.

python -m yurt.tui.hostile      the client with all of them in it
HOSTILE                         the strings
GENUINE                         begins every line that is really the room's own
"""

# ruff: noqa: E501  # a table of strings reads better in long lines

import os
from itertools import cycle, islice
from typing import Final

from yurt.client.api import Reaction
from yurt.tui.fediverse.testing import FakeFediverse
from yurt.tui.testing import ANA, BO, FakeEntrance

COUNT: Final = 500
GENUINE: Final = "GENUINE"
MESSAGES: Final = "messages"
"""Name of the room with a message of each string, by a sender who is called it."""
OWN_LINES: Final = "own lines"
"""Name of the room with a line of the room's own about each string."""

_ESCAPES: Final = (
    "\x1b[2J\x1b[H", "\x1b[31m", "\x1b]0;title\a", "\x1b]2;title\x1b\\", "\x1bc", "\x1b[?1049l", "\x1b[10A",
    "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\", "\x1b]52;c;ZXZpbA==\a", "\x1b]52;c;?\a",
    "\x1bP1$r0m\x1b\\", "\x1b_apc\x1b\\", "\x1b^pm\x1b\\", "\x1b[6n", "\x1b[c", "\x1b(0lqk\x1b(B", "\x1b[?25h",
    "\x1b[8m", "\x1b#8", "\x1b[1;1H", "\x1b[4h", "\x1b[20h", "\x1b]1337;File=inline=1:AAAA\a", "\x1b",
)  # fmt: skip
_CONTROLS: Final = (
    *(f"a{chr(code)}b" for code in range(32) if code != 27), "\x7f\x7f", "\x9b2J", "\x9b31m", "\x9d0;t\x9c",
    "\x90q\x9c", "\x84\x85\x8d", "\x98sos\x9c", "\r\r\revil", "\x08" * 60 + "evil", "\x0e\x0f", "\x00",
)  # fmt: skip
_BIDI: Final = (
    "\u202egpj.exe", "\u202d\u202d\u202d", "\u2066\u2066open", "\u2069\u2069\u2069close", "\u2067rtl\u2068", "שלום",
    "\u200f\u200e\u061c", "مرحبا بالعالم", "abc \u202eדגה\u202c ghi", "\u202a" * 40, "\u2067" + "א" * 200,
)  # fmt: skip
_INVISIBLE: Final = (
    "a\u200bn\u200ba", "\u200d\u200d", "\u2060\ufeff", "\u00ad" * 30, "\u3164", "\uffa0\u115f", "\U000e0041\U000e0042",
    "\u180e", "\u2028line", "\u2029para", "\ufff9x\ufffay\ufffb", "\ufe0f" * 9, "\U000e0100", "\u034f",
)  # fmt: skip
_COMBINING: Final = (
    "Z" + "\u0338\u0489\u20dd" * 60, "\u0301" * 100, "e" + "\u0301" * 400, "\u20e3\u20e3", "\u0e33" * 9,
    "\u0e01\u0e33", "\u0300leading", "".join(f"{c}\u0336\u0323" for c in "struck"), "\u0915\u094d\u0937\u093f",
)  # fmt: skip
_WIDE: Final = (
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 40, "\u2764\ufe0f" * 50, "\U0001f1e9\U0001f1ea" * 40, "漢" * 200,
    "\U0001f44d\U0001f3fd" * 40, "\U0001f1e6", "한국어" * 40, "\u1112\u1161\u11ab" * 40, "\ue0b0\ue0b2" * 30,
    "\uffff\ufdd0", "\U0001f3f4\U000e0067\U000e0062\U000e007f", "\u0378\u05c8", "\U000f0000", "\uff46\uff55\uff4c\uff4c", "ﷺ" * 20,
)  # fmt: skip
_MARKUP: Final = (
    "[bold]x[/bold]", "[red]x", "[/]", "[link=https://evil.example]x[/link]", "[@click=app.quit]x[/]", "[[[]]]", "[",
    "[on red blink]x[/]", "\\[x\\]", "$accent {x} %s {0}", "[/bold]", ":smile:", "[not closed", "`code` *x* _y_ <b>",
)  # fmt: skip
_NAMES: Final = (
    "\u0430na", "ana\u2009", "ana\u00a0", "A\u039dA", "ana@harbour.example@hilltop.example", "\u0251na", "ana ", "", " ", "@", "@@@",
    "http://evil.example/users/" + "a" * 300, "b\u043e@hilltop.example", "admin", "system", "ana│", "x" * 5000,
)  # fmt: skip
_LOOKALIKES: Final = (
    f"── {ANA} added eve@evil.example", f"\n── {ANA} added eve", f"{' ' * 20} ── {ANA} added eve", "!─ stopped",
    f"x\r\n10:02                ── {ANA} added eve", "?─ a message could not be read", "─" * 200, "│ ana │ hello",
    "\n" * 30 + "── end", f"{'x' * 61} ── {BO} left", "──── new ────", "──── 2025-11-22 ────", "┆ queued", "! refused",
    "╭─ rooms ──╮\n│> evil │\n╰──────────╯", "\u00a0── evil left", "\u2003── evil left", "\t\t── evil left",
    "connected · outbox 0 · encrypted, epoch 99",
)  # fmt: skip

_SEEDS: Final = (
    *_ESCAPES, *_CONTROLS, *_BIDI, *_INVISIBLE, *_COMBINING, *_WIDE, *_MARKUP, *_NAMES, *_LOOKALIKES,
)  # fmt: skip
_FRAMES: Final = ("{0}", "hello {0} there", "{0}{1}", "{1} @ana {0}")


def _strings() -> list[str]:
    """Each seed alone and in company of others."""
    found = list[str]()
    for turn, frame in enumerate(cycle(_FRAMES)):
        found += [
            frame.replace("{1}", _SEEDS[(at * 7 + turn) % len(_SEEDS)]).replace("{0}", seed)
            for at, seed in enumerate(_SEEDS)
        ]
        if len(found) >= COUNT:
            return list(islice(found, COUNT))
    return found


HOSTILE: Final = tuple(_strings())


def hostile_engine() -> FakeFediverse:
    """Give an engine with every string in every place that shows remote text."""
    engine = FakeFediverse()
    for number, text in enumerate(HOSTILE[:: COUNT // 40]):
        engine.post(text, HOSTILE[number], summary=HOSTILE[-number], boosted_by=text)
    engine.waiting = list(HOSTILE[:60])
    engine.inviting = list(HOSTILE[60:90])
    engine.room("".join((*_MARKUP, *_ESCAPES))[:200])
    messages = engine.room(MESSAGES, *HOSTILE)
    own_lines = engine.room(OWN_LINES, *HOSTILE[:20])
    for number, text in enumerate(HOSTILE):
        name = HOSTILE[(number * 3) % COUNT]
        reason = text if number % 9 == 0 else ""
        reply = HOSTILE[(number * 3 - 3) % COUNT] if number % 5 == 0 else ""
        reactions = (Reaction(emoji=text, by=(name,) * (1 + number % 4)),) if number % 4 == 0 else ()
        taken = name if number % 50 == 49 else ""
        engine.say(
            messages,
            name,
            text,
            did=name,
            reason=reason,
            reply_did=reply,
            reply_id=engine.last_content_id,
            reactions=reactions,
            deleted_by=taken,
            vouched_by=name if number % 11 == 0 else "",
            edited=number % 7 == 0,
        )
        kind = ("roster", "notice", "undecryptable")[number % 3]
        address = f"{GENUINE} {name}" if kind != "roster" else ""
        engine.say(own_lines, address, f"{GENUINE} {text}", kind=kind, reason=text, did=name)
    for room in (messages, own_lines):
        engine.update(room, read=engine.items[room][-1].item)
    for number in range(COUNT - 60):
        engine.add((10_000 + number).to_bytes(4, "big") * 8, HOSTILE[number], HOSTILE[-number])
    engine.update(own_lines, stopped="".join(HOSTILE[:40]))
    engine.connected, engine.problem = False, " ".join(HOSTILE)
    engine.refusal = "".join(HOSTILE[at] for at in range(0, COUNT, 25))[:400]
    return engine


if __name__ == "__main__":
    from yurt.tui.app import YurtApp

    YurtApp(FakeEntrance(hostile_engine()), os.environ).run()
