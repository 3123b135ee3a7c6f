"""Bytes in our JSON formats: base64url without padding, in its one canonical spelling.

Lenient decoders take several texts for the same bytes; a signed record must have one.
"""

import base64
import binascii


def encode(data: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str, size: int | None = None) -> bytes:
    """Read base64url without padding.

    Args:
        text: What `encode` makes; nothing else.
        size: How many bytes it must be, if that is fixed.

    Raises:
        ValueError: Another spelling, or another size.
    """
    try:
        data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (UnicodeEncodeError, binascii.Error):
        raise ValueError("not base64url") from None
    # The library skips characters that are not in the alphabet and ignores trailing bits.
    if encode(data) != text:
        raise ValueError("not canonical base64url")
    if size is not None and len(data) != size:
        raise ValueError(f"{len(data)} bytes where {size} belong")
    return data
