"""A hundred people for one room: accounts with everything that a room needs, and no engine running.

A device has at most five streams, so five hundred listeners are a hundred devices. Engines would decrypt what
they get and share the generator's core; these people only join, publish a key package, follow and listen.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from yurt.client.clock import SystemClock
from yurt.client.identity import device_of, make_person
from yurt.client.links import AccountInvite, parse_invite
from yurt.client.rooms.leaves import Device
from yurt.client.stream import Stream
from yurt.lab.world.people import PASSPHRASE
from yurt.mls.framing import MLSMessage
from yurt.wire.account_commands import Join, SignedIn
from yurt.wire.key_package_commands import KeyPackageCount, PublishKeyPackages
from yurt.wire.network_map import NetworkMap
from yurt.wire.people_commands import Follow, Person

STREAMS_PER_DEVICE: Final = 5
_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Passerby:
    """Somebody of a crowd."""

    device: Device
    did: str
    token: str = field(repr=False)


async def gather_crowd(count: int, link: str, follows: str, network: NetworkMap) -> list[str]:
    """Let people join a node and follow somebody; return their tokens.

    Args:
        count: How many; their names are ``crowd0``, ``crowd1``, ...
        link: An invite with enough uses.
        follows: Address of whom they follow, who may then claim their key packages.
        network: The network map of all of them.
    """
    return [one.token for one in await gather_people(count, link, follows, network)]


async def gather_people(count: int, link: str, follows: str, network: NetworkMap) -> list[Passerby]:
    """Let people join a node and follow somebody; as `gather_crowd`, with what they are."""
    invite, places = parse_invite(link), asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> Passerby:
        async with places:
            return await _join(invite, f"crowd{number}", follows, network)

    return await asyncio.gather(*(one(number) for number in range(count)))


def names_of(count: int, node: str) -> Sequence[str]:
    """Addresses of a crowd."""
    return [f"crowd{number}@{node}" for number in range(count)]


async def _join(invite: AccountInvite, name: str, follows: str, network: NetworkMap) -> Passerby:
    now_s = SystemClock().now_ms() // 1000
    person = await asyncio.to_thread(make_person, invite, name, PASSPHRASE, now_s)
    stream = await Stream.open(invite.node, network)
    try:
        await stream.hello()
        request = msgspec.msgpack.decode(person.account.join_request, type=Join)
        token = (await stream.call(request, SignedIn)).token
        await stream.hello(token)
        device = device_of(person.account)
        bundle = device.key_package(now_s)
        package = MLSMessage(bundle.key_package).encode()
        await stream.call(PublishKeyPackages((package,)), KeyPackageCount)
        await stream.call(Follow(follows), Person)
    finally:
        await stream.close()
    return Passerby(device, person.account.did, token)
