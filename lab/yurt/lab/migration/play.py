"""Play a scenario from the first account to the last figure.

result = await play(load("dead-source-kit"), folder, print)
"""

import contextlib
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final

from yurt.client.moving.calls import ReceiptView
from yurt.lab.migration import deeds, invariants, measures, reasons, setting
from yurt.lab.migration import progress as steps
from yurt.lab.migration.population import Tie, populate
from yurt.lab.migration.progress import Progress, Told
from yurt.lab.migration.result import KEPT, LOST, PENDING, PeerSaw, Result, TieResult
from yurt.lab.migration.scenario import MOVES, Scenario
from yurt.lab.migration.stage import AFTER, Stage
from yurt.lab.migration.watching import Watched, Watcher, receipts
from yurt.lab.world.people import NeverHappened
from yurt.portability.metrics import Betas

_ROOM_S: Final = 30.0
_TOLD: Final = frozenset({"Move", "Delete"})


async def play(scenario: Scenario, folder: Path, tell: Callable[[Told], None]) -> Result:
    """Play a scenario.

    Args:
        scenario: What to play.
        folder: For all data of nodes and people; must be empty.
        tell: Is told what happens now, and how long the rest will take.

    Raises:
        MigrationError: The scenario cannot be played.
        NeverHappened: Something that must happen before the events did not.
    """
    measures.check_measures(scenario)
    began, load, people = setting.now(), setting.load(), populate(scenario)
    progress = Progress(scenario, people, tell)
    async with Stage.open(scenario, people, folder, progress) as stage:
        await stage.settle_in()
        watcher = await _happen(stage, progress)
        progress.step(steps.WATCHING)
        await watcher.settle()
        if scenario.measures.marks and reasons.can_prove(stage):
            progress.step(steps.MARKS)
            await watcher.play_marks(progress)
        progress.step(steps.MEASURING)
        return await _measure(stage, watcher.seen, progress, (began, load))


async def _happen(stage: Stage, progress: Progress) -> Watcher:
    """Let everything happen; whoever moves is watched from the first step on."""
    watcher: Watcher | None = None
    for event in stage.scenario.events:
        progress.step(steps.event_name(event.do, event.to))
        if event.do in MOVES:
            watcher = Watcher(stage)
            watcher.start()
        await deeds.DEEDS[event.do](stage, event)
        if watcher is not None:
            await watcher.stop()
    return watcher or Watcher(stage)


async def _measure(
    stage: Stage, watched: Watched, progress: Progress, began: tuple[datetime, float]
) -> Result:
    scenario, people = stage.scenario, stage.people
    views = {name: await stage.following(name) for name in people.everybody}
    ties = tuple(_tie(stage, name, tie, watched, views) for name in stage.egos for tie in people.of(name))
    found, forecast = measures.shares(ties), measures.foretold(ties)
    papers = await receipts(stage)
    state = await invariants.gather(stage, views, ties, papers, watched.waiting, tuple(watched.marks))
    numbers = (
        measures.tie_figures(ties) | measures.times(watched.samples) | measures.rooms(*await _rooms(stage))
    )
    numbers |= measures.graph_figures(people.everybody, people.ties, "before")
    numbers |= measures.graph_figures(people.everybody, await stage.connected(people.ties), "after")
    numbers |= invariants.figures(state) | _receipt_figures(papers) | measures.forecast_figures(ties)
    numbers |= measures.mark_figures(watched.marks) | watched.lent
    progress.end()
    return Result(
        scenario=scenario.name,
        tells=scenario.tells,
        seed=scenario.seed,
        release=setting.versions()["yurt"],
        setting=setting.setting(scenario, began[1], began[0]),
        people=len(people.everybody),
        nodes=scenario.servers.nodes,
        stock=len(scenario.servers.stock),
        seconds=round(sum(seconds for _, seconds in progress.took), 1),
        steps=tuple(progress.took),
        figures=numbers,
        shares=found,
        samples=tuple((round(hours, 5), share) for hours, share in watched.samples),
        marks=tuple(watched.marks),
        foretold=forecast,
        invariants=invariants.check(state),
        expectations=measures.judge(scenario, found, numbers),
        ties=ties,
        peers=_peers(stage),
        betas=asdict(Betas()),
        notes=tuple(note for ego in stage.egos.values() for note in ego.notes),
        manual=tuple(line for view in papers.values() for line in view.manual),
    )


def _tie(stage: Stage, mover: str, tie: Tie, watched: Watched, views: dict[str, dict[str, str]]) -> TieResult:
    other = stage.people.everybody[tie.followed if tie.follower == mover else tie.follower]
    direction = "following" if tie.follower == mover else "follower"
    is_kept = tie in watched.kept
    view = views[tie.follower]
    why = reasons.Why("", "") if is_kept else reasons.why(stage, tie, view)
    is_asked = not is_kept and view.get(stage.actor_of(tie.followed), "") != ""
    forecast = stage.egos[mover].foretold.get((other.name, direction))
    return TieResult(
        mover=mover,
        other=other.name,
        direction=direction,
        server=other.server,
        profile=other.profile,
        tie_class="strong" if stage.people.is_strong(tie) else "weak",
        strength=round(stage.people.strengths[tie], 4),
        foretold=forecast.outcome if forecast else "",
        foretold_low=forecast.low if forecast else -1.0,
        foretold_high=forecast.high if forecast else -1.0,
        foretold_source=forecast.source if forecast else "",
        state=KEPT if is_kept else PENDING if is_asked else LOST,
        after_h=round(watched.first[tie], 5) if is_kept else -1.0,
        reason=why.reason,
        source=why.source,
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


def _receipt_figures(papers: dict[str, ReceiptView]) -> dict[str, float | None]:
    """What the receipts say: the interval that was foretold, and what is left to people."""
    if not papers:
        return {"foretold.low": None, "foretold.high": None, "manual": None}
    return {
        "foretold.low": float(sum(view.foretold.low for view in papers.values())),
        "foretold.high": float(sum(view.foretold.high for view in papers.values())),
        "manual": float(sum(len(view.manual) for view in papers.values())),
    }


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
