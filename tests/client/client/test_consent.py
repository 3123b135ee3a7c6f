"""Consent: whoever was asked is added once they agree, however often somebody rings."""

import asyncio

import pytest

from yurt.client.api import PersonView
from yurt.client.consent import part
from yurt.client.consent.part import Consent
from yurt.client.rooms.invite import invite as rooms_invite
from yurt.client.testing import Town
from yurt.client.testing_rooms import BO, core_of, line
from yurt.client.testing_waits import PATIENCE_S, until
from yurt.client.vault import asked_invites
from yurt.wire.problems import refuse


async def test_a_storm_of_rings_claims_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that rings all the time makes nobody claim key packages all the time."""
    ana, bo = await asyncio.gather(town.join("ana"), town.join("bo"))
    room = (await ana.create_room("tea")).room
    core, real, tries = core_of(ana), rooms_invite, list[str]()

    async def invite(*args: object, ask: bool) -> PersonView:
        tries.append(str(args[-1]))
        if len(tries) == 1:
            raise refuse("notAllowed", "not yet")
        return await real(*args, ask=ask)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(part, "invite", invite)
    consent = Consent(core, ana._people, ana._committer)  # pyright: ignore[reportPrivateUsage]  # a story looks inside
    await core.write(lambda tx: asked_invites.note(tx, room, BO))
    monkeypatch.setattr(part, "APART_S", 600.0)
    async with asyncio.timeout(PATIENCE_S):
        while not tries:
            consent.ring(room)
            await asyncio.sleep(0.001)
    for _ in range(200):
        consent.ring(room)
        await asyncio.sleep(0.001)
    assert len(tries) == 1
    monkeypatch.setattr(part, "APART_S", 0.0)
    consent.ring(room)
    await line(bo, room, kind="roster")

    async def forgotten() -> bool:
        return not await core.vault.read(asked_invites.every)

    await until(forgotten)
    await consent.close()
