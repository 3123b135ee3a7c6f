"""Table and units of one-time key packages: published by devices, handed out once, deleted as they go.

Who claimed what stands in `claim`, only to hold the limit of claims an hour.
"""

from collections.abc import Iterable
from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE key_package (
            id INTEGER PRIMARY KEY,
            account INTEGER NOT NULL REFERENCES account (id),
            device_id BLOB NOT NULL,
            hash BLOB NOT NULL UNIQUE,              -- SHA-256 of body
            body BLOB NOT NULL,                     -- MLSMessage, verbatim
            not_after INTEGER NOT NULL              -- seconds
        ) STRICT
        """
    )
    db.execute("CREATE INDEX key_package_device ON key_package (account, device_id, id)")
    db.execute(
        """
        CREATE TABLE claim (
            claimer TEXT NOT NULL,                  -- did
            target TEXT NOT NULL,                   -- did
            made_at INTEGER NOT NULL                -- seconds
        ) STRICT
        """
    )
    db.execute("CREATE INDEX claim_pair ON claim (claimer, target, made_at)")


def _create_answers(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE claim_answer (
            claim BLOB NOT NULL PRIMARY KEY,        -- SHA-256 of the signed claim
            nonce BLOB NOT NULL UNIQUE,             -- with the device that made it
            answer BLOB NOT NULL,                   -- as it was given
            until INTEGER NOT NULL                  -- seconds
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX claim_answer_until ON claim_answer (until)")


STEPS: Final = (Step("0102-key-packages", _create),)
ANSWERS: Final = (Step("0112-claim-answers", _create_answers),)


def add_key_packages(
    tx: Tx, account_id: int, device_id: bytes, packages: Iterable[tuple[bytes, bytes, int]]
) -> None:
    """Keep key packages, given as (hash, body, not_after); one that is kept already changes nothing."""
    tx.change_many(
        """
        INSERT INTO key_package (account, device_id, hash, body, not_after) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (hash) DO NOTHING
        """,
        [(account_id, device_id, digest, body, not_after) for digest, body, not_after in packages],
    )


def count_key_packages(tx: ReadTx, account_id: int, device_id: bytes, now_s: int) -> int:
    """How many of a device's packages can still be handed out."""
    row = tx.row(
        "SELECT count(*) FROM key_package WHERE account = ? AND device_id = ? AND not_after > ?",
        account_id,
        device_id,
        now_s,
    )
    return int(row[0]) if row else 0


def take_key_packages(tx: Tx, account_id: int, now_s: int) -> list[bytes]:
    """Hand out one package for each device of an account, and delete what is handed out."""
    tx.change("DELETE FROM key_package WHERE account = ? AND not_after <= ?", account_id, now_s)
    taken = tx.returning(
        """
        DELETE FROM key_package
        WHERE id IN (SELECT min(id) FROM key_package WHERE account = ? GROUP BY device_id)
        RETURNING body
        """,
        account_id,
    )
    return [bytes(row[0]) for row in taken]


def count_claims(tx: ReadTx, claimer: str, target: str, since_s: int) -> int:
    """How often this person claimed that person's packages."""
    row = tx.row(
        "SELECT count(*) FROM claim WHERE claimer = ? AND target = ? AND made_at > ?",
        claimer,
        target,
        since_s,
    )
    return int(row[0]) if row else 0


def count_claims_of(tx: ReadTx, target: str, since_s: int) -> int:
    """How often anybody claimed a person's packages."""
    row = tx.row("SELECT count(*) FROM claim WHERE target = ? AND made_at > ?", target, since_s)
    return int(row[0]) if row else 0


def note_claim(tx: Tx, claimer: str, target: str, now_s: int, forget_before_s: int) -> None:
    """Remember a claim, and forget old ones."""
    tx.change("DELETE FROM claim WHERE made_at < ?", forget_before_s)
    tx.change("INSERT INTO claim (claimer, target, made_at) VALUES (?, ?, ?)", claimer, target, now_s)


def claim_answer(tx: ReadTx, claim: bytes, nonce: bytes) -> bytes | None:
    """Give what a claim was answered with, by its hash; empty if its nonce belongs to another one."""
    row = tx.row("SELECT claim, answer FROM claim_answer WHERE nonce = ?", nonce)
    if row is None:
        return None
    return bytes(row[1]) if row[0] == claim else b""


def keep_claim_answer(tx: Tx, claim: bytes, nonce: bytes, answer: bytes, now_s: int, until: int) -> None:
    """Keep an answer, for whoever did not hear it; old ones go."""
    tx.change("DELETE FROM claim_answer WHERE until < ?", now_s)
    tx.change(
        "INSERT INTO claim_answer (claim, nonce, answer, until) VALUES (?, ?, ?, ?)",
        claim,
        nonce,
        answer,
        until,
    )
