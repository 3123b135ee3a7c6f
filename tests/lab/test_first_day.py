"""The first day of two people, as they would type it: the README's walk, and what can go wrong on it."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from yurt.lab.world.people import PASSPHRASE
from yurt.lab.world.shell import Ended, Shell
from yurt.lab.world.world import HARBOUR, HILLTOP, World
from yurt.wire.problems import EXIT_AUTH, EXIT_NOT_FOUND, EXIT_REFUSED, EXIT_UNREACHABLE, EXIT_USAGE

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    """Two nodes on which nobody lives yet."""
    async with World.open(tmp_path_factory.mktemp("first-day")) as world:
        yield world


async def shell(world: World, address: str, passphrase: str = PASSPHRASE) -> Shell:
    """Sit down at the machine of somebody."""
    return Shell.of(world.folder / "homes" / address, await world.map_of(address), passphrase)


def one_line(ended: Ended) -> str:
    """What a failed command said: one line, on stderr, and nothing else."""
    assert ended.out == ""
    assert ended.err.count("\n") == 1, ended.err
    return ended.err


async def done(shell: Shell, *arguments: str) -> str:
    """Run a command that must work; return what it printed."""
    ended = await shell.yurt(*arguments)
    assert ended.code == 0, ended
    return ended.out


async def hears(shell: Shell, text: str) -> None:
    """Read one line more each time, until somebody has said it; a `tail` waits for what is not there."""
    count, shown = 0, ""
    while text not in shown:
        count += 1
        shown = await done(shell, "tail", "--count", str(count), "--json")


async def lists(shell: Shell, command: str, address: str) -> None:
    """Look again until somebody is listed, and agreed to: what goes from node to node takes a moment."""
    listed = dict[str, str]()
    while listed.get(address) != "accepted":
        rows = [json.loads(line) for line in (await done(shell, command, "--json")).splitlines()]
        listed = {row["address"]: row["state"] for row in rows}


async def test_first_day(world: World) -> None:
    """Join, follow, open a room, invite, send, read: each is one command."""
    ana, bo = await shell(world, "ana@harbour.example"), await shell(world, "bo@hilltop.example")
    for person, name, domain in ((ana, "ana", HARBOUR), (bo, "bo", HILLTOP)):
        words = person.home.parent / f"{name}.words"
        await person.yurt("join", world.invites[domain], name, "--phrase-file", str(words))
        assert words.stat().st_mode & 0o777 == 0o600
        assert len(words.read_text().split()) >= 24

    await done(bo, "follow", "ana@harbour.example")
    await lists(ana, "followers", "bo@hilltop.example")
    await lists(bo, "following", "ana@harbour.example")
    await done(ana, "room", "create", "harbour watch")
    await done(ana, "invite", "harbour watch", "bo@hilltop.example")
    await done(ana, "send", "harbour watch", "hello from the harbour")
    await hears(bo, "hello from the harbour")
    await done(bo, "send", "harbour watch", "hello from the hilltop")
    rooms = [json.loads(line) for line in (await done(ana, "rooms", "--json")).splitlines()]

    assert [room["name"] for room in rooms] == ["harbour watch"]
    await hears(ana, "hello from the hilltop")


async def test_wrong_invite(world: World) -> None:
    """An invite that is no invite, or was used up, says so and leaves nothing behind."""
    eve = await shell(world, "eve@harbour.example")
    phrase = ("--phrase-file", str(eve.home.parent / "eve.words"))
    used = await world.nodes[HARBOUR].invite()
    first = await shell(world, "first@harbour.example")
    words = str(eve.home.parent / "first.words")
    await done(first, "join", used, "first", "--phrase-file", words)

    nonsense = await eve.yurt("join", "https://harbour.example/i/", "eve", *phrase)
    wrong = await eve.yurt("join", used[:-4] + "AAAA", "eve", *phrase)
    late = await eve.yurt("join", used, "eve", *phrase)

    assert [ended.code for ended in (nonsense, wrong, late)] == [EXIT_USAGE, EXIT_REFUSED, EXIT_REFUSED]
    assert all(one_line(ended) for ended in (nonsense, wrong, late))
    assert not list(eve.home.glob("*"))


async def test_taken_name(world: World) -> None:
    """A name that somebody has is refused, and the invite still works with another one."""
    invite = await world.nodes[HARBOUR].invite()
    link = world.invites[HARBOUR]
    fay = await shell(world, "fay@harbour.example")
    await done(fay, "join", link, "fay", "--phrase-file", str(fay.home.parent / "fay.words"))
    other = await shell(world, "other@harbour.example")

    taken = await other.yurt("join", invite, "fay", "--phrase-file", str(other.home.parent / "o1.words"))

    assert taken.code == EXIT_REFUSED
    assert "fay" in one_line(taken)
    assert not list(other.home.glob("*"))
    await done(other, "join", invite, "gus", "--phrase-file", str(other.home.parent / "o2.words"))


async def test_unreachable_node(world: World) -> None:
    """A node that does not answer is named, and nothing was made."""
    hal = await shell(world, "hal@hilltop.example")
    link = await world.nodes[HILLTOP].invite()
    await world.nodes[HILLTOP].stop()

    ended = await hal.yurt("join", link, "hal", "--phrase-file", str(hal.home.parent / "hal.words"))
    await world.nodes[HILLTOP].start()

    assert ended.code == EXIT_UNREACHABLE
    assert HILLTOP in one_line(ended)
    assert not list(hal.home.glob("*"))


async def test_wrong_passphrase(world: World, tmp_path: Path) -> None:
    """A wrong passphrase opens nothing and says so; no vault at all says something else."""
    ivy = await shell(world, "ivy@harbour.example")
    link = world.invites[HARBOUR]
    await done(ivy, "join", link, "ivy", "--phrase-file", str(ivy.home.parent / "ivy.words"))
    ivy.passphrase_file.write_text("not this one\n")

    wrong = await ivy.yurt("rooms")
    nowhere = await Shell.of(tmp_path / "nowhere", ivy.map_file).yurt("rooms")

    assert (wrong.code, nowhere.code) == (EXIT_AUTH, EXIT_NOT_FOUND)
    assert "passphrase" in one_line(wrong)
    assert "join" in one_line(nowhere)
