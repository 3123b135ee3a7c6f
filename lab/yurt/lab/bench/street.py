"""Servers of the fediverse for the benchmark: many hosts in one process, each with actors that share a key.

They serve actor documents, count what arrives in their inboxes and check nothing: the figures are the
node's. A host can be a tar pit (it takes a request and never answers) or dead (nobody listens).
"""

import asyncio
import base64
import json
import ssl
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yurt.activitypub.actor_documents import PersonProfile, person_document
from yurt.activitypub.http_signatures import cavage
from yurt.activitypub.http_signatures.digests import make_content_digest
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.vocabulary import ACTIVITY_TYPE, AS_CONTEXT
from yurt.lab.world.network import Network

KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED25519_KEY: Final = Ed25519PrivateKey.generate()
ED25519_ID: Final = "#identity"
"""Ends the id of an actor's second key (FEP-521a)."""
_HOLD_S: Final = 60.0


@dataclass(slots=True)
class Street:
    """Hosts that run."""

    network: Network
    arrived: Counter[str] = field(default_factory=Counter[str])
    """Activities by host."""
    tar_pits: set[str] = field(default_factory=set[str])
    held: set[str] = field(default_factory=set[str])
    """Tar pits that were sent something."""
    _runners: dict[str, web.AppRunner] = field(default_factory=dict[str, web.AppRunner])
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, hosts: list[str]) -> None:
        """Listen for these hosts."""
        for host in hosts:
            await self._listen(host)

    async def _listen(self, host: str) -> None:
        app = web.Application()
        app.add_routes(
            [
                web.get("/users/{name}", self._actor),
                web.post("/inbox", self._inbox),
                web.post("/users/{name}/inbox", self._own_inbox),
            ]
        )
        runner = self._runners[host] = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        place, tls = self.network.endpoints[host], ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.network.certificate_file(host), self.network.key_file(host))
        await web.TCPSite(runner, place.host, place.port, ssl_context=tls).start()

    async def kill(self, host: str) -> None:
        """Nobody listens for a host any more, and its connections end."""
        await self._runners.pop(host).cleanup()

    async def close(self) -> None:
        """End everything."""
        for host in list(self._runners):
            await self.kill(host)

    async def wait_for(self, hosts: list[str], count: int) -> None:
        """Return when each of these hosts has got so many activities."""
        while any(self.arrived[host] < count for host in hosts):
            self._changed.clear()
            await self._changed.wait()

    async def wait_for_pits(self) -> None:
        """Return when each tar pit was sent something since `held` was emptied."""
        while not self.tar_pits <= self.held:
            self._changed.clear()
            await self._changed.wait()

    async def _actor(self, request: web.Request) -> web.Response:
        places = PersonLocations(request.host.partition(":")[0], request.match_info["name"])
        document = person_document(PersonProfile(places, KEY.public_key(), ED25519_KEY.public_key()))
        return web.Response(body=json.dumps(document).encode(), headers={"Content-Type": ACTIVITY_TYPE})

    async def _own_inbox(self, request: web.Request) -> web.Response:
        """Answers to follows; they are not counted."""
        await request.read()
        return web.Response(status=202)

    async def _inbox(self, request: web.Request) -> web.Response:
        host = request.host.partition(":")[0]
        if host in self.tar_pits:
            self.held.add(host)
            self._changed.set()
            await asyncio.sleep(_HOLD_S)
        await request.read()
        self.arrived[host] += 1
        self._changed.set()
        return web.Response(status=202)


def signed(actor: str, inbox: str, document: dict[str, object], now: int) -> bytes:
    """Make a whole HTTP request with an activity of an actor of the street, signed as Mastodon signs."""
    body = _body(actor, document)
    return _request(
        inbox, body, cavage.sign("POST", inbox, body, key_id=f"{actor}#main-key", key=KEY, now=now)
    )


def signed_ed25519(actor: str, inbox: str, document: dict[str, object], now: int) -> bytes:
    """Make the same with the actor's Ed25519 key and RFC 9421, written as another program would."""
    body = _body(actor, document)
    digest = make_content_digest(body)
    covered = f'("@method" "@target-uri" "content-digest");created={now};keyid="{actor}{ED25519_ID}"'
    lines = ('"@method": POST', f'"@target-uri": {inbox}', f'"content-digest": {digest}')
    text = "\n".join([*lines, f'"@signature-params": {covered}'])
    signature = base64.b64encode(ED25519_KEY.sign(text.encode("ascii"))).decode("ascii")
    headers = {
        "Content-Type": ACTIVITY_TYPE,
        "Content-Digest": digest,
        "Signature-Input": f"sig={covered}",
        "Signature": f"sig=:{signature}:",
    }
    return _request(inbox, body, headers)


def _body(actor: str, document: dict[str, object]) -> bytes:
    return json.dumps({"@context": AS_CONTEXT, "actor": actor, **document}).encode()


def _request(inbox: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    host, _, path = inbox.removeprefix("https://").partition("/")
    lines = [f"POST /{path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if "Host" not in headers:
        lines.append(f"Host: {host}")
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
