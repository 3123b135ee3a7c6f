"""Units about other nodes as peers; the rows stand in the tables of rooms and outbound items."""

from yurt.node.store import outbound
from yurt.node.store.types import ReadTx


def known_peers(tx: ReadTx) -> set[str]:
    """Every node for which something may wait: member nodes of rooms here, and owners of outbound items."""
    members = {str(row[0]) for row in tx.rows("SELECT DISTINCT node FROM room_node")}
    return members | set(outbound.nodes(tx))
