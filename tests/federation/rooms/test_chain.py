"""The chain hash names everything up to a position, and a copy notices every lie about it."""

import hashlib
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yurt.rooms.common.chain import chain_of, entry_hash, next_chain
from yurt.rooms.common.errors import LogForked, LogGap
from yurt.rooms.common.log_copy import Continued, Duplicate, LogCopy, follow
from yurt.wire.position import START, LogRow, Position
from yurt.wire.registry import EntryKind

ROOM = bytes(range(32))
NOW = 1_795_000_000_000


def log_of(bodies: list[bytes], *, kind: int = EntryKind.MESSAGE) -> list[LogRow]:
    """Write bodies into a room's log, a second apart."""
    rows, chain = list[LogRow](), ROOM
    for seq, body in enumerate(bodies, start=1):
        row = LogRow(Position(1, seq), kind, NOW + 1000 * seq, entry_hash(body), body)
        chain = chain_of(chain, row)
        rows.append(msgspec.structs.replace(row, chain=chain))
    return rows


def copy_of(rows: list[LogRow]) -> LogCopy:
    """Follow rows from the start."""
    copy = LogCopy(START, ROOM)
    for row in rows:
        outcome = follow(copy, row, NOW)
        assert isinstance(outcome, Continued)
        copy = outcome.copy
    return copy


def test_chain_is_as_written_down(golden: Callable[[str, bytes], None]) -> None:
    """The formula of TRUST 4, byte by byte."""
    entry = hashlib.sha256(b"entry").digest()
    said = b"yurt/chain/1\0" + ROOM + b"\0\0\0\1" + bytes(7) + b"\2" + b"\3" + NOW.to_bytes(8, "big") + entry

    chain = next_chain(ROOM, Position(1, 2), 3, NOW, entry)

    assert chain == hashlib.sha256(said).digest()
    golden("chain.hex", chain)


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=8), min_size=2, max_size=6), st.data())
def test_any_change_changes_the_chain(bodies: list[bytes], data: st.DataObject) -> None:
    """Another order or another entry anywhere gives another hash at the end."""
    other = data.draw(st.permutations(bodies))

    assert (log_of(other)[-1].chain == log_of(bodies)[-1].chain) == (other == bodies)


def test_copy_follows_the_log() -> None:
    """Rows in order are taken; the last one is the head."""
    rows = log_of([b"one", b"two", b"three"])

    assert copy_of(rows) == LogCopy(Position(1, 3), rows[-1].chain, NOW + 3000)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 4), max_size=20))
def test_rows_in_any_order(arrivals: list[int]) -> None:
    """Whatever arrives, in any order and number: the copy is always a prefix of the log."""
    rows = log_of([b"a", b"b", b"c", b"d", b"e"])
    copy = LogCopy(START, ROOM)
    for index in arrivals:
        row, have = rows[index], copy.head.seq
        if index > have:
            with pytest.raises(LogGap) as caught:
                follow(copy, row, NOW)
            assert (caught.value.have, caught.value.got) == (copy.head, row.position)
            continue
        outcome = follow(copy, row, NOW)
        assert isinstance(outcome, Duplicate if index < have else Continued)
        copy = outcome.copy if isinstance(outcome, Continued) else copy

    assert copy == copy_of(rows[: copy.head.seq])


def test_erased_rows_keep_the_chain() -> None:
    """A body that retention took does not break what comes after."""
    rows = log_of([b"old", b"new"])
    erased = msgspec.structs.replace(rows[0], body=b"")

    assert copy_of([erased, rows[1]]) == copy_of(rows)


def test_copy_that_begins_later() -> None:
    """A joiner's copy begins at its commit, with the chain that its Welcome was stamped with."""
    rows = log_of([b"before", b"commit", b"after"])
    copy = LogCopy(rows[1].position, rows[1].chain, rows[1].accepted_at)

    assert isinstance(follow(copy, rows[2], NOW), Continued)
    assert isinstance(follow(copy, rows[0], NOW), Duplicate)


def test_unknown_kinds_are_chained() -> None:
    """A kind from the future is a row like any other."""
    assert copy_of(log_of([b"?"], kind=200)).head == Position(1, 1)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"body": b"other"}, "hash"),
        ({"hash": bytes(32)}, "hash"),
        ({"body": b"", "hash": bytes(32)}, "chain"),
        ({"kind": 1}, "chain"),
        ({"accepted_at": NOW + 2001}, "chain"),
        ({"accepted_at": NOW}, "time"),
        ({"position": Position(2, 2)}, "chain"),
        ({"position": Position(0, 2)}, "term"),
        ({"position": Position(2, 1)}, "rewritten"),
        ({"kind": 300}, "hash"),
        ({"accepted_at": 2**64}, "hash"),
        ({"position": Position(2**40, 2)}, "hash"),
        ({"position": Position(1, -2)}, "hash"),
    ],
)
def test_rows_that_lie(change: dict[str, object], why: str) -> None:
    """Each field is held by the chain, or by a rule of its own."""
    rows = log_of([b"one", b"two"])
    lie = msgspec.structs.replace(rows[1], **change)

    with pytest.raises(LogForked) as caught:
        follow(copy_of(rows[:1]), lie, NOW)

    assert caught.value.why == why


def test_head_cannot_be_rewritten() -> None:
    """The same place with another chain is a fork; the same row again is nothing."""
    rows = log_of([b"one", b"two"])
    other = log_of([b"one", b"2"])

    assert isinstance(follow(copy_of(rows), rows[1], NOW), Duplicate)
    with pytest.raises(LogForked) as caught:
        follow(copy_of(rows), other[1], NOW)
    assert caught.value.why == "rewritten"


def test_hub_that_lives_in_the_future() -> None:
    """Ten minutes ahead the row is still taken, and sending stops."""
    row = log_of([b"one"])[0]

    for ahead_ms, ahead in ((600_000, False), (600_001, True)):
        outcome = follow(LogCopy(START, ROOM), row, row.accepted_at - ahead_ms)
        assert isinstance(outcome, Continued)
        assert outcome.ahead is ahead
