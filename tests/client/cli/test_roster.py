"""The people of a room from the command line."""

import json

from yurt.cli.testing import at_home, hears, yurt
from yurt.client.testing import Town
from yurt.client.testing_node import HARBOUR

ANA, BO = f"ana@{HARBOUR}", f"bo@{HARBOUR}"


async def test_participants_role_remove(town: Town) -> None:
    """A script sees who is in a room, gives a role, and removes."""
    async with at_home(town, "ana", "bo") as (_, bo):
        await yurt(town, "ana", "room", "create", "tea")
        await yurt(town, "ana", "invite", "tea", BO)
        await hears(bo)

        role = await yurt(town, "ana", "role", "tea", BO, "moderator", "--json")
        people = await yurt(town, "ana", "participants", "tea", "--json")
        human = await yurt(town, "ana", "participants", "tea")
        upward = await yurt(town, "bo", "remove", "tea", ANA)
        removed = await yurt(town, "ana", "remove", "tea", BO)
        left = await yurt(town, "ana", "participants", "tea", "--json")

    assert json.loads(role[1])["role"] == "moderator"
    found = [json.loads(line) for line in people[1].splitlines()]
    assert [(p["address"], p["role"]) for p in found] == [(ANA, "owner"), (BO, "moderator")]
    assert f"{BO}  moderator  1 device" in human[1]
    assert upward[0] == 3
    assert len(upward[2].splitlines()) == 1
    assert (removed[0], removed[1]) == (0, f"{BO} was removed.\n")
    assert [json.loads(line)["address"] for line in left[1].splitlines()] == [ANA]


async def test_verify_and_trust(town: Town) -> None:
    """A script compares the number that the other side sees; a wrong one is refused."""
    async with at_home(town, "ana", "bo") as (_, bo):
        await yurt(town, "ana", "room", "create", "tea")
        await yurt(town, "ana", "invite", "tea", BO)
        await hears(bo)
        theirs = json.loads((await yurt(town, "bo", "verify", ANA, "--json"))[1])["safety_number"]

        wrong = await yurt(town, "ana", "verify", BO, "--number", "123")
        right = await yurt(town, "ana", "verify", BO, "--number", theirs, "--json")
        people = await yurt(town, "ana", "participants", "tea")
        trusted = await yurt(town, "ana", "trust", BO)

    assert (wrong[0], len(wrong[2].splitlines())) == (3, 1)
    assert json.loads(right[1])["verified"]
    assert "verified" in people[1]
    assert trusted[:2] == (0, "Nothing had changed.\n")


async def test_room_code(town: Town) -> None:
    """Everybody in a room sees the same digits, and others once somebody came or went."""
    async with at_home(town, "ana", "bo") as (_, bo):
        await yurt(town, "ana", "room", "create", "tea")
        alone = json.loads((await yurt(town, "ana", "verify", "--room", "tea", "--json"))[1])
        await yurt(town, "ana", "invite", "tea", BO)
        await hears(bo)

        hers = json.loads((await yurt(town, "ana", "verify", "--room", "tea", "--json"))[1])
        his = json.loads((await yurt(town, "bo", "verify", "--room", "tea", "--json"))[1])
        neither = await yurt(town, "ana", "verify")
        await yurt(town, "ana", "remove", "tea", BO)
        await hears(bo, removed=True)
        gone = await yurt(town, "bo", "verify", "--room", "tea")

    assert hers == his
    assert len(hers["code"].replace(" ", "")) == 30
    assert (alone["epoch"], alone["code"]) != (hers["epoch"], hers["code"])
    assert alone["code"] != hers["code"]
    assert neither[0] == 2
    assert (gone[0], len(gone[2].splitlines())) == (3, 1)
