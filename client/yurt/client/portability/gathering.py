"""Gathering a network: everything that goes into a kit, an archive or a folder of files."""

from dataclasses import dataclass, field
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.portability.node_rows import Asks, fetch_rows, to_rows, to_ties
from yurt.client.rooms.groups import Groups
from yurt.client.vault import cursors, rooms
from yurt.identity.did import parse_did
from yurt.mls.errors import UnknownGroup
from yurt.portability.csv_files import encode_csv
from yurt.portability.csv_rows import CsvKind, Row
from yurt.portability.kit_room import KitRoom
from yurt.portability.roster import Tie
from yurt.rooms.common.policy import RoomPolicy
from yurt.rooms.common.room import read_policy
from yurt.wire.frames import room_log

SHOWN_STATES: Final = frozenset({"active", "stopped"})


@dataclass(frozen=True, slots=True)
class Network:
    """What the own node knows of an account."""

    rows: dict[CsvKind, tuple[Row, ...]] = field(repr=False)
    ties: tuple[Tie, ...] = field(repr=False)

    def csv_files(self) -> dict[CsvKind, bytes]:
        """Write every file, as Mastodon writes them."""
        return {kind: encode_csv(kind, rows) for kind, rows in self.rows.items()}


async def gather(node: Asks, now_s: int) -> Network:
    """Fetch everything from the own node; ``now_s`` is now, in seconds since 1970.

    Raises:
        ProblemError: It cannot be reached, or refuses.
    """
    found = {kind: await fetch_rows(node, kind) for kind in CsvKind}
    return Network(
        {kind: to_rows(kind, rows) for kind, rows in found.items()},
        to_ties(found[CsvKind.FOLLOWING], found[CsvKind.FOLLOWERS], now_s),
    )


def kit_rooms(tx: Connection, groups: Groups) -> tuple[KitRoom, ...]:
    """Give the card of each room, as this device last knew it; run on the writer's thread."""
    return tuple(_kit_room(tx, groups, room) for room in rooms.every(tx) if room.state in SHOWN_STATES)


def _kit_room(tx: Connection, groups: Groups, room: rooms.RoomRow) -> KitRoom:
    place = cursors.load(tx, room_log(room.room))
    policy = _policy(tx, groups, room.room)
    return KitRoom(
        room.room,
        policy.hub if policy else room.hub,
        tuple(fallback.node for fallback in policy.fallbacks) if policy else (),
        place.head.term,
        place.head.seq,
        place.chain or room.room,
        max(0, room.epoch),
        tuple(parse_did(did) for did, _ in room.people),
        room.name,
        room.topic,
    )


def _policy(tx: Connection, groups: Groups, room: bytes) -> RoomPolicy | None:
    """The room's policy; None if its group is lost (a resync brings it back)."""
    try:
        return read_policy(groups.load(tx, room).context.extensions)
    except UnknownGroup:
        return None
