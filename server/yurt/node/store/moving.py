"""Tables and units of moves that this node carries out: a lent key, whom its Move goes to, who arrived.

A lent key is the old actor key of somebody who was rescued here: it signs one Move to each inbox, at most for
thirty days (TRUST 9). `goes_after` in the queue of deliveries keeps the order that some software needs:
something of the new actor first, then the Move. `peer_software` is what NodeInfo said, for `check`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx

LENT: Final = "~"
"""Before an account's name, as the sender of a delivery: signed with the key that was lent to it."""
MARKS_S: Final = (3_600, 86_400, 7 * 86_400, 30 * 86_400)
"""When it is counted who arrived, in seconds after the Move."""


def _create(db: Tables) -> None:
    db.execute("ALTER TABLE delivery ADD COLUMN goes_after INTEGER NOT NULL DEFAULT 0")  # id of another
    db.execute(
        """
        CREATE TABLE lent_key (
            account INTEGER NOT NULL PRIMARY KEY REFERENCES account (id),
            actor TEXT NOT NULL,                    -- whose key it is: the actor that was left
            key_id TEXT NOT NULL,
            key BLOB NOT NULL,                      -- PKCS #8 DER
            until INTEGER NOT NULL                  -- seconds
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE rescue_stop (
            account INTEGER NOT NULL REFERENCES account (id),
            inbox TEXT NOT NULL,
            delivery INTEGER NOT NULL,              -- the Move's row in the queue
            PRIMARY KEY (account, inbox)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE move_watch (
            account INTEGER NOT NULL PRIMARY KEY REFERENCES account (id),
            start INTEGER NOT NULL,                 -- seconds
            previous TEXT NOT NULL
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE move_mark (
            account INTEGER NOT NULL REFERENCES account (id),
            after_s INTEGER NOT NULL,
            at INTEGER NOT NULL DEFAULT 0,          -- seconds; 0: still to come
            arrived INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (account, after_s)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE peer_software (
            host TEXT NOT NULL PRIMARY KEY,
            software TEXT NOT NULL DEFAULT '',
            version TEXT NOT NULL DEFAULT '',
            asked_at INTEGER NOT NULL,              -- seconds
            silent_since INTEGER NOT NULL DEFAULT 0 -- seconds; 0: it answered
        ) STRICT, WITHOUT ROWID
        """
    )


def _look_up(db: Tables) -> None:
    db.execute("CREATE INDEX delivery_inbox ON delivery (inbox, sender)")


def _keep_ends(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE lent_until (                   -- stays when the key goes
            account INTEGER NOT NULL REFERENCES account (id),
            actor TEXT NOT NULL,
            until INTEGER NOT NULL,                 -- seconds
            PRIMARY KEY (account, actor)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("INSERT INTO lent_until (account, actor, until) SELECT account, actor, until FROM lent_key")


def _add_older(db: Tables) -> None:
    # the key before it, PKCS #8 DER: who has not heard of the newer one believes this one
    db.execute("ALTER TABLE lent_key ADD COLUMN older BLOB NOT NULL DEFAULT x''")


STEPS: Final = (Step("0170-moving", _create),)
OLDER: Final = (Step("0331-lent-older", _add_older),)
ENDS: Final = (Step("0322-lent-until", _keep_ends),)
LOOKED_UP: Final = (Step("0190-delivery-inbox", _look_up),)
"""A Move looks at the queue for each inbox: without this, thousands of times at all of it, in one unit."""


# --- the lent key -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class LentKey:
    """The old actor key of somebody who was rescued here."""

    actor: str
    key_id: str
    key: bytes = field(repr=False)
    until: int
    """Seconds since 1970."""
    older: bytes = field(default=b"", repr=False)
    """The actor's key before it, for who knows that one still."""


def lent_key(tx: ReadTx, account: str) -> LentKey | None:
    """The key that was lent to an account, however old."""
    row = tx.row(
        """
        SELECT actor, key_id, key, until, older FROM lent_key JOIN account ON account.id = lent_key.account
        WHERE account.name = ?
        """,
        account,
    )
    return LentKey(*row) if row else None


def lend_key(tx: Tx, account_id: int, lent: LentKey) -> int:
    """Keep a key until the end that its actor's key had when it was first lent; return that end.

    Neither asking again nor erasing it in between prolongs it.
    """
    tx.change(
        "INSERT INTO lent_until (account, actor, until) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        account_id,
        lent.actor,
        lent.until,
    )
    row = tx.row("SELECT until FROM lent_until WHERE account = ? AND actor = ?", account_id, lent.actor)
    until = int(row[0]) if row else lent.until
    tx.change(
        """
        INSERT INTO lent_key (account, actor, key_id, key, until, older) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (account) DO NOTHING
        """,
        account_id,
        lent.actor,
        lent.key_id,
        lent.key,
        until,
        lent.older,
    )
    return until


def erase_key(tx: Tx, account: str) -> None:
    """Forget the key, and what was to be signed with it; no file of the node holds it any more.

    Backups that its operator made meanwhile do.
    """
    tx.scrub()
    tx.change("DELETE FROM lent_key WHERE account = (SELECT id FROM account WHERE name = ?)", account)
    tx.change("DELETE FROM delivery WHERE sender = ?", LENT + account)


def erase_old_keys(tx: Tx, now_s: int) -> list[str]:
    """Forget each key whose time is over; return whose."""
    rows = tx.rows(
        "SELECT name FROM account JOIN lent_key ON lent_key.account = account.id WHERE until <= ?", now_s
    )
    names = [str(row[0]) for row in rows]
    for name in names:
        erase_key(tx, name)
    return names


# --- where the Move goes ----------------------------------------------------------------------------
def has_stop(tx: ReadTx, account_id: int, inbox: str) -> bool:
    """Whether an inbox has its Move already."""
    return tx.row("SELECT 1 FROM rescue_stop WHERE account = ? AND inbox = ?", account_id, inbox) is not None


def add_stop(tx: Tx, account_id: int, inbox: str, delivery: int) -> None:
    """Note the Move for an inbox."""
    tx.change(
        "INSERT INTO rescue_stop (account, inbox, delivery) VALUES (?, ?, ?)", account_id, inbox, delivery
    )


def forget_stops(tx: Tx, account_id: int, inboxes: Iterable[str]) -> None:
    """Let inboxes get the Move once more, unless it waits for them still."""
    for inbox in inboxes:
        tx.change(
            """
            DELETE FROM rescue_stop WHERE account = ? AND inbox = ? AND NOT EXISTS (
                SELECT 1 FROM delivery WHERE delivery.id = rescue_stop.delivery AND aside = ''
                AND delivery.inbox = rescue_stop.inbox)
            """,
            account_id,
            inbox,
        )


def newest_delivery(tx: ReadTx, sender: str, inbox: str) -> int:
    """The last row that waits of a sender for an inbox; 0 if there is none."""
    row = tx.row("SELECT max(id) FROM delivery WHERE sender = ? AND inbox = ?", sender, inbox)
    return int(row[0]) if row and row[0] is not None else 0


def count_waiting(tx: ReadTx, sender: str, inbox: str) -> int:
    """How much of a sender waits for an inbox."""
    row = tx.row("SELECT count(*) FROM delivery WHERE sender = ? AND inbox = ? AND aside = ''", sender, inbox)
    return int(row[0]) if row else 0


def go_after(tx: Tx, delivery: int, other: int) -> None:
    """Let a delivery wait until another one was taken, or set aside."""
    tx.change("UPDATE delivery SET goes_after = ? WHERE id = ?", other, delivery)


def queue_of(tx: ReadTx, account: str) -> tuple[int, int]:
    """How many activities of an account (its lent key's too) wait, and how many were set aside."""
    row = tx.row(
        "SELECT count(*) FILTER (WHERE aside = ''), count(*) FILTER (WHERE aside <> '') FROM delivery "
        "WHERE sender IN (?, ?)",
        account,
        LENT + account,
    )
    return (int(row[0]), int(row[1])) if row else (0, 0)


# --- who arrived ------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class DueMark:
    """An account whose arrivals are to be counted now."""

    account_id: int
    account: str
    after_s: int
    start: int


def watch(tx: Tx, account_id: int, start: int, previous: str) -> None:
    """Count arrivals from now on; a watch that goes on already stays as it is."""
    if not tx.change(
        "INSERT INTO move_watch (account, start, previous) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        account_id,
        start,
        previous,
    ):
        return
    for after_s in MARKS_S:
        tx.change("INSERT INTO move_mark (account, after_s) VALUES (?, ?)", account_id, after_s)


def is_watched(tx: ReadTx, account: str) -> bool:
    """Whether arrivals of an account are counted: somebody moved to it."""
    row = tx.row(
        "SELECT 1 FROM move_watch JOIN account ON account.id = move_watch.account WHERE account.name = ?",
        account,
    )
    return row is not None


def due_marks(tx: ReadTx, now_s: int) -> list[DueMark]:
    """What is to be counted now."""
    rows = tx.rows(
        """
        SELECT account.id, account.name, move_mark.after_s, move_watch.start
        FROM move_mark JOIN move_watch ON move_watch.account = move_mark.account
        JOIN account ON account.id = move_mark.account
        WHERE move_mark.at = 0 AND move_watch.start + move_mark.after_s <= ?
        """,
        now_s,
    )
    return [DueMark(int(row[0]), str(row[1]), int(row[2]), int(row[3])) for row in rows]


def count_arrivals(tx: Tx, mark: DueMark, now_s: int) -> int:
    """Count the followers that came since the Move, and note it."""
    row = tx.row(
        """
        SELECT count(*) FROM tie WHERE account = ? AND direction = 'follower' AND state = 'accepted'
        AND since >= ?
        """,
        mark.account_id,
        mark.start,
    )
    count = int(row[0]) if row else 0
    tx.change(
        "UPDATE move_mark SET at = ?, arrived = ? WHERE account = ? AND after_s = ?",
        now_s,
        count,
        mark.account_id,
        mark.after_s,
    )
    return count


def marks_of(tx: ReadTx, account: str) -> list[tuple[int, int, int]]:
    """(seconds after the Move, when it was counted, how many) of an account's move."""
    rows = tx.rows(
        """
        SELECT after_s, at, arrived FROM move_mark JOIN account ON account.id = move_mark.account
        WHERE account.name = ? ORDER BY after_s
        """,
        account,
    )
    return [(int(row[0]), int(row[1]), int(row[2])) for row in rows]


# --- what is known of ties and of their nodes -------------------------------------------------------
@dataclass(frozen=True, slots=True)
class TiedPerson:
    """Somebody with whom an account has a tie."""

    number: int
    actor: str
    address: str
    did: str
    inbox: str
    shared_inbox: str
    follower: bool
    following: bool
    since: int


def tied_people(tx: ReadTx, account: str, after: int, limit: int) -> list[TiedPerson]:
    """A page of everybody with whom an account has an accepted tie, or one that it asked for."""
    rows = tx.rows(
        """
        SELECT person.id, person.actor, person.address, person.did, person.inbox, person.shared_inbox,
            max(tie.direction = 'follower'), max(tie.direction = 'following'), min(tie.since)
        FROM tie JOIN person ON person.id = tie.person JOIN account ON account.id = tie.account
        WHERE account.name = ? AND person.id > ?
            AND (tie.state = 'accepted' OR (tie.state = 'pending' AND tie.direction = 'following'))
        GROUP BY person.id ORDER BY person.id LIMIT ?
        """,
        account,
        after,
        limit,
    )
    return [
        TiedPerson(
            int(number),
            str(actor),
            str(address),
            str(did),
            str(inbox),
            str(shared),
            bool(by),
            bool(to),
            since,
        )
        for number, actor, address, did, inbox, shared, by, to, since in rows
    ]


def hosts_with_tie(tx: ReadTx, account: str, hosts: Iterable[str]) -> set[str]:
    """Those of some hosts where somebody follows an account, or is followed by it."""
    return {
        host
        for host in hosts
        if tx.row(
            """
            SELECT 1 FROM tie JOIN person ON person.id = tie.person JOIN account ON account.id = tie.account
            WHERE account.name = ?1 AND tie.state IN ('pending', 'accepted')
                AND person.actor BETWEEN 'https://' || ?2 || '/' AND 'https://' || ?2 || '0' LIMIT 1
            """,  # '0' is what comes after '/': the index of actors is enough
            account,
            host,
        )
    }


@dataclass(frozen=True, slots=True)
class PeerSoftware:
    """What NodeInfo of a host said when it was last asked."""

    host: str
    software: str = ""
    version: str = ""
    asked_at: int = 0
    silent_since: int = 0


def software_of(tx: ReadTx, hosts: Iterable[str]) -> dict[str, PeerSoftware]:
    """What is known of hosts."""
    found: dict[str, PeerSoftware] = {}
    for host in hosts:
        row = tx.row(
            "SELECT host, software, version, asked_at, silent_since FROM peer_software WHERE host = ?", host
        )
        if row is not None:
            found[host] = PeerSoftware(*row)
    return found


def put_software(tx: Tx, peer: PeerSoftware) -> None:
    """Keep what a host said; one that says nothing keeps what it said before, and since when it is silent."""
    tx.change(
        """
        INSERT INTO peer_software (host, software, version, asked_at, silent_since)
        VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (host) DO UPDATE SET
            software = CASE WHEN ?5 = 0 THEN ?2 ELSE software END,
            version = CASE WHEN ?5 = 0 THEN ?3 ELSE version END,
            asked_at = ?4,
            silent_since = CASE WHEN ?5 = 0 THEN 0 WHEN silent_since = 0 THEN ?5 ELSE silent_since END
        """,
        peer.host,
        peer.software,
        peer.version,
        peer.asked_at,
        peer.silent_since,
    )


def anything_due(tx: ReadTx, now_s: int) -> bool:
    """Whether something is to be counted, or a key to be erased."""
    row = tx.row("SELECT 1 FROM lent_key WHERE until <= ?", now_s)
    return row is not None or bool(due_marks(tx, now_s))


def anything_waits(tx: ReadTx) -> bool:
    """Whether something will be to be counted, or a key to be erased."""
    row = tx.row("SELECT 1 FROM lent_key UNION ALL SELECT 1 FROM move_mark WHERE at = 0 LIMIT 1")
    return row is not None
