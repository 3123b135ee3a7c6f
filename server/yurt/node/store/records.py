"""Table and units of signed person records: the chain of each did as far as this node holds it, verbatim.

Two different records of one number are both kept (TRUST 1: the did is frozen, the human chooses).
"""

from typing import Final

from yurt.node.store import moves
from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE record (
            did TEXT NOT NULL,
            seq INTEGER NOT NULL,
            hash BLOB NOT NULL,                     -- SHA-256 of the signed bytes
            body BLOB NOT NULL,                     -- wire form, verbatim
            kept_at INTEGER NOT NULL,               -- seconds
            PRIMARY KEY (did, seq, hash)
        ) STRICT, WITHOUT ROWID
        """
    )


STEPS: Final = (Step("0103-records", _create),)


def add_record(tx: Tx, did: str, seq: int, digest: bytes, body: bytes, now_s: int) -> bool:
    """Keep a record that the caller has verified; one that is kept already changes nothing.

    Returns:
        Whether it is new here.

    Two of one number prove that the did is frozen; a third one would prove nothing more.
    """
    kept = tx.change(
        """
        INSERT INTO record (did, seq, hash, body, kept_at)
        SELECT ?1, ?2, ?3, ?4, ?5
        WHERE (SELECT count(*) FROM record WHERE did = ?1 AND seq = ?2) < 2
        ON CONFLICT (did, seq, hash) DO NOTHING
        """,
        did,
        seq,
        digest,
        body,
        now_s,
    )
    if kept and seq:
        moves.note_record(tx, did)
    return bool(kept)


_FROZEN_FROM: Final = """
    coalesce((SELECT min(seq) FROM (SELECT seq FROM record WHERE did = ?1 GROUP BY seq HAVING count(*) > 1)),
        9223372036854775807)
"""
_KNOWN_HERE: Final = """
    EXISTS (SELECT 1 FROM account WHERE account.did = record.did)
    OR EXISTS (SELECT 1 FROM reader WHERE reader.did = record.did)
    OR EXISTS (SELECT 1 FROM tie JOIN person ON person.id = tie.person WHERE person.did = record.did)
"""
"""People with an account, a room or a tie here: their whole chain is kept (TRUST 1)."""


def keep_newest(tx: Tx, did: str) -> None:
    """Keep only the newest record of somebody whom nobody here knows: strangers must not fill the disk.

    And the one before it, which still counts if another one of the newest's number turns up.
    """
    tx.change(
        f"""
        DELETE FROM record WHERE did = ?1 AND NOT ({_KNOWN_HERE}) AND seq < (
            SELECT max(seq) - 1 FROM record WHERE did = ?1 AND seq < {_FROZEN_FROM})
        """,  # noqa: S608  # a constant
        did,
    )


def forget_strangers(tx: Tx, before_s: int) -> int:
    """Forget records of people whom nobody here knows, kept before a time; returns how many."""
    return tx.change(
        f"DELETE FROM record WHERE kept_at < ?1 AND NOT ({_KNOWN_HERE})",  # noqa: S608  # a constant
        before_s,
    )


def is_frozen(tx: ReadTx, did: str) -> bool:
    """Whether two records of a did claim one number (TRUST 1)."""
    row = tx.row("SELECT 1 FROM record WHERE did = ? GROUP BY seq HAVING count(*) > 1 LIMIT 1", did)
    return row is not None


def newest_record(tx: ReadTx, did: str) -> bytes:
    """The newest record of a did that nothing contradicts, in wire form; empty if there is none."""
    row = tx.row(
        """
        SELECT body FROM record WHERE did = ?1 AND seq < coalesce(
            -- the first number with two records: from there on the chain is frozen
            (SELECT min(seq) FROM (
                SELECT seq FROM record WHERE did = ?1 GROUP BY seq HAVING count(*) > 1)),
            9223372036854775807)
        ORDER BY seq DESC LIMIT 1
        """,
        did,
    )
    return bytes(row[0]) if row else b""


def records_from(tx: ReadTx, did: str, seq: int, limit: int) -> list[bytes]:
    """All records of a did from a number on, contradictions included."""
    rows = tx.rows(
        "SELECT body FROM record WHERE did = ? AND seq >= ? ORDER BY seq, hash LIMIT ?", did, seq, limit
    )
    return [bytes(row[0]) for row in rows]
