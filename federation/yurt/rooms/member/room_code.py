"""Thirty digits that all members of an epoch share, to be compared by eye or voice (TRUST 5).

They come from the epoch's authenticator, which a hub that shows two groups to two people cannot make equal;
so the code names its epoch: people in different epochs see different digits, and know why.

    room_code(group.group_id, group.epoch, group.epoch_authenticator)
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from yurt.rooms.common.labels import LABEL_ROOM_CODE

_GROUPS: Final = 6
_GROUP_BYTES: Final = 5


@dataclass(frozen=True, slots=True)
class RoomCode:
    """What people read to each other."""

    epoch: int
    digits: str
    """Six groups of five digits."""


def room_code(group_id: bytes, epoch: int, epoch_authenticator: bytes) -> RoomCode:
    """Compute the code of an epoch.

    Args:
        group_id: The room.
        epoch: Its current epoch.
        epoch_authenticator: Of that epoch (RFC 9420, 8.7); it is hashed, so the digits give nothing away.
    """
    said = LABEL_ROOM_CODE + b"\0" + group_id + epoch.to_bytes(8, "big") + epoch_authenticator
    digest = hashlib.sha256(said).digest()
    groups = (digest[i * _GROUP_BYTES : (i + 1) * _GROUP_BYTES] for i in range(_GROUPS))
    return RoomCode(epoch, " ".join(f"{int.from_bytes(group, 'big') % 100_000:05d}" for group in groups))
