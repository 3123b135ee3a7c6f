"""What a migration came to, as values: written as ``result.json`` and ``ties.csv``, and shown in the report.

Shares carry their Wilson interval of 95 %; every figure's formula and source stand with its function in
`yurt.portability.metrics` and `yurt.lab.migration.measures`.
"""

import csv
import io
from typing import Final, Literal

import msgspec

from yurt.lab.migration.setting import Setting

FORMAT: Final = 2
"""Of ``result.json``; raised when a field changes its meaning."""
KEPT: Final = "kept"
PENDING: Final = "pending"
LOST: Final = "lost"


class TieResult(msgspec.Struct, frozen=True, kw_only=True):
    """One follow of or by somebody who moved: a row of ``ties.csv``."""

    mover: str
    other: str
    """Name in the population."""
    direction: str
    """``follower``: the other follows; ``following``: the mover does."""
    server: str
    """Of the other."""
    profile: str
    """Whose rules that server follows; ``yurt``, or a name of ``profiles.toml``."""
    tie_class: Literal["strong", "weak"] = msgspec.field(name="class")
    """Strong: mutual."""
    strength: float
    """0 to 1 (`yurt.portability.metrics.tie_strength`)."""
    foretold: str = ""
    """What `yurt check` foretold: automatic, ours, ask, lost, yours; empty: nobody could ask it."""
    foretold_low: float = -1.0
    """Chance, 0 to 1; -1: nothing was foretold."""
    foretold_high: float = -1.0
    foretold_source: str = ""
    """What the forecast rests on."""
    state: Literal["kept", "pending", "lost"]
    """``pending``: asked for, and not accepted by somebody or some server."""
    after_h: float = -1.0
    """Hours of the map's clock after the move began, when it was first seen; -1: never."""
    reason: str = ""
    """Why it is not kept."""
    source: str = ""
    """Where the reason can be read up: a file of the other software, or a section of Yurt's."""

    @property
    def kept(self) -> bool:
        """Whether the same two people are connected again."""
        return self.state == KEPT

    @property
    def strong(self) -> bool:
        """Whether both followed each other."""
        return self.tie_class == "strong"


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A share with its interval."""

    kept: int
    count: int
    share: float | None
    """None if there was nothing to keep."""
    low: float
    high: float


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """How many were there at one of the times at which `verify` counts."""

    name: str
    """``1h``, ``1d``, ``7d``, ``30d``."""
    after_h: float
    counted: int
    """Followers that the target node counted of its own accord."""
    followers: Share
    """The same in the views of those who follow."""
    all: Share


class Foretold(msgspec.Struct, frozen=True, kw_only=True):
    """What was foretold of the ties of one outcome, and what happened."""

    outcome: str
    count: int
    low: float
    """Sum of the lower chances: ties expected at least, on average."""
    high: float
    kept: int


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

    format: int = FORMAT
    scenario: str
    tells: str
    seed: int
    release: str
    setting: Setting
    people: int
    nodes: int
    stock: int
    seconds: float
    """Real time of the whole run."""
    steps: tuple[tuple[str, float], ...]
    """Real seconds of each step."""
    figures: dict[str, float | None]
    shares: dict[str, Share]
    samples: tuple[tuple[float, float], ...]
    """Hours of the map's clock after the move began, and retention then."""
    marks: tuple[Mark, ...] = ()
    foretold: tuple[Foretold, ...] = ()
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
        """How many ties are not kept for each reason, the most common first."""
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
    writer.writerow(TieResult.__struct_encode_fields__)
    for tie in result.ties:
        writer.writerow(msgspec.structs.astuple(tie))
    return out.getvalue()
