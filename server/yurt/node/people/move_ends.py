"""The ties of accounts here to somebody who moves, as units of work: refollow, then unfollow.

`yurt.activitypub.moves` decides; this follows the new actor, waits for its node to take the Follow, and only
then ends the old follow. Blocks and mutes go along at once: nobody gets rid of them by moving.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

import msgspec

from yurt.activitypub.follow import FollowState
from yurt.activitypub.moves import TieEffect, TieEvent, TieState, refollow
from yurt.node.ids import account_at
from yurt.node.people.block_ends import BlockEnds
from yurt.node.people.follow_ends import FollowEnds
from yurt.node.portability.refusals import refuses
from yurt.node.store import accounts, blocks, logs, moves, people
from yurt.node.store.accounts import AccountRow
from yurt.node.store.logs import NewRow
from yurt.node.store.people import FOLLOWING, KnownPerson
from yurt.node.store.types import ReadTx, Tx
from yurt.wire.registry import InboxKind

MOVED: Final = "moved"
UNCONFIRMED: Final = "unconfirmed"
FAILED: Final = "failed"
_WANTED: Final = (FollowState.PENDING, FollowState.ACCEPTED)


@dataclass(frozen=True, slots=True)
class MoveEnds:
    """Ties that go along, within one unit of work."""

    tx: Tx
    domain: str
    now_ms: int

    def go_along(self, origin: KnownPerson, target: KnownPerson) -> int:
        """Take everybody along who follows, blocks or mutes the old actor; return how many follows go."""
        self._blocks_along(origin, target)
        names = followers_here(self.tx, origin.actor)
        for name in names:
            account = accounts.account_named(self.tx, name)
            if account is not None:
                self._tie(account, origin, target, self._first_event(account, target))
        return len(names)

    def tell_unconfirmed(self, origin: KnownPerson, target: str) -> None:
        """Tell who follows the old actor that it is said to have moved."""
        for name in followers_here(self.tx, origin.actor):
            self._tell(name, origin, target, UNCONFIRMED)

    def follow_answered(self, follow: str, event: TieEvent) -> None:
        """The Follow of a new actor was delivered, or finally failed or refused."""
        for name, origin_actor, target_actor in moves.ties_by_follow(self.tx, follow):
            account = accounts.account_named(self.tx, name)
            origin = people.person_at(self.tx, origin_actor)
            target = people.person_at(self.tx, target_actor)
            if account is not None and origin is not None and target is not None:
                self._tie(account, origin, target, event)

    def veto(self, account: AccountRow, target: str) -> None:
        """The account ended its follow of the new actor before the old one ended: the old one stays."""
        for origin, follow in moves.ties_under_way(self.tx, account.name, target):
            state, _ = refollow(TieState.REFOLLOWING, TieEvent.VETOED)
            moves.put_tie_state(self.tx, account.id, (origin, target), state, follow)

    # --- parts ---------------------------------------------------------------------------------------
    def _first_event(self, account: AccountRow, target: KnownPerson) -> TieEvent:
        blocks_us = blocks.block_of(self.tx, account.name, target.actor, blocks.BLOCKED_BY) is not None
        if blocks_us or refuses(self.tx, account, target):
            return TieEvent.FAILED
        if account_at(self.domain, target.actor) == account.name:
            return TieEvent.ALREADY_FOLLOWS  # nobody follows themselves
        tie = people.tie_with(self.tx, account.name, target.actor, FOLLOWING)
        follows = tie is not None and FollowState(tie.state) in _WANTED
        return TieEvent.ALREADY_FOLLOWS if follows else TieEvent.MOVED

    def _tie(self, account: AccountRow, origin: KnownPerson, target: KnownPerson, event: TieEvent) -> None:
        """Move one tie; a target that lives here takes the Follow at once."""
        before = moves.tie_state(self.tx, account.id, origin.actor, target.actor)
        state, effects = refollow(before, event)
        follows = FollowEnds(self.tx, self.domain, self.now_ms)
        if TieEffect.FOLLOW_NEW in effects:
            follows.follow(account, target)
        tie = people.tie_with(self.tx, account.name, target.actor, FOLLOWING)
        if state is not before:
            pair = (origin.actor, target.actor)
            moves.put_tie_state(self.tx, account.id, pair, state, tie.activity if tie else "")
        if TieEffect.UNDO_OLD in effects:
            follows.unfollow(account, origin)
        if TieEffect.TELL in effects:
            self._tell(account.name, origin, target.actor, MOVED if state is TieState.LEFT else FAILED)
        if TieEffect.FOLLOW_NEW in effects and account_at(self.domain, target.actor) is not None:
            self._tie(account, origin, target, TieEvent.DELIVERED)

    def _blocks_along(self, origin: KnownPerson, target: KnownPerson) -> None:
        for name in blocks.blockers_of(self.tx, origin.actor, blocks.BLOCK):
            account = self._stranger(name, target)
            if account is not None:
                BlockEnds(self.tx, self.domain, self.now_ms).block(account, target)
        for name in blocks.blockers_of(self.tx, origin.actor, blocks.MUTE):
            account = self._stranger(name, target)
            if account is not None:
                number = people.put_person(self.tx, target)
                blocks.put_block(self.tx, account.id, number, blocks.MUTE, "", self.now_ms // 1000)

    def _stranger(self, name: str, target: KnownPerson) -> AccountRow | None:
        """The account, unless it is the new actor or follows it: then it knows better (as Mastodon)."""
        tie = people.tie_with(self.tx, name, target.actor, FOLLOWING)
        if account_at(self.domain, target.actor) == name:
            return None
        if tie is not None and FollowState(tie.state) in _WANTED:
            return None
        return accounts.account_named(self.tx, name)

    def _tell(self, name: str, origin: KnownPerson, target: str, state: str) -> None:
        body = msgspec.msgpack.encode(
            {"actor": origin.actor, "address": origin.address, "target": target, "state": state}
        )
        row = NewRow(InboxKind.MOVE, self.now_ms, hashlib.sha256(body).digest(), body)
        logs.post(self.tx, logs.inbox_log(name), row)


def followers_here(tx: ReadTx, actor: str) -> list[str]:
    """Names of the accounts here that follow an actor, or asked to."""
    found = [people.accounts_tied_to(tx, actor, FOLLOWING, state.value) for state in _WANTED]
    return sorted({name for page in found for _, name in page})
