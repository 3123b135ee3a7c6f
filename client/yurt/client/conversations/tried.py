"""What the inbox tells of clients of other software: who tried to begin a conversation."""

from sqlcipher3.dbapi2 import Connection

from yurt.client.vault import conversations
from yurt.wire import limits
from yurt.wire.errors import GateError
from yurt.wire.gate import decode_msgpack
from yurt.wire.position import LogRow
from yurt.wire.sanitise import clean_line
from yurt.wire.swicg_commands import ConversationTried


def take(tx: Connection, row: LogRow) -> None:
    """Keep who tried, once; the package that they could have used is to be replaced (TRUST 6)."""
    try:
        told = decode_msgpack(row.body, ConversationTried, limit=limits.NODE_FRAME)
    except GateError:
        return
    conversations.note_try(tx, clean_line(told.actor), clean_line(told.address), row.accepted_at)
    conversations.mark_used(tx, row.accepted_at // 1000)
