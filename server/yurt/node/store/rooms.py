"""Rooms as the node keeps them: public state after the newest commit, who may read, which nodes hold a copy.

The hub and every member node keep the same rows; `hub` says who orders. The state is written at each commit
of the room, not at each message: what came after it stands in the room's log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Row, Tx
from yurt.wire.position import Position


def _create(db: Tables) -> None:
    db.execute("""
        CREATE TABLE room (
            room BLOB PRIMARY KEY,             -- the room id
            hub TEXT NOT NULL,                 -- name of the node that orders; maybe this one
            epoch INTEGER NOT NULL,
            snapshot BLOB NOT NULL,            -- rooms.hub.snapshot after the newest commit
            group_info BLOB NOT NULL DEFAULT x'' -- newest GroupInfo, as submitted
        ) STRICT
    """)
    db.execute("""
        CREATE TABLE reader (                  -- a device's leaf in a room, from Add to Remove
            room BLOB NOT NULL REFERENCES room,
            did TEXT NOT NULL,
            device BLOB NOT NULL,
            start_term INTEGER NOT NULL,       -- the commit that added the did's leaf: reading begins after
            start_seq INTEGER NOT NULL,
            end_term INTEGER NOT NULL DEFAULT 0, -- the removal, the last row it reads; 0,0: still a member
            end_seq INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (room, did, device, start_seq)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("CREATE INDEX reader_did ON reader (did, device)")
    db.execute("""
        CREATE TABLE room_node (               -- other nodes that hold a copy (at the hub)
            room BLOB NOT NULL REFERENCES room,
            node TEXT NOT NULL,
            start_term INTEGER NOT NULL,       -- the commit that added its first participant
            start_seq INTEGER NOT NULL,
            end_term INTEGER NOT NULL DEFAULT 0, -- the removal of its last participant; 0,0: still one
            end_seq INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (room, node)
        ) STRICT, WITHOUT ROWID
    """)


def _prove(db: Tables) -> None:
    # Whether the device itself made a leaf for this very room: then it takes part by its own will.
    db.execute("ALTER TABLE reader ADD COLUMN proved INTEGER NOT NULL DEFAULT 0")
    db.execute("UPDATE reader SET proved = 1")


STEPS: Final = (Step("0002-rooms", _create),)
PROVED: Final = (Step("0180-proved-readers", _prove),)
"""Later than other tables' steps, so listed on its own."""

STILL: Final = Position(0, 0)
"""End of a window that is still open."""
_WINDOW: Final = "did, device, start_term, start_seq, end_term, end_seq"


@dataclass(frozen=True, slots=True)
class StoredRoom:
    """What is kept of a room beside its log."""

    room: bytes
    hub: str
    epoch: int
    snapshot: bytes


@dataclass(frozen=True, slots=True)
class Window:
    """What one device may read of a room: after `start`, up to and with `end` (or on and on)."""

    did: str
    device: bytes
    start: Position
    end: Position

    @property
    def is_open(self) -> bool:
        """Whether the device still has its leaf."""
        return self.end == STILL


@dataclass(frozen=True, slots=True)
class RoomOfDevice:
    """A room that a device may read now."""

    room: bytes
    hub: str
    epoch: int
    start: Position


def insert(tx: Tx, stored: StoredRoom, group_info: bytes = b"") -> bool:
    """Keep a room that was not known; False if it was."""
    return bool(
        tx.change(
            "INSERT INTO room (room, hub, epoch, snapshot, group_info) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            stored.room,
            stored.hub,
            stored.epoch,
            stored.snapshot,
            group_info,
        )
    )


def update(tx: Tx, stored: StoredRoom, group_info: bytes = b"") -> None:
    """Keep a room's state after a commit; an empty GroupInfo leaves the kept one."""
    tx.change(
        """
        UPDATE room SET hub = ?, epoch = ?, snapshot = ?,
            group_info = CASE WHEN length(?4) > 0 THEN ?4 ELSE group_info END
        WHERE room = ?5
        """,
        stored.hub,
        stored.epoch,
        stored.snapshot,
        group_info,
        stored.room,
    )


def load(tx: ReadTx, room: bytes) -> StoredRoom | None:
    """What is kept of a room."""
    row = tx.row("SELECT room, hub, epoch, snapshot FROM room WHERE room = ?", room)
    return StoredRoom(*row) if row else None


def group_info(tx: ReadTx, room: bytes) -> bytes:
    """The newest GroupInfo of a room; empty if there is none."""
    row = tx.row("SELECT group_info FROM room WHERE room = ?", room)
    return bytes(row[0]) if row else b""


def open_windows(tx: Tx, room: bytes, devices: Sequence[tuple[str, bytes]], start: Position) -> None:
    """Let devices read a room after the commit that added their did's first leaf."""
    tx.change_many(
        "INSERT INTO reader (room, did, device, start_term, start_seq) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        [(room, did, device, start.term, start.seq) for did, device in devices],
    )


def prove_windows(tx: Tx, room: bytes, devices: Sequence[tuple[str, bytes]]) -> None:
    """Note that devices have a leaf that names this room: nobody but they can have made it."""
    tx.change_many(
        "UPDATE reader SET proved = 1 WHERE room = ? AND did = ? AND device = ? AND proved = 0",
        [(room, did, device) for did, device in devices],
    )


def close_windows(tx: Tx, room: bytes, devices: Sequence[tuple[str, bytes]], end: Position) -> None:
    """Let devices read nothing after their removal."""
    tx.change_many(
        "UPDATE reader SET end_term = ?, end_seq = ? "
        "WHERE room = ? AND did = ? AND device = ? AND end_seq = 0",
        [(end.term, end.seq, room, did, device) for did, device in devices],
    )


def first_start(tx: ReadTx, room: bytes, did: str) -> Position | None:
    """Where a person's reading of a room began: the start of the oldest window that is still open."""
    row = tx.row(
        """
        SELECT start_term, start_seq FROM reader
        WHERE room = ? AND did = ? AND end_seq = 0 ORDER BY start_seq LIMIT 1
        """,
        room,
        did,
    )
    return Position(*row) if row else None


def windows(tx: ReadTx, room: bytes) -> list[Window]:
    """What all devices may read of a room; oldest window first."""
    rows = tx.rows(f"SELECT {_WINDOW} FROM reader WHERE room = ? ORDER BY start_seq", room)  # noqa: S608  # a constant
    return [_window(row) for row in rows]


def device_windows(tx: ReadTx, room: bytes, did: str, device: bytes) -> list[Window]:
    """What one device may read of a room; oldest window first."""
    # A statement of its own, led by the key: whoever connects asks, and a room has thousands of devices.
    rows = tx.rows(
        f"SELECT {_WINDOW} FROM reader WHERE room = ? AND did = ? AND device = ? ORDER BY start_seq",  # noqa: S608  # a constant
        room,
        did,
        device,
    )
    return [_window(row) for row in rows]


def of_device(tx: ReadTx, did: str, device: bytes) -> list[RoomOfDevice]:
    """Rooms in which a device has its leaf now."""
    rows = tx.rows(
        """
        SELECT room.room, room.hub, room.epoch, max(reader.start_term), max(reader.start_seq)
        FROM reader JOIN room ON room.room = reader.room
        WHERE reader.did = ? AND reader.device = ? AND reader.end_seq = 0 GROUP BY room.room
        """,
        did,
        device,
    )
    return [RoomOfDevice(room, hub, epoch, Position(term, seq)) for room, hub, epoch, term, seq in rows]


def share_a_room(tx: ReadTx, claimer: str, target: str) -> bool:
    """Whether two people are in one room now, the target by a leaf that names the room.

    A joining leaf names none and is public: whoever saw it once can put it into a room of their own making.
    """
    row = tx.row(
        """
        SELECT 1 FROM reader AS a JOIN reader AS b ON b.room = a.room
        WHERE a.did = ? AND b.did = ? AND a.end_seq = 0 AND b.end_seq = 0 AND b.proved = 1 LIMIT 1
        """,
        claimer,
        target,
    )
    return row is not None


def add_node(tx: Tx, room: bytes, node: str, start: Position) -> bool:
    """Make a node a member node of a room; False if it is one."""
    rows = tx.returning(
        """
        INSERT INTO room_node (room, node, start_term, start_seq) VALUES (?, ?, ?, ?)
        ON CONFLICT (room, node) DO UPDATE
            SET start_term = excluded.start_term, start_seq = excluded.start_seq, end_term = 0, end_seq = 0
            WHERE end_seq > 0
        RETURNING node
        """,
        room,
        node,
        start.term,
        start.seq,
    )
    return bool(rows)


def node_start(tx: ReadTx, room: bytes, node: str) -> Position | None:
    """Where the copy of a member node begins; None if it never was one."""
    row = tx.row("SELECT start_term, start_seq FROM room_node WHERE room = ? AND node = ?", room, node)
    return Position(*row) if row else None


def end_nodes(tx: Tx, room: bytes, nodes: Sequence[str], end: Position) -> None:
    """Stop serving nodes whose last participant was removed; the removal is the last row they get."""
    tx.change_many(
        "UPDATE room_node SET end_term = ?, end_seq = ? WHERE room = ? AND node = ? AND end_seq = 0",
        [(end.term, end.seq, room, node) for node in nodes],
    )


def peer_reader(node: str) -> str:
    """Name of a member node as a reader of logs."""
    return f"peer/{node}"


def nodes_of(tx: ReadTx, room: bytes) -> list[tuple[str, Position]]:
    """Member nodes of a room, each with the last position it may have (`STILL`: no end)."""
    rows = tx.rows("SELECT node, end_term, end_seq FROM room_node WHERE room = ?", room)
    return [(str(node), Position(term, seq)) for node, term, seq in rows]


def rooms_of_node(tx: ReadTx, node: str) -> list[tuple[bytes, Position]]:
    """Rooms that a member node gets from this hub, each with the last position it may have."""
    rows = tx.rows("SELECT room, end_term, end_seq FROM room_node WHERE node = ?", node)
    return [(bytes(room), Position(term, seq)) for room, term, seq in rows]


def _window(row: Row) -> Window:
    did, device, start_term, start_seq, end_term, end_seq = row
    return Window(did, device, Position(start_term, start_seq), Position(end_term, end_seq))
