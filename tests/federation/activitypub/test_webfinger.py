"""WebFinger and NodeInfo: an address is believed when both its ends say so."""

import json
from collections.abc import Callable

import pytest

from yurt.activitypub import nodeinfo, webfinger
from yurt.activitypub.errors import DocumentRefused
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.references import Json
from yurt.activitypub.vocabulary import ACTIVITY_TYPE, LD_TYPE
from yurt.activitypub.webfinger import Address, WebFingerAnswer

Document = Callable[[str], tuple[bytes, str, str]]
HARBOUR = "harbour.example"
ANA = Address("ana", HARBOUR)
PLACES = PersonLocations(HARBOUR, "ana")


@pytest.mark.parametrize("text", ["ana@harbour.example", "@ana@harbour.example", "acct:ana@Harbour.EXAMPLE"])
def test_addresses_are_written_in_three_ways(text: str) -> None:
    """One address, however a person types it."""
    assert webfinger.parse_address(text) == ANA


@pytest.mark.parametrize(
    "text",
    ["", "ana", "@ana", "ana@", "@harbour.example", "a na@harbour.example", "ana@harbour.example:443",
     "ana@harbour..example", "ana@b@harbour.example", "ana@harbour.example/x", "\u0430na@harbour.example",
     "https://harbour.example/users/ana", "a" * 200 + "@harbour.example"],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    """Ports, paths, blanks and look-alike letters are no part of an address."""
    with pytest.raises(DocumentRefused) as caught:
        webfinger.parse_address(text)

    assert caught.value.rule == "badAddress"


@pytest.mark.parametrize(
    ("resource", "account"),
    [
        ("acct:ana@harbour.example", "ana"),
        ("acct:ANA@harbour.example", "ana"),
        ("ana@harbour.example", "ana"),
        ("https://harbour.example/users/ana", "ana"),
        ("https://harbour.example", HARBOUR),
        ("https://harbour.example/actor", HARBOUR),
        ("acct:harbour.example@harbour.example", HARBOUR),
        ("acct:ana@hilltop.example", ""),
        ("https://hilltop.example/users/ana", ""),
        ("https://harbour.example/users/ana/inbox", ""),
        ("https://harbour.example/rooms/abc", ""),
    ],
)
def test_who_is_asked_for(resource: str, account: str) -> None:
    """Accounts of this node by address or URL, the node itself, and nobody else."""
    assert webfinger.account_asked(resource, HARBOUR) == account


@pytest.mark.parametrize("resource", ["", "ana", "http://harbour.example/users/ana", "acct:", "mailto:a@b.c"])
def test_what_cannot_be_asked(resource: str) -> None:
    """Malformed is another answer (400) than unknown (404)."""
    with pytest.raises(DocumentRefused):
        webfinger.account_asked(resource, HARBOUR)


def test_our_own_answer_is_confirmed() -> None:
    """What a node answers about Ana leads to Ana, and back."""
    answer = webfinger.parse_answer(webfinger.person_answer(PLACES), ANA)

    assert webfinger.settled(answer, ANA)
    assert webfinger.confirm(answer, PLACES.actor, ANA) == ANA


def test_the_nodes_own_answer_leads_to_its_actor() -> None:
    """FEP-d556: from the origin to /actor."""
    answer = webfinger.node_answer(HARBOUR)

    assert webfinger.parse_answer(answer, Address(HARBOUR, HARBOUR)).actor == "https://harbour.example/actor"
    assert "Service" in json.dumps(answer)


@pytest.mark.parametrize(
    ("name", "address", "actor"),
    [
        ("gts-get-webfinger", "gail@gts.test", "https://gts.test/users/gail"),
        ("snac-get-webfinger", "bob@snac2.test", "https://snac2.test/bob"),
    ],
)
def test_recorded_answers_are_read(name: str, address: str, actor: str, document: Document) -> None:
    """GoToSocial and snac answer as we read."""
    body, _, _ = document(name)
    asked = webfinger.parse_address(address)

    answer = webfinger.parse_answer(json.loads(body), asked)

    assert answer.actor == actor
    assert webfinger.settled(answer, asked)


LINK = {"rel": "self", "type": ACTIVITY_TYPE, "href": PLACES.actor}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"subject": "acct:ana@harbour.example"},
        {"subject": "acct:ana@harbour.example", "links": []},
        {"subject": "acct:ana@harbour.example", "links": [{**LINK, "type": "application/json"}]},
        {"subject": "acct:ana@harbour.example", "links": [{**LINK, "type": "application/ld+json"}]},
        {"subject": "acct:ana@harbour.example", "links": [{**LINK, "rel": "alternate"}]},
        {"subject": "acct:ana@harbour.example", "links": [{**LINK, "href": "http://harbour.example/ana"}]},
        {"subject": "acct:ana@harbour.example", "links": [LINK, {**LINK, "href": "https://evil.example/e"}]},
        {"subject": "https://harbour.example/users/ana", "links": [LINK]},
        {"subject": ["acct:ana@harbour.example"], "links": [LINK]},
        {"subject": "acct:ana@harbour.example", "links": "https://harbour.example/users/ana"},
    ],
)  # fmt: skip
def test_answers_that_name_nobody(document: Json) -> None:
    """No subject, no actor, or two of them."""
    with pytest.raises(DocumentRefused):
        webfinger.parse_answer(document, ANA)


def test_either_activity_type_names_an_actor() -> None:
    """Both media types are in use, also twice for one actor."""
    document: Json = {"subject": "acct:ana@harbour.example", "links": [LINK, {**LINK, "type": LD_TYPE}]}

    assert webfinger.parse_answer(document, ANA).actor == PLACES.actor


@pytest.mark.parametrize(
    ("answer", "actor", "claimed"),
    [
        # Eve's node says that Ana's actor is called eve@evil.example; Ana does not.
        (WebFingerAnswer(Address("eve", "evil.example"), PLACES.actor), PLACES.actor, ANA),
        # Eve's actor claims Ana's address; Ana's node names Ana's actor.
        (WebFingerAnswer(ANA, PLACES.actor), "https://evil.example/users/eve", ANA),
        # The answer redirects to an address that the actor does not claim.
        (WebFingerAnswer(Address("bo", HARBOUR), PLACES.actor), PLACES.actor, ANA),
    ],
)
def test_an_address_that_only_one_side_claims_is_nobodys(
    answer: WebFingerAnswer, actor: str, claimed: Address
) -> None:
    """The circle must close, else a name could be taken by who has not got it."""
    with pytest.raises(DocumentRefused) as caught:
        webfinger.confirm(answer, actor, claimed)

    assert caught.value.rule == "webfingerMismatch"


def test_a_subject_that_is_another_address_is_asked_again() -> None:
    """A node may send us to the real address once; then it must name itself."""
    answer = WebFingerAnswer(Address("Ana", HARBOUR), PLACES.actor)

    assert webfinger.settled(answer, ANA)
    assert not webfinger.settled(answer, Address("ana", "www.harbour.example"))


def test_a_query_names_the_address_only_once_escaped() -> None:
    """The resource is one value, whatever stands in it."""
    assert webfinger.query_url(ANA) == (
        "https://harbour.example/.well-known/webfinger?resource=acct%3Aana%40harbour.example"
    )


# --- NodeInfo ---------------------------------------------------------------------------------------
def test_nodeinfo_is_found_and_read_in_both_versions() -> None:
    """Newest first; the documents say what we are."""
    found = nodeinfo.parse_discovery(nodeinfo.discovery_document(HARBOUR), HARBOUR)
    assert found == "https://harbour.example/nodeinfo/2.1"

    for version in nodeinfo.VERSIONS:
        made = nodeinfo.nodeinfo_document(version, nodeinfo.NodeFigures("0.1.0", accounts=12))
        assert made["version"] == version
        assert nodeinfo.parse_nodeinfo(made) == nodeinfo.Software("yurt", "0.1.0")
        assert version in nodeinfo.content_type(version)
    with pytest.raises(KeyError):
        nodeinfo.nodeinfo_document("1.0", nodeinfo.NodeFigures("0.1.0", accounts=12))


def test_a_recorded_nodeinfo_is_found(document: Document) -> None:
    """GoToSocial's answer leads to its document."""
    body, _, _ = document("gts-get-nodeinfo-wellknown")

    assert nodeinfo.parse_discovery(json.loads(body), "gts.test").startswith("https://gts.test/nodeinfo/2.")


@pytest.mark.parametrize("document", [
    {}, {"links": [{"rel": "http://nodeinfo.diaspora.software/ns/schema/2.0", "href": "https://evil.example/"}]},
])  # fmt: skip
def test_nodeinfo_elsewhere_is_none(document: Json) -> None:
    """A node speaks for itself only."""
    with pytest.raises(DocumentRefused):
        nodeinfo.parse_discovery(document, HARBOUR)


def test_software_names_are_made_harmless() -> None:
    """They are shown to people."""
    assert nodeinfo.parse_nodeinfo({"software": {"name": "\x1b[2Jx", "version": 1}}) == nodeinfo.Software(
        "␛[2Jx", ""
    )
