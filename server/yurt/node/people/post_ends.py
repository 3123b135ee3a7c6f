"""Posts and reactions as units of work: `yurt.activitypub.object_life` decides, this keeps and shows.

A post is kept only if it is for somebody here: for followers of its author, for whom it names, or as an
answer to a post from here. Posts of accounts of this node go the same way: kept and shown here, and sent to
followers elsewhere in the same transaction.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from yurt.activitypub.audience import Visibility, may_boost
from yurt.activitypub.delivery import Recipient, plan
from yurt.activitypub.follow import UNDO_MEMORY_S, FollowState
from yurt.activitypub.home_filter import is_wanted
from yurt.activitypub.http_signatures.policy import SKEW_S
from yurt.activitypub.notes import Note
from yurt.activitypub.object_life import Arrival, ObjectEffect, arrive
from yurt.activitypub.reactions import Announce, Like
from yurt.activitypub.references import Json, write
from yurt.node.ids import account_at, actor_url
from yurt.node.people.follow_ends import undone_key
from yurt.node.people.proving import prove
from yurt.node.portability.refusals import refuses
from yurt.node.store import accounts, deliveries, people, posts, replay, said
from yurt.node.store.deliveries import NewDelivery
from yurt.node.store.people import FOLLOWING, KnownPerson
from yurt.node.store.types import ReadTx, Tx

_ACCEPTED: Final = FollowState.ACCEPTED.value


@dataclass(frozen=True, slots=True)
class PostEnds:
    """Posts and reactions at this node, within one unit of work."""

    tx: Tx
    domain: str
    now_ms: int

    # --- posts ---------------------------------------------------------------------------------------
    def keep(self, note: Note, arrival: Arrival) -> None:
        """Take in a post, or a change of one, that its author really sent."""
        if self._was_withdrawn(note.author, note.id):
            return
        note = in_time(note, self._now_s)
        life = posts.life_of_post(self.tx, note.author, note.id)
        _, effects = arrive(life, arrival, note.version)
        readers = self._readers(note)
        if ObjectEffect.REPLACE in effects:
            posts.put_post(self.tx, note)
        elif ObjectEffect.KEEP in effects and (readers or self._is_ours(note)):
            number = posts.put_post(self.tx, note)
            self._show(number, note, readers, "")

    def withdraw(self, author: str, uri: str) -> None:
        """Take in that an author deleted a post."""
        life = posts.life_of_post(self.tx, author, uri)
        after, effects = arrive(life, Arrival.WITHDRAWN)
        if ObjectEffect.ERASE in effects:
            posts.erase_post(self.tx, author, uri, self._now_s)
        elif after != life:
            self._remember(author, uri)

    def withdraw_all(self, actor: str) -> None:
        """Take in that somebody is gone: what they posted and reacted goes."""
        posts.erase_posts_by(self.tx, actor, self._now_s)
        posts.drop_reactions_by(self.tx, actor)

    # --- reactions -----------------------------------------------------------------------------------
    def react(self, reaction: Like | Announce) -> None:
        """Take in a reaction to a post that is kept here; of others nothing is known."""
        note = posts.post_at(self.tx, reaction.target)
        if note is None or self._was_withdrawn(reaction.actor, reaction.id):
            return
        if self._is_blocked(note.author, reaction.actor):
            return
        if isinstance(reaction, Like):
            posts.put_reaction(self.tx, reaction.actor, posts.LIKE, reaction.id, note.id)
        elif may_boost(note.audience.visibility, note.author, reaction.actor):
            posts.put_reaction(self.tx, reaction.actor, posts.BOOST, reaction.id, note.id)
            readers = people.accounts_tied_to(self.tx, reaction.actor, FOLLOWING, _ACCEPTED)
            number = posts.number_of(self.tx, note.author, note.id)
            self._show(number, note, readers, reaction.actor)

    def take_back(self, actor: str, reaction_id: str) -> None:
        """Take in that somebody takes a reaction back; it may come before the reaction."""
        dropped = posts.drop_reaction(self.tx, actor, reaction_id)
        if dropped is None:
            self._remember(actor, reaction_id)
        elif dropped[0] == posts.BOOST:
            posts.unshow_boost(self.tx, actor, dropped[1])

    # --- sending -------------------------------------------------------------------------------------
    def send(self, sender: str, document: Json, recipients: Iterable[Recipient], *, repair: bool) -> None:
        """Queue an activity of an account for people elsewhere.

        Args:
            sender: The account.
            document: The activity.
            recipients: For whom; those who live here are passed over.
            repair: Whether it goes with the digest of the followers (FEP-8fcf).
        """
        stops = plan(recipient for recipient in recipients if recipient.inbox)
        proved = prove(self.tx, self.domain, sender, document, self._now_s)
        new = NewDelivery(sender, write(proved), for_followers=repair)
        deliveries.add_deliveries(self.tx, new, stops, self.now_ms)

    # --- who -----------------------------------------------------------------------------------------
    def _readers(self, note: Note) -> list[tuple[int, str]]:
        """Accounts that are to see a post."""
        found = dict[int, str]()
        if note.audience.visibility >= Visibility.FOLLOWERS:
            found |= dict(people.accounts_tied_to(self.tx, note.author, FOLLOWING, _ACCEPTED))
        for actor in (note.author, *note.audience.actors):
            name = account_at(self.domain, actor)
            account = accounts.account_named(self.tx, name) if name else None
            if account is not None:
                found[account.id] = account.name
        return list(found.items())

    def _is_ours(self, note: Note) -> bool:
        """Whether it is an answer to a post from here, or to one that is kept."""
        return bool(note.in_reply_to) and posts.post_at(self.tx, note.in_reply_to) is not None

    def _show(self, number: int, note: Note, readers: Iterable[tuple[int, str]], booster: str) -> None:
        """Show a post to readers who block neither its author nor who boosts it, and want such posts."""
        by = {note.author, booster or note.author}
        followed = people.person_at(self.tx, booster or note.author)
        for account_id, name in readers:
            if any(self._refuses(name, actor) for actor in by):
                continue
            if self._is_wanted(account_id, name, note, followed, is_boost=bool(booster)):
                posts.show(self.tx, account_id, number, booster, self.now_ms)

    def _is_wanted(
        self, account_id: int, name: str, note: Note, followed: KnownPerson | None, *, is_boost: bool
    ) -> bool:
        """Whether how a reader follows somebody brings such a post."""
        if followed is None:
            return True
        settings = said.follow_settings(self.tx, account_id, followed.address)
        names_reader = actor_url(self.domain, name) in (note.author, *note.audience.actors)
        return is_wanted(
            settings, is_boost=is_boost, language=note.language, names_reader=names_reader and not is_boost
        )

    def _is_blocked(self, author: str, actor: str) -> bool:
        name = account_at(self.domain, author)
        return name is not None and self._refuses(name, actor)

    def _refuses(self, name: str, actor: str) -> bool:
        """Whether an account wants nothing of somebody: by actor, by address or by their node."""
        account, person = accounts.account_named(self.tx, name), people.person_at(self.tx, actor)
        return account is not None and person is not None and refuses(self.tx, account, person)

    # --- what came too early -------------------------------------------------------------------------
    def _remember(self, actor: str, about: str) -> None:
        until = self._now_s + UNDO_MEMORY_S
        replay.first_time(self.tx, undone_key(actor, about), self._now_s, until)

    def _was_withdrawn(self, actor: str, about: str) -> bool:
        return bool(about) and replay.was_seen(self.tx, undone_key(actor, about), self._now_s)

    @property
    def _now_s(self) -> int:
        return self.now_ms // 1000


def in_time(note: Note, now_s: int) -> Note:
    """Take no post for later than clocks may be ahead: no edit would be newer, and it would stay for ever."""
    latest = now_s + SKEW_S
    return replace(note, published=min(note.published, latest), updated=min(note.updated, latest))


def recipients_of(tx: ReadTx, account: str, note: Note) -> list[Recipient]:
    """Whom a post of an account is sent to: followers if it is for them, and whom it names."""
    found = list[Recipient]()
    if note.audience.visibility >= Visibility.FOLLOWERS:
        found += [Recipient(*row) for row in people.remote_inboxes(tx, account, _ACCEPTED)]
    for actor in note.audience.actors:
        person = people.person_at(tx, actor)
        if person is not None:
            found.append(Recipient(actor, person.inbox, person.shared_inbox))
    return found
