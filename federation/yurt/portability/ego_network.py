"""A person's network as a picture: GraphML and an edge list, for Gephi, networkx and the like; only out.

Other people stand in it, so by default nobody does: with a salt that nobody keeps, names become
pseudonyms, times and versions go. Whoever wants names says so::

    encode_graphml(me, ties, pseudonyms=Pseudonyms(os.urandom(32)))
    encode_edges(me, ties, pseudonyms=None)          # with addresses

What is left can still be recognised by its shape (Narayanan and Shmatikov, 2009): a pseudonymised graph
is not an anonymous one.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit
from xml.sax.saxutils import escape, quoteattr

from yurt.portability.csv_text import encode_viewer_rows
from yurt.portability.errors import LocalPortabilityError
from yurt.portability.roster import Tie
from yurt.wire.sanitise import clean_line

SALT_SIZE: Final = 32
_PSEUDONYM_SIZE: Final = 8
_NODE_KEYS: Final = (("label", "string"), ("server", "string"), ("software", "string"), ("locked", "boolean"))
_EDGE_KEYS: Final = (("weight", "double"),)


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Makes one name of one person, and tells nobody whose it is."""

    salt: bytes = field(repr=False)
    """32 random bytes; forgotten afterwards, or kept to compare two exports."""

    def __post_init__(self) -> None:
        """Refuse a salt that can be guessed.

        Raises:
            LocalPortabilityError: Too short.
        """
        if len(self.salt) < SALT_SIZE:
            raise LocalPortabilityError("salt", f"a salt has {SALT_SIZE} random bytes")

    def of(self, text: str) -> str:
        """Give the pseudonym of an actor or a server: HMAC-SHA256, 16 hexadecimal digits."""
        digest = hmac.digest(self.salt, text.encode(), hashlib.sha256)
        return digest[:_PSEUDONYM_SIZE].hex()


@dataclass(frozen=True, slots=True)
class _Person:
    id: str
    label: str
    server: str
    software: str
    locked: bool


def encode_graphml(
    me: Tie,
    ties: Iterable[Tie],
    *,
    pseudonyms: Pseudonyms | None,
    strengths: Mapping[str, float] | None = None,
) -> bytes:
    """Write GraphML (graphml.graphdrawing.org, 1.0), one directed edge for each follow.

    Args:
        me: The person in the middle; only actor, address and software are used.
        ties: As in the roster.
        pseudonyms: Who names people; None writes actors and addresses.
        strengths: Strength of a tie by actor, 0 to 1.

    Returns:
        UTF-8 XML. No text of others can leave its place in it.
    """
    ties = list(ties)
    people = [_person(one, pseudonyms) for one in (me, *ties)]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
        *_keys("node", _NODE_KEYS),
        *_keys("edge", _EDGE_KEYS),
        '<graph id="network" edgedefault="directed">',
        *(_node(person) for person in people),
        *(_edge(*edge) for edge in _edges(me, ties, _namer(pseudonyms), strengths or {})),
        "</graph>",
        "</graphml>",
        "",
    ]
    return "\n".join(lines).encode()


def encode_edges(
    me: Tie,
    ties: Iterable[Tie],
    *,
    pseudonyms: Pseudonyms | None,
    strengths: Mapping[str, float] | None = None,
) -> bytes:
    """Write an edge list: a CSV of ``Source,Target,Weight`` with a header, as Gephi reads it.

    A cell that a spreadsheet would run is made a text.
    """
    edges = _edges(me, ties, _namer(pseudonyms), strengths or {})
    rows = ([source, target, f"{weight:.6g}"] for source, target, weight in edges)
    return encode_viewer_rows([["Source", "Target", "Weight"], *rows])


def _edges(
    me: Tie, ties: Iterable[Tie], name: Callable[[str], str], strengths: Mapping[str, float]
) -> Iterable[tuple[str, str, float]]:
    mine = name(me.actor)
    for tie in ties:
        theirs, weight = name(tie.actor), strengths.get(tie.actor, 1.0)
        if tie.following:
            yield mine, theirs, weight
        if tie.follower:
            yield theirs, mine, weight


def _namer(pseudonyms: Pseudonyms | None) -> Callable[[str], str]:
    return clean_line if pseudonyms is None else pseudonyms.of


def _person(tie: Tie, pseudonyms: Pseudonyms | None) -> _Person:
    server = _server(tie.actor)
    if pseudonyms is None:
        return _Person(
            clean_line(tie.actor), clean_line(tie.address), server, clean_line(tie.software), tie.locked
        )
    name = pseudonyms.of(tie.actor)
    return _Person(name, name, pseudonyms.of(server), clean_line(tie.software), tie.locked)


def _server(actor: str) -> str:
    try:
        return clean_line(urlsplit(actor).hostname or "")
    except ValueError:
        return ""


def _keys(what: str, keys: Iterable[tuple[str, str]]) -> Iterable[str]:
    for name, kind in keys:
        yield f'<key id="{name}" for="{what}" attr.name="{name}" attr.type="{kind}"/>'


def _node(person: _Person) -> str:
    values = (person.label, person.server, person.software, "true" if person.locked else "false")
    return f"<node id={quoteattr(person.id)}>{_data(_NODE_KEYS, values)}</node>"


def _edge(source: str, target: str, weight: float) -> str:
    data = _data(_EDGE_KEYS, (f"{weight:.6g}",))
    return f"<edge source={quoteattr(source)} target={quoteattr(target)}>{data}</edge>"


def _data(keys: Iterable[tuple[str, str]], values: Iterable[str]) -> str:
    pairs = zip(keys, values, strict=True)
    return "".join(f'<data key="{name}">{escape(value)}</data>' for (name, _), value in pairs)
