"""`python -m yurt.lab.bench.fediverse`: the fediverse side of a real node, in figures (issue 6).

Signed activities verified and taken in durably, beside bare aiohttp with the same check in the same run; one
post to a thousand followers on a hundred hosts, then with dead hosts and tar pits; memory over many
deliveries; the answer to too much at once. The node has one core, everybody else the other.
"""

import asyncio
import sys
import tempfile
import time
from http import HTTPStatus
from pathlib import Path
from typing import Final

import msgspec

from yurt.lab.bench.http_load import load
from yurt.lab.bench.machine import pin, rss_mb
from yurt.lab.bench.node_target import tls_proxy
from yurt.lab.bench.street import Street, signed
from yurt.lab.world.network import Network
from yurt.lab.world.people import Person, sign_in
from yurt.lab.world.process import NodeProcess

NAME: Final = "harbour.example"
INBOX: Final = f"https://{NAME}/inbox"
HOSTS: Final = [f"p{number}.example" for number in range(125)]
ALIVE, DEAD, TAR = HOSTS[:100], HOSTS[100:120], HOSTS[120:]
PER_HOST: Final = 8
NEW_PEOPLE: Final = 480
CONNECTIONS: Final = 50
REQUESTS: Final = 6_000
BOOSTS: Final = 100
"""Each to a hundred hosts: ten thousand deliveries for the slope of the memory."""
CROWD: Final = 1_500
_SERVER_CORE, _LOAD_CORE = 0, 1


async def main() -> None:
    """Measure everything."""
    with tempfile.TemporaryDirectory(prefix="yurt-bench-") as name:
        folder = Path(name)
        network = Network.make(folder / "network", [NAME, *HOSTS])
        network.write_map(NAME)
        pin(0, _LOAD_CORE)
        street = Street(network)
        await street.open(HOSTS)
        node = NodeProcess(NAME, network, folder / NAME, plain=True)
        try:
            await node.init()
            await node.start()
            pin(node.pid, _SERVER_CORE)
            await _measure(node, street, network, folder)
        finally:
            await node.close()
            await street.close()


async def _measure(node: NodeProcess, street: Street, network: Network, folder: Path) -> None:
    token = await _ana(node, network, folder)
    await _follow(node)
    await _posts(node, street, token)


# --- out --------------------------------------------------------------------------------------------
async def _ana(node: NodeProcess, network: Network, folder: Path) -> str:
    proxy = await tls_proxy(network)
    map_file = network.write_map("people", {NAME: proxy.endpoint})
    ana = await Person.join("ana", await node.invite(), folder / f"ana@{NAME}", map_file)
    device_id = (await ana.engine.status()).device_id
    await ana.close()
    await proxy.close()
    return await sign_in(node, "ana", device_id)


async def _follow(node: NodeProcess) -> None:
    """Everybody on the street follows Ana; the Accepts go to their own inboxes."""
    now, ana = int(time.time()), f"https://{NAME}/users/ana"  # noqa: TID251  # a benchmark runs now
    follows = list[bytes]()
    for number in range(PER_HOST):
        for host in HOSTS:
            actor = f"https://{host}/users/f{number}"
            follows.append(signed(actor, INBOX, {"id": f"{actor}#f", "type": "Follow", "object": ana}, now))
    seconds = 0.0
    for start in range(0, len(follows), NEW_PEOPLE):
        # A node takes in so many new people at once; that limit lives in memory.
        await node.restart()
        pin(node.pid, _SERVER_CORE)
        answers = await load(node.endpoint, follows[start : start + NEW_PEOPLE], 16)
        seconds += answers.seconds
        if set(answers.statuses) != {HTTPStatus.ACCEPTED}:
            raise RuntimeError(f"follows are refused: {dict(answers.statuses)}")
    _line("follows taken in, each with its key fetched", f"{len(follows) / seconds:,.0f} /s")


async def _posts(node: NodeProcess, street: Street, token: str) -> None:
    quiet = [await _post(node, street, token, HOSTS) for _ in range(3)]
    _line("one post to 1,000 followers on 125 hosts", f"{min(quiet):.2f} s")
    for host in DEAD:
        await street.kill(host)
    street.tar_pits |= set(TAR)
    before = [await _post(node, street, token, ALIVE) for _ in range(3)]
    _line("to the 100 that live, 20 dead and 5 tar pits", f"{min(before):.2f} s (first {before[0]:.2f} s)")
    post = await _public(node, token)
    memory, began = [rss_mb(node.pid)], time.perf_counter()
    for number in range(BOOSTS):
        order: dict[str, object] = {"post": post, "undo": number % 2 == 1}
        await _sent(node, street, ("boost", order, token), ALIVE)
        if number % (BOOSTS // 4) == BOOSTS // 4 - 1:
            memory.append(rss_mb(node.pid))
    per_s = BOOSTS * len(ALIVE) / (time.perf_counter() - began)
    shown = ", ".join(f"{one:.0f}" for one in memory)
    _line(f"{BOOSTS * len(ALIVE):,} deliveries, one boost after the other", f"{per_s:,.0f} /s")
    _line("resident memory at each quarter", f"{shown} MB")


async def _post(node: NodeProcess, street: Street, token: str, hosts: list[str]) -> float:
    """Post; the seconds until each of the hosts has it."""
    return await _sent(node, street, ("post", {"text": "Fog over the harbour"}, token), hosts)


async def _sent(
    node: NodeProcess, street: Street, order: tuple[str, dict[str, object], str], hosts: list[str]
) -> float:
    """Do a command that goes to all followers; the seconds until each of the hosts has it."""
    street.arrived.clear()
    began = time.perf_counter()
    await _call(node, *order)
    await street.wait_for(hosts, 1)
    return time.perf_counter() - began


async def _public(node: NodeProcess, token: str) -> str:
    """Post something public that can be boosted; its id."""
    answer = await _call(node, "post", {"text": "Sun", "visibility": "public"}, token)
    await asyncio.sleep(3)
    return str(msgspec.json.decode(answer)["id"])


async def _call(node: NodeProcess, name: str, values: dict[str, object], token: str) -> bytes:
    body = msgspec.json.encode(values)
    answer = await node.ask("POST", f"/api/v1/{name}", body, Authorization=f"Bearer {token}")
    if answer.status != HTTPStatus.OK:
        raise RuntimeError(f"{name} is refused: {answer.body[:200]!r}")
    return answer.body


def _line(what: str, figure: str) -> None:
    print(f"  {what:<50} {figure}", flush=True)


if __name__ == "__main__":
    if sys.platform != "linux":
        sys.exit("the benchmark reads /proc: it runs on Linux only")
    import uvloop

    uvloop.run(main())
