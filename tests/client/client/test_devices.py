"""Linking a device, as the client does it: what the node in between can and cannot do, and restarts."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typing_extensions import override

from yurt.client.calls import Nothing
from yurt.client.clock import SystemClock
from yurt.client.devices import new_device
from yurt.client.devices.calls import (
    AwaitLink,
    BeginLink,
    DeviceViews,
    JudgeDevice,
    LinkCodeView,
    LinkView,
    ListDevices,
    RevokeDevice,
    RoomsSettled,
)
from yurt.client.devices.entrance import enter
from yurt.client.engine import Engine
from yurt.client.errors import UsageError
from yurt.client.paths import load_network
from yurt.client.rooms import key_package_supply
from yurt.client.testing import PASSPHRASE, Town
from yurt.client.testing_node import HARBOUR, Door, FakeNode
from yurt.client.testing_waits import PATIENCE_S
from yurt.client.vault import open as vaults
from yurt.identity.device import DeviceKeys
from yurt.identity.device_login import decode_device_login, verify_device_login
from yurt.identity.link_code import LinkCode
from yurt.identity.linking import NewDevice, OldDevice
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import Frozen, SignedRecord, verify_next, verify_record
from yurt.lab.world.network import Network
from yurt.mls.extensions import ExtensionType, find_extension
from yurt.mls.framing import MLSMessage
from yurt.mls.key_package import KeyPackage
from yurt.wire.command import Answer, Command, Done
from yurt.wire.device_commands import (
    Devices,
    DeviceSignedIn,
    DevicesSeen,
    LinkGet,
    LinkMail,
    LinkPut,
    LoginDevice,
    OwnRecord,
    PublishedRecord,
    PublishRecord,
)
from yurt.wire.key_package_commands import Claimed, ClaimKeyPackages, KeyPackageCount, PublishKeyPackages
from yurt.wire.network_map import Endpoint
from yurt.wire.problems import ProblemError, refuse

HELLO, OFFER, ANSWER = 0, 1, 2


class LinkingNode(FakeNode):
    """A node with mailboxes, which may lie about what is in them."""

    def __init__(self, endpoint: Endpoint, certificate: Path, key: Path) -> None:
        super().__init__(endpoint, certificate, key)
        self.mail: dict[tuple[bytes, int], bytes] = {}
        self.swapped: dict[int, bytes] = {}
        """What it says at a step instead of what is there."""
        self.records: dict[str, list[bytes]] = {}
        self.busy = False
        self.last: dict[str, bytes] = {}
        """Last resort package by actor."""
        self.last_only = False
        """Whether all one-time packages are gone."""
        self.used = False
        self.rotated = asyncio.Event()
        self.asked = asyncio.Event()
        """Set when a record was offered to it."""
        self.loses: set[int] = set()
        """Steps whose messages it keeps to itself."""

    @override
    async def _do(self, door: Door, command: Command) -> Answer:
        match command:
            case LinkPut():
                kept = self.mail.setdefault((command.mailbox, command.step), command.body)
                if kept != command.body:
                    raise refuse("notAllowed", "said already", rule="linkUsed")
                return Done()
            case LinkGet():
                return LinkMail(await self._mail(command))
            case OwnRecord():
                return PublishedRecord(self.newest(command.did))
            case PublishRecord():
                return self._publish(command.record)
            case LoginDevice():
                return self._login_device(command.proof)
            case _:
                return await self._other(door, command)

    async def _other(self, door: Door, command: Command) -> Answer:
        match command:
            case Devices():
                return DevicesSeen()
            case PublishKeyPackages():
                return self._supply(door, command)
            case ClaimKeyPackages() if self.last_only:
                return Claimed((self.last[command.actor],), self._record_of(command.actor))
            case _:
                return await super()._do(door, command)

    def _supply(self, door: Door, command: PublishKeyPackages) -> Answer:
        who = self._who(door)
        for package in command.key_packages:
            key_package = MLSMessage.decode(package).expect(KeyPackage)
            if find_extension(key_package.extensions, ExtensionType.LAST_RESORT) is None:
                who.packages.append(package)
            else:
                self.last[who.actor] = package
                if who.join.account == "ana":
                    self.rotated.set()
        return KeyPackageCount(len(who.packages), who.actor in self.last and not self.used)

    def _record_of(self, actor: str) -> bytes:
        return next(r.join.record for r in self.residents.values() if r.actor == actor)

    async def _mail(self, command: LinkGet) -> bytes:
        for _ in range(200):
            body = self.mail.get((command.mailbox, command.step), b"")
            if body and command.step not in self.loses:
                return self.swapped.get(command.step, body)
            await asyncio.sleep(0.005)
        return b""

    def newest(self, did: str) -> bytes:
        chain = self.records.get(did)
        if chain:
            return chain[-1]
        resident = next((r for r in self.residents.values() if r.did == did), None)
        if resident is None:
            raise refuse("notFound", "nobody")
        return resident.join.record

    def _publish(self, record: bytes) -> PublishedRecord:
        self.asked.set()
        if self.busy:
            raise refuse("overloaded", "later")
        did = verify_record(SignedRecord.decode(record)).did
        known = verify_record(SignedRecord.decode(self.newest(did)))
        assert not isinstance(verify_next(known, SignedRecord.decode(record)), Frozen)
        self.records.setdefault(did, []).append(record)
        return PublishedRecord(record)

    def _login_device(self, proof: bytes) -> DeviceSignedIn:
        login = decode_device_login(proof)
        record = verify_record(SignedRecord.decode(self.newest(login.did)))
        if record.device(login.device_id) is None:
            raise refuse("notAllowed", "not listed")
        verify_device_login(login, record, node=HARBOUR, now=SystemClock().now_ms() // 1000)
        resident = next(r for r in self.residents.values() if r.did == login.did)
        return DeviceSignedIn(
            account=resident.join.account,
            actor=resident.actor,
            token=resident.token,
            expires_at=2**40,
            record=record.signed.encode(),
        )


@dataclass
class House:
    """Ana's phone and phrase, and a folder for her laptop."""

    town: Town
    node: LinkingNode
    phone: Engine
    phrase: str = field(repr=False)
    laptops: list[Engine] = field(default_factory=list[Engine])

    @property
    def home(self) -> Path:
        """Where the laptop's vault is to be."""
        return self.town.home("laptop")

    async def code(self) -> LinkCodeView:
        """What the phone shows."""
        return await self.phone.call(BeginLink(phrase=self.phrase), LinkCodeView)

    async def outcome(self) -> LinkView:
        """What the phone says then."""
        return await self.phone.call(AwaitLink(within=PATIENCE_S), LinkView)

    async def join(self, code: str) -> Engine:
        """What the laptop does."""
        network, clock = load_network(self.town.map_file), SystemClock()
        made = new_device.join_by_code(self.home, HARBOUR, code, PASSPHRASE, network=network, clock=clock)
        laptop = await enter(self.home, PASSPHRASE, made, network=network, clock=clock)
        self.laptops.append(laptop)
        return laptop

    async def refused(self, code: str) -> str:
        """What the laptop is told instead; nothing is left of its vault."""
        with pytest.raises(ProblemError) as caught:
            await self.join(code)
        assert not vaults.exists(self.home)
        return str(caught.value.problem.detail.get("rule", caught.value.problem.code))

    async def devices(self) -> int:
        """How many devices ana has, as the phone knows."""
        return len((await self.phone.call(ListDevices(), DeviceViews)).devices)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Ana, who has joined on her phone."""
    network = await asyncio.to_thread(Network.make, tmp_path / "network", [HARBOUR])
    endpoint = network.endpoints[HARBOUR]
    node = LinkingNode(endpoint, network.certificate_file(HARBOUR), network.key_file(HARBOUR))
    town = Town(tmp_path, network.write_map("town"), node)
    await node.start()
    told = list[RecoveryPhrase]()
    phone = await town.join("ana", told.append)
    house = House(town, node, phone, " ".join(told[0].words))
    yield house
    for engine in house.laptops:
        await engine.close()
    await town.close()


async def test_a_device_is_linked_by_its_code(house: House) -> None:
    """Two devices, one person: the laptop signs in by its own key and knows who it is."""
    code = await house.code()
    laptop, view = await asyncio.gather(house.join(code.code), house.outcome())
    assert view.outcome == "linked"
    status = await laptop.status()
    assert (status.address, status.did) == ("ana@harbour.example", (await house.phone.status()).did)
    assert await house.devices() == 2


async def test_a_wrong_code_and_no_code_look_the_same_and_link_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mailbox of another code does not exist; a mistyped one is refused before anybody is asked."""
    monkeypatch.setattr(new_device, "HELLO_WITHIN_S", 0)
    await house.code()
    assert await house.refused(LinkCode.generate().text) == "notFound"
    with pytest.raises(UsageError, match="26 characters"):
        await house.join("too short")
    assert await house.devices() == 1


async def test_a_code_works_once(house: House) -> None:
    """Who comes second with the same code is told so, and gets nothing."""
    code = await house.code()
    await asyncio.gather(house.join(code.code), house.outcome())
    house.town.home("laptop").rename(house.town.home("first"))
    assert await house.refused(code.code) == "linkUsed"
    assert await house.devices() == 2


async def test_a_node_that_changes_a_message_is_found_out(house: House) -> None:
    """Without the code the node makes no MAC: it can stop a linking, and put no device of its own in."""
    own, evil = LinkCode.generate(), DeviceKeys.generate()
    did, now_s = (await house.phone.status()).did, SystemClock().now_ms() // 1000
    hello = OldDevice.open(own, did, evil.public, now_s).hello

    house.node.swapped = {HELLO: hello}
    assert await house.refused((await house.code()).code) == "linkMac"

    house.node.swapped = {OFFER: NewDevice.join(own, hello, evil.public, now_s).offer}
    joining = asyncio.create_task(house.join((await house.code()).code))
    view = await house.outcome()
    assert view.outcome == "failed"
    assert "another code" in view.problem
    joining.cancel()
    await asyncio.gather(joining, return_exceptions=True)
    vaults.remove(house.home)
    assert await house.devices() == 1

    house.node.swapped = {ANSWER: os.urandom(200)}
    rule, view = await asyncio.gather(house.refused((await house.code()).code), house.outcome())
    assert (rule, view.outcome) == ("linkMac", "linked")

    listed = verify_record(SignedRecord.decode(house.node.newest(did))).record.devices
    assert evil.public not in [certificate.device for certificate in listed]


async def test_the_phrase_of_somebody_else_links_nothing(house: House) -> None:
    """Mistyped words are named; whole ones of another person are refused."""
    with pytest.raises(ProblemError) as caught:
        await house.phone.call(BeginLink(phrase="one two three"), LinkCodeView)
    assert caught.value.problem.detail["rule"] == "phraseLength"
    other = " ".join(RecoveryPhrase.generate().words)
    for call in (BeginLink(phrase=other), RevokeDevice(device="00000000", phrase=other)):
        with pytest.raises(ProblemError) as caught:
            await house.phone.call(call, LinkCodeView)
        assert caught.value.problem.detail["rule"] == "otherPerson"
        assert other not in repr(call)


async def test_the_new_device_goes_on_after_a_restart(house: House) -> None:
    """Its keys were kept before anybody heard of them: the same command again finishes with them."""
    code = await house.code()
    house.node.loses.add(ANSWER)
    joining = asyncio.create_task(house.join(code.code))
    assert (await house.outcome()).outcome == "linked"
    joining.cancel()
    await asyncio.gather(joining, return_exceptions=True)
    assert vaults.exists(house.home)
    house.node.loses.clear()
    laptop = await house.join(code.code)
    assert (await laptop.status()).address == "ana@harbour.example"
    assert await house.devices() == 2


async def test_the_old_device_answers_after_a_restart(house: House) -> None:
    """Record and answer are kept together: the next start says both again, byte for byte."""
    code = await house.code()
    house.node.busy = True
    joining = asyncio.create_task(house.join(code.code))

    async with asyncio.timeout(PATIENCE_S):
        await house.node.asked.wait()
    assert await house.devices() == 2
    await house.town.leave(house.phone)
    house.node.busy = False
    house.phone = await house.town.open("ana")
    laptop = await joining
    assert (await laptop.status()).address == "ana@harbour.example"


async def test_revoking_again_is_no_error_and_nobody_revokes_the_device_at_hand(house: House) -> None:
    """A script may repeat itself; this device is revoked from another one."""
    code = await house.code()
    await asyncio.gather(house.join(code.code), house.outcome())
    views = (await house.phone.call(ListDevices(), DeviceViews)).devices
    this, other = views[0].device_id.hex(), views[1].device_id.hex()
    for _ in range(2):
        done = await house.phone.call(RevokeDevice(device=other[:8], phrase=house.phrase), RoomsSettled)
        assert (done.done, done.left) == (0, 0)
    assert await house.devices() == 1
    for text, code_ in ((this, "badRequest"), ("ffffffff", "notFound"), (this[:3], "badRequest")):
        with pytest.raises(ProblemError) as caught:
            await house.phone.call(RevokeDevice(device=text, phrase=house.phrase), RoomsSettled)
        assert caught.value.problem.code == code_
        with pytest.raises(ProblemError) as judged:
            await house.phone.call(JudgeDevice(device=text), Nothing)
        assert judged.value.problem == caught.value.problem


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Devices look all the time what the node has left of them."""
    monkeypatch.setattr(key_package_supply, "LOOK_S", (0.1, 0.2))


@pytest.mark.usefixtures("often", "house")
async def test_a_last_resort_is_replaced_though_the_stream_lasts(house: House) -> None:
    """A device that is connected for weeks looks now and then what the node has left."""
    async with asyncio.timeout(PATIENCE_S):
        await house.node.rotated.wait()
    actor = (await house.phone.status()).actor
    first = house.node.last[actor]

    house.node.rotated.clear()
    house.node.used = True
    async with asyncio.timeout(PATIENCE_S):
        await house.node.rotated.wait()

    assert house.node.last[actor] != first


async def test_the_last_resort_lets_a_person_into_two_rooms_and_is_replaced(house: House) -> None:
    """With no one-time package left they can still be added; a package that was used is made anew."""
    async with asyncio.timeout(PATIENCE_S):
        await house.node.rotated.wait()
    first = house.node.last[(await house.phone.status()).actor]
    bo = await house.town.join("bo")
    house.node.last_only = True
    rooms = [(await bo.create_room(name)).room for name in ("tea", "coffee")]
    for room in rooms:
        await bo.invite(room, "ana@harbour.example")
    async with asyncio.timeout(PATIENCE_S):
        while {view.room for view in await house.phone.rooms()} != set(rooms):
            await house.phone.sync(1)
    for room in rooms:
        sent = await house.phone.send(room, "here", wait="accepted")
        assert sent.state == "accepted"

    house.node.used = True
    house.node.rotated.clear()
    await house.node.stop()
    await house.node.start()
    async with asyncio.timeout(PATIENCE_S):
        await house.node.rotated.wait()
    assert house.node.last[(await house.phone.status()).actor] != first
