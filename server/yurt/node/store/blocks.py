"""Table and units of who wants to have nothing to do with whom: blocks, mutes, and blocks by others."""

from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx

BLOCK: Final = "block"
"""The account blocks the person."""
MUTE: Final = "mute"
"""The account does not want to see the person; nobody is told."""
BLOCKED_BY: Final = "blockedBy"
"""The person blocks the account."""


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE block (
            account INTEGER NOT NULL REFERENCES account (id),
            person INTEGER NOT NULL REFERENCES person (id),
            kind TEXT NOT NULL,                     -- block, mute or blockedBy
            activity TEXT NOT NULL DEFAULT '',      -- id of the Block
            since INTEGER NOT NULL,                 -- seconds
            PRIMARY KEY (account, kind, person)
        ) STRICT, WITHOUT ROWID
        """
    )


STEPS: Final = (Step("0108-blocks", _create),)


def put_block(tx: Tx, account_id: int, person_id: int, kind: str, activity: str, now_s: int) -> None:
    """Note a block or a mute; the newest activity is the one that counts."""
    tx.change(
        """
        INSERT INTO block (account, person, kind, activity, since) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (account, kind, person) DO UPDATE SET activity = excluded.activity
        """,
        account_id,
        person_id,
        kind,
        activity,
        now_s,
    )


def block_of(tx: ReadTx, account: str, actor: str, kind: str) -> str | None:
    """The id of the Block between an account and whoever is at an actor URL; None if there is none."""
    row = tx.row(
        """
        SELECT block.activity FROM block
        JOIN account ON account.id = block.account JOIN person ON person.id = block.person
        WHERE account.name = ? AND person.actor = ? AND block.kind = ?
        """,
        account,
        actor,
        kind,
    )
    return str(row[0]) if row else None


def blockers_of(tx: ReadTx, actor: str, kind: str) -> list[str]:
    """Names of the accounts that have a block or mute of this kind on whoever is at an actor URL."""
    rows = tx.rows(
        """
        SELECT account.name FROM block
        JOIN account ON account.id = block.account JOIN person ON person.id = block.person
        WHERE person.actor = ? AND block.kind = ? ORDER BY account.name
        """,
        actor,
        kind,
    )
    return [str(row[0]) for row in rows]


def drop_block(tx: Tx, account: str, actor: str, kind: str) -> None:
    """End a block or a mute."""
    tx.change(
        """
        DELETE FROM block WHERE kind = ?
        AND account = (SELECT id FROM account WHERE name = ?)
        AND person IN (SELECT id FROM person WHERE actor = ?)
        """,
        kind,
        account,
        actor,
    )


def drop_blocks_by(tx: Tx, actor: str, activity: str) -> bool:
    """End the Block that a person made with this activity; False if there was none."""
    return bool(
        tx.change(
            """
            DELETE FROM block WHERE kind = 'blockedBy' AND activity = ?
            AND person IN (SELECT id FROM person WHERE actor = ?)
            """,
            activity,
            actor,
        )
    )
