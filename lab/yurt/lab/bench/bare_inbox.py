"""The limit that Python sets to an inbox: aiohttp and the same signature check with a kept key, no more.

python -m yurt.lab.bench.bare_inbox HOST PORT DOMAIN PEM_FILE
"""

import asyncio
import sys
import time
from pathlib import Path

from aiohttp import web

from yurt.activitypub.http_signatures import policy
from yurt.activitypub.http_signatures.keys import read_pem
from yurt.activitypub.http_signatures.request import InboundRequest


async def serve(host: str, port: int, domain: str, pem: str) -> None:
    """Serve until the process is ended."""
    key = read_pem(pem)

    async def inbox(request: web.Request) -> web.Response:
        body = await request.read()
        headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers
        )
        signed = policy.parse(InboundRequest("POST", domain, request.path, None, headers, body))
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

    uvloop.run(
        serve(sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]).read_text(encoding="ascii"))
    )
