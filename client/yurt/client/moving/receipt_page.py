"""The receipt as a page that needs nothing from anywhere: no script, no picture, no font.

Every word that came from other people is escaped; addresses are text, never links.
"""

from collections.abc import Sequence
from html import escape
from typing import Final

from yurt.client.counted import counted, lasting
from yurt.client.moving.calls import ReceiptView, Share
from yurt.wire.sanitise import clean_line

_STYLE: Final = (
    "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}td,th{border:1px solid #bbb;padding:.2em .5em;text-align:left}"
    ".missing{background:#fdd}.pending{background:#ffd}.arrived{background:#dfd}"
)
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_FORETOLD: Final = (
    "automatic: their server follows a Move by itself. ours: they are on Yurt, your next person record is "
    "enough. ask: they must be asked. yours: a follow of yours, asked for again. lost: nothing helps."
)
"""What the words of `yurt.portability.check.Outcome` mean."""


def headline(view: ReceiptView) -> str:
    """The one line that people read."""
    parts = [_kept("strong ties", view.strong), _kept("other ties", view.other)]
    parts.append(f"rooms kept {view.rooms_kept}/{view.rooms}" if view.rooms else "no rooms")
    parts.append(f"reach {-view.reach_loss:+.0%}" if f"{view.reach_loss:.0%}" != "0%" else "reach as before")
    parts.append(f"history {view.history:.0%}")
    to_do = counted(len(view.manual), "thing") if view.manual else "nothing"
    return " · ".join([*parts, f"{to_do} for you to do"])


def page(view: ReceiptView) -> str:
    """Write the receipt as HTML."""
    rows = "".join(
        f'<tr class="{escape(tie.state)}"><td>{_text(tie.address or tie.actor)}</td>'
        f"<td>{escape(tie.direction)}</td><td>{'strong' if tie.strong else ''}</td>"
        f"<td>{escape(tie.foretold)}</td><td>{escape(tie.state)}</td><td>{_text(tie.reason)}</td></tr>"
        for tie in view.ties
    )
    marks = [
        f"after {lasting(mark.after_s)}: {mark.arrived if mark.at else 'still to come'}"
        for mark in view.marks
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>Receipt of a {escape(view.kind)}</title><style>{_STYLE}</style>"
        f"<h1>{_text(view.previous)} → {_text(view.target)}</h1><p><b>{escape(headline(view))}</b></p>"
        f"<p>Followers that came: {view.followers.kept} of {view.followers.count} "
        f"({_percent(view.followers)}). Foretold for all ties: {view.foretold.low} to {view.foretold.high} "
        f"of {view.foretold.count}; arrived: {view.all.kept}. Only Follows that arrived count.</p>"
        f"{_listed('Counted', marks)}{_listed('For you to do', view.manual)}{_listed('Notes', view.notes)}"
        "<h2>Ties</h2><table><tr><th>who</th><th>direction</th><th>tie</th><th>foretold</th><th>now</th>"
        f"<th>why</th></tr>{rows}</table><p>{_FORETOLD}</p></html>\n"
    )


def _listed(title: str, lines: Sequence[str]) -> str:
    """Write a part of the page; nothing if there is nothing in it."""
    items = "".join(f"<li>{_text(line)}</li>" for line in lines)
    return f"<h2>{title}</h2><ul>{items}</ul>" if items else ""


def _kept(what: str, share: Share) -> str:
    return f"{what} kept {_percent(share)}" if share.count else f"no {what}"


def _percent(share: Share) -> str:
    return f"{share.share:.0%} ({share.low:.0%} to {share.high:.0%})" if share.count else "none"


def _text(text: str) -> str:
    return escape(clean_line(text))
