"""What must hold at the end of every scenario, whatever happened in it: asked of everybody's own view.

`gather` looks, `check` judges what was seen and nothing else; so that a test can hand it a state that must
never be, and see it refused.
"""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from yurt.client.api import PersonView
from yurt.client.moving.calls import ReceiptView
from yurt.lab.migration.population import YURT
from yurt.lab.migration.reasons import can_prove
from yurt.lab.migration.result import Invariant, Mark, TieResult
from yurt.lab.migration.stage import THIEF, THIEF_HOST, Ego, Stage, actor_at, patiently
from yurt.wire.problems import ProblemError

Views = dict[str, dict[str, str]]
"""By name: whom they follow, actor to state."""
_REFUSED: Final = frozenset({"notAllowed", "refused", "peerRefused"})
"""How a node says that a block stands between two people."""
_LET_IN_S: Final = 3.0
_LOOK_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Moved:
    """One who moved, as the others see it at the end."""

    name: str
    old_actor: str
    actor: str
    followers: tuple[str, ...] = ()
    """Actors on the list of their node, as often as they stand there."""
    told: tuple[int, int] | None = None
    """Followers and followed that arrived, by their receipt; None: they have none."""
    seen: tuple[int, int] = (0, 0)
    """The same in the views of those who follow."""


@dataclass(frozen=True, slots=True)
class EndState:
    """All that the invariants are about."""

    moved: tuple[Moved, ...]
    views: Views
    thief: str
    on_yurt: frozenset[str]
    """Names of who lives on Yurt nodes."""
    listed_twice: tuple[str, ...] = ()
    """Who has somebody twice on the list of those whom they follow."""
    let_in: tuple[str, ...] = ()
    """Blocked people who follow all the same."""
    is_carried: bool = True
    """Whether the scenario has a way to carry blocks."""
    waiting: dict[str, int] = field(default_factory=dict[str, int])
    """What waits for a server that is there, by way."""
    marks: tuple[Mark, ...] = ()

    @property
    def hijacked(self) -> tuple[list[str], list[str]]:
        """Who follows the thief: on Yurt, and on stock peers."""
        led = [name for name, view in self.views.items() if self.thief in view]
        on_yurt = [name for name in led if name in self.on_yurt]
        return on_yurt, [name for name in led if name not in self.on_yurt]


def check(state: EndState) -> tuple[Invariant, ...]:
    """Judge what was seen; each invariant is named, held or not."""
    found = [
        _invariant("no hijack on Yurt", state.hijacked[0]),
        Invariant(
            name="no carried block is lost",
            holds=not (state.is_carried and state.let_in),
            detail=_blocks(state),
        ),
        _invariant("no duplicate follow", _duplicates(state)),
        _invariant("queues are empty", [f"{way}: {count}" for way, count in state.waiting.items()]),
    ]
    if any(one.told for one in state.moved):
        found.append(_invariant("receipts agree with what others see", _disagreeing(state)))
    if state.marks:
        wrong = [
            f"{mark.name}: the node counted {mark.counted}, others see {mark.followers.kept}"
            for mark in state.marks
            if mark.counted != mark.followers.kept
        ]
        found.append(_invariant("marks agree with what others see", wrong))
    return tuple(found)


def figures(state: EndState) -> dict[str, float | None]:
    """The figures that belong to the invariants."""
    on_yurt, on_stock = state.hijacked
    return {
        "hijacked.yurt": float(len(on_yurt)),
        "hijacked.stock": float(len(on_stock)),
        "blocks.lost": float(len(state.let_in)),
    }


async def gather(
    stage: Stage,
    views: Views,
    ties: tuple[TieResult, ...],
    receipts: dict[str, ReceiptView],
    waiting: dict[str, int],
    marks: tuple[Mark, ...],
) -> EndState:
    """Look at everything."""
    everybody = stage.people.everybody
    return EndState(
        moved=tuple([await _moved(stage, ego, ties, receipts) for ego in stage.egos.values()]),
        views=views,
        thief=actor_at(THIEF, THIEF_HOST),
        on_yurt=frozenset(name for name, one in everybody.items() if one.profile == YURT),
        listed_twice=tuple([name for name in everybody if await stage.has_doubles(name)]),
        let_in=tuple(await _let_in(stage)),
        is_carried=can_prove(stage) or any(event.do == "import" for event in stage.scenario.events),
        waiting=waiting,
        marks=marks,
    )


async def _moved(
    stage: Stage, ego: Ego, ties: tuple[TieResult, ...], receipts: dict[str, ReceiptView]
) -> Moved:
    name, receipt = ego.who.name, receipts.get(ego.who.name)
    kept = [tie.direction for tie in ties if tie.mover == name and tie.kept]
    return Moved(
        name=name,
        old_actor=ego.old_actor,
        actor=ego.actor,
        followers=tuple(one.actor for one in await stage.followers(name)),
        told=(receipt.followers.kept, receipt.following.kept) if receipt else None,
        seen=(kept.count("follower"), kept.count("following")),
    )


async def _let_in(stage: Stage) -> list[str]:
    """Who was blocked, asks to follow the new account, and is let in."""
    found = list[str]()
    for name, others in stage.people.blocks.items():
        for other in others:
            person = stage.person(other)
            if person is None:
                continue
            try:
                await patiently(partial(person.engine.follow, stage.address_of(name)))
            except ProblemError as error:
                if error.problem.code not in _REFUSED:
                    raise
                continue
            if await _follows(stage, name, other):
                found.append(f"{other} follows {name}")
    return found


async def _follows(stage: Stage, name: str, other: str) -> bool:
    """Whether somebody whose Follow was sent is on the list of followers within moments."""
    for _ in range(int(_LET_IN_S / _LOOK_EVERY_S)):
        followers: list[PersonView] = await stage.followers(name)
        if any(one.actor == stage.actor_of(other) for one in followers):
            return True
        await asyncio.sleep(_LOOK_EVERY_S)
    return False


def _invariant(name: str, wrong: list[str]) -> Invariant:
    return Invariant(name=name, holds=not wrong, detail="; ".join(wrong))


def _blocks(state: EndState) -> str:
    is_known = state.is_carried or not state.let_in
    return "; ".join(state.let_in) if is_known else "nothing was there to carry them in"


def _duplicates(state: EndState) -> list[str]:
    """Who follows both the old and the new account, or is listed twice."""
    found = [f"{name} has somebody twice" for name in state.listed_twice]
    for one in state.moved:
        both = {one.old_actor, one.actor}
        found += [
            f"{name} follows both accounts of {one.name}"
            for name, view in state.views.items()
            if len(both) > 1 and both <= view.keys()
        ]
        twice = {actor for actor in one.followers if one.followers.count(actor) > 1}
        found += [f"{actor} is listed twice at {one.name}" for actor in sorted(twice)]
    return found


def _disagreeing(state: EndState) -> list[str]:
    return [
        f"{one.name}: the receipt says {one.told}, the others see {one.seen} (followers, followed)"
        for one in state.moved
        if one.told is not None and one.told != one.seen
    ]
