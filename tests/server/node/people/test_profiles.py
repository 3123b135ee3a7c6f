"""What an actor document tells, and who hears of it when it changes or ends."""

import json
from typing import Any

import pytest

from yurt.activitypub.mls_objects import own_key_packages, parse_key_packages, parse_mls_object
from yurt.identity.leaf import LeafUse
from yurt.mls.capabilities import Capabilities
from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.extensions import Extension, ExtensionType
from yurt.mls.framing import MLSMessage
from yurt.mls.key_package_bundle import OwnLeaf, make_key_package
from yurt.node.accounts.testing import Newcomer
from yurt.node.admin.account import delete_account
from yurt.node.clock import SystemClock
from yurt.node.people.profiles import tell_change
from yurt.node.store import accounts, devices, moves, people
from yurt.node.store.types import Tx
from yurt.node.testing import Client, Town, until
from yurt.wire.people_commands import Follow, Following, Lock
from yurt.wire.post_commands import Post, Timeline
from yurt.wire.problems import ProblemError
from yurt.wire.registry import CIPHER_SUITE, LEAF_EXTENSION, ROOM_POLICY_EXTENSION
from yurt.wire.swicg_commands import PublishPublicKeyPackage

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"
ANA = f"https://{HARBOUR}/users/ana"
OTHER = "https://meadow.example/users/ana"


async def document(town: Town, url: str) -> tuple[int, dict[str, Any]]:
    """GET a document."""
    async with town.session.get(url, headers={"Accept": "application/activity+json"}) as answer:
        return answer.status, json.loads(await answer.read())


async def followed(town: Town) -> tuple[Client, Client]:
    """Ana at harbour, whom Bo at hilltop follows."""
    ana, bo = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)
    await bo.call(Follow(f"ana@{HARBOUR}"))

    async def follows() -> bool:
        return [one.state for one in (await bo.call(Following())).ties] == ["accepted"]

    await until(follows)
    return ana, bo


async def test_followers_hear_of_an_alias(town: Town) -> None:
    """An Update makes their node fetch the document again: the alias stands there."""
    await followed(town)

    def unit(tx: Tx) -> None:
        account = accounts.account_named(tx, "ana")
        assert account is not None
        moves.add_alias(tx, account.id, OTHER)
        moves.set_moved_to(tx, account.id, OTHER, 1)
        tell_change(tx, HARBOUR, account, SystemClock().now_ms())

    await town.nodes[HARBOUR].store.write(unit)
    status, shown = await document(town, ANA)
    assert (status, shown["alsoKnownAs"], shown["movedTo"]) == (200, [OTHER], OTHER)
    # Something that goes out rings the queue's bell.
    await (await town.join("cleo", HARBOUR)).call(Follow(f"bo@{HILLTOP}"))

    async def heard() -> bool:
        known = await town.nodes[HILLTOP].store.read(lambda tx: people.person_at(tx, ANA))
        return known is not None and (known.also_known_as, known.moved_to) == ((OTHER,), OTHER)

    await until(heard)


async def test_a_lock_is_told(town: Town) -> None:
    """`lock` sends an Update of the actor, once for each change."""
    ana, _ = await followed(town)
    await town.stop(HILLTOP)

    for _ in range(2):
        await ana.call(Lock(locked=True))

    rows = await town.nodes[HARBOUR].store.read(lambda tx: tx.rows("SELECT body FROM delivery"))
    updates = [json.loads(row[0]) for row in rows]
    assert [one["type"] for one in updates] == ["Update"]
    assert updates[0]["object"]["manuallyApprovesFollowers"] is True


async def test_a_deleted_account_says_farewell(town: Town) -> None:
    """Followers' nodes hide its posts; its address and actor are gone (410), not unknown (404)."""
    ana, bo = await followed(town)
    await ana.call(Post(text="hello"))

    async def reads() -> bool:
        return [one.text for one in (await bo.call(Timeline())).posts] == ["hello"]

    await until(reads)
    await delete_account(town.folder / HARBOUR, SystemClock(), "ana")
    await (await town.join("cleo", HARBOUR)).call(Follow(f"bo@{HILLTOP}"))

    async def hidden() -> bool:
        return not (await bo.call(Timeline())).posts

    await until(hidden)
    finger = f"https://{HARBOUR}/.well-known/webfinger?resource=acct:"
    places = [ANA, f"{finger}ana@{HARBOUR}", ANA + "x", f"{finger}anna@{HARBOUR}"]
    assert [(await document(town, place))[0] for place in places] == [410, 410, 404, 404]


# --- SWICG ------------------------------------------------------------------------------------------
def public_package(person: Newcomer, *abilities: int) -> bytes:
    """A last-resort key package that lists these extensions."""
    own, suite = person.own_leaf(LeafUse.JOINING), cipher_suite(CIPHER_SUITE)
    capabilities = Capabilities(cipher_suites=(CIPHER_SUITE,), extensions=abilities, credentials=(1, 2))
    leaf = OwnLeaf(own.credential, capabilities, own.extensions, own.signature_private)
    marks = (Extension(ExtensionType.LAST_RESORT, b""),)
    end = person.born_at + 86_400
    bundle = make_key_package(suite, leaf, person.born_at - 3600, end, extensions=marks)
    return MLSMessage(bundle.key_package).encode()


async def test_public_key_packages_are_never_for_rooms(harbour: Town) -> None:
    """The actor names its collection while there is one; a package that would do for a room is refused."""
    ana = await harbour.join("ana", HARBOUR)
    assert "keyPackages" not in (await document(harbour, ANA))[1]
    for bad in (
        public_package(ana.person, LEAF_EXTENSION, ROOM_POLICY_EXTENSION),
        ana.person.key_package(),
        b"no package",
    ):
        with pytest.raises(ProblemError) as refused:
            await ana.call(PublishPublicKeyPackage(bad))
        assert refused.value.problem.code == "badRequest"

    package = public_package(ana.person, LEAF_EXTENSION)
    await ana.call(PublishPublicKeyPackage(package))

    url = (await document(harbour, ANA))[1]["keyPackages"]
    collection = (await document(harbour, url))[1]
    [found] = parse_key_packages(collection, ANA)
    message = parse_mls_object((await document(harbour, found))[1])
    assert (message.content, message.author) == (package, ANA)
    shown = (await document(harbour, found))[1]
    assert shown["ciphersuite"] == "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519"
    assert own_key_packages(collection, ANA) == ()
    await ana.call(PublishPublicKeyPackage())
    assert "keyPackages" not in (await document(harbour, ANA))[1]
    assert (await document(harbour, found))[0] == 404
    await ana.call(PublishPublicKeyPackage(package))

    def end_device(tx: Tx) -> None:
        account = accounts.account_named(tx, "ana")
        assert account is not None
        devices.end_device(tx, account.id, ana.person.device.device_id)

    await harbour.nodes[HARBOUR].store.write(end_device)
    assert (await document(harbour, found))[0] == 404
