"""What arrived, against what was foretold: only Follows that are here count, never an answer to a request.

A tie is the same if the same person is at its other end: by did, or for people without one by actor.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.moving.calls import Expected, MarkView, ReceiptView, Share, TieReceipt
from yurt.client.vault import moves, rooms
from yurt.client.vault.accounts import actor_url
from yurt.client.vault.moves import ForetoldTie, MoveRow
from yurt.identity.signed_record import SignedRecord, verify_record
from yurt.portability.metrics import brier, reach_loss, retention
from yurt.wire.move_commands import AskPeers, MoveState, MoveView, PeerReport, PeerReports
from yurt.wire.people_commands import Followers, Following, Tie, Ties

PAGES: Final = 200
MAX_ASKED: Final = 50
ARRIVED: Final = "arrived"
PENDING: Final = "pending"
MISSING: Final = "missing"


@dataclass(frozen=True, slots=True)
class Here:
    """The ties that are here now, by did and by actor."""

    followers: dict[str, Tie]
    following: dict[str, Tie]


async def receipt(core: Core, row: MoveRow) -> ReceiptView:
    """Compare what is here with what was foretold.

    Raises:
        ProblemError: The own node does not answer.
    """
    here = Here(by_both(await _all(core, Followers)), by_both(await _all(core, Following)))
    state = await core.session.call(MoveState(), MoveView)
    foretold, entered, messages = await core.vault.read(_vault)
    ties = tuple(_tie(tie, here) for tie in foretold)
    reports = await _ask_peers(core, foretold, ties)
    seq = verify_record(SignedRecord.decode(core.account.record)).record.seq
    ties = tuple(explained(tie, reports, seq) for tie in ties)
    view = summary(row, foretold, ties, state, (entered, messages), core.now_s)
    return msgspec.structs.replace(view, answered=sum(not one.problem for one in reports.values()))


def summary(
    row: MoveRow,
    foretold: list[ForetoldTie],
    ties: tuple[TieReceipt, ...],
    state: MoveView,
    rooms_and_messages: tuple[frozenset[bytes], int],
    now_s: int,
) -> ReceiptView:
    """Count."""
    entered, messages = rooms_and_messages
    kept = [(tie, tie.state == ARRIVED) for tie in ties]
    followers = [pair for pair in kept if pair[0].direction == "follower"]
    score = brier(
        ((tie.low + tie.high) / 2, one.state == ARRIVED) for tie, one in zip(foretold, ties, strict=True)
    )
    arrived = sum(came for _, came in followers)
    return ReceiptView(
        kind=row.kind,
        previous=row.previous,
        target=actor_url(row.name, row.node),
        moved=row.moved,
        now=now_s,
        all=_share(kept),
        strong=_share(pair for pair in kept if pair[0].strong),
        other=_share(pair for pair in kept if not pair[0].strong),
        followers=_share(followers),
        following=_share(pair for pair in kept if pair[0].direction == "following"),
        foretold=_foretold(foretold),
        brier=-1.0 if math.isnan(score) else score,
        reach_loss=reach_loss(len(followers), arrived),
        rooms_kept=len(entered.intersection(row.rooms_kept)),
        rooms=len(row.rooms),
        history=min(1.0, messages / row.messages) if row.messages else 1.0,
        waiting=state.waiting,
        set_aside=state.set_aside,
        key_until=state.key_until,
        marks=tuple(MarkView(after_s=mark.after_s, at=mark.at, arrived=mark.arrived) for mark in state.marks),
        ties=ties,
        manual=_manual(foretold, ties, row),
        notes=row.notes,
    )


def explained(tie: TieReceipt, reports: Mapping[str, PeerReport], seq: int) -> TieReceipt:
    """Say of somebody missing on a Yurt node what that node says."""
    report = reports.get(host_of(tie.actor)) if tie.state == MISSING else None
    if report is None:
        return tie
    if report.problem:
        reason = f"their node does not answer: {report.problem}"
    elif tie.actor in report.followers:
        reason = "their node says that they follow you: the Follow is on its way"
    elif report.record_seq < seq:
        reason = "their node has not heard of your move yet"
    else:
        reason = "their node knows of your move, and they do not follow you"
    return msgspec.structs.replace(tie, reason=reason)


async def _ask_peers(
    core: Core, foretold: list[ForetoldTie], ties: tuple[TieReceipt, ...]
) -> dict[str, PeerReport]:
    """Ask the Yurt nodes of those who are missing; only a Follow that arrived counts, this explains."""
    pairs = zip(foretold, ties, strict=True)
    missing = {
        host_of(tie.actor)
        for tie, one in pairs
        if tie.did and one.state == MISSING and one.direction == "follower"
    }
    if not missing:
        return {}
    answer = await core.session.call(AskPeers(tuple(sorted(missing)[:MAX_ASKED])), PeerReports)
    return {report.node: report for report in answer.reports}


def host_of(actor: str) -> str:
    """The node of an actor."""
    return actor.removeprefix("https://").partition("/")[0]


def by_both(ties: Iterable[Tie]) -> dict[str, Tie]:
    """Name ties by actor and by did."""
    found: dict[str, Tie] = {}
    for tie in ties:
        found[tie.actor] = tie
        if tie.did:
            found[tie.did] = tie
    return found


def _vault(tx: Connection) -> tuple[list[ForetoldTie], frozenset[bytes], int]:
    entered = frozenset(room.room for room in rooms.every(tx) if room.state == "active")
    return moves.foretold(tx), entered, moves.count_messages(tx)


def _tie(tie: ForetoldTie, here: Here) -> TieReceipt:
    there = here.followers if tie.direction == "follower" else here.following
    found = there.get(tie.did) if tie.did else None
    found = found or there.get(tie.actor)
    state = MISSING if found is None else ARRIVED if found.state == "accepted" else PENDING
    return TieReceipt(
        actor=tie.actor,
        address=found.address if found else tie.address,
        direction=tie.direction,
        foretold=tie.outcome,
        state=state,
        strong=tie.strong,
        reason="" if state == ARRIVED else tie.text,
        since=found.since if found else 0,
    )


def _share(pairs: Iterable[tuple[TieReceipt, bool]]) -> Share:
    flags = [came for _, came in pairs]
    found = retention((1.0, came) for came in flags)
    share = 1.0 if math.isnan(found.share) else found.share
    return Share(kept=sum(flags), count=len(flags), share=share, low=found.low, high=found.high)


def _foretold(ties: list[ForetoldTie]) -> Expected:
    """The interval that `check` foretold, all ties together (see `yurt.portability.check.expected`)."""
    low, high = [tie.low for tie in ties], [tie.high for tie in ties]
    spread = [1.96 * math.sqrt(sum(p * (1 - p) for p in side)) for side in (low, high)]
    outcomes = {name: sum(tie.outcome == name for tie in ties) for name in {tie.outcome for tie in ties}}
    return Expected(
        count=len(ties),
        outcomes=outcomes,
        low=max(0, math.floor(sum(low) - spread[0])),
        high=min(len(ties), math.ceil(sum(high) + spread[1])),
    )


def _manual(foretold: list[ForetoldTie], ties: tuple[TieReceipt, ...], row: MoveRow) -> tuple[str, ...]:
    """Name what is left to a person, strong ties first."""
    found: list[tuple[bool, str]] = []
    for tie, one in zip(foretold, ties, strict=True):
        who = tie.address or tie.actor
        if one.state == MISSING and tie.direction == "follower" and tie.outcome == "ask":
            found.append((not tie.strong, f"ask {who} to follow you at {row.name}@{row.node}: {tie.text}"))
        elif one.state == PENDING:
            found.append((not tie.strong, f"wait for {who}: they approve by hand"))
        elif one.state == MISSING and tie.outcome == "lost":
            found.append((not tie.strong, f"{who} is lost: {tie.text}"))
    return tuple(text for _, text in sorted(found))


async def _all(core: Core, command: type[Followers] | type[Following]) -> list[Tie]:
    found: list[Tie] = []
    after = ""
    for _ in range(PAGES):
        page = await core.session.call(command(after=after), Ties)
        found += page.ties
        after = page.next
        if not after:
            break
    return found
