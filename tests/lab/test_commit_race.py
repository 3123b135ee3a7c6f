"""Everybody commits at once, again and again: one commit an epoch, and in the end all that was wanted."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final, TypeVar

import pytest

from yurt.client.calls import EngineCall, Nothing
from yurt.client.invitations.calls import EndLink, JoinByLink, JoinView, LinkView, MakeLink
from yurt.lab.world.people import Person, until
from yurt.lab.world.process import NodeProcess
from yurt.lab.world.world import HARBOUR, World
from yurt.mls.framing import peek
from yurt.wire.frames import room_log
from yurt.wire.problems import ProblemError
from yurt.wire.registry import EntryKind

pytestmark = pytest.mark.asyncio
T = TypeVar("T")

WITHIN_S: Final = 300.0


def epochs_of_commits(node: NodeProcess, room: bytes) -> list[int]:
    """Which epoch each commit of a room's log ends."""
    with closing(sqlite3.connect(f"file:{node.data / 'node.db'}?mode=ro", uri=True)) as database:
        rows = database.execute(
            "SELECT body FROM entry JOIN log ON log.id = entry.log WHERE name = ? AND kind = ? ORDER BY seq",
            (room_log(room), EntryKind.COMMIT),
        ).fetchall()
    return [peek(body).epoch for (body,) in rows]


async def race(folder: Path, people: int, rounds: int) -> None:
    """Let everybody make a link at the same moment, then end it, and again."""
    async with World.open(folder, HARBOUR) as world:
        host = await world.person("p0", HARBOUR)
        others = await asyncio.gather(*(world.person(f"p{n}", HARBOUR) for n in range(1, people)))
        room = (await host.engine.create_room("race")).room
        call = MakeLink(room=room, secret=os.urandom(16), uses=people)
        url = (await host.engine.call(call, LinkView)).url
        join = JoinByLink(url=url, within=WITHIN_S)
        joined = await asyncio.gather(*(one.engine.call(join, JoinView) for one in others))
        assert {view.state for view in joined} == {"joined"}
        for one in others:
            await host.engine.set_role(room, one.address, "admin")
        everybody = [host, *others]
        before = len(epochs_of_commits(world.nodes[HARBOUR], room))

        codes: dict[str, str] = {}

        async def make(person: Person) -> None:
            made = await again(person, MakeLink(room=room, secret=os.urandom(16)), LinkView)
            codes[person.name] = made.code

        async def end(person: Person) -> None:
            await again(person, EndLink(room=room, code=codes[person.name]), Nothing)

        for turn in range(rounds):
            act = end if turn % 2 else make
            await asyncio.gather(*(act(person) for person in everybody))

        epochs = epochs_of_commits(world.nodes[HARBOUR], room)
        assert epochs == list(range(len(epochs)))  # one an epoch, and none left out
        assert len(epochs) - before >= rounds * people
        for person in everybody:  # nobody is wedged: each speaks, and each reads everybody
            await person.engine.send(room, f"{person.name} is here", wait="accepted")
        for person in everybody:
            for other in everybody:
                await person.has(room, f"{other.name} is here", within=WITHIN_S)
            assert (await person.engine.status()).undecryptable == 0
            view = next(view for view in await person.engine.rooms() if view.room == room)
            assert view.epoch == len(epochs), person.name


async def again(person: Person, call: EngineCall, shape: type[T]) -> T:
    """Ask until it is done, as a person does who is told to try again."""
    done: list[T] = []

    async def once() -> bool:
        try:
            done.append(await person.engine.call(call, shape))
        except ProblemError as error:
            if not error.problem.kind.retry:
                raise
            return False
        return True

    await until(once, f"{person.name}: {call.name}", within=WITHIN_S)
    return done[-1]


async def test_everybody_commits_at_once(tmp_path: Path) -> None:
    """Six clients, four rounds: one winner an epoch, nobody wedged."""
    await race(tmp_path, 6, 4)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_twenty_commit_at_once_ten_times(tmp_path: Path) -> None:
    """Twenty clients, ten rounds."""
    await race(tmp_path, 20, 10)
