"""Message lengths say little: padded to 256-byte steps up to 1 KiB, then to powers of two (TRUST 4)."""

from typing import Final

_STEP: Final = 256
_STEPS_END: Final = 1024


def padded_length(length: int) -> int:
    """Round a plaintext's length up.

    Args:
        length: Bytes before padding.

    Returns:
        A multiple of 256 up to 1,024, then a power of two; at least 256.
    """
    if length <= _STEPS_END:
        return max(-(-length // _STEP), 1) * _STEP
    return 1 << (length - 1).bit_length()
