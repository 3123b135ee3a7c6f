"""A QR code in the terminal: two modules in a cell, dark on light whatever the theme, quiet zone included."""

from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget
from typing_extensions import override

QUIET: Final = 2
"""Light modules around it; the standard says four, every camera that we know takes two."""
_PAPER: Final = Style(color="#000000", bgcolor="#ffffff")
_HALVES: Final = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def rows_of(text: str) -> list[str]:
    """Draw a text as a QR code (ISO/IEC 18004, lowest error correction), two modules high a row."""
    import segno  # only when somebody invites by a link

    modules = [[bool(dark) for dark in row] for row in segno.make_qr(text, error="l").matrix]
    light = [False] * (len(modules) + 2 * QUIET)
    sides = [False] * QUIET
    framed = [*[light] * QUIET, *([*sides, *row, *sides] for row in modules), *[light] * QUIET]
    if len(framed) % 2:
        framed.append(light)
    return [
        "".join(_HALVES[upper, lower] for upper, lower in zip(framed[y], framed[y + 1], strict=True))
        for y in range(0, len(framed), 2)
    ]


class QrCode(Widget):
    """A QR code, as large as it must be."""

    DEFAULT_CSS = """
    QrCode { width: auto; height: auto; }
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self._rows = rows_of(text)

    @property
    def needs(self) -> Size:
        """Columns and rows without which no camera reads it."""
        return Size(len(self._rows[0]), len(self._rows))

    @override
    def get_content_width(self, container: Size, viewport: Size) -> int:
        return self.needs.width

    @override
    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self.needs.height

    @override
    def render_line(self, y: int) -> Strip:
        return Strip([Segment(self._rows[y], _PAPER)] if y < len(self._rows) else [])
