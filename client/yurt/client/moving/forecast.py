"""`check`: what a move would do to each tie and each room, from what the own node and the vault know.

Nothing is changed anywhere. The verdicts are those of `yurt.portability.check`; this gathers their facts,
ranks by strength (which is counted here) and asks the same question once more as if the node were dead.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.counted import counted, lasting
from yurt.client.moving.calls import CheckView, Expected, LimitView, Readiness, RoomFate
from yurt.client.moving.home import Ask
from yurt.client.moving.strength import choose_strong, read_known, strengths
from yurt.client.vault import kits, rooms
from yurt.client.vault.kits import BuddyRow
from yurt.client.vault.moves import ForetoldTie
from yurt.client.vault.rooms import RoomRow
from yurt.identity.signed_record import SignedRecord, verify_record
from yurt.portability.check import (
    Direction,
    Expectation,
    Outcome,
    Situation,
    TieFacts,
    Verdict,
    expected,
    judge_tie,
)
from yurt.portability.peers import PeerTable, builtin_peers
from yurt.portability.roster import Tie
from yurt.wire.move_commands import MoveTie, MoveTies, MoveTiesPage

PAGES: Final = 200
LIMIT: Final = 200
_NEEDLESS: Final = frozenset({Outcome.AUTOMATIC, Outcome.OURS, Outcome.YOURS})


@dataclass(frozen=True, slots=True)
class KitStanding:
    """What the vault knows of the kit's copies."""

    age_s: int = -1
    """-1: there is none."""
    buddies: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    """What buddies say of copies that nobody renewed."""


async def gather(ask: Ask) -> list[MoveTie]:
    """Ask the own node for every tie."""
    found: list[MoveTie] = []
    after = ""
    for _ in range(PAGES):
        page = await ask(MoveTies(after, LIMIT), MoveTiesPage)
        found += page.ties
        after = page.next
        if not after:
            break
    return found


def facts_of(tie: MoveTie) -> TieFacts:
    """Read what the node tells as the facts of a verdict."""
    return TieFacts(
        Tie(
            actor=tie.actor,
            address=tie.address,
            inbox=tie.inbox,
            shared_inbox=tie.shared_inbox,
            did=tie.did or None,
            software=tie.software,
            version=tie.version,
            follower=tie.follower,
            following=tie.following,
            locked=tie.locked,
            since=tie.since,
        ),
        unreachable_s=tie.unreachable_s,
        gone=tie.gone,
    )


def foretell(
    facts: Iterable[TieFacts],
    situation: Situation,
    strength: dict[str, float],
    strong: frozenset[str],
    table: PeerTable,
) -> tuple[ForetoldTie, ...]:
    """Judge each direction of each tie; strong ones first."""
    ties = [
        _foretold(one, verdict, strength, strong)
        for one in facts
        for verdict in judge_tie(one, situation, table)
    ]
    return tuple(sorted(ties, key=lambda tie: (not tie.strong, -tie.strength, tie.actor, tie.direction)))


async def check(core: Core, ask: Ask, kit: KitStanding, to: str = "") -> CheckView:
    """Tell what a move would do.

    Raises:
        ProblemError: The own node does not answer.
    """
    facts = [facts_of(tie) for tie in await gather(ask)]
    me, now_ms = core.account.did, core.clock.now_ms()
    known, rows = await core.vault.read(lambda tx: (read_known(tx, me, now_ms), rooms.every(tx)))
    view = foresee(facts, strengths((one.tie for one in facts), known), Situation(kit=kit.age_s >= 0), kit)
    fates = tuple(_fate(row, core.account.node) for row in rows if row.state != "removed")
    buddies = verify_record(SignedRecord.decode(core.account.record)).record.buddies
    warnings = (*_warnings(to, core.account.node, buddies, facts), *kit.notices)
    return CheckView(
        to=to,
        ties=view.ties,
        followers=view.followers,
        following=view.following,
        rooms=fates,
        limits=view.limits,
        readiness=view.readiness,
        warnings=warnings,
    )


def foresee(
    facts: list[TieFacts],
    strength: dict[str, float],
    situation: Situation,
    kit: KitStanding,
    table: PeerTable | None = None,
) -> CheckView:
    """Put the verdicts together; also for a roster out of a kit."""
    table = table or builtin_peers()
    strong = choose_strong(strength, [one.tie for one in facts])
    ties = foretell(facts, situation, strength, strong, table)
    verdicts = [verdict for one in facts for verdict in judge_tie(one, situation, table)]
    return CheckView(
        ties=ties,
        followers=_expected(verdicts, Direction.FOLLOWER),
        following=_expected(verdicts, Direction.FOLLOWING),
        limits=_limits(facts, table),
        readiness=_readiness(facts, strong, kit, table),
    )


def _foretold(
    facts: TieFacts, verdict: Verdict, strength: dict[str, float], strong: frozenset[str]
) -> ForetoldTie:
    tie = facts.tie
    return ForetoldTie(
        actor=tie.actor,
        address=tie.address,
        direction=verdict.direction.value,
        outcome=verdict.outcome.value,
        reason=verdict.reason.value,
        text=verdict.text,
        source=verdict.source,
        low=verdict.likely[0],
        high=verdict.likely[1],
        did=tie.did or "",
        inbox=tie.inbox,
        shared_inbox=tie.shared_inbox,
        software=tie.software,
        version=tie.version,
        strength=strength.get(tie.actor, 0.0),
        strong=tie.actor in strong,
        mutual=tie.mutual,
        newer=verdict.newer_than_tested,
    )


def _expected(verdicts: Iterable[Verdict], direction: Direction) -> Expected:
    found: Expectation = expected(verdict for verdict in verdicts if verdict.direction is direction)
    outcomes = {outcome.value: count for outcome, count in found.outcomes.items()}
    return Expected(count=found.count, outcomes=outcomes, low=found.low, high=found.high)


def _limits(facts: Iterable[TieFacts], table: PeerTable) -> tuple[LimitView, ...]:
    """Name the limits that the softwares of these ties have, worst first.

    How many follows a day counts where one follows again from; it is shown for whoever moves on to there.
    """
    found: list[LimitView] = []
    facts = list(facts)
    wanted = sum(one.tie.following for one in facts)
    for software in sorted({one.tie.software.lower() for one in facts if one.tie.software}):
        found += [
            LimitView(
                software=software,
                about=limit.about,
                source=f"{limit.source} ({limit.read})",
                seconds=limit.seconds if limit.count == 1 else limit.seconds_for(wanted),
            )
            for limit in table.limits_of(software)
        ]
    return tuple(sorted(found, key=lambda limit: -limit.seconds))


def _readiness(
    facts: list[TieFacts], strong: frozenset[str], kit: KitStanding, table: PeerTable
) -> Readiness:
    dead = Situation(source_alive=False, kit=kit.age_s >= 0)
    closest = [one for one in facts if one.tie.actor in strong]
    safe = sum(all(v.outcome in _NEEDLESS for v in judge_tie(one, dead, table)) for one in closest)
    if kit.age_s < 0:
        text = "no kit: if your node dies, nobody remembers your ties (`yurt buddy add NODE`)"
    elif not kit.buddies:
        text = "the kit is on this device only (`yurt buddy add NODE`)"
    else:
        holders = counted(len(kit.buddies), "node keeps", "nodes keep")
        text = f"{holders} a copy of the kit"
    return Readiness(
        kit_age_s=kit.age_s, buddies=kit.buddies, strong_safe=safe, strong=len(closest), text=text
    )


def _fate(room: RoomRow, own_node: str) -> RoomFate:
    if room.state in ("stopped", "creating"):
        outcome, text = "stopped", "it cannot be followed here: bring it back first (`yurt room resync`)"
    elif room.hub == own_node:
        outcome, text = "hubStays", "you stay in it; its hub is the node that you leave"
    else:
        outcome, text = "keeps", "your device keeps its place, and names your new address"
    return RoomFate(room=room.room, name=room.name, hub=room.hub, outcome=outcome, text=text)


def _warnings(to: str, own_node: str, buddies: tuple[str, ...], facts: list[TieFacts]) -> tuple[str, ...]:
    found: list[str] = []
    if to and to == own_node:
        found.append(f"{to} is where you are")
    if own_node in buddies:
        found.append(f"{own_node} is your own node now, and no safety: `yurt buddy add` another")
    if to and to in buddies:
        found.append(f"{to} keeps your kit, and would be your own node: `yurt buddy add` another")
    if not buddies:
        found.append("your person record names no buddy: a dead node could not be survived")
    newer = {one.tie.software for one in facts if _is_newer(one)}
    if newer:
        found.append(f"newer than what was looked at: {', '.join(sorted(newer))}")
    hosts = {one.tie.actor.split("/")[2] for one in facts if one.unreachable_s}
    if hosts:
        found.append(f"not reached lately: {', '.join(sorted(hosts)[:5])}")
    return tuple(found)


def _is_newer(facts: TieFacts) -> bool:
    return builtin_peers().peer(facts.tie.software).is_newer_than_tested(facts.tie.version)


def kit_standing(tx: Connection, now_s: int, own_node: str = "") -> KitStanding:
    """Read how old the kit is, and who keeps it; a copy on the own node is none: it dies with that."""
    kit, buddies = kits.load(tx), kits.buddies(tx)
    if kit is None or not kit.graph:
        return KitStanding()
    holding = [buddy for buddy in buddies if buddy.graph and buddy.node != own_node]
    best = max((buddy.kept_at for buddy in holding), default=kit.graph_at)
    age_s = max(0, now_s - min(best, now_s))
    return KitStanding(age_s, tuple(buddy.node for buddy in holding), tuple(_notices(buddies, now_s)))


def _notices(buddies: Iterable[BuddyRow], now_s: int) -> Iterator[str]:
    for buddy in buddies:
        if buddy.drops_at:
            left = lasting(max(0, buddy.drops_at - now_s))
            yield f"{buddy.node} drops its copy of your kit in {left}: nobody renews it (`yurt kit status`)"
        elif buddy.dropped_at and not buddy.graph:
            yield f"{buddy.node} dropped its copy of your kit: nobody had renewed it for 400 days"
