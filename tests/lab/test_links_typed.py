"""Links as people type them: one link for account and room, one line for whatever is wrong with it."""

import json
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from yurt.lab.world.people import PASSPHRASE
from yurt.lab.world.shell import Ended, Shell
from yurt.lab.world.world import HARBOUR, World
from yurt.wire.problems import EXIT_NOT_FOUND, EXIT_REFUSED, EXIT_USAGE

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    """One node."""
    async with World.open(tmp_path_factory.mktemp("typed"), HARBOUR) as world:
        yield world


async def shell(world: World, name: str) -> Shell:
    """Sit down at the machine of somebody."""
    address = f"{name}@{HARBOUR}"
    return Shell.of(world.folder / "homes" / address, await world.map_of(address), PASSPHRASE)


async def done(shell: Shell, *arguments: str) -> str:
    """Run a command that must work; return what it printed."""
    ended = await shell.yurt(*arguments)
    assert ended.code == 0, ended
    return ended.out


async def join(person: Shell, link: str, name: str) -> Ended:
    """Join on a fresh machine."""
    return await person.yurt("join", link, name, "--phrase-file", str(person.home.parent / f"{name}.words"))


async def test_one_link_for_everything(world: World) -> None:
    """On a fresh machine, `yurt join LINK NAME` makes the account and enters the room."""
    ana, bo, cy = [await shell(world, name) for name in ("ana", "bo", "cy")]
    await join(ana, world.invites[HARBOUR], "ana")
    await done(ana, "room", "create", "tea")
    link = (await done(ana, "link", "create", "tea", "--account", "--uses", "2", "--days", "3")).strip()

    # Nobody's client runs now: Bo waits at the door, and Ana's next command lets him in.
    first = await join(bo, link, "bo")
    assert (first.code, "Waiting for a member of tea" in first.out) == (0, True), first
    assert "waiting for a member" in await done(bo, "rooms")
    tail = await ana.begin("tail", "tea", "--json")  # her client lets him in while it runs
    assert tail.stdout is not None
    while b"bo@harbour.example" not in await tail.stdout.readline():
        assert not tail.stdout.at_eof()
    tail.terminate()
    await tail.communicate()
    await done(ana, "send", "tea", "hello, bo")
    assert "hello, bo" in await done(bo, "tail", "tea", "--count", "2")

    rows = [json.loads(line) for line in (await done(ana, "link", "list", "tea", "--json")).splitlines()]
    assert [(row["uses_left"], row["own"]) for row in rows] == [(1, True)]
    await done(ana, "link", "end", "tea", rows[0]["code"])
    assert not (await done(ana, "link", "list", "tea"))

    late = await join(cy, link, "cy")
    assert (late.code, late.out, late.err.count("\n")) == (EXIT_REFUSED, "", 1), late
    assert "brings no account" in late.err
    await done(bo, "leave", "tea")
    assert "you left" in await done(bo, "rooms")


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("https://harbour.example/j/abcdefghijklmnop#c2VjcmV0c2VjcmV0c2VjcQ", EXIT_USAGE),
        ("https://harbour.example/j/abcdefghijklmnop", EXIT_USAGE),
        ("https://harbour.example/j/stqbaba2k4iu3q3t#AAAAAAAAAAAAAAAAAAAAAA", EXIT_NOT_FOUND),
    ],
    ids=["changed", "cut", "unknown"],
)
async def test_links_that_lead_nowhere(world: World, link: str, code: int) -> None:
    """Cut, changed, never made: one line each."""
    dee = await shell(world, "dee")
    if not dee.home.exists():
        await join(dee, world.invites[HARBOUR], "dee")

    ended = await dee.yurt("join", link)

    assert (ended.code, ended.out, ended.err.count("\n")) == (code, "", 1), ended
