"""Play a scenario from the first account to the last figure.

result = await play(load("dead-source-kit"), folder, print)
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

from yurt.client.moving.calls import AskReceipt, ReceiptView
from yurt.lab.migration import deeds, invariants, measures, reasons
from yurt.lab.migration.population import Tie
from yurt.lab.migration.result import Invariant, PeerSaw, Result, TieResult
from yurt.lab.migration.scenario import Scenario
from yurt.lab.migration.stage import AFTER, Stage, alive, patiently
from yurt.lab.world.people import NeverHappened
from yurt.portability.metrics import Betas

_POLL_S: Final = 0.3
_ROOM_S: Final = 30.0
_HOUR_S: Final = 3_600
_MOVES: Final = frozenset({"move", "rescue", "join_anew"})
_TOLD: Final = frozenset({"Move", "Delete"})


@dataclass(slots=True)
class _Watched:
    """What was seen while it was waited."""

    kept: set[Tie]
    first: dict[Tie, float]
    samples: list[tuple[float, float]]
    waiting: dict[str, int]


async def play(scenario: Scenario, folder: Path, say: Callable[[str], None]) -> Result:
    """Play a scenario.

    Args:
        scenario: What to play.
        folder: For all data of nodes and people; must be empty.
        say: Takes a line for each thing that happens.

    Raises:
        MigrationError: The scenario cannot be played.
        NeverHappened: Something that must happen before the events did not.
    """
    measures.check_measures(scenario)
    began = time.monotonic()
    async with Stage.open(scenario, folder, say) as stage:
        await stage.settle_in()
        began_move = asyncio.get_running_loop().time()
        for event in scenario.events:
            if event.do in _MOVES:
                began_move = asyncio.get_running_loop().time()
            say(f"{event.do}" + (f" ({event.to})" if event.to != "all" else ""))
            await deeds.DEEDS[event.do](stage, event)
        say("who arrives?")
        watched = await _watch(stage, began_move)
        return await _measure(stage, watched, began)


async def _watch(stage: Stage, event: float) -> _Watched:
    """Look until everybody is there who can come and nothing changes any more, or until time is up.

    Times are counted from when they began to move (`event`, of the loop): the steps of a move are part of how
    long it takes.
    """
    wanted, loop, times = stage.scenario.measures, asyncio.get_running_loop(), stage.clock.offset_s
    ties = [tie for name in stage.egos for tie in stage.people.of(name)]
    hoped = {tie for tie in ties if reasons.is_hoped_for(stage, tie)}
    began = last = loop.time()
    seen = _Watched(set(), {}, [], {})
    while True:
        now = loop.time()
        passed = now - event + stage.clock.offset_s - times
        kept = await stage.connected(ties)
        if kept != seen.kept or not seen.samples:
            last = now
        for tie in kept:
            seen.first.setdefault(tie, passed)
        seen.kept = kept
        seen.samples.append((passed, len(kept) / len(ties) if ties else 1.0))
        seen.waiting = await stage.waiting()
        is_still = not seen.waiting and now - last >= wanted.settle_s
        if (is_still and hoped <= kept) or now - began >= wanted.within_s:
            return seen
        await asyncio.sleep(_POLL_S)
        if wanted.hour_s:
            stage.later((loop.time() - now) * _HOUR_S / wanted.hour_s)


async def _measure(stage: Stage, watched: _Watched, began: float) -> Result:
    scenario, people = stage.scenario, stage.people
    views = {name: await stage.following(name) for name in people.everybody}
    followers = {name: await stage.followers(name) for name in stage.egos}
    ties = tuple(_tie(stage, name, tie, watched, views) for name in stage.egos for tie in people.of(name))
    found = measures.shares(ties)
    before, after = await _rooms(stage)
    receipts = await _receipts(stage)
    checks, safety = await invariants.judge(stage, views, followers, watched.waiting)
    figures = measures.tie_figures(ties) | measures.times(watched.samples) | measures.rooms(before, after)
    figures |= measures.graph_figures(people.everybody, people.ties, "before")
    figures |= measures.graph_figures(people.everybody, await stage.connected(people.ties), "after")
    figures |= safety | _foretold(receipts)
    checks = (*checks, *_agreement(receipts, ties))
    return Result(
        scenario=scenario.name,
        tells=scenario.tells,
        seed=scenario.seed,
        release=version("yurt"),
        people=len(people.everybody),
        nodes=scenario.servers.nodes,
        stock=len(scenario.servers.stock),
        seconds=round(time.monotonic() - began, 1),
        figures=figures,
        shares=found,
        samples=tuple(watched.samples),
        invariants=checks,
        expectations=measures.judge(scenario, found, figures),
        ties=ties,
        peers=_peers(stage),
        betas=asdict(Betas()),
        notes=tuple(note for ego in stage.egos.values() for note in ego.notes),
        manual=tuple(line for view in receipts.values() for line in view.manual),
    )


def _tie(
    stage: Stage, mover: str, tie: Tie, watched: _Watched, views: dict[str, dict[str, str]]
) -> TieResult:
    other = stage.people.everybody[tie.followed if tie.follower == mover else tie.follower]
    kept = tie in watched.kept
    return TieResult(
        mover=mover,
        other=other.name,
        direction="following" if tie.follower == mover else "follower",
        server=other.server,
        profile=other.profile,
        strong=stage.people.is_strong(tie),
        strength=round(stage.people.strengths[tie], 4),
        kept=kept,
        after_s=round(watched.first[tie], 1) if kept else -1.0,
        reason="" if kept else reasons.why(stage, tie, views[tie.follower]),
    )


async def _rooms(stage: Stage) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """Who was in each room, and who hears there what is said now."""
    before, after = dict[str, frozenset[str]](), dict[str, frozenset[str]]()
    for name, ego in stage.egos.items():
        if not ego.room:
            continue
        before[name] = frozenset(ego.members)
        host = stage.persons[ego.members[1]]
        await host.engine.send(ego.room, AFTER)
        heard = {ego.members[1]}
        for member in ego.members:
            person = stage.person(member)
            if person is None or member in heard or (member == name and not reasons.can_prove(stage)):
                continue
            with contextlib.suppress(NeverHappened):
                await person.reads(ego.room, AFTER, within=_ROOM_S)
                heard.add(member)
        after[name] = frozenset(heard)
    return before, after


async def _receipts(stage: Stage) -> dict[str, ReceiptView]:
    """The receipts of those who moved as themselves."""
    if not reasons.can_prove(stage):
        return {}
    found = dict[str, ReceiptView]()
    for name, ego in stage.egos.items():
        engine = alive(ego).engine
        found[name] = await patiently(partial(engine.call, AskReceipt(), ReceiptView))
    return found


def _foretold(receipts: dict[str, ReceiptView]) -> dict[str, float | None]:
    if not receipts:
        return {"foretold.low": None, "foretold.high": None, "manual": None}
    views = receipts.values()
    return {
        "foretold.low": float(sum(view.foretold.low for view in views)),
        "foretold.high": float(sum(view.foretold.high for view in views)),
        "manual": float(sum(len(view.manual) for view in views)),
    }


def _agreement(receipts: dict[str, ReceiptView], ties: tuple[TieResult, ...]) -> list[Invariant]:
    """What the receipt says must be what the others see."""
    if not receipts:
        return []
    told = {name: (view.followers.kept, view.following.kept) for name, view in receipts.items()}
    seen = {
        name: tuple(
            sum(tie.kept for tie in ties if tie.mover == name and tie.direction == direction)
            for direction in ("follower", "following")
        )
        for name in receipts
    }
    detail = "" if told == seen else f"the receipts say {told}, the others see {seen}"
    return [Invariant(name="receipts agree with what others see", holds=told == seen, detail=detail)]


def _peers(stage: Stage) -> tuple[PeerSaw, ...]:
    return tuple(
        PeerSaw(
            host=host,
            profile=peer.profile.name,
            type=seen.type,
            outcome=seen.outcome,
            rule=seen.rule,
            target=seen.target,
        )
        for host, peer in stage.peers.items()
        for seen in peer.seen
        if seen.type in _TOLD
    )
