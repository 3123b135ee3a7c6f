"""The engine's part for consent: shows who asks, answers, and adds whom one asked as soon as they agree."""

import asyncio
from functools import partial

from yurt.client.calls import EngineCalls, Nothing
from yurt.client.consent.calls import AnswerInvitation, InvitationView, InvitationViews, ListInvitations
from yurt.client.core import Core
from yurt.client.errors import ClientError
from yurt.client.people import People
from yurt.client.rooms.commit import Committer
from yurt.client.rooms.invite import ASKED, invite
from yurt.client.vault import asked_invites
from yurt.client.vault.accounts import address_of
from yurt.wire.command import Done
from yurt.wire.consent_commands import AnswerInvite, Askings, ListAskings
from yurt.wire.problems import ProblemError, refuse


class Consent:
    """Asks and answers."""

    def __init__(self, core: Core, people: People, committer: Committer) -> None:
        self._core = core
        self._people = people
        self._committer = committer
        self._looked = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def calls(self) -> EngineCalls:
        """What is answered here."""
        return {ListInvitations: self.list, AnswerInvitation: self.answer}

    def live(self, room: bytes | None) -> None:
        """Hear that the inbox has been read: once on each stream, look whether somebody has agreed."""
        if room is None and self._looked != self._core.session.streams:
            self._looked = self._core.session.streams
            self._start(None)

    def ring(self, room: bytes) -> None:
        """Hear that the node has something about a room: somebody may have agreed."""
        self._start(room)

    async def close(self) -> None:
        """End."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

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

    def _start(self, room: bytes | None) -> None:
        task = asyncio.create_task(self._again(room), name="asked invitations")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _again(self, only: bytes | None) -> None:
        """Add those who were asked, as far as they agree by now."""
        core = self._core
        for room, address in await core.vault.read(asked_invites.every):
            if only not in (None, room):
                continue
            try:
                person = await invite(core, self._people, self._committer, room, address, ask=False)
            except ProblemError as error:
                if error.problem.code in ("notFound", "refused"):
                    await core.write(partial(asked_invites.end, room=room, address=address))
                continue
            except ClientError:
                continue
            if person.state != ASKED:
                await core.write(partial(asked_invites.end, room=room, address=address))
