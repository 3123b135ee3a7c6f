"""The hash chain of a room's log: one hash names everything up to a position (TRUST 4).

``chain_n = SHA-256("yurt/chain/1" || 0 || chain_{n-1} || term u32 || seq u64 || kind u8 || accepted_at u64
|| SHA-256(entry))``, big-endian, milliseconds; ``chain_0`` is the room id. A row whose body was erased
keeps kind, accepted_at and hash, so the chain can still be checked.

    chain = next_chain(room_id, Position(1, 1), EntryKind.MESSAGE, now_ms, entry_hash(entry))
"""

import hashlib

from yurt.wire.position import LogRow, Position
from yurt.wire.registry import LABEL_CHAIN


def entry_hash(entry: bytes) -> bytes:
    """Name an entry: the SHA-256 of the MLSMessage's bytes, never of the frame around it."""
    return hashlib.sha256(entry).digest()


def next_chain(previous: bytes, position: Position, kind: int, accepted_at: int, entry: bytes) -> bytes:
    """Add one entry to the chain.

    Args:
        previous: The chain hash before it: 32 bytes, the room id for the first.
        position: Where the entry stands.
        kind: An `EntryKind`, known or not.
        accepted_at: Milliseconds since 1970, by the hub's clock.
        entry: The entry's hash, 32 bytes.

    Returns:
        32 bytes.
    """
    stamp = (
        position.term.to_bytes(4, "big")
        + position.seq.to_bytes(8, "big")
        + kind.to_bytes(1, "big")
        + accepted_at.to_bytes(8, "big")
    )
    return hashlib.sha256(LABEL_CHAIN + b"\0" + previous + stamp + entry).digest()


def chain_of(previous: bytes, row: LogRow) -> bytes:
    """Compute the chain hash that a row must carry after `previous`."""
    return next_chain(previous, row.position, row.kind, row.accepted_at, row.hash)
