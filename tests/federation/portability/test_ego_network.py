"""A picture of a network holds no names unless somebody asked for them, and no text leaves its place."""

import io
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.portability.csv_text import decode_rows
from yurt.portability.ego_network import Pseudonyms, encode_edges, encode_graphml
from yurt.portability.errors import LocalPortabilityError
from yurt.portability.roster import Tie

ME = Tie(actor="https://harbour.example/users/ana", address="ana@harbour.example", software="yurt")
BO = Tie(
    actor="https://b.example/users/bo",
    address="bo@b.example",
    software="mastodon",
    follower=True,
    following=True,
)
CY = Tie(actor="https://c.example/users/cy", address="cy@c.example", follower=True, locked=True)
SALT = Pseudonyms(bytes(range(32)))
GRAPH = "{http://graphml.graphdrawing.org/xmlns}"


def elements(data: bytes, kind: str) -> list[ET.Element]:
    return list(ET.parse(io.BytesIO(data)).getroot().iter(GRAPH + kind))  # noqa: S314  # our own bytes


def test_named_graph() -> None:
    """With names, one edge for each follow, and its strength."""
    data = encode_graphml(ME, [BO, CY], pseudonyms=None, strengths={BO.actor: 0.25})

    assert [node.get("id") for node in elements(data, "node")] == [ME.actor, BO.actor, CY.actor]
    edges = [(edge.get("source"), edge.get("target"), edge[0].text) for edge in elements(data, "edge")]
    assert edges == [(ME.actor, BO.actor, "0.25"), (BO.actor, ME.actor, "0.25"), (CY.actor, ME.actor, "1")]


def test_pseudonymised_graph_names_nobody() -> None:
    """No actor, no address, no server; the same shape."""
    named = encode_graphml(ME, [BO, CY], pseudonyms=None)
    hidden = encode_graphml(ME, [BO, CY], pseudonyms=SALT)
    edges = encode_edges(ME, [BO, CY], pseudonyms=SALT)

    for secret in (b"ana", b"bo@", b"b.example", b"harbour", b"/users/"):
        assert secret in named
        assert secret not in hidden + edges
    assert len(elements(hidden, "edge")) == len(elements(named, "edge"))
    assert b"mastodon" in hidden


def test_one_salt_one_pseudonym() -> None:
    """The same person in two exports with one salt; nobody with another; the salt is not shown."""
    other = Pseudonyms(bytes(32))

    assert SALT.of(BO.actor) == SALT.of(BO.actor) != other.of(BO.actor)
    assert repr(SALT) == "Pseudonyms()"
    with pytest.raises(LocalPortabilityError):
        Pseudonyms(b"guess me")


def test_edge_list() -> None:
    """As Gephi reads it; a cell is no formula."""
    evil = Tie(actor="=cmd|' /C calc'!A0", following=True)
    rows = [fields for _, fields in decode_rows(encode_edges(ME, [BO, evil], pseudonyms=None))]

    assert rows[0] == ["Source", "Target", "Weight"]
    assert rows[1] == [ME.actor, BO.actor, "1"]
    assert rows[3][1].startswith("'=")


TEXTS = st.text(max_size=30)


@given(
    st.lists(st.builds(Tie, actor=TEXTS, address=TEXTS, software=TEXTS, following=st.booleans()), max_size=5)
)
def test_any_text_stays_in_its_place(ties: list[Tie]) -> None:
    """Quotes, brackets, controls: the XML has the nodes that it should have."""
    ties = [*ties, Tie(actor="http://["), Tie(actor='"/><node id="x"/>')]
    for pseudonyms in (None, SALT):
        data = encode_graphml(ME, ties, pseudonyms=pseudonyms)

        assert len(elements(data, "node")) == len(ties) + 1
        assert len(elements(data, "edge")) == sum(tie.following for tie in ties)
