"""What must hold at the end of every scenario, whatever happened in it: asked of everybody's own view."""

from yurt.client.api import PersonView
from yurt.lab.migration.population import YURT
from yurt.lab.migration.reasons import can_prove
from yurt.lab.migration.result import Invariant
from yurt.lab.migration.stage import THIEF, THIEF_HOST, Stage, actor_at
from yurt.wire.problems import ProblemError

Views = dict[str, dict[str, str]]
"""By name: whom they follow, actor to state."""


def hijacked(stage: Stage, views: Views) -> tuple[list[str], list[str]]:
    """Who follows the thief: on Yurt, and on stock peers."""
    thief = actor_at(THIEF, THIEF_HOST)
    led = [name for name, view in views.items() if thief in view]
    on_yurt = [name for name in led if stage.people.everybody[name].profile == YURT]
    return on_yurt, [name for name in led if name not in on_yurt]


async def lost_blocks(stage: Stage) -> list[str]:
    """Who was blocked, and may follow the new account."""
    found = list[str]()
    for name, others in stage.people.blocks.items():
        for other in others:
            person = stage.person(other)
            if person is None:
                continue
            try:
                await person.engine.follow(stage.address_of(name))
            except ProblemError:
                continue
            found.append(f"{other} follows {name}")
    return found


def duplicates(stage: Stage, views: Views, followers: dict[str, list[PersonView]]) -> list[str]:
    """Who follows both the old and the new account, or is listed twice."""
    found = list[str]()
    for ego in stage.egos.values():
        both = {ego.old_actor, ego.actor}
        found += [
            f"{name} follows both accounts of {ego.who.name}"
            for name, view in views.items()
            if len(both) > 1 and both <= view.keys()
        ]
        actors = [one.actor for one in followers[ego.who.name]]
        found += [
            f"{actor} is listed twice at {ego.who.name}" for actor in set(actors) if actors.count(actor) > 1
        ]
    return found


async def judge(
    stage: Stage, views: Views, followers: dict[str, list[PersonView]], waiting: dict[str, int]
) -> tuple[tuple[Invariant, ...], dict[str, float | None]]:
    """Look at everything; return what holds, and the figures that belong to it."""
    on_yurt, on_stock = hijacked(stage, views)
    blocks, twice = await lost_blocks(stage), duplicates(stage, views, followers)
    carried = can_prove(stage) or any(event.do == "import" for event in stage.scenario.events)
    detail = "; ".join(blocks) if carried or not blocks else "nothing was there to carry them in"
    queues = ", ".join(f"{way}: {count}" for way, count in waiting.items())
    checks = (
        Invariant(name="no hijack on Yurt", holds=not on_yurt, detail=", ".join(on_yurt)),
        Invariant(name="no carried block is lost", holds=not (carried and blocks), detail=detail),
        Invariant(name="no duplicate follow", holds=not twice, detail="; ".join(twice)),
        Invariant(name="queues are empty", holds=not waiting, detail=queues),
    )
    return checks, {
        "hijacked.yurt": float(len(on_yurt)),
        "hijacked.stock": float(len(on_stock)),
        "blocks.lost": float(len(blocks)),
    }
