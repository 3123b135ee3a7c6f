"""The first conversation: two nodes, two people, one encrypted room, on this machine.

Everything is real: two node processes with TLS and databases of their own, two client engines with vaults,
federation between the nodes. Only names and certificates are the world's (DESIGN 4).
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

from yurt.client.api import Sent
from yurt.client.errors import ClientError
from yurt.lab.narrator import Narrator
from yurt.lab.stage import Stage, StageNode, StagePerson
from yurt.lab.world.people import PATIENCE_S, NeverHappened, Person, follow
from yurt.lab.world.process import NodeFailed
from yurt.lab.world.world import HARBOUR, HILLTOP, World
from yurt.wire.problems import ProblemError

ROOM_NAME: Final = "harbour watch"
GREETING: Final = "Hello from the harbour. Who is up there?"
REPLY: Final = "Bo on the hilltop. I see your light."
FROM_OUTBOX: Final = "Our node was away; this waited in my outbox."
WHILE_AWAY: Final = "Written while your node was away."


async def run(*, json: bool) -> int:
    """Play the demo; return 0 if everything was read, else 1."""
    tell = Narrator(json=json)
    return await _in_a_world(partial(_play, tell=tell), tell)


async def run_on_screen(show: Callable[[Stage], Awaitable[int]]) -> int:
    """Let two people meet, then hand them to a screen; return its exit code, or 1 if they never met."""
    tell = Narrator(json=False)

    async def play(world: World) -> int:
        ana, bo, room = await _arrive(world, tell)
        await ana.engine.send(room, GREETING)
        people = ((ana, HARBOUR), (bo, HILLTOP))
        nodes = {domain: StageNode(process) for domain, process in world.nodes.items()}
        return await show(Stage(room, tuple(StagePerson(who, nodes[domain]) for who, domain in people)))

    return await _in_a_world(play, tell)


async def _in_a_world(play: Callable[[World], Awaitable[int]], tell: Narrator) -> int:
    with tempfile.TemporaryDirectory(prefix="yurt-demo-") as folder:
        try:
            async with World.open(Path(folder)) as world:
                return await play(world)
        except (NodeFailed, NeverHappened, ProblemError, ClientError, TimeoutError) as error:
            tell.tell("failed", ok=False)
            sys.stderr.write(f"yurt demo: {error}\n")
            return 1


async def _play(world: World, tell: Narrator) -> int:
    ana, bo, room = await _arrive(world, tell)
    first_read_s = await _talk(ana, bo, room, tell)
    await _lose_a_node(world, ana, bo, room, tell)
    tell.tell("everything was read", ok=True, first_read_s=round(first_read_s, 3))
    return 0


async def _arrive(world: World, tell: Narrator) -> tuple[Person, Person, bytes]:
    tell.tell("two nodes run", harbour=world.nodes[HARBOUR].pid, hilltop=world.nodes[HILLTOP].pid)
    with tell.step("ana joins harbour and bo joins hilltop"):
        ana, bo = await asyncio.gather(world.person("ana", HARBOUR), world.person("bo", HILLTOP))
    return ana, bo, await _meet(ana, bo, tell)


async def _meet(ana: Person, bo: Person, tell: Narrator) -> bytes:
    with tell.step("bo follows ana"):
        await follow(bo, ana)
    with tell.step(f"ana opens the room “{ROOM_NAME}”"):
        room = (await ana.engine.create_room(ROOM_NAME)).room
    with tell.step("ana claims bo's key package and invites bo") as facts:
        invited = await ana.engine.invite(room, bo.address)
        facts["safety_number"] = invited.safety_number
    with tell.step("bo enters the room"):
        await bo.enters(room)
    return room


async def _talk(ana: Person, bo: Person, room: bytes, tell: Narrator) -> float:
    """Send one message each way; return when the first one was read."""
    with tell.step("ana writes, bo reads") as facts:
        await ana.engine.send(room, GREETING)
        facts["text"] = (await bo.reads(room, GREETING)).text
        first_read_s = tell.elapsed_s
    with tell.step("bo answers, ana reads") as facts:
        await bo.engine.send(room, REPLY)
        facts["text"] = (await ana.reads(room, REPLY)).text
    return first_read_s


async def _lose_a_node(world: World, ana: Person, bo: Person, room: bytes, tell: Narrator) -> None:
    hilltop = world.nodes[HILLTOP]
    with tell.step("hilltop stops"):
        await hilltop.stop()
    with tell.step("bo writes without a node, ana writes to bo") as facts:
        waiting: Sent = await bo.engine.send(room, FROM_OUTBOX)
        await ana.engine.send(room, WHILE_AWAY, wait="accepted")
        facts["outbox"] = waiting.state
    with tell.step("hilltop is back"):
        await hilltop.start()
    with tell.step("ana reads what waited in bo's outbox") as facts:
        facts["text"] = (await ana.reads(room, FROM_OUTBOX, within=2 * PATIENCE_S)).text
    with tell.step("bo reads what was written meanwhile") as facts:
        facts["text"] = (await bo.reads(room, WHILE_AWAY, within=2 * PATIENCE_S)).text
