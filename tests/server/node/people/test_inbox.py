"""What comes into an inbox: verified before 202, once, and only from whom it says."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from yurt.activitypub.http_signatures import cavage
from yurt.activitypub.http_signatures.keys import write_pem
from yurt.activitypub.http_signatures.policy import SKEW_S
from yurt.node.accounts.testing import actor_key
from yurt.node.clock import SystemClock
from yurt.node.people.follow_ends import MAX_TOLD
from yurt.node.store.logs import inbox_log
from yurt.node.testing import Client, Town
from yurt.wire.people_commands import Followers
from yurt.wire.registry import InboxKind

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"
ANA, BO = "https://harbour.example/users/ana", "https://hilltop.example/users/bo"
INBOX = f"{ANA}/inbox"


def key() -> RSAPrivateKey:
    """The actor key that everybody in a town of tests has."""
    loaded = load_der_private_key(actor_key(), None)
    assert isinstance(loaded, RSAPrivateKey)
    return loaded


def follow(number: int = 1, actor: str = BO, followed: str = ANA) -> dict[str, Any]:
    return {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": f"{actor}#follows/{number}",
        "type": "Follow",
        "actor": actor,
        "object": followed,
    }


def undo(number: int = 1) -> dict[str, Any]:
    return {**follow(number), "id": f"{BO}#undo/{number}", "type": "Undo", "object": follow(number)}


async def post(
    town: Town,
    activity: dict[str, Any],
    *,
    url: str = INBOX,
    key_id: str = f"{BO}#main-key",
    late_s: int = 0,
    by: RSAPrivateKey | None = None,
) -> int:
    """Post an activity as bo's node would, with his key or with another one."""
    body, now = json.dumps(activity).encode(), SystemClock().now_s()
    headers = cavage.sign("POST", url, body, key_id=key_id, key=by or key(), now=now - late_s)
    return await send(town, url, body, headers)


async def send(town: Town, url: str, body: bytes, headers: dict[str, str]) -> int:
    async with town.session.post(url, data=body, headers=headers) as answer:
        await answer.read()
        return answer.status


async def followers(ana: Client) -> list[str]:
    return [tie.address for tie in (await ana.call(Followers())).ties]


async def test_a_signed_follow_counts_once(town: Town) -> None:
    """The follow is there, however often it comes; at the shared inbox as well."""
    ana, _ = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)

    codes = [await post(town, follow()), await post(town, follow()), await post(town, follow(2))]
    shared = await post(town, follow(3), url=f"https://{HARBOUR}/inbox")

    assert [*codes, shared] == [202] * 4
    assert await followers(ana) == ["bo@hilltop.example"]


async def test_the_very_same_request_does_nothing_more(town: Town) -> None:
    """A replayed Follow after its Undo stays undone."""
    ana, _ = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)
    body = json.dumps(follow()).encode()
    headers = cavage.sign("POST", INBOX, body, key_id=f"{BO}#main-key", key=key(), now=SystemClock().now_s())
    assert await send(town, INBOX, body, headers) == 202
    assert await post(town, undo()) == 202

    assert await send(town, INBOX, body, headers) == 202

    assert await followers(ana) == []


async def test_an_undo_may_overtake_its_follow(town: Town) -> None:
    """The late Follow of an Undo that came first is no follow; a new one is."""
    ana, _ = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)

    bare = {**undo(7), "object": f"{BO}#follows/7"}
    assert [await post(town, undo()), await post(town, bare)] == [202, 202]
    assert [await post(town, follow()), await post(town, follow(7))] == [202, 202]
    assert await followers(ana) == []

    assert await post(town, follow(8)) == 202
    assert await followers(ana) == ["bo@hilltop.example"]


async def test_nobody_speaks_for_another(town: Town) -> None:
    """A good signature by somebody else, over another body, too old, or for another place is refused."""
    ana, _ = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)
    await town.join("eve", HILLTOP)
    body, other = json.dumps(follow()).encode(), json.dumps(follow(9)).encode()
    now = SystemClock().now_s()
    good = cavage.sign("POST", INBOX, body, key_id=f"{BO}#main-key", key=key(), now=now)
    elsewhere = cavage.sign(
        "POST", f"https://{HILLTOP}/inbox", body, key_id=f"{BO}#main-key", key=key(), now=now
    )

    refused = {
        "eve signs for bo": await post(town, follow(), key_id="https://hilltop.example/users/eve#main-key"),
        "swapped body": await send(town, INBOX, other, good),
        "three hours late": await post(town, follow(), late_s=3 * 3600),
        "another place": await send(town, INBOX, body, elsewhere),
        "another path": await send(town, f"https://{HARBOUR}/inbox", body, good),
        "no such key": await post(town, follow(), key_id=f"{BO}#other-key"),
        "nobody's key": await post(town, follow(), key_id="https://nowhere.invalid/x#key"),
        "no signature": await send(town, INBOX, body, {}),
    }

    assert {what: code for what, code in refused.items() if code not in (400, 401)} == {}
    assert await followers(ana) == []


async def test_a_farewell_of_a_stranger_costs_nothing(town: Town) -> None:
    """A Delete of itself by an unknown actor is answered 202 without looking at its signature."""
    await town.join("ana", HARBOUR)
    gone = "https://gone.invalid/users/x"
    farewell = {"type": "Delete", "actor": gone, "object": gone, "id": f"{gone}#delete"}

    assert await send(town, INBOX, json.dumps(farewell).encode(), {"Signature": "nonsense"}) == 202


async def test_an_inbox_of_nobody_is_not_there(town: Town) -> None:
    """What is sent to somebody who does not live here is answered 404, as Mastodon does."""
    await town.join("bo", HILLTOP)

    assert await post(town, follow(), url=f"https://{HARBOUR}/users/nobody/inbox") == 404


async def test_an_actor_that_changed_is_fetched_again(town: Town) -> None:
    """An Update of itself is taken, and changes nothing that the actor's own node does not say."""
    ana, _ = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)
    assert await post(town, follow()) == 202
    update = {**follow(), "id": f"{BO}#update", "type": "Update", "object": {"id": BO, "type": "Person"}}

    assert await post(town, update) == 202
    assert await followers(ana) == ["bo@hilltop.example"]


async def test_a_new_key_is_fetched_once(town: Town) -> None:
    """Bo's key changes under its old name: what he signs with it counts at once, what forgers sign never."""
    ana, _ = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)
    assert await post(town, {**follow(), "type": "Arrive"}) == 202
    new, forged = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    pem = write_pem(new.public_key())
    change = "UPDATE account SET actor_key_pem = ? WHERE name = 'bo'"
    await town.nodes[HILLTOP].store.write(lambda tx: tx.change(change, pem))

    refused = [await post(town, follow(number), by=forged) for number in range(5)]
    assert refused == [401] * 5
    assert await post(town, follow(7), by=new) == 202
    assert await followers(ana) == ["bo@hilltop.example"]
    assert await post(town, follow(8)) == 401


async def test_nobody_of_this_node_comes_in_over_the_network(town: Town) -> None:
    """What is signed by somebody from here is refused, and does not make a stranger of them in the store."""
    await town.join("ana", HARBOUR)
    await town.join("bo", HILLTOP)

    code = await post(town, follow(actor=ANA, followed=BO), key_id=f"{ANA}#main-key")

    rows = await town.nodes[HARBOUR].store.read(
        lambda tx: tx.rows("SELECT inbox, key_id FROM person WHERE actor = ?", ANA)
    )
    assert (code, rows) == (400, [("", "")])


async def test_whoever_follows_and_unfollows_all_day_fills_no_inbox(town: Town) -> None:
    """Ana is told a few times an hour; who follows her is what it is."""
    ana, _ = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)

    for number in range(MAX_TOLD):
        assert await post(town, follow(number)) == 202
        assert await post(town, undo(number)) == 202
    assert await post(town, follow(MAX_TOLD)) == 202

    count = "SELECT count(*) FROM entry JOIN log ON log.id = entry.log WHERE log.name = ? AND kind = ?"
    told = await town.nodes[HARBOUR].store.read(
        lambda tx: tx.rows(count, inbox_log("ana"), int(InboxKind.FOLLOW))
    )
    assert MAX_TOLD <= told[0][0] <= 2 * MAX_TOLD  # the hour may end meanwhile
    assert await followers(ana) == ["bo@hilltop.example"]


async def test_a_post_of_the_year_9999_is_one_of_today(town: Town) -> None:
    """What says that it is from later would outlive everything, and no edit of it could ever be newer."""
    await town.join("ana", HARBOUR)
    await town.join("bo", HILLTOP)
    note = {
        "id": f"{BO}/notes/1",
        "type": "Note",
        "attributedTo": BO,
        "content": "hello",
        "to": [ANA],
        "published": "9999-12-31T23:59:59Z",
    }

    assert await post(town, {**follow(), "type": "Create", "object": note}) == 202

    rows = await town.nodes[HARBOUR].store.read(lambda tx: tx.rows("SELECT published, version FROM post"))
    assert [max(row) <= SystemClock().now_s() + SKEW_S for row in rows] == [True]


async def test_a_large_body_is_not_read_before_it_is_verified(town: Town) -> None:
    """Who signs nothing is told so, whatever stands in the body: reading it would cost far more."""
    await town.join("ana", HARBOUR)
    body = b'{"type":"Delete","x":[' + b"[]," * 10_000

    async with town.session.post(INBOX, data=body, headers={"Signature": "nonsense"}) as answer:
        problem = json.loads(await answer.read())

    assert problem["extra"]["rule"] == "malformedHeader"


async def test_unknown_kinds_and_nobodys_inbox_are_no_error(town: Town) -> None:
    """What is not understood is taken and forgotten; a follow of nobody makes nobody."""
    ana, _ = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)
    strange = {**follow(), "type": "Arrive", "object": {"type": "Place"}}
    lost = follow(2, followed="https://harbour.example/users/nobody")

    assert [await post(town, strange), await post(town, lost)] == [202, 202]
    assert await followers(ana) == []
