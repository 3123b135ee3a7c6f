"""The receipt as a page that needs nothing from anywhere: no script, no picture, no font.

Every word that came from other people is escaped; addresses are text, never links.
"""

from html import escape
from typing import Final

from yurt.client.counted import counted
from yurt.client.moving.calls import ReceiptView, Share
from yurt.wire.sanitise import clean_line

_STYLE: Final = (
    "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}td,th{border:1px solid #bbb;padding:.2em .5em;text-align:left}"
    ".missing{background:#fdd}.pending{background:#ffd}.arrived{background:#dfd}"
)
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_DAY_S: Final = 86_400
_HOUR_S: Final = 3_600


def headline(view: ReceiptView) -> str:
    """The one line that people read."""
    parts = [f"strong ties kept {_percent(view.strong)}", f"other ties kept {_percent(view.other)}"]
    parts.append(f"rooms kept {view.rooms_kept}/{view.rooms}")
    parts.append(f"reach {-view.reach_loss:+.0%}")
    parts.append(f"history {view.history:.0%}")
    parts.append(f"{counted(len(view.manual), 'thing')} for you to do")
    return " · ".join(parts)


def page(view: ReceiptView) -> str:
    """Write the receipt as HTML."""
    rows = "".join(
        f'<tr class="{escape(tie.state)}"><td>{_text(tie.address or tie.actor)}</td>'
        f"<td>{escape(tie.direction)}</td><td>{'strong' if tie.strong else ''}</td>"
        f"<td>{escape(tie.foretold)}</td><td>{escape(tie.state)}</td><td>{_text(tie.reason)}</td></tr>"
        for tie in view.ties
    )
    marks = "".join(
        f"<li>after {_span(mark.after_s)}: {mark.arrived if mark.at else 'still to come'}</li>"
        for mark in view.marks
    )
    manual = "".join(f"<li>{_text(line)}</li>" for line in view.manual)
    notes = "".join(f"<li>{_text(line)}</li>" for line in view.notes)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>Receipt of a {escape(view.kind)}</title><style>{_STYLE}</style>"
        f"<h1>{_text(view.previous)} → {_text(view.target)}</h1><p><b>{escape(headline(view))}</b></p>"
        f"<p>Followers that came: {view.followers.kept} of {view.followers.count} "
        f"({_percent(view.followers)}). Foretold for all ties: {view.foretold.low} to {view.foretold.high} "
        f"of {view.foretold.count}; arrived: {view.all.kept}. Only Follows that arrived count.</p>"
        f"<h2>Counted</h2><ul>{marks}</ul><h2>For you to do</h2><ul>{manual}</ul>"
        f"<h2>Notes</h2><ul>{notes}</ul>"
        "<h2>Ties</h2><table><tr><th>who</th><th>direction</th><th></th><th>foretold</th><th>now</th><th>why</th>"
        f"</tr>{rows}</table></html>\n"
    )


def _percent(share: Share) -> str:
    if not share.count:
        return "none"
    return f"{share.share:.0%} ({share.low:.0%} to {share.high:.0%})"


def _span(seconds: int) -> str:
    return f"{seconds // _DAY_S} d" if seconds >= _DAY_S else f"{seconds // _HOUR_S} h"


def _text(text: str) -> str:
    return escape(clean_line(text))
