"""The old node is dead for good: 24 words, a buddy and an invite bring back ties, blocks and rooms."""

from pathlib import Path

import pytest

from yurt.client.clock import SystemClock
from yurt.client.moving import rescue
from yurt.client.moving.calls import AskReceipt, GoOnMove, MoveStanding, ReceiptView
from yurt.client.moving.home import visit
from yurt.client.paths import load_network
from yurt.client.portability.calls import KitStatus, KitView, SetBuddy
from yurt.client.portability.importing import own_record
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import next_record
from yurt.lab.world.people import PASSPHRASE, PATIENCE_S, Person, follow, until
from yurt.lab.world.world import World
from yurt.wire.command import Done
from yurt.wire.device_commands import PublishedRecord, PublishRecord
from yurt.wire.people_commands import Block, Resolve
from yurt.wire.people_commands import Person as WirePerson
from yurt.wire.problems import ProblemError

OLD, NEW, FAR = "harbour.example", "hilltop.example", "meadow.example"


async def test_dead_source_with_kit(tmp_path: Path) -> None:
    """Every tie on a Yurt node comes back, a block too, and the room goes on, though the old node is gone."""
    async with World.open(tmp_path, OLD, NEW, FAR) as world:
        ana, bo = await world.person("ana", OLD), await world.person("bo", FAR)
        dee, eve = await world.person("dee", NEW), await world.person("eve", FAR)
        await follow(bo, ana)
        await follow(ana, bo)
        await follow(dee, ana)
        await ana.engine.ask_node(Block("eve@" + FAR), Done)
        room = (await bo.engine.create_room("the far room")).room
        await bo.engine.invite(room, "ana@" + OLD)
        await ana.enters(room)
        await bo.engine.send(room, "before the fire")
        await ana.reads(room, "before the fire")
        await ana.engine.call(SetBuddy(node=FAR, phrase=ana.phrase), KitView)

        async def kept() -> KitView | None:
            view = await ana.engine.call(KitStatus(), KitView)
            there = [buddy for buddy in view.buddies if buddy.graph]
            return view if there and view.ties >= 2 and view.rooms else None

        await until(kept, "the buddy has the kit", within=2 * PATIENCE_S)
        before = own_record(ana.engine._core)  # pyright: ignore[reportPrivateUsage]  # as her devices do
        await ana.close()
        map_file = world.network.write_map("ana anew")
        network, clock = load_network(map_file), SystemClock(map_file)
        # Her newest record is not in the kit: the node died before. A friend's follow has brought it to NEW.
        identity = RecoveryPhrase.parse(ana.phrase).identity_key()
        newer = next_record(before, identity, time=clock.now_ms() // 1000, buddies=(FAR, NEW))
        async with visit(OLD, network) as ask:
            await ask(PublishRecord(newer.encode()), PublishedRecord)
        await dee.engine._core.session.call(Resolve("ana@" + OLD), WirePerson)  # pyright: ignore[reportPrivateUsage]  # likewise
        await world.nodes[OLD].kill()

        taken = await rescue.prepare(
            world.invites[NEW], "dee", ana.phrase, buddies=(FAR,), network=network, clock=clock
        )
        with pytest.raises(ProblemError, match=r"dee is taken on this node; .* in a new YURT_HOME"):
            await rescue.begin(tmp_path / "taken", PASSPHRASE, taken, network=network, clock=clock)
        prepared = await rescue.prepare(
            world.invites[NEW], "ana", ana.phrase, buddies=(FAR,), network=network, clock=clock
        )
        assert prepared.check.followers.outcomes == {"ours": 2}
        home = tmp_path / "people" / "ana anew"
        await world.nodes[NEW].kill()
        with pytest.raises(ProblemError):  # agreed, and the new node went away at this very moment
            await rescue.begin(home, PASSPHRASE, prepared, network=network, clock=clock)
        await world.nodes[NEW].start()
        engine = await rescue.resume(home, PASSPHRASE, network=network, clock=clock)
        anew = Person("ana", home, map_file, engine, ana.phrase)
        world.people.append(anew)
        standing = MoveStanding(next="begin")
        while standing.next:
            standing = await anew.engine.call(GoOnMove(), MoveStanding)
            await anew.close()
            await anew.reopen()

        assert standing.step == "watched"

        async def all_there() -> ReceiptView | None:
            view = await anew.engine.call(AskReceipt(), ReceiptView)
            return view if (view.followers.share, view.following.share) == (1.0, 1.0) else None

        receipt = await until(all_there, "everybody is back", within=2 * PATIENCE_S)
        assert standing.notes == ()
        assert (receipt.rooms_kept, receipt.rooms) == (1, 1)
        await bo.engine.send(room, "you are back")
        await anew.reads(room, "you are back")
        await anew.engine.send(room, "I am back")
        await bo.reads(room, "I am back")
        # Nobody who was blocked regains contact.
        with pytest.raises(ProblemError, match="notAllowed"):
            await eve.engine.follow("ana@" + NEW)
        assert {tie.address for tie in await anew.engine.followers()} == {"bo@" + FAR, "dee@" + NEW}
