"""What a migration came to, as values: written as ``result.json`` and ``ties.csv``, and shown in the report.

Shares carry their Wilson interval of 95 %; every figure's formula and source stand with its function in
`yurt.portability.metrics` and `yurt.lab.migration.measures`.
"""

import csv
import io

import msgspec


class TieResult(msgspec.Struct, frozen=True, kw_only=True):
    """One follow of or by somebody who moved."""

    mover: str
    other: str
    """Name in the population."""
    direction: str
    """``follower``: the other follows; ``following``: the mover does."""
    server: str
    profile: str
    strong: bool
    strength: float
    kept: bool
    after_s: float = -1.0
    """Seconds after the move began, when it was first seen; -1: never."""
    reason: str = ""
    """Why it is lost."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A share with its interval."""

    kept: int
    count: int
    share: float | None
    """None if there was nothing to keep."""
    low: float
    high: float


class Invariant(msgspec.Struct, frozen=True, kw_only=True):
    """Something that must hold at the end of each scenario."""

    name: str
    holds: bool
    detail: str = ""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """An expectation of the scenario, and what came."""

    measure: str
    value: float | None
    holds: bool
    at_least: float | None = None
    at_most: float | None = None


class PeerSaw(msgspec.Struct, frozen=True, kw_only=True):
    """Moves and Deletes as a stock peer judged them."""

    host: str
    profile: str
    type: str
    outcome: str
    rule: str
    target: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known at the end."""

    scenario: str
    tells: str
    seed: int
    release: str
    people: int
    nodes: int
    stock: int
    seconds: float
    """Real time of the whole run."""
    figures: dict[str, float | None]
    shares: dict[str, Share]
    samples: tuple[tuple[float, float], ...]
    """Seconds after the move began, and retention then."""
    invariants: tuple[Invariant, ...]
    expectations: tuple[Checked, ...]
    ties: tuple[TieResult, ...]
    peers: tuple[PeerSaw, ...]
    betas: dict[str, float]
    """Weights of tie strength."""
    notes: tuple[str, ...] = ()
    manual: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every invariant and every expectation holds."""
        return not self.failures()

    def failures(self) -> list[str]:
        """Name what does not hold."""
        found = [f"{one.name}: {one.detail}" for one in self.invariants if not one.holds]
        return found + [f"{it.measure} is {it.value}" for it in self.expectations if not it.holds]

    def lost(self) -> dict[str, int]:
        """How many ties were lost for each reason, the most common first."""
        counts = dict[str, int]()
        for tie in self.ties:
            if not tie.kept:
                counts[tie.reason] = counts.get(tie.reason, 0) + 1
        return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def to_json(result: Result) -> bytes:
    """Write ``result.json``; what is not a number is null."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"


def to_csv(result: Result) -> str:
    """Write ``ties.csv``: one row for each tie. Names are the lab's own, so nothing in it is a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(TieResult.__struct_fields__)
    for tie in result.ties:
        writer.writerow(msgspec.structs.astuple(tie))
    return out.getvalue()
