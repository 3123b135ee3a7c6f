"""The report of a migration: one page that needs nothing from anywhere, no script, no font, no picture."""

from collections.abc import Iterable
from html import escape
from typing import Final

from yurt.lab.migration.measures import FIGURES
from yurt.lab.migration.plots import lost_plot, retention_plot
from yurt.lab.migration.result import Result, Share

_STYLE: Final = (
    "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#111;background:#fff}"
    "table{border-collapse:collapse;width:100%;margin:1em 0}"
    "td,th{border:1px solid #bbb;padding:.2em .5em;text-align:left;vertical-align:top}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}"
    "svg{max-width:100%;height:auto}.no{background:#fdd}.yes{background:#dfd}.wait{background:#ffd}"
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
        _forecast(result),
        _marks(result),
        "<h2>Retention by tie strength</h2>",
        retention_plot(result),
        "<h2>Where ties were lost, and why</h2>",
        lost,
        "<h2>Shares</h2>",
        _shares(result.shares),
        "<h2>Figures</h2>",
        _table(
            ("figure", "value", "what it is"),
            ((name, _figure(value), FIGURES.get(name, "")) for name, value in result.figures.items()),
        ),
        "<h2>What stock peers did with each Move and Delete</h2>",
        _table(
            ("server", "rules", "activity", "to", "outcome", "rule"),
            ((one.host, one.profile, one.type, one.target, one.outcome, one.rule) for one in result.peers),
        ),
        _list("For the person to do", result.manual),
        _list("Notes", result.notes),
        "<h2>Ties</h2>",
        _ties(result),
        "<h2>How to play this again</h2>",
        _again(result),
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


def _forecast(result: Result) -> str:
    """What was foretold, against what happened."""
    if not result.foretold:
        return ""
    rows = [
        (one.outcome, f"{one.count}", f"{one.low:.1f} to {one.high:.1f}", f"{one.kept}")
        for one in result.foretold
    ]
    low, high = result.figures["foretold.low"], result.figures["foretold.high"]
    count, kept = sum(one.count for one in result.foretold), sum(one.kept for one in result.foretold)
    rows.append(
        ("all, with the interval of yurt check", f"{count}", f"{_figure(low)} to {_figure(high)}", f"{kept}")
    )
    score = _figure(result.figures["brier"])
    return (
        "<h2>Foretold, and what happened</h2>"
        + _table(("foretold", "ties", "expected to arrive", "arrived"), rows)
        + f"<p>Brier score of the chances: {score} (0 is perfect, 0.25 is a coin).</p>"
    )


def _marks(result: Result) -> str:
    """Who was there after an hour, a day, a week and a month."""
    if not result.marks:
        return ""
    rows = (
        (one.name, f"{one.counted}", f"{one.followers.kept} of {one.followers.count}", percent(one.all))
        for one in result.marks
    )
    before, after = result.figures["lent_keys.before"], result.figures["lent_keys.after"]
    return (
        "<h2>A month by the clock of the map</h2>"
        + _table(("after", "followers that the node counted", "followers that others see", "all ties"), rows)
        + f"<p>Old actor keys that the new node held: {_figure(before)} after the move, {_figure(after)} "
        "after 30 days.</p>"
    )


def _again(result: Result) -> str:
    setting, machine = result.setting, result.setting.machine
    rows = (
        ("scenario", f"{result.scenario}, SHA-256 {setting.scenario_sha256}"),
        ("plan (plan.json)", f"SHA-256 {setting.plan_sha256}"),
        ("seed", f"{result.seed}"),
        ("versions", ", ".join(f"{name} {release}" for name, release in setting.versions.items())),
        (
            "machine",
            f"{machine.system}, {machine.processor}, {machine.cores} cores, {machine.memory_mib} MiB; "
            f"load {machine.load[0]:g} before, {machine.load[1]:g} after",
        ),
        ("began", setting.began),
        ("seconds", "; ".join(f"{name} {seconds:g}" for name, seconds in result.steps)),
    )
    return _table(("what", ""), rows)


def _verdicts(result: Result) -> str:
    rows = [(one.name, one.detail, one.holds) for one in result.invariants]
    for one in result.expectations:
        wanted = f"at least {one.at_least:g}" if one.at_least is not None else ""
        wanted += f" at most {one.at_most:g}" if one.at_most is not None else ""
        rows.append((f"{one.measure} {wanted}", f"is {_figure(one.value)}", one.holds))
    cells = "".join(
        f'<tr class="{"yes" if holds else "no"}"><td>{escape(name)}</td>'
        f"<td>{'met' if holds else 'not met'}</td><td>{escape(detail)}</td></tr>"
        for name, detail, holds in rows
    )
    return f"<table><tr><th>what</th><th>met</th><th>seen</th></tr>{cells}</table>"


def _shares(found: dict[str, Share]) -> str:
    rows = ((NAMES[name], str(one.kept), str(one.count), percent(one)) for name, one in found.items())
    return _table(("of", "kept", "there were", "share"), rows)


def _ties(result: Result) -> str:
    shade = {"kept": "yes", "pending": "wait", "lost": "no"}
    cells = "".join(
        f'<tr class="{shade[tie.state]}"><td>{escape(tie.mover)}</td><td>{escape(tie.other)}</td>'
        f"<td>{escape(tie.direction)}</td><td>{escape(tie.profile)}</td><td>{escape(tie.tie_class)}</td>"
        f"<td class=n>{tie.strength:.2f}</td><td>{escape(tie.foretold)}</td><td>{escape(tie.state)}</td>"
        f"<td>{escape(tie.reason)}</td><td>{escape(tie.source)}</td></tr>"
        for tie in result.ties
    )
    head = ("mover", "other", "direction", "rules", "class", "strength", "foretold", "state", "why", "source")
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
