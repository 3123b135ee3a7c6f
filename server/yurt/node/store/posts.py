"""Tables and units of posts, of reactions to them, and of the timelines that show them.

A post is kept by (author, id), as is each reaction, so that nobody can delete beforehand what somebody else
is about to post. Deleted ones stay as tombstones without content. A timeline is a list of references, so
that an edit, a Delete or a mute takes effect wherever the post is shown.
"""

from dataclasses import dataclass, field
from typing import Final

import msgspec

from yurt.activitypub.audience import Audience, Visibility
from yurt.activitypub.notes import Mention, Note
from yurt.activitypub.object_life import ObjectLife, ObjectState
from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Row, Tx

LIKE: Final = "Like"
BOOST: Final = "Announce"


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE post (
            id INTEGER PRIMARY KEY,
            uri TEXT NOT NULL,                      -- the Note's id
            author TEXT NOT NULL,                   -- actor URL
            state TEXT NOT NULL,                    -- see activitypub.object_life
            version INTEGER NOT NULL DEFAULT 0,
            visibility INTEGER NOT NULL DEFAULT 0,
            text TEXT NOT NULL DEFAULT '',          -- safe to show
            summary TEXT NOT NULL DEFAULT '',
            in_reply_to TEXT NOT NULL DEFAULT '',
            url TEXT NOT NULL DEFAULT '',
            published INTEGER NOT NULL DEFAULT 0,   -- seconds
            updated INTEGER NOT NULL DEFAULT 0,     -- seconds
            named TEXT NOT NULL DEFAULT '[]',       -- audience.actors, JSON
            mentions TEXT NOT NULL DEFAULT '[]',    -- pairs of actor and address, JSON
            UNIQUE (author, uri)
        ) STRICT
        """
    )
    db.execute("CREATE INDEX post_uri ON post (uri)")
    db.execute(
        """
        CREATE TABLE reaction (
            id INTEGER PRIMARY KEY,
            uri TEXT NOT NULL,                      -- the Like's or Announce's id
            actor TEXT NOT NULL,
            kind TEXT NOT NULL,                     -- Like or Announce
            target TEXT NOT NULL,                   -- the post's id
            UNIQUE (actor, kind, target)
        ) STRICT
        """
    )
    db.execute("CREATE INDEX reaction_target ON reaction (target, kind)")
    db.execute(
        """
        CREATE TABLE timeline (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            account INTEGER NOT NULL REFERENCES account (id),
            post INTEGER NOT NULL REFERENCES post (id),
            booster TEXT NOT NULL DEFAULT '',       -- actor URL; empty if the author's own
            added_at INTEGER NOT NULL,              -- ms
            UNIQUE (account, post)
        ) STRICT
        """
    )


STEPS: Final = (Step("0109-posts", _create),)

_NOTE: Final = """
    SELECT uri, author, text, visibility, named, published, updated, in_reply_to, summary, url, mentions, id
    FROM post
"""


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One line of a timeline."""

    number: int
    note: Note
    address: str
    """The author's."""
    booster: str
    """Address of who showed it; empty if the author did."""
    likes: int
    boosts: int
    liked: bool
    boosted: bool
    added_at: int = field(default=0)
    notify: bool = False
    """The account asked to be told of what its author posts."""


def life_of_post(tx: ReadTx, author: str, uri: str) -> ObjectLife:
    """Where a post stands."""
    row = tx.row("SELECT state, version FROM post WHERE author = ? AND uri = ?", author, uri)
    return ObjectLife(ObjectState(row[0]), int(row[1])) if row else ObjectLife()


def put_post(tx: Tx, note: Note) -> int:
    """Keep a post, or a newer version of it; return the row's id."""
    rows = tx.returning(
        """
        INSERT INTO post (uri, author, state, version, visibility, text, summary, in_reply_to, url,
            published, updated, named, mentions)
        VALUES (?, ?, 'live', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (author, uri) DO UPDATE SET
            version = excluded.version, visibility = excluded.visibility, text = excluded.text,
            summary = excluded.summary, url = excluded.url, updated = excluded.updated,
            named = excluded.named, mentions = excluded.mentions
        RETURNING id
        """,
        note.id,
        note.author,
        note.version,
        int(note.audience.visibility),
        note.text,
        note.summary,
        note.in_reply_to,
        note.url,
        note.published,
        note.updated,
        _json(list(note.audience.actors)),
        _json([[mention.actor, mention.address] for mention in note.mentions]),
    )
    return int(rows[0][0])


def number_of(tx: ReadTx, author: str, uri: str) -> int:
    """The row's id of a post that is kept; 0 if it is not."""
    row = tx.row("SELECT id FROM post WHERE author = ? AND uri = ?", author, uri)
    return int(row[0]) if row else 0


def erase_post(tx: Tx, author: str, uri: str, now_s: int) -> None:
    """Leave a tombstone, and take the post off every timeline."""
    tx.change(
        "DELETE FROM timeline WHERE post IN (SELECT id FROM post WHERE author = ? AND uri = ?)", author, uri
    )
    tx.change(
        """
        UPDATE post SET state = 'gone', text = '', summary = '', in_reply_to = '', url = '',
            mentions = '[]', updated = ? WHERE author = ? AND uri = ?
        """,
        now_s,
        author,
        uri,
    )


def erase_posts_by(tx: Tx, author: str, now_s: int) -> None:
    """Leave tombstones of everything that somebody posted."""
    for row in tx.rows("SELECT uri FROM post WHERE author = ? AND state = 'live'", author):
        erase_post(tx, author, str(row[0]), now_s)


def post_at(tx: ReadTx, uri: str) -> Note | None:
    """A live post by its id."""
    row = tx.row(_NOTE + "WHERE uri = ? AND state = 'live'", uri)
    return _note(row) if row else None


def tombstone_at(tx: ReadTx, uri: str) -> int | None:
    """When a post was deleted, in seconds; None if it was not."""
    row = tx.row("SELECT updated FROM post WHERE uri = ? AND state = 'gone'", uri)
    return int(row[0]) if row else None


def posts_of(tx: ReadTx, author: str, lowest: Visibility, before: int, limit: int) -> list[tuple[int, Note]]:
    """Posts of an author that at least so many may see, newest first, each with its number."""
    rows = tx.rows(
        _NOTE + "WHERE author = ? AND state = 'live' AND visibility >= ? AND id < ? ORDER BY id DESC LIMIT ?",
        author,
        int(lowest),
        before,
        limit,
    )
    return [(int(row[-1]), _note(row)) for row in rows]


def count_posts(tx: ReadTx, author: str, lowest: Visibility) -> int:
    """How many posts of an author at least so many may see."""
    row = tx.row(
        "SELECT count(*) FROM post WHERE author = ? AND state = 'live' AND visibility >= ?",
        author,
        int(lowest),
    )
    return int(row[0]) if row else 0


# --- timelines --------------------------------------------------------------------------------------
def show(tx: Tx, account_id: int, post_id: int, booster: str, now_ms: int) -> None:
    """Put a post on an account's timeline, unless it is there."""
    tx.change(
        """
        INSERT INTO timeline (account, post, booster, added_at) VALUES (?, ?, ?, ?)
        ON CONFLICT (account, post) DO NOTHING
        """,
        account_id,
        post_id,
        booster,
        now_ms,
    )


def is_shown(tx: ReadTx, account_id: int, uri: str) -> bool:
    """Whether a post stands on an account's timeline."""
    row = tx.row(
        """
        SELECT 1 FROM timeline JOIN post ON post.id = timeline.post
        WHERE timeline.account = ? AND post.uri = ?
        """,
        account_id,
        uri,
    )
    return row is not None


def unshow_boost(tx: Tx, booster: str, target: str) -> None:
    """Take a post off the timelines where only this boost had put it."""
    tx.change(
        "DELETE FROM timeline WHERE booster = ? AND post IN (SELECT id FROM post WHERE uri = ?)",
        booster,
        target,
    )


def forget_old(tx: Tx, domain: str, before_ms: int) -> None:
    """Shorten timelines to what is not older, and forget posts from elsewhere that nobody here sees any more.

    What people of this node posted stays, as do posts that were made less long ago than that.
    """
    tx.change("DELETE FROM timeline WHERE added_at < ?", before_ms)
    tx.change(
        """
        DELETE FROM post WHERE max(published, updated) < ? AND author NOT LIKE ?
        AND id NOT IN (SELECT post FROM timeline)
        """,
        before_ms // 1000,
        f"https://{domain}/users/%",
    )
    tx.change("DELETE FROM reaction WHERE NOT EXISTS (SELECT 1 FROM post WHERE post.uri = reaction.target)")


def timeline_page(tx: ReadTx, account_id: int, actor: str, before: int, limit: int) -> list[TimelineRow]:
    """A page of an account's timeline, newest first; muted and blocked people are left out."""
    rows = tx.rows(
        """
        SELECT timeline.id, timeline.added_at, coalesce(author.address, post.author),
            coalesce(booster.address, timeline.booster),
            (SELECT count(*) FROM reaction WHERE target = post.uri AND kind = 'Like'),
            (SELECT count(*) FROM reaction WHERE target = post.uri AND kind = 'Announce'),
            EXISTS (SELECT 1 FROM reaction WHERE target = post.uri AND kind = 'Like' AND actor = ?2),
            EXISTS (SELECT 1 FROM reaction WHERE target = post.uri AND kind = 'Announce' AND actor = ?2),
            post.uri, post.author, text, visibility, named, published, updated, in_reply_to, summary, url,
            mentions, post.id,
            timeline.booster = '' AND EXISTS (
                SELECT 1 FROM said WHERE said.account = ?1 AND said.kind = 'follow'
                AND said.key = lower(author.address) AND said.notify = 1)
        FROM timeline JOIN post ON post.id = timeline.post
        LEFT JOIN person AS author ON author.actor = post.author
        LEFT JOIN person AS booster ON booster.actor = timeline.booster AND timeline.booster <> ''
        WHERE timeline.account = ?1 AND timeline.id < ?3 AND NOT EXISTS (
            SELECT 1 FROM block JOIN person ON person.id = block.person
            WHERE block.account = ?1 AND person.actor IN (post.author, timeline.booster)
        )
        ORDER BY timeline.id DESC LIMIT ?4
        """,
        account_id,
        actor,
        before,
        limit,
    )
    return [
        TimelineRow(
            row[0],
            _note(row[8:-1]),
            row[2],
            row[3],
            row[4],
            row[5],
            bool(row[6]),
            bool(row[7]),
            row[1],
            bool(row[-1]),
        )
        for row in rows
    ]


# --- reactions --------------------------------------------------------------------------------------
def put_reaction(tx: Tx, actor: str, kind: str, uri: str, target: str) -> bool:
    """Keep a reaction; False if the actor had reacted so before."""
    return bool(
        tx.change(
            """
            INSERT INTO reaction (uri, actor, kind, target) VALUES (?, ?, ?, ?)
            ON CONFLICT (actor, kind, target) DO NOTHING
            """,
            uri,
            actor,
            kind,
            target,
        )
    )


def reaction_to(tx: ReadTx, actor: str, kind: str, target: str) -> str | None:
    """The id of somebody's reaction to a post."""
    row = tx.row("SELECT uri FROM reaction WHERE actor = ? AND kind = ? AND target = ?", actor, kind, target)
    return str(row[0]) if row else None


def drop_reaction(tx: Tx, actor: str, uri: str) -> tuple[str, str] | None:
    """Take a reaction back; return its kind and target, or None if it was not there."""
    rows = tx.returning("DELETE FROM reaction WHERE actor = ? AND uri = ? RETURNING kind, target", actor, uri)
    return (str(rows[0][0]), str(rows[0][1])) if rows else None


def drop_reactions_by(tx: Tx, actor: str) -> None:
    """Take back everything that somebody reacted."""
    tx.change("DELETE FROM reaction WHERE actor = ?", actor)


def _note(row: Row) -> Note:
    uri, author, text, visibility, named, published, updated, in_reply_to, summary, url, mentions, _ = row
    return Note(
        id=uri,
        author=author,
        text=text,
        audience=Audience(Visibility(visibility), tuple(msgspec.json.decode(named, type=list[str]))),
        published=published,
        updated=updated,
        in_reply_to=in_reply_to,
        summary=summary,
        url=url,
        mentions=tuple(
            Mention(actor, address)
            for actor, address in msgspec.json.decode(mentions, type=list[tuple[str, str]])
        ),
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
