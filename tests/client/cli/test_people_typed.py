"""Lists, blocks and mutes as people type them."""

import argparse
import io
from collections.abc import Awaitable, Callable

import pytest

from yurt.cli import kept_away
from yurt.cli.commands import follow
from yurt.cli.commands import list as lists
from yurt.cli.output import Output
from yurt.client.api import EngineApi, PersonView
from yurt.tui.fediverse.testing import FakeFediverse
from yurt.tui.testing import BO
from yurt.wire.people_commands import Block, Unblock
from yurt.wire.problems import ProblemError

EVE = "eve@dead.example"


async def said(
    act: Callable[[EngineApi, argparse.Namespace, Output], Awaitable[int]], engine: EngineApi, **typed: object
) -> str:
    """Run a command; gives what it printed."""
    out = io.StringIO()
    assert await act(engine, argparse.Namespace(**typed), Output(as_json=False, out=out, err=out)) == 0
    return out.getvalue().strip()


async def block(engine: EngineApi, args: argparse.Namespace, output: Output) -> int:
    """``yurt block``."""
    return await kept_away.act(engine, args, output, kept_away.Verb("block", Block, Unblock))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("freinds", "there is no list 'freinds': did you mean friends?"),
        ("xyz", "yours are friends, harbour"),
    ],
)
async def test_a_slip_of_the_finger_makes_no_list(name: str, told: str) -> None:
    """Whoever is put into a list that is not there goes nowhere, and near names are offered."""
    engine = FakeFediverse()
    engine.lists = {"friends": [], "harbour": []}

    with pytest.raises(ProblemError) as refused:
        await said(lists.act, engine, action="add", list=name, address=BO)

    assert told in refused.value.problem.message
    assert "`yurt list create NAME`" in refused.value.problem.message
    assert (refused.value.problem.code, list(engine.lists)) == ("notFound", ["friends", "harbour"])


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("accepted", f"{BO} is in friends."),
        ("pending", "once they let you follow them"),
        ("", f"once you follow them: `yurt follow {BO}`"),
    ],
)
async def test_a_list_says_whom_it_waits_for(state: str, told: str) -> None:
    """In a list is who is followed; whoever is not yet learns what is missing."""
    engine = FakeFediverse()
    engine.lists = {"friends": []}
    engine.followed = [PersonView(address=BO, actor="", did="", state=state)] if state else []

    assert told in await said(lists.act, engine, action="add", list="friends", address=BO)


async def test_blocks_are_listed_and_end() -> None:
    """Without an address: whom one blocks. Somebody whom nobody could look up is blocked all the same."""
    engine = FakeFediverse()
    engine.nobody = {EVE}

    assert "nobody" in await said(block, engine, address="", undo=False)
    assert await said(block, engine, address=BO, undo=False) == f"You block {BO}."
    assert "whoever comes under this address" in await said(block, engine, address=EVE, undo=False)
    assert (await said(block, engine, address="", undo=False)).splitlines() == [BO, EVE]
    await said(block, engine, address=EVE, undo=True)
    assert engine.blocked == [BO]


@pytest.mark.parametrize("action", ["add", "remove"])
async def test_what_is_no_address_goes_nowhere(action: str) -> None:
    """Nobody is asked about what cannot be an address."""
    engine = FakeFediverse()
    engine.lists = {"friends": []}

    with pytest.raises(ProblemError, match="'bo' is no address: it should look like name@node"):
        await said(lists.act, engine, action=action, list="friends", address="bo")


@pytest.mark.parametrize(
    ("state", "told"), [("accepted", f"You follow {BO}."), ("pending", f"You asked to follow {BO}.")]
)
async def test_a_follow_that_stands_is_not_asked_for(state: str, told: str) -> None:
    """Whoever is followed already, or lets everybody follow at once: that is what is said."""
    engine = FakeFediverse()
    engine.followed = [PersonView(address=BO, actor="", did="", state=state)]

    assert await said(follow.act, engine, address=BO, undo=False) == told
