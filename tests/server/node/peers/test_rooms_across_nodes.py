"""A room whose hub is harbour and whose other participant lives on hilltop, with real groups."""

import json
import os
import shutil
from dataclasses import dataclass, field

import msgspec
import pytest

from yurt.activitypub.http_signatures import cavage
from yurt.activitypub.http_signatures.rfc9421 import sign_exchange
from yurt.identity.leaf import LeafUse
from yurt.mls.cipher_suite import X25519_AES128GCM_SHA256_ED25519 as SUITE
from yurt.mls.framing import MLSMessage
from yurt.mls.group import Group
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.key_package import KeyPackage
from yurt.mls.key_package_bundle import KeyPackageBundle
from yurt.mls.leaf_node import Lifetime
from yurt.node.admin.backup import back_up
from yurt.node.admin.restore import restore_node
from yurt.node.admin.status import node_status
from yurt.node.clock import SystemClock
from yurt.node.config import CONFIG_NAME, load, render
from yurt.node.keys import NodeKeys
from yurt.node.people.room_documents import name_of_room
from yurt.node.store import logs
from yurt.node.store.sqlite import DATABASE_NAME, SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import Tx
from yurt.node.testing import Client, Town, until
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.policy import RoomPolicy
from yurt.rooms.common.room import room_extensions
from yurt.wire.exchange import EXCHANGE_PATH, ExchangeAnswer, ExchangeRequest, Pull, WelcomeDelivery
from yurt.wire.frames import INBOX, room_log
from yurt.wire.key_package_commands import ClaimKeyPackages, PublishKeyPackages
from yurt.wire.people_commands import Follow
from yurt.wire.position import LogRow, Position
from yurt.wire.problems import ProblemError
from yurt.wire.registry import EntryKind, InboxKind
from yurt.wire.room_commands import Append, Appended, CreateRoom, ListRooms

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"
CLOCK = SystemClock()


@dataclass
class Member:
    """Somebody's one device with their group."""

    client: Client
    room: bytes
    store: MemoryGroupStore = field(default_factory=MemoryGroupStore)
    bundles: list[KeyPackageBundle] = field(default_factory=list[KeyPackageBundle])
    joined: Group | None = None

    @property
    def group(self) -> Group:
        assert self.joined is not None
        return self.joined

    async def found(self) -> None:
        """Open the room at the own node."""
        person = self.client.person
        self.joined = Group.create(
            self.store,
            SUITE,
            self.room,
            person.own_leaf(LeafUse.JOINING),
            extensions=room_extensions(RoomPolicy.first(person.domain, self.room, person.identity.did)),
            lifetime=Lifetime(person.born_at - 3600, person.born_at + 86_400),
        )
        await self.client.call(CreateRoom(self.group.group_info(with_tree=True)))

    async def publish(self) -> None:
        """Leave a key package at the own node."""
        self.bundles.append(self.client.person.key_package_bundle())
        body = MLSMessage(self.bundles[-1].key_package).encode()
        await self.client.call(PublishKeyPackages((body,)))

    async def add(self, guest: "Member") -> Appended:
        """Claim a package of somebody and add them."""
        target = guest.client.person
        claim = ClaimKeyPackages(target.actor, self.client.person.claim(target.identity.did))
        claimed = await self.client.call(claim)
        package = MLSMessage.decode(claimed.key_packages[0]).expect(KeyPackage)
        staged = self.group.stage_commit(
            adds=[package],
            leaf=self.client.person.own_leaf(LeafUse.ROOM, self.room),
            force_path=True,
            authenticated_data=CommitData(self.client.person.born_at * 1000).encode(),
        )
        receipt: Appended = await self.client.call(
            Append(
                room=self.room,
                kind=EntryKind.COMMIT,
                entry=staged.commit,
                group_info=staged.group_info,
                welcome=staged.welcome or b"",
            )
        )
        self.group.merge(at=receipt.accepted_at)
        return receipt

    def join(self, delivery: WelcomeDelivery) -> None:
        """Enter the room by a Welcome."""
        self.joined = Group.join(self.store, delivery.welcome, self.bundles[-1])

    def sealed(self, text: str) -> Append:
        return Append(room=self.room, kind=EntryKind.MESSAGE, entry=self.group.encrypt(text.encode()))

    async def say(self, text: str) -> Appended:
        receipt: Appended = await self.client.call(self.sealed(text))
        return receipt

    def read(self, row: LogRow) -> str:
        processed = self.group.process(row.body, at=row.accepted_at)
        return bytes(getattr(processed, "plaintext", b"")).decode()


async def two_members(town: Town) -> tuple[Member, Member, Appended]:
    """Ana founds a room at harbour and lets in bo of hilltop, who has followed her."""
    room = os.urandom(32)
    ana = Member(await town.join("ana", HARBOUR), room)
    bo = Member(await town.join("bo", HILLTOP), room)
    await bo.client.call(Follow("ana@harbour.example"))
    async with town.stream(bo.client) as stream:
        await stream.subscribe(INBOX)
        await stream.rows_until(Position(0, 1))  # the inbox tells that ana's node has accepted
    await bo.publish()
    await ana.found()
    receipt = await ana.add(bo)
    async with town.stream(bo.client) as stream:
        await stream.subscribe(INBOX, Position(0, 1))
        row = (await stream.rows_until(Position(0, 2)))[-1]
    assert row.kind == InboxKind.WELCOME
    bo.join(msgspec.msgpack.decode(row.body, type=WelcomeDelivery))
    return ana, bo, receipt


async def rows_at(town: Town, domain: str, room: bytes, seq: int) -> list[LogRow]:
    """The whole log of a room at a node, once it has reached a number."""
    rows: list[LogRow] = []

    async def reached() -> bool:
        nonlocal rows
        rows = await town.nodes[domain].store.read(
            lambda tx: logs.after(tx, room_log(room), Position(0, 0), 1000)
        )
        return bool(rows) and rows[-1].position.seq >= seq

    await until(reached)
    return rows


async def test_a_conversation_across_nodes(town: Town) -> None:
    """Each reads what the other wrote; both nodes hold the same rows from the guest's start on."""
    ana, bo, start = await two_members(town)

    from_ana = await ana.say("welcome")
    from_bo = await bo.say("glad to be here")

    async with town.stream(bo.client) as stream:
        await stream.subscribe(room_log(ana.room), start.position)
        at_bo = await stream.rows_until(from_bo.position)
    async with town.stream(ana.client) as stream:
        await stream.subscribe(room_log(ana.room), start.position)
        at_ana = await stream.rows_until(from_bo.position)
    assert [row.position for row in at_bo] == [from_ana.position, from_bo.position]
    assert at_ana == at_bo
    assert bo.read(at_bo[0]) == "welcome"
    assert ana.read(at_ana[1]) == "glad to be here"
    info = (await bo.client.call(ListRooms())).rooms[0]
    assert (info.hub, info.start, info.room) == (HARBOUR, start.position, ana.room)


async def test_a_member_node_that_was_down_gets_what_it_missed(town: Town) -> None:
    """What the hub accepted while hilltop slept is there soon after it wakes, without a gap."""
    ana, _, start = await two_members(town)
    await town.stop(HILLTOP)

    last = [await ana.say(f"message {number}") for number in range(20)][-1]
    await town.start(HILLTOP)

    rows = await rows_at(town, HILLTOP, ana.room, last.position.seq)
    at_hub = await rows_at(town, HARBOUR, ana.room, last.position.seq)
    assert rows == at_hub[start.position.seq - 1 :]


async def test_a_hub_that_is_down_is_said_at_once_and_found_again(town: Town) -> None:
    """A message for a sleeping hub fails at once and keeps nothing; sent again later it stands once."""
    ana, bo, _ = await two_members(town)
    await town.stop(HARBOUR)
    sealed = bo.sealed("are you there?")

    with pytest.raises(ProblemError) as down:
        await bo.client.call(sealed)
    await town.start(HARBOUR)
    receipt = await patiently(bo, sealed, "hubUnreachable")
    again: Appended = await bo.client.call(sealed)

    assert down.value.problem.code == "hubUnreachable"
    assert again == receipt
    rows = await rows_at(town, HILLTOP, ana.room, receipt.position.seq)
    assert [row.hash for row in rows].count(receipt.hash) == 1
    assert ana.read(rows[-1]) == "are you there?"


async def test_a_peer_that_went_back_in_time_is_served_again(town: Town) -> None:
    """A member node restored from an older copy says what it has, and gets the rest."""
    ana, _, start = await two_members(town)
    await ana.say("before")
    last = await ana.say("after")
    await rows_at(town, HILLTOP, ana.room, last.position.seq)

    def claim_too_much(tx: Tx) -> None:
        logs.reset_cursor(tx, room_log(ana.room), "peer/hilltop.example", Position(1, last.position.seq + 1))

    await town.nodes[HARBOUR].store.write(claim_too_much)
    await ana.say("one that the cursor skips")
    newest = await ana.say("and the next")

    rows = await rows_at(town, HILLTOP, ana.room, newest.position.seq)
    assert [row.position.seq for row in rows] == list(range(start.position.seq, newest.position.seq + 1))


async def test_a_member_node_that_lost_everything_begins_again(town: Town) -> None:
    """A copy that is gone is begun anew by the hub, from the newest commit on."""
    ana, _, start = await two_members(town)
    await ana.say("before the loss")

    def lose(tx: Tx) -> None:
        for statement in ("DELETE FROM entry", "DELETE FROM reader", "DELETE FROM room"):
            tx.change(statement)

    await town.stop(HILLTOP)
    store = await SqliteStore.open(town.folder / HILLTOP / DATABASE_NAME, STEPS)
    await store.write(lose)
    await store.close()
    await town.start(HILLTOP)
    last = await ana.say("after the loss")

    rows = await rows_at(town, HILLTOP, ana.room, last.position.seq)
    assert [row.position.seq for row in rows] == list(range(start.position.seq, last.position.seq + 1))


async def test_a_stranger_at_another_node_reads_and_writes_nothing(town: Town) -> None:
    """For who has no leaf, a room does not exist: at their node, and at the hub."""
    ana, _, _ = await two_members(town)
    eve = Member(await town.join("eve", HILLTOP), ana.room)
    eve.joined = None

    with pytest.raises(ProblemError) as refused:
        await eve.client.call(ana.sealed("from ana's leaf, through eve"))

    assert refused.value.problem.code == "notFound"
    assert (await eve.client.call(ListRooms())).rooms == ()


async def test_a_rooms_address_is_for_its_participants_nodes(town: Town) -> None:
    """Hilltop, which has a participant, may read the room's actor; without its signature there is none."""
    ana, _, _ = await two_members(town)
    url = f"https://{HARBOUR}/rooms/{name_of_room(NodeKeys(town.folder / HARBOUR), ana.room)}"
    guessed = f"https://{HARBOUR}/rooms/{'a' * 32}"
    hilltop = NodeKeys(town.folder / HILLTOP)

    async def get(address: str, signer: str = "") -> tuple[int, bytes]:
        key_id, now = f"https://{signer}/actor#main-key", SystemClock().now_s()
        headers = cavage.sign("GET", address, None, key_id=key_id, key=hilltop.rsa, now=now) if signer else {}
        async with town.session.get(address, headers=headers) as answer:
            return answer.status, await answer.read()

    status, body = await get(url, HILLTOP)

    assert status == 200
    assert json.loads(body)["type"] == "Group"
    assert ana.room.hex().encode() not in body
    assert [(await get(*one))[0] for one in ((guessed, HILLTOP), (url,), (url, HARBOUR))] == [404] * 3


async def test_one_request_brings_a_room_once(town: Town) -> None:
    """Two thousand pulls of one room would be gigabytes in one answer."""
    ana, _, start = await two_members(town)
    said = await ana.say("once")
    pull = Pull(ana.room, start.position)
    url = f"https://{HARBOUR}{EXCHANGE_PATH}"
    body = msgspec.msgpack.encode(ExchangeRequest(pulls=(pull,) * 50))
    headers = sign_exchange(
        url,
        body,
        key_id=f"https://{HILLTOP}/actor#ed25519",
        key=NodeKeys(town.folder / HILLTOP).ed25519,
        now=SystemClock().now_s(),
        nonce=os.urandom(16),
    )

    async with town.session.post(url, data=body, headers=headers) as response:
        answer = msgspec.msgpack.decode(await response.read(), type=ExchangeAnswer)

    [rows] = answer.pulls
    assert [row.position for row in rows.rows] == [said.position]


async def lose_what_came_after_a_backup(town: Town, ana: Member) -> list[LogRow]:
    """Back harbour up, let the room go on, and put harbour back to the backup; return the rows before."""
    data, file = town.folder / HARBOUR, town.folder / "backup"
    await back_up(data, CLOCK, file)
    await ana.say("after the backup")
    staged = ana.group.stage_commit(
        leaf=ana.client.person.own_leaf(LeafUse.ROOM, ana.room),
        force_path=True,
        authenticated_data=CommitData(ana.client.person.born_at * 1000).encode(),
    )
    entry = Append(
        room=ana.room, kind=EntryKind.COMMIT, entry=staged.commit, group_info=staged.group_info, welcome=b""
    )
    receipt: Appended = await ana.client.call(entry)
    ana.group.merge(at=receipt.accepted_at)
    last = await ana.say("in a new epoch")
    await rows_at(town, HILLTOP, ana.room, last.position.seq)
    before = await rows_at(town, HARBOUR, ana.room, last.position.seq)
    await town.stop(HARBOUR)
    shutil.rmtree(data)
    await restore_node(file, data, CLOCK)
    return before


async def test_a_restored_hub_takes_back_what_a_member_node_holds(town: Town) -> None:
    """Messages and a commit that the backup lacks come back from hilltop; the room goes on behind them."""
    ana, _, _ = await two_members(town)
    before = await lose_what_came_after_a_backup(town, ana)

    await town.start(HARBOUR)
    again = await rows_at(town, HARBOUR, ana.room, before[-1].position.seq)
    receipt = await patiently(ana, ana.sealed("we go on"))

    assert again == before
    assert receipt.position.seq == before[-1].position.seq + 1
    await rows_at(town, HILLTOP, ana.room, receipt.position.seq)


async def test_a_restored_hub_gives_no_place_away_twice(town: Town) -> None:
    """While hilltop cannot be asked, the room takes nothing; once it was, it does."""
    ana, _, _ = await two_members(town)
    before = await lose_what_came_after_a_backup(town, ana)
    await town.stop(HILLTOP)
    sealed = ana.sealed("is anybody there?")

    await town.start(HARBOUR)
    with pytest.raises(ProblemError) as waits:
        await ana.client.call(sealed)
    await town.start(HILLTOP)
    receipt = await patiently(ana, sealed)

    assert waits.value.problem.code == "overloaded"
    assert receipt.position.seq == before[-1].position.seq + 1
    assert (await rows_at(town, HARBOUR, ana.room, 1))[: len(before)] == before


async def test_a_restored_hub_does_not_wait_for_ever(town: Town) -> None:
    """After `restore_wait_s` a room goes on without a member node that does not come back."""
    ana, _, _ = await two_members(town)
    await town.stop(HILLTOP)
    data, file = town.folder / HARBOUR, town.folder / "backup"
    await back_up(data, CLOCK, file)
    await town.stop(HARBOUR)
    shutil.rmtree(data)
    await restore_node(file, data, CLOCK)
    with (data / "node.toml").open("a") as config:
        config.write("restore_wait_s = 1\n")

    await town.start(HARBOUR, load(data))
    receipt = await patiently(ana, ana.sealed("alone"))

    assert receipt.position.seq > 0


async def patiently(member: Member, entry: Append, code: str = "overloaded") -> Appended:
    """Append, again and again while the node refuses with this code."""
    receipts: list[Appended] = []

    async def taken() -> bool:
        try:
            receipts.append(await member.client.call(entry))
        except ProblemError as error:
            if error.problem.code != code:
                raise
        return bool(receipts)

    await until(taken)
    return receipts[0]


async def test_a_foreign_hub_does_not_fill_the_disk(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    """The copy stops at its size, all are told, and nothing is lost once the operator gives it more."""
    ana, bo, start = await two_members(town)
    data = town.folder / HILLTOP
    config = load(data)
    await town.stop(HILLTOP)
    (data / CONFIG_NAME).write_text(render(msgspec.structs.replace(config, room_mib=1)), encoding="utf-8")
    await town.start(HILLTOP, load(data))

    last = [await ana.say(f"{number} " + "x" * 60_000) for number in range(20)][-1]
    await until(lambda: "is full there" in caplog.text)
    with pytest.raises(ProblemError) as refused:
        await bo.client.call(bo.sealed("y" * 60_000))
    rows = await rows_at(town, HILLTOP, ana.room, start.position.seq)
    full = (await node_status(data)).rooms_full

    await town.stop(HILLTOP)
    await town.stop(HARBOUR)  # by itself it would try again after some minutes
    (data / CONFIG_NAME).write_text(render(msgspec.structs.replace(config, room_mib=2)), encoding="utf-8")
    await town.start(HILLTOP, load(data))
    await town.start(HARBOUR)
    everything = await rows_at(town, HILLTOP, ana.room, last.position.seq)

    assert refused.value.problem.detail["rule"] == "roomFull"
    assert sum(len(row.body) for row in rows) <= 1024 * 1024
    assert rows[-1].position < last.position
    assert full == 1
    assert caplog.text.count("is full here") == 1
    seqs = [row.position.seq for row in everything]
    assert seqs == list(range(start.position.seq, last.position.seq + 1))
