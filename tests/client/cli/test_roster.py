"""The people of a room from the command line."""

import json

from yurt.cli.testing import join, yurt
from yurt.client.testing import HARBOUR, Town

ANA, BO = f"ana@{HARBOUR}", f"bo@{HARBOUR}"


async def test_participants_role_remove(town: Town) -> None:
    """A script sees who is in a room, gives a role, and removes."""
    await join(town, "ana")
    await join(town, "bo")
    await yurt(town, "ana", "room", "create", "tea")
    await yurt(town, "ana", "invite", "tea", BO)

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
