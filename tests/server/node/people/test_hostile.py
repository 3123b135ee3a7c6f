"""A hostile server gets nothing: no request of ours, no row, no 5xx (TRUST 10)."""

import asyncio
import copy
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from yurt.activitypub.http_signatures import cavage
from yurt.lab.world.network import Network
from yurt.node.accounts.testing import actor_key
from yurt.node.clock import SystemClock
from yurt.node.limiter import Rate
from yurt.node.people import inbox
from yurt.node.store.types import ReadTx
from yurt.node.testing import Town, open_town, until
from yurt.wire.people_commands import Follow, Following

HARBOUR, HILLTOP, GONE = "harbour.example", "hilltop.example", "gone.example"
ANA, BO = f"https://{HARBOUR}/users/ana", f"https://{HILLTOP}/users/bo"
INBOX = f"{ANA}/inbox"
PIPELINED = 500
Json = dict[str, Any]
TABLES = ("tie", "post", "reaction", "block", "timeline", "entry", "delivery", "move_heard")


def farewell(number: int) -> bytes:
    """The request of an actor that is unknown here and says that it is gone; its signature is nonsense."""
    gone = f"https://{GONE}/users/{number}"
    body = json.dumps({"type": "Delete", "actor": gone, "object": gone, "id": f"{gone}#delete"}).encode()
    head = f"POST /inbox HTTP/1.1\r\nHost: {HARBOUR}\r\nSignature: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def test_ten_thousand_farewells_of_strangers_cost_no_request(tmp_path: Path) -> None:
    """Each gets its 202, and nobody is asked for a key."""
    network = Network.make(tmp_path / "network", (HARBOUR, GONE))
    network.write_map(HARBOUR)
    asked = 0

    async def count(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        writer.close()

    place = network.endpoints[GONE]
    server = await asyncio.start_server(count, place.host, place.port)
    answers = Counter[bytes]()
    async with server, open_town(tmp_path, network, HARBOUR) as town:
        reader, writer = await town.dial(HARBOUR)
        for start in range(0, 10_000, PIPELINED):
            writer.write(b"".join(farewell(start + number) for number in range(PIPELINED)))
            for _ in range(PIPELINED):
                head = await reader.readuntil(b"\r\n\r\n")
                answers[head[9:12]] += 1
                assert b"Content-Length: 0" in head
        writer.close()

    assert (answers, asked) == ({b"202": 10_000}, 0)


# --- malformed, and signed --------------------------------------------------------------------------
def note(number: int) -> Json:
    place = f"{BO}/notes/{number}"
    return {"id": place, "type": "Note", "attributedTo": BO, "content": "x", "to": [ANA]}


VALID: tuple[Callable[[int], Json], ...] = (
    lambda _: {"type": "Follow", "object": ANA},
    lambda n: {"type": "Create", "object": note(n), "to": [ANA]},
    lambda n: {"type": "Update", "object": note(n)},
    lambda n: {"type": "Delete", "object": f"{BO}/notes/{n}"},
    lambda n: {"type": "Like", "object": f"{ANA}/notes/{n}"},
    lambda n: {"type": "Announce", "object": f"{ANA}/notes/{n}", "to": [ANA]},
    lambda _: {"type": "Block", "object": ANA},
    lambda _: {"type": "Move", "object": BO, "target": f"https://{HILLTOP}/users/eve"},
    lambda n: {
        "type": "Accept",
        "object": {"type": "Follow", "id": f"{ANA}#f/{n}", "actor": ANA, "object": BO},
    },
    lambda n: {"type": "Undo", "object": {"type": "Follow", "id": f"{BO}#f/{n}", "actor": BO, "object": ANA}},
)
JUNK: tuple[object, ...] = (
    None,
    7,
    "",
    [],
    {},
    "javascript:x",
    "https://",
    "http://hilltop.example/x",
    "\u202e",
)
STRANGER = f"https://{GONE}/users/eve"
BROKEN: tuple[Callable[[Json, object], object], ...] = (
    lambda d, j: {**d, "actor": j},
    lambda d, _: {**d, "actor": STRANGER},
    lambda d, j: {**d, "object": j},
    lambda d, _: {name: value for name, value in d.items() if name != "object"},
    lambda d, j: {**d, "type": j},
    lambda d, j: {**d, "id": 7 if j is None else j},
    lambda d, _: {**d, "@graph": [d]},
    lambda d, j: {**d, "@reverse": {"x": j}},
    lambda d, _: [d],
    lambda _, j: j,
)
RAW: tuple[Callable[[bytes], bytes], ...] = (
    lambda body: body[:-1],
    lambda body: body + body,
    lambda body: body.replace(b"{", b'{"type":"Follow",', 1),
    lambda body: body.replace(b"https", b"\xff\xfe", 1),
    lambda body: b"[" * 100 + body + b"]" * 100,
    lambda body: body.replace(b'"id"', b'"n":NaN,"id"', 1),
    lambda body: body.replace(b'"id"', b'"n":1e999,"id"', 1),
    lambda body: body.replace(b'"id"', b'"n":"\\ud800","id"', 1),
    lambda body: body.replace(b'"id"', b'"n":"\\u0000","id"', 1),
    lambda _: b"",
)


def malformed(number: int, chance: random.Random) -> bytes:
    """A valid activity with one thing wrong."""
    document: Json = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": f"{BO}#{number}",
        "actor": BO,
    }
    document |= chance.choice(VALID)(number)
    if chance.random() < 0.4:
        return chance.choice(RAW)(json.dumps(document).encode())
    return json.dumps(chance.choice(BROKEN)(copy.deepcopy(document), chance.choice(JUNK))).encode()


async def rows(town: Town) -> dict[str, int]:
    def query(tx: ReadTx) -> dict[str, int]:
        return {name: int(tx.rows(f"SELECT count(*) FROM {name}")[0][0]) for name in TABLES}  # noqa: S608  # ours

    return await town.nodes[HARBOUR].store.read(query)


async def _send(town: Town, bodies: Iterable[bytes]) -> Counter[int]:
    return await _send_with(town, ((body, {}) for body in bodies))


async def _send_with(town: Town, posts: Iterable[tuple[bytes, dict[str, str]]]) -> Counter[int]:
    """Send signed bodies, each with some headers besides; count the answers by status."""
    key, found = load_der_private_key(actor_key(), None), Counter[int]()
    assert isinstance(key, RSAPrivateKey)
    now = SystemClock().now_s()
    for body, more in posts:
        headers = cavage.sign("POST", INBOX, body, key_id=f"{BO}#main-key", key=key, now=now) | more
        async with town.session.post(INBOX, data=body, headers=headers) as answer:
            await answer.read()
            found[answer.status] += 1
    return found


@pytest.mark.parametrize(
    "count", [2_000, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(600)])]
)
async def test_malformed_but_signed_activities_change_nothing(
    town: Town, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong, with a good signature over it: no row, no 5xx, mostly a 4xx."""
    monkeypatch.setattr(inbox, "INBOX_RATE", Rate(burst=100_000, every_s=0.0001))
    await town.join("ana", HARBOUR)
    await town.join("bo", HILLTOP)
    before, chance = await rows(town), random.Random(6)  # noqa: S311  # the same each time

    answers = await _send(town, [malformed(number, chance) for number in range(count)])

    assert await rows(town) == before
    # What is well formed and of a kind that nobody knows, or concerns nobody, is 202 and forgotten.
    assert set(answers) <= {202, 400, 401, 403}
    assert answers[202] < count / 5


ODD: tuple[object, ...] = (
    *JUNK,
    True,
    -1,
    1e300,
    2**53 - 1,
    "9999-12-31T23:59:59-23:59",
    "0000-00-00T00:00:00Z",
    "P" * 5_000,
    "<p>" * 2_000,
    "\ufdfd\u0300" * 500,
    f"{ANA}/notes/1",
    "https://harbour.example/users/ana/../ana",
    "https://xn--/\u0000",
    json.loads("[" * 8 + "]" * 8),
    [BO] * 300,
    {"id": BO, "type": ["Person", "Note"], "name": {"en": 1}},
    {"@value": "x", "@context": [{"a": 1}]},
)
HEADERS = ("Signature", "Digest", "Date", "Content-Type", "Collection-Synchronization", "Signature-Input")
HEADER_ODDS = (
    "",
    ",",
    '="',
    "sha-256=:AA==:",
    "SHA-256=,SHA-256=",
    'keyId="https://hilltop.example/users/bo#main-key"',
    'sig=("@method" "@target-uri";req);created=1',
    'url="https://hilltop.example/",digest="0",collectionId="x"',
    "\xe9" * 50,
    "a" * 7_000,
)


def _places(value: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401  # JSON of any shape
    """Every place in a document where something stands."""
    inner: dict[Any, Any] = {}
    match value:
        case dict():
            inner = cast("Json", value)
        case list():
            inner = dict(enumerate(cast("tuple[Any, ...]", value)))
        case _:
            pass
    found: list[tuple[Any, Any]] = [(cast("Any", value), key) for key in inner]
    return found + [place for one in inner.values() for place in _places(one)]


def strange(number: int, chance: random.Random) -> bytes:
    """A valid activity with odd things at any place in it."""
    document: Json = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": f"{BO}#{number}",
        "actor": BO,
        "published": "2026-11-21T09:00:00Z",
    }
    document |= copy.deepcopy(chance.choice(VALID)(number))
    for _ in range(chance.randint(1, 3)):
        holder, key = chance.choice(_places(document))
        holder[key] = copy.deepcopy(chance.choice(ODD))
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "count", [400, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(600)])]
)
async def test_nothing_odd_makes_a_mistake_of_ours(
    town: Town, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Odd values anywhere in signed activities, and odd headers on others, are answered and never a 5xx."""
    monkeypatch.setattr(inbox, "INBOX_RATE", Rate(burst=100_000, every_s=0.0001))
    await town.join("ana", HARBOUR)
    await town.join("bo", HILLTOP)
    chance = random.Random(7)  # noqa: S311  # the same each time

    def posts() -> Iterator[tuple[bytes, dict[str, str]]]:
        for number in range(count):
            body, odd = strange(number, chance), dict[str, str]()
            if number % 4 == 0:
                odd[chance.choice(HEADERS)] = chance.choice(HEADER_ODDS)
            yield body, odd

    found = await _send_with(town, posts())

    assert set(found) <= {202, 400, 401, 403, 429}
    assert found[202] > count / 10


async def test_strangers_post_so_much_and_no_more(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may name anybody here, and posts stay for a month: what is too much comes again later."""
    monkeypatch.setattr(inbox, "STRANGERS_RATE", Rate(burst=250_000, every_s=1.0))
    ana = await town.join("ana", HARBOUR)
    await town.join("bo", HILLTOP)

    def post(number: int) -> bytes:
        large = note(number) | {"content": "x" * 50_000}
        create = {"id": f"{BO}#{number}", "actor": BO, "type": "Create", "object": large, "to": [ANA]}
        return json.dumps({"@context": "https://www.w3.org/ns/activitystreams", **create}).encode()

    strangers = await _send(town, [post(number) for number in range(8)])
    await ana.call(Follow(f"bo@{HILLTOP}"))

    async def accepted() -> bool:
        return any(tie.state == "accepted" for tie in (await ana.call(Following())).ties)

    await until(accepted)
    friends = await _send(town, [post(number) for number in range(8, 12)])

    assert (strangers, friends) == ({202: 4, 429: 4}, {202: 4})
