"""A device is revoked: there is another actor key, at home, at followers' nodes and in the buddy's kit."""

import asyncio
from pathlib import Path

import pytest
from sqlcipher3.dbapi2 import Connection

from yurt.cli import main as cli
from yurt.client.devices.calls import DeviceRevoked, RevokeDevice
from yurt.client.devices.own_record import own_record
from yurt.client.moving.calls import CheckMove, CheckView, KeyCheck
from yurt.client.portability import key_changing
from yurt.client.portability.calls import Export, ExportView, KitView, SetBuddy
from yurt.client.portability.kit_fetch import fetch_kit
from yurt.client.testing_rooms import core_of
from yurt.client.vault import accounts, key_changes, kits
from yurt.identity.phrase import RecoveryPhrase
from yurt.lab.world.devices import link_device
from yurt.lab.world.people import PATIENCE_S, Person, follow, until
from yurt.lab.world.world import World
from yurt.portability.actor_key import fingerprint_of_private
from yurt.portability.kit_file import OpenKit
from yurt.portability.kit_part import decode_part
from yurt.wire.problems import refuse

pytestmark = pytest.mark.asyncio
REFUSED = 3
HOME, FAR = "harbour.example", "meadow.example"


async def key_of(person: Person) -> KeyCheck:
    """What `yurt check` says of the actor key."""
    return (await person.engine.call(CheckMove(), CheckView)).key


async def kit_at(buddy: str, person: Person) -> OpenKit:
    """What the 24 words and a buddy bring back now, as the newest record judges it."""
    core, words = core_of(person.engine), RecoveryPhrase.parse(person.phrase)
    known = own_record(core.account)
    return await fetch_kit(core.session, words, (buddy,), (), core.now_s, known=known)


async def test_a_revocation_changes_the_actor_key_and_the_kit_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lost device had sealed the kit, which counts no more; also if the other one dies in between."""
    async with World.open(tmp_path, HOME, FAR) as world:
        phone, bo = await world.person("ana", HOME), await world.person("bo", FAR)
        await follow(bo, phone)
        await phone.engine.call(SetBuddy(node=FAR, phrase=phone.phrase), KitView)
        world.network.shift_clock(FAR, 90.0)  # a buddy takes one write a minute
        laptop = await link_device(world, phone)
        lost = (await phone.engine.status()).device_id.hex()
        archive = str(tmp_path / "ana.tar")
        await phone.engine.call(Export(kind="archive", path=archive), ExportView)
        first = await key_of(phone)
        assert (first.standing, [peer.node for peer in first.peers]) == ("agrees", [FAR])

        async def is_cut_off(_core: object) -> key_changing.KeyOutcome:
            raise refuse("peerUnreachable", "the laptop is shut at this very moment")

        with monkeypatch.context() as patched:
            patched.setattr(key_changing, "finish", is_cut_off)
            revoked = await laptop.engine.call(RevokeDevice(device=lost, phrase=laptop.phrase), DeviceRevoked)
            assert (revoked.actor_key, (await kit_at(FAR, laptop)).keys) == ("waiting", None)
            await laptop.close()
        await laptop.reopen()

        async def agrees() -> KeyCheck | None:
            await asyncio.sleep(0.5)  # a node answers a person only so often
            found = await key_of(laptop)
            return found if found.standing == "agrees" and found.peers else None

        after = await until(agrees, "home, kit and follower's node have one key", within=2 * PATIENCE_S)
        assert after.kit != first.kit

        core = core_of(laptop.engine)

        async def arrived() -> bool:
            return await core.vault.read(_buddies_have_the_keys)

        await until(arrived, "the buddy has the new kit", within=2 * PATIENCE_S)
        kit = await kit_at(FAR, laptop)
        assert kit.keys is not None
        assert kit.graph is not None
        newest, before = kit.keys.actor_keys
        named = [fingerprint_of_private(key.private) for key in (newest, before)]
        assert (named, newest.created > before.created) == ([after.kit, first.kit], True)
        # Anybody may verify what the lost device signed; only who asks hears that it has no say any more.
        monkeypatch.setenv("YURT_NETWORK", str(bo.map_file))
        stranger = ["archive", "verify", archive]
        assert await asyncio.to_thread(cli.main, stranger) == 0
        assert await asyncio.to_thread(cli.main, [*stranger, "--ask"]) == REFUSED

        account = await core.vault.read(accounts.load)
        assert account is not None
        assert (account.actor_key, await core.vault.read(key_changes.load)) == (b"", None)


def _buddies_have_the_keys(tx: Connection) -> bool:
    kit = kits.load(tx)
    return kit is not None and all(
        buddy.graph and buddy.keys == decode_part(kit.keys).counter for buddy in kits.buddies(tx)
    )
