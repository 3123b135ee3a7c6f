"""Units about other nodes as peers; the rows stand in the tables of rooms and outbound items."""

from yurt.node.store import logs, outbound
from yurt.node.store.outbound import OutboundKind
from yurt.node.store.rooms import peer_reader
from yurt.node.store.types import ReadTx
from yurt.wire.frames import room_log
from yurt.wire.position import LogRow, Position


def known_peers(tx: ReadTx) -> set[str]:
    """Every node for which something may wait: member nodes of rooms here, and owners of outbound items."""
    members = {str(row[0]) for row in tx.rows("SELECT DISTINCT node FROM room_node")}
    return members | set(outbound.nodes(tx))


def is_neighbour(tx: ReadTx, node: str) -> bool:
    """Whether this node has to do with another one already: as a hub, a member node, or with what waits."""
    row = tx.row(
        """
        SELECT 1 WHERE EXISTS (SELECT 1 FROM room WHERE hub = ?1)
            OR EXISTS (SELECT 1 FROM room_node WHERE node = ?1)
            OR EXISTS (SELECT 1 FROM outbound WHERE node = ?1)
        """,
        node,
    )
    return row is not None


def rooms_behind(tx: ReadTx, node: str) -> list[tuple[bytes, Position]]:
    """Rooms of which a member node lacks rows, each with the last position it may have (`STILL`: no end)."""
    # One statement for all of its rooms: this is asked for each message. `seq` goes on through terms.
    rows = tx.rows(
        """
        SELECT room_node.room, room_node.end_term, room_node.end_seq
        FROM room_node
        JOIN log ON log.name = 'room/' || lower(hex(room_node.room))
        LEFT JOIN cursor ON cursor.log = log.id AND cursor.reader = ?2
        WHERE room_node.node = ?1
            AND (SELECT max(seq) FROM entry WHERE entry.log = log.id) > ifnull(cursor.seq, 0)
            AND (room_node.end_seq = 0 OR room_node.end_seq > ifnull(cursor.seq, 0))
        """,
        node,
        peer_reader(node),
    )
    return [(bytes(room), Position(term, seq)) for room, term, seq in rows]


def has_start(tx: ReadTx, node: str, room: bytes) -> bool:
    """Whether a start of this room waits for a peer, or was set aside because the peer refuses it."""
    row = tx.row(
        "SELECT 1 FROM outbound WHERE node = ? AND room = ? AND kind = ?", node, room, OutboundKind.START
    )
    return row is not None


def row_at(tx: ReadTx, room: bytes, position: Position) -> LogRow | None:
    """The row of a room's log at a position."""
    rows = logs.after(tx, room_log(room), Position(position.term, position.seq - 1), 1)
    return rows[0] if rows and rows[0].position == position else None
