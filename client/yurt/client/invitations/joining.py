"""Joining a room by link: look behind the link, ask, wait for somebody in the room (TRUST 6).

====================== =============================== ==================================================
state                  what moves it                   to
====================== =============================== ==================================================
(nothing)              the link opens what the node    asking: key package, proof and row in one transaction
                       keeps
asking                 the hub has it                  waiting
asking, waiting        a Welcome opens                 the row goes, the room is there
asking, waiting        the hub says that the link      refused: the key package goes, one line says why
                       leads nowhere, or seven days
====================== =============================== ==================================================

The same bytes are asked with after each reconnection, whenever the node rings, and once a minute: a lost
answer, a restart of anybody, a hub that is down for a day change nothing.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.invitations.calls import JoinByLink, JoinView
from yurt.client.links import parse_room_link
from yurt.client.rooms.leaves import SLOW_CLOCK_S
from yurt.client.vault import joinings, key_packages, rooms, timeline
from yurt.client.vault.joinings import Joining
from yurt.client.vault.timeline import NewItem
from yurt.identity.did import Did
from yurt.mls.framing import MLSMessage
from yurt.rooms.common.errors import LinkRefused
from yurt.rooms.common.invite_link import InviteKeys, LinkBlob, open_blob
from yurt.rooms.common.join_proof import JoinProof
from yurt.rooms.common.join_request import JoinRequest
from yurt.wire.link_commands import JOINED, Asked, AskToJoin, FetchLink, LinkContent
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import KEY_PACKAGE_LIFETIME_S
from yurt.wire.sanitise import clean_line

AGAIN_S: Final = 60.0
"""How often a request that waits is asked about, should every ring be lost."""
PAUSE_S: Final = 1.0
"""Between two rounds of asking, however often somebody rings."""
KEPT_MS: Final = 7 * 86_400_000
REFUSED: Final = "joinRefused"
"""Reason of the line that says so."""


class Joiner:
    """Asks to join, and goes on asking."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def join(self, call: JoinByLink) -> JoinView:
        """Ask to join, and wait a little.

        Raises:
            UsageError: It is no link to a room.
            ProblemError: The link leads nowhere, or not here; nothing is left of it.
        """
        link, core = parse_room_link(call.url), self._core
        content = await core.session.call(FetchLink(link.node, link.code), LinkContent)
        keys = link.keys
        try:
            blob = open_blob(keys, content.blob)
        except LinkRefused as error:
            raise refuse("refused", str(error), rule=error.code) from None
        async with self._lock:
            joining = await core.write(lambda tx: _begin(core, tx, keys, blob))
            if joining is None:
                return JoinView(
                    room=blob.group_id, name=clean_line(blob.room_name), hub=blob.hub, state=JOINED
                )
            await self._ask(joining, told=True)
        self.look()
        await core.until(lambda tx: _is_decided(tx, joining.room), call.within)
        return await core.vault.read(lambda tx: _view(tx, joining))

    def look(self) -> None:
        """Ask again about everything that waits."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="joining by link")
        self._wake.set()

    async def close(self) -> None:
        """Stop; what waits stays in the vault."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            waiting = await self._core.vault.read(joinings.every)
            timeout = AGAIN_S if any(one.state != "refused" for one in waiting) else None
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._wake.wait()
            self._wake.clear()
            for one in await self._core.vault.read(joinings.every):
                if one.state != "refused":
                    async with self._lock:
                        await self._ask(one, told=False)
            await asyncio.sleep(PAUSE_S)

    async def _ask(self, joining: Joining, *, told: bool) -> None:
        """Ask the hub; a final refusal ends the request.

        Args:
            joining: The request.
            told: Whether somebody waits for the answer: then nothing is left of a refused request.

        Raises:
            ProblemError: A final refusal, if somebody is told.
        """
        core = self._core
        if core.clock.now_ms() >= joining.until:
            text = "nobody let you in within seven days: use the link again, or ask for a new one"
            await core.write(lambda tx: _refused(tx, joining, text))
            return
        try:
            asked = await core.session.call(AskToJoin(joining.hub, joining.room, joining.request), Asked)
        except ProblemError as error:
            if error.problem.kind.retry:
                return
            if told:
                await core.write(lambda tx: _forget(tx, joining))
                raise
            why = error.problem.message
            await core.write(lambda tx: _refused(tx, joining, why))
            return
        if asked.state != JOINED:
            await core.write(lambda tx: _waits(tx, joining, asked.until))


def _begin(core: Core, tx: Connection, keys: InviteKeys, blob: LinkBlob) -> Joining | None:
    """Make the request, once; None if we are in the room."""
    room = rooms.find(tx, blob.group_id)
    if room is not None and room.state != "removed":
        return None
    known = joinings.find(tx, blob.group_id)
    now_ms = core.clock.now_ms()
    if known is not None and known.state != "refused" and now_ms < known.until:
        proof = JoinProof.decode(JoinRequest.decode(known.request).proof)
        if proof.invite_pub == keys.public:
            return known
    bundle = core.device.key_package(core.now_s)
    proof = JoinProof.make(
        keys.private,
        keys.public,
        group_id=blob.group_id,
        did=Did(core.account.did),
        device_id=core.device.keys.device_id,
        leaf_key=bundle.key_package.leaf_node.signature_key,
    )
    request = JoinRequest(MLSMessage(bundle.key_package).encode(), proof.encode()).encode()
    until, by = now_ms + KEPT_MS, str(blob.inviter)
    joining = Joining(
        blob.group_id, blob.room_name, blob.hub, request, bundle.ref, "asking", "", now_ms, until, by
    )
    joinings.save(tx, joining)
    key_packages.add(tx, bundle.ref, bundle.encode(), core.now_s - SLOW_CLOCK_S + KEY_PACKAGE_LIFETIME_S)
    key_packages.keep_back(tx, bundle.ref)
    return joining


def _is_decided(tx: Connection, room: bytes) -> bool:
    known = joinings.find(tx, room)
    return known is None or known.state == "refused"


def _view(tx: Connection, joining: Joining) -> JoinView:
    room, known = rooms.find(tx, joining.room), joinings.find(tx, joining.room)
    if known is not None and known.state == "refused":
        raise refuse("refused", known.problem, rule=REFUSED)
    if known is None and room is not None and room.state == "active":
        return JoinView(room=room.room, name=clean_line(room.name), hub=room.hub, state=JOINED)
    state, until = (known.state, known.until) if known else ("asking", joining.until)
    return JoinView(
        room=joining.room, name=clean_line(joining.name), hub=joining.hub, state=state, until=until
    )


def _waits(tx: Connection, joining: Joining, until: int) -> None:
    known = joinings.find(tx, joining.room)
    if known is not None and known.ref == joining.ref and (known.state, known.until) != ("waiting", until):
        joinings.save(tx, replace(known, state="waiting", until=until or known.until))


def _refused(tx: Connection, joining: Joining, text: str) -> None:
    """Say it once, in a line; the key package goes."""
    known = joinings.find(tx, joining.room)
    if known is None or known.ref != joining.ref:
        return
    joinings.save(tx, replace(known, state="refused", problem=text))
    key_packages.delete(tx, joining.ref)
    item = NewItem(room=joining.room, kind="notice", text=f"you could not join: {text}", reason=REFUSED)
    timeline.add(tx, item)


def _forget(tx: Connection, joining: Joining) -> None:
    joinings.end(tx, joining.room)
    key_packages.delete(tx, joining.ref)
