"""A buddy's word, brought by the own node, that it dropped the kit or soon will: nobody had renewed it.

What it dropped it gets anew, all of it: nothing is taken for confirmed there any more. Who reads this has a
device that renews the kit by itself; what stays to be seen is that, for a while, there was a copy less.
"""

from sqlcipher3.dbapi2 import Connection

from yurt.client.vault import kits
from yurt.wire.errors import GateError
from yurt.wire.gate import decode_msgpack
from yurt.wire.portability_commands import KitNotice
from yurt.wire.position import LogRow

_LIMIT = 8 * 1024


def take(tx: Connection, row: LogRow) -> None:
    """Take a notice in; one of no buddy of ours, or of a copy that was renewed since, says nothing."""
    try:
        notice = decode_msgpack(row.body, KitNotice, limit=_LIMIT)
    except GateError:
        return  # the own node's nonsense
    kits.note_drop(tx, notice.node, notice.drops_at, is_dropped=notice.is_dropped)
