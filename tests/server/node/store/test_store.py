"""The store: one writer, many units, one commit."""

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from yurt.node.store import logs, steps
from yurt.node.store.schema import Step, Tables
from yurt.node.store.sqlite import SqliteStore
from yurt.node.store.testing import Explained
from yurt.node.store.types import (
    Appended,
    NewerDatabase,
    ReadTx,
    StaleHead,
    StoreClosed,
    StoreFull,
    Tx,
)
from yurt.wire.position import START, LogRow, Position

ANA = logs.inbox_log("ana")


def note(text: str) -> logs.NewRow:
    body = text.encode()
    return logs.NewRow(1, 1_700_000_000_000, hashlib.sha256(body).digest(), body)


def posting(text: str) -> Callable[[Tx], LogRow]:
    return lambda tx: logs.post(tx, ANA, note(text))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "node.db", steps.STEPS)
    yield opened
    await opened.close()


async def test_answer_means_durable(tmp_path: Path) -> None:
    """What was acknowledged stands in the file, for another process to see."""
    store = await SqliteStore.open(tmp_path / "node.db", steps.STEPS)

    row = await store.write(posting("hello"))

    with closing(sqlite3.connect(tmp_path / "node.db")) as other:
        assert other.execute("SELECT seq, body FROM entry").fetchall() == [(1, b"hello")]
    assert row.position == Position(0, 1)
    await store.close()


async def test_units_share_one_commit(tmp_path: Path) -> None:
    """A crowd of units needs far fewer commits than units, and each gets its own answer."""
    commits: list[int] = []
    store = await SqliteStore.open(tmp_path / "node.db", steps.STEPS, lambda told: commits.append(len(told)))

    rows = await asyncio.gather(*(store.write(posting(str(n))) for n in range(200)))

    assert [row.position.seq for row in rows] == list(range(1, 201))
    assert sum(commits) == 200
    assert len(commits) < 50
    await store.close()


async def test_failing_unit_undoes_only_itself(store: SqliteStore) -> None:
    """A unit that raises is as if it never was; those beside it in the commit stand."""

    def half_done(tx: Tx) -> None:
        logs.post(tx, ANA, note("half"))
        raise LookupError("changed its mind")

    results = await asyncio.gather(
        store.write(posting("one")),
        store.write(half_done),
        store.write(posting("two")),
        return_exceptions=True,
    )

    assert isinstance(results[1], LookupError)
    rows = await store.read(lambda tx: logs.after(tx, ANA, START))
    assert [row.body for row in rows] == [b"one", b"two"]


async def test_only_committed_rows_are_told(tmp_path: Path) -> None:
    """Nobody hears of a row whose unit failed."""
    told: list[Appended] = []
    store = await SqliteStore.open(tmp_path / "node.db", steps.STEPS, told.extend)

    def never_mind(tx: Tx) -> None:
        logs.post(tx, ANA, note("never"))
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(never_mind)
    await store.write(posting("really"))

    assert [row.body for appended in told for row in appended.rows] == [b"really"]
    await store.close()


async def test_append_on_a_stale_head_changes_nothing(store: SqliteStore) -> None:
    """A decision made on an old head is refused, whole."""
    row = LogRow(Position(1, 1), 2, 1, b"h" * 32, b"entry", b"c" * 32)
    await store.write(lambda tx: logs.append(tx, "room/aa", START, [row]))

    with pytest.raises(StaleHead) as stale:
        await store.write(lambda tx: logs.append(tx, "room/aa", START, [row]))

    assert stale.value.actual == Position(1, 1)
    assert await store.read(lambda tx: logs.after(tx, "room/aa", START)) == [row]


async def test_unread_returning_blocks_nobody(store: SqliteStore) -> None:
    """A unit that throws away the rows of a RETURNING leaves no lock behind."""

    def careless(tx: Tx) -> None:
        tx.returning("INSERT INTO log (name) VALUES ('a'), ('b'), ('c') RETURNING id")

    await store.write(careless)
    await store.write(posting("after"))

    assert await store.read(lambda tx: logs.head(tx, ANA)) == Position(0, 1)


async def test_reader_cannot_write(store: SqliteStore) -> None:
    """A query that tries to change something fails."""

    def sneak(tx: ReadTx) -> object:
        return tx.rows("DELETE FROM log RETURNING id")

    with pytest.raises(Exception, match="readonly"):
        await store.read(sneak)


async def test_full_disk_keeps_nothing_of_the_unit_and_reading_goes_on(store: SqliteStore) -> None:
    """When the disk is full, the writer is told so and readers still read."""
    await store.write(posting("before"))

    def limit(tx: Tx) -> None:
        tx.rows(f"PRAGMA max_page_count = {tx.rows('PRAGMA page_count')[0][0] + 1}")

    await store.write(limit)
    with pytest.raises(StoreFull):
        await store.write(posting("x" * 100_000))

    rows = await store.read(lambda tx: logs.after(tx, ANA, START))
    assert [row.body for row in rows] == [b"before"]


async def test_closed_store_refuses(tmp_path: Path) -> None:
    """A stopping node says so; what waited before was written."""
    store = await SqliteStore.open(tmp_path / "node.db", steps.STEPS)
    waiting = asyncio.gather(*(store.write(posting(str(n))) for n in range(50)))
    await asyncio.sleep(0)

    await store.close()

    assert len(await waiting) == 50
    with pytest.raises(StoreClosed):
        await store.write(lambda tx: logs.head(tx, ANA))


async def test_cursor_never_goes_back(store: SqliteStore) -> None:
    """An old ack that arrives late moves nothing."""
    await store.write(lambda tx: logs.move_cursor(tx, ANA, "device/01", Position(0, 7)))
    await store.write(lambda tx: logs.move_cursor(tx, ANA, "device/01", Position(0, 3)))

    assert await store.read(lambda tx: logs.cursor(tx, ANA, "device/01")) == Position(0, 7)


async def test_an_entry_is_found_by_its_hash_in_its_own_log(store: SqliteStore) -> None:
    """The same entry in another log is another row; a hash with the same first bytes is not it."""
    entry_hash = hashlib.sha256(b"entry").digest()
    twin = entry_hash[:8] + bytes(24)
    rows = [LogRow(Position(1, n + 1), 2, 1, digest, b"") for n, digest in enumerate((twin, entry_hash))]
    await store.write(lambda tx: logs.append(tx, "room/aa", START, rows))

    assert await store.read(lambda tx: logs.find(tx, "room/aa", entry_hash)) == rows[1]
    assert await store.read(lambda tx: logs.find(tx, "room/bb", entry_hash)) is None


@pytest.mark.parametrize("wanted", [1, 4, 16, 64])
async def test_looking_for_hashes_reads_no_whole_log(store: SqliteStore, wanted: int) -> None:
    """However many entries are looked for at once, they are found by the index of hashes."""
    await store.write(posting("hello"))
    hashes = [note(str(n)).hash for n in range(wanted)]

    def plans(tx: ReadTx) -> list[str]:
        explained = Explained(tx)
        logs.find_any(explained, ANA, hashes)
        logs.find(explained, ANA, hashes[0])
        return explained.plans

    entries = [plan for plan in await store.read(plans) if "entry" in plan]
    assert len(entries) == 2
    assert all("USING INDEX entry_hash" in plan for plan in entries), entries


async def test_erasing_empties_only_bodies(store: SqliteStore) -> None:
    """An erased row keeps its place, time, hash and chain."""
    row = await store.write(posting("old"))

    assert await store.write(lambda tx: logs.erase(tx, ANA, row.position)) == 1

    assert await store.read(lambda tx: logs.after(tx, ANA, START)) == [
        LogRow(row.position, row.kind, row.accepted_at, row.hash, b"")
    ]


async def test_a_row_costs_at_most_200_bytes_beyond_its_body(tmp_path: Path) -> None:
    """The disk holds the entry and little else, also when many rooms take turns."""
    store = await SqliteStore.open(tmp_path / "node.db", steps.STEPS)
    empty = (tmp_path / "node.db").stat().st_size
    count, size = 3000, 900

    def fill(tx: Tx) -> None:
        for n in range(count):
            log = f"room/{n % 30:064x}"
            digest = hashlib.sha256(n.to_bytes(4, "big")).digest()
            place = Position(1, n // 30 + 1)
            row = LogRow(place, 2, 1_700_000_000_000 + n, digest, bytes(size), digest)
            logs.append(tx, log, START if place.seq == 1 else Position(1, place.seq - 1), [row])

    await store.write(fill)
    await store.close()

    assert (tmp_path / "node.db").stat().st_size - empty < count * (size + 200)


def rings(db: Tables) -> None:
    db.execute("CREATE TABLE ring (name TEXT NOT NULL DEFAULT '') STRICT")


async def test_newer_database_is_refused_untouched(tmp_path: Path) -> None:
    """A database with a step of the future is not opened, and says which."""
    path = tmp_path / "node.db"
    future = (*steps.STEPS, Step("9999-rings", rings))
    await (await SqliteStore.open(path, future)).close()
    before = path.read_bytes()

    with pytest.raises(NewerDatabase, match="9999-rings"):
        await SqliteStore.open(path, steps.STEPS)

    assert path.read_bytes() == before


async def test_upgrade_leaves_a_copy_beside(tmp_path: Path) -> None:
    """Before a step changes a database with data in it, a copy is made that still opens."""
    path = tmp_path / "node.db"
    old = await SqliteStore.open(path, steps.STEPS)
    await old.write(posting("kept"))
    await old.close()

    new = await SqliteStore.open(path, (*steps.STEPS, Step("9999-rings", rings)))
    await new.close()

    copy = await SqliteStore.open(path.with_name("node.db.before-9999-rings"), steps.STEPS)
    rows = await copy.read(lambda tx: logs.after(tx, ANA, START))
    assert [row.body for row in rows] == [b"kept"]
    assert path.stat().st_mode & 0o777 == 0o600
    await copy.close()


async def test_failing_step_changes_nothing(tmp_path: Path) -> None:
    """A step that breaks half-way is undone; the database opens as before."""
    path = tmp_path / "node.db"
    await (await SqliteStore.open(path, steps.STEPS)).close()

    def breaks(db: Tables) -> None:
        rings(db)
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        await SqliteStore.open(path, (*steps.STEPS, Step("9999-rings", breaks)))

    again = await SqliteStore.open(path, steps.STEPS)
    assert await again.read(lambda tx: tx.rows("SELECT name FROM sqlite_schema WHERE name = 'ring'")) == []
    await again.close()
