"""How strong each tie is: counted on this device, and it never leaves it (`yurt.portability.metrics`).

Mutual follows, rooms that both are in (a small one says more), how lately they spoke, and how many people
both know. Who has no did shares no room, so only the follows count.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.vault import moves, rooms
from yurt.portability.metrics import (
    neighbourhood_overlap,
    recency_score,
    shared_rooms_score,
    strong_ties,
    tie_strength,
)
from yurt.portability.roster import Tie

WINDOW_MS: Final = 180 * 86_400_000
"""Older messages count next to nothing (half a life is 30 days)."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the vault knows of this person's company."""

    rooms: tuple[frozenset[str], ...]
    """Dids of each room, without the own one."""
    ages_s: Mapping[str, tuple[float, ...]]
    """By did: how long ago each message was, in seconds."""


def read_known(tx: Connection, me: str, now_ms: int) -> Known:
    """Read rooms and contacts out of the vault."""
    together = tuple(
        frozenset(did for did, _ in room.people if did != me)
        for room in rooms.every(tx)
        if room.state == "active"
    )
    ages: dict[str, list[float]] = {}
    for did, _, at in moves.contacts(tx, now_ms - WINDOW_MS):
        ages.setdefault(did, []).append(max(0.0, (now_ms - at) / 1000))
    return Known(together, {did: tuple(found) for did, found in ages.items()})


def strengths(ties: Iterable[Tie], known: Known) -> dict[str, float]:
    """Give the strength of each tie, by actor."""
    ties = list(ties)
    mine = {tie.did for tie in ties if tie.did} | {did for room in known.rooms for did in room}
    return {tie.actor: _strength(tie, known, mine) for tie in ties}


def choose_strong(found: Mapping[str, float], ties: Iterable[Tie]) -> frozenset[str]:
    """Choose the strong ties: the upper quarter; where nothing tells people apart, the mutual ones."""
    if len(set(found.values())) > 1:
        return strong_ties(found)
    return frozenset(tie.actor for tie in ties if tie.mutual)


def _strength(tie: Tie, known: Known, mine: set[str]) -> float:
    did = tie.did or ""
    shared = [room for room in known.rooms if did and did in room]
    theirs = {other for room in shared for other in room} - {did}
    return tie_strength(
        mutual=tie.mutual,
        rooms=shared_rooms_score(len(room) + 1 for room in shared),
        recency=recency_score(known.ages_s.get(did, ())),
        overlap=neighbourhood_overlap(mine - {did}, theirs),
    )
