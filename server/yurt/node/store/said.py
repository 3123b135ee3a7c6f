"""Table and units of what files say about people: settings of follows and mutes, and what is still intended.

A row is by address: it stands before its person was found, and keeps the order of the file that it came with,
so that what goes out again is what came in. Once `met` is set the tables of ties and blocks are the truth,
and a row only says how. A block that is not met yet is a block all the same: whoever is found under that
address is blocked first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from yurt.activitypub.home_filter import FollowSettings
from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Row, Tx, Value

FOLLOW: Final = "follow"
MUTE: Final = "mute"
BLOCK: Final = "block"


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE said (
            id INTEGER PRIMARY KEY,                 -- order of the file
            account INTEGER NOT NULL REFERENCES account (id),
            kind TEXT NOT NULL,                     -- follow, mute or block
            key TEXT NOT NULL,                      -- the address in lower case
            address TEXT NOT NULL,
            met INTEGER NOT NULL DEFAULT 0,         -- its person was found, and it was done
            boosts INTEGER NOT NULL DEFAULT -1,     -- -1: not said
            notify INTEGER NOT NULL DEFAULT -1,
            languages TEXT NOT NULL DEFAULT '-',    -- with blanks between; '-': not said
            hide INTEGER NOT NULL DEFAULT -1,
            UNIQUE (account, kind, key)
        ) STRICT
        """
    )


STEPS: Final = (Step("0161-said", _create),)


@dataclass(frozen=True, slots=True)
class Said:
    """What a file says about somebody; None: nothing."""

    address: str
    show_boosts: bool | None = None
    notify: bool | None = None
    languages: tuple[str, ...] | None = None
    hide: bool | None = None
    met: bool = False


@dataclass(frozen=True, slots=True)
class SaidTie:
    """A follow, a mute or a block as it goes out: the person as known, and how."""

    place: int
    said: Said
    actor: str = ""
    inbox: str = ""
    shared_inbox: str = ""
    did: str = ""
    state: str = ""
    since: int = 0
    mutual: bool = False
    locked: bool = False
    """They approve followers by hand."""
    gone: bool = False
    """Their node says that the account is deleted."""


def put(tx: Tx, account_id: int, kind: str, said: Said) -> None:
    """Keep what is said; what is left open stays as it was."""
    tx.change(
        """
        INSERT INTO said (account, kind, key, address, met, boosts, notify, languages, hide)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (account, kind, key) DO UPDATE SET
            met = excluded.met,
            boosts = CASE excluded.boosts WHEN -1 THEN boosts ELSE excluded.boosts END,
            notify = CASE excluded.notify WHEN -1 THEN notify ELSE excluded.notify END,
            languages = CASE excluded.languages WHEN '-' THEN languages ELSE excluded.languages END,
            hide = CASE excluded.hide WHEN -1 THEN hide ELSE excluded.hide END
        """,
        account_id,
        kind,
        said.address.lower(),
        said.address,
        int(said.met),
        *_values(said),
    )


def met(tx: Tx, account_id: int, kind: str, asked: str, address: str) -> None:
    """The person was found, and it was done; `address` is how they are called now."""
    tx.change(
        "UPDATE OR IGNORE said SET met = 1, key = ?, address = ? WHERE account = ? AND kind = ? AND key = ?",
        address.lower(),
        address,
        account_id,
        kind,
        asked.lower(),
    )


def drop(tx: Tx, account_id: int, kind: str, address: str) -> None:
    """Forget what was said about somebody."""
    tx.change(
        "DELETE FROM said WHERE account = ? AND kind = ? AND key = ?", account_id, kind, address.lower()
    )


def follow_settings(tx: ReadTx, account_id: int, address: str) -> FollowSettings:
    """How an account follows whoever is called so; nothing chosen if no file said anything."""
    row = tx.row(
        "SELECT boosts, notify, languages FROM said WHERE account = ? AND kind = 'follow' AND key = ?",
        account_id,
        address.lower(),
    )
    if row is None:
        return FollowSettings()
    boosts, notify, languages = row
    return FollowSettings(_maybe(boosts), _maybe(notify), _languages(languages))


def is_said(tx: ReadTx, account_id: int, kind: str, address: str) -> bool:
    """Whether something is said about an address, whether its person was found or not."""
    row = tx.row(
        "SELECT 1 FROM said WHERE account = ? AND kind = ? AND key = ?",
        account_id,
        kind,
        address.lower(),
    )
    return row is not None


def who_intends(tx: ReadTx, kind: str, address: str) -> list[str]:
    """Names of the accounts that mean something for an address whose person was not found (yet)."""
    rows = tx.rows(
        """
        SELECT account.name FROM account CROSS JOIN said
        WHERE said.account = account.id AND said.kind = ? AND said.key = ? AND NOT said.met
        """,  # CROSS: account by account, each by the index of `said`
        kind,
        address.lower(),
    )
    return [str(row[0]) for row in rows]


_BEHIND: Final = 2**40
"""Whoever no file named stands behind all that were named."""


def follows(tx: ReadTx, account_id: int, after: int, limit: int) -> list[SaidTie]:
    """A page of whom an account follows, or asked to."""
    rows = tx.rows(
        f"""
        SELECT coalesce(said.id, {_BEHIND} + person.id) AS place, person.address, person.actor, person.inbox,
            person.shared_inbox, person.did, tie.state, tie.since, back.person IS NOT NULL,
            coalesce(said.boosts, -1), coalesce(said.notify, -1), coalesce(said.languages, '-'), -1,
            person.locked, person.gone_at
        FROM tie JOIN person ON person.id = tie.person
        LEFT JOIN said ON said.account = tie.account AND said.kind = 'follow'
            AND said.key = lower(person.address)
        LEFT JOIN tie AS back ON back.account = tie.account AND back.person = tie.person
            AND back.direction = 'follower' AND back.state = 'accepted'
        WHERE tie.account = ?1 AND tie.direction = 'following' AND tie.state IN ('pending', 'accepted')
            AND place > ?2
        ORDER BY place LIMIT ?3
        """,  # noqa: S608  # a constant of this module
        account_id,
        after,
        limit,
    )
    return [_tie(row) for row in rows]


def followers(tx: ReadTx, account_id: int, after: int, limit: int) -> list[SaidTie]:
    """A page of who follows an account."""
    rows = tx.rows(
        """
        SELECT person.id, person.address, person.actor, person.inbox, person.shared_inbox, person.did,
            tie.state, tie.since, back.person IS NOT NULL, -1, -1, '-', -1, person.locked, person.gone_at
        FROM tie JOIN person ON person.id = tie.person
        LEFT JOIN tie AS back ON back.account = tie.account AND back.person = tie.person
            AND back.direction = 'following' AND back.state = 'accepted'
        WHERE tie.account = ?1 AND tie.direction = 'follower' AND tie.state = 'accepted' AND person.id > ?2
        ORDER BY person.id LIMIT ?3
        """,
        account_id,
        after,
        limit,
    )
    return [_tie(row) for row in rows]


def blocked(tx: ReadTx, account_id: int, kind: str, after: int, limit: int) -> list[SaidTie]:
    """A page of whom an account blocks or mutes, those included who were not found (yet)."""
    rows = tx.rows(
        f"""
        SELECT coalesce(said.id, {_BEHIND} + person.id) AS place, person.address, person.actor, '', '',
            person.did, '', block.since, 0, -1, -1, '-', coalesce(said.hide, -1), 0, 0
        FROM block JOIN person ON person.id = block.person
        LEFT JOIN said ON said.account = block.account AND said.kind = ?2 AND said.key = lower(person.address)
        WHERE block.account = ?1 AND block.kind = ?2 AND place > ?3
        UNION ALL
        SELECT said.id, said.address, '', '', '', '', '', 0, 0, -1, -1, '-', said.hide, 0, 0 FROM said
        WHERE said.account = ?1 AND said.kind = ?2 AND NOT said.met AND said.id > ?3 AND NOT EXISTS (
            SELECT 1 FROM block JOIN person ON person.id = block.person
            WHERE block.account = ?1 AND block.kind = ?2 AND lower(person.address) = said.key)
        ORDER BY 1 LIMIT ?4
        """,  # noqa: S608  # a constant of this module
        account_id,
        kind,
        after,
        limit,
    )
    return [_tie(row) for row in rows]


def _tie(row: Row) -> SaidTie:
    place, address, actor, inbox, shared, did, state, since, mutual, *settings, locked, gone_at = row
    boosts, notify, languages, hide = settings
    said = Said(
        address,
        _maybe(boosts),
        _maybe(notify),
        _languages(languages),
        _maybe(hide),
    )
    known = (actor, inbox, shared, did, state, since, bool(mutual), bool(locked), gone_at > 0)
    return SaidTie(place, said, *known)


def _languages(column: str) -> tuple[str, ...] | None:
    return None if column == "-" else tuple(column.split())


def _values(said: Said) -> Iterable[Value]:
    languages = "-" if said.languages is None else " ".join(said.languages)
    return (_number(said.show_boosts), _number(said.notify), languages, _number(said.hide))


def _number(value: bool | None) -> int:  # noqa: FBT001  # a column
    return -1 if value is None else int(value)


def _maybe(value: int) -> bool | None:
    return None if value < 0 else bool(value)
