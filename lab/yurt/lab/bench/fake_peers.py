"""Many small servers in one process, stock as far as an import needs it: found, asked, accepted.

    python -m yurt.lab.bench.fake_peers NETWORK_FOLDER HOST...

Every host serves WebFinger and actors for any name, takes Follows, and answers each with an Accept that the
actor's key signs. Keys are shared by all: making ten thousand would measure something else.
"""

import asyncio
import json
import socket
import ssl
import sys
import time
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography.hazmat.primitives.asymmetric import rsa
from typing_extensions import override

from yurt.activitypub.http_signatures import cavage
from yurt.activitypub.http_signatures.keys import write_pem
from yurt.activitypub.vocabulary import ACTIVITY_TYPE, AS_CONTEXT, JRD_TYPE
from yurt.wire.network_map import Endpoint, NetworkMap


class Names(AbstractResolver):
    """Resolves the names of the network."""

    def __init__(self, names: dict[str, Endpoint]) -> None:
        self._names = names

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        where = self._names[host]
        return [
            ResolveResult(
                hostname=host,
                host=where.host,
                port=where.port,
                family=family,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    @override
    async def close(self) -> None:
        """Nothing to release."""


class FakePeers:
    """All hosts."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._pem = write_pem(self._key.public_key())
        self._session = session
        self._inboxes: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def app(self) -> web.Application:
        """One application serves every host."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/.well-known/webfinger", self.webfinger),
                web.get("/users/{name}", self.actor),
                web.post("/users/{name}/inbox", self.inbox),
            ]
        )
        return app

    async def webfinger(self, request: web.Request) -> web.Response:
        """Everybody exists."""
        address = request.query["resource"].removeprefix("acct:")
        name, _, host = address.partition("@")
        actor = f"https://{host}/users/{name}"
        link = {"rel": "self", "type": ACTIVITY_TYPE, "href": actor}
        body = {"subject": f"acct:{address}", "links": [link]}
        return web.Response(body=json.dumps(body).encode(), headers={"Content-Type": JRD_TYPE})

    async def actor(self, request: web.Request) -> web.Response:
        """An actor as Mastodon writes it."""
        actor = f"https://{request.host}/users/{request.match_info['name']}"
        body = {
            "@context": [AS_CONTEXT, "https://w3id.org/security/v1"],
            "id": actor,
            "type": "Person",
            "preferredUsername": request.match_info["name"],
            "inbox": f"{actor}/inbox",
            "outbox": f"{actor}/outbox",
            "publicKey": {"id": f"{actor}#main-key", "owner": actor, "publicKeyPem": self._pem},
        }
        return web.Response(body=json.dumps(body).encode(), headers={"Content-Type": ACTIVITY_TYPE})

    async def inbox(self, request: web.Request) -> web.Response:
        """Take a Follow, and accept it a moment later."""
        document = json.loads(await request.read())
        if document["type"] == "Follow":
            task = asyncio.create_task(self._accept(document))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return web.Response(status=202)

    async def _accept(self, follow: dict[str, str]) -> None:
        actor = follow["object"]
        body = json.dumps(
            {
                "@context": AS_CONTEXT,
                "id": f"{actor}#accepts/{time.monotonic_ns()}",
                "type": "Accept",
                "actor": actor,
                "object": follow,
            }
        ).encode()
        inbox = f"{follow['actor']}/inbox"
        for _ in range(20):
            headers = cavage.sign(
                "POST",
                inbox,
                body,
                key_id=f"{actor}#main-key",
                key=self._key,
                now=int(time.time()),  # noqa: TID251  # a server of its own
            )
            async with self._session.post(inbox, data=body, headers=headers) as answer:
                if answer.status < 300:
                    return
            await asyncio.sleep(1.0)


async def serve(folder: Path, hosts: list[str]) -> None:
    """Listen on every host until the process is ended."""
    text = await asyncio.to_thread((folder / f"{hosts[0]}.map.toml").read_text)
    network = NetworkMap.parse(text)
    client_tls = ssl.create_default_context(cafile=str(folder / network.ca))
    connector = aiohttp.TCPConnector(resolver=Names(network.names), ssl=client_tls, limit=16)
    async with aiohttp.ClientSession(connector=connector) as session:
        runner = web.AppRunner(FakePeers(session).app(), access_log=None)
        await runner.setup()
        for host in hosts:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(folder / f"{host}.pem", folder / f"{host}.key")
            where = network.names[host]
            await web.TCPSite(runner, where.host, where.port, ssl_context=tls).start()
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2:]))
