"""Who somebody is, is decided by people: compared numbers, and a word where an identity changed."""

from dataclasses import replace

import msgspec
import pytest

from yurt.client.engine import Engine
from yurt.client.testing import Town
from yurt.client.testing_rooms import ANA, BO, line, together
from yurt.wire.problems import ProblemError


async def test_compared_numbers(town: Town) -> None:
    """Both see the same number; whoever compared it sees so, and a wrong one marks nobody."""
    ana, bo, room = await together(town)
    hers, his = await ana.person(BO), await bo.person(ANA)

    with pytest.raises(ProblemError) as wrong:
        await ana.verify(BO, "0" * 60)
    marked = await ana.verify(BO, his.safety_number)
    people = {person.address: person.verified for person in await ana.participants(room)}
    again = await ana.invite(room, BO)
    taken_back = await ana.verify(BO, "")

    assert hers.safety_number == his.safety_number
    assert (hers.verified, marked.verified, again.verified, taken_back.verified) == (False, True, True, False)
    assert wrong.value.problem.detail == {"rule": "safetyNumber"}
    assert people == {ANA: False, BO: True}
    assert not (await bo.person(ANA)).verified


async def test_nobody_to_compare_with(town: Town) -> None:
    """Neither oneself nor a stranger can be verified."""
    ana, _, _ = await together(town)

    codes = list[str]()
    for address in (ANA, "eve@harbour.example"):
        with pytest.raises(ProblemError) as refused:
            await ana.verify(address, "1")
        codes.append(refused.value.problem.code)

    assert codes == ["badRequest", "notFound"]


async def _becomes(town: Town, ana: Engine, room: bytes, name: str) -> str:
    """Bo's address begins to mean somebody else, and ana notices; returns the new did."""
    await town.join(name)
    real, new = town.node.residents["bo"], town.node.residents[name]
    unproven = msgspec.structs.replace(new.join, statement=real.join.statement)
    town.node.residents["bo"] = replace(real, join=unproven, did=new.did)
    with pytest.raises(ProblemError):
        await ana.invite(room, BO)
    return new.did


async def test_trust_needs_a_proof(town: Town) -> None:
    """A node that cannot prove who the new one is changes nothing: sending stays blocked."""
    ana, _, room = await together(town)
    await ana.verify(BO, (await ana.person(BO)).safety_number)
    new = await _becomes(town, ana, room, "eve")

    with pytest.raises(ProblemError) as refused:
        await ana.trust(BO)  # the statement is still the old bo's
    still = await ana.person(BO)

    assert refused.value.problem.code == "refused"
    assert (still.changed, still.verified) == (new, True)


async def test_trust_where_nothing_changed(town: Town) -> None:
    """Trusting somebody who is who they were is no news."""
    ana, _, _ = await together(town)

    assert await ana.trust(BO) == await ana.person(BO)


async def test_trust(town: Town) -> None:
    """Once a person has decided, the new one counts, unverified, and the old one has to go first."""
    ana, bo, room = await together(town)
    await ana.send(room, "before", wait="accepted")
    await ana.verify(BO, (await ana.person(BO)).safety_number)
    await town.leave(bo)
    del town.node.residents["bo"]
    again = await town.join_anew("bo")
    with pytest.raises(ProblemError):
        await ana.invite(room, BO)
    held = await ana.send(room, "is it you?")
    await line(ana, room, content_id=held.content_id, reason="didChanged")

    known = await ana.trust(BO)
    told = await line(ana, room, text=f"you decided that {BO} is somebody new")
    await ana.remove(room, BO)
    await ana.invite(room, BO)
    sent = await line(ana, room, content_id=held.content_id, state="accepted")

    assert known.did == (await again.status()).did
    assert (known.changed, known.verified) == ("", False)
    assert told.kind == "notice"
    assert sent.reason == ""
