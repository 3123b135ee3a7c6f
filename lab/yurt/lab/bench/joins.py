"""Scene: a wave of people. Five hundred ask to be let into one room by its link; one client lets them in.

They ask while nobody is there who could let them in. Then Ana comes back, and adds a hundred with each
commit.
"""

import asyncio
import os
import time
from functools import partial
from typing import Final

from yurt.client.clock import SystemClock
from yurt.client.invitations.calls import LinkView, MakeLink
from yurt.client.links import parse_room_link
from yurt.client.paths import load_network
from yurt.client.stream import Stream
from yurt.identity.did import Did
from yurt.lab.bench.crowd import Passerby, gather_people
from yurt.lab.bench.figures import Book
from yurt.lab.bench.lone_node import HARBOUR, lone_node
from yurt.lab.bench.machine import cpu_s, pin
from yurt.lab.bench.setting import LOAD_CORE, SERVER_CORE, Setting
from yurt.lab.world.people import Person, until
from yurt.mls.framing import MLSMessage
from yurt.rooms.common.invite_link import InviteKeys
from yurt.rooms.common.join_proof import JoinProof
from yurt.rooms.common.join_request import JoinRequest
from yurt.wire.link_commands import Asked, AskToJoin
from yurt.wire.network_map import NetworkMap

CROWD: Final = 499
"""With Ana, as many as a room takes."""
TOGETHER: Final = 100
"""As many as one commit adds."""
_PATIENCE_S: Final = 300.0
_AT_ONCE: Final = 8


async def measure(setting: Setting, book: Book) -> None:
    """Let a crowd in."""
    crowd = TOGETHER if setting.quick else CROWD
    async with lone_node(setting.folder) as (node, ana):
        network = load_network(ana.map_file)
        if network is None:
            raise RuntimeError("there is no network map")
        pin(0, LOAD_CORE)
        pin(node.pid, SERVER_CORE)
        room = (await ana.engine.create_room("harbour watch")).room
        call = MakeLink(room=room, secret=os.urandom(16), uses=crowd, account=False)
        keys = parse_room_link((await ana.engine.call(call, LinkView)).url).keys
        people = await gather_people(crowd, await node.invite(uses=crowd), ana.address, network)
        await ana.close()
        before = cpu_s(node.pid)
        await _ask(people, keys, room, network)
        began = time.perf_counter()
        await ana.reopen()
        await until(partial(_inside, ana, room, TOGETHER), "a hundred are in", within=_PATIENCE_S)
        book.note("adds", time.perf_counter() - began)
        await until(partial(_inside, ana, room, crowd), "all are in", within=_PATIENCE_S)
        book.note("joins", (cpu_s(node.pid) - before) * CROWD / crowd)


async def _inside(ana: Person, room: bytes, count: int) -> bool:
    (view,) = [view for view in await ana.engine.rooms() if view.room == room]
    return len(view.participants) > count


async def _ask(people: list[Passerby], keys: InviteKeys, room: bytes, network: NetworkMap) -> None:
    """Let everybody ask the hub to be let in."""
    places = asyncio.Semaphore(_AT_ONCE)
    requests = await asyncio.to_thread(lambda: [_request(one, keys, room) for one in people])

    async def one(who: Passerby, request: bytes) -> None:
        async with places:
            stream = await Stream.open(HARBOUR, network)
            try:
                await stream.hello(who.token)
                await stream.call(AskToJoin(HARBOUR, room, request), Asked)
            finally:
                await stream.close()

    await asyncio.gather(*(one(*pair) for pair in zip(people, requests, strict=True)))


def _request(who: Passerby, keys: InviteKeys, room: bytes) -> bytes:
    bundle = who.device.key_package(SystemClock().now_ms() // 1000)
    proof = JoinProof.make(
        keys.private,
        keys.public,
        group_id=room,
        did=Did(who.did),
        device_id=who.device.keys.device_id,
        leaf_key=bundle.key_package.leaf_node.signature_key,
    )
    return JoinRequest(MLSMessage(bundle.key_package).encode(), proof.encode()).encode()
