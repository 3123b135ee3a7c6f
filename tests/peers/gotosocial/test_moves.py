"""GoToSocial with its defaults goes along when somebody moves from node to node, and when theirs is dead."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

GINA, GWEN = "gina@gts.example", "gwen@gts.example"
ANA, ANEW = "ana@harbour.example", "ana@hilltop.example"
Resident: TypeAlias = Any
Api: TypeAlias = Any
"""What conftest.py gives."""
Gotosocial = Callable[..., Awaitable[Any]]


async def befriend(ana: Resident, gina: Api) -> str:
    """Let Ana and Gina follow each other; return GoToSocial's id of Ana."""
    there: str = await gina.find(ANA)
    await gina.follow(there)
    await ana.person.engine.follow(GINA)
    await gina.authorize(ANA, there)
    await ana.follows(GINA)
    return there


async def is_along(ana: Resident, gina: Api, left: str) -> None:
    """Ask GoToSocial whether Gina has gone along to Ana's new account, and the new node whether it agrees."""
    await gina.becomes(left, following=False, requested=False)
    there = await gina.find(ANEW)
    await gina.becomes(there, following=True)
    await ana.is_followed_by(GINA)
    await ana.post("hello from the hilltop")
    await gina.sees("hello from the hilltop")

    await gina.authorize(ANEW, there)  # she approves by hand, also whom she approved before
    await ana.follows(GINA)
    await ana.brought_everybody()
    await gina.post("welcome there", visibility="private")
    await ana.reads("welcome there")


async def test_a_move_between_nodes(gotosocial: Gotosocial) -> None:
    """Ana moves: GoToSocial itself follows her new account and leaves the old one, and says so of it."""
    place, [gina] = await gotosocial("gina")
    ana = await place.join("ana")
    left = await befriend(ana, gina)

    await place.move(ana)

    await is_along(ana, gina, left)
    old = await gina.ask("GET", f"/api/v1/accounts/{left}")
    assert old["moved"]["acct"] == ANEW


async def test_a_move_from_the_dead(gotosocial: Gotosocial) -> None:
    """Ana's node burns down: GoToSocial believes the Move that the new node signs with her old, lent key."""
    place, [gina] = await gotosocial("gina")
    ana = await place.join("ana")
    left = await befriend(ana, gina)

    anew = await place.rescue(ana)

    await is_along(anew, gina, left)


async def test_a_new_key_and_then_a_fire(gotosocial: Gotosocial) -> None:
    """Ana signs with another key: GoToSocial believes it, and the Move under it when her node is dead."""
    place, [gina] = await gotosocial("gina")
    ana = await place.join("ana")
    left = await befriend(ana, gina)

    await ana.change_key()
    await ana.post("under another key")
    await gina.sees("under another key")
    anew = await place.rescue(ana)

    await is_along(anew, gina, left)


async def test_who_moves_there_is_followed(gotosocial: Gotosocial) -> None:
    """Gina moves to another account there: Ana, who followed her from Yurt, asks to follow that one."""
    place, [gina, gwen] = await gotosocial("gina", "gwen")
    ana = await place.join("ana")
    await ana.person.engine.follow(GINA)
    there = await gina.find(ANA)
    await gina.authorize(ANA, there)
    await ana.follows(GINA)

    alias, target = "https://gts.example/users/gina", "https://gts.example/users/gwen"
    await gwen.ask("POST", "/api/v1/accounts/alias", also_known_as_uris=alias)
    await gina.move(target)

    await gwen.authorize(ANA, there)
    await ana.follows(GWEN)
