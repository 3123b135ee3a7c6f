"""Tables and units of people as this node knows them, and of the ties of its accounts to them.

A person's actor URL, inbox and key are locations: columns that may change, never a key. Local people have a
row here as well, so that a tie is the same whichever node its other end lives on.
"""

from dataclasses import dataclass, replace
from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Row, Tx

FOLLOWING: Final = "following"
FOLLOWER: Final = "follower"


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE person (
            id INTEGER PRIMARY KEY,
            did TEXT NOT NULL DEFAULT '',           -- empty for actors without one
            actor TEXT NOT NULL,
            address TEXT NOT NULL,                  -- name@node
            inbox TEXT NOT NULL DEFAULT '',         -- empty for local people
            shared_inbox TEXT NOT NULL DEFAULT '',
            key_id TEXT NOT NULL DEFAULT '',
            key_pem TEXT NOT NULL DEFAULT '',       -- RSA public key
            statement BLOB NOT NULL DEFAULT x'',    -- FEP-c390, verbatim
            fetched_at INTEGER NOT NULL DEFAULT 0   -- seconds
        ) STRICT
        """
    )
    db.execute("CREATE INDEX person_actor ON person (actor)")
    db.execute("CREATE INDEX person_did ON person (did)")
    db.execute("CREATE INDEX person_key ON person (key_id)")
    db.execute(
        """
        CREATE TABLE tie (
            account INTEGER NOT NULL REFERENCES account (id),
            person INTEGER NOT NULL REFERENCES person (id),
            direction TEXT NOT NULL,                -- following or follower, seen from the account
            state TEXT NOT NULL,                    -- see activitypub.follow
            activity TEXT NOT NULL DEFAULT '',      -- id of the Follow
            since INTEGER NOT NULL,                 -- seconds
            PRIMARY KEY (account, direction, person)
        ) STRICT, WITHOUT ROWID
        """
    )


def _add_followers(db: Tables) -> None:
    db.execute("ALTER TABLE person ADD COLUMN followers TEXT NOT NULL DEFAULT ''")  # their collection
    db.execute("ALTER TABLE account ADD COLUMN locked INTEGER NOT NULL DEFAULT 0")  # follows wait
    db.execute("CREATE INDEX tie_person ON tie (person, direction, state)")


def _add_manners(db: Tables) -> None:
    db.execute("ALTER TABLE person ADD COLUMN locked INTEGER NOT NULL DEFAULT 0")  # approve by hand
    db.execute(
        "UPDATE person SET locked = 1 WHERE inbox = '' AND did IN (SELECT did FROM account WHERE locked)"
    )
    db.execute("ALTER TABLE person ADD COLUMN gone_at INTEGER NOT NULL DEFAULT 0")  # seconds; 0: is there


STEPS: Final = (Step("0105-people", _create), Step("0110-people-followers", _add_followers))
MANNERS: Final = (Step("0320-people-manners", _add_manners),)


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Somebody as last fetched (or a local account)."""

    actor: str
    address: str
    did: str = ""
    inbox: str = ""
    shared_inbox: str = ""
    key_id: str = ""
    key_pem: str = ""
    statement: bytes = b""
    fetched_at: int = 0
    followers: str = ""
    """Their followers collection; empty if they name none, then none of their posts is for followers."""
    also_known_as: tuple[str, ...] = ()
    """Actors that their document names as theirs too."""
    moved_to: str = ""
    """Where their document says that they are now."""
    locked: bool = False
    """They approve each follow by hand (``manuallyApprovesFollowers``)."""
    gone_at: int = 0
    """When it was learned that the account is deleted (410, Tombstone, or its own Delete), in seconds since
    1970; 0 while it is not. It is their node's word: a person with a did may be elsewhere."""


@dataclass(frozen=True, slots=True)
class TieRow:
    """One tie of an account."""

    person: int
    address: str
    actor: str
    did: str
    state: str
    activity: str
    since: int
    locked: bool
    """They approve each follow by hand."""
    gone: bool
    """Their node says that the account is deleted."""


_PERSON: Final = """
    SELECT actor, address, did, inbox, shared_inbox, key_id, key_pem, statement, fetched_at,
        followers, moved_to, also_known_as, locked, gone_at
    FROM person
"""
_TIE: Final = """
    SELECT person.id, person.address, person.actor, person.did, tie.state, tie.activity, tie.since,
        person.locked, person.gone_at
    FROM tie JOIN person ON person.id = tie.person JOIN account ON account.id = tie.account
"""


def _known(row: Row | None) -> KnownPerson | None:
    if row is None:
        return None
    *values, moved_to, aliases, locked, gone_at = row
    return replace(
        KnownPerson(*values),
        also_known_as=tuple(str(aliases).split()),
        moved_to=str(moved_to),
        locked=bool(locked),
        gone_at=int(gone_at),
    )


def _tied(row: Row) -> TieRow:
    number, address, actor, did, state, activity, since, locked, gone_at = row
    return TieRow(number, address, actor, did, state, activity, since, bool(locked), gone_at > 0)


def person_at(tx: ReadTx, actor: str) -> KnownPerson | None:
    """Who is known at an actor URL."""
    row = tx.row(_PERSON + "WHERE actor = ? ORDER BY id DESC", actor)
    return _known(row)


def person_called(tx: ReadTx, address: str) -> KnownPerson | None:
    """Who was last known by an address, in lower case."""
    row = tx.row(_PERSON + "WHERE lower(address) = ? ORDER BY id DESC", address)
    return _known(row)


def everybody_called(tx: ReadTx, address: str) -> list[KnownPerson]:
    """Everybody who was ever known by an address, in lower case: a node may show one actor after another."""
    rows = tx.rows(_PERSON + "WHERE lower(address) = ?", address)
    return [known for row in rows if (known := _known(row)) is not None]


def person_with_key(tx: ReadTx, key_id: str) -> KnownPerson | None:
    """Whose RSA key this is, as last fetched."""
    row = tx.row(_PERSON + "WHERE key_id = ? AND key_pem <> '' ORDER BY id DESC", key_id)
    return _known(row)


def put_person(tx: Tx, person: KnownPerson) -> int:
    """Keep what is known of somebody now; return the row's id.

    A did is pinned at first contact: neither a document without one nor one with another takes it away
    (TRUST 1). Ties and claims go by the pinned one.
    """
    row = tx.row("SELECT id FROM person WHERE actor = ? ORDER BY id DESC", person.actor)
    values = (
        person.did,
        person.address,
        person.inbox,
        person.shared_inbox,
        person.key_id,
        person.key_pem,
        person.statement,
        person.fetched_at,
        person.followers,
        person.moved_to,
        " ".join(person.also_known_as),
        int(person.locked),
        person.gone_at,
    )
    if row is None:
        return tx.inserted(
            """
            INSERT INTO person (
                did, address, inbox, shared_inbox, key_id, key_pem, statement, fetched_at, followers,
                moved_to, also_known_as, locked, gone_at, actor
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            *values,
            person.actor,
        )
    tx.change(
        """
        UPDATE person SET
            did = CASE did WHEN '' THEN ?1 ELSE did END,
            address = ?2, inbox = ?3, shared_inbox = ?4, key_id = ?5, key_pem = ?6,
            statement = CASE WHEN ?1 <> '' AND did IN ('', ?1) THEN ?7 ELSE statement END,
            fetched_at = ?8, followers = ?9, moved_to = ?10, also_known_as = ?11,
            locked = ?12, gone_at = ?13
        WHERE id = ?14
        """,
        *values,
        int(row[0]),
    )
    return int(row[0])


def mark_gone(tx: Tx, actor: str, now_s: int) -> None:
    """Keep that whoever was at an actor URL is no more; the first time counts, until they are there again."""
    tx.change("UPDATE person SET gone_at = ? WHERE actor = ? AND gone_at = 0", now_s, actor)


def forget_strangers(tx: Tx, before_s: int) -> int:
    """Forget actors elsewhere with whom nobody here has to do, fetched before a time; returns how many.

    Dids stay pinned (TRUST 1).
    """
    return tx.change(
        """
        DELETE FROM person WHERE inbox <> '' AND did = '' AND fetched_at < ?
        AND id NOT IN (SELECT person FROM tie) AND id NOT IN (SELECT person FROM block)
        AND actor NOT IN (SELECT author FROM post) AND actor NOT IN (SELECT actor FROM reaction)
        AND actor NOT IN (SELECT booster FROM timeline)
        """,
        before_s,
    )


def put_tie(tx: Tx, account_id: int, person_id: int, direction: str, tie: tuple[str, str, int]) -> None:
    """Set a tie's (state, activity, since); since stays that of the first time."""
    tx.change(
        """
        INSERT INTO tie (account, person, direction, state, activity, since) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (account, direction, person) DO UPDATE
        SET state = excluded.state, activity = excluded.activity
        """,
        account_id,
        person_id,
        direction,
        *tie,
    )


def tie_with(tx: ReadTx, account: str, actor: str, direction: str) -> TieRow | None:
    """An account's tie with whoever is at an actor URL."""
    row = tx.row(
        _TIE + "WHERE account.name = ? AND tie.direction = ? AND person.actor = ?", account, direction, actor
    )
    return _tied(row) if row else None


def tie_with_address(tx: ReadTx, account: str, address: str, direction: str) -> TieRow | None:
    """An account's tie with whoever has this address (names of accounts do not differ by case)."""
    row = tx.row(
        _TIE + "WHERE account.name = ? AND tie.direction = ? AND lower(person.address) = ?",
        account,
        direction,
        address,
    )
    return _tied(row) if row else None


def ties_by_activity(tx: ReadTx, activity: str, actor: str, direction: str) -> list[str]:
    """Accounts whose tie with whoever is at an actor URL was made by this Follow."""
    rows = tx.rows(
        """
        SELECT account.name FROM tie
        JOIN person ON person.id = tie.person JOIN account ON account.id = tie.account
        WHERE tie.activity = ? AND person.actor = ? AND tie.direction = ?
        """,
        activity,
        actor,
        direction,
    )
    return [str(row[0]) for row in rows]


def follows_did(tx: ReadTx, account: str, did: str, state: str) -> bool:
    """Whether an account follows a person, by did, in this state."""
    row = tx.row(
        """
        SELECT 1 FROM tie JOIN person ON person.id = tie.person JOIN account ON account.id = tie.account
        WHERE account.name = ? AND tie.direction = 'following' AND person.did = ? AND tie.state = ?
        """,
        account,
        did,
        state,
    )
    return row is not None


def ties_page(
    tx: ReadTx, account: str, direction: str, states: tuple[str, str], after: int, limit: int
) -> list[TieRow]:
    """A page of ties in one of two states, in the order in which the people became known."""
    rows = tx.rows(
        _TIE
        + """
        WHERE account.name = ? AND tie.direction = ? AND tie.state IN (?, ?) AND person.id > ?
        ORDER BY person.id LIMIT ?
        """,
        account,
        direction,
        *states,
        after,
        limit,
    )
    return [_tied(row) for row in rows]


def count_ties(tx: ReadTx, account: str, direction: str, state: str) -> int:
    """How many ties an account has, for the collections' `totalItems`."""
    row = tx.row(
        """
        SELECT count(*) FROM tie JOIN account ON account.id = tie.account
        WHERE account.name = ? AND tie.direction = ? AND tie.state = ?
        """,
        account,
        direction,
        state,
    )
    return int(row[0]) if row else 0


def tied_actors(tx: ReadTx, account: str, direction: str, state: str) -> list[str]:
    """The actor URLs of everybody to whom an account has a tie in this state."""
    rows = tx.rows(
        """
        SELECT person.actor FROM tie
        JOIN person ON person.id = tie.person JOIN account ON account.id = tie.account
        WHERE account.name = ? AND tie.direction = ? AND tie.state = ?
        """,
        account,
        direction,
        state,
    )
    return [str(row[0]) for row in rows]


def accounts_tied_to(tx: ReadTx, actor: str, direction: str, state: str) -> list[tuple[int, str]]:
    """Accounts (id and name) that have a tie in this state to whoever is at an actor URL."""
    rows = tx.rows(
        """
        SELECT account.id, account.name FROM tie
        JOIN person ON person.id = tie.person JOIN account ON account.id = tie.account
        WHERE person.actor = ? AND tie.direction = ? AND tie.state = ?
        """,
        actor,
        direction,
        state,
    )
    return [(int(row[0]), str(row[1])) for row in rows]


def followed_hosts(tx: ReadTx) -> frozenset[str]:
    """The hosts at which somebody here follows somebody."""
    rows = tx.rows(
        """
        SELECT DISTINCT substr(actor, 9, instr(substr(actor, 9), '/') - 1) FROM person
        WHERE id IN (SELECT person FROM tie WHERE direction = 'following' AND state = 'accepted')
        """  # behind "https://"
    )
    return frozenset(str(row[0]) for row in rows)


def remote_inboxes(tx: ReadTx, account: str, state: str) -> list[tuple[str, str, str]]:
    """Actor, inbox and shared inbox of an account's followers elsewhere."""
    rows = tx.rows(
        """
        SELECT person.actor, person.inbox, person.shared_inbox FROM tie
        JOIN person ON person.id = tie.person JOIN account ON account.id = tie.account
        WHERE account.name = ? AND tie.direction = 'follower' AND tie.state = ? AND person.inbox <> ''
        """,
        account,
        state,
    )
    return [(str(actor), str(inbox), str(shared)) for actor, inbox, shared in rows]


def tied_inboxes(tx: ReadTx, account: str) -> list[tuple[str, str, str]]:
    """Actor, inbox and shared inbox of everybody elsewhere with a tie to an account, in either direction."""
    rows = tx.rows(
        """
        SELECT DISTINCT person.actor, person.inbox, person.shared_inbox FROM tie
        JOIN person ON person.id = tie.person JOIN account ON account.id = tie.account
        WHERE account.name = ? AND tie.state IN ('pending', 'accepted') AND person.inbox <> ''
        """,
        account,
    )
    return [(str(actor), str(inbox), str(shared)) for actor, inbox, shared in rows]


def is_locked(tx: ReadTx, account: str) -> bool:
    """Whether follows of an account wait for its person."""
    return tx.row("SELECT 1 FROM account WHERE name = ? AND locked", account) is not None


def set_locked(tx: Tx, account: str, actor: str, *, locked: bool) -> None:
    """Let follows wait for the person, or not any more; neighbours see it at the actor."""
    tx.change("UPDATE account SET locked = ? WHERE name = ?", int(locked), account)
    tx.change("UPDATE person SET locked = ? WHERE actor = ?", int(locked), actor)
