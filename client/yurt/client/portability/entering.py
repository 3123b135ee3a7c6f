"""The rooms that a kit remembers are entered again, from outside (TRUST 7): after a rescue, after a restore.

A card brings nobody in by itself: the hub and everybody else judge the commit, so who was removed stays out,
and the room must be vouched for by somebody whom the card lists. A room that cannot be entered now, because
its hub is away or only strangers vouch for it, stays wanted and is tried again by itself.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from yurt.client.core import Core
from yurt.client.rooms.heal import CardOfRoom, Healer
from yurt.client.vault import resyncs, rooms
from yurt.portability.kit_room import KitRoom
from yurt.rooms.member.resync import KnownRoom
from yurt.wire.problems import ProblemError

AT_ONCE: Final = 8
"""Rooms that are entered side by side."""


async def enter_rooms(
    core: Core, healer: Healer, cards: Iterable[KitRoom]
) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
    """Enter rooms again; returns those where that succeeded, in the order of the cards, and notes."""
    slots = asyncio.Semaphore(AT_ONCE)
    known = {row.room for row in await core.vault.read(rooms.every) if row.state == "active"}

    async def one(card: KitRoom) -> str:
        if card.group_id in known:
            return ""
        async with slots:
            return await _enter(core, healer, card)

    cards = tuple(cards)
    notes = await asyncio.gather(*(one(card) for card in cards))
    entered = tuple(card.group_id for card, note in zip(cards, notes, strict=True) if not note)
    return entered, tuple(note for note in notes if note)


async def _enter(core: Core, healer: Healer, card: KitRoom) -> str:
    """Enter one room; why not, for people, or nothing."""
    room = card.group_id
    known = KnownRoom(room, card.term, card.epoch, frozenset(card.dids))
    try:
        await healer.come_back(CardOfRoom(known, card.hub, card.name, card.topic))
    except ProblemError as error:
        note = f"the room {card.name or room.hex()[:8]}: {error.problem.message}"
        if await core.vault.read(lambda tx: resyncs.is_wanted(tx, room)):
            healer.kick(room)
            note += " (it is tried again)"
        return note
    return ""
