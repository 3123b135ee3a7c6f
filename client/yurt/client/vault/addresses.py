"""Whose address is whose: a leaf names an address, only its node can say so (TRUST 1).

An address in a room is its member's own word. It is shown as such once the person was met by it (a pin),
or once the own node has found that did there since (WebFinger, statement and record say the same).
"""

from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.vault.accounts import address_of

TABLE: Final = (
    """
    CREATE TABLE confirmed (
        did    TEXT NOT NULL,
        actor  TEXT NOT NULL,
        at     INTEGER NOT NULL,                   -- milliseconds since 1970
        PRIMARY KEY (did, actor)
    ) STRICT, WITHOUT ROWID
    """,
    # Whom a person has decided not to take for the one behind an address.
    """
    CREATE TABLE not_them (
        did      TEXT NOT NULL,
        address  TEXT NOT NULL,
        PRIMARY KEY (did, address)
    ) STRICT, WITHOUT ROWID
    """,
)
NOT_CONFIRMED: Final = " (not confirmed)"
_DID_END: Final = 8
_SURE: Final = """
    SELECT coalesce((SELECT address FROM person WHERE did = ?1), ''),
        EXISTS (SELECT 1 FROM confirmed WHERE did = ?1 AND actor = ?2)
        OR EXISTS (SELECT 1 FROM account WHERE did = ?1)
"""


def shown(tx: Connection, did: str, actor: str) -> str:
    """Give what to call somebody: the pinned address, a confirmed one, or one that says that it is not."""
    address, is_sure = _address(tx, did, actor)
    return address if is_sure else address + NOT_CONFIRMED


def told(tx: Connection, did: str, actor: str) -> str:
    """Give what to call somebody in a line that is kept; `confirm` finds it there again by the did's end."""
    address, is_sure = _address(tx, did, actor)
    return address if is_sure else _doubtful(did, address)


def confirm(tx: Connection, did: str, actor: str, now_ms: int) -> None:
    """Note that an address is whose it is said to be; lines that doubted it doubt no more."""
    tx.execute("INSERT OR REPLACE INTO confirmed (did, actor, at) VALUES (?, ?, ?)", (did, actor, now_ms))
    address = address_of(actor)
    doubtful = _doubtful(did, address)
    lines = tx.execute(
        "SELECT id FROM item WHERE kind IN ('roster', 'notice') AND instr(text, ?) > 0", (doubtful,)
    ).fetchall()
    for (item,) in lines:
        tx.execute(
            """
            UPDATE item SET text = replace(text, ?, ?),
                revision = (SELECT coalesce(max(revision), 0) + 1 FROM item) WHERE id = ?
            """,
            (doubtful, address, item),
        )


def is_confirmed(tx: Connection, did: str, actor: str) -> bool:
    """Tell whether somebody's address needs no asking."""
    return _address(tx, did, actor)[1]


def refuse_as(tx: Connection, did: str, address: str) -> None:
    """Note that a did is not the person behind an address, by the person's own decision."""
    tx.execute("INSERT OR IGNORE INTO not_them (did, address) VALUES (?, ?)", (did, address))


def is_refused_as(tx: Connection, did: str, address: str) -> bool:
    """Tell whether the person decided that this did is not the one behind an address."""
    found = tx.execute("SELECT 1 FROM not_them WHERE did = ? AND address = ?", (did, address)).fetchone()
    return found is not None


def _address(tx: Connection, did: str, actor: str) -> tuple[str, bool]:
    pinned, is_sure = tx.execute(_SURE, (did, actor)).fetchone()
    return (pinned, True) if pinned else (address_of(actor), bool(is_sure))


def _doubtful(did: str, address: str) -> str:
    return f"{address} (not confirmed, ...{did[-_DID_END:]})"
