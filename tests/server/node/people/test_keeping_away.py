"""Nobody is out of reach of a block or a mute, whatever has become of their node."""

import pytest

from yurt.node.store import blocks
from yurt.node.testing import Client, Town, until
from yurt.wire.people_commands import (
    Block,
    Follow,
    Followers,
    Following,
    Mute,
    Requests,
    Resolve,
    Unblock,
    Unmute,
)
from yurt.wire.portability_commands import Portable
from yurt.wire.post_commands import Post, Timeline
from yurt.wire.problems import ProblemError

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"
ANA, EVE = "ana@harbour.example", "eve@hilltop.example"
EVE_THERE = f"https://{HILLTOP}/users/eve"


async def listed(ana: Client, kind: str) -> list[str]:
    """Whom Ana blocks or mutes, as an export has it."""
    return [row.address for row in (await ana.call(Portable(kind))).rows]


async def test_a_dead_node_protects_nobody(town: Town) -> None:
    """Eve's node is dead when Ana blocks her; back again, she may not follow, and is told of the block."""
    ana, eve = await town.join("ana", HARBOUR), await town.join("eve", HILLTOP)
    await town.stop(HILLTOP)

    assert not (await ana.call(Block(f"@{EVE}"))).met
    assert await listed(ana, "blocked_accounts") == [EVE]

    await town.start(HILLTOP)
    await eve.call(Follow(ANA))

    async def told() -> bool:
        return await town.nodes[HILLTOP].store.read(
            lambda tx: (
                blocks.block_of(tx, "eve", f"https://{HARBOUR}/users/ana", blocks.BLOCKED_BY) is not None
            )
        )

    await until(told)
    assert (await ana.call(Followers())).ties == (await ana.call(Requests())).ties == ()
    assert (await ana.call(Block(EVE))).met
    assert await listed(ana, "blocked_accounts") == [EVE]


async def test_what_was_meant_can_be_taken_back(town: Town) -> None:
    """A block and a mute of somebody whom nobody knows end as they began: by the address."""
    ana, eve = await town.join("ana", HARBOUR), await town.join("eve", HILLTOP)
    await town.stop(HILLTOP)
    for command in (Block(EVE), Mute(EVE), Unblock(EVE), Unmute(EVE)):
        await ana.call(command)
    assert await listed(ana, "blocked_accounts") == await listed(ana, "muted_accounts") == []

    await town.start(HILLTOP)
    await eve.call(Follow(ANA))

    async def follows() -> bool:
        return [tie.address for tie in (await ana.call(Followers())).ties] == [EVE]

    await until(follows)


async def test_a_mute_waits_for_whom_it_is_meant(town: Town) -> None:
    """Muted while her node was away, Eve is not to be seen once Ana follows her after all."""
    ana, eve = await town.join("ana", HARBOUR), await town.join("eve", HILLTOP)
    await town.stop(HILLTOP)
    assert not (await ana.call(Mute(EVE))).met
    await town.start(HILLTOP)
    await ana.call(Follow(EVE))

    async def follows() -> bool:
        return [tie.state for tie in (await ana.call(Following())).ties] == ["accepted"]

    await until(follows)
    await eve.call(Post(text="look at me", visibility="public"))

    async def arrived() -> bool:
        return await town.nodes[HARBOUR].store.read(
            lambda tx: tx.row("SELECT 1 FROM timeline") is not None  # it is there, and not shown
        )

    await until(arrived)
    assert (await ana.call(Timeline())).posts == ()
    await ana.call(Unmute(EVE))
    assert [post.text for post in (await ana.call(Timeline())).posts] == ["look at me"]


async def test_nobody_blocks_what_cannot_be(harbour: Town) -> None:
    """What is no address, oneself, and a name that nobody has here are mistakes, and said to be."""
    ana = await harbour.join("ana", HARBOUR)

    refused = list[str]()
    for address in ("eve", ANA, f"nobody@{HARBOUR}"):
        with pytest.raises(ProblemError) as caught:
            await ana.call(Block(address))
        refused.append(caught.value.problem.code)

    assert refused == ["badRequest", "badRequest", "notFound"]
    assert await listed(ana, "blocked_accounts") == []
    with pytest.raises(ProblemError):
        await ana.call(Resolve(f"nobody@{HARBOUR}"))


async def test_who_is_blocked_comes_back_under_their_name_as_nobody_else(town: Town) -> None:
    """Eve's node shows somebody else by her address when she is blocked, and then herself: it is one Eve."""
    ana, eve = await town.join("ana", HARBOUR), await town.join("eve", HILLTOP)
    await ana.call(Block(EVE))
    there = town.nodes[HILLTOP].store

    async def told() -> bool:
        return bool(await there.read(lambda tx: tx.rows("SELECT 1 FROM block")))

    await until(told)
    await there.write(lambda tx: tx.change("DELETE FROM block"))
    decoy = "UPDATE person SET actor = ?, key_id = '' WHERE address = ?"
    await town.nodes[HARBOUR].store.write(lambda tx: tx.change(decoy, f"{EVE_THERE}/decoy", EVE))

    await eve.call(Follow(ANA))

    async def answered() -> bool:
        return [tie.state for tie in (await eve.call(Following())).ties] != ["pending"]

    await until(answered)
    assert (await eve.call(Following())).ties == (await ana.call(Followers())).ties == ()

    await ana.call(Unblock(EVE))
    kept = await town.nodes[HARBOUR].store.read(lambda tx: tx.rows("SELECT 1 FROM block"))
    assert (kept, await listed(ana, "blocked_accounts")) == ([], [])
