"""Second devices of a world's people: linked by a code, as `yurt device link` and `yurt device join` do."""

import asyncio
from pathlib import Path

from yurt.client.clock import SystemClock
from yurt.client.devices import new_device
from yurt.client.devices.calls import AwaitLink, BeginLink, LinkCodeView, LinkView
from yurt.client.devices.entrance import enter
from yurt.client.paths import load_network
from yurt.lab.world.people import PASSPHRASE, PATIENCE_S, NeverHappened, Person
from yurt.lab.world.world import World


async def link_device(world: World, person: Person, mark: str = "2") -> Person:
    """Link one more device of somebody; it closes with the world.

    Raises:
        NeverHappened: the old device could not.
    """
    code = await person.engine.call(BeginLink(phrase=person.phrase), LinkCodeView)
    home = world.folder / "people" / f"{person.address}-{mark}"
    device, view = await asyncio.gather(
        _join_by_code(person, code, home), person.engine.call(AwaitLink(within=PATIENCE_S), LinkView)
    )
    world.people.append(device)
    if view.outcome != "linked":
        raise NeverHappened(f"{person.name} links a device: {view.outcome}, {view.problem}")
    return device


async def _join_by_code(person: Person, code: LinkCodeView, home: Path) -> Person:
    network, clock = load_network(person.map_file), SystemClock(person.map_file)
    made = new_device.join_by_code(home, code.node, code.code, PASSPHRASE, network=network, clock=clock)
    engine = await enter(home, PASSPHRASE, made, network=network, clock=clock)
    return Person(person.name, home, person.map_file, engine, person.phrase)
