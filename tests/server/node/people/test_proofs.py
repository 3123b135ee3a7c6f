"""What somebody else passes on is believed for its author's own proof (FEP-8b32), and for nothing else."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from yurt.activitypub.http_signatures import cavage
from yurt.activitypub.integrity_proof import add_proof
from yurt.activitypub.vocabulary import AS_CONTEXT, DATA_INTEGRITY_CONTEXT, PUBLIC
from yurt.node.accounts.testing import actor_key
from yurt.node.clock import SystemClock
from yurt.node.testing import Client, Town, until
from yurt.wire.people_commands import Follow, Followers, Following
from yurt.wire.post_commands import Post, Timeline

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"
ANA, BO, CY = (f"https://{node}/users/{name}" for node, name in
               ((HARBOUR, "ana"), (HILLTOP, "bo"), (HILLTOP, "cy")))  # fmt: skip
Json = dict[str, Any]


def create(text: str, number: int = 1, **more: Any) -> Json:  # noqa: ANN401  # any property
    """A public post by Cy."""
    place = f"{CY}/notes/{number}"
    note = {"id": place, "type": "Note", "attributedTo": CY, "content": text, "to": [PUBLIC]}
    return {
        "@context": [AS_CONTEXT, DATA_INTEGRITY_CONTEXT],
        "id": f"{place}#create",
        "type": "Create",
        "actor": CY,
        "to": [PUBLIC],
        "object": note,
        **more,
    }


def prove(document: Json, by: Client) -> Json:
    """Let somebody prove that it is theirs, with the key of their identity."""
    key = Ed25519PrivateKey.from_private_bytes(by.person.identity.private)
    key_id = f"{by.person.actor}#identity"
    return add_proof(document, key_id=key_id, key=key, created=SystemClock().now_s())


async def pass_on(town: Town, document: Json) -> int:
    """Bo's server passes something on, signed by Bo."""
    key = load_der_private_key(actor_key(), None)
    assert isinstance(key, RSAPrivateKey)
    url, body, now = f"https://{HARBOUR}/inbox", json.dumps(document).encode(), SystemClock().now_s()
    headers = cavage.sign("POST", url, body, key_id=f"{BO}#main-key", key=key, now=now)
    async with town.session.post(url, data=body, headers=headers) as answer:
        await answer.read()
        return answer.status


async def texts(one: Client) -> list[str]:
    return [post.text for post in (await one.call(Timeline())).posts]


async def queued(town: Town) -> list[Json]:
    """What waits at hilltop."""
    rows = await town.nodes[HILLTOP].store.read(lambda tx: tx.rows("SELECT body FROM delivery ORDER BY id"))
    return [json.loads(row[0]) for row in rows]


async def test_public_posts_may_be_passed_on(town: Town) -> None:
    """They carry their author's proof, made with a key of the actor document; those for followers do not."""
    ana, _, cy = [await town.join(*who) for who in (("ana", HARBOUR), ("bo", HILLTOP), ("cy", HILLTOP))]
    await ana.call(Follow(f"cy@{HILLTOP}"))

    async def follows() -> bool:
        return [tie.state for tie in (await ana.call(Following())).ties] == ["accepted"]

    await until(follows)
    await town.stop(HARBOUR)
    await cy.call(Post(text="for everybody", visibility="public"))
    await cy.call(Post(text="for followers"))
    public, private = await queued(town)
    await town.nodes[HILLTOP].store.write(lambda tx: tx.change("DELETE FROM delivery"))
    await town.start(HARBOUR)

    assert public["proof"]["verificationMethod"] == f"{CY}#proof"
    assert DATA_INTEGRITY_CONTEXT in public["@context"]
    assert "proof" not in private
    assert (await pass_on(town, private), await pass_on(town, public)) == (400, 202)
    assert await texts(ana) == ["for everybody"]


async def test_a_post_that_is_passed_on_counts_with_its_proof(town: Town) -> None:
    """Read as if its author had sent it, once however often; changed, or by another, it is refused."""
    ana, bo, cy = [await town.join(*who) for who in (("ana", HARBOUR), ("bo", HILLTOP), ("cy", HILLTOP))]
    await ana.call(Follow(f"cy@{HILLTOP}"))

    async def follows() -> bool:
        return [tie.state for tie in (await ana.call(Following())).ties] == ["accepted"]

    await until(follows)
    proved = prove(create("seen from the hill"), cy)

    assert [await pass_on(town, proved), await pass_on(town, proved)] == [202, 202]
    assert await texts(ana) == ["seen from the hill"]

    swapped = prove(create("never said", 2), cy) | {"object": create("never said", 3)["object"]}
    refused = {
        "no proof": create("never said", 2),
        "another's proof": prove(create("never said", 2), bo),
        "changed": {**prove(create("never said", 2), cy), "to": [PUBLIC, ANA]},
        "swapped": swapped,
        "no such key": {**proved, "proof": {**proved["proof"], "verificationMethod": f"{CY}#other"}},
        "linked data": create("never said", 2, signature={"type": "RsaSignature2017", "signatureValue": "x"}),
        "a follow": prove({**create("x"), "type": "Follow", "object": ANA, "id": f"{CY}#follows/1"}, cy),
        "a farewell": prove({**create("x"), "type": "Delete", "object": CY, "id": f"{CY}#delete"}, cy),
    }
    codes = {what: await pass_on(town, document) for what, document in refused.items()}

    assert {what: code for what, code in codes.items() if code not in (400, 401)} == {}
    assert await texts(ana) == ["seen from the hill"]
    assert (await ana.call(Followers())).ties == ()

    gone = {"id": f"{CY}/notes/1#delete", "type": "Delete", "actor": CY, "object": f"{CY}/notes/1"}
    assert await pass_on(town, prove({"@context": AS_CONTEXT, **gone}, cy)) == 202
    assert await texts(ana) == []
