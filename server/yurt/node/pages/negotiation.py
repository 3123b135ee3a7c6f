"""Document or page: what a request's `Accept` prefers (RFC 9110, section 12.5.1).

Nodes and programs get documents, browsers get pages; who does not say gets the document. Mastodon names
`text/html` last, with a low weight, and curl takes everything: neither is a browser.
"""

from typing import Final

_DOCUMENTS: Final = ("application/activity+json", "application/ld+json", "application/json")
_MAX_HEADER: Final = 2_000
VARY: Final = {"Vary": "Accept"}


def prefers_page(accept: str) -> bool:
    """Whether somebody would rather have HTML than any document.

    Args:
        accept: The request's header; empty if there is none.
    """
    weights = _weights(accept[:_MAX_HEADER])
    page = _weight(weights, "text/html")
    return page > max(_weight(weights, kind) for kind in _DOCUMENTS)


def _weights(accept: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        weights[kind] = max(weights.get(kind, 0.0), _quality(parameters))
    return weights


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _weight(weights: dict[str, float], kind: str) -> float:
    """The most specific range that covers a type decides."""
    for covering in (kind, kind.partition("/")[0] + "/*", "*/*"):
        if covering in weights:
            return weights[covering]
    return 0.0
