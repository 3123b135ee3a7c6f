"""What a person must know of a room to enter it again when its hub is gone (TRUST 7).

The fields are those of the kit's room card, and name and topic, which nobody else could tell somebody
who comes back alone. In files they are lines of RFC 8785 JSON, in the order of the rooms' ids.

    data = encode_rooms(rooms)
    rooms = decode_rooms(data)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Final

import msgspec

from yurt.identity import base64url
from yurt.identity.did import Did, parse_did
from yurt.identity.location import check_node
from yurt.portability.canonical import MAX_JSON_LINE, Integer, Short, decode, encode, lines
from yurt.wire.registry import HASH_SIZE, ROOM_ID_SIZE

MAX_ROOMS: Final = 1_000
MAX_DIDS: Final = 2_000
MAX_FALLBACKS: Final = 3


@dataclass(frozen=True, slots=True)
class KitRoom:
    """One room, as its participant last knew it."""

    group_id: bytes
    """32 bytes: the room."""
    hub: str
    """Name of the node that ordered the log."""
    fallbacks: tuple[str, ...]
    """Names of the nodes that may take over, in order."""
    term: int
    seq: int
    chain: bytes
    """32 bytes: the chain hash at (term, seq)."""
    epoch: int
    dids: tuple[Did, ...]
    """Who took part: a GroupInfo is accepted only from one of them."""
    name: str = ""
    topic: str = ""


class _RoomJson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    group_id: Short
    hub: Short
    fallbacks: Annotated[list[Short], msgspec.Meta(max_length=MAX_FALLBACKS)]
    term: Integer
    seq: Integer
    chain: Short
    epoch: Integer
    dids: Annotated[list[Short], msgspec.Meta(max_length=MAX_DIDS)]
    name: Short
    topic: Short


def encode_rooms(rooms: Iterable[KitRoom]) -> bytes:
    """Write rooms, in any order."""
    ordered = sorted(rooms, key=lambda room: room.group_id)
    return b"".join(encode(_to_json(room)) + b"\n" for room in ordered)


def decode_rooms(data: bytes) -> tuple[KitRoom, ...]:
    """Read rooms.

    Raises:
        GateError: Not strict, not canonical, or not of this shape.
        RemoteIdentityError: A did or a node's name that is none.
        ValueError: Another size, too many rooms, a room twice or out of order.
    """
    rooms = tuple(_from_json(decode(line, _RoomJson, limit=MAX_JSON_LINE)) for line in lines(data))
    if len(rooms) > MAX_ROOMS:
        raise ValueError(f"more than {MAX_ROOMS} rooms")
    if any(one.group_id >= other.group_id for one, other in pairwise(rooms)):
        raise ValueError("a room twice, or out of order")
    return rooms


def _to_json(room: KitRoom) -> _RoomJson:
    return _RoomJson(
        group_id=base64url.encode(room.group_id),
        hub=room.hub,
        fallbacks=list(room.fallbacks),
        term=room.term,
        seq=room.seq,
        chain=base64url.encode(room.chain),
        epoch=room.epoch,
        dids=list(room.dids),
        name=room.name,
        topic=room.topic,
    )


def _from_json(value: _RoomJson) -> KitRoom:
    return KitRoom(
        base64url.decode(value.group_id, ROOM_ID_SIZE),
        check_node(value.hub),
        tuple(map(check_node, value.fallbacks)),
        value.term,
        value.seq,
        base64url.decode(value.chain, HASH_SIZE),
        value.epoch,
        tuple(map(parse_did, value.dids)),
        value.name,
        value.topic,
    )
