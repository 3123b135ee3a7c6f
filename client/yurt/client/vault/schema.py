"""The tables of the vault. One migration is one list of statements; a column's meaning never changes.

``PRAGMA user_version`` is the number of migrations applied. Opening a vault that is up to date costs one
pragma; sqlite-utils is imported only when there is something to do.
"""

from typing import TYPE_CHECKING, Final, cast

from sqlcipher3.dbapi2 import Connection

from yurt.client.errors import VaultTooNew
from yurt.client.vault import (
    addresses,
    asked_invites,
    blocked,
    conversations,
    history,
    joinings,
    key_changes,
    kits,
    leavings,
    link_answers,
    link_makers,
    moves,
    namings,
    raced,
    read_by,
    resyncs,
    revocations,
    settled,
)

if TYPE_CHECKING:
    import sqlite3

    from sqlite_utils.db import Database


_FIRST: Final = (
    # Who lives here; one row.
    """
    CREATE TABLE account (
        one            INTEGER PRIMARY KEY CHECK (one = 1),
        state          TEXT NOT NULL CHECK (state IN ('joining', 'joined')),
        name           TEXT NOT NULL,
        node           TEXT NOT NULL,
        did            TEXT NOT NULL,
        device         BLOB NOT NULL,              -- DeviceKeys, with the private halves
        record         BLOB NOT NULL,              -- newest own signed person record, verbatim
        actor_key      BLOB NOT NULL,              -- until the kit exists
        login_key      BLOB NOT NULL,              -- to sign in again when the token is over
        join_request   BLOB NOT NULL DEFAULT x'',  -- the Join command, to be repeated; empty once joined
        token          TEXT NOT NULL DEFAULT '',
        token_expires  INTEGER NOT NULL DEFAULT 0  -- seconds since 1970
    ) STRICT
    """,
    # MLS state as small rows (yurt.mls.group_store).
    """
    CREATE TABLE mls (
        group_id  BLOB NOT NULL,
        epoch     INTEGER NOT NULL,
        slot      TEXT NOT NULL,
        value     BLOB NOT NULL,
        PRIMARY KEY (group_id, epoch, slot)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE key_package (
        ref        BLOB PRIMARY KEY,               -- KeyPackageRef, as a Welcome names it
        bundle     BLOB NOT NULL,                  -- with the private keys; the row goes when it is used
        not_after  INTEGER NOT NULL,               -- seconds since 1970
        published  INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID
    """,
    # A log's newest row that this device has taken in.
    """
    CREATE TABLE cursor (
        log          TEXT PRIMARY KEY,
        term         INTEGER NOT NULL,
        seq          INTEGER NOT NULL,
        chain        BLOB NOT NULL DEFAULT x'',
        accepted_at  INTEGER NOT NULL DEFAULT 0    -- milliseconds since 1970
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE room (
        id        INTEGER PRIMARY KEY,             -- in the order in which this device learned of them
        room      BLOB NOT NULL UNIQUE,
        name      TEXT NOT NULL DEFAULT '',
        topic     TEXT NOT NULL DEFAULT '',
        hub       TEXT NOT NULL,                   -- the hub's node name
        state     TEXT NOT NULL CHECK (state IN ('creating', 'active', 'removed', 'stopped')),
        reason    TEXT NOT NULL DEFAULT '',        -- why it is stopped
        counter   INTEGER NOT NULL DEFAULT 0,      -- own contents so far
        previous  BLOB NOT NULL DEFAULT x'',       -- hash of the own previous content
        stamped   INTEGER NOT NULL DEFAULT 1,      -- whether the Welcome's stamp has been confirmed
        epoch     INTEGER NOT NULL DEFAULT 0,
        people    TEXT NOT NULL DEFAULT '[]'       -- [did, actor] of the newest epoch: JSON
    ) STRICT
    """,
    # What each sending leaf of a room has shown so far, by person and device.
    """
    CREATE TABLE sender (
        room       BLOB NOT NULL,
        did        TEXT NOT NULL,
        device_id  BLOB NOT NULL,
        counter    INTEGER NOT NULL,
        hash       BLOB NOT NULL,
        PRIMARY KEY (room, did, device_id)
    ) STRICT, WITHOUT ROWID
    """,
    # The timeline. AUTOINCREMENT: an id is never used twice, front ends remember them.
    """
    CREATE TABLE item (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        revision     INTEGER NOT NULL UNIQUE,      -- grows with every change of any item
        room         BLOB NOT NULL,
        kind         TEXT NOT NULL CHECK (kind IN ('message', 'roster', 'undecryptable', 'notice')),
        term         INTEGER NOT NULL DEFAULT 0,
        seq          INTEGER NOT NULL DEFAULT 0,   -- 0 until it has a place in the log
        did          TEXT NOT NULL DEFAULT '',
        actor        TEXT NOT NULL DEFAULT '',
        text         TEXT NOT NULL DEFAULT '',
        reason       TEXT NOT NULL DEFAULT '',
        content_id   BLOB NOT NULL DEFAULT x'',
        state        TEXT NOT NULL DEFAULT 'accepted',
        own          INTEGER NOT NULL DEFAULT 0,
        accepted_at  INTEGER NOT NULL DEFAULT 0,   -- milliseconds since 1970
        hash         BLOB NOT NULL DEFAULT x''     -- of the content: other bytes under one id are flagged
    ) STRICT
    """,
    "CREATE INDEX item_room ON item (room, id)",
    "CREATE INDEX item_undecryptable ON item (room) WHERE kind = 'undecryptable'",
    # The row of an own message comes back through the log after it was accepted.
    "CREATE INDEX item_own_place ON item (room, seq) WHERE own = 1",
    # Shown exactly once: (did, content id) over all terms (TRUST 4).
    "CREATE UNIQUE INDEX item_content ON item (room, did, content_id) WHERE content_id <> x''",
    # Own contents that the hub has not accepted; the states are in yurt.client.outbox.
    """
    CREATE TABLE outbox (
        item      INTEGER PRIMARY KEY,             -- of the timeline, also the order of sending
        room      BLOB NOT NULL,
        content   BLOB NOT NULL,                   -- without the header, which is made when sealing
        counter   INTEGER NOT NULL,                -- these two stay through re-encryption
        previous  BLOB NOT NULL,
        state     TEXT NOT NULL CHECK (state IN ('queued', 'sealed')),
        entry     BLOB NOT NULL DEFAULT x'',       -- the MLSMessage once sealed: resent byte for byte
        hash      BLOB NOT NULL DEFAULT x''        -- SHA-256 of entry
    ) STRICT
    """,
    "CREATE INDEX outbox_room ON outbox (room, item)",
    "CREATE INDEX outbox_hash ON outbox (hash) WHERE hash <> x''",
    # The own staged commit of a room, to be submitted again byte for byte.
    """
    CREATE TABLE pending_commit (
        room        BLOB PRIMARY KEY,
        hash        BLOB NOT NULL,
        entry       BLOB NOT NULL,
        welcome     BLOB NOT NULL DEFAULT x'',
        group_info  BLOB NOT NULL,
        intent      TEXT NOT NULL                  -- what it was for, in one word
    ) STRICT, WITHOUT ROWID
    """,
    # Pins: which person an address has meant since first contact.
    """
    CREATE TABLE person (
        did      TEXT PRIMARY KEY,
        address  TEXT NOT NULL UNIQUE,
        actor    TEXT NOT NULL,
        record   BLOB NOT NULL,                    -- newest verified signed record, verbatim
        changed  TEXT NOT NULL DEFAULT ''          -- another did that the address now claims: blocks sending
    ) STRICT, WITHOUT ROWID
    """,
)

# Up to where a person has read each room on this device.
_READ_MARKS: Final = """
    CREATE TABLE read_mark (
        room  BLOB PRIMARY KEY,
        item  INTEGER NOT NULL                     -- local id of the newest line read
    ) STRICT, WITHOUT ROWID
"""

# Own entries as they were sealed: the log brings them back, and only their bytes say that they are ours.
_OWN_ENTRIES: Final = (
    """
    CREATE TABLE own_entry (
        hash  BLOB PRIMARY KEY,                    -- SHA-256 of the entry; each encryption has another
        room  BLOB NOT NULL,
        item  INTEGER NOT NULL,                    -- its line
        seen  INTEGER NOT NULL DEFAULT 0           -- whether the log has brought it
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX own_entry_item ON own_entry (item)",
    "INSERT INTO own_entry (hash, room, item) SELECT hash, room, item FROM outbox WHERE hash <> x''",
    "DROP INDEX item_own_place",
    "DROP INDEX outbox_hash",
)

# What people do to messages: the action is a line of its own that is not shown, its target's line shows it.
_ACTIONS: Final = (
    "ALTER TABLE item ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE item ADD COLUMN reply_did TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE item ADD COLUMN reply_id BLOB NOT NULL DEFAULT x''",
    # What was done to it, as JSON (yurt.client.vault.actions); empty if nothing was.
    "ALTER TABLE item ADD COLUMN marks TEXT NOT NULL DEFAULT ''",
    # What it said at first, if something was done to it; empty again once it is deleted.
    "ALTER TABLE item ADD COLUMN original TEXT NOT NULL DEFAULT ''",
    """
    CREATE TABLE action (
        item        INTEGER PRIMARY KEY,           -- its own line, with author and place
        room        BLOB NOT NULL,
        did         TEXT NOT NULL,                 -- these two name the target, which may be missing
        content_id  BLOB NOT NULL,
        content     BLOB NOT NULL                  -- as it was said
    ) STRICT
    """,
    "CREATE INDEX action_target ON action (room, did, content_id)",
)

# Words of messages. The text itself stays in item; a deleted word leaves the index at once (secure-delete).
_SEARCH: Final = (
    """
    CREATE VIRTUAL TABLE word USING fts5(
        text, content = 'item', content_rowid = 'id', tokenize = "unicode61 remove_diacritics 2"
    )
    """,
    "INSERT INTO word (word, rank) VALUES ('secure-delete', 1)",
    "INSERT INTO word (rowid, text) SELECT id, text FROM item WHERE kind = 'message'",
    """
    CREATE TRIGGER word_new AFTER INSERT ON item WHEN new.kind = 'message' BEGIN
        INSERT INTO word (rowid, text) VALUES (new.id, new.text);
    END
    """,
    """
    CREATE TRIGGER word_changed AFTER UPDATE OF text ON item
    WHEN old.kind = 'message' AND new.text <> old.text BEGIN
        INSERT INTO word (word, rowid, text) VALUES ('delete', old.id, old.text);
        INSERT INTO word (rowid, text) VALUES (new.id, new.text);
    END
    """,
    """
    CREATE TRIGGER word_gone AFTER DELETE ON item WHEN old.kind = 'message' BEGIN
        INSERT INTO word (word, rowid, text) VALUES ('delete', old.id, old.text);
    END
    """,
)

# Whose safety number was compared; bound to the did, so it never passes to another person.
_VERIFIED: Final = """
    CREATE TABLE verified (
        did  TEXT PRIMARY KEY,
        at   INTEGER NOT NULL                      -- milliseconds since 1970, by the own clock
    ) STRICT, WITHOUT ROWID
"""

# Since when our leaf in a room is what it is.
_OWN_LEAVES: Final = """
    CREATE TABLE own_leaf (
        room     BLOB PRIMARY KEY,
        key      BLOB NOT NULL,                    -- its public signature key
        born     INTEGER NOT NULL,                 -- seconds since 1970
        counter  INTEGER NOT NULL                  -- own contents before it
    ) STRICT, WITHOUT ROWID
"""

# Of which epoch an own entry is: so many of our leaf's keys are used up there.
_ENTRY_EPOCHS: Final = "ALTER TABLE own_entry ADD COLUMN epoch INTEGER NOT NULL DEFAULT -1"

_STEPS: Final = (
    ("first", _FIRST),
    ("read_marks", (_READ_MARKS,)),
    ("own_entries", _OWN_ENTRIES),
    ("actions", _ACTIONS),
    ("search", _SEARCH),
    ("verified", (_VERIFIED,)),
    ("own_leaves", (_OWN_LEAVES,)),
    ("entry_epochs", (_ENTRY_EPOCHS,)),
    ("resyncs", resyncs.TABLE),
    ("link_answers", link_answers.TABLE),
    ("joinings", joinings.TABLE),
    ("leavings", leavings.TABLE),
    ("addresses", addresses.TABLE),
    ("moves", moves.TABLE),
    ("settled", settled.TABLE),
    ("read_by", read_by.TABLE),
    ("history", history.TABLE),
    ("kits", kits.TABLE),
    ("namings", namings.TABLE),
    ("asked_invites", asked_invites.TABLE),
    ("raced", raced.TABLE),
    ("inviters", joinings.INVITER),
    ("link_makers", link_makers.TABLE),
    ("revocations", revocations.TABLE),
    ("blocked", blocked.TABLE),
    ("conversations", conversations.TABLE),
    ("key_changes", key_changes.TABLE),
    ("kit_notices", kits.NOTICES),
)
"""The migrations by name, in their order."""
VERSION: Final = len(_STEPS)


def prepare(connection: Connection) -> None:
    """Bring the tables up to date.

    Raises:
        VaultTooNew: A newer release wrote this vault.
    """
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > VERSION:
        raise VaultTooNew(found, VERSION)
    if found < VERSION:
        _migrate(connection)


def _migrate(connection: Connection) -> None:
    from sqlite_utils import Migrations
    from sqlite_utils.db import Database

    migrations = Migrations("vault")

    for name, statements in _STEPS:

        @migrations(name=name)
        def step(_db: "Database", statements: tuple[str, ...] = statements) -> None:
            for statement in statements:
                connection.execute(statement)

    # SQLCipher's connection is no sqlite3.Connection, but behaves as one.
    migrations.apply(Database(cast("sqlite3.Connection", connection)))
    connection.execute(f"PRAGMA user_version = {VERSION}")
