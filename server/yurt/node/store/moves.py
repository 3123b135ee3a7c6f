"""Tables and units of moves: where accounts of this node moved to, and what is known of others' moves.

Ours: `alias` (actors that an account says it also is) and `moved_account`. Theirs: `move_heard` holds each
Move that arrived until it is decided (a row outlives a restart, and a target that cannot be fetched just
now), `moved_actor` what was honoured, `tie_move` the ties that are under way between two actors.
`record_news` names dids with a new record, written in the unit that keeps the record: a Move that waited for
it is decided again, whatever happens in between (TRUST 9).
"""

from dataclasses import dataclass
from typing import Final

from yurt.activitypub.moves import Move, MoveLife, TieState
from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx

NOT_DUE: Final = 2**53 - 1
"""``next_at`` of a Move that waits for a person record, not for a time."""
MAX_HEARD: Final = 5
"""Moves of one actor that are kept undecided; the newest count."""


def _create(db: Tables) -> None:
    db.execute("ALTER TABLE person ADD COLUMN also_known_as TEXT NOT NULL DEFAULT ''")  # URLs, blanks between
    db.execute("ALTER TABLE person ADD COLUMN moved_to TEXT NOT NULL DEFAULT ''")
    db.execute(
        """
        CREATE TABLE alias (
            account INTEGER NOT NULL REFERENCES account (id),
            actor TEXT NOT NULL,
            PRIMARY KEY (account, actor)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE moved_account (
            account INTEGER NOT NULL PRIMARY KEY REFERENCES account (id),
            target TEXT NOT NULL,
            moved_at INTEGER NOT NULL               -- seconds
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE move_heard (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            activity TEXT NOT NULL,
            actor TEXT NOT NULL,                    -- who says so
            object TEXT NOT NULL,                   -- who moves
            target TEXT NOT NULL,
            signer TEXT NOT NULL,
            tries INTEGER NOT NULL DEFAULT 0,
            next_at INTEGER NOT NULL,               -- ms; far away: waits for a record
            UNIQUE (actor, object, target)
        ) STRICT
        """
    )
    db.execute("CREATE INDEX move_heard_next ON move_heard (next_at)")
    db.execute(
        """
        CREATE TABLE moved_actor (
            actor TEXT NOT NULL PRIMARY KEY,
            moved_to TEXT NOT NULL DEFAULT '',      -- where the last honoured Move led
            moved_at INTEGER,                       -- seconds
            waiting TEXT NOT NULL DEFAULT ''        -- target of an unconfirmed one
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX moved_actor_to ON moved_actor (moved_to)")
    db.execute(
        """
        CREATE TABLE tie_move (
            account INTEGER NOT NULL REFERENCES account (id),
            origin TEXT NOT NULL,                   -- actors
            target TEXT NOT NULL,
            state TEXT NOT NULL,                    -- see activitypub.moves.TieState
            follow TEXT NOT NULL DEFAULT '',        -- id of the Follow of the target
            PRIMARY KEY (account, origin)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX tie_move_follow ON tie_move (follow)")
    db.execute("CREATE TABLE record_news (did TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID")


STEPS: Final = (Step("0150-moves", _create),)


# --- accounts of this node --------------------------------------------------------------------------
def aliases(tx: ReadTx, account: str) -> tuple[str, ...]:
    """The actors that an account says it also is, in the order of their URLs."""
    rows = tx.rows(
        """
        SELECT alias.actor FROM alias JOIN account ON account.id = alias.account
        WHERE account.name = ? ORDER BY alias.actor
        """,
        account,
    )
    return tuple(str(row[0]) for row in rows)


def add_alias(tx: Tx, account_id: int, actor: str) -> None:
    """Say that an account is also that actor."""
    tx.change("INSERT INTO alias (account, actor) VALUES (?, ?) ON CONFLICT DO NOTHING", account_id, actor)


def moved_to(tx: ReadTx, account: str) -> str:
    """Where an account has moved to; empty while its person is here."""
    row = tx.row(
        """
        SELECT target FROM moved_account JOIN account ON account.id = moved_account.account
        WHERE account.name = ?
        """,
        account,
    )
    return str(row[0]) if row else ""


def set_moved_to(tx: Tx, account_id: int, actor: str, now_s: int) -> None:
    """Say where an account has moved to; an empty actor takes it back."""
    tx.change("DELETE FROM moved_account WHERE account = ?", account_id)
    if actor:
        tx.change(
            "INSERT INTO moved_account (account, target, moved_at) VALUES (?, ?, ?)", account_id, actor, now_s
        )


# --- Moves that arrived -----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class HeardMove:
    """A Move that is to be decided."""

    id: int
    move: Move
    signer: str
    tries: int


def hear(tx: Tx, move: Move, signer: str, now_ms: int) -> None:
    """Keep a Move until it is decided; one that is kept already is looked at again now.

    Of too many those go first that others sent: anybody may say that somebody moved to them.
    """
    tx.change(
        """
        INSERT INTO move_heard (activity, actor, object, target, signer, next_at) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (actor, object, target) DO UPDATE SET next_at = excluded.next_at, tries = 0
        """,
        move.id,
        move.actor,
        move.object,
        move.target,
        signer,
        now_ms,
    )
    tx.change(
        """
        DELETE FROM move_heard WHERE object = ?1 AND id NOT IN (
            SELECT id FROM move_heard WHERE object = ?1 ORDER BY actor = object DESC, id DESC LIMIT ?2)
        """,
        move.object,
        MAX_HEARD,
    )


def due_moves(tx: ReadTx, now_ms: int, limit: int) -> list[HeardMove]:
    """Moves that are to be decided now, oldest first."""
    rows = tx.rows(
        """
        SELECT id, activity, actor, object, target, signer, tries FROM move_heard
        WHERE next_at <= ? ORDER BY id LIMIT ?
        """,
        now_ms,
        limit,
    )
    return [
        HeardMove(id_, Move(activity, actor, object_, target), signer, tries)
        for id_, activity, actor, object_, target, signer, tries in rows
    ]


def postpone(tx: Tx, heard: int, next_at_ms: int) -> None:
    """Decide later."""
    tx.change("UPDATE move_heard SET tries = tries + 1, next_at = ? WHERE id = ?", next_at_ms, heard)


def forget_move(tx: Tx, heard: int) -> None:
    """It is decided."""
    tx.change("DELETE FROM move_heard WHERE id = ?", heard)


def move_life(tx: ReadTx, actor: str) -> MoveLife:
    """What is known of an actor's moves."""
    row = tx.row("SELECT moved_to, moved_at, waiting FROM moved_actor WHERE actor = ?", actor)
    return MoveLife(str(row[0]), row[1], str(row[2])) if row else MoveLife()


def put_move_life(tx: Tx, actor: str, life: MoveLife) -> None:
    """Keep what is known of an actor's moves."""
    tx.change(
        """
        INSERT INTO moved_actor (actor, moved_to, moved_at, waiting) VALUES (?, ?, ?, ?)
        ON CONFLICT (actor) DO UPDATE SET
            moved_to = excluded.moved_to, moved_at = excluded.moved_at, waiting = excluded.waiting
        """,
        actor,
        life.moved_to,
        life.moved_at,
        life.waiting,
    )


def forget_old(tx: Tx, before_s: int) -> None:
    """Forget Moves that were honoured before a time; one that comes again finds nobody to take along."""
    tx.change("DELETE FROM moved_actor WHERE moved_at < ? AND waiting = ''", before_s)


def came_by(tx: ReadTx, actor: str, since_s: int, most: int) -> tuple[str, ...]:
    """The actors from which honoured Moves led here, one after the other, newest first."""
    rows = tx.rows(
        """
        WITH RECURSIVE hop (actor, depth) AS (
            SELECT actor, 1 FROM moved_actor WHERE moved_to = ?1 AND moved_at >= ?2
            UNION
            SELECT before.actor, depth + 1 FROM moved_actor AS before JOIN hop ON before.moved_to = hop.actor
            WHERE before.moved_at >= ?2 AND depth < ?3
        )
        SELECT actor FROM hop ORDER BY depth
        """,
        actor,
        since_s,
        most,
    )
    return tuple(dict.fromkeys(str(row[0]) for row in rows))


# --- ties under way ---------------------------------------------------------------------------------
def tie_state(tx: ReadTx, account_id: int, origin: str, target: str) -> TieState:
    """Where an account's tie to somebody who moved stands."""
    row = tx.row(
        "SELECT state FROM tie_move WHERE account = ? AND origin = ? AND target = ?",
        account_id,
        origin,
        target,
    )
    return TieState(row[0]) if row else TieState.STAYS


def put_tie_state(tx: Tx, account_id: int, pair: tuple[str, str], state: TieState, follow: str) -> None:
    """Keep where a tie stands; ``pair`` is (origin, target), ``follow`` the id of the new Follow."""
    tx.change(
        """
        INSERT INTO tie_move (account, origin, target, state, follow) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (account, origin) DO UPDATE SET
            target = excluded.target, state = excluded.state, follow = excluded.follow
        """,
        account_id,
        *pair,
        state.value,
        follow,
    )


def ties_by_follow(tx: ReadTx, follow: str) -> list[tuple[str, str, str]]:
    """(account name, origin, target) of the ties that wait for this Follow."""
    rows = tx.rows(
        """
        SELECT account.name, origin, target FROM tie_move JOIN account ON account.id = tie_move.account
        WHERE follow = ? AND follow <> '' AND state = ?
        """,
        follow,
        TieState.REFOLLOWING.value,
    )
    return [(str(name), str(origin), str(target)) for name, origin, target in rows]


def ties_under_way(tx: ReadTx, account: str, target: str) -> list[tuple[str, str]]:
    """(origin, id of the new Follow) of an account's ties that are on their way to an actor."""
    rows = tx.rows(
        """
        SELECT origin, follow FROM tie_move JOIN account ON account.id = tie_move.account
        WHERE account.name = ? AND target = ? AND state = ?
        """,
        account,
        target,
        TieState.REFOLLOWING.value,
    )
    return [(str(origin), str(follow)) for origin, follow in rows]


# --- person records that came -----------------------------------------------------------------------
def note_record(tx: Tx, did: str) -> None:
    """A record of this did was kept; whoever waits for it looks again."""
    tx.change("INSERT INTO record_news (did) VALUES (?) ON CONFLICT DO NOTHING", did)


def record_news(tx: ReadTx, limit: int) -> list[str]:
    """Dids with records that nobody has looked at yet."""
    return [str(row[0]) for row in tx.rows("SELECT did FROM record_news LIMIT ?", limit)]


def take_record_news(tx: Tx, did: str) -> None:
    """The news were looked at."""
    tx.change("DELETE FROM record_news WHERE did = ?", did)


def actors_of(tx: ReadTx, did: str) -> list[str]:
    """Every actor that is pinned to a did."""
    return [str(row[0]) for row in tx.rows("SELECT DISTINCT actor FROM person WHERE did = ?", did)]


def wake_moves(tx: Tx, actor: str, now_ms: int) -> None:
    """Decide an actor's waiting Moves now."""
    tx.change("UPDATE move_heard SET next_at = ? WHERE object = ?", now_ms, actor)
