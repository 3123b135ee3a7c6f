"""What this device shows clients of other software (SWICG), and who tried to begin a conversation.

The private halves lie apart from those of rooms (`yurt.client.vault.key_packages`): a Welcome to a room that
was made for a public package finds nothing.
"""

from dataclasses import dataclass, field
from typing import Final

from sqlcipher3.dbapi2 import Connection

MAX_TRIES: Final = 200
"""People kept who tried and of whom nobody has heard yet; the newest count."""
TABLE: Final = (
    """
    CREATE TABLE public_package (
        ref       BLOB PRIMARY KEY,                -- KeyPackageRef
        bundle    BLOB NOT NULL,                   -- with the private keys
        made_at   INTEGER NOT NULL,                -- seconds since 1970
        not_after INTEGER NOT NULL,                -- likewise
        shown_at  INTEGER NOT NULL DEFAULT 0,      -- when the node last took it; 0: never yet
        used_at   INTEGER NOT NULL DEFAULT 0       -- when somebody first wrote; 0: nobody
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE tried_conversation (
        actor    TEXT PRIMARY KEY,
        address  TEXT NOT NULL,
        first_at INTEGER NOT NULL,                 -- milliseconds since 1970
        shown    INTEGER NOT NULL DEFAULT 0        -- the person was told
    ) STRICT, WITHOUT ROWID
    """,
)


# --- the package ------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class PublicPackage:
    """A last-resort key package for clients of other software; times in seconds since 1970."""

    ref: bytes
    bundle: bytes = field(repr=False)
    """An encoded ``KeyPackageBundle``."""
    made_at: int
    not_after: int
    shown_at: int = 0
    used_at: int = 0


def newest_package(tx: Connection) -> PublicPackage | None:
    """Give the one that is shown, or is to be."""
    row = tx.execute(
        "SELECT ref, bundle, made_at, not_after, shown_at, used_at FROM public_package ORDER BY made_at DESC"
    ).fetchone()
    return None if row is None else PublicPackage(*row)


def add_package(tx: Connection, package: PublicPackage) -> None:
    """Keep a new one."""
    tx.execute(
        "INSERT INTO public_package (ref, bundle, made_at, not_after) VALUES (?, ?, ?, ?)",
        (package.ref, package.bundle, package.made_at, package.not_after),
    )


def mark_shown(tx: Connection, ref: bytes, now_s: int) -> None:
    """Note that the node has it."""
    tx.execute("UPDATE public_package SET shown_at = ? WHERE ref = ?", (now_s, ref))


def mark_used(tx: Connection, at_s: int) -> None:
    """Note that somebody wrote who may have used what is shown."""
    tx.execute("UPDATE public_package SET used_at = ? WHERE used_at = 0 AND shown_at > 0", (at_s,))


def drop_expired(tx: Connection, now_s: int) -> None:
    """Delete those that nobody may use any more, private keys and all."""
    tx.execute("DELETE FROM public_package WHERE not_after < ?", (now_s,))


# --- who tried --------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Try:
    """Somebody who tried to begin a conversation."""

    actor: str
    address: str
    first_at: int
    """Milliseconds since 1970."""


def note_try(tx: Connection, actor: str, address: str, at_ms: int) -> None:
    """Keep who tried; whoever is known already says nothing new."""
    tx.execute(
        "INSERT OR IGNORE INTO tried_conversation (actor, address, first_at) VALUES (?, ?, ?)",
        (actor, address, at_ms),
    )
    tx.execute(
        """
        DELETE FROM tried_conversation WHERE shown = 0 AND actor NOT IN (
            SELECT actor FROM tried_conversation WHERE shown = 0 ORDER BY first_at DESC LIMIT ?)
        """,
        (MAX_TRIES,),
    )


def take_tries(tx: Connection) -> list[Try]:
    """Give those of whom the person was not told yet; now they are."""
    rows = tx.execute(
        "SELECT actor, address, first_at FROM tried_conversation WHERE shown = 0 ORDER BY first_at"
    ).fetchall()
    tx.execute("UPDATE tried_conversation SET shown = 1 WHERE shown = 0")
    return [Try(*row) for row in rows]
