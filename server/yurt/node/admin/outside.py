"""The checks of `doctor` that leave the machine: name, ports, front door, and how a friend sees all that."""

import asyncio
import os
import socket
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import msgspec

from yurt.activitypub import webfinger
from yurt.node.admin.check import Check, Level
from yurt.node.clock import Clock
from yurt.node.config import Network, NodeConfig
from yurt.node.fetch import Fetched, FetchError, SafeFetch, is_public
from yurt.node.ids import node_actor
from yurt.node.keys import NodeKeys, public_pem
from yurt.node.peers.errors import PeerDown, PeerError
from yurt.node.peers.exchange_client import ExchangeClient
from yurt.wire.errors import GateError
from yurt.wire.exchange import Ask, AskAnswer, ExchangeRequest
from yurt.wire.gate import decode_msgpack
from yurt.wire.look import LOOK, Look, Looked
from yurt.wire.sanitise import clean_line

_CLOCK_WARN_S: Final = 60
_CLOCK_FAIL_S: Final = 600
_DOCUMENT: Final = 256 * 1024
_CONNECT_S: Final = 5.0
_HTTPS: Final = 443
_ID: Final = 16
_REFUSED: Final = (
    "can it reach this node at its name (`front`), is this clock right (`clock`), is this node blocked there?"
)
"""What the operator can look at when a friend refuses."""
Address = tuple[str, int]


async def look_outside(
    data: Path, config: NodeConfig, clock: Clock, network: Network | None, friend: str
) -> list[Check]:
    """Run the checks, from the name to the friend."""
    fetch = SafeFetch(network)
    try:
        dns, addresses = await _dns(config.domain, network)
        found = [dns, await _ports(addresses)]
        found += await _front(data, config, fetch)
        found += await _friend(data, config, clock, fetch, friend)
    finally:
        await fetch.close()
    return found


async def _dns(domain: str, network: Network | None) -> tuple[Check, list[Address]]:
    endpoint = network.map.names.get(domain) if network else None
    if endpoint is not None:
        return Check("dns", "ok", "the network map names it"), [(endpoint.host, endpoint.port)]
    try:
        infos = await asyncio.get_running_loop().getaddrinfo(domain, _HTTPS, type=socket.SOCK_STREAM)
    except OSError as error:
        return Check("dns", "fail", f"{domain} has no address: {error.strerror or error}"), []
    addresses = list(dict.fromkeys((str(info[4][0]), _HTTPS) for info in infos))
    private = [host for host, _ in addresses if not is_public(host)]
    if private:
        return Check(
            "dns", "fail", f"{domain} leads to {', '.join(private)}: nobody else gets there"
        ), addresses
    return Check("dns", "ok", ", ".join(host for host, _ in addresses)), addresses


async def _ports(addresses: Sequence[Address]) -> Check:
    if not addresses:
        return Check("ports", "skip", "needs an address")
    closed = [f"{host}:{port}" for host, port in addresses if not await _opens(host, port)]
    if closed:
        # Some routers do not let a house see itself: the friend's view decides.
        return Check("ports", "warn", f"{', '.join(closed)} cannot be connected to from here")
    return Check("ports", "ok", ", ".join(sorted({str(port) for _, port in addresses})))


async def _opens(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_CONNECT_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True


async def _front(data: Path, config: NodeConfig, fetch: SafeFetch) -> list[Check]:
    """Come in as everybody does: DNS, port, certificate, proxy and node in one."""
    try:
        actor = await _document(fetch, f"{config.origin}/actor")
        finger = await _document(
            fetch, f"{config.origin}{webfinger.PATH}?resource=acct:{config.domain}@{config.domain}"
        )
    except FetchError as error:
        return [
            Check("front", "fail", f"{error} (asked from this machine, for {config.origin})"),
            Check("webfinger", "skip", "needs the front"),
        ]
    ours = public_pem(NodeKeys(data).rsa.public_key()).strip()
    found = actor.body.decode("utf-8", "replace").replace("\\n", "\n")
    front = (
        Check("front", "ok", f"{config.origin} is this node")
        if actor.status == 200 and ours in found
        else Check("front", "fail", f"{config.origin} answers, but not as this node ({actor.status})")
    )
    subject = f'"acct:{config.domain}@{config.domain}"'.encode()
    good = finger.status == 200 and subject in finger.body
    return [front, Check("webfinger", "ok" if good else "fail", f"WebFinger answers {finger.status}")]


async def _document(fetch: SafeFetch, url: str) -> Fetched:
    return await fetch.get(url, headers={"Accept": "application/activity+json"}, limit=_DOCUMENT)


async def _friend(data: Path, config: NodeConfig, clock: Clock, fetch: SafeFetch, friend: str) -> list[Check]:
    if not friend:
        return [
            Check("friend", "skip", "name one with --friend NODE"),
            Check("reach", "skip", "needs a friend"),
            Check("clock", "skip", "needs a friend"),
        ]
    keys = NodeKeys(data)
    client = ExchangeClient(config.domain, keys, clock, fetch)
    ask = Ask(os.urandom(_ID), node_actor(config.domain), LOOK, msgspec.msgpack.encode(Look()))
    try:
        answers = (await client.exchange(friend, ExchangeRequest(asks=(ask,)))).asks
    except PeerDown as error:
        unheard = f"only {friend} can tell, and it was not heard"
        return [
            Check("friend", "fail", f"{error}; try again, or name another friend"),
            Check("reach", "skip", unheard),
            Check("clock", "skip", unheard),
        ]
    except PeerError as error:
        found = [
            Check("friend", "fail", f"{error}: {_REFUSED}"),
            Check("reach", "skip", f"{friend} tells only whom it takes"),
        ]
    else:
        # It fetches this node's key at first contact, later it may remember it; `reach` is always anew.
        found = [Check("friend", "ok", f"{friend} takes this node's signature")]
        ours = keys.ed25519.public_key().public_bytes_raw()
        found.append(_reach(friend, next((one for one in answers if one.id == ask.id), None), ours))
    return [*found, await _clock(clock, fetch, friend)]


def _reach(friend: str, answer: AskAnswer | None, ours: bytes) -> Check:
    if answer is None or answer.problem is not None:
        why = clean_line(answer.problem.message) if answer and answer.problem else "an older release"
        return Check("reach", "skip", f"{friend} does not look: {why}")
    try:
        looked = decode_msgpack(answer.answer, Looked, limit=_DOCUMENT)
    except GateError as error:
        return Check("reach", "skip", f"{friend} answers nonsense ({error.rule})")
    if looked.key == ours:
        return Check("reach", "ok", f"{friend} reaches this node from outside")
    if looked.key:
        return Check("reach", "fail", f"{friend} reaches another node under this name")
    why = clean_line(looked.problem)[:200] or f"HTTP {looked.status}"
    return Check("reach", "fail", f"{friend} does not reach this node: {why}")


async def _clock(clock: Clock, fetch: SafeFetch, friend: str) -> Check:
    try:
        answer = await _document(fetch, f"https://{friend}/actor")
        theirs = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except (FetchError, ValueError) as error:
        return Check("clock", "skip", f"compared with {friend}, which does not tell the time: {error}")
    apart = abs(theirs - clock.now_s())
    level: Level = "fail" if apart > _CLOCK_FAIL_S else "warn" if apart > _CLOCK_WARN_S else "ok"
    return Check("clock", level, f"{apart:.0f} s apart from {friend}")
