"""The engine's part for history: gives it, asks for it, fetches it; each step goes on where it stopped.

A pack is made once and kept until its offer is in the outbox; pieces go to the own node one after the other.
What is offered to this device is fetched piece by piece, and taken in when all of it is here and fits.
"""

import asyncio
import os
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec
from sqlcipher3.dbapi2 import Connection

from yurt.client.alarm import Alarm
from yurt.client.core import Core
from yurt.client.errors import ClientError
from yurt.client.history.packing import items_for
from yurt.client.history.taking import Bounds, bounds, take_items
from yurt.client.outbox import Outbox
from yurt.client.rooms.send import store
from yurt.client.vault import history, raced, rooms, timeline
from yurt.client.vault.addresses import told
from yurt.client.vault.history import Bundle, Grant
from yurt.client.vault.raced import Raced
from yurt.client.vault.rooms import RoomRow
from yurt.client.vault.timeline import NewItem
from yurt.identity.device import DevicePublic
from yurt.rooms.common.content import CONTENT_ID_SIZE
from yurt.rooms.common.errors import BundleError
from yurt.rooms.common.history import (
    OFFER_WITHIN_MS,
    HistoryItem,
    chosen_items,
    make_bundle,
    open_bundle,
    should_ask,
)
from yurt.rooms.common.participants import participants_of
from yurt.rooms.common.said import HistoryOffer, HistoryWanted, OfferedHistory, WantedHistory, encode_said
from yurt.wire.frames import room_log
from yurt.wire.history_commands import (
    MAX_HISTORY_BLOB,
    PIECE,
    GetHistory,
    HistoryPiece,
    HistoryStands,
    PutHistory,
)
from yurt.wire.position import Position
from yurt.wire.problems import ProblemError, refuse

LOOK_S: Final = 0.3
"""After something came: more of it often follows."""
AGAIN_S: Final = 15.0
"""Until what could not be done is tried again."""
BATCH: Final = 500
"""Items that go into the vault in one transaction: it has other things to do as well."""
REFUSED: Final = "historyRefused"


class History:
    """Gives and takes history."""

    def __init__(self, core: Core, outbox: Outbox) -> None:
        self._core = core
        self._outbox = outbox
        self._wake = asyncio.Event()
        self._alarm = Alarm(self._wake.set)
        self._task: asyncio.Task[None] | None = None

    def live(self, _room: bytes | None = None) -> None:
        """Hear that something came, or is to be given."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="history")
        self._alarm.within(LOOK_S)

    async def close(self) -> None:
        """End; everything goes on at the next start."""
        self._alarm.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                wait = await self._all()
            except (ProblemError, ClientError):
                wait = AGAIN_S  # the node is away, or has too much to do
            if wait > 0:
                self._alarm.within(wait)

    async def _all(self) -> float:
        """Do what can be done now; returns the seconds until there may be more, 0 for never."""
        core = self._core
        for bundle in await core.vault.read(history.offered):
            if self._is_live(bundle.room):
                await self._fetch(bundle)
        waits = [await self._give_next(), await self._ask()]
        return min((wait for wait in waits if wait > 0), default=0.0)

    def _is_live(self, room: bytes) -> bool:
        return self._core.session.is_live(room_log(room))

    # --- giving -------------------------------------------------------------------------------------
    async def _give_next(self) -> float:
        core = self._core
        wait = 0.0
        for one in await core.vault.read(history.grants):
            left_s = (one.due - core.clock.now_ms()) / 1000
            if left_s > 0:
                wait = min(wait or left_s, left_s)
            elif self._is_live(one.room):
                while (grant := await self._again(one)) is not None and await self._give(grant):
                    pass
        return wait

    async def _again(self, one: Grant) -> Grant | None:
        """Give a grant as it stands now; None once it is over."""
        found = await self._core.vault.read(history.grants)
        name = (one.room, one.did, one.device_id)
        return next((each for each in found if (each.room, each.did, each.device_id) == name), None)

    async def _give(self, grant: Grant) -> bool:
        """Offer one pack; False when nothing is left to give."""
        core = self._core
        if not grant.blob:
            device = await core.vault.write(lambda tx: _device(core, tx, grant))
            packed = (
                None if device is None else await core.vault.read(lambda tx: _pack(core, tx, grant, device))
            )
            if packed is None:
                await core.write(lambda tx: history.end_grant(tx, grant.room, grant.did, grant.device_id))
                return False
            blob, offer = packed
            await core.write(lambda tx: history.pack(tx, grant, msgspec.msgpack.encode(offer), blob))
        else:
            blob, offer = grant.blob, msgspec.msgpack.decode(grant.offer, type=OfferedHistory)
        try:
            await self._upload(grant.room, offer.blob_hash, blob)
        except ProblemError as error:
            if error.problem.kind.retry:
                raise
            await core.write(lambda tx: history.end_grant(tx, grant.room, grant.did, grant.device_id))
            return False
        await core.write(lambda tx: _offer(core, tx, grant, offer))
        self._outbox.kick(grant.room)
        return True

    async def _upload(self, room: bytes, digest: bytes, blob: bytes) -> None:
        """Put the pieces that the node does not have."""
        question = PutHistory(room, digest, len(blob))
        have = (await self._core.session.call(question, HistoryStands)).have
        while have < len(blob):
            piece = PutHistory(room, digest, len(blob), have, blob[have : have + PIECE])
            have = (await self._core.session.call(piece, HistoryStands)).have

    # --- asking -------------------------------------------------------------------------------------
    async def _ask(self) -> float:
        """Ask where nobody has offered anything; returns the seconds until the next may be asked."""
        core = self._core
        wants = [(room, partial(_want, core, room=room)) for room in await core.vault.read(history.entries)]
        wants += [
            (one.room, partial(_want_raced, core, one=one)) for one in await core.vault.read(raced.waiting)
        ]
        wait = 0.0
        for room, want in wants:
            if not self._is_live(room):
                continue
            left_s, asked = await core.write(want)
            if asked:
                self._outbox.kick(room)
            if left_s > 0:
                wait = min(wait or left_s, left_s)
        return wait

    # --- taking -------------------------------------------------------------------------------------
    async def _fetch(self, bundle: Bundle) -> None:
        core = self._core
        have = await core.vault.read(lambda tx: history.have(tx, bundle.hash))
        size = 0
        try:
            while True:
                command = GetHistory(bundle.room, bundle.hash, bundle.node, have)
                piece = await core.session.call(command, HistoryPiece)
                _check_piece(piece, have, size)
                start, have, size = have, have + len(piece.data), piece.size
                await core.write(partial(history.add_piece, digest=bundle.hash, start=start, data=piece.data))
                if have >= size:
                    break
        except ProblemError as error:
            if error.problem.kind.retry:
                raise
            await self._refuse(bundle, str(error.problem.detail.get("rule", error.problem.code)))
            return
        await self._take(bundle)

    async def _take(self, bundle: Bundle) -> None:
        core, own = self._core, self._core.account.did

        def read(tx: Connection) -> tuple[bytes, Bounds]:
            return history.whole(tx, bundle.hash), bounds(tx, bundle.room, bundle.did, own)

        blob, limits = await core.vault.read(read)
        offer = msgspec.msgpack.decode(bundle.offer, type=OfferedHistory)
        try:
            items = await asyncio.to_thread(
                open_bundle, bundle.room, offer, blob, core.device.keys, since=limits.since
            )
        except BundleError as error:
            await self._refuse(bundle, error.code)
            return
        newest_first: Sequence[HistoryItem] = items[::-1]
        count = 0
        for start in range(0, len(newest_first), BATCH):
            part = newest_first[start : start + BATCH]
            count += await core.write(partial(take_items, bundle=bundle, limits=limits, items=part))
        await core.write(lambda tx: _taken(tx, bundle, count))

    async def _refuse(self, bundle: Bundle, code: str) -> None:
        def unit(tx: Connection) -> None:
            history.close(tx, bundle, "refused")
            text = f"what {_name(tx, bundle)} told of before you came could not be used ({code})"
            timeline.add(tx, NewItem(room=bundle.room, kind="notice", text=text, reason=REFUSED))

        await self._core.write(unit)


def _check_piece(piece: HistoryPiece, have: int, size: int) -> None:
    """Check that a piece is the next one, as large as pieces are: its node is that of whoever offers it.

    Raises:
        ProblemError: ``refused``: a byte at a time, a size that grows, or one that no bundle has.
    """
    is_next = len(piece.data) == min(PIECE, piece.size - have)
    if not is_next or not have < piece.size <= MAX_HISTORY_BLOB or size not in (0, piece.size):
        raise refuse("refused", "the history comes in other pieces than it must", rule="historyPiece")


def _device(core: Core, tx: Connection, grant: Grant) -> DevicePublic | None:
    """The device that is given history, as its leaf certifies it; None if it is in the room no more."""
    found = rooms.find(tx, grant.room)
    if found is None or found.state != "active":
        return None
    member = participants_of(core.groups.load(tx, grant.room).tree).device(grant.did, grant.device_id)
    return None if member is None else member.leaf.device


def _pack(
    core: Core, tx: Connection, grant: Grant, device: DevicePublic
) -> tuple[bytes, OfferedHistory] | None:
    items = items_for(tx, grant, core.account.did)
    chosen = chosen_items(items, grant.since, grant.before, core.clock.now_ms())
    return make_bundle(grant.room, chosen, to=grant.did, device=device) if chosen else None


def _offer(core: Core, tx: Connection, grant: Grant, offer: OfferedHistory) -> None:
    """Say in the room that a pack lies ready; what stands before it comes next."""
    found = rooms.find(tx, grant.room)
    if found is None or found.state != "active":
        history.end_grant(tx, grant.room, grant.did, grant.device_id)
        return
    name = offer.blob_hash[:CONTENT_ID_SIZE]
    data = encode_said(HistoryOffer(name, offer))
    store(tx, core.device, found, name, data, _hidden(found))
    history.packed(tx, grant, offer.first)


def _want(core: Core, tx: Connection, room: bytes) -> tuple[float, bool]:
    """Ask for history if it is time; returns the seconds that are left, and whether it was asked."""
    found, entry = rooms.find(tx, room), history.entry(tx, room)
    if found is None or entry is None or found.state != "active":
        return 0.0, False
    now_ms = core.clock.now_ms()
    people = participants_of(core.groups.load(tx, room).tree)
    if not entry.seconds and len(people.of(core.account.did)) < 2:
        history.note_asked(tx, room)
        return 0.0, False
    if not should_ask(entry.at, now_ms, offered=entry.offered):
        return max(60.0 - (now_ms - entry.at) / 1000, 0.1), False
    own = len(people.of(core.account.did)) > 1
    since = 0 if own else max(entry.at - entry.seconds * 1000, 0)
    name = os.urandom(CONTENT_ID_SIZE)
    wanted = WantedHistory(core.device.keys.device_id, entry.position, since)
    store(tx, core.device, found, name, encode_said(HistoryWanted(name, wanted)), _hidden(found))
    history.note_asked(tx, room)
    return 0.0, True


def _want_raced(core: Core, tx: Connection, one: Raced) -> tuple[float, bool]:
    """Ask for messages that raced the Add of this device; returns as `_want`."""
    found, entry, now_ms = rooms.find(tx, one.room), history.entry(tx, one.room), core.clock.now_ms()
    if found is None or found.state != "active":
        return 0.0, False
    is_alone = len(participants_of(core.groups.load(tx, one.room).tree).of(core.account.did)) < 2
    if is_alone and (entry is None or not entry.seconds):
        raced.give_up(tx, one.room)
        return 0.0, False
    due = one.due
    if entry is not None and not entry.offered:  # what stood before comes first
        due = max(due, entry.at + OFFER_WITHIN_MS)
    if due > now_ms:
        return (due - now_ms) / 1000, False
    name = os.urandom(CONTENT_ID_SIZE)
    after = Position(one.last.term, one.last.seq + 1)
    wanted = WantedHistory(core.device.keys.device_id, after, one.since)
    store(tx, core.device, found, name, encode_said(HistoryWanted(name, wanted)), _hidden(found))
    raced.asked(tx, one.room, now_ms + OFFER_WITHIN_MS)
    return OFFER_WITHIN_MS / 1000, True


def _taken(tx: Connection, bundle: Bundle, count: int) -> None:
    history.close(tx, bundle, "taken")
    if count:
        messages = "1 message" if count == 1 else f"{count} messages"
        text = f"{_name(tx, bundle)} told you {messages} from before you came, and vouches for them"
        timeline.add(tx, NewItem(room=bundle.room, kind="notice", text=text, did=bundle.did))


def _name(tx: Connection, bundle: Bundle) -> str:
    found = rooms.find(tx, bundle.room)
    actor = next((actor for did, actor in (found.people if found else ()) if did == bundle.did), "")
    return told(tx, bundle.did, actor) if actor else bundle.did


def _hidden(room: RoomRow) -> NewItem:
    return NewItem(room=room.room, kind="notice", hidden=True)
