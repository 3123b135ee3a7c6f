"""Hostile and slow connections."""

import asyncio
import io
import json
import time

import msgspec
import pytest
from yarl import URL

from yurt.node.http.guard import HEADER_S
from yurt.node.testing import PATIENCE_S, Town, until
from yurt.wire.commands import COMMANDS
from yurt.wire.exchange import EXCHANGE_TYPE

HARBOUR = "harbour.example"
DEEP_JSON = b'{"a":' * 5000 + b"1" + b"}" * 5000
DEEP_PACK = b"\x91" * 5000 + b"\xc0"
HOSTILE: list[bytes] = [
    b"",
    b"\x00",
    b"null",
    b"[]",
    b'"text"',
    b"{",
    b'{"a":1,"a":2}',
    b'{"account":1}',
    b'{"account":"\\ud800"}',
    b'{"account":"\\u0000"}',
    b'{"account":1e999}',
    b'{"limit":9007199254740993}',
    b'{"after":NaN}',
    b'{"actor":"https://x.example/a","type":"Follow","object":{"id":[]}}',
    b'{"type":"Delete","actor":"https://x.example/a","object":"https://x.example/b"}',
    b"\xff\xfe\xfd",
    b"\xc1",
    b"\xdf\xff\xff\xff\xff",
    b"\xdc\xff\xff",
    b"\x81\xa1a",
    b"\xc9\xff\xff\xff\xff\x01",
    DEEP_JSON,
    DEEP_PACK,
    json.dumps({str(n): n for n in range(5000)}).encode(),
    msgspec.msgpack.encode({"version": 1, "rooms": [{"room": b"x"}] * 10}),
    b"x" * 3_000_000,
]
PATHS = [
    *(f"/api/v1/{name}" for name in COMMANDS),
    "/api/v1/nosuch",
    "/inbox",
    "/users/ana/inbox",
    "/users/nobody/inbox",
    "/rooms/exchange",
    "/",
    "/actor",
]
ODD_GETS = [
    "/.well-known/webfinger",
    "/.well-known/webfinger?resource=",
    "/.well-known/webfinger?resource=acct:%00@x",
    "/.well-known/webfinger?resource=acct:ana@elsewhere.example",
    "/.well-known/webfinger?resource=https://harbour.example/users/%2e%2e",
    "/nodeinfo/9.9",
    "/users/nobody",
    "/users/ANA",
    "/users/%00",
    "/records/did:key:zNobody?from=99999999999999999999999",
    "/records/did:key:zNobody?from=-1",
    "/records/notadid",
    "/api/v1/stream",
    "/api/v1/join",
    "/i/" + "x" * 3000,
    "/%ff%fe",
]


@pytest.mark.parametrize("kind", ["application/json", "application/activity+json", EXCHANGE_TYPE])
async def test_no_hostile_body_is_our_fault(harbour: Town, kind: str) -> None:
    """Whatever is posted, wherever: the answer is never a 5xx, and it is a problem document."""
    ana = await harbour.join("ana", HARBOUR)
    headers = {"Content-Type": kind, "Authorization": f"Bearer {ana.token}", "Signature": "keyId=1"}

    for path in PATHS:
        for body in HOSTILE:
            url, data = f"https://{HARBOUR}{path}", io.BytesIO(body)
            async with harbour.session.post(url, data=data, headers=headers) as answer:
                said = await answer.read()
            assert answer.status < 500, (path, body[:40], said)
            if answer.status >= 400:
                assert answer.content_type == "application/problem+json", (path, body[:40], said)


async def test_no_odd_address_is_our_fault(harbour: Town) -> None:
    """Strange paths, methods and headers are the asker's fault."""
    for path in ODD_GETS:
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
            url = URL(f"https://{HARBOUR}{path}", encoded=True)
            async with harbour.session.request(method, url, headers={"Authorization": "Basic x"}) as answer:
                assert answer.status < 500, (method, path)


async def test_packed_bodies_stay_packed(harbour: Town) -> None:
    """A body that says it is compressed is refused, not unpacked."""
    url = f"https://{HARBOUR}/api/v1/login"
    async with harbour.session.post(url, data=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}) as answer:
        assert answer.status == 400


async def test_raw_nonsense_ends_in_a_400_or_silence(harbour: Town) -> None:
    """Bytes that are no HTTP, and requests for another host, do not hurt."""
    for request in (
        b"\x16\x03\x01\x02\x00" * 20,
        b"GET http://169.254.169.254/ HTTP/1.1\r\nHost: \xff\r\n\r\n",
        b"POST /inbox HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /inbox HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 500 + b"\r\n",
    ):
        reader, writer = await harbour.dial(HARBOUR)
        writer.write(request)
        async with asyncio.timeout(PATIENCE_S):
            said = await reader.read(200)
        writer.close()
        assert not said.startswith((b"HTTP/1.1 5", b"HTTP/1.0 5")), said


async def test_a_connection_that_says_nothing_is_ended(harbour: Town) -> None:
    """Ten seconds for a header, whatever trickles in; somebody who is being answered is left alone."""
    guard = harbour.nodes[HARBOUR].guard
    reader, writer = await harbour.dial(HARBOUR)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
    await writer.drain()

    assert guard.sweep(time.monotonic()) == 0
    await until(lambda: guard.sweep(time.monotonic() + HEADER_S + 1) == 1)

    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()


@pytest.mark.parametrize(
    "head", [b"GET /c4n4ry x HTTP/1.1", b"c4n4ry\xff\xfe", b"GET / HTTP/1.1\r\nc4n 4ry: 1"]
)
async def test_what_is_no_http_leaves_no_trace(
    harbour: Town, head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A stranger who talks nonsense is told so; the log gets neither their words nor their address."""
    reader, writer = await harbour.dial(HARBOUR)
    writer.write(head + b"\r\nHost: harbour.example\r\n\r\n")
    async with asyncio.timeout(PATIENCE_S):
        answer = await reader.read(4000)
    writer.close()

    assert b" 400 " in answer.splitlines()[0]
    assert "Error handling request" not in caplog.text
    assert "c4n" not in caplog.text
