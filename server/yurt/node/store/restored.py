"""Queries of a restored node: which rooms lack what other nodes may hold."""

from yurt.node.store.types import ReadTx


def member_nodes(tx: ReadTx, domain: str) -> dict[bytes, set[str]]:
    """The member nodes of each room of this hub that has any now."""
    rows = tx.rows(
        """
        SELECT room_node.room, room_node.node FROM room_node JOIN room ON room.room = room_node.room
        WHERE room.hub = ? AND room_node.end_seq = 0
        """,
        domain,
    )
    found: dict[bytes, set[str]] = {}
    for room, node in rows:
        found.setdefault(bytes(room), set()).add(str(node))
    return found


def rooms_elsewhere(tx: ReadTx, domain: str) -> list[tuple[bytes, str]]:
    """Rooms of which this node keeps a copy, each with its hub."""
    return [
        (bytes(room), str(hub)) for room, hub in tx.rows("SELECT room, hub FROM room WHERE hub <> ?", domain)
    ]
