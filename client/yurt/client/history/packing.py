"""What this vault can tell of a room: messages, and what was done to them, as items of a bundle.

For others only what this device, or an own one, has seen; nobody's word is passed on as one's own.
"""

from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.vault.history import Grant
from yurt.rooms.common.content import Create, Note, Target, encode_content
from yurt.rooms.common.errors import ContentError
from yurt.rooms.common.history import MAX_ITEMS, HistoryItem
from yurt.wire.position import Position

_SEEN: Final = """
    item.room = ?1 AND item.seq > 0 AND item.content_id <> x'' AND item.state <> 'refused'
    AND (item.term, item.seq) < (?2, ?3) AND item.accepted_at >= ?4 AND (item.vouched IN ('', ?5) OR ?6)
    ORDER BY item.term DESC, item.seq DESC LIMIT ?7
"""
_NOTES: Final = f"""
    SELECT term, seq, accepted_at, did, actor, content_id, CASE marks WHEN '' THEN text ELSE original END,
        reply_did, reply_id
    FROM item WHERE item.kind = 'message' AND {_SEEN}
"""  # noqa: S608  # constants of this file
_ACTIONS: Final = f"""
    SELECT item.term, item.seq, item.accepted_at, item.did, item.actor, action.content
    FROM action JOIN item ON item.id = action.item WHERE {_SEEN}
"""  # noqa: S608  # constants of this file


def items_for(tx: Connection, grant: Grant, own: str) -> list[HistoryItem]:
    """Collect what may be given, newest first of each kind; a deleted message is only its deletion."""
    values = (
        grant.room,
        grant.before.term,
        grant.before.seq,
        grant.since,
        own,
        int(grant.did == own),
        MAX_ITEMS,
    )
    found: list[HistoryItem] = []
    for term, seq, at, did, actor, name, text, reply_did, reply_id in tx.execute(_NOTES, values).fetchall():
        target = Target(reply_did, reply_id) if reply_did else None
        if not text:
            continue
        try:
            content = encode_content(Create(name, Note(text, target)))
        except ContentError:
            continue
        found.append(HistoryItem(Position(term, seq), at, did, 0, content, actor))
    for term, seq, at, did, actor, content in tx.execute(_ACTIONS, values).fetchall():
        found.append(HistoryItem(Position(term, seq), at, did, 0, content, actor))
    return found
