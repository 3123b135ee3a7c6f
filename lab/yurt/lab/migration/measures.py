"""What is measured of a migration: the definitions of `yurt.portability.metrics`, applied to what was seen.

``retention.*`` are shares of ties (each with w = 1): kept at t1 over there at t0. A tie is kept if the same
two people are connected again in the view of the one who follows.

===================== ==========================================================================
retention.all         every tie of those who moved
retention.strong      mutual ties
retention.weak        all others
retention.followers   who followed them
retention.following   whom they followed
retention.yurt        both directions, with people on Yurt nodes
retention.honouring   followers on stock peers whose rules honour a Move
retention.deaf        followers on stock peers that do not know Moves
===================== ==========================================================================

The graph measures are of the whole population, an edge where at least one of two people follows the other.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from yurt.lab.migration.errors import ScenarioError
from yurt.lab.migration.libraries import networkx
from yurt.lab.migration.population import YURT, Tie
from yurt.lab.migration.result import Checked, Foretold, Mark, Share, TieResult
from yurt.lab.migration.scenario import Scenario
from yurt.lab.migration.stock_profiles import profile
from yurt.portability.metrics import (
    brier,
    reach_loss,
    retention,
    room_continuity,
    strong_weak_gap,
    time_to_reconverge,
)

KINDS: Final[Mapping[str, Callable[[TieResult], bool]]] = {
    "retention.all": lambda _tie: True,
    "retention.strong": lambda tie: tie.strong,
    "retention.weak": lambda tie: not tie.strong,
    "retention.followers": lambda tie: tie.direction == "follower",
    "retention.following": lambda tie: tie.direction == "following",
    "retention.yurt": lambda tie: tie.profile == YURT,
    "retention.honouring": lambda tie: _is_stock_follower(tie) and profile(tie.profile).follows_move,
    "retention.deaf": lambda tie: _is_stock_follower(tie) and not profile(tie.profile).follows_move,
}
FIGURES: Final[Mapping[str, str]] = {
    "retention.weighted": "all ties, each weighted by its strength",
    "gap.difference": "retention of the strong minus that of the weak",
    "gap.risk_ratio": "how many times more often a weak tie was lost than a strong one",
    "reach_loss": "share of the followers that is gone",
    "room_continuity": "share of the memberships of rooms that go on in the same group",
    "ttr.50": "hours until half of the final retention was there for good",
    "ttr.90": "hours until nine tenths were",
    "ttr.99": "hours until all but a hundredth was",
    "components.before": "parts of the whole population's graph",
    "components.after": "the same at the end",
    "largest.before": "share of the people in the largest part",
    "largest.after": "the same at the end",
    "clustering.before": "mean share of a person's acquaintances who know each other",
    "clustering.after": "the same at the end",
    "foretold.low": "ties that yurt check expected at least (interval of 95 %)",
    "foretold.high": "and at most",
    "brier": "mean square error of the foretold chances: 0 is perfect, 0.25 a coin",
    "mark.1h": "retention an hour after the move, by the clock of the map",
    "mark.1d": "after a day",
    "mark.7d": "after a week",
    "mark.30d": "after thirty days",
    "lent_keys.before": "old actor keys that the target holds once everybody came",
    "lent_keys.after": "the same after thirty days",
    "hijacked.yurt": "people on Yurt who follow the thief",
    "hijacked.stock": "people elsewhere who do",
    "blocks.lost": "blocked people who were let in",
    "unnamed": "ties that are not kept, without a reason",
    "manual": "things that are left for the person to do",
}
"""Name of each figure, and what it is; hours are those of the map's clock, from when people began to move."""


def check_measures(scenario: Scenario) -> None:
    """Refuse an expectation about something that is not measured, before anything runs.

    Raises:
        ScenarioError: Names it.
    """
    for number, one in enumerate(scenario.expectations):
        if one.measure not in KINDS.keys() | FIGURES.keys():
            known = ", ".join(sorted(KINDS.keys() | FIGURES.keys()))
            raise ScenarioError(
                f"expectations[{number}].measure", f"{one.measure} is not measured; there are {known}"
            )


def shares(ties: Iterable[TieResult]) -> dict[str, Share]:
    """Count each kind of tie; Wilson's interval (see `yurt.portability.metrics.retention`)."""
    ties = list(ties)
    return {name: share(tie for tie in ties if kind(tie)) for name, kind in KINDS.items()}


def share(ties: Iterable[TieResult]) -> Share:
    """Count the kept among some ties."""
    return share_of(tie.kept for tie in ties)


def share_of(kept: Iterable[bool]) -> Share:
    """Count, with Wilson's interval (see `yurt.portability.metrics.retention`)."""
    flags = list(kept)
    found = retention((1.0, flag) for flag in flags)
    return Share(
        kept=sum(flags),
        count=len(flags),
        share=_number(found.share),
        low=found.low,
        high=found.high,
    )


def tie_figures(ties: Iterable[TieResult]) -> dict[str, float | None]:
    """Retention weighted by strength, the gap between strong and weak, reach, and what has no reason."""
    ties = list(ties)
    strong = retention((1.0, tie.kept) for tie in ties if tie.strong)
    weak = retention((1.0, tie.kept) for tie in ties if not tie.strong)
    gap, came = strong_weak_gap(strong, weak), [tie.kept for tie in ties if tie.direction == "follower"]
    return {
        "retention.weighted": _number(retention((tie.strength, tie.kept) for tie in ties).share),
        "gap.difference": _number(gap.difference),
        "gap.risk_ratio": _number(gap.risk_ratio),
        "reach_loss": reach_loss(len(came), sum(came)),
        "unnamed": float(sum(not tie.kept and not tie.reason for tie in ties)),
    }


def times(samples: list[tuple[float, float]]) -> dict[str, float | None]:
    """TTR_50, TTR_90 and TTR_99, in hours of the map's clock after the move began.

    See `yurt.portability.metrics.time_to_reconverge`. The resolution is that of looking: about a second while
    people move, a third of one afterwards; where `measures.hour_s` lets hours go by, as much of an hour.

    With nothing kept at the end there is nothing to converge to: None.
    """
    known = bool(samples) and samples[-1][1] > 0
    return {
        f"ttr.{percent}": time_to_reconverge(samples, percent / 100) if known else None
        for percent in (50, 90, 99)
    }


def foretold(ties: Iterable[TieResult]) -> tuple[Foretold, ...]:
    """Put what `yurt check` foretold beside what happened, by outcome, the most common first.

    Expected are the sums of the chances of each tie (linearity of expectation), not an interval.
    """
    groups = dict[str, list[TieResult]]()
    for tie in ties:
        if tie.foretold:
            groups.setdefault(tie.foretold, []).append(tie)
    found = [
        Foretold(
            outcome=outcome,
            count=len(group),
            low=round(math.fsum(tie.foretold_low for tie in group), 2),
            high=round(math.fsum(tie.foretold_high for tie in group), 2),
            kept=sum(tie.kept for tie in group),
        )
        for outcome, group in groups.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.count, one.outcome)))


def forecast_figures(ties: Iterable[TieResult]) -> dict[str, float | None]:
    """How good the forecast was (see `yurt.portability.metrics.brier`), the middle of each chance taken."""
    score = brier(((tie.foretold_low + tie.foretold_high) / 2, tie.kept) for tie in ties if tie.foretold)
    return {"brier": _number(score)}


def mark_figures(marks: Iterable[Mark]) -> dict[str, float | None]:
    """Retention of all ties at 1 h, 1 d, 7 d and 30 d; None if that time was not played."""
    found = {mark.name: mark.all.share for mark in marks}
    return {f"mark.{name}": found.get(name) for name in ("1h", "1d", "7d", "30d")}


def rooms(
    before: Mapping[str, frozenset[str]], after: Mapping[str, frozenset[str]]
) -> dict[str, float | None]:
    """Room continuity (see `metrics.room_continuity`); None if there was no room."""
    return {"room_continuity": room_continuity(before, after) if before else None}


def graph_figures(people: Iterable[str], ties: Iterable[Tie], when: str) -> dict[str, float | None]:
    """Fragmentation and clustering of the population.

    ``components``: number of connected components of the undirected graph; ``largest``: share of people in
    the largest one. ``clustering``: mean over all people of the share of pairs of their acquaintances who
    know each other, 2 T(u) / (k(u) (k(u) - 1)), 0 where k < 2. Sources: Watts and Strogatz, "Collective
    dynamics of 'small-world' networks" (1998), for clustering; Albert, Jeong and Barabási, "Error and attack
    tolerance of complex networks" (2000), for components. Computed by networkx.
    """
    library: Any = networkx()
    graph: Any = library.Graph()
    graph.add_nodes_from(people)
    graph.add_edges_from((tie.follower, tie.followed) for tie in ties)
    parts = [len(part) for part in library.connected_components(graph)]
    return {
        f"components.{when}": float(len(parts)),
        f"largest.{when}": max(parts) / sum(parts),
        f"clustering.{when}": float(library.average_clustering(graph)),
    }


def judge(
    scenario: Scenario, found: Mapping[str, Share], figures: Mapping[str, float | None]
) -> tuple[Checked, ...]:
    """Compare what was expected with what came; a measure without a value fails."""
    checked = list[Checked]()
    for one in scenario.expectations:
        value = found[one.measure].share if one.measure in found else figures.get(one.measure)
        holds = value is not None
        holds = holds and (one.at_least is None or value is None or value >= one.at_least)
        holds = holds and (one.at_most is None or value is None or value <= one.at_most)
        checked.append(
            Checked(measure=one.measure, value=value, holds=holds, at_least=one.at_least, at_most=one.at_most)
        )
    return tuple(checked)


def _is_stock_follower(tie: TieResult) -> bool:
    return tie.profile != YURT and tie.direction == "follower"


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
