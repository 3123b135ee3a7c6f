"""What a node asks of others, and what it never asks."""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from yurt.lab.world.network import Network as Places
from yurt.node import fetch
from yurt.node.config import Network, read_network
from yurt.node.fetch import (
    CheckedResolver,
    FetchError,
    FetchFailed,
    FetchRefused,
    FetchTooLarge,
    SafeFetch,
    check_url,
    is_public,
)
from yurt.node.testing import served
from yurt.node.unreachable import why_unreachable
from yurt.wire.network_map import Endpoint

OPEN = "open.example"
Start = Callable[[web.Application], Awaitable[SafeFetch]]


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Start]:
    """Serve an application as open.example; give a fetch that knows the name."""
    places = Places.make(tmp_path, [OPEN])
    network: Network = read_network(places.write_map(OPEN))
    fetch = SafeFetch(network)
    async with AsyncExitStack() as servers:

        async def start(app: web.Application) -> SafeFetch:
            await servers.enter_async_context(served(places, OPEN, app))
            return fetch

        yield start
        await fetch.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://open.example/",
        "ftp://open.example/",
        "file:///etc/passwd",
        "https://open.example:8443/",
        "https://user@open.example/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://localhost/",
        "https:///path",
        "https://open.example\n.evil.example/",
        "https://öpen.example/",
        "https://[broken/",
        "",
    ],
)
def test_only_plain_https_names_are_fetched(url: str) -> None:
    """No other scheme, no port, no user, no address, whatever its spelling."""
    with pytest.raises(FetchRefused):
        check_url(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104  # an address that must be refused
        "192.0.0.8",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001::1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
    ],
)
def test_no_address_of_the_own_house_is_public(address: str) -> None:
    """Loopback, private, link-local, shared and translated addresses are refused."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_the_open_internet_is_public(address: str) -> None:
    """Ordinary addresses pass."""
    assert is_public(address)


async def test_one_private_answer_spoils_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that resolves to a public and to a private address is not used at all (rebinding)."""
    infos = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("1.1.1.1", "127.0.0.1")
    ]

    async def two_answers(*_args: object, **_more: object) -> list[object]:
        return list(infos)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", two_answers)
    resolver = CheckedResolver({"mapped.example": Endpoint("127.0.0.9", 7443)})

    with pytest.raises(OSError, match="not public"):
        await resolver.resolve("rebind.example", 443)
    assert (await resolver.resolve("mapped.example", 443))[0]["port"] == 7443


async def test_redirects_are_checked_like_the_first_url(serve: Start) -> None:
    """A redirect to the own house, to http or in a circle ends; three honest ones are followed."""
    targets = {
        "/1": "/2",
        "/2": "https://open.example/3",
        "/3": "/end",
        "/loop": "/loop",
        "/home": "https://127.0.0.1/",
        "/meta": "https://169.254.169.254/latest",
        "/http": "http://open.example/end",
    }

    async def answer(request: web.Request) -> web.Response:
        if request.path in targets:
            return web.Response(status=302, headers={"Location": targets[request.path]})
        return web.Response(text="arrived")

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    fetch = await serve(app)

    assert (await fetch.get(f"https://{OPEN}/1")).body == b"arrived"
    for path, error in (
        ("/loop", FetchFailed),
        ("/home", FetchRefused),
        ("/meta", FetchRefused),
        ("/http", FetchRefused),
    ):
        with pytest.raises(error):
            await fetch.get(f"https://{OPEN}{path}")
    assert (await fetch.post(f"https://{OPEN}/1", b"body", {})).status == 302


async def test_answers_stay_small_and_unpacked(serve: Start) -> None:
    """More than the cap, and anything compressed, is not taken."""

    async def large(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 10_001)

    async def packed(_request: web.Request) -> web.Response:
        return web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})

    app = web.Application()
    app.add_routes([web.get("/large", large), web.get("/packed", packed)])
    fetch = await serve(app)

    assert len((await fetch.get(f"https://{OPEN}/large")).body) == 10_001
    for path in ("/large", "/packed"):
        with pytest.raises(FetchTooLarge):
            await fetch.get(f"https://{OPEN}{path}", limit=10_000)


async def test_a_server_that_never_ends_is_left(serve: Start) -> None:
    """Who sends a byte now and then does not hold us."""

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b".")
            await asyncio.sleep(0.01)

    app = web.Application()
    app.add_routes([web.post("/", drip)])
    fetch = await serve(app)

    with pytest.raises(FetchFailed):
        await fetch.post(f"https://{OPEN}/", b"", {}, total_s=0.2)


async def test_slow_servers_do_not_hold_what_is_sent(serve: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger names keys at servers that never answer; our exchanges and deliveries go on."""
    monkeypatch.setattr("yurt.node.fetch.PLACES", 2)
    arrived, over = asyncio.Semaphore(0), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        arrived.release()
        await over.wait()
        return web.Response()

    async def quick(_request: web.Request) -> web.Response:
        return web.Response(text="taken")

    app = web.Application()
    app.add_routes([web.get("/key", slow), web.post("/inbox", quick)])
    fetch = await serve(app)
    keys = [asyncio.create_task(fetch.get(f"https://{OPEN}/key")) for _ in range(5)]
    for _ in range(2):
        await arrived.acquire()

    sent = await fetch.post(f"https://{OPEN}/inbox", b"", {}, total_s=5.0)

    assert sent.body == b"taken"
    over.set()
    assert all(answer.status == 200 for answer in await asyncio.gather(*keys))


async def test_nobody_there_is_one_kind_of_error() -> None:
    """A name that does not resolve is a FetchError that says so, in words, without our own addresses."""
    fetch = SafeFetch(None)

    with pytest.raises(FetchError, match=r"nowhere\.invalid cannot be reached: .*DNS"):
        await fetch.get("https://nowhere.invalid/")
    await fetch.close()


async def test_why_nobody_is_there_is_said_in_words(serve: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads it learns what to look at: the certificate, the other server, the network."""
    fetch = await serve(web.Application())
    strict = SafeFetch(None)

    async def private(*_args: object, **_settings: object) -> list[object]:
        await asyncio.sleep(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", private)
    with pytest.raises(FetchError, match="an address that is not public"):
        await strict.get(f"https://{OPEN}/")
    await strict.close()

    assert (await fetch.get(f"https://{OPEN}/")).status == 404
    assert why_unreachable(ssl.SSLCertVerificationError()).startswith("its certificate")
    assert why_unreachable(TimeoutError()) == "it does not answer in time"
    assert not re.search("[A-Z][a-z]+Error", why_unreachable(ConnectionError()))


async def test_what_is_sent_is_signed_when_somebody_is_there(serve: Start) -> None:
    """The signature replaces headers of the same name; it belongs to that request and no other."""
    came: list[tuple[str, str, str]] = []

    async def take(request: web.Request) -> web.Response:
        came.append((request.method, request.headers["Host"], request.headers.get("Signature", "")))
        return web.Response(status=202)

    async def sign() -> dict[str, str]:
        return {"Host": OPEN, "Signature": "ana"}

    app = web.Application()
    app.add_routes([web.route("*", "/inbox", take)])
    fetch = await serve(app)

    await fetch.post(f"https://{OPEN}/inbox", b"{}", {}, sign=sign)
    await fetch.post(f"https://{OPEN}/inbox", b"{}", {})
    await fetch.get(f"https://{OPEN}/inbox")

    assert came == [("POST", OPEN, "ana"), ("POST", OPEN, ""), ("GET", OPEN, "")]


async def test_nothing_is_signed_for_who_is_not_there(tmp_path: Path) -> None:
    """A host that is down costs a connection, no signature."""
    places = Places.make(tmp_path, [OPEN])
    fetch = SafeFetch(read_network(places.write_map(OPEN)))

    async def sign() -> dict[str, str]:
        raise AssertionError("nobody listens")

    with pytest.raises(FetchFailed):
        await fetch.post(f"https://{OPEN}/inbox", b"{}", {}, sign=sign)
    await fetch.close()


def test_without_a_network_map_the_systems_authorities_are_asked() -> None:
    """The context that aiohttp keeps for that checks certificate and name, and takes no old TLS."""
    handed_to_aiohttp = fetch._tls(None)  # pyright: ignore[reportPrivateUsage]  # a test looks inside
    assert handed_to_aiohttp is True
    context: ssl.SSLContext = getattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED")  # noqa: B009  # it has no public name
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
