"""Blocks as units of work, from here and from elsewhere; `yurt.activitypub.follow.block` ends the follows.

A Block is told to whom it is about, as Mastodon and GoToSocial do: their node then stops showing what it
must not. A mute is nobody's business but the account's.
"""

import uuid
from dataclasses import dataclass

from yurt.activitypub.delivery import Recipient
from yurt.activitypub.follow import UNDO_MEMORY_S
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.reactions import (
    Block,
    UndoReaction,
    reaction_document,
    undo_reaction_document,
)
from yurt.node.ids import account_at
from yurt.node.people.follow_ends import FollowEnds, undone_key
from yurt.node.people.post_ends import PostEnds
from yurt.node.store import accounts, blocks, people, replay
from yurt.node.store.accounts import AccountRow
from yurt.node.store.people import KnownPerson
from yurt.node.store.types import Tx


@dataclass(frozen=True, slots=True)
class BlockEnds:
    """Blocks at this node, within one unit of work."""

    tx: Tx
    domain: str
    now_ms: int

    def block(self, account: AccountRow, person: KnownPerson) -> None:
        """The account wants to have nothing to do with somebody."""
        if blocks.block_of(self.tx, account.name, person.actor, blocks.BLOCK) is not None:
            return
        places = PersonLocations(self.domain, account.name)
        activity = Block(places.activity("blocks", str(uuid.uuid4())), places.actor, person.actor)
        number = people.put_person(self.tx, person)
        FollowEnds(self.tx, self.domain, self.now_ms).end(account, person, by_them=False)
        blocks.put_block(self.tx, account.id, number, blocks.BLOCK, activity.id, self.now_ms // 1000)
        if account_at(self.domain, person.actor) is not None:
            self.take(activity)
        else:
            document = reaction_document(activity, person.actor, places.followers)
            self._posts.send(account.name, document, [_recipient(person)], repair=False)

    def unblock(self, account: AccountRow, person: KnownPerson) -> None:
        """The account blocks somebody no longer; no follow comes back by itself."""
        block_id = blocks.block_of(self.tx, account.name, person.actor, blocks.BLOCK)
        if block_id is None:
            return
        places = PersonLocations(self.domain, account.name)
        blocks.drop_block(self.tx, account.name, person.actor, blocks.BLOCK)
        if account_at(self.domain, person.actor) is not None:
            self.take_back(places.actor, block_id)
        else:
            undo = UndoReaction(
                places.activity("undos", str(uuid.uuid4())),
                places.actor,
                Block(block_id, places.actor, person.actor),
            )
            document = undo_reaction_document(undo, person.actor, places.followers)
            self._posts.send(account.name, document, [_recipient(person)], repair=False)

    def take(self, activity: Block) -> None:
        """Take in that somebody blocks an account: follows end both ways, and nothing is sent."""
        name, now_s = account_at(self.domain, activity.target), self.now_ms // 1000
        account = accounts.account_named(self.tx, name) if name else None
        person = people.person_at(self.tx, activity.actor)
        if account is None or person is None:
            return
        if replay.was_seen(self.tx, undone_key(activity.actor, activity.id), now_s):
            return
        number = people.put_person(self.tx, person)
        blocks.put_block(self.tx, account.id, number, blocks.BLOCKED_BY, activity.id, now_s)
        FollowEnds(self.tx, self.domain, self.now_ms).end(account, person, by_them=True)

    def take_back(self, actor: str, block_id: str) -> bool:
        """Take in that somebody takes a Block back; False if it has not come (yet)."""
        if blocks.drop_blocks_by(self.tx, actor, block_id):
            return True
        now_s = self.now_ms // 1000
        replay.first_time(self.tx, undone_key(actor, block_id), now_s, now_s + UNDO_MEMORY_S)
        return False

    @property
    def _posts(self) -> PostEnds:
        return PostEnds(self.tx, self.domain, self.now_ms)


def _recipient(person: KnownPerson) -> Recipient:
    return Recipient(person.actor, person.inbox)
