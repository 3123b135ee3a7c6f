"""What a move would do to each tie, before it is done: automatic, ours, ask, lost or yours, and why.

A plain function of facts that somebody else gathered; each verdict names its reason and the source that it
rests on. The expected number that arrives is an interval, because the rules of others are not ours::

    verdicts = [v for facts in ties for v in judge_tie(facts, situation, table)]
    expected(verdicts)                         # Expectation(count=214, low=165, high=190)
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from yurt.portability.peers import ANY, Peer, PeerTable
from yurt.portability.roster import Tie

DEAD_AFTER_S: Final = 30 * 86_400
"""A host that nobody reached for so long is dead."""
YURT: Final = "yurt"
_OURS: Final = "ours: our own rule"
_Z: Final = 1.96


class Outcome(StrEnum):
    """What becomes of a tie."""

    AUTOMATIC = "automatic"
    """Their node follows the Move by itself."""
    OURS = "ours"
    """Their node is a Yurt node: the next person record carries the tie, also if the old node is dead."""
    ASK = "ask"
    """They must be asked to follow the new account."""
    LOST = "lost"
    """Nothing that either can do here brings it back."""
    YOURS = "yours"
    """The person's own follow: the new account asks again."""


class Direction(StrEnum):
    """Whose follow it is."""

    FOLLOWER = "follower"
    FOLLOWING = "following"


class Reason(StrEnum):
    """Why, for programs; `Verdict.text` is for people."""

    FOLLOWS_MOVE = "followsMove"
    HELD_KEY = "heldKey"
    RECORD = "record"
    FOLLOW_AGAIN = "followAgain"
    APPROVAL = "approval"
    NO_MOVE = "noMove"
    BROKEN_MOVE = "brokenMove"
    UNKNOWN_SOFTWARE = "unknownSoftware"
    OLD_VERSION = "oldVersion"
    DEAD_SOURCE = "deadSource"
    NO_KIT = "noKit"
    HOST_DEAD = "hostDead"
    GONE = "gone"
    SUSPENDED = "suspended"
    BLOCKS_DESTINATION = "blocksDestination"


_TEXTS: Final = {
    Reason.FOLLOWS_MOVE: "their software follows a Move",
    Reason.HELD_KEY: "their software believes a Move signed with your old key, without your old node",
    Reason.RECORD: "they are on Yurt: your next person record is enough",
    Reason.FOLLOW_AGAIN: "your new account follows them again",
    Reason.APPROVAL: "your new account asks, and they approve by hand",
    Reason.NO_MOVE: "their software does not know Moves",
    Reason.BROKEN_MOVE: "their software should follow a Move, and people report that it does not",
    Reason.UNKNOWN_SOFTWARE: "nobody has looked at what their software does",
    Reason.OLD_VERSION: "their software is older than what was looked at",
    Reason.DEAD_SOURCE: "their software asks your old node, which is gone",
    Reason.NO_KIT: "your old node is gone, and no kit remembers them",
    Reason.HOST_DEAD: "their node has not been reached for 30 days",
    Reason.GONE: "their node says that the account is deleted",
    Reason.SUSPENDED: "their node refuses your node",
    Reason.BLOCKS_DESTINATION: "their node refuses the node to which you move",
}


@dataclass(frozen=True, slots=True)
class TieFacts:
    """What is known of a tie and of its node."""

    tie: Tie
    unreachable_s: int = 0
    """For how long nobody reached their node, in seconds."""
    gone: bool = False
    """Their account answers 410, or left a tombstone."""
    suspends_us: bool = False
    """Their node refuses the old node."""
    blocks_destination: bool = False
    """Their node refuses the new one, or the new one theirs."""


def remembered(tie: Tie, time: int) -> TieFacts:
    """Read a tie of a roster as it stood when that was signed.

    Args:
        tie: Of a roster that was verified.
        time: The roster's; seconds since 1970.
    """
    return TieFacts(tie, unreachable_s=max(0, time - tie.seen) if tie.seen else 0, gone=tie.gone is True)


@dataclass(frozen=True, slots=True)
class Situation:
    """From where the person moves."""

    source_alive: bool = True
    kit: bool = False
    """A kit is at hand: actor key, and roster."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one direction of a tie."""

    actor: str
    direction: Direction
    outcome: Outcome
    reason: Reason
    source: str
    """Where the rule was read, and when."""
    likely: tuple[float, float]
    """Lowest and highest chance that it arrives, without anybody being asked."""
    newer_than_tested: bool = False
    """Their version came after somebody looked."""

    @property
    def text(self) -> str:
        """The reason, for people."""
        return _TEXTS[self.reason]


@dataclass(frozen=True, slots=True)
class Expectation:
    """How many are expected to arrive."""

    count: int
    outcomes: dict[Outcome, int]
    low: int
    high: int


def judge_tie(facts: TieFacts, situation: Situation, table: PeerTable) -> tuple[Verdict, ...]:
    """Judge each direction that a tie has."""
    verdicts: list[Verdict] = []
    peer = table.peer(YURT if _is_ours(facts.tie) else facts.tie.software)
    if facts.tie.follower:
        reason = _lost(facts, situation, Direction.FOLLOWER) or _follower(facts.tie, peer, situation)
        verdicts.append(_verdict(facts.tie, Direction.FOLLOWER, reason, peer))
    if facts.tie.following:
        reason = _lost(facts, situation, Direction.FOLLOWING) or _following(facts.tie)
        verdicts.append(_verdict(facts.tie, Direction.FOLLOWING, reason, peer))
    return tuple(verdicts)


def expected(verdicts: Iterable[Verdict]) -> Expectation:
    """Say how many of these ties arrive, as an interval of 95 %.

    Each tie is an independent trial with a chance between its low and high. With a = sum(low) and
    b = sum(high): from a - 1.96 sqrt(sum(low (1 - low))) to b + 1.96 sqrt(sum(high (1 - high))), within
    0 and n. Source: the normal approximation of a sum of unlike trials (Lyapunov's theorem, 1901).
    """
    verdicts = list(verdicts)
    low = [verdict.likely[0] for verdict in verdicts]
    high = [verdict.likely[1] for verdict in verdicts]
    least = math.floor(sum(low) - _Z * _spread(low))
    most = math.ceil(sum(high) + _Z * _spread(high))
    outcomes = dict(Counter(verdict.outcome for verdict in verdicts))
    return Expectation(len(verdicts), outcomes, max(0, least), min(len(verdicts), most))


def _spread(chances: Iterable[float]) -> float:
    return math.sqrt(sum(chance * (1 - chance) for chance in chances))


def _lost(facts: TieFacts, situation: Situation, direction: Direction) -> Reason | None:
    if facts.gone:
        return Reason.GONE
    if facts.unreachable_s >= DEAD_AFTER_S:
        return Reason.HOST_DEAD
    if facts.blocks_destination:
        return Reason.BLOCKS_DESTINATION
    # Who refuses the old node takes no Move from it; the new node may still bring a record, or a follow.
    if facts.suspends_us and direction is Direction.FOLLOWER and not _is_ours(facts.tie):
        return Reason.SUSPENDED
    if not situation.source_alive and not situation.kit:
        return Reason.NO_KIT
    return None


def _is_ours(tie: Tie) -> bool:
    return tie.did is not None or tie.software.strip().lower() == YURT


def _follower(tie: Tie, peer: Peer, situation: Situation) -> Reason:
    if _is_ours(tie):
        return Reason.RECORD
    if peer.software == ANY or peer.follows_move == "unknown":
        return Reason.UNKNOWN_SOFTWARE
    if peer.follows_move != "yes":
        return Reason.NO_MOVE if peer.follows_move == "no" else Reason.BROKEN_MOVE
    if not peer.is_told_of(tie.version):
        return Reason.OLD_VERSION
    if situation.source_alive:
        return Reason.FOLLOWS_MOVE
    return Reason.HELD_KEY if peer.dead_source == "yes" else Reason.DEAD_SOURCE


def _following(tie: Tie) -> Reason:
    if _is_ours(tie):
        return Reason.RECORD
    return Reason.APPROVAL if tie.locked else Reason.FOLLOW_AGAIN


_OUTCOMES: Final = {
    Reason.FOLLOWS_MOVE: Outcome.AUTOMATIC,
    Reason.HELD_KEY: Outcome.AUTOMATIC,
    Reason.RECORD: Outcome.OURS,
    Reason.FOLLOW_AGAIN: Outcome.YOURS,
    Reason.APPROVAL: Outcome.YOURS,
    Reason.NO_MOVE: Outcome.ASK,
    Reason.BROKEN_MOVE: Outcome.ASK,
    Reason.UNKNOWN_SOFTWARE: Outcome.ASK,
    Reason.OLD_VERSION: Outcome.ASK,
    Reason.DEAD_SOURCE: Outcome.ASK,
    Reason.NO_KIT: Outcome.LOST,
    Reason.HOST_DEAD: Outcome.LOST,
    Reason.GONE: Outcome.LOST,
    Reason.SUSPENDED: Outcome.LOST,
    Reason.BLOCKS_DESTINATION: Outcome.LOST,
}
_FROM_TABLE: Final = frozenset(
    {
        Reason.FOLLOWS_MOVE,
        Reason.HELD_KEY,
        Reason.RECORD,
        Reason.NO_MOVE,
        Reason.BROKEN_MOVE,
        Reason.UNKNOWN_SOFTWARE,
        Reason.OLD_VERSION,
        Reason.DEAD_SOURCE,
    }
)
_LIKELY: Final = {
    # Assumptions until `verify` has counted, as those in the table.
    Reason.FOLLOW_AGAIN: (0.9, 0.99),
    Reason.APPROVAL: (0.3, 0.9),
    Reason.OLD_VERSION: (0.0, 0.5),
    Reason.DEAD_SOURCE: (0.0, 0.3),
}


def _verdict(tie: Tie, direction: Direction, reason: Reason, peer: Peer) -> Verdict:
    tabled = reason in _FROM_TABLE
    likely = _LIKELY.get(reason, peer.likely if tabled else (0.0, 0.0))
    return Verdict(
        tie.actor,
        direction,
        _OUTCOMES[reason],
        reason,
        peer.cited if tabled else _OURS,
        likely,
        newer_than_tested=tabled and peer.software != ANY and peer.is_newer_than_tested(tie.version),
    )
