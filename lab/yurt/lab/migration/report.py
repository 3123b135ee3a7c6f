"""The report of a migration: one page that needs nothing from anywhere, no script, no font, no picture."""

from collections.abc import Iterable
from html import escape
from typing import Final

from yurt.lab.migration.plots import lost_plot, retention_plot
from yurt.lab.migration.result import Result, Share

_STYLE: Final = (
    "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#111;background:#fff}"
    "table{border-collapse:collapse;width:100%;margin:1em 0}"
    "td,th{border:1px solid #bbb;padding:.2em .5em;text-align:left;vertical-align:top}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}"
    "svg{max-width:100%;height:auto}.no{background:#fdd}.yes{background:#dfd}"
)
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
NAMES: Final = {
    "retention.all": "all ties",
    "retention.strong": "strong ties (mutual)",
    "retention.weak": "other ties",
    "retention.followers": "followers",
    "retention.following": "whom they followed",
    "retention.yurt": "ties with people on Yurt nodes",
    "retention.honouring": "followers on peers whose rules honour a Move",
    "retention.deaf": "followers on peers that do not know Moves",
}


def page(result: Result) -> str:
    """Write the report as HTML."""
    lost = lost_plot(result) or "<p>No tie was lost.</p>"
    parts = (
        '<!doctype html><html lang="en"><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>Migration: {escape(result.scenario)}</title><style>{_STYLE}</style>",
        f"<h1>{escape(result.scenario)}</h1><p>{escape(result.tells)}</p>",
        f"<p><b>{escape(headline(result))}</b></p><p>{escape(_setting(result))}</p>",
        "<h2>What was expected</h2>",
        _verdicts(result),
        "<h2>Retention by tie strength</h2>",
        retention_plot(result),
        "<h2>Where ties were lost, and why</h2>",
        lost,
        "<h2>Shares</h2>",
        _shares(result.shares),
        "<h2>Figures</h2>",
        _table(("figure", "value"), ((name, _figure(value)) for name, value in result.figures.items())),
        "<h2>What stock peers did with each Move and Delete</h2>",
        _table(
            ("server", "rules", "activity", "to", "outcome", "rule"),
            ((one.host, one.profile, one.type, one.target, one.outcome, one.rule) for one in result.peers),
        ),
        _list("For the person to do", result.manual),
        _list("Notes", result.notes),
        "<h2>Ties</h2>",
        _ties(result),
        "</html>\n",
    )
    return "".join(parts)


def headline(result: Result) -> str:
    """The one line that people read."""
    found, figures = result.shares, result.figures
    parts = [
        f"strong ties kept {percent(found['retention.strong'])}",
        f"other ties kept {percent(found['retention.weak'])}",
    ]
    rooms, reach = figures["room_continuity"], figures["reach_loss"]
    if rooms is not None:
        parts.append(f"rooms continue at {rooms:.0%}")
    if reach is not None:
        parts.append(f"reach {0.0 - reach:+.0%}")
    parts.append("all that was expected holds" if result.holds else f"{len(result.failures())} do not hold")
    return " · ".join(parts)


def percent(found: Share) -> str:
    """A share as people read it."""
    if found.share is None:
        return "none there"
    return f"{found.share:.0%} ({found.low:.0%} to {found.high:.0%}, n = {found.count})"


def _setting(result: Result) -> str:
    betas = ", ".join(f"{name} {value:g}" for name, value in result.betas.items())
    return (
        f"Yurt {result.release}, seed {result.seed}: {result.people} people on {result.nodes} Yurt nodes and "
        f"{result.stock} other servers; played in {result.seconds:.0f} s. Weights of tie strength: {betas}. "
        "Intervals are Wilson's, of 95 %; ties are counted in the view of who follows."
    )


def _verdicts(result: Result) -> str:
    rows = [(one.name, one.detail, one.holds) for one in result.invariants]
    for one in result.expectations:
        wanted = f"at least {one.at_least:g}" if one.at_least is not None else ""
        wanted += f" at most {one.at_most:g}" if one.at_most is not None else ""
        rows.append((f"{one.measure} {wanted}", f"is {_figure(one.value)}", one.holds))
    cells = "".join(
        f'<tr class="{"yes" if holds else "no"}"><td>{escape(name)}</td>'
        f"<td>{'holds' if holds else 'does not hold'}</td><td>{escape(detail)}</td></tr>"
        for name, detail, holds in rows
    )
    return f"<table><tr><th>what</th><th></th><th>seen</th></tr>{cells}</table>"


def _shares(found: dict[str, Share]) -> str:
    rows = ((NAMES[name], str(one.kept), str(one.count), percent(one)) for name, one in found.items())
    return _table(("of", "kept", "there were", "share"), rows)


def _ties(result: Result) -> str:
    cells = "".join(
        f'<tr class="{"yes" if tie.kept else "no"}"><td>{escape(tie.mover)}</td><td>{escape(tie.other)}</td>'
        f"<td>{escape(tie.direction)}</td><td>{escape(tie.profile)}</td>"
        f"<td>{'strong' if tie.strong else ''}</td><td class=n>{tie.strength:.2f}</td>"
        f"<td>{'kept' if tie.kept else 'lost'}</td><td>{escape(tie.reason)}</td></tr>"
        for tie in result.ties
    )
    head = ("mover", "other", "direction", "rules", "", "strength", "", "why")
    return f"<table><tr>{''.join(f'<th>{name}</th>' for name in head)}</tr>{cells}</table>"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{escape(name)}</th>' for name in head)}</tr>{lines}</table>"


def _list(name: str, lines: tuple[str, ...]) -> str:
    if not lines:
        return ""
    return f"<h2>{name}</h2><ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"
