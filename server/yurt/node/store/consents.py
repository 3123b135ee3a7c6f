"""Tables of consent: who asks to add somebody to a room, and whom they let."""

from dataclasses import dataclass
from typing import Final

from yurt.identity.location import node_of
from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE asking (
            account TEXT NOT NULL,                  -- who is asked
            did TEXT NOT NULL,                      -- who asks
            room BLOB NOT NULL,
            actor TEXT NOT NULL,
            since INTEGER NOT NULL,                 -- ms
            PRIMARY KEY (account, did, room)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE consent (
            account TEXT NOT NULL,                  -- who lets
            did TEXT NOT NULL,                      -- whom
            until INTEGER NOT NULL,                 -- s
            PRIMARY KEY (account, did)
        ) STRICT, WITHOUT ROWID
        """
    )


STEPS: Final = (Step("0312-consents", _create),)


@dataclass(frozen=True, slots=True)
class AskingRow:
    """Somebody asks to add an account to a room."""

    account: str
    did: str
    room: bytes
    actor: str
    since: int


@dataclass(frozen=True, slots=True)
class Most:
    """How much may wait for one account."""

    altogether: int
    of_node: int
    """From people of one node: it can mint as many as it likes."""
    of_one: int


def ask(tx: Tx, new: AskingRow, most: Most) -> bool:
    """Keep what somebody asks; False if too much waits for that account already."""
    row = tx.row(
        """
        SELECT count(*), coalesce(sum(instr(actor, ?) = 1), 0), coalesce(sum(did = ?), 0)
        FROM asking WHERE account = ?
        """,
        f"https://{node_of(new.actor)}/",
        new.did,
        new.account,
    )
    if row is not None and (row[0] >= most.altogether or row[1] >= most.of_node or row[2] >= most.of_one):
        return False
    tx.change(
        """
        INSERT INTO asking (account, did, room, actor, since) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (account, did, room) DO UPDATE SET actor = excluded.actor
        """,
        new.account,
        new.did,
        new.room,
        new.actor,
        new.since,
    )
    return True


def askings(tx: ReadTx, account: str) -> list[AskingRow]:
    """Who asks an account, oldest first."""
    rows = tx.rows(
        "SELECT account, did, room, actor, since FROM asking WHERE account = ? ORDER BY since", account
    )
    return [AskingRow(*row) for row in rows]


def end(tx: Tx, account: str, did: str) -> list[AskingRow]:
    """Forget what somebody asked, and give it."""
    rows = tx.returning(
        "DELETE FROM asking WHERE account = ? AND did = ? RETURNING account, did, room, actor, since",
        account,
        did,
    )
    return [AskingRow(*row) for row in rows]


def forget_old(tx: Tx, before_ms: int) -> None:
    """Forget what nobody answered."""
    tx.change("DELETE FROM asking WHERE since < ?", before_ms)


def consent(tx: Tx, account: str, did: str, until_s: int) -> None:
    """Let somebody add an account, for a while."""
    tx.change("INSERT OR REPLACE INTO consent (account, did, until) VALUES (?, ?, ?)", account, did, until_s)


def lets(tx: ReadTx, account: str, did: str, now_s: int) -> bool:
    """Whether an account lets somebody add it."""
    return (
        tx.row("SELECT 1 FROM consent WHERE account = ? AND did = ? AND until > ?", account, did, now_s)
        is not None
    )
