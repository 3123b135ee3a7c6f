"""Why a tie was lost, in the view of who would have had to do something."""

from typing import Final, NamedTuple

from yurt.lab.migration import stock_rules
from yurt.lab.migration.population import YURT, Somebody, Tie
from yurt.lab.migration.stage import THIEF_HOST, Ego, Stage

NO_WORD: Final = "no Move came"
NOT_SIGNED: Final = "no kit: nobody can sign for the old account, and nobody knows who followed it"
NO_RECORD: Final = "no kit: nobody can publish the next person record, so nobody here knows who this is"
FORGOTTEN: Final = "no kit and no CSV: nobody remembers whom the old account followed"
PENDING: Final = "asked, and not answered yet"
BY_HAND: Final = "asked, and waits for somebody who approves followers by hand"
LATE: Final = "known to the new account, and not arrived in time"
_TRUST: Final = "TRUST 9"
_VIEW: Final = "the list of whom they follow"
_TIME: Final = "measures.within_s"


class Why(NamedTuple):
    """Why a tie is not kept."""

    reason: str
    source: str
    """Where that can be read up: a file of the other software, a rule of ours, or what was looked at."""


def can_prove(stage: Stage) -> bool:
    """Tell whether the scenario has a way to prove that the new account is the old person."""
    return bool({event.do for event in stage.scenario.events} & {"move", "rescue"})


def is_hoped_for(stage: Stage, tie: Tie) -> bool:
    """Tell whether a tie can come along by the rules of those who have to do with it."""
    if tie.follower in stage.egos:
        return _is_asked(stage) and not _is_by_hand(stage, tie.followed)
    other = stage.people.everybody[tie.follower]
    return can_prove(stage) and (other.profile == YURT or stage.peers[other.server].profile.follows_move)


def _is_asked(stage: Stage) -> bool:
    """Whether the new account asks to follow those whom the old one followed."""
    return can_prove(stage) or any(event.do == "import" for event in stage.scenario.events)


def _is_by_hand(stage: Stage, name: str) -> bool:
    peer = stage.peers.get(stage.people.everybody[name].server)
    return peer is not None and stock_rules.APPROVES_BY_HAND in peer.profile.habits


def why(stage: Stage, tie: Tie, view: dict[str, str]) -> Why:
    """Say why a tie is not kept.

    Args:
        stage: What runs.
        tie: The tie.
        view: Whom its follower follows now.
    """
    if view.get(stage.actor_of(tie.followed)):
        return (
            Why(BY_HAND, _by_hand_source(stage)) if _is_by_hand(stage, tie.followed) else Why(PENDING, _VIEW)
        )
    if tie.follower in stage.egos:
        return Why(LATE, _TIME) if _is_asked(stage) else Why(FORGOTTEN, "the scenario's events")
    ego, other = stage.egos[tie.followed], stage.people.everybody[tie.follower]
    if other.profile == YURT:
        return Why(LATE, _TIME) if can_prove(stage) else Why(NO_RECORD, _TRUST)
    return _by_stock(stage, ego, other)


def _by_stock(stage: Stage, ego: Ego, other: Somebody) -> Why:
    peer = stage.peers[other.server]
    moves = [
        seen
        for seen in peer.seen
        if seen.type == "Move" and seen.actor == ego.old_actor and seen.outcome != "busy"
    ]
    if any(seen.outcome == "done" and THIEF_HOST in seen.target for seen in moves):
        stolen = "the old server's own Move came first, and was honoured: whoever has the key may"
        return Why(stolen, peer.profile.source_of("objectIsSigner"))
    judged = [seen for seen in moves if seen.target == ego.actor]
    if judged and (rule := judged[-1].rule):
        return Why(f"{other.profile}: {stock_rules.text_of(rule)}", peer.profile.source_of(rule))
    if judged:
        return Why(LATE, _TIME)
    return Why(NO_WORD, "what their server saw") if can_prove(stage) else Why(NOT_SIGNED, _TRUST)


def _by_hand_source(stage: Stage) -> str:
    peers = [peer for peer in stage.peers.values() if stock_rules.APPROVES_BY_HAND in peer.profile.habits]
    return peers[0].profile.source_of(stock_rules.APPROVES_BY_HAND) if peers else ""
