"""A first evil node: real engines read what a lying hub relays. Nothing is accepted, everything is named."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import msgspec
import pytest
from sqlcipher3.dbapi2 import Connection

from yurt.client.calls import Nothing
from yurt.client.engine import Engine
from yurt.client.rooms.heal_calls import ResyncRoom
from yurt.client.testing import Town
from yurt.client.testing_node import HARBOUR
from yurt.client.testing_rooms import ANA, core_of, line, together
from yurt.client.vault.mls_store import VaultGroupStore
from yurt.identity.signed_record import SignedRecord
from yurt.mls.external_join import ExternalJoin
from yurt.mls.framing import MLSMessage, peek
from yurt.mls.group_info import GroupInfo
from yurt.mls.key_package_bundle import OwnLeaf
from yurt.mls.outside import ask_to_join
from yurt.mls.policy import judged_by_caller
from yurt.rooms.common.commit_data import CommitData
from yurt.wire.frames import room_log
from yurt.wire.position import LogRow
from yurt.wire.problems import ProblemError
from yurt.wire.registry import EntryKind

CY = f"cy@{HARBOUR}"
SECRET = "nobody else may read this"


@dataclass(slots=True)
class Scene:
    """Ana and bo in a room, and cy, the node's ghost, who is not."""

    town: Town
    ana: Engine
    bo: Engine
    cy: Engine
    room: bytes

    async def commit_of_bo(self, leaf: OwnLeaf) -> bytes:
        """A commit that bo's own client would never send: it brings this leaf."""
        core = core_of(self.bo)

        def unit(tx: Connection) -> bytes:
            group = core.groups.load(tx, self.room)
            data = CommitData(core.clock.now_ms()).encode()
            staged = group.stage_commit(
                leaf=leaf, force_path=True, authenticated_data=data, policy=judged_by_caller
            )
            group.discard()
            return staged.commit

        return await core.vault.write(unit)

    async def entered_by_cy(self) -> bytes:
        """A commit by which cy enters from outside."""
        core, state = core_of(self.cy), self.town.node.rooms[self.room]

        def unit(tx: Connection) -> bytes:
            joining = ExternalJoin.stage(
                VaultGroupStore(tx),
                self.town.node.group_infos[self.room],
                core.device.room_leaf(self.room, core.now_s),
                tree=state.public.tree,
                authenticated_data=CommitData(core.clock.now_ms()).encode(),
            )
            joining.discard()
            return joining.staged.commit

        return await core.vault.write(unit)

    def leaf_of_bo(self) -> OwnLeaf:
        core = core_of(self.bo)
        return core.device.room_leaf(self.room, core.now_s)


@pytest.fixture
async def scene(town: Town) -> Scene:
    """Both have made their keys for the room, and have spoken."""
    ana, bo, room = await together(town)
    cy = await town.join("cy")
    await bo.send(room, "bo is here", wait="accepted")
    await ana.send(room, "ana is here", wait="accepted")
    await line(bo, room, text="ana is here")
    return Scene(town, ana, bo, cy, room)


Lie = Callable[[Scene], Awaitable[bytes]]


async def _stranger(scene: Scene) -> bytes:
    return await scene.entered_by_cy()


async def _other_room(scene: Scene) -> bytes:
    core = core_of(scene.bo)
    return await scene.commit_of_bo(core.device.room_leaf(os.urandom(32), core.now_s))


async def _other_use(scene: Scene) -> bytes:
    core = core_of(scene.bo)
    return await scene.commit_of_bo(core.device.joining_leaf(core.now_s))


async def _other_person(scene: Scene) -> bytes:
    core = core_of(scene.cy)
    return await scene.commit_of_bo(core.device.room_leaf(scene.room, core.now_s))


async def _other_label(scene: Scene) -> bytes:
    leaf = scene.leaf_of_bo()
    (extension,) = leaf.extensions
    # Its last 64 bytes are the leaf certificate: here the device's, which signs under another label.
    wrong = core_of(scene.bo).device.certificate.signature
    data = extension.extension_data[: -len(wrong)] + wrong
    return await scene.commit_of_bo(replace(leaf, extensions=(replace(extension, extension_data=data),)))


@pytest.mark.parametrize(
    "lie", [_stranger, _other_room, _other_use, _other_person, _other_label], ids=lambda lie: lie.__name__[1:]
)
async def test_commit_against_the_rules(scene: Scene, lie: Lie) -> None:
    """A leaf that does not belong here enters nowhere: both stop, say why, and send nothing more."""
    entry, offered = await lie(scene), len(scene.town.node.appends)
    await scene.town.node.inject(scene.room, EntryKind.COMMIT, entry)

    for engine in (scene.ana, scene.bo):
        told = await line(engine, scene.room, reason="stopped")
        assert "nothing is sent into it" in told.text
        assert "yurt room resync" in told.text  # never by itself: the hub broke the rules
    with pytest.raises(ProblemError):
        await scene.ana.send(scene.room, SECRET)
    await asyncio.sleep(0.2)  # nothing can be awaited: nothing may happen
    assert (await scene.ana.rooms())[0].stopped
    assert not [item for item in await scene.ana.timeline(scene.room) if item.reason == "resynced"]
    kinds = [peek(entry).content_type for entry in scene.town.node.appends[offered:]]

    assert kinds == []
    assert [room.room for room in await scene.cy.rooms()] == []


async def test_external_sender(scene: Scene) -> None:
    """Who asks from outside to be added is named as what does not belong here, and the room goes on."""
    core = core_of(scene.cy)
    context = scene.town.node.rooms[scene.room].public.context
    await scene.town.node.inject(
        scene.room, EntryKind.PROPOSAL, ask_to_join(context, core.device.key_package(core.now_s))
    )

    told = await line(scene.ana, scene.room, reason="wrongFraming")
    await scene.bo.send(scene.room, "we go on", wait="accepted")
    await line(scene.ana, scene.room, text="we go on")

    assert told.kind == "notice"
    assert CY not in (await scene.ana.rooms())[0].participants


async def test_replayed_entry(scene: Scene) -> None:
    """An entry that comes a second time is dropped, named and counted."""
    again = scene.town.node.messages(scene.room)[-1].body  # what ana said

    await scene.town.node.inject(scene.room, EntryKind.MESSAGE, again)
    told = await line(scene.bo, scene.room, reason="replayed")
    (view,) = await scene.bo.rooms()

    assert told.kind == "undecryptable"
    assert view.undecryptable == 1


async def test_redirected_entry(scene: Scene) -> None:
    """What was said in one room is said in no other."""
    other = (await scene.ana.create_room("another room")).room
    await scene.ana.send(other, SECRET, wait="accepted")

    await scene.town.node.inject(scene.room, EntryKind.MESSAGE, scene.town.node.messages(other)[-1].body)
    told = await line(scene.bo, scene.room, kind="undecryptable")
    said = [item.text for item in await scene.bo.timeline(scene.room)]

    assert told.reason
    assert SECRET not in said


async def test_withheld_entry(scene: Scene) -> None:
    """A message that the hub keeps to itself is missed by number and author, once the next one comes."""
    node, log = scene.town.node, room_log(scene.room)
    before = node.rooms[scene.room]
    await scene.town.leave(scene.bo)
    await scene.ana.send(scene.room, SECRET, wait="accepted")
    # The hub's other story, for bo alone: her message never was.
    node.logs[log].pop()
    node.rooms[scene.room] = before
    await scene.ana.send(scene.room, "did you read it?", wait="accepted")

    bo = await scene.town.open("bo")
    told = await line(bo, scene.room, reason="missing")
    await bo.send(scene.room, "read what?", wait="accepted")
    forked = await line(scene.ana, scene.room, reason="stopped")

    assert told.text == "1 message of this person did not arrive"
    assert told.address == ANA
    assert "logForked" in forked.text


async def test_two_times_for_one_entry(scene: Scene) -> None:
    """The chain covers the time: who is told another one stops."""
    node, log = scene.town.node, room_log(scene.room)
    await scene.town.leave(scene.bo)
    await scene.ana.send(scene.room, "at noon", wait="accepted")
    row: LogRow = node.logs[log][-1]
    node.logs[log][-1] = msgspec.structs.replace(row, accepted_at=row.accepted_at + 1)

    bo = await scene.town.open("bo")
    told = await line(bo, scene.room, reason="stopped")

    assert "logForked" in told.text
    assert (await bo.rooms())[0].stopped.startswith("logForked")


# --- invitations ----------------------------------------------------------------------------------------
async def _swapped(scene: Scene) -> None:
    """The packages of di are the ghost's."""
    residents = scene.town.node.residents
    residents["di"].packages = list(residents["cy"].packages)


async def _swapped_record(scene: Scene) -> None:
    """And the record too."""
    residents = scene.town.node.residents
    residents["di"].packages = list(residents["cy"].packages)
    residents["di"].join = msgspec.structs.replace(residents["di"].join, record=residents["cy"].join.record)


async def _forged_record(scene: Scene) -> None:
    """A record that says one thing more than its owner signed."""
    resident = scene.town.node.residents["di"]
    signed = SignedRecord.decode(resident.join.record)
    forged = SignedRecord(signed.record.replace(b'"seq":1', b'"seq":2'), signed.signature)
    resident.join = msgspec.structs.replace(resident.join, record=forged.encode())


@pytest.mark.parametrize("known", ["first contact", "pinned"])
@pytest.mark.parametrize("lie", [_swapped, _swapped_record, _forged_record], ids=lambda lie: lie.__name__[1:])
async def test_invitation_of_a_ghost(
    scene: Scene, lie: Callable[[Scene], Awaitable[None]], known: str
) -> None:
    """Whoever the node puts in di's place is not added, and what is said goes to nobody new."""
    await scene.town.join("di")
    if known == "pinned":
        await scene.ana._people.meet(f"di@{HARBOUR}")  # pyright: ignore[reportPrivateUsage]  # pinned before
    await lie(scene)
    offered = len(scene.town.node.appends)

    with pytest.raises(ProblemError) as refused:
        await scene.ana.invite(scene.room, f"di@{HARBOUR}")

    assert refused.value.problem.code == "refused"
    assert refused.value.problem.detail["rule"]
    assert len(scene.town.node.appends) == offered
    assert [room.room for room in await scene.cy.rooms()] == []


async def test_group_info_of_another_room(scene: Scene) -> None:
    """A room that comes back is the room that it was, whatever the hub serves."""
    other = (await scene.cy.create_room("a trap")).room
    node = scene.town.node
    node.group_infos[scene.room], node.rooms[scene.room] = node.group_infos[other], node.rooms[other]
    assert MLSMessage.decode(node.group_infos[other]).expect(GroupInfo).group_context.group_id == other

    with pytest.raises(ProblemError) as refused:
        await scene.ana.call(ResyncRoom(scene.room), Nothing)

    assert refused.value.problem.detail["rule"] == "otherRoom"
