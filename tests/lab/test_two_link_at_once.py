"""Two devices of one person change the list of devices at the same moment."""

import asyncio
from pathlib import Path

import pytest

from yurt.client.devices.calls import DeviceViews, ListDevices, RevokeDevice, RoomsSettled
from yurt.lab.world.devices import link_device
from yurt.lab.world.people import Person, until
from yurt.lab.world.world import HARBOUR, World

pytestmark = pytest.mark.asyncio


async def devices_of(person: Person) -> set[str]:
    """Which devices this one knows of."""
    views = await person.engine.call(ListDevices(), DeviceViews)
    return {view.device_id.hex() for view in views.devices}


async def all_know(count: int, *people: Person) -> None:
    """Wait until every device knows of so many."""

    async def know() -> bool:
        known = [await devices_of(person) for person in people]
        return len(known[0]) == count and all(one == known[0] for one in known)

    await until(know, f"all know of {count} devices")


async def test_both_link_a_device_and_both_go_on(tmp_path: Path) -> None:
    """Two records with one number: the node takes one, the other is made anew; nobody is stuck or frozen."""
    async with World.open(tmp_path, HARBOUR) as world:
        phone = await world.person("ana", HARBOUR)
        laptop = await link_device(world, phone)
        tablet, desktop = await asyncio.gather(
            link_device(world, phone, "t"), link_device(world, laptop, "d")
        )
        await all_know(4, phone, laptop, tablet, desktop)
        ids = [person.engine for person in (tablet, desktop)]
        gone = [(await engine.status()).device_id.hex() for engine in ids]

        revoked = await asyncio.gather(
            phone.engine.call(RevokeDevice(device=gone[0], phrase=phone.phrase), RoomsSettled),
            laptop.engine.call(RevokeDevice(device=gone[1], phrase=phone.phrase), RoomsSettled),
        )
        assert [one.left for one in revoked] == [0, 0]
        await all_know(2, phone, laptop)
