"""A colour for each person: the same on every start, and nobody can choose theirs.

``hash()`` differs from process to process; a plain digest could be mined for the colour of somebody's
friend. So the digest is keyed with the did of whoever looks at the screen.
"""

from hashlib import blake2b
from typing import Final

DARK: Final = (
    "#7fb4ff",
    "#ffb86b",
    "#8fd88a",
    "#ff9cc2",
    "#c9a7ff",
    "#6fd6d0",
    "#e6d36a",
    "#ff9e8a",
    "#a8c4e0",
    "#bfe07a",
    "#e0a8e8",
    "#d9c0a0",
)
"""Readable on dark backgrounds."""
LIGHT: Final = (
    "#1f5fbf",
    "#9a5200",
    "#1f7a2a",
    "#b0266a",
    "#6a3fbf",
    "#00706a",
    "#7a6600",
    "#b0361f",
    "#3f5f80",
    "#4f7000",
    "#8a2f98",
    "#705030",
)
"""The same people on light backgrounds."""


def warning_colour(*, dark: bool) -> str:
    """Give the colour of what is urgent."""
    return "#ffc04d" if dark else "#8a4b00"


def colour_of(did: str, viewer: str, *, dark: bool) -> str:
    """Give the colour of a person's name.

    Args:
        did: Of the person; an address will do for somebody without one.
        viewer: Did of whoever looks.
        dark: Whether the background is.
    """
    key = blake2b(viewer.encode(), digest_size=32).digest()
    number = int.from_bytes(blake2b(did.encode(), key=key, digest_size=8).digest(), "big")
    palette = DARK if dark else LIGHT
    return palette[number % len(palette)]
