"""What an activity that arrived changes here, whatever kind it is: one unit of work for each.

The order in which activities arrive does not matter, and one that comes twice counts once. What must be
fetched before (a post that is only named) is fetched by the inbox; here nothing waits.
"""

from dataclasses import dataclass

from yurt.activitypub.activities import Accept, Follow, Reject, Undo
from yurt.activitypub.follow import FollowState
from yurt.activitypub.inbox import InboxActivity
from yurt.activitypub.mls_objects import MlsObject
from yurt.activitypub.moves import GoneEffect, TieEvent, after_self_delete
from yurt.activitypub.notes import Note
from yurt.activitypub.object_life import Arrival
from yurt.activitypub.posts import Create, Delete, Update
from yurt.activitypub.reactions import Announce, Block, Like, UndoReaction
from yurt.node.people.block_ends import BlockEnds
from yurt.node.people.follow_ends import FollowEnds
from yurt.node.people.move_ends import MoveEnds
from yurt.node.people.post_ends import PostEnds
from yurt.node.people.swicg import refuse_politely
from yurt.node.store import accounts, people
from yurt.node.store.types import Tx


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Takes activities in, within one unit of work."""

    tx: Tx
    domain: str
    now_ms: int

    def take(self, activity: InboxActivity) -> None:
        """Take in an activity that its actor really sent; what concerns nobody here changes nothing."""
        match activity:
            case Follow() | Accept() | Reject():
                self._follows.take(activity)
                if isinstance(activity, Reject):
                    self._moves.follow_answered(activity.follow.id, TieEvent.FAILED)
            case Undo():
                self._undo(activity)
            case Create(content=Note() as note):
                self._posts.keep(note, Arrival.MADE)
            case Create(content=MlsObject()):
                refuse_politely(self.tx, self.domain, activity, self.now_ms)
            case Update(content=Note() as note):
                self._posts.keep(note, Arrival.CHANGED)
            case Delete():
                self._delete(activity)
            case _:
                self._take_reaction(activity)

    def _take_reaction(self, activity: InboxActivity) -> None:
        match activity:
            case Like() | Announce():
                self._posts.react(activity)
            case Block():
                self._blocks.take(activity)
            case UndoReaction():
                self._undo_reaction(activity)
            case _:
                return

    def _undo(self, activity: Undo) -> None:
        """An Undo of a Follow, or one that only names what it is about, which may be anything."""
        about = activity.follow
        if not about.object and about.id:
            self._blocks.take_back(activity.actor, about.id)
            self._posts.take_back(activity.actor, about.id)
        self._follows.take(activity)

    def _undo_reaction(self, activity: UndoReaction) -> None:
        reaction = activity.reaction
        if isinstance(reaction, Block):
            self._blocks.take_back(activity.actor, reaction.id)
        else:
            self._posts.take_back(activity.actor, reaction.id)

    def _delete(self, activity: Delete) -> None:
        if not activity.is_self:
            self._posts.withdraw(activity.actor, activity.object_id)
            return
        person = people.person_at(self.tx, activity.actor)
        if person is None:
            return
        people.mark_gone(self.tx, activity.actor, self.now_ms // 1000)
        self._posts.withdraw_all(activity.actor)
        if GoneEffect.END_TIES in after_self_delete(person.did):
            names = {
                name
                for direction in (people.FOLLOWER, people.FOLLOWING)
                for state in (FollowState.PENDING, FollowState.ACCEPTED)
                for _, name in people.accounts_tied_to(self.tx, activity.actor, direction, state.value)
            }
            for name in sorted(names):
                account = accounts.account_named(self.tx, name)
                if account is not None:
                    self._follows.end(account, person, by_them=True)

    @property
    def _follows(self) -> FollowEnds:
        return FollowEnds(self.tx, self.domain, self.now_ms)

    @property
    def _moves(self) -> MoveEnds:
        return MoveEnds(self.tx, self.domain, self.now_ms)

    @property
    def _posts(self) -> PostEnds:
        return PostEnds(self.tx, self.domain, self.now_ms)

    @property
    def _blocks(self) -> BlockEnds:
        return BlockEnds(self.tx, self.domain, self.now_ms)
