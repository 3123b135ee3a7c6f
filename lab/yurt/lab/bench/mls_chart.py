"""The cost of a commit over the size of its group, as a drawing for the documentation."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Final

from typing_extensions import override

_WIDTH, _HEIGHT, _MARGIN = 640, 360, 56
_DECADES: Final = (-1, 3)
"""Of the vertical axis: 0.1 ms to 1 s."""
_LINES: Final = {
    "update commit, blank tree": "#b5532a",
    "update commit, full tree": "#2a6fb5",
    "process commit, full tree": "#3c8c40",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One operation at one size."""

    members: int
    name: str
    ms: float
    floor: float

    @override
    def __str__(self) -> str:
        times = self.ms / self.floor
        return f"{self.members:>6} {self.name:<28} {self.ms:>9.3f} {self.floor:>9.3f} {times:>6.1f}"


def draw(rows: Sequence[Row]) -> str:
    """Draw the commits among `rows` as SVG, both axes logarithmic; their floors are dashed."""
    sizes = sorted({row.members for row in rows})
    parts = [_frame(sizes)]
    for place, (name, colour) in enumerate(_LINES.items()):
        own = sorted((row for row in rows if row.name == name), key=lambda row: row.members)
        for values, dash in (([row.ms for row in own], ""), ([row.floor for row in own], "4 4")):
            points = " ".join(
                f"{_x(row.members, sizes):.1f},{_y(value):.1f}"
                for row, value in zip(own, values, strict=True)
            )
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" '
                f'stroke-dasharray="{dash}"/>'
            )
        parts.append(_text(_MARGIN + 12, _MARGIN + 18 * place, name, colour, "start"))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-size="12" '
        f'font-family="sans-serif">\n{body}\n</svg>\n'
    )


def _x(members: int, sizes: Sequence[int]) -> float:
    first, last = log10(sizes[0]), log10(sizes[-1])
    share = (log10(members) - first) / ((last - first) or 1)
    return _MARGIN + share * (_WIDTH - 2 * _MARGIN)


def _y(ms: float) -> float:
    low, high = _DECADES
    return _HEIGHT - _MARGIN - (log10(ms) - low) / (high - low) * (_HEIGHT - 2 * _MARGIN)


def _text(x: float, y: float, text: str, colour: str = "#444", anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{text}</text>'


def _frame(sizes: Sequence[int]) -> str:
    left, right = _MARGIN, _WIDTH - _MARGIN
    parts = [f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>']
    for decade in range(_DECADES[0], _DECADES[1] + 1):
        y = _y(10**decade)
        parts.append(f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(_text(left - 6, y + 4, f"{10**decade:g} ms", anchor="end"))
    parts += [_text(_x(size, sizes), _HEIGHT - _MARGIN + 18, str(size)) for size in sizes]
    parts.append(_text(_WIDTH / 2, _HEIGHT - 12, "members; CPU time of one commit, its primitives dashed"))
    return "\n".join(parts)
