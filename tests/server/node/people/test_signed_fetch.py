"""What is fetched counts only if it is served as what it is."""

import json

import pytest

from yurt.activitypub.errors import DocumentRefused
from yurt.node.clock import SystemClock
from yurt.node.fetch import Fetched, SafeFetch
from yurt.node.keys import NodeKeys
from yurt.node.people.signed_fetch import NotThere, SignedFetch
from yurt.node.testing import Town
from yurt.node.testing_fetch import FakeFetch, document
from yurt.node.work_pool import WorkPool

HARBOUR = "harbour.example"
POST = "https://hill.example/media/cat.json"
DOCUMENT = json.dumps({"id": POST, "type": "Note"}).encode()


class Particular(FakeFetch):
    """A server that reads RFC 9421 only, and counts the knocks."""

    def __init__(self) -> None:
        super().__init__(self._knock)
        self.knocks: list[str] = []

    def _knock(self, url: str, headers: dict[str, str]) -> Fetched:
        """Answer 401 to what it cannot read."""
        new = "Signature-Input" in headers
        self.knocks.append("rfc9421" if new else "cavage")
        return document(url, DOCUMENT) if new else Fetched(url, 401, {}, b"")


def signed(town: Town, keys: NodeKeys, fetch: SafeFetch) -> SignedFetch:
    store = town.nodes[HARBOUR].store
    return SignedFetch(HARBOUR, store, keys, SystemClock(), fetch, WorkPool())


def fetch(town: Town, status: int, content_type: str) -> SignedFetch:
    def answer(_url: str, headers: dict[str, str]) -> Fetched:
        assert "Signature" in headers
        return Fetched(POST, status, {"content-type": content_type}, DOCUMENT)

    return signed(town, NodeKeys(town.folder / HARBOUR), FakeFetch(answer))


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/ld+json", ""])
async def test_an_uploaded_file_is_no_document(harbour: Town, content_type: str) -> None:
    """Whoever can upload files to a host does not speak for its people."""
    with pytest.raises(DocumentRefused) as refused:
        await fetch(harbour, 200, content_type).document(POST)

    assert refused.value.rule == "contentType"


async def test_a_document_is_what_its_host_serves_as_one(harbour: Town) -> None:
    """The two content types of ActivityPub are taken; what is gone is not there."""
    profile = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
    for content_type in ("application/activity+json", profile):
        assert await fetch(harbour, 200, content_type).document(POST) == json.loads(DOCUMENT)

    with pytest.raises(NotThere):
        await fetch(harbour, 410, profile).document(POST)


async def test_the_second_knock_is_remembered(harbour: Town) -> None:
    """Draft-cavage first; RFC 9421 only after a 401, and then at once the next time (DESIGN 5)."""
    server = Particular()
    fetching = signed(harbour, NodeKeys(harbour.folder / HARBOUR), server)

    for _ in range(2):
        assert (await fetching.document(POST))["id"] == POST

    assert server.knocks == ["cavage", "rfc9421", "rfc9421"]
