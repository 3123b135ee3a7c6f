"""Who joins may be given what was said before: as much as the room allows, vouched for by one member."""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yurt.rooms.common.content import Bucket, Create, Note
from yurt.rooms.common.errors import BundleError
from yurt.rooms.common.history import (
    MAX_BUNDLE_SIZE,
    MAX_ITEMS,
    HistoryItem,
    chosen_items,
    make_bundle,
    oldest_allowed,
    open_bundle,
    should_ask,
)
from yurt.rooms.common.policy import Invite
from yurt.rooms.common.said import OfferedHistory, encode_said
from yurt.rooms.testing import ANA, BO, EVE, NOW_MS, ROOM_ID, policy_of
from yurt.wire.position import Position

HOUR_MS = 3_600_000


def item(
    seq: int, *, text: str = "hello", at: int = NOW_MS, bucket: Bucket = Bucket.NEVER_EXPIRES
) -> HistoryItem:
    """Give something that ana said."""
    content = encode_said(Create(seq.to_bytes(16, "big"), Note(text)))
    return HistoryItem(Position(1, seq), at, ANA.did, bucket, content)


def offered(*items: HistoryItem) -> tuple[bytes, OfferedHistory]:
    """Give a bundle for eve, the same in every run."""
    drawn = iter(range(1, 10))
    return make_bundle(
        ROOM_ID,
        items,
        to=EVE.did,
        device=EVE.devices[0].public,
        random=lambda size: bytes([next(drawn)]) * size,
    )


def refusal(offer: OfferedHistory, blob: bytes, *, room: bytes = ROOM_ID, device: int = 0) -> str:
    """Open what cannot be opened, and say why."""
    with pytest.raises(BundleError) as caught:
        open_bundle(room, offer, blob, EVE.devices[device])
    return caught.value.code


def test_bundle(golden: Callable[[str, bytes], None]) -> None:
    """Position, author and content come back verbatim; a node sees none of it."""
    items = (item(2, text="secret tea"), item(5))
    blob, offer = offered(*items)

    assert open_bundle(ROOM_ID, offer, blob, EVE.devices[0]) == items
    assert (offer.first, offer.last, offer.count) == (Position(1, 2), Position(1, 5), 2)
    assert b"secret" not in blob
    golden("history_bundle.hex", blob)
    golden("history_offer_object.hex", msgspec.msgpack.encode(offer))


def test_bundle_for_another() -> None:
    """Another device, another room, another blob: none of them opens."""
    blob, offer = offered(item(2))
    other, _ = offered(item(3))

    assert refusal(offer, blob, device=1) == "bundleKey"
    assert refusal(offer, blob, room=bytes(32)) == "bundleKey"
    assert refusal(offer, other) == "bundleHash"
    assert refusal(msgspec.structs.replace(offer, sealed_key=b""), blob) == "bundleKey"
    for at in range(0, len(blob), 11):
        assert refusal(offer, blob[:at] + bytes((blob[at] ^ 1,)) + blob[at + 1 :]) == "bundleHash"


@pytest.mark.parametrize(
    "change",
    [{"count": 3}, {"first": Position(1, 1)}, {"last": Position(1, 9)}],
)
def test_bundle_is_what_was_offered(change: dict[str, object]) -> None:
    """More, or from elsewhere, than the offer said in the room is refused."""
    blob, offer = offered(item(2), item(5))

    assert refusal(msgspec.structs.replace(offer, **change), blob) == "bundleRange"


def test_items_stand_once_in_order() -> None:
    """A bundle that says one place twice is refused."""
    for items in ((item(2), item(2)), (item(2), item(9), item(5), item(9))):
        blob, offer = offered(*items)
        assert refusal(offer, blob) == "bundleRange"


def test_how_far_back() -> None:
    """The room's maximum, less if the link gives less, never before the beginning of time."""
    policy = replace(policy_of(), history=7200)
    link = Invite(bytes(32), BO.did, 1, 0, 3600)

    assert oldest_allowed(policy_of(), NOW_MS) == NOW_MS
    assert oldest_allowed(policy, NOW_MS) == NOW_MS - 2 * HOUR_MS
    assert oldest_allowed(policy, NOW_MS, link) == NOW_MS - HOUR_MS
    assert oldest_allowed(replace(policy, history=2**40), NOW_MS) == 0


def test_what_is_given() -> None:
    """Not too old, not from after the joiner came, not what has expired; and the joiner looks as well."""
    old, late = item(1, at=NOW_MS - 3 * HOUR_MS), item(9)
    gone = item(3, at=NOW_MS - HOUR_MS, bucket=Bucket.HOUR)
    kept = item(4, bucket=Bucket.HOUR)
    since = NOW_MS - 2 * HOUR_MS

    assert chosen_items([late, kept, gone, old], since, Position(1, 9), NOW_MS) == (kept,)
    blob, offer = offered(old, kept)
    assert open_bundle(ROOM_ID, offer, blob, EVE.devices[0], since=since) == (kept,)


def test_too_much_gives_the_newest() -> None:
    """By number and by size, the end of the log is what people need."""
    many = [HistoryItem(Position(1, n), NOW_MS, ANA.did, 0, b"") for n in range(1, MAX_ITEMS + 3)]
    large = [HistoryItem(Position(1, n), NOW_MS, ANA.did, 0, bytes(32_000)) for n in range(1, 300)]

    by_number = chosen_items(many, 0, Position(2, 0), NOW_MS)
    by_size = chosen_items(large, 0, Position(2, 0), NOW_MS)

    assert (len(by_number), by_number[-1]) == (MAX_ITEMS, many[-1])
    assert by_size[-1] == large[-1]
    blob, offer = offered(*by_size)
    assert len(blob) <= MAX_BUNDLE_SIZE
    assert open_bundle(ROOM_ID, offer, blob, EVE.devices[0]) == by_size
    blob, offer = offered(*by_number)
    assert len(open_bundle(ROOM_ID, offer, blob, EVE.devices[0])) == MAX_ITEMS


def test_who_asks() -> None:
    """After a minute without an offer."""
    assert should_ask(0, 60_000, offered=False)
    assert not should_ask(0, 59_999, offered=False)
    assert not should_ask(0, 60_000, offered=True)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=8, unique=True), st.text("tea ", max_size=400))
def test_whatever_is_given_comes_back(positions: list[int], text: str) -> None:
    """Any items, in any order, arrive in the log's order."""
    items = chosen_items([item(n, text=text) for n in positions], 0, Position(1, 51), NOW_MS)
    blob, offer = make_bundle(ROOM_ID, items, to=EVE.did, device=EVE.devices[0].public)

    assert open_bundle(ROOM_ID, offer, blob, EVE.devices[0]) == items
    assert [i.position.seq for i in items] == sorted(positions)
