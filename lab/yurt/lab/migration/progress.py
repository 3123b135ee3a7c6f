"""How far a run has come: what happens now, how much of it is done, and how long the rest will take.

The expected seconds of each step come from the size of the scenario, measured on two quiet cores; while it
runs they are corrected by how this machine, with all its load, has kept to them so far.
"""

import time
from collections.abc import Callable
from typing import Final

import msgspec

from yurt.lab.migration.population import People
from yurt.lab.migration.scenario import Scenario

_NODE_S, _JOIN_S, _FOLLOW_S, _MOVER_S = 0.9, 0.35, 0.06, 2.0
_EVENTS_S: Final = {"move": 4.0, "rescue": 6.0, "join_anew": 1.0, "import": 3.0, "later": 2.0}
_OTHER_EVENT_S: Final = 1.0
_WATCH_S, _MARKS_S, _MEASURE_S = 5.0, 14.0, 6.0
_ENOUGH_S: Final = 2.0
"""Before so much of the expected time is over, nothing is concluded from it."""

STARTING, JOINING, FOLLOWING, SETTLING = "nodes start", "people join", "people follow", "rooms and kits"
WATCHING, MARKS, MEASURING = "who arrives?", "a month goes by", "everything is counted"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run stands."""

    step: int
    """From 1."""
    steps: int
    what: str
    done: int
    of: int
    """Parts of this step; 0: it has none."""
    left_s: float
    """About how long until the end, in seconds."""


class Progress:
    """Follows a run from step to step, and tells of it."""

    def __init__(
        self,
        scenario: Scenario,
        people: People,
        tell: Callable[[Told], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._steps = expected(scenario, people)
        self._tell = tell
        self._monotonic = monotonic
        self._at = -1
        self._part = 0.0
        self._began = self._step_began = monotonic()
        self.took = list[tuple[str, float]]()
        """Seconds of each step that is over."""

    def step(self, what: str, of: int = 0) -> None:
        """The next step begins."""
        self._over()
        self._at = next(
            number for number, (name, _) in enumerate(self._steps) if self._at < number and name == what
        )
        self.part(0, of)

    def part(self, done: int, of: int) -> None:
        """So much of this step is done."""
        self._part = done / of if of else 0.0
        what = self._steps[self._at][0]
        told = Told(
            step=self._at + 1,
            steps=len(self._steps),
            what=what,
            done=done,
            of=of,
            left_s=round(self.left_s(), 1),
        )
        self._tell(told)

    def end(self) -> None:
        """Nothing is left to do."""
        self._over()
        self._at = len(self._steps)

    def left_s(self) -> float:
        """About how many seconds are left: what is expected of the rest, at the pace of what is over."""
        seconds = [expected for _, expected in self._steps]
        now = seconds[self._at] if self._at < len(seconds) else 0.0
        over = sum(seconds[: self._at]) + now * self._part
        passed = self._monotonic() - self._began
        pace = passed / over if over >= _ENOUGH_S else 1.0
        return (sum(seconds) - over) * pace

    def _over(self) -> None:
        now = self._monotonic()
        if 0 <= self._at < len(self._steps):
            self.took.append((self._steps[self._at][0], round(now - self._step_began, 2)))
        self._step_began = now


def expected(scenario: Scenario, people: People) -> list[tuple[str, float]]:
    """Name the steps of a scenario, and how many seconds each should take."""
    on_yurt = sum(one.profile == "yurt" for one in people.everybody.values())
    steps = [
        (STARTING, scenario.servers.nodes * _NODE_S),
        (JOINING, on_yurt * _JOIN_S),
        (FOLLOWING, len(people.ties) * _FOLLOW_S),
        (SETTLING, scenario.movers.people * _MOVER_S),
    ]
    steps += [
        (event_name(event.do, event.to), _EVENTS_S.get(event.do, _OTHER_EVENT_S) * scenario.movers.people)
        for event in scenario.events
    ]
    steps.append((WATCHING, scenario.measures.settle_s + _WATCH_S))
    if scenario.measures.marks:
        steps.append((MARKS, _MARKS_S))
    return [*steps, (MEASURING, _MEASURE_S)]


def event_name(deed: str, to: str) -> str:
    """Name an event for people."""
    return deed.replace("_", " ") + (f" ({to})" if to != "all" else "")
