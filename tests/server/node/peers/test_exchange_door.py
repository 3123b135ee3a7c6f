"""Who may exchange: signatures of nodes, each used once, each for its own accounts."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yurt.activitypub.http_signatures import cavage
from yurt.activitypub.http_signatures.rfc9421 import sign_exchange
from yurt.node.clock import SystemClock
from yurt.node.keys import NodeKeys
from yurt.node.limiter import Rate
from yurt.node.people import directory
from yurt.node.testing import PATIENCE_S, Town, problem_of
from yurt.wire.consent_commands import InviteAccepted
from yurt.wire.exchange import (
    EXCHANGE_PATH,
    Ask,
    Claim,
    ExchangeAnswer,
    ExchangeRequest,
    Pull,
    RoomRows,
    Submission,
    WelcomeDelivery,
)
from yurt.wire.frames import INBOX, Call, Result, Ring
from yurt.wire.link_commands import RingDevices
from yurt.wire.people_commands import Following
from yurt.wire.position import START

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"
URL = f"https://{HARBOUR}{EXCHANGE_PATH}"
Send = Callable[[bytes, dict[str, str]], Awaitable[tuple[int, bytes]]]


def sender(town: Town) -> Send:
    async def send(body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        async with town.session.post(URL, data=body, headers=headers) as answer:
            return answer.status, await answer.read()

    return send


def signed(
    town: Town,
    body: bytes,
    *,
    url: str = URL,
    key_id: str = "https://hilltop.example/actor#ed25519",
    key: Ed25519PrivateKey | None = None,
    late_s: int = 0,
) -> dict[str, str]:
    """Sign as hilltop, or as somebody else."""
    own = key or NodeKeys(town.folder / HILLTOP).ed25519
    now = SystemClock().now_s() - late_s
    return sign_exchange(url, body, key_id=key_id, key=own, now=now, nonce=os.urandom(16))


async def test_a_signed_exchange_is_answered_once(town: Town) -> None:
    """The same bytes and signature again are refused; the same items signed anew are not."""
    send, body = sender(town), msgspec.msgpack.encode(ExchangeRequest())
    headers = signed(town, body)

    status, said = await send(body, headers)
    again, refusal = await send(body, headers)
    anew, _ = await send(body, signed(town, body))

    assert (status, again, anew) == (200, 401, 200)
    assert msgspec.msgpack.decode(said, type=ExchangeAnswer) == ExchangeAnswer()
    assert problem_of(refusal).problem.detail == {"rule": "replay"}


async def test_a_stranger_cannot_come_between_two_nodes(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signatures that name people of hilltop who do not exist leave hilltop's own exchange alone."""
    few = Rate(burst=5, every_s=3600.0)
    monkeypatch.setattr(directory, "KEY_RATE", few)
    body = b'{"@context":"https://www.w3.org/ns/activitystreams","type":"Like"}'
    inbox, now = f"https://{HARBOUR}/inbox", SystemClock().now_s()
    stranger = NodeKeys(town.folder / HARBOUR).rsa
    codes: list[str] = []
    last = (0, False)
    for number in range(few.burst + 1):
        key_id = f"https://{HILLTOP}/users/nobody{number}#main-key"
        headers = cavage.sign("POST", inbox, body, key_id=key_id, key=stranger, now=now)
        headers["Content-Type"] = "application/activity+json"
        async with town.session.post(inbox, data=body, headers=headers) as answer:
            codes.append(problem_of(await answer.read()).problem.code)
            last = (answer.status, "Retry-After" in answer.headers)

    empty = msgspec.msgpack.encode(ExchangeRequest())
    status, _ = await sender(town)(empty, signed(town, empty))

    assert (codes[-1], last) == ("tooMany", (429, True))
    assert status == 200


async def test_what_is_not_signed_by_a_node_for_this_is_refused(town: Town) -> None:
    """Another body, another target, another key, an old signature, our own name, a person's key: 401."""
    send, body = sender(town), msgspec.msgpack.encode(ExchangeRequest())
    other = msgspec.msgpack.encode(ExchangeRequest(pulls=(Pull(bytes(32), START),)))
    harbour = NodeKeys(town.folder / HARBOUR).ed25519
    await town.join("bo", HILLTOP)
    wrong = {
        "swapped body": (other, signed(town, body)),
        "other target": (body, signed(town, body, url=f"https://{HILLTOP}{EXCHANGE_PATH}")),
        "other key": (body, signed(town, body, key=Ed25519PrivateKey.generate())),
        "old": (body, signed(town, body, late_s=600)),
        "from the future": (body, signed(town, body, late_s=-600)),
        "ourselves": (body, signed(town, body, key_id="https://harbour.example/actor#ed25519", key=harbour)),
        "a person": (body, signed(town, body, key_id="https://hilltop.example/users/bo#ed25519")),
        "nobody": (body, signed(town, body, key_id="https://nowhere.invalid/actor#ed25519")),
        "the loopback": (body, signed(town, body, key_id="https://localhost/actor#ed25519")),
        "no signature": (body, {"Content-Type": "application/vnd.yurt.exchange+msgpack"}),
    }

    for what, (content, headers) in wrong.items():
        status, said = await send(content, headers)
        assert (status, problem_of(said).problem.code) == (401, "badSignature"), what


async def test_nothing_is_read_from_a_stranger(town: Town) -> None:
    """Who is no node is refused by the head alone: not one byte of eight MiB is waited for."""
    stop = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"\x80"
        await stop.wait()

    headers = signed(town, b"another body", key=Ed25519PrivateKey.generate())
    try:
        async with asyncio.timeout(PATIENCE_S), town.session.post(URL, data=slowly(), headers=headers) as it:
            status, said = it.status, await it.read()
    finally:
        stop.set()

    assert (status, problem_of(said).problem.code) == (401, "badSignature")


async def test_a_node_speaks_only_for_its_own(town: Town) -> None:
    """Items about other nodes' accounts and rooms are refused one by one, and none stops another."""
    room, item = bytes(32), os.urandom(16)
    ana = await town.join("ana", HARBOUR)
    request = ExchangeRequest(
        rooms=(RoomRows(room, START, (), START),),
        welcomes=(WelcomeDelivery(item, room, ana.person.identity.did, b"d" * 16, b"w", START, b"", 0),),
        submissions=(
            Submission(item, ana.person.actor, room, 2, b"entry"),
            Submission(item, "https://hilltop.example/users/bo", room, 2, b"entry"),
            Submission(item, "nonsense", room, 2, b"entry"),
        ),
        claims=(Claim(item, ana.person.actor, ana.person.actor, b"claim", ana.person.record.encode()),),
        pulls=(Pull(room, START),),
        records=(b"no record", ana.person.record.encode()),
    )
    body = msgspec.msgpack.encode(request)

    status, said = await sender(town)(body, signed(town, body))

    answer = msgspec.msgpack.decode(said, type=ExchangeAnswer)
    assert status == 200
    assert [have.problem for have in answer.rooms] == ["unknownRoom"]
    codes = [one.problem.code if one.problem else "" for one in answer.submissions]
    assert codes == ["notAllowed", "notFound", "badRequest"]
    assert [one.problem.code if one.problem else "" for one in answer.claims] == ["badRequest"]
    assert [one.problem.code if one.problem else "" for one in answer.welcomes] == ["refused"]
    assert answer.pulls == ()


async def test_a_node_that_rings_all_day_wakes_nobody(town: Town) -> None:
    """Hints of one node to one account have a rate: what is too much is dropped, and is no error."""
    ana = await town.join("ana", HARBOUR)
    who, room = f"https://{HILLTOP}/users/eve", os.urandom(32)
    rings = [RingDevices(room, person=ana.person.identity.did, actor=ana.person.actor)] * 30
    answers = [InviteAccepted(ana.person.actor, room)] * 30
    asks = [Ask(os.urandom(16), who, "ring", msgspec.msgpack.encode(one)) for one in rings]
    asks += [Ask(os.urandom(16), who, "invite_accepted", msgspec.msgpack.encode(one)) for one in answers]
    body = msgspec.msgpack.encode(ExchangeRequest(asks=tuple(asks)))

    async with town.stream(ana) as stream:
        await stream.subscribe(INBOX, START)
        status, said = await sender(town)(body, signed(town, body))
        await stream.send(Call(7, Following.name, msgspec.Raw(msgspec.msgpack.encode(Following()))))
        heard = 0
        async with asyncio.timeout(PATIENCE_S):
            while not isinstance(frame := await stream.receive(), Result):
                heard += isinstance(frame, Ring)

    answered = msgspec.msgpack.decode(said, type=ExchangeAnswer).asks
    assert (status, len(answered), [one.problem for one in answered if one.problem]) == (200, 60, [])
    assert 0 < heard < 15
