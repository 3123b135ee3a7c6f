"""Tables and units of devices: when each was seen, last resort key packages, and mailboxes of linking.

Who is a device of a person stands in the person's record, nowhere else; these tables say what the node has
of each. A message of a mailbox is bytes that the node cannot read, kept for two minutes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE device_seen (
            account INTEGER NOT NULL REFERENCES account (id),
            device_id BLOB NOT NULL,
            first_seen INTEGER NOT NULL,            -- seconds
            last_seen INTEGER NOT NULL,             -- seconds
            PRIMARY KEY (account, device_id)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE last_resort (
            account INTEGER NOT NULL REFERENCES account (id),
            device_id BLOB NOT NULL,
            body BLOB NOT NULL,                     -- MLSMessage, verbatim
            not_after INTEGER NOT NULL,             -- seconds
            used_at INTEGER NOT NULL DEFAULT 0,     -- seconds; 0: not yet
            PRIMARY KEY (account, device_id)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE link_mail (
            mailbox BLOB NOT NULL,                  -- 16 bytes
            step INTEGER NOT NULL,                  -- 0 hello, 1 offer, 2 answer
            account INTEGER NOT NULL REFERENCES account (id),
            body BLOB NOT NULL,                     -- opaque
            until INTEGER NOT NULL,                 -- seconds; the same for all of a mailbox
            PRIMARY KEY (mailbox, step)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX link_mail_until ON link_mail (until)")


STEPS: Final = (Step("0160-devices", _create),)


# --- seen ------------------------------------------------------------------------------------------------
def note_seen(tx: Tx, here: Iterable[tuple[str, bytes]], now_s: int) -> None:
    """Note that devices, each of an account, were here."""
    tx.change_many(
        """
        INSERT INTO device_seen (account, device_id, first_seen, last_seen)
        SELECT id, ?2, ?3, ?3 FROM account WHERE name = ?1
        ON CONFLICT (account, device_id) DO UPDATE SET last_seen = max(last_seen, excluded.last_seen)
        """,
        [(account, device_id, now_s) for account, device_id in here],
    )


@dataclass(frozen=True, slots=True)
class SeenDevice:
    """What is kept of a device."""

    device_id: bytes
    signed_in: bool
    key_packages: int
    first_seen: int
    last_seen: int


def seen_device(tx: ReadTx, account_id: int, device_id: bytes, now_s: int) -> SeenDevice:
    """Say what is kept of a device; zeros if it was never here."""
    row = tx.row(
        """
        SELECT
            (SELECT count(*) FROM device WHERE account = ?1 AND device_id = ?2 AND expires_at > ?3),
            (SELECT count(*) FROM key_package WHERE account = ?1 AND device_id = ?2 AND not_after > ?3),
            coalesce((SELECT first_seen FROM device_seen WHERE account = ?1 AND device_id = ?2), 0),
            coalesce((SELECT last_seen FROM device_seen WHERE account = ?1 AND device_id = ?2), 0)
        """,
        account_id,
        device_id,
        now_s,
    )
    signed_in, packages, first, last = row or (0, 0, 0, 0)
    return SeenDevice(device_id, bool(signed_in), packages, first, last)


def end_device(tx: Tx, account_id: int, device_id: bytes) -> None:
    """Forget everything that lets a device in, or lets others add it."""
    for table in ("device", "key_package", "last_resort", "public_key_package", "device_seen"):
        tx.change(f"DELETE FROM {table} WHERE account = ? AND device_id = ?", account_id, device_id)  # noqa: S608  # names of this list


def known_devices(tx: ReadTx, account_id: int) -> list[bytes]:
    """Every device of an account of which something is kept."""
    rows = tx.rows(
        """
        SELECT device_id FROM device WHERE account = ?1 UNION
        SELECT device_id FROM key_package WHERE account = ?1 UNION
        SELECT device_id FROM last_resort WHERE account = ?1 UNION
        SELECT device_id FROM device_seen WHERE account = ?1
        """,
        account_id,
    )
    return [bytes(row[0]) for row in rows]


def drop_key_packages(tx: Tx, account_id: int, device_id: bytes) -> None:
    """Forget a device's key packages: its certificate was issued anew, so nobody would take them."""
    tx.change("DELETE FROM key_package WHERE account = ? AND device_id = ?", account_id, device_id)
    tx.change("DELETE FROM last_resort WHERE account = ? AND device_id = ?", account_id, device_id)
    tx.change("DELETE FROM public_key_package WHERE account = ? AND device_id = ?", account_id, device_id)


def own_key_packages(tx: ReadTx, account_id: int, device_id: bytes) -> list[bytes]:
    """One-time and last resort packages of a device that are kept, one of each, to look at."""
    rows = tx.rows(
        """
        SELECT body FROM (
            SELECT body FROM key_package WHERE account = ?1 AND device_id = ?2 ORDER BY id LIMIT 1)
        UNION ALL SELECT body FROM last_resort WHERE account = ?1 AND device_id = ?2
        """,
        account_id,
        device_id,
    )
    return [bytes(row[0]) for row in rows]


# --- key packages ----------------------------------------------------------------------------------------
def take_of_device(tx: Tx, account_id: int, device_id: bytes, count: int, now_s: int) -> list[bytes]:
    """Hand out key packages of one device and delete them; with none left, its last resort."""
    taken = tx.returning(
        """
        DELETE FROM key_package WHERE id IN (
            SELECT id FROM key_package WHERE account = ? AND device_id = ? AND not_after > ?
            ORDER BY id LIMIT ?)
        RETURNING body
        """,
        account_id,
        device_id,
        now_s,
        count,
    )
    packages = [bytes(row[0]) for row in taken]
    return packages or use_last_resort(tx, account_id, device_id, now_s)


def put_last_resort(tx: Tx, account_id: int, device_id: bytes, body: bytes, not_after: int) -> None:
    """Keep a device's last resort package, in place of the one before; the same one stays as it is."""
    tx.change(
        """
        INSERT INTO last_resort (account, device_id, body, not_after) VALUES (?, ?, ?, ?)
        ON CONFLICT (account, device_id) DO UPDATE
        SET used_at = 0, body = excluded.body, not_after = excluded.not_after
        WHERE body <> excluded.body
        """,
        account_id,
        device_id,
        body,
        not_after,
    )


def has_last_resort(tx: ReadTx, account_id: int, device_id: bytes, now_s: int) -> bool:
    """Whether a device has a last resort package that is neither used nor over."""
    row = tx.row(
        "SELECT 1 FROM last_resort WHERE account = ? AND device_id = ? AND not_after > ? AND used_at = 0",
        account_id,
        device_id,
        now_s,
    )
    return row is not None


def use_last_resort(tx: Tx, account_id: int, device_id: bytes, now_s: int) -> list[bytes]:
    """Hand out a device's last resort package, if it has one; it stays, marked as used."""
    taken = tx.returning(
        """
        UPDATE last_resort SET used_at = CASE WHEN used_at = 0 THEN ?3 ELSE used_at END
        WHERE account = ?1 AND device_id = ?2 AND not_after > ?3 RETURNING body
        """,
        account_id,
        device_id,
        now_s,
    )
    return [bytes(row[0]) for row in taken]


def devices_with_last_resort(tx: ReadTx, account_id: int) -> list[bytes]:
    """Devices of an account that left a last resort package, and have no one-time one."""
    rows = tx.rows(
        """
        SELECT device_id FROM last_resort WHERE account = ?1 AND NOT EXISTS (
            SELECT 1 FROM key_package
            WHERE key_package.account = ?1 AND key_package.device_id = last_resort.device_id)
        """,
        account_id,
    )
    return [bytes(row[0]) for row in rows]


# --- mailboxes -------------------------------------------------------------------------------------------
def mail(tx: ReadTx, mailbox: bytes, step: int, now_s: int) -> bytes:
    """A message of a mailbox; empty if there is none (any more)."""
    row = tx.row(
        "SELECT body FROM link_mail WHERE mailbox = ? AND step = ? AND until >= ?", mailbox, step, now_s
    )
    return bytes(row[0]) if row else b""


def mailbox_of(tx: ReadTx, mailbox: bytes, now_s: int) -> tuple[int, int] | None:
    """Account and end of a mailbox; None if there is none (any more)."""
    row = tx.row(
        "SELECT account, until FROM link_mail WHERE mailbox = ? AND step = 0 AND until >= ?", mailbox, now_s
    )
    return (int(row[0]), int(row[1])) if row else None


def count_mailboxes(tx: ReadTx, account_id: int) -> int:
    """How many mailboxes an account has open."""
    row = tx.row("SELECT count(*) FROM link_mail WHERE account = ? AND step = 0", account_id)
    return int(row[0]) if row else 0


def put_mail(tx: Tx, mailbox: bytes, step: int, account_id: int, body: bytes, until: int) -> None:
    """Keep a message; the one that is there already stays."""
    tx.change(
        """
        INSERT INTO link_mail (mailbox, step, account, body, until) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (mailbox, step) DO NOTHING
        """,
        mailbox,
        step,
        account_id,
        body,
        until,
    )


def drop_old_mail(tx: Tx, now_s: int) -> None:
    """Forget mailboxes whose two minutes are over."""
    tx.change("DELETE FROM link_mail WHERE until < ?", now_s)


def rooms_of(tx: ReadTx, did: str) -> list[bytes]:
    """Rooms in which any device of a person has a leaf now."""
    rows = tx.rows("SELECT DISTINCT room FROM reader WHERE did = ? AND end_seq = 0", did)
    return [bytes(row[0]) for row in rows]


# --- whom a record concerns ------------------------------------------------------------------------------
def accounts_concerned(tx: ReadTx, did: str) -> list[str]:
    """Local accounts that must hear of a newer record: the person's own, and who shares a room or a tie."""
    rows = tx.rows(
        """
        SELECT name FROM account WHERE did = ?1
        UNION SELECT account.name FROM reader AS theirs
            JOIN reader AS ours ON ours.room = theirs.room AND ours.end_seq = 0
            JOIN account ON account.did = ours.did
            WHERE theirs.did = ?1 AND theirs.end_seq = 0
        UNION SELECT account.name FROM person
            JOIN tie ON tie.person = person.id JOIN account ON account.id = tie.account
            WHERE person.did = ?1
        """,
        did,
    )
    return [str(row[0]) for row in rows]


def nodes_concerned(tx: ReadTx, did: str, *, hubs: bool) -> list[str]:
    """Other nodes with a room that a person is in: member nodes of rooms here, and the hubs of the others."""
    rows = tx.rows(
        """
        SELECT room_node.node FROM reader JOIN room_node ON room_node.room = reader.room
            WHERE reader.did = ?1 AND reader.end_seq = 0 AND room_node.end_seq = 0
        UNION SELECT room.hub FROM reader JOIN room ON room.room = reader.room
            WHERE ?2 AND reader.did = ?1 AND reader.end_seq = 0
        """,
        did,
        int(hubs),
    )
    return [str(row[0]) for row in rows]
