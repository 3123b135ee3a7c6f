"""What is ours in a log is known by its bytes, wherever a node says that it stands."""

from sqlcipher3.dbapi2 import Connection

from yurt.client.engine import Engine
from yurt.client.testing import Town
from yurt.client.testing_rooms import core_of, line, together
from yurt.client.testing_waits import until
from yurt.rooms.common.chain import entry_hash
from yurt.wire.problems import refuse
from yurt.wire.registry import EntryKind


async def test_receipt_that_lies_about_the_place(town: Town) -> None:
    """A wrong receipt neither hides another's message nor moves one's own: the log says where both stand."""
    ana, bo, room = await together(town)
    await bo.send(room, "bo makes a key", wait="accepted")
    await ana.send(room, "ana makes a key", wait="accepted")
    town.node.misplaces = 1

    await ana.send(room, "mine", wait="accepted")
    town.node.misplaces = 0
    await bo.send(room, "his", wait="accepted")
    his = await line(ana, room, kind="message", text="his")
    mine = await line(ana, room, kind="message", text="mine")
    (view,) = await ana.rooms()

    rows = town.node.messages(room)
    assert [mine.position, his.position] == [row.position for row in rows[-2:]]
    assert view.undecryptable == 0


async def test_entry_that_was_refused_and_taken_all_the_same(town: Town) -> None:
    """A hub that refuses an entry and brings it later has said where it stands; it is said once."""
    ana, bo, room = await together(town)
    await ana.send(room, "before", wait="accepted")
    town.node.refusals = [refuse("refused", "no", rule="entryTooLarge").problem]

    refused = await ana.send(room, "unwanted", wait="accepted")
    await town.node.inject(room, EntryKind.MESSAGE, town.node.appends[-1])
    there = await line(ana, room, text="unwanted", state="accepted")
    heard = await line(bo, room, text="unwanted")
    (view,) = await ana.rooms()

    assert refused.state == "refused"
    assert there.position == heard.position
    assert view.undecryptable == 0


async def test_old_encryption_that_comes_after_the_new_one(town: Town) -> None:
    """Every encryption of a content is known again: the first in the log counts, the other is no news."""
    ana, bo, room = await together(town)
    await ana.send(room, "before", wait="accepted")
    town.node.refusals = [refuse("epochTooOld", "encrypt again", epoch=9).problem]
    await ana.send(room, "mine")
    await until(lambda: not town.node.refusals)  # the refusal is hers, not the next sender's
    await bo.send(room, "a new epoch begins", wait="accepted")
    first = await line(ana, room, text="mine", state="accepted")

    own = await _own(ana)
    logged = {row.hash for row in town.node.messages(room)}
    (old,) = (entry for entry in town.node.appends if entry_hash(entry) in own - logged)
    await town.node.inject(room, EntryKind.MESSAGE, old)
    await bo.send(room, "after", wait="accepted")
    await line(ana, room, text="after")
    again = await line(ana, room, text="mine")
    (view,) = await ana.rooms()

    assert again.position == first.position
    assert view.undecryptable == 0


async def _own(engine: Engine) -> set[bytes]:
    def look(tx: Connection) -> set[bytes]:
        return {entry for (entry,) in tx.execute("SELECT hash FROM own_entry")}

    return await core_of(engine).vault.read(look)
