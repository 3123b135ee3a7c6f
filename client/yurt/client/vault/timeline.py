"""The lines of all rooms, in the order in which this device learned of them.

Every change of a line takes the next ``revision``; whoever watches asks for what changed after the last
revision that it has seen, and misses nothing, whatever hint was lost.
"""

from typing import Final

import msgspec
from sqlcipher3.dbapi2 import Connection

from yurt.client.api import DEFAULT_PAGE, ItemKind, Reaction, SendState, TimelineItem
from yurt.client.vault import blocked
from yurt.client.vault.accounts import address_of
from yurt.client.vault.addresses import NOT_CONFIRMED
from yurt.client.vault.blocked import Blocked
from yurt.client.vault.writer import Row
from yurt.wire.position import Position

_SELECT: Final = """
    SELECT item.id, item.revision, item.room, item.kind, item.term, item.seq, item.did, item.actor, item.text,
    item.reason, item.content_id,
    CASE WHEN item.state = 'accepted' AND item.seq > 0
            AND (item.term, item.seq) <= (settled.term, settled.seq)
        THEN 'settled' ELSE item.state END,
    item.own, item.accepted_at, coalesce(person.address, ''),
    confirmed.did IS NOT NULL OR item.own OR item.did = (SELECT did FROM account),
    item.reply_did, item.reply_id, item.marks, item.vouched,
    CASE WHEN item.own AND item.seq > 0 AND item.kind = 'message' THEN (
        SELECT json_group_array(DISTINCT coalesce(known.address, sure.actor, '?' || read_by.actor))
        FROM read_by LEFT JOIN person AS known ON known.did = read_by.did
            LEFT JOIN confirmed AS sure ON sure.did = read_by.did AND sure.actor = read_by.actor
        WHERE read_by.room = item.room AND (read_by.term, read_by.seq) >= (item.term, item.seq)
            AND read_by.did <> item.did
    ) ELSE '' END,
    CASE WHEN item.vouched <> '' THEN coalesce(
        (SELECT voucher.address FROM person AS voucher WHERE voucher.did = item.vouched),
        (SELECT own.name || '@' || own.node FROM account AS own WHERE own.did = item.vouched),
        (SELECT sure.actor FROM confirmed AS sure WHERE sure.did = item.vouched LIMIT 1),
        (SELECT '?' || json_extract(one.value, '$[1]') FROM room, json_each(room.people) AS one
            WHERE room.room = item.room AND json_extract(one.value, '$[0]') = item.vouched),
        '') ELSE '' END
    FROM item LEFT JOIN person ON person.did = item.did
        LEFT JOIN confirmed ON confirmed.did = item.did AND confirmed.actor = item.actor
        LEFT JOIN settled ON settled.room = item.room AND settled.did = item.did
"""
_WITH_WORDS: Final = """
    WHERE item.id IN (SELECT rowid FROM word WHERE word MATCH ?1)
        AND (?2 IS NULL OR item.room = ?2) AND item.id < ?3
        AND item.did NOT IN (SELECT did FROM blocked)
    ORDER BY item.id DESC LIMIT ?4
"""
BLOCKED: Final = "blocked"
"""Reason of a line whose author this person blocks; front ends may fold several into one."""
BLOCKED_TEXT: Final = "blocked: 1 message"
_BEGINNING: Final = -(2**62)
"""Before every local id."""
_EARLIEST: Final = "(SELECT min(coalesce(min(id), 0), 0) - 1 FROM item)"
_NEXT_REVISION: Final = "(SELECT coalesce(max(revision), 0) + 1 FROM item)"


class NewItem(msgspec.Struct, frozen=True, kw_only=True):
    """A line to be added."""

    room: bytes
    kind: ItemKind
    did: str = ""
    actor: str = ""
    text: str = ""
    reason: str = ""
    content_id: bytes = b""
    hash: bytes = b""
    """Of the content's bytes, to notice other bytes under one content id."""
    state: SendState = "accepted"
    own: bool = False
    position: Position | None = None
    accepted_at: int = 0
    hidden: bool = False
    """Not shown: an action on another line."""
    reply_did: str = ""
    reply_id: bytes = b""
    vouched: str = ""
    """Did of whoever told this device of it; such a line stands before all that this device saw itself."""


class Marks(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was done to a message, as it is shown."""

    edited: bool = False
    deleted_by: str = ""
    reactions: tuple[Reaction, ...] = ()


_UNTOUCHED: Final = Marks()


def add(tx: Connection, item: NewItem, instead_of: int | None = None) -> int:
    """Add a line; returns its local id. It may stand instead of another one, under the same id.

    Lines of history are told newest first, and each takes an id below all others: so they stand in order.
    """
    term, seq = (item.position.term, item.position.seq) if item.position else (0, 0)
    row: Row = tx.execute(
        f"""
        INSERT {"" if instead_of is None else "OR REPLACE"}
        INTO item (id, revision, room, kind, term, seq, did, actor, text, reason, content_id, hash,
            state, own, accepted_at, hidden, reply_did, reply_id, vouched)
        VALUES (coalesce(?18, {_EARLIEST if item.vouched else "NULL"}), {_NEXT_REVISION},
            ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
            -- said on another device of this person: own all the same
            max(?12, (?2 = 'message' OR ?14) AND ?5 <> '' AND ?5 = coalesce((SELECT did FROM account), '')),
            ?13, ?14, ?15, ?16, ?17)
        RETURNING id
        """,  # noqa: S608  # a constant
        (
            item.room,
            item.kind,
            term,
            seq,
            item.did,
            item.actor,
            item.text,
            item.reason,
            item.content_id,
            item.hash,
            item.state,
            int(item.own),
            item.accepted_at,
            int(item.hidden),
            item.reply_did,
            item.reply_id,
            item.vouched,
            instead_of,
        ),
    ).fetchone()
    return int(row[0])


def set_state(tx: Connection, item: int, state: SendState, reason: str = "") -> None:
    """Change the state of an own message."""
    tx.execute(
        f"UPDATE item SET state = ?, reason = ?, revision = {_NEXT_REVISION} WHERE id = ?",  # noqa: S608  # a constant
        (state, reason, item),
    )


def reveal(tx: Connection, item: int, kind: ItemKind, text: str, reason: str) -> None:
    """Show a line that was hidden, as something else."""
    tx.execute(
        f"""
        UPDATE item SET hidden = 0, kind = ?, text = ?, reason = ?, revision = {_NEXT_REVISION} WHERE id = ?
        """,  # noqa: S608  # a constant
        (kind, text, reason, item),
    )


def accept(tx: Connection, item: int, position: Position, accepted_at: int) -> None:
    """Give an own message its place in the log; again is no change."""
    tx.execute(
        f"""
        UPDATE item SET state = 'accepted', reason = '', term = ?, seq = ?, accepted_at = ?,
            revision = {_NEXT_REVISION}
        WHERE id = ? AND seq = 0
        """,  # noqa: S608  # a constant
        (position.term, position.seq, accepted_at, item),
    )


def find_content(tx: Connection, room: bytes, did: str, content_id: bytes) -> tuple[int, bytes] | None:
    """Look up a content by its name; returns local id and hash."""
    row = tx.execute(
        "SELECT id, hash FROM item WHERE room = ? AND did = ? AND content_id = ? AND content_id <> x''",
        (room, did, content_id),
    ).fetchone()
    return None if row is None else (row[0], row[1])


def get(tx: Connection, item: int) -> TimelineItem | None:
    """Give one line as it stands."""
    row = tx.execute(_SELECT + " WHERE item.id = ?", (item,)).fetchone()
    return None if row is None else _item(row)


def page(tx: Connection, room: bytes | None, after: int, limit: int) -> list[TimelineItem]:
    """Give lines after a local id, oldest first; of one room or of all."""
    rows = tx.execute(
        _SELECT
        + """ WHERE item.id > ?1 AND (?2 IS NULL OR item.room = ?2) AND item.hidden = 0
        ORDER BY item.id LIMIT ?3""",
        (after or _BEGINNING, room, limit),
    ).fetchall()
    return _items(tx, rows)


def page_before(tx: Connection, room: bytes, before: int, limit: int) -> list[TimelineItem]:
    """Give the last lines of a room before a local id, oldest first."""
    rows = tx.execute(
        _SELECT + " WHERE item.id < ? AND item.room = ? AND item.hidden = 0 ORDER BY item.id DESC LIMIT ?",
        (before, room, limit),
    ).fetchall()
    return _items(tx, rows[::-1])


def changed(
    tx: Connection,
    *,
    room: bytes | None,
    revision: int,
    after: int = 0,
    since: int = 0,
    limit: int = DEFAULT_PAGE,
) -> list[TimelineItem]:
    """Give lines added or changed after a revision, in the order of their newest changes.

    Args:
        tx: A connection.
        room: One room, or None for all.
        revision: Only lines changed after it.
        after: Only lines with a higher local id ...
        since: ... or changed after this revision.
        limit: At most that many.
    """
    rows = tx.execute(
        _SELECT
        + """ WHERE item.revision > ?1 AND (?2 IS NULL OR item.room = ?2)
            AND (item.id > ?4 OR item.revision > ?5) AND item.hidden = 0
        ORDER BY item.revision LIMIT ?3""",
        (revision, room, limit, after or _BEGINNING, since),
    ).fetchall()
    return _items(tx, rows)


def search(tx: Connection, room: bytes | None, words: str, before: int, limit: int) -> list[TimelineItem]:
    """Give the last messages before a local id that have all the words, oldest first.

    Args:
        tx: A connection.
        room: One room, or None for all.
        words: Separated by blanks; each stands for every word that begins so, accents and case aside.
        before: Only lines with a lower local id.
        limit: At most that many.
    """
    quoted = (word.replace('"', '""') for word in words.split())
    query = " ".join(f'"{word}"*' for word in quoted)
    rows = tx.execute(
        _SELECT + _WITH_WORDS,
        (query, room, before, limit),
    ).fetchall()
    return _items(tx, rows[::-1])


def revision(tx: Connection) -> int:
    """Give the newest revision."""
    (newest,) = tx.execute("SELECT coalesce(max(revision), 0) FROM item").fetchone()
    return int(newest)


def count_undecryptable(tx: Connection, room: bytes | None) -> int:
    """Count the entries that could not be read."""
    (count,) = tx.execute(
        "SELECT count(*) FROM item WHERE kind = 'undecryptable' AND (?1 IS NULL OR room = ?1)", (room,)
    ).fetchone()
    return int(count)


def _items(tx: Connection, rows: list[Row]) -> list[TimelineItem]:
    """Give lines as they are shown: what blocked people say is folded away (TRUST 7)."""
    who = blocked.load(tx)
    items = map(_item, rows)
    return [_folded(item, who) for item in items] if who.addresses else list(items)


def _folded(item: TimelineItem, who: Blocked) -> TimelineItem:
    if item.kind != "message":
        return item  # who came and went is hidden from nobody
    if item.did in who.dids:
        return msgspec.structs.replace(
            item, text=BLOCKED_TEXT, reason=BLOCKED, reactions=(), reply_did="", reply_id=b"", edited=False
        )
    left = [_without(each, who) for each in item.reactions]
    return msgspec.structs.replace(item, reactions=tuple(each for each in left if each.by))


def _without(reaction: Reaction, who: Blocked) -> Reaction:
    """Leave blocked people out: by did, since an address may not be confirmed; old marks name none."""
    dids = reaction.dids or ("",) * len(reaction.by)
    pairs = [
        (by, did)
        for by, did in zip(reaction.by, dids, strict=True)
        if by not in who.addresses and did not in who.dids
    ]
    return msgspec.structs.replace(
        reaction, by=tuple(by for by, _ in pairs), dids=tuple(did for _, did in pairs if did)
    )


def _item(row: Row) -> TimelineItem:
    (
        item,
        newest,
        room,
        kind,
        term,
        seq,
        did,
        actor,
        text,
        reason,
        content_id,
        state,
        own,
        accepted_at,
        pinned,
        is_sure,
        reply_did,
        reply_id,
        done,
        vouched,
        readers,
        voucher,
    ) = row
    marks = msgspec.json.decode(done, type=Marks) if done else _UNTOUCHED
    is_sure = is_sure or bool(pinned) or not actor
    address: str = pinned or address_of(actor) + ("" if is_sure else NOT_CONFIRMED)
    return TimelineItem(
        item=item,
        revision=newest,
        room=room,
        kind=kind,
        position=Position(term, seq) if seq else None,
        did=did,
        address=address,
        name=("" if is_sure else "?") + address.partition("@")[0],
        text=text,
        reason=reason,
        content_id=content_id,
        state=state,
        own=bool(own),
        accepted_at=accepted_at,
        reply_did=reply_did,
        reply_id=reply_id,
        edited=marks.edited,
        deleted_by=marks.deleted_by,
        reactions=marks.reactions,
        read_by=_addresses(readers),
        vouched_by=_name(voucher) if voucher else vouched,
    )


def _addresses(readers: str) -> tuple[str, ...]:
    """Read who has read a line: pinned addresses, actors that are confirmed, and others after a ``?``."""
    if not readers or readers == "[]":
        return ()
    return tuple(sorted(_name(each) for each in msgspec.json.decode(readers, type=tuple[str, ...])))


def _name(reader: str) -> str:
    if reader.startswith("?"):
        return address_of(reader[1:]) + NOT_CONFIRMED
    return address_of(reader) if "/" in reader else reader
