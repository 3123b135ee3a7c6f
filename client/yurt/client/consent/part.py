"""The engine's part for consent: shows who asks, answers, and adds whom one asked as soon as they agree.

Any node may ring about any room, as often as it likes, and each try claims key packages: so one try at a
time, and for each person and room one in `APART_S`.
"""

import asyncio
from functools import partial
from typing import Final

from yurt.client.calls import EngineCalls, Nothing
from yurt.client.consent.calls import AnswerInvitation, InvitationView, InvitationViews, ListInvitations
from yurt.client.core import Core
from yurt.client.errors import ClientError
from yurt.client.people import People
from yurt.client.rooms.commit import Committer
from yurt.client.rooms.invite import ASKED, invite
from yurt.client.soon import Soon
from yurt.client.vault import asked_invites
from yurt.client.vault.accounts import address_of
from yurt.wire.command import Done
from yurt.wire.consent_commands import AnswerInvite, Askings, ListAskings
from yurt.wire.problems import ProblemError, refuse

APART_S: Final = 2.0
_ALL: Final = b""
"""Instead of a room: look at each."""


class Consent:
    """Asks and answers."""

    def __init__(self, core: Core, people: People, committer: Committer) -> None:
        self._core = core
        self._people = people
        self._committer = committer
        self._looked = 0
        self._soon = Soon("asked invitations", self._again)
        self._tried: dict[tuple[bytes, str], float] = {}
        """When, of those who were asked and had not agreed."""

    def calls(self) -> EngineCalls:
        """What is answered here."""
        return {ListInvitations: self.list, AnswerInvitation: self.answer}

    def live(self, room: bytes | None) -> None:
        """Hear that the inbox has been read: once on each stream, look whether somebody has agreed."""
        if room is None and self._looked != self._core.session.streams:
            self._looked = self._core.session.streams
            self._soon.look(_ALL)

    def ring(self, room: bytes) -> None:
        """Hear that the node has something about a room: somebody may have agreed."""
        self._soon.look(room)

    async def close(self) -> None:
        """End."""
        await self._soon.close()

    async def list(self, _call: ListInvitations) -> InvitationViews:
        """List who asks."""
        askings = (await self._core.session.call(ListAskings(), Askings)).askings
        return InvitationViews(
            tuple(
                InvitationView(address=address_of(one.actor), did=one.did, room=one.room, since=one.since)
                for one in askings
            )
        )

    async def answer(self, call: AnswerInvitation) -> Nothing:
        """Answer everything that somebody asks."""
        asking = (await self.list(ListInvitations())).invitations
        dids = {one.did for one in asking if one.address == call.address}
        if not dids:
            raise refuse("notFound", f"{call.address} does not ask you: `yurt requests` lists who does")
        for did in dids:
            await self._core.session.call(AnswerInvite(did=did, accept=call.accept), Done)
        return Nothing()

    async def _again(self, only: bytes) -> float:
        """Add those who were asked, as far as they agree by now; gives the seconds until then."""
        now, wait_s = asyncio.get_running_loop().time(), 0.0
        for room, address in await self._core.vault.read(asked_invites.every):
            if only not in (_ALL, room):
                continue
            left_s = self._tried.get((room, address), now - APART_S) + APART_S - now
            if left_s > 0:
                wait_s = min(wait_s or left_s, left_s)
                continue
            self._tried[room, address] = now
            if await self._try(room, address):
                await self._core.write(partial(asked_invites.end, room=room, address=address))
                del self._tried[room, address]
        return wait_s

    async def _try(self, room: bytes, address: str) -> bool:
        """Add somebody who was asked; whether nothing is left to be done."""
        try:
            person = await invite(self._core, self._people, self._committer, room, address, ask=False)
        except ProblemError as error:
            return error.problem.code in ("notFound", "refused")
        except ClientError:
            return False
        return person.state != ASKED
