"""The limit that Python sets to an inbox: aiohttp and the same signature check with a kept key, no more.

python -m yurt.lab.bench.bare_inbox HOST PORT DOMAIN PEM_FILE ED25519_PEM_FILE
"""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from yurt.activitypub.http_signatures import policy
from yurt.activitypub.http_signatures.keys import read_pem, write_pem
from yurt.activitypub.http_signatures.request import InboundRequest
from yurt.lab.bench.street import ED25519_ID, ED25519_KEY, KEY
from yurt.lab.world.network import free_endpoints
from yurt.wire.network_map import Endpoint


@dataclass(frozen=True, slots=True)
class BareInbox:
    """The process."""

    endpoint: Endpoint
    pid: int


@asynccontextmanager
async def opened(folder: Path, domain: str) -> AsyncGenerator[BareInbox]:
    """Start the server, for as long as it is needed."""
    place = free_endpoints(["bare.example"])["bare.example"]
    rsa, ed25519 = folder / "rsa.pem", folder / "ed25519.pem"
    await asyncio.to_thread(rsa.write_text, write_pem(KEY.public_key()), "ascii")
    await asyncio.to_thread(ed25519.write_text, write_pem(ED25519_KEY.public_key()), "ascii")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "yurt.lab.bench.bare_inbox",
        *(place.host, str(place.port), domain, str(rsa), str(ed25519)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        if process.stdout is not None:
            await process.stdout.readline()
        yield BareInbox(place, process.pid)
    finally:
        process.kill()
        await process.wait()


async def serve(host: str, port: int, domain: str, pem: str, ed25519_pem: str) -> None:
    """Serve until the process is ended."""
    rsa, ed25519 = read_pem(pem), read_pem(ed25519_pem)

    async def inbox(request: web.Request) -> web.Response:
        body = await request.read()
        headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers
        )
        signed = policy.parse(InboundRequest("POST", domain, request.path, None, headers, body))
        key = ed25519 if signed.key_id.endswith(ED25519_ID) else rsa
        policy.verify(signed, key, int(time.time()))  # noqa: TID251  # a program of its own, with no clock
        return web.Response(status=202)

    app = web.Application()
    app.add_routes([web.post("/inbox", inbox)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop

    pems = [Path(name).read_text(encoding="ascii") for name in sys.argv[4:6]]
    uvloop.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3], *pems))
