"""What devices tell each other inside a room, and no person reads: read marks, offers of history."""

from sqlcipher3.dbapi2 import Connection

from yurt.client.history import granting
from yurt.client.rooms.reading import take_mark
from yurt.identity.leaf import VerifiedLeaf
from yurt.rooms.common.said import HistoryOffer, HistoryWanted, Read
from yurt.wire.position import LogRow


def take(
    tx: Connection, room: bytes, row: LogRow, author: VerifiedLeaf, said: Read | HistoryOffer | HistoryWanted
) -> None:
    """Take in what a device said to devices."""
    match said:
        case Read():
            take_mark(tx, room, row, author, said)
        case HistoryOffer():
            granting.offered(tx, room, author, said)
        case HistoryWanted():
            granting.wanted(tx, room, row, author, said)
