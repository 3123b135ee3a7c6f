"""`python -m yurt.lab.bench.fediverse`: the fediverse side of a real node, in figures (issue 6).

Signed activities verified and taken in durably, beside bare aiohttp with the same check in the same run; one
post to a thousand followers on a hundred hosts, then with dead hosts and tar pits; memory over many
deliveries; the answer to too much at once. The node has one core, everybody else the other.
"""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from yurt.lab.bench.machine import pin, rss_mb
from yurt.lab.bench.node_target import tls_proxy
from yurt.lab.bench.street import KEY, Street, signed
from yurt.lab.world.network import Network, free_endpoints
from yurt.lab.world.people import Person, sign_in
from yurt.lab.world.process import NodeProcess
from yurt.wire.network_map import Endpoint

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
    await _bare(folder)
    await _inbox(node)
    await _follow(node)
    await _posts(node, street, token)
    await _overload(node)


# --- in ---------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Answers:
    """What came back."""

    statuses: Counter[int]
    seconds: float
    slowest_s: dict[int, float]
    """Seconds, by status."""
    retry_after: int
    """Answers with Retry-After."""


async def load(place: Endpoint, requests: list[bytes], connections: int) -> Answers:
    """Send requests over so many connections, one after the other on each."""
    found, waiting = Answers(Counter(), 0.0, {}, 0), iter(requests)

    async def run() -> None:
        reader, writer = await asyncio.open_connection(place.host, place.port)
        for request in waiting:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            taken = time.perf_counter() - began
            size = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
            await reader.readexactly(int(size or 0))
            status = int(head[9:12])
            found.statuses[status] += 1
            found.slowest_s[status] = max(found.slowest_s.get(status, 0.0), taken)
            found.retry_after += b"retry-after:" in head.lower()
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(run() for _ in range(connections)))
    found.seconds = time.perf_counter() - began
    return found


def _likes(count: int, start: int = 0) -> list[bytes]:
    """Signed activities of twenty actors on ten hosts, about posts that nobody here has."""
    now, made = int(time.time()), list[bytes]()  # noqa: TID251  # a benchmark runs now
    for number in range(start, start + count):
        actor = f"https://{ALIVE[number % 10]}/users/u{number // 10 % 2}"
        like = {
            "id": f"{actor}#likes/{number}",
            "type": "Like",
            "object": f"https://{NAME}/users/ana/notes/{number}",
        }
        made.append(signed(actor, INBOX, dict(like), now))
    return made


async def _bare(folder: Path) -> None:
    place = free_endpoints(["bare.example"])["bare.example"]
    pem = folder / "key.pem"
    pem.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    arguments = (place.host, str(place.port), NAME, str(pem))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yurt.lab.bench.bare_inbox", *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        if process.stdout is not None:
            await process.stdout.readline()
        pin(process.pid, _SERVER_CORE)
        answers = await load(place, _likes(REQUESTS), CONNECTIONS)
        _line(
            "bare: signed requests verified", f"{REQUESTS / answers.seconds:,.0f} /s {dict(answers.statuses)}"
        )
    finally:
        process.kill()
        await process.wait()


async def _inbox(node: NodeProcess) -> None:
    await load(node.endpoint, _likes(20, 10_000_000), 1)
    answers = await load(node.endpoint, _likes(REQUESTS), CONNECTIONS)
    _line("node: verified and durable", f"{REQUESTS / answers.seconds:,.0f} /s {dict(answers.statuses)}")


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


async def _overload(node: NodeProcess) -> None:
    """So many requests in one moment that not all can be taken in."""
    answers = await load(node.endpoint, _likes(CROWD * 2, 20_000_000), CROWD)
    counts = dict(answers.statuses)
    _line(f"{CROWD:,} requests at once", f"{counts}")
    _line("  the slowest 503", f"{answers.slowest_s.get(HTTPStatus.SERVICE_UNAVAILABLE, 0.0):.2f} s")
    _line("  of the 503, with Retry-After", f"{answers.retry_after}")


def _line(what: str, figure: str) -> None:
    print(f"  {what:<50} {figure}", flush=True)


if __name__ == "__main__":
    if sys.platform != "linux":
        sys.exit("the benchmark reads /proc: it runs on Linux only")
    import uvloop

    uvloop.run(main())
