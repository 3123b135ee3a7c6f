"""The text sanitiser: nothing that a stranger writes moves the cursor, hides, or reaches another line."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.wire.sanitise import MAX_COMBINING, clean_body, clean_line

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
RAINBOW_FLAG = "\U0001f3f3\ufe0f\u200d\U0001f308"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ana", "ana"),
        ("", ""),
        ("Zoë 日本 Ωμέγα مرحبا", "Zoë 日本 Ωμέγα مرحبا"),
        ("\x1b[2Jgone", "␛[2Jgone"),
        ("\x1b]8;;https://evil.example\x07click", "␛]8;;https://evil.example" + "click"),
        ("a\x00b\x07c\x7fd\x9be", "abcde"),
        ("one\ntwo\r\nthree\tfour\u2028five\x85six", "one two three four five six"),
        ("exe.\u202egpj", "exe.⟨RLO⟩gpj"),
        ("\u2066a\u2069\u200e", "⟨LRI⟩a⟨PDI⟩⟨LRM⟩"),
        ("a\u200bn\u2060a\ufeff", "ana"),
        ("a\u200dna", "ana"),
        (FAMILY, FAMILY),
        (RAINBOW_FLAG, RAINBOW_FLAG),
        ("hi\U000e0041\U000e0042", "hi"),
        ("\u3164\uffa0", ""),
        ("a\ufffe", "a"),
        ("e\u0301", "é"),
        ("a" + "\u0335" * 50, "a" + "\u0335" * MAX_COMBINING),
        ("\ud800", "\ufffd"),
    ],
)
def test_names_are_one_visible_line(text: str, shown: str) -> None:
    """A name is what it looks like, on one line."""
    assert clean_line(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one\n\ttwo", "one\n\ttwo"),
        ("one\r\ntwo\rthree\u2029four", "one\ntwo\nthree\nfour"),
        ("\x1b[31mred", "␛[31mred"),
        ("exe.\u202egpj", "\u2068exe.\u202egpj\u202c\u2069"),
        ("\u2069\u202cout", "out"),
        ("a\u2067b\nc", "\u2068a\u2067b\u2069\u2069\nc"),
        ("\u05e9\u05dc", "\u2068\u05e9\u05dc\u2069"),
        ("\u202a\u2067a\u202c\u2069b", "\u2068\u202a\u2067a\u2069b\u202c\u2069"),
    ],
)
def test_bodies_keep_their_lines_and_stay_inside_them(text: str, shown: str) -> None:
    """A body may be written from right to left, but it cannot reach beyond its own line."""
    assert clean_body(text) == shown


@given(st.text())
def test_whatever_is_written_comes_out_harmless(text: str) -> None:
    """No control survives, marks do not pile up, and cleaning twice is cleaning once."""
    line, body = clean_line(text), clean_body(text)

    assert clean_line(line) == line
    assert clean_body(body) == body
    assert all(unicodedata.category(character) not in ("Cc", "Cs") for character in line)
    assert all(character in "\n\t" or unicodedata.category(character) != "Cc" for character in body)
    assert line.encode().decode() == line
    assert body.encode().decode() == body


@given(st.text("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069ab\nא\u200d\U0001f600"))
def test_bidi_controls_never_leave_their_line(text: str) -> None:
    """Every line opens what it closes and closes what it opens."""
    for line in clean_body(text).split("\n"):
        opened = [character for character in line if character in "\u2066\u2067\u2068"]
        closed = [character for character in line if character == "\u2069"]
        embedded = [character for character in line if character in "\u202a\u202b\u202d\u202e"]
        popped = [character for character in line if character == "\u202c"]
        assert len(opened) == len(closed)
        assert len(embedded) == len(popped)
    assert clean_body(clean_body(text)) == clean_body(text)
