"""What a leaf says is one chain; holes and lies in it are seen."""

from hypothesis import given, settings
from hypothesis import strategies as st

from yurt.rooms.common.content import Header
from yurt.rooms.member.received import FRESH, Outcome, Receipt, SenderLog, receive
from yurt.rooms.member.sending import Numbered, SenderState, number
from yurt.wire.position import Position

SEEN, CHAIN = Position(1, 1), bytes(32)


def said(contents: list[bytes]) -> list[tuple[Header, bytes]]:
    """Number contents as their author would."""
    state, messages = SenderState(), list[tuple[Header, bytes]]()
    for content in contents:
        numbered, state = number(state, content)
        messages.append((numbered.header(SEEN, CHAIN), content))
    return messages


def test_in_order() -> None:
    """Each message follows the one before."""
    log = FRESH
    for header, content in said([b"a", b"b", b"c"]):
        receipt = receive(log, header, content)
        assert receipt.outcome is Outcome.IN_ORDER
        log = receipt.log

    assert log.counter == 2


@settings(max_examples=50)
@given(st.sets(st.integers(0, 9)))
def test_what_is_dropped_is_counted(dropped: set[int]) -> None:
    """Whatever the hub leaves out, up to the last message that comes, is counted exactly."""
    messages = said([bytes([n]) for n in range(10)])
    arriving = [n for n in range(10) if n not in dropped]
    log, missing = FRESH, 0
    for n in arriving:
        receipt = receive(log, *messages[n])
        log, missing = receipt.log, missing + receipt.missing

    last = max(arriving, default=-1)
    assert missing == len([n for n in dropped if n < last])


def test_repeated() -> None:
    """A message sent twice changes nothing."""
    messages = said([b"a", b"b"])
    log = receive(receive(FRESH, *messages[0]).log, *messages[1]).log

    assert receive(log, *messages[0]) == Receipt(Outcome.REPEATED, log)


def test_rewritten_past() -> None:
    """Two histories of one leaf cannot be told to two people unseen."""
    one, other = said([b"a", b"b"]), said([b"A", b"b"])
    log = receive(FRESH, *one[0]).log

    assert receive(log, *other[1]).outcome is Outcome.REWRITTEN


def test_joiner_begins_anywhere() -> None:
    """Who comes later cannot know what was before."""
    messages = said([b"a", b"b", b"c"])

    first = receive(None, *messages[1])

    assert first.outcome is Outcome.IN_ORDER
    assert receive(first.log, *messages[2]).outcome is Outcome.IN_ORDER
    assert isinstance(first.log, SenderLog)


def test_encrypting_again_keeps_the_number() -> None:
    """What was read meanwhile changes, the place among the leaf's own does not."""
    header = said([b"a", b"b"])[1][0]

    again = Numbered.of(header).header(Position(1, 9), bytes([1]) * 32)

    assert (again.counter, again.previous) == (header.counter, header.previous)
    assert again.seen == Position(1, 9)
