"""base58btc, the alphabet of multibase ``z``: what did:key and Data Integrity proofs are written in.

Both callers hand over at most a signature and two prefix bytes, so the quadratic cost of base 58 is
bounded by ``MAX_TEXT``.
"""

from typing import Final

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS: Final = {character: digit for digit, character in enumerate(_ALPHABET)}
MAX_TEXT: Final = 128
"""Longest text that is decoded, in characters."""


def encode(data: bytes) -> str:
    """Write bytes in base58btc, without a multibase prefix."""
    number = int.from_bytes(data, "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = _ALPHABET[digit] + text
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + text


def decode(text: str) -> bytes:
    """Read base58btc; each byte string has exactly one text.

    Raises:
        ValueError: A character outside the alphabet, or more than ``MAX_TEXT`` of them.
    """
    if len(text) > MAX_TEXT:
        raise ValueError("too long")
    number = 0
    for character in text:
        if character not in _DIGITS:
            raise ValueError("a character that base58 does not have")
        number = number * 58 + _DIGITS[character]
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
