"""Somebody forgot the passphrase: what the operator types, what they do, and what they have again."""

import json
from pathlib import Path

import pytest

from yurt.client.clock import SystemClock
from yurt.client.devices import new_device
from yurt.client.devices.entrance import enter
from yurt.client.devices.linking import identity_of
from yurt.client.paths import load_network
from yurt.identity.signed_record import VerifiedRecord
from yurt.lab.world.people import Person, follow
from yurt.lab.world.shell import Shell
from yurt.lab.world.world import HARBOUR, World

pytestmark = pytest.mark.asyncio
ANEW = "another passphrase"


def nobody(record: VerifiedRecord) -> tuple[bytes, ...]:  # noqa: ARG001  # its shape
    """Shut no other device out."""
    return ()


async def test_a_reset_and_24_words_bring_somebody_back(tmp_path: Path) -> None:
    """`account reset`, then `device restore`: a new passphrase, the same person, the same ties."""
    async with World.open(tmp_path, HARBOUR) as world:
        ana, bo = await world.person("ana", HARBOUR), await world.person("bo", HARBOUR)
        await follow(bo, ana)
        await ana.close()  # the vault is shut, and nobody remembers what opens it
        operator = Shell.of(tmp_path / "operator", ana.map_file)
        node = str(world.nodes[HARBOUR].data)

        reset = await operator.yurt("node", "--json", "account", "reset", "ana", "--data", node)
        listed = await operator.yurt("node", "--json", "account", "list", "--data", node)
        network, clock = load_network(ana.map_file), SystemClock(ana.map_file)
        home = tmp_path / "anew"
        made = new_device.restore(
            home, HARBOUR, identity_of(ana.phrase), ANEW, revoke=nobody, network=network, clock=clock
        )
        engine = await enter(home, ANEW, made, network=network, clock=clock)
        again = Person(ana.name, home, ana.map_file, engine, ana.phrase)
        world.people.append(again)
        followers = await again.engine.followers()

        assert json.loads(reset.out)["link"].startswith(f"https://{HARBOUR}/i/"), reset.err
        standings = {one["name"]: one["devices"] for one in map(json.loads, listed.out.splitlines())}
        assert standings == {"ana": 0, "bo": 1}
        assert (await again.engine.status()).address == ana.address
        assert [person.address for person in followers] == [bo.address]
