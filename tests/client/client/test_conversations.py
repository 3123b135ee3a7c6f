"""What clients of other software see of a person, and what the person hears of them."""

import asyncio

import msgspec
import pytest

from yurt.client.clock import SystemClock
from yurt.client.conversations.calls import ListTried, TriedViews
from yurt.client.conversations.part import APART_S, RENEW_S, SHOW_AGAIN_S
from yurt.client.engine import Engine
from yurt.client.paths import load_network
from yurt.client.testing import LINK, PASSPHRASE, Town
from yurt.client.testing_waits import until
from yurt.client.vault import key_packages
from yurt.client.vault.open import Vault
from yurt.identity.leaf import LeafUse, verify_leaf
from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.errors import InvalidLeafNode
from yurt.mls.extensions import ExtensionType, find_extension
from yurt.mls.framing import MLSMessage
from yurt.mls.key_package import KeyPackage
from yurt.mls.validation.leaf_node import check_leaf_supports
from yurt.rooms.common.room import required_capabilities
from yurt.wire.frames import INBOX
from yurt.wire.registry import CIPHER_SUITE, ROOM_POLICY_EXTENSION, InboxKind
from yurt.wire.swicg_commands import ConversationTried

EVE = "https://social.example/users/eve"


class SetClock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.ms = SystemClock().now_ms()

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return self.ms


async def shown(town: Town, count: int) -> list[KeyPackage]:
    """Wait until the node was shown so many packages; give them."""
    await until(lambda: len(town.node.beside.public) >= count)
    return [MLSMessage.decode(body).expect(KeyPackage) for body in town.node.beside.public]


async def tries(town: Town, name: str, actor: str = EVE) -> None:
    """Let the node tell that somebody tried."""
    told = ConversationTried(actor=actor, address="eve@social.example", kind="Welcome")
    town.node.post(name, InboxKind.CONVERSATION, msgspec.msgpack.encode(told))
    await town.node.ring(INBOX)


async def heard(engine: Engine) -> list[str]:
    """Who tried, as the person is told."""
    return [one.address for one in (await engine.call(ListTried(), TriedViews)).tried]


async def test_a_package_is_shown_from_the_first_day(town: Town) -> None:
    """It is valid MLS with a key of its own, is marked as last resort, and does for no room."""
    await town.join("ana")
    [package] = await shown(town, 1)

    suite = cipher_suite(CIPHER_SUITE)
    package.verify_signature(suite)
    leaf = verify_leaf(package.leaf_node)
    assert (leaf.did, leaf.use) == (town.node.residents["ana"].did, LeafUse.JOINING)
    assert find_extension(package.extensions, ExtensionType.LAST_RESORT) is not None
    assert not package.leaf_node.capabilities.supports_extension(ROOM_POLICY_EXTENSION)
    others = [MLSMessage.decode(body).expect(KeyPackage) for body in town.node.residents["ana"].packages]
    keys = [one.leaf_node.signature_key for one in [package, *others]]
    assert len(set(keys)) == len(keys)

    with pytest.raises(InvalidLeafNode, match="f0b2"):
        check_leaf_supports(package.leaf_node, (required_capabilities(),))


async def test_a_welcome_to_a_room_finds_no_public_package(town: Town) -> None:
    """Its private half lies apart: whoever makes a room with it reaches nobody."""
    ana = await town.join("ana")
    [package] = await shown(town, 1)
    ref = package.ref(cipher_suite(CIPHER_SUITE))

    await town.leave(ana)
    vault = await asyncio.to_thread(Vault.open, town.home("ana"), PASSPHRASE)
    found = await vault.read(lambda tx: key_packages.find(tx, [ref]))
    await vault.close()

    assert found is None


async def test_a_package_that_was_used_is_made_anew(town: Town) -> None:
    """Within the hour at the earliest; and unused before its time is over."""
    clock = SetClock()
    await join(town, clock)
    first = (await shown(town, 1))[0]

    clock.ms += APART_S * 1000
    await tries(town, "ana")
    second = (await shown(town, 2))[1]
    assert second.init_key != first.init_key
    assert second.leaf_node.signature_key != first.leaf_node.signature_key

    clock.ms += RENEW_S * 1000
    await tries(town, "ana")
    third = (await shown(town, 3))[2]
    assert third.init_key != second.init_key


async def test_the_same_package_is_shown_again(town: Town) -> None:
    """A node that came back from an older copy gets it, whatever it knows; until then it is not asked."""
    clock = SetClock()
    engine = await join(town, clock)
    [first] = await shown(town, 1)
    await engine.close()

    clock.ms += SHOW_AGAIN_S * 1000
    again = await Engine.open(town.home("ana"), PASSPHRASE, network=load_network(town.map_file), clock=clock)
    [_, second] = await shown(town, 2)
    await again.close()

    assert second == first


async def test_who_tries_is_told_once(town: Town) -> None:
    """Each person one line, however often they write; what is hostile in it is not shown."""
    ana = await town.join("ana")
    await shown(town, 1)
    town.node.post("ana", InboxKind.CONVERSATION, b"no such thing")
    for actor in (EVE, EVE, "https://social.example/users/mal\x1b[31m"):
        await tries(town, "ana", actor)

    assert await eventually(ana) == ["eve@social.example", "eve@social.example"]
    await tries(town, "ana")
    await town.leave(ana)
    ana = await town.open("ana")
    await shown(town, 1)
    assert await heard(ana) == []


async def join(town: Town, clock: SetClock) -> Engine:
    """Ana joins, at a time of the test's own."""
    engine, _ = await Engine.join(
        town.home("ana"),
        LINK,
        "ana",
        PASSPHRASE,
        network=load_network(town.map_file),
        clock=clock,
        keep_phrase=lambda _: None,
    )
    return engine


async def eventually(engine: Engine) -> list[str]:
    """Wait until the person hears of two."""
    found: list[str] = []

    async def two() -> bool:
        found.extend(await heard(engine))
        return len(found) >= 2

    await until(two)
    return found
