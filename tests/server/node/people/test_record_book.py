"""Person records at a node: taken in only when they verify and continue what is known."""

import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from yurt.identity.device import DeviceKeys
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.signed_record import SignedRecord, next_record, verify_first, verify_record
from yurt.node.accounts.testing import Newcomer
from yurt.node.clock import SystemClock
from yurt.node.fetch import SafeFetch
from yurt.node.limiter import Rate
from yurt.node.people import record_book
from yurt.node.people.record_book import RecordBook
from yurt.node.store import records, rooms
from yurt.node.store.sqlite import SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import Tx
from yurt.node.testing_fetch import FakeFetch, unreachable
from yurt.wire.position import START

# Her node cannot be reached from here.
ANA = Newcomer("ana", "harbour.invalid")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "node.db", STEPS)
    yield opened
    await opened.close()


@pytest.fixture
async def book(store: SqliteStore) -> AsyncIterator[RecordBook]:
    fetch = SafeFetch(None)
    yield RecordBook("hilltop.example", store, SystemClock(), fetch)
    await fetch.close()


def chain(*times: int) -> list[SignedRecord]:
    """Ana's first record and one more for each time given, each with a new device."""
    signed = [ANA.record]
    for time in times:
        device = DeviceKeys.generate(os.urandom).public
        before = verify_record(signed[-1])
        signed.append(next_record(before, ANA.identity, time=time, add=[(device, ANA.born_at + 86_400)]))
    return signed


def _shares_a_room(tx: Tx) -> None:
    rooms.insert(tx, rooms.StoredRoom(bytes(32), "hilltop.example", 0, b""))
    rooms.open_windows(tx, bytes(32), [(ANA.identity.did, ANA.device.device_id)], START)


async def test_strangers_keep_one_record_for_a_while(book: RecordBook, store: SqliteStore) -> None:
    """Of somebody without account, room or tie here little is kept, and not for ever."""
    for signed in chain(1, 2, 3):
        await book.take(signed.encode(), strangers=True)
    did = ANA.identity.did

    kept = await store.read(lambda tx: records.records_from(tx, did, 0, 9))
    now_s = SystemClock().now_s()
    fresh = await store.write(lambda tx: records.forget_strangers(tx, now_s - 86_400))
    old = await store.write(lambda tx: records.forget_strangers(tx, now_s + 1))

    assert [verify_record(SignedRecord.decode(one)).record.seq for one in kept] == [3, 4]
    assert (fresh, old) == (0, 2)


async def test_a_chain_is_followed(book: RecordBook, store: SqliteStore) -> None:
    """Each record in its turn; an older one afterwards changes nothing."""
    first, second, third = chain(ANA.born_at + 1, ANA.born_at + 2)

    await store.write(_shares_a_room)
    await book.take(first.encode(), strangers=True)

    taken = [await book.take(signed.encode()) for signed in (second, third, second, first)]

    assert [record.record.seq for record in taken] == [2, 3, 3, 3]
    held = await store.read(lambda tx: records.records_from(tx, ANA.identity.did, 0, 10))
    assert held == [signed.encode() for signed in (first, second, third)]


async def test_two_records_of_one_number_freeze_a_person(book: RecordBook, store: SqliteStore) -> None:
    """Both are kept and served; what counts is the last one that nothing contradicts."""
    first, second = chain(ANA.born_at + 1)
    other = chain(ANA.born_at + 5)[1]
    await book.take(first.encode(), strangers=True)
    await book.take(second.encode())

    await book.take(other.encode())
    await book.take(chain(ANA.born_at + 9)[1].encode())  # a third one is one too many

    known = await book.known(ANA.identity.did)
    assert known is not None
    assert known.record.seq == 1
    held = await store.read(lambda tx: records.records_from(tx, ANA.identity.did, 2, 10))
    assert set(held) == {second.encode(), other.encode()}


async def test_a_gap_is_not_jumped(book: RecordBook) -> None:
    """A record whose predecessor cannot be had is refused, and nothing known is lost."""
    first, _, third = chain(ANA.born_at + 1, ANA.born_at + 2)
    await book.take(first.encode(), strangers=True)

    with pytest.raises(RemoteIdentityError):
        await book.take(third.encode())

    known = await book.known(ANA.identity.did)
    assert known is not None
    assert known == verify_first(first)


async def test_a_gap_is_not_fetched_at_each_push(store: SqliteStore) -> None:
    """Whoever pushes a thousand records from the future sends one request, not a thousand."""
    fetch = FakeFetch(unreachable)
    book = RecordBook("hilltop.example", store, SystemClock(), fetch)
    signed = chain(*range(ANA.born_at + 1, ANA.born_at + 5))
    await book.take(signed[0].encode(), strangers=True)

    for later in signed[2:] * 2:
        with pytest.raises(RemoteIdentityError):
            await book.take(later.encode())

    assert len(fetch.asked) == 1


async def test_forged_records_are_refused(book: RecordBook) -> None:
    """Bent bytes, bent signatures and nonsense never get in."""
    body = ANA.record.encode()
    bent = [
        b"",
        b"{}",
        body[:-2],
        body.replace(b"ana", b"eve"),
        body.replace(b'"signature":"', b'"signature":"A'),
    ]

    for forged in bent:
        with pytest.raises(RemoteIdentityError):
            await book.take(forged, strangers=True)

    assert await book.known(ANA.identity.did) is None


async def test_nobody_fills_the_disk_with_strangers(book: RecordBook) -> None:
    """A pushed record of somebody who is not known here is verified, and not kept."""
    verified = await book.take(ANA.record.encode())

    assert verified.did == ANA.identity.did
    assert await book.known(ANA.identity.did) is None


async def test_nobody_fills_the_disk_with_records_of_their_own(
    book: RecordBook, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of who is known here the whole chain is kept for ever: so many at once, and then a few a day."""
    monkeypatch.setattr(record_book, "KEEP_RATE", Rate(burst=5, every_s=300.0))
    await store.write(_shares_a_room)

    for signed in chain(*range(1, 9)):
        with suppress(RemoteIdentityError):  # what is not kept is a gap for what comes after it
            await book.take(signed.encode(), strangers=True)

    assert len(await store.read(lambda tx: records.records_from(tx, ANA.identity.did, 0, 64))) == 5
