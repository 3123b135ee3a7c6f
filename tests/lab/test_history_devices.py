"""A person's new device is told all that their other device has, without asking anybody."""

import asyncio
from pathlib import Path

import pytest

from yurt.client.clock import SystemClock
from yurt.client.devices import new_device
from yurt.client.devices.calls import AwaitLink, BeginLink, LinkCodeView, LinkView
from yurt.client.devices.entrance import enter
from yurt.client.paths import load_network
from yurt.lab.world.people import PASSPHRASE, PATIENCE_S, Person, meet
from yurt.lab.world.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _second(person: Person, home: Path) -> Person:
    code = await person.engine.call(BeginLink(phrase=person.phrase), LinkCodeView)
    network, clock = load_network(person.map_file), SystemClock(person.map_file)

    async def join() -> Person:
        made = new_device.join_by_code(home, code.node, code.code, PASSPHRASE, network=network, clock=clock)
        engine = await enter(home, PASSPHRASE, made, network=network, clock=clock)
        return Person(person.name, home, person.map_file, engine, person.phrase)

    laptop, _ = await asyncio.gather(join(), person.engine.call(AwaitLink(within=PATIENCE_S), LinkView))
    return laptop


async def test_a_new_device_is_told_everything(town: Town) -> None:
    """Nobody has to choose or to ask: it is the same person."""
    ana, bo = town.ana, town.bo
    room = await meet(ana, bo, name="diary")
    await bo.engine.send(room, "from bo", wait="accepted")
    await ana.reads(room, "from bo")
    await ana.engine.send(room, "from ana", wait="accepted")
    laptop = await _second(ana, town.world.folder / "people" / f"{ana.address}-2")
    town.world.people.append(laptop)
    await laptop.enters(room)
    await laptop.sees(room, lambda item: "vouches for them" in item.text)
    told = [one for one in await laptop.engine.timeline(room) if one.kind == "message"]
    assert [(one.text, one.vouched_by) for one in told] == [
        ("from bo", ana.address),
        ("from ana", ana.address),
    ]
