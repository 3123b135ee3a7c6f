"""The two plots of a report, as SVG inside the page: retention by tie strength, and why ties were lost.

Text stays text, in the reader's own font; colours are told apart by people who see few (Okabe and Ito, "Color
universal design", 2008), and never alone: every bar and point has its figure beside it.
"""

import io
import re
import textwrap
from collections.abc import Sequence
from typing import Any, Final

from yurt.lab.migration.libraries import pyplot
from yurt.lab.migration.measures import share
from yurt.lab.migration.result import Result, Share, TieResult

BINS: Final = 4
_STRONG: Final = "#0072B2"
_WEAK: Final = "#E69F00"
_LOST: Final = "#D55E00"
_MAX_REASONS: Final = 12
_LINE: Final = 88
_PROLOG: Final = re.compile(r"\A.*?(?=<svg)", re.DOTALL)
_METADATA: Final = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_STYLE: Final = {"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 11}


def by_strength(ties: Sequence[TieResult]) -> list[tuple[float, float, list[TieResult]]]:
    """Put ties into at most four groups of about the same size, by strength: weakest, strongest, ties.

    Ties of one strength are never in two groups.
    """
    levels = sorted({tie.strength for tie in ties})
    ranked, groups = sorted(ties, key=lambda tie: tie.strength), list[list[TieResult]]()
    size = max(1, -(-len(ranked) // BINS))
    for level in levels:
        here = [tie for tie in ranked if tie.strength == level]
        if groups and len(groups[-1]) < size:
            groups[-1] += here
        else:
            groups.append(here)
    return [(group[0].strength, group[-1].strength, group) for group in groups]


def retention_plot(result: Result) -> str:
    """Retention in each group of strength, and of all strong and all other ties, with Wilson intervals."""
    plot = pyplot()
    rows = [(_range(low, high), _WEAK, "s", group) for low, high, group in by_strength(result.ties)]
    rows.append(("weak: one-way", "black", "o", [tie for tie in result.ties if not tie.strong]))
    rows.append(("strong: mutual", _STRONG, "o", [tie for tie in result.ties if tie.strong]))
    with plot.rc_context(_STYLE | {"svg.hashsalt": "retention"}):
        figure, axes = plot.subplots(figsize=(8, 0.9 + 0.5 * len(rows)), layout="constrained")
        for place, (_, colour, mark, group) in enumerate(rows):
            found = share(group)
            if found.share is None:
                axes.annotate("none there", (0.01, place), va="center")
                continue
            spread = [[max(0.0, found.share - found.low)], [max(0.0, found.high - found.share)]]
            axes.errorbar(found.share, place, xerr=spread, fmt=mark, color=colour, capsize=4)
            axes.annotate(_label(found), (1.03, place), va="center", annotation_clip=False)
        axes.axhline(len(rows) - 2.5, color="#bbb", linewidth=0.8)
        axes.set_yticks(range(len(rows)), [name for name, _, _, _ in rows])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.set_xlim(-0.02, 1.02)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
        axes.set_xlabel("ties kept, with Wilson's interval of 95 %")
        axes.grid(axis="x", alpha=0.3)
        return _svg(plot, figure, "Retention by tie strength")


def lost_plot(result: Result) -> str:
    """How many ties were lost for each reason; empty if none was."""
    lost = list(result.lost().items())
    if not lost:
        return ""
    plot = pyplot()
    if len(lost) > _MAX_REASONS:
        rest = sum(count for _, count in lost[_MAX_REASONS - 1 :])
        lost = [*lost[: _MAX_REASONS - 1], ("other reasons", rest)]
    lost.reverse()
    with plot.rc_context(_STYLE | {"svg.hashsalt": "lost"}):
        figure, axes = plot.subplots(figsize=(8, 1.0 + 0.8 * len(lost)), layout="constrained")
        bars = axes.barh(range(len(lost)), [count for _, count in lost], color=_LOST, height=0.35)
        axes.bar_label(bars, padding=3)
        for place, (reason, _) in enumerate(lost):
            axes.annotate(_wrapped(reason), (0, place + 0.24), annotation_clip=False, va="bottom")
        axes.set_yticks([])
        axes.set_ylim(-0.5, len(lost) - 0.1)
        axes.set_xlim(0, max(count for _, count in lost) * 1.15)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel(f"ties lost or pending, of {len(result.ties)}")
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        return _svg(plot, figure, "Where ties were lost, and why")


def _label(found: Share) -> str:
    return f"{found.kept} of {found.count}"


def _wrapped(reason: str) -> str:
    return textwrap.shorten(reason, _LINE, placeholder=" …")


def _range(low: float, high: float) -> str:
    return f"strength {low:.2f}" if low == high else f"strength {low:.2f} to {high:.2f}"


def _svg(plot: Any, figure: Any, title: str) -> str:  # noqa: ANN401  # matplotlib's
    """Write a figure as an element of HTML: no prolog, no metadata, and a name for who hears the page."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    plot.close(figure)
    text = _METADATA.sub("", _PROLOG.sub("", out.getvalue()))
    return text.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
