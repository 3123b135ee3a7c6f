"""Both ends of a follow as units of work: `yurt.activitypub.follow` decides, this keeps and sends.

State, outgoing activity and inbox row are one transaction. An activity for somebody who lives here goes to
the other end at once, in the same unit; for everybody else it goes into the queue of deliveries.
"""

import hashlib
import uuid
from dataclasses import dataclass
from typing import Final

import msgspec

from yurt.activitypub import activities
from yurt.activitypub.activities import Accept, Follow, FollowReference, Reject, Undo
from yurt.activitypub.delivery import Recipient, plan
from yurt.activitypub.follow import (
    UNDO_MEMORY_S,
    Effect,
    Effects,
    Event,
    FollowLife,
    FollowState,
    as_followed,
    as_follower,
    block,
    receive_follow,
)
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.references import Json, write
from yurt.node.ids import account_at
from yurt.node.portability.refusals import refuses
from yurt.node.store import accounts, deliveries, logs, moving, people, replay
from yurt.node.store.accounts import AccountRow
from yurt.node.store.deliveries import NewDelivery
from yurt.node.store.logs import NewRow
from yurt.node.store.people import FOLLOWER, FOLLOWING, KnownPerson
from yurt.node.store.types import Tx
from yurt.wire.registry import InboxKind

FollowActivity = Follow | Accept | Reject | Undo
MAX_WAITING: Final = 50
"""What waits of an account for one inbox: beyond that a Follow is answered when it comes again."""
MAX_TOLD: Final = 6
"""Times an hour that an account is told how one person's follow of it stands: somebody who follows and
unfollows all day fills no inbox."""
_HOUR_S: Final = 3_600
_EVENTS: Final = {Accept: Event.ACCEPTED, Reject: Event.REJECTED}


@dataclass(frozen=True, slots=True)
class FollowEnds:
    """The ends of follows at this node, within one unit of work."""

    tx: Tx
    domain: str
    now_ms: int

    # --- the follower's end ----------------------------------------------------------------------------
    def follow(self, account: AccountRow, person: KnownPerson) -> None:
        """The account wants to follow somebody."""
        self._follower(account, person, Event.SENT)

    def unfollow(self, account: AccountRow, person: KnownPerson) -> None:
        """The account follows somebody no longer."""
        self._follower(account, person, Event.UNDONE)

    def answer(self, account: AccountRow, person: KnownPerson, event: Event) -> None:
        """The account accepts or rejects a follower, or who asks to be one."""
        life = self._life(account, person, FOLLOWER)
        after, effects = as_followed(life, event, life.follow_id)
        self._followed(account, person, after, effects)

    def end(self, account: AccountRow, person: KnownPerson, *, by_them: bool) -> None:
        """End the follows between two, because one of them blocks the other."""
        places = PersonLocations(self.domain, account.name)
        mine, theirs = self._life(account, person, FOLLOWING), self._life(account, person, FOLLOWER)
        mine_after, theirs_after, effects = block(mine, theirs, by_them=by_them)
        self._keep(account, person, FOLLOWING, mine, mine_after)
        self._keep(account, person, FOLLOWER, theirs, theirs_after)
        of_mine = tuple(effect for effect in effects if effect is Effect.SEND_UNDO)
        of_theirs = tuple(effect for effect in effects if effect is Effect.SEND_REJECT)
        self._do(account, person, Follow(mine.follow_id, places.actor, person.actor), of_mine)
        self._do(account, person, Follow(theirs.follow_id, person.actor, places.actor), of_theirs)
        if Effect.TELL in effects:
            self._tell(account, person, InboxKind.FOLLOW_ANSWER, mine_after.state)

    # --- what a list of followers shows (FEP-8fcf) -----------------------------------------------------
    def was_removed(self, account: AccountRow, person: KnownPerson) -> None:
        """Their node knows nothing of the follow."""
        self._follower(account, person, Event.REJECTED)

    def was_accepted(self, account: AccountRow, person: KnownPerson) -> None:
        """Their node has accepted the follow; its answer was lost."""
        self._follower(account, person, Event.ACCEPTED)

    def never_followed(self, account: AccountRow, person: KnownPerson) -> None:
        """Their node believes in a follow that is none here: undo it there."""
        places = PersonLocations(self.domain, account.name)
        life = self._life(account, person, FOLLOWING)
        follow_id = life.follow_id or places.activity("follows", str(uuid.uuid4()))
        follow = Follow(follow_id, places.actor, person.actor)
        self._do(account, person, follow, (Effect.SEND_UNDO,), is_answer=True)

    # --- what arrives, from there or from here ---------------------------------------------------------
    def take(self, activity: FollowActivity) -> None:
        """Take in an activity that its actor really sent; what concerns nobody here changes nothing."""
        person = people.person_at(self.tx, activity.actor)
        if person is None:
            return
        match activity:
            case Follow():
                self._take_follow(activity, person)
            case Undo():
                self._take_undo(activity, person)
            case Accept() | Reject():
                for account in self._accounts(activity.follow.actor, activity.follow.id, person, FOLLOWING):
                    self._follower(account, person, _EVENTS[type(activity)])

    def _take_follow(self, activity: Follow, person: KnownPerson) -> None:
        account = self._account(activity.object)
        if account is None or replay.was_seen(self.tx, undone_key(activity.actor, activity.id), self._now_s):
            return
        life = self._life(account, person, FOLLOWER)
        after, effects = receive_follow(
            life,
            activity.id,
            locked=people.is_locked(self.tx, account.name),
            refused=refuses(self.tx, account, person),
        )
        self._followed(account, person, after, effects)

    def _take_undo(self, activity: Undo, person: KnownPerson) -> None:
        about = activity.follow
        found = self._accounts(about.object, about.id, person, FOLLOWER)
        if not found:
            # It overtook its Follow, and does not say whose: remember the id.
            key, until = undone_key(activity.actor, about.id), self._now_s + UNDO_MEMORY_S
            replay.first_time(self.tx, key, self._now_s, until)
        for account in found:
            life = self._life(account, person, FOLLOWER)
            after, effects = as_followed(life, Event.UNDONE, about.id)
            self._followed(account, person, after, effects)

    def _accounts(self, actor: str, follow_id: str, person: KnownPerson, direction: str) -> list[AccountRow]:
        """Whose follow it is: the actor that is named, else whoever has a tie made by this Follow."""
        if actor:
            account = self._account(actor)
            return [account] if account else []
        names = people.ties_by_activity(self.tx, follow_id, person.actor, direction) if follow_id else []
        return [account for name in names if (account := accounts.account_named(self.tx, name))]

    # --- moving one end --------------------------------------------------------------------------------
    def _follower(self, account: AccountRow, person: KnownPerson, event: Event) -> None:
        places = PersonLocations(self.domain, account.name)
        new_id = places.activity("follows", str(uuid.uuid4()))
        before = self._life(account, person, FOLLOWING)
        life, effects = as_follower(before, event, new_id)
        self._keep(account, person, FOLLOWING, before, life)
        follow, is_answer = Follow(life.follow_id, places.actor, person.actor), event is Event.ACCEPTED
        self._do(account, person, follow, effects, is_answer=is_answer)
        if Effect.TELL in effects:
            self._tell(account, person, InboxKind.FOLLOW_ANSWER, life.state)

    def _followed(self, account: AccountRow, person: KnownPerson, life: FollowLife, effects: Effects) -> None:
        places = PersonLocations(self.domain, account.name)
        self._keep(account, person, FOLLOWER, self._life(account, person, FOLLOWER), life)
        if Effect.TELL in effects and self._may_tell(account, person):
            self._tell(account, person, InboxKind.FOLLOW, life.state)
        self._do(account, person, Follow(life.follow_id, person.actor, places.actor), effects)

    def _life(self, account: AccountRow, person: KnownPerson, direction: str) -> FollowLife:
        tie = people.tie_with(self.tx, account.name, person.actor, direction)
        return FollowLife(FollowState(tie.state), tie.activity) if tie else FollowLife()

    def _keep(
        self, account: AccountRow, person: KnownPerson, direction: str, before: FollowLife, after: FollowLife
    ) -> None:
        if before != after:
            number = people.put_person(self.tx, person)
            tie = (after.state.value, after.follow_id, self._now_s)
            people.put_tie(self.tx, account.id, number, direction, tie)

    def _do(
        self,
        account: AccountRow,
        person: KnownPerson,
        follow: Follow,
        effects: Effects,
        *,
        is_answer: bool = False,
    ) -> None:
        """Send what follows from a move, which somebody else may have made (`is_answer`)."""
        places = PersonLocations(self.domain, account.name)
        for effect in effects:
            if effect is not Effect.TELL:
                activity = _activity(effect, places, follow)
                self._send(account, person, activity, follow, is_answer=is_answer)

    def _send(
        self,
        account: AccountRow,
        person: KnownPerson,
        activity: FollowActivity,
        follow: Follow,
        *,
        is_answer: bool,
    ) -> None:
        if account_at(self.domain, person.actor) is not None:
            self.take(activity)
            return
        if (is_answer or isinstance(activity, Accept | Reject)) and self._is_full(account, person):
            return
        body = write(_document(activity, follow))
        new = NewDelivery(account.name, body, is_follow=isinstance(activity, Follow))
        deliveries.add_deliveries(self.tx, new, plan([Recipient(person.actor, person.inbox)]), self.now_ms)

    def _is_full(self, account: AccountRow, person: KnownPerson) -> bool:
        """Whether enough answers wait for an inbox: any actor may name any, also one of somebody else."""
        return moving.count_waiting(self.tx, account.name, person.inbox) >= MAX_WAITING

    def _may_tell(self, account: AccountRow, person: KnownPerson) -> bool:
        name = f"told/{account.name}/{person.actor}/{self._now_s // _HOUR_S}"
        return replay.take_place(self.tx, name, MAX_TOLD, self._now_s, self._now_s + _HOUR_S)

    def _tell(self, account: AccountRow, person: KnownPerson, kind: InboxKind, state: FollowState) -> None:
        body = msgspec.msgpack.encode(
            {"actor": person.actor, "address": person.address, "state": state.value}
        )
        row = NewRow(kind, self.now_ms, hashlib.sha256(body).digest(), body)
        logs.post(self.tx, logs.inbox_log(account.name), row)

    def _account(self, actor: str) -> AccountRow | None:
        name = account_at(self.domain, actor)
        return accounts.account_named(self.tx, name) if name else None

    @property
    def _now_s(self) -> int:
        return self.now_ms // 1000


def _activity(effect: Effect, places: PersonLocations, follow: Follow) -> FollowActivity:
    unique = str(uuid.uuid4())
    about = FollowReference(follow.id, follow.actor, follow.object)
    match effect:
        case Effect.SEND_ACCEPT:
            return Accept(places.activity("accepts", unique), places.actor, about)
        case Effect.SEND_REJECT:
            return Reject(places.activity("rejects", unique), places.actor, about)
        case Effect.SEND_UNDO:
            return Undo(places.activity("undos", unique), places.actor, about)
        case _:
            return follow


def _document(activity: FollowActivity, follow: Follow) -> Json:
    match activity:
        case Follow():
            return activities.follow_document(activity)
        case Accept():
            return activities.accept_document(activity.id, follow)
        case Reject():
            return activities.reject_document(activity.id, follow)
        case Undo():
            return activities.undo_document(activity.id, follow)


def undone_key(actor: str, about: str) -> bytes:
    """The memory of an Undo or Delete that came before what it is about."""
    return b"undo/" + hashlib.sha256(f"{actor}\n{about}".encode()).digest()
