"""Two people compare 60 digits by eye or voice, and know that nobody stands between their dids.

Each did becomes 30 digits: SHA-512 over ``label || 0x00 || key``, then 5,199 more rounds over
``hash || key`` (each try at a colliding key costs all rounds), then six groups of five digits, each 40
bits modulo 100,000. The smaller half stands first, so both sides see the same number.
"""

import hashlib
from typing import Final

from yurt.identity.did import public_of
from yurt.wire.registry import LABEL_SAFETY_NUMBER

_ROUNDS: Final = 5_200
_GROUPS: Final = 6
_GROUP_BYTES: Final = 5


def _half(did: str) -> str:
    public = public_of(did)
    digest = hashlib.sha512(LABEL_SAFETY_NUMBER + b"\0" + public).digest()
    for _ in range(_ROUNDS - 1):
        digest = hashlib.sha512(digest + public).digest()
    groups = (digest[i * _GROUP_BYTES : (i + 1) * _GROUP_BYTES] for i in range(_GROUPS))
    return "".join(f"{int.from_bytes(group, 'big') % 100_000:05d}" for group in groups)


def safety_number(one: str, other: str) -> str:
    """Compute the number that two people compare; the order of the dids does not matter.

    Returns:
        60 digits in twelve groups of five, separated by spaces.

    Raises:
        MalformedDid: One of them is no did.
    """
    digits = "".join(sorted((_half(one), _half(other))))
    return " ".join(digits[i : i + 5] for i in range(0, len(digits), 5))
