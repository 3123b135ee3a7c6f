"""Tables of checkpoints: the newest of each device of a room, and which nodes do not have it yet."""

from dataclasses import dataclass
from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx
from yurt.wire.position import Position


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE checkpoint (
            room BLOB NOT NULL,
            did TEXT NOT NULL,
            device BLOB NOT NULL,
            actor TEXT NOT NULL,                    -- of the device's leaf: who passes it on speaks for it
            term INTEGER NOT NULL,
            seq INTEGER NOT NULL,
            body BLOB NOT NULL,                     -- as it was signed
            PRIMARY KEY (room, did, device)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE checkpoint_pass (
            room BLOB NOT NULL,
            did TEXT NOT NULL,
            device BLOB NOT NULL,
            node TEXT NOT NULL,                     -- does not have the newest one yet
            PRIMARY KEY (room, did, device, node)
        ) STRICT, WITHOUT ROWID
        """
    )


STEPS: Final = (Step("0310-checkpoints", _create),)


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """What is kept of a device."""

    room: bytes
    did: str
    device: bytes
    actor: str
    position: Position
    body: bytes


def put(tx: Tx, new: StoredCheckpoint) -> bool:
    """Keep a checkpoint, if it is newer than the one of the same device; whether it is."""
    kept = tx.returning(
        """
        INSERT INTO checkpoint (room, did, device, actor, term, seq, body) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (room, did, device) DO UPDATE SET actor = excluded.actor, term = excluded.term,
            seq = excluded.seq, body = excluded.body
        WHERE (excluded.term, excluded.seq) > (term, seq)
        RETURNING seq
        """,
        new.room,
        new.did,
        new.device,
        new.actor,
        new.position.term,
        new.position.seq,
        new.body,
    )
    return bool(kept)


def of_room(tx: ReadTx, room: bytes) -> list[StoredCheckpoint]:
    """The newest of each device."""
    rows = tx.rows("SELECT room, did, device, actor, term, seq, body FROM checkpoint WHERE room = ?", room)
    return [_stored(*row) for row in rows]


def forget(tx: Tx, gone: list[StoredCheckpoint]) -> None:
    """Forget checkpoints of devices that left."""
    names = [(one.room, one.did, one.device) for one in gone]
    tx.change_many("DELETE FROM checkpoint WHERE room = ? AND did = ? AND device = ?", names)
    tx.change_many("DELETE FROM checkpoint_pass WHERE room = ? AND did = ? AND device = ?", names)


def pass_to(tx: Tx, one: StoredCheckpoint, nodes: list[str]) -> None:
    """Note to which nodes a checkpoint is to be passed."""
    tx.change_many(
        "INSERT INTO checkpoint_pass (room, did, device, node) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(one.room, one.did, one.device, node) for node in nodes],
    )


def waiting(tx: ReadTx) -> list[tuple[str, StoredCheckpoint]]:
    """What is to be passed, and to whom."""
    rows = tx.rows(
        """
        SELECT node, room, did, device, actor, term, seq, body
        FROM checkpoint_pass JOIN checkpoint USING (room, did, device)
        """
    )
    return [(row[0], _stored(*row[1:])) for row in rows]


def passed(tx: Tx, node: str, one: StoredCheckpoint) -> None:
    """Note that a node has it, or will never take it; a newer one that came meanwhile still waits."""
    tx.change(
        """
        DELETE FROM checkpoint_pass WHERE room = ?1 AND did = ?2 AND device = ?3 AND node = ?4
        AND EXISTS (SELECT 1 FROM checkpoint WHERE room = ?1 AND did = ?2 AND device = ?3 AND body = ?5)
        """,
        one.room,
        one.did,
        one.device,
        node,
        one.body,
    )


def _stored(
    room: bytes, did: str, device: bytes, actor: str, term: int, seq: int, body: bytes
) -> StoredCheckpoint:
    return StoredCheckpoint(room, did, device, actor, Position(term, seq), body)
