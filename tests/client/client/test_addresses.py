"""An address in a room is its member's own word until somebody else has said so too."""

import msgspec
import pytest
from sqlcipher3.dbapi2 import Connection

from yurt.client.api import PersonView
from yurt.client.engine import Engine
from yurt.client.people_calls import KeepOld
from yurt.client.testing import Town
from yurt.client.testing_node import HARBOUR
from yurt.client.testing_rooms import ANA, BO, core_of, line, together
from yurt.client.vault import addresses, people
from yurt.wire.problems import ProblemError


async def _asks_again(engine: Engine) -> None:
    engine._addresses.look(anew=True)  # pyright: ignore[reportPrivateUsage]  # as after a reconnection


async def _confirmed(engine: Engine, room: bytes) -> bool:
    def unit(tx: Connection) -> bool:
        (row,) = tx.execute("SELECT people FROM room WHERE room = ?", (room,)).fetchone()
        pairs = msgspec.json.decode(row, type=list[tuple[str, str]])
        return all(addresses.is_confirmed(tx, did, actor) for did, actor in pairs)

    return await core_of(engine).until(unit, 20.0)


async def test_own_word_is_shown_as_such(town: Town) -> None:
    """What nobody confirms says so wherever it is shown; once the node finds it there, nothing doubts it."""
    town.node.silent_about = {ANA}
    ana, bo = await town.join("ana"), await town.join("bo")
    room = (await ana.create_room("harbour watch")).room
    await ana.invite(room, BO)
    await ana.send(room, "hello", wait="accepted")
    heard = await line(bo, room, text="hello")
    (doubted,) = await bo.rooms()
    roster = [item for item in await bo.timeline(room) if item.kind == "roster"]
    doubts = [one.address for one in await bo.participants(room)]

    town.node.silent_about = set()
    await _asks_again(bo)
    assert await _confirmed(bo, room)
    (sure,) = await bo.rooms()
    again = await line(bo, room, text="hello")

    assert heard.address == f"{ANA} (not confirmed)"
    assert heard.name == "?ana"
    assert doubted.participants == (BO, f"{ANA} (not confirmed)")
    assert doubts == [BO, f"{ANA} (not confirmed)"]
    assert "not confirmed" in roster[0].text
    assert sure.participants == (BO, ANA)
    assert (again.address, again.name) == (ANA, "ana")
    assert (await bo.timeline(room))[0].text == f"{ANA} added you (epoch 2)"


async def test_node_that_answers_with_another(town: Town) -> None:
    """Who asks for one address takes nobody else, however well that one is proved."""
    ana, bo, room = await together(town)
    await town.join("cy")
    town.node.residents["di"] = town.node.residents["cy"]

    with pytest.raises(ProblemError) as refused:
        await ana.invite(room, f"di@{HARBOUR}")

    assert refused.value.problem.detail["rule"] == "otherAddress"
    assert (await bo.rooms())[0].epoch >= 2


async def test_the_old_one_is_kept(town: Town) -> None:
    """Whoever else claims a known address is not taken for its owner, and what was held back goes out."""
    ana, bo, room = await together(town)
    bo_did = core_of(bo).account.did
    await core_of(ana).write(lambda tx: people.mark_changed(tx, bo_did, "did:key:somebodyElse"))
    held = await ana.send(room, "are you there?")

    kept = await ana.call(KeepOld(BO), PersonView)
    heard = await line(bo, room, text="are you there?")
    decided = [item.text for item in await ana.timeline(room) if item.kind == "notice"]

    assert held.state == "queued"
    assert kept.did == bo_did
    assert not kept.changed
    assert heard.reason == ""
    assert any("is who it was" in text for text in decided)


async def test_any_leaf_that_claims_a_pinned_address_stops_sending(town: Town) -> None:
    """Not only the first leaf of somebody may name the address of another."""
    ana, bo, room = await together(town)
    await town.join("cy")
    await ana.person(BO)
    bo_did = core_of(bo).account.did

    def pin(tx: Connection) -> None:
        tx.execute("UPDATE person SET did = 'did:key:theRealBo', changed = ? WHERE did = ?", (bo_did, bo_did))
        tx.execute("UPDATE person SET address = 'bo@elsewhere.example'")

    await core_of(ana).write(pin)
    held = await ana.send(room, "is it you?")
    told = await line(ana, room, text="is it you?", reason="didChanged")

    assert held.state == "queued"
    assert told.state == "queued"
