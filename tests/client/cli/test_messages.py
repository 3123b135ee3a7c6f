"""What is done to messages from the command line."""

import json

from yurt.cli.testing import at_home, yurt
from yurt.client.testing import Town
from yurt.client.testing_node import HARBOUR

ANA = f"ana@{HARBOUR}"


async def test_reply_react_edit_delete(town: Town) -> None:
    """A script names a message by its number or its content id, and tail tells what became of it."""
    async with at_home(town, "ana"):
        await yurt(town, "ana", "room", "create", "tea")
        sent = json.loads((await yurt(town, "ana", "send", "tea", "hello", "--json"))[1])
        number, name = str(sent["item"]), sent["content_id"]

        replied = await yurt(town, "ana", "reply", "tea", name[:8], "hello yourself", "--json")
        reacted = await yurt(town, "ana", "react", "tea", number, ":+1:", "--json")
        edited = await yurt(town, "ana", "edit", "tea", number, "good day")
        deleted = await yurt(town, "ana", "delete", "tea", str(json.loads(replied[1])["item"]))
        nothing = await yurt(town, "ana", "delete", "tea", "4711")
        nonsense = await yurt(town, "ana", "edit", "tea", "the last one", "x")
        tail = await yurt(town, "ana", "tail", "tea", "--count", "3", "--json")
        human = await yurt(town, "ana", "tail", "tea", "--count", "3", "--numbers")

    assert [code for code, _, _ in (replied, reacted, edited, deleted)] == [0] * 4
    assert (nothing[0], nonsense[0]) == (4, 2)
    lines = {line["item"]: line for line in map(json.loads, tail[1].splitlines())}
    hello, reply = lines[sent["item"]], lines[json.loads(replied[1])["item"]]
    assert (hello["text"], hello["edited"], hello["reactions"]) == ("good day", True, {":+1:": [ANA]})
    assert (reply["text"], reply["deleted_by"]) == ("", ANA)
    assert reply["reply_to"][1] == name
    assert "good day [edited]" in human[1]
    assert "[:+1: 1]" in human[1]
    assert f"(deleted by {ANA})" in human[1]


async def test_tail_keeps_the_order(town: Town) -> None:
    """What was done to a line later does not move it; an answer says whom it answers."""
    async with at_home(town, "ana"):
        await yurt(town, "ana", "room", "create", "tea")
        sent = json.loads((await yurt(town, "ana", "send", "tea", "one", "--json"))[1])
        await yurt(town, "ana", "reply", "tea", str(sent["item"]), "two")
        await yurt(town, "ana", "react", "tea", str(sent["item"]), ":+1:")

        tail = await yurt(town, "ana", "tail", "tea", "--count", "2")

        first, second = tail[1].splitlines()
        assert f"{ANA}: one" in first
        assert f"{ANA} (answers {ANA}): two" in second


async def test_search(town: Town) -> None:
    """What was said is found by the beginnings of its words, and shown without its tricks."""
    async with at_home(town, "ana"):
        await yurt(town, "ana", "room", "create", "tea")
        await yurt(town, "ana", "send", "tea", "the \x1b[31m Kettle is on")
        await yurt(town, "ana", "send", "tea", "and off")

        found = await yurt(town, "ana", "search", "kett", "the")
        programs = await yurt(town, "ana", "search", "KETTLE", "--room", "tea", "--json")
        nothing = await yurt(town, "ana", "search", "coffee")
        nonsense = await yurt(town, "ana", "search", '"*')

    assert "Kettle is on" in found[1]
    assert "\x1b" not in found[1]
    assert len(found[1].splitlines()) == len(programs[1].splitlines()) == 1
    assert json.loads(programs[1])["address"] == ANA
    assert nothing == (0, "", "Nothing was found.\n")
    assert nonsense[0] == 2
