"""What a node tells about itself and its people, read as others read it."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from yurt.activitypub import nodeinfo, webfinger
from yurt.activitypub.actors import read_actor
from yurt.identity.signed_record import decode_records, verify_chain
from yurt.identity.statement import verify_statement
from yurt.node.keys import NodeKeys
from yurt.node.testing import Town

HARBOUR = "harbour.example"
ANA = "https://harbour.example/users/ana"


async def get(town: Town, path: str) -> tuple[int, str, bytes]:
    async with town.session.get(f"https://{HARBOUR}{path}") as answer:
        return answer.status, answer.headers.get("Content-Type", ""), await answer.read()


async def test_an_address_leads_to_a_person_and_back(harbour: Town) -> None:
    """WebFinger, actor document, statement and record name each other."""
    ana = await harbour.join("ana", HARBOUR)
    address = webfinger.parse_address("ana@harbour.example")

    _, kind, found = await get(harbour, "/.well-known/webfinger?resource=acct:ana@harbour.example")
    answer = webfinger.parse_answer(json.loads(found), address)
    _, content_type, body = await get(harbour, "/users/ana")
    actor = read_actor(body, content_type, answer.actor)
    did = verify_statement(actor.statement, ANA)
    _, _, records = await get(harbour, f"/records/{did}?from=0")

    assert kind.startswith("application/jrd+json")
    assert str(webfinger.confirm(answer, actor.id, actor.address)) == "ana@harbour.example"
    assert did == ana.person.identity.did
    record = verify_chain(decode_records(records))
    assert getattr(record, "record").actor == ANA  # noqa: B009  # a frozen chain has none, and fails here
    assert actor.key(f"{ANA}#main-key") is not None


async def test_the_node_shows_its_keys_and_what_it_speaks(harbour: Town) -> None:
    """`/actor` holds the key of exchanges and announces rooms; NodeInfo leads there."""
    _, content_type, body = await get(harbour, "/actor")
    actor = read_actor(body, content_type, "https://harbour.example/actor")
    _, _, discovery = await get(harbour, nodeinfo.PATH)
    place = nodeinfo.parse_discovery(json.loads(discovery), HARBOUR)
    _, kind, info = await get(harbour, place.removeprefix("https://harbour.example"))

    key = actor.key("https://harbour.example/actor#ed25519")
    assert isinstance(key, Ed25519PublicKey)
    assert (
        key.public_bytes_raw() == NodeKeys(harbour.folder / HARBOUR).ed25519.public_key().public_bytes_raw()
    )
    assert actor.speaks_rooms
    assert nodeinfo.parse_nodeinfo(json.loads(info)).name == "yurt"
    assert "schema/2.1#" in kind


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/.well-known/webfinger?resource=acct:nobody@harbour.example", 404),
        ("/.well-known/webfinger?resource=acct:ana@elsewhere.example", 404),
        ("/.well-known/webfinger?resource=nonsense", 400),
        ("/.well-known/webfinger?resource=acct:ANA@HARBOUR.example", 200),
        ("/.well-known/webfinger?resource=https://harbour.example/users/ana", 200),
        ("/.well-known/webfinger?resource=https://harbour.example/actor", 200),
        ("/users/nobody", 404),
        ("/nodeinfo/1.0", 404),
        ("/records/did:key:z6MkokFyZzc4bz7c625pKBT5VbJmzRpSxRCM9BXsZpijXwng", 404),
        ("/records/did:key:z6Mk?from=" + "9" * 30, 400),
        ("/records/did:key:z6Mk?from=-1", 400),
    ],
)
async def test_each_question_has_its_answer(harbour: Town, path: str, status: int) -> None:
    """Who is not here is a 404, what is no question a 400."""
    await harbour.join("ana", HARBOUR)

    assert (await get(harbour, path))[0] == status


async def test_who_follows_whom_is_not_shown(harbour: Town) -> None:
    """Collections tell a number and have no first page."""
    await harbour.join("ana", HARBOUR)

    for name in ("followers", "following", "outbox"):
        status, _, body = await get(harbour, f"/users/ana/{name}")
        document = json.loads(body)
        assert (status, document["totalItems"], "first" in document) == (200, 0, False)
        assert document["id"] == f"{ANA}/{name}"
