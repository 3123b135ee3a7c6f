"""The commands about posts: post, timeline, delete, like, boost.

A post is kept, shown here and queued for elsewhere in one transaction. What somebody may not see does not
exist for them, whatever they ask to do with it.
"""

import re
import uuid
from collections.abc import Callable
from typing import Final

from yurt.activitypub.audience import Audience, Visibility, may_boost
from yurt.activitypub.delivery import Recipient
from yurt.activitypub.follow import FollowState
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.notes import Mention, Note
from yurt.activitypub.object_life import Arrival
from yurt.activitypub.posts import create_document, delete_document
from yurt.activitypub.reactions import (
    Announce,
    Like,
    UndoReaction,
    reaction_document,
    undo_reaction_document,
)
from yurt.activitypub.references import host_of
from yurt.node.clock import Clock
from yurt.node.dispatcher import Caller, Context, Handlers
from yurt.node.limiter import RESOLVE_RATE, Limiter, Rate
from yurt.node.people.directory import Directory
from yurt.node.people.post_ends import PostEnds, recipients_of
from yurt.node.store import accounts, blocks, people, posts
from yurt.node.store.posts import TimelineRow
from yurt.node.store.types import ReadTx, Store, Tx
from yurt.wire import post_commands
from yurt.wire.command import Done
from yurt.wire.post_commands import Boost, Delete, Post, Posted, PostInfo, Timeline, TimelinePage
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.sanitise import clean_body, clean_line

MAX_PAGE: Final = 200
MAX_TEXT: Final = 10_000
"""Characters of a post."""
MAX_WARNING: Final = 500
MAX_NAMED: Final = 10
"""People that a post can name."""
POST_RATE: Final = Rate(burst=30, every_s=10.0)
UNIQUE_SIZE: Final = 16
NEWEST: Final = 2**53 - 1
VISIBILITIES: Final = {visibility.name.lower(): visibility for visibility in Visibility}
_MENTION: Final = re.compile(r"(?<![\w/@])@([A-Za-z0-9_.-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")


class Posting:
    """Answers what a client asks about posts."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        directory: Directory,
        limiter: Limiter,
        wake_delivery: Callable[[], None],
        refuses: Callable[[str], str],
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._directory = directory
        self._limiter = limiter
        self._wake_delivery = wake_delivery
        self._refuses = refuses

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {
            Post.name: self.post,
            Timeline.name: self.timeline,
            Delete.name: self.delete,
            post_commands.Like.name: self.like,
            Boost.name: self.boost,
        }

    async def post(self, context: Context, command: Post) -> Posted:
        """Post something."""
        who, places = context.who, self._places(context.who)
        text, visibility = _checked(command)
        self._limiter.take("post", who.account, POST_RATE)
        answered = await self._answered(who, command.in_reply_to)
        mentions = await self._mentions(who, text)
        unique = uuid.UUID(bytes=command.unique) if command.unique else uuid.uuid4()
        named = [mention.actor for mention in mentions]
        if answered is not None and answered.author != who.actor:
            named.append(answered.author)
        note = Note(
            id=places.note(str(unique)),
            author=who.actor,
            text=text,
            audience=Audience(visibility, tuple(dict.fromkeys(named))),
            published=self._clock.now_s(),
            in_reply_to=command.in_reply_to,
            summary=clean_line(command.summary),
            mentions=mentions,
        )

        def unit(ends: PostEnds) -> None:
            if posts.number_of(ends.tx, note.author, note.id):
                return
            ends.keep(note, Arrival.MADE)
            document = create_document(f"{note.id}#create", note, places.followers)
            recipients = recipients_of(ends.tx, who.account, note)
            repair = visibility is Visibility.FOLLOWERS
            ends.send(who.account, document, recipients, repair=repair)

        await self._do(unit)
        return Posted(note.id)

    async def timeline(self, context: Context, command: Timeline) -> TimelinePage:
        """A page of the timeline, newest first."""
        who, limit = context.who, max(1, min(command.limit, MAX_PAGE))
        before = command.before if 0 < command.before < NEWEST else NEWEST

        def query(tx: ReadTx) -> list[TimelineRow]:
            account = accounts.account_named(tx, who.account)
            return posts.timeline_page(tx, account.id, who.actor, before, limit) if account else []

        rows = await self._store.read(query)
        shown = tuple(_info(row) for row in rows if not self._is_kept_out(row))
        return TimelinePage(shown, rows[-1].number if len(rows) == limit else 0)

    async def delete(self, context: Context, command: Delete) -> Done:
        """Take back an own post."""
        who, places = context.who, self._places(context.who)

        def unit(ends: PostEnds) -> None:
            note = posts.post_at(ends.tx, command.post)
            if note is None or note.author != who.actor:
                raise _no_post()
            ends.withdraw(who.actor, note.id)
            now_s = self._clock.now_s()
            document = delete_document(f"{note.id}#delete", note, places.followers, now_s)
            ends.send(who.account, document, recipients_of(ends.tx, who.account, note), repair=False)

        await self._do(unit)
        return Done()

    async def like(self, context: Context, command: post_commands.Like) -> Done:
        """Like a post, or no longer: its author is told."""
        who, places = context.who, self._places(context.who)

        def make(note: Note, unique: str) -> Like:
            return Like(unique or places.activity("likes", str(uuid.uuid4())), who.actor, note.id)

        await self._react(who, command.post, make, undo=command.undo)
        return Done()

    async def boost(self, context: Context, command: Boost) -> Done:
        """Show a public post to one's followers, or no longer."""
        who, places = context.who, self._places(context.who)

        def make(note: Note, unique: str) -> Announce:
            if not may_boost(note.audience.visibility, note.author, who.actor):
                raise refuse("notAllowed", "only public posts can be boosted")
            audience = Audience(max(Visibility.FOLLOWERS, note.audience.visibility))
            boost_id = unique or places.activity("boosts", str(uuid.uuid4()))
            return Announce(boost_id, who.actor, note.id, audience, self._clock.now_s())

        await self._react(who, command.post, make, undo=command.undo)
        return Done()

    # --- parts ---------------------------------------------------------------------------------------
    async def _react(
        self, who: Caller, uri: str, make: Callable[[Note, str], Like | Announce], *, undo: bool
    ) -> None:
        """Make a reaction, or take it back; asked twice, it is done once."""

        def unit(ends: PostEnds) -> None:
            note = self._visible(ends.tx, who, uri)
            reaction = make(note, "")
            known = posts.reaction_to(ends.tx, who.actor, type(reaction).__name__, uri)
            if undo == (known is None):
                return
            if known is None:
                ends.react(reaction)
                self._tell(ends, who, note, reaction, undo=False)
            else:
                ends.take_back(who.actor, known)
                self._tell(ends, who, note, make(note, known), undo=True)

        await self._do(unit)

    def _tell(
        self, ends: PostEnds, who: Caller, note: Note, reaction: Like | Announce, *, undo: bool
    ) -> None:
        places = self._places(who)
        if undo:
            undone = UndoReaction(places.activity("undos", str(uuid.uuid4())), who.actor, reaction)
            document = undo_reaction_document(undone, note.author, places.followers)
        else:
            document = reaction_document(reaction, note.author, places.followers)
        author = people.person_at(ends.tx, note.author)
        recipients = [Recipient(author.actor, author.inbox, author.shared_inbox)] if author else []
        if isinstance(reaction, Announce):
            followers = people.remote_inboxes(ends.tx, who.account, FollowState.ACCEPTED.value)
            recipients += [Recipient(*row) for row in followers]
        ends.send(who.account, document, recipients, repair=False)

    def _visible(self, tx: ReadTx, who: Caller, uri: str) -> Note:
        """A post that the account may see.

        Raises:
            ProblemError: `notFound`.
        """
        note, account = posts.post_at(tx, uri), accounts.account_named(tx, who.account)
        if note is None or account is None:
            raise _no_post()
        public = note.audience.visibility >= Visibility.UNLISTED
        blocked = blocks.block_of(tx, who.account, note.author, blocks.BLOCKED_BY) is not None
        if blocked or not (public or posts.is_shown(tx, account.id, uri)):
            raise _no_post()
        return note

    def _is_kept_out(self, row: TimelineRow) -> bool:
        """Whether a post or who shows it is of a domain that is blocked by now."""
        hosts = {host_of(row.note.author), row.booster.rpartition("@")[2] or self._domain}
        return any(self._refuses(host) for host in hosts)

    async def _answered(self, who: Caller, uri: str) -> Note | None:
        return await self._store.read(lambda tx: self._visible(tx, who, uri)) if uri else None

    async def _mentions(self, who: Caller, text: str) -> tuple[Mention, ...]:
        """Who is named in a text; a name that leads nowhere stays text."""
        found = list[Mention]()
        for address in list(dict.fromkeys(_MENTION.findall(text)))[:MAX_NAMED]:
            self._limiter.take("resolve", who.account, RESOLVE_RATE)
            try:
                person = await self._directory.find(address)
            except ProblemError:
                continue
            found.append(Mention(person.actor, f"@{address}"))
        return tuple(found)

    async def _do(self, unit: Callable[[PostEnds], None]) -> None:
        now_ms = self._clock.now_ms()

        def run(tx: Tx) -> None:
            unit(PostEnds(tx, self._domain, now_ms))

        await self._store.write(run)
        self._wake_delivery()

    def _places(self, who: Caller) -> PersonLocations:
        return PersonLocations(self._domain, who.account)


def _checked(command: Post) -> tuple[str, Visibility]:
    text, visibility = clean_body(command.text).strip(), VISIBILITIES.get(command.visibility)
    if visibility is None:
        raise refuse("badRequest", f"a post is for one of: {', '.join(VISIBILITIES)}")
    if not text or len(text) > MAX_TEXT or len(command.summary) > MAX_WARNING:
        raise refuse("badRequest", f"a post has 1 to {MAX_TEXT} characters, its warning up to {MAX_WARNING}")
    if command.unique and len(command.unique) != UNIQUE_SIZE:
        raise refuse("badRequest", f"unique has {UNIQUE_SIZE} bytes")
    return text, visibility


def _info(row: TimelineRow) -> PostInfo:
    note = row.note
    return PostInfo(
        number=row.number,
        id=note.id,
        author=row.address,
        text=note.text,
        published=note.published,
        visibility=note.audience.visibility.name.lower(),
        summary=note.summary,
        in_reply_to=note.in_reply_to,
        boosted_by=row.booster,
        edited=note.updated,
        likes=row.likes,
        boosts=row.boosts,
        liked=row.liked,
        boosted=row.boosted,
        notify=row.notify,
    )


def _no_post() -> ProblemError:
    return refuse("notFound", "there is no such post here")
