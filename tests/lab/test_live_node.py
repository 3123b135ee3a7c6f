"""What a node that serves a room shows to the world: no path to decrypt, and no failure to hostile bytes."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from yurt.lab.world.people import Person, sign_in
from yurt.lab.world.town import Town
from yurt.wire.commands import COMMANDS
from yurt.wire.exchange import EXCHANGE_PATH, EXCHANGE_TYPE

pytestmark = pytest.mark.asyncio(loop_scope="module")

TELLTALE = """
import atexit, pathlib, sys

def tell():
    data = pathlib.Path(sys.argv[sys.argv.index("--data") + 1])
    (data.parent / f"{sys.argv[1]}.modules").write_text("\\n".join(sorted(sys.modules)))

atexit.register(tell)
from yurt.node.__main__ import main
sys.exit(main())
"""
"""Runs a node as ever, and writes at its end which modules it had loaded."""

SECRET = {"yurt.rooms.member", "yurt.mls.group", "yurt.mls.secret_tree", "yurt.mls.key_schedule"}
"""DESIGN 2: whoever has none of these has no path to decrypt."""

HOSTILE = {
    "nothing": b"",
    "no JSON": b"{",
    "an array": b"[]",
    "null": b"null",
    "a number": b"1e999",
    "a huge integer": b"9" * 5_000,
    "a deep array": b"[" * 100_000,
    "a deep object": b'{"a":' * 50_000,
    "a key twice": b'{"type":"Follow","type":"Undo"}',
    "a lone surrogate": b'{"id":"\\ud800"}',
    "a zero byte": b'{"id":"\\u0000"}',
    "not a number": b'{"id":NaN}',
    "no UTF-8": b'{"id":"\xff\xfe"}',
    "a BOM": b"\xef\xbb\xbf{}",
    "wrong types": b'{"id":{"a":[null]},"actor":{},"room":[],"code":1,"kind":"x","after":-1,"limit":-5}',
    "empty texts": b'{"address":"","actor":"","account":"","code":"","room":"","kind":0,"entry":""}',
    "odd texts": b'{"address":"@@","actor":"https://[","account":"\\u202e","code":"%","claim":"!","limit":0}',
    "bytes that are no entry": b'{"room":"AAAA","kind":2,"entry":"AAAA","group_info":"AAAA","claim":"AAAA"}',
    "an activity of nobody": b'{"id":7,"type":["Follow"],"actor":{"id":{}},"object":[[]]}',
    "MessagePack of endless depth": b"\x91" * 50_000,
    "MessagePack that promises 4 GiB": b"\xdd\xff\xff\xff\xff",
}
POSTED = [
    "/inbox",
    "/users/ana/inbox",
    "/users/nobody/inbox",
    EXCHANGE_PATH,
    *(f"/api/v1/{name}" for name in sorted(COMMANDS, key="logout".__eq__)),  # it ends the token: last
]
TYPES = ("application/json", "application/activity+json", EXCHANGE_TYPE, "text/plain; charset=\xff")
ASKED = (
    "/.well-known/webfinger",
    "/.well-known/webfinger?resource=acct:%00@harbour.example",
    "/.well-known/webfinger?resource=" + "a" * 3_000,
    "/nodeinfo/9.9",
    "/users/%2e%2e%2factor",
    "/users/ana?page=-1",
    "/users/ana/followers?page=99999999999999999999",
    "/records/did:key:zzzz?from=-1",
    "/records/did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK?from=1e9",
    "/i/%ff%fe",
    "/api/v1/stream",
    "/api/v1/join",
    "/%",
    "//",
    "/" + "a" * 9_000,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def telltale(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Town]:
    """A town whose nodes tell at their end what they had loaded."""
    async with Town.open(tmp_path_factory.mktemp("telltale"), program=("-c", TELLTALE)) as town:
        yield town


def loaded(town: Town, domain: str) -> set[str]:
    """The modules that a stopped node had loaded."""
    path: Path = town.world.folder / domain / "run.modules"
    return set(path.read_text().split())


async def both_read(town: Town, text: str) -> None:
    """Let both people say and read something."""
    both: tuple[tuple[Person, Person], ...] = ((town.ana, town.bo), (town.bo, town.ana))
    for author, reader in both:
        await author.engine.send(town.room, f"{text} {author.name}")
        await reader.reads(town.room, f"{text} {author.name}")


async def test_hostile_bodies(telltale: Town) -> None:
    """Whatever somebody posts to whatever address, signed in or not, the node never fails."""
    # Somebody whose client does not run: it would sign in again, and this token would be none any more.
    eve = await telltale.world.person("eve", telltale.hilltop.domain)
    device = (await eve.engine.status()).device_id
    await eve.close()
    token = await sign_in(telltale.hilltop, eve.name, device)
    credentials = (f"Bearer {token}", "Bearer nonsense")
    statuses: dict[tuple[str, str, str], int] = {}
    for path in POSTED:
        for what, body in HOSTILE.items():
            for authorization in credentials:
                kind = TYPES[len(statuses) % len(TYPES)]
                answer = await telltale.hilltop.ask(
                    "POST", path, body, Content_Type=kind, Authorization=authorization
                )
                statuses[path, what, authorization[:9]] = answer.status

    assert {key: status for key, status in statuses.items() if status >= 500} == {}
    assert set(statuses.values()) >= {200, 400, 401}  # some came through to the commands themselves
    await both_read(telltale, "after hostile bodies")


async def test_hostile_questions(telltale: Town) -> None:
    """Whatever is asked for, with whatever method, the answer is never a failure of the node."""
    statuses = {
        (method, path): (await telltale.harbour.ask(method, path, Signature="a" * 50)).status
        for path in (*ASKED, *POSTED)
        for method in ("GET", "PUT", "OPTIONS", "BREW")
    }

    assert {key: status for key, status in statuses.items() if status >= 500} == {}
    await both_read(telltale, "after hostile questions")


async def test_no_secret_module(telltale: Town) -> None:
    """A hub and a member node that carried a room have loaded nothing that could decrypt it."""
    await both_read(telltale, "can you read this, nodes")

    await asyncio.gather(telltale.harbour.restart(), telltale.hilltop.restart())

    for node in (telltale.harbour, telltale.hilltop):
        modules = loaded(telltale, node.domain)
        assert "yurt.mls.public_group" in modules  # it did judge the room
        assert modules & SECRET == set()
        assert {name for name in modules if name.startswith("yurt.client")} == set()
