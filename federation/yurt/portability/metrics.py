"""How much of a network arrived: each figure one plain function, with its formula and where it is from.

Words: *ego* is the person who moved; t0 is just before, t1 some time after (1 h, 1 d, 7 d, 30 d); two
persons are connected at t1 if the same two people are, whatever their actors are called then.

    retention([(0.9, True), (0.4, False)])        # Retention(share=0.69, low=..., high=..., count=2)
    strong_weak_gap(strong, weak)
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, TypeVar

from yurt.portability.errors import LocalPortabilityError

HALF_LIFE_S: Final = 30 * 86_400
"""After so long a contact counts half."""
Z95: Final = 1.959963984540054

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Betas:
    """Weights of tie strength; whoever reports a strength reports these, too."""

    constant: float = -2.0
    mutual: float = 1.0
    rooms: float = 1.5
    recency: float = 1.0
    overlap: float = 2.0


@dataclass(frozen=True, slots=True)
class Retention:
    """A share with its interval of 95 %."""

    share: float
    """NaN if there was no tie."""
    low: float
    high: float
    count: int
    """Ties at t0."""


@dataclass(frozen=True, slots=True)
class Gap:
    """How much better strong ties survive than weak ones."""

    difference: float
    """Retention of the strong minus retention of the weak."""
    risk_ratio: float
    """Share of the weak that is lost, over the share of the strong that is."""


def shared_rooms_score(sizes: Iterable[int]) -> float:
    """Score the rooms that two people share: sum over them of 1 / ln(1 + size).

    A room of three says more than one of three hundred. Source: Adamic and Adar, "Friends and neighbors on
    the Web" (2003), with 1 + size so that a room of one has a value.

    Args:
        sizes: Participants of each shared room, at least 1.
    """
    return math.fsum(1 / math.log1p(_at_least(size, 1)) for size in sizes)


def recency_score(ages_s: Iterable[float]) -> float:
    """Score how lately and how often two people spoke: ln(1 + sum of 2^(-age / 30 d)).

    Source: exponential decay of contacts, as in Gilbert and Karahalios, "Predicting tie strength with social
    media" (2009), where recency and frequency predict most. Counts of direct messages go in here, so this
    runs on the client, and its input leaves it never.

    Args:
        ages_s: Age of each contact, in seconds.
    """
    return math.log1p(math.fsum(2 ** (-_at_least(age, 0) / HALF_LIFE_S) for age in ages_s))


def neighbourhood_overlap(mine: AbstractSet[T], theirs: AbstractSet[T]) -> float:
    """Share of common acquaintances: |mine and theirs| / |mine or theirs|, 0 if both know nobody.

    Source: Onnela et al., "Structure and tie strengths in mobile communication networks" (2007). The two
    people themselves stand in neither set.
    """
    union = len(mine | theirs)
    return len(mine & theirs) / union if union else 0.0


def tie_strength(
    *, mutual: bool, rooms: float, recency: float, overlap: float, betas: Betas | None = None
) -> float:
    """Strength of a tie, 0 to 1: logistic(b0 + b1 mutual + b2 rooms + b3 recency + b4 overlap).

    Source: Granovetter, "The strength of weak ties" (1973), for what is combined; the weights are ours.

    Args:
        mutual: Whether both follow.
        rooms: `shared_rooms_score`.
        recency: `recency_score`.
        overlap: `neighbourhood_overlap`.
        betas: The weights.
    """
    b = betas or Betas()
    x = b.constant + b.mutual * mutual + b.rooms * rooms + b.recency * recency + b.overlap * overlap
    # Two forms, so that neither overflows.
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def strong_ties(strengths: Mapping[T, float], *, theta: float | None = None) -> frozenset[T]:
    """Choose the strong ties: those of at least `theta`, or else the upper quarter.

    The upper quarter of n ties are the ceil(n / 4) strongest, and all who are as strong as the last of them.
    """
    if not strengths:
        return frozenset()
    if theta is None:
        ranked = sorted(strengths.values(), reverse=True)
        theta = ranked[math.ceil(len(ranked) / 4) - 1]
    return frozenset(tie for tie, strength in strengths.items() if strength >= theta)


def wilson(share: float, trials: float, *, z: float = Z95) -> tuple[float, float]:
    """Interval of a share: (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n).

    Source: Wilson, "Probable inference, the law of succession, and statistical inference" (1927). Unlike
    p ± z sqrt(p(1-p)/n) it stays within 0 and 1, and says something when all or none arrived.

    Args:
        share: p, 0 to 1.
        trials: n; not whole if trials have weights. With 0 the interval is everything.
        z: 1.96 for 95 %.
    """
    if trials <= 0:
        return 0.0, 1.0
    square = z * z / trials
    middle = share + square / 2
    spread = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials))
    return max(0.0, (middle - spread) / (1 + square)), min(1.0, (middle + spread) / (1 + square))


def retention(ties: Iterable[tuple[float, bool]]) -> Retention:
    """Tie retention: sum of w over the kept ties / sum of w over all; with w = 1 the share of ties.

    Source: the count form is the usual retention rate; the weights are tie strengths. The interval is
    Wilson's with Kish's effective number of trials, (sum w)² / sum w² ("Survey Sampling", 1965), which is the
    number of ties if all weights are equal.

    Args:
        ties: Weight (0 or more) and whether it is there at t1, for each tie at t0.
    """
    known = [(_at_least(weight, 0), kept) for weight, kept in ties]
    total = math.fsum(weight for weight, _ in known)
    if not total:
        return Retention(math.nan, 0.0, 1.0, len(known))
    share = math.fsum(weight for weight, kept in known if kept) / total
    effective = total**2 / math.fsum(weight**2 for weight, _ in known)
    return Retention(share, *wilson(share, effective), len(known))


def strong_weak_gap(strong: Retention, weak: Retention) -> Gap:
    """Compare strong with weak ties: TR_strong - TR_weak, and (1 - TR_weak) / (1 - TR_strong).

    The ratio tells how many times more likely a weak tie is lost (the relative risk of epidemiology); it is
    infinite if no strong tie was lost and a weak one was, and NaN if none was lost at all.
    """
    lost_strong, lost_weak = 1 - strong.share, 1 - weak.share
    if not lost_strong:
        return Gap(strong.share - weak.share, math.inf if lost_weak > 0 else math.nan)
    return Gap(strong.share - weak.share, lost_weak / lost_strong)


def reach_loss(before: int, after: int) -> float:
    """Share of the audience that is gone: 1 - |followers at t1| / |followers at t0|.

    Negative if there are more than before; 0 if there were none. With followers of followers in both
    places it is the loss of the second step. Source: ours; reach as in any count of an audience.
    """
    return 1 - _at_least(after, 0) / before if before > 0 else 0.0


def room_continuity(before: Mapping[T, AbstractSet[str]], after: Mapping[T, AbstractSet[str]]) -> float:
    """Share of memberships that go on: sum over rooms of |m(t1) and m(t0)| / sum of |m(t0)|.

    A room counts as the same only under its id: one that was made anew under the old name is another, as
    its history is. Source: ours, in the manner of the Jaccard index; 1 if there was no room.

    Args:
        before: Participants (dids) by room id, at t0.
        after: The same at t1.
    """
    total = sum(map(len, before.values()))
    kept = sum(len(members & after.get(room, frozenset())) for room, members in before.items())
    return kept / total if total else 1.0


def orphan_rooms(before: Iterable[T], after: Iterable[T]) -> frozenset[T]:
    """Name the rooms that nobody can enter any more: there at t0 and not at t1."""
    return frozenset(before) - frozenset(after)


def history_decryptable(before: AbstractSet[T], after: AbstractSet[T]) -> float:
    """Share of what ego could decrypt at t0 and can decrypt at t1: |both| / |at t0|; 1 if there was nothing.

    Forward secrecy keeps old messages from new devices; they come from the person's archive. Source: ours.
    """
    return len(before & after) / len(before) if before else 1.0


def time_to_reconverge(samples: Sequence[tuple[float, float]], share: float) -> float:
    """When the network was back: the first t with TR(t) >= share · TR(last), and never below it again.

    Source: settling time of a step response (control engineering), with retention as the response. For the
    shares 0.5, 0.9 and 0.99 these are TTR_50, TTR_90 and TTR_99.

    Args:
        samples: Time in seconds after the move, and retention then; ordered by time, at least one.
        share: 0 to 1.

    Raises:
        LocalPortabilityError: No sample, or not in order.
    """
    times = [time for time, _ in samples]
    if not samples or times != sorted(times):
        raise LocalPortabilityError("samples", "samples are ordered by time, and there is at least one")
    goal = share * samples[-1][1]
    settled = samples[-1][0]
    for time, value in reversed(samples):
        if value < goal:
            break
        settled = time
    return settled


def brier(predictions: Iterable[tuple[float, bool]]) -> float:
    """How good predictions were: mean of (chance - outcome)²; 0 is perfect, 0.25 is a coin. NaN for none.

    Source: Brier, "Verification of forecasts expressed in terms of probability" (1950).
    """
    errors = [(chance - happened) ** 2 for chance, happened in predictions]
    return math.fsum(errors) / len(errors) if errors else math.nan


def _at_least(value: float, least: float) -> float:
    if not value >= least:
        raise LocalPortabilityError("range", f"{value} where at least {least} belongs")
    return value
