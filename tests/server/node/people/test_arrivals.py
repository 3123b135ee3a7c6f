"""Whatever arrives, in whatever order and however often, ends the same."""

import itertools
import json
from collections.abc import AsyncIterator, Iterable
from functools import partial
from pathlib import Path

import msgspec
import pytest

from yurt.activitypub.activities import Accept, Follow, FollowReference, Undo
from yurt.activitypub.audience import Audience, Visibility
from yurt.activitypub.follow import FollowState
from yurt.activitypub.inbox import InboxActivity
from yurt.activitypub.mls_objects import MlsKind, MlsObject
from yurt.activitypub.notes import Note
from yurt.activitypub.posts import Create, Delete, Update
from yurt.activitypub.reactions import Announce, Block, Like, UndoReaction
from yurt.node.accounts.testing import Newcomer, actor_key
from yurt.node.people.arrivals import Arrivals
from yurt.node.people.follow_ends import MAX_WAITING as MAX_ANSWERS_WAIT
from yurt.node.people.follow_ends import FollowEnds
from yurt.node.people.swicg import MAX_TOLD_A_DAY, MAX_WAITING
from yurt.node.people.tidying import Tidying
from yurt.node.store import accounts, blocks, people, posts
from yurt.node.store.accounts import NewAccount, StoredLogin
from yurt.node.store.people import KnownPerson
from yurt.node.store.sqlite import SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import ReadTx, Tx
from yurt.node.testing_clock import SetClock
from yurt.wire.registry import InboxKind
from yurt.wire.swicg_commands import ConversationTried

HARBOUR = "harbour.example"
NOW_MS = 1_700_000_000_000
DAY_MS = 86_400_000
ANA = f"https://{HARBOUR}/users/ana"
BO = "https://hill.example/users/bo"
POST = f"{BO}/notes/1"
FOR_FOLLOWERS = Audience(Visibility.FOLLOWERS)


def note(text: str = "hello", *, updated: int = 0, audience: Audience = FOR_FOLLOWERS) -> Note:
    return Note(id=POST, author=BO, text=text, audience=audience, published=100, updated=updated)


CREATE = Create(f"{POST}#create", BO, POST, note())
EDIT = Update(f"{POST}#edit", BO, POST, note("hello, all", updated=200))
DELETE = Delete(f"{POST}#delete", BO, POST)


class Here:
    """Ana's node, who follows Bo."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store

    async def take(self, *activities: InboxActivity) -> None:
        """Let activities arrive, each in a unit of its own."""
        for activity in activities:
            await self.store.write(partial(_take, activity))

    async def timeline(self, account: str = "ana") -> list[str]:
        """What ana sees."""

        def query(tx: ReadTx) -> list[str]:
            row = accounts.account_named(tx, account)
            assert row is not None
            page = posts.timeline_page(tx, row.id, ANA, 2**53, 50)
            return [f"{line.address}: {line.note.text}" for line in page]

        return await self.store.read(query)

    async def ties(self) -> tuple[str, str]:
        """How ana follows bo, and bo ana."""

        def query(tx: ReadTx) -> tuple[str, str]:
            ties = [people.tie_with(tx, "ana", BO, way) for way in (people.FOLLOWING, people.FOLLOWER)]
            first, second = (tie.state if tie else "none" for tie in ties)
            return first, second

        return await self.store.read(query)

    async def told_of_conversations(self) -> list[str]:
        """Of whom ana's devices are told that they tried to begin a conversation."""
        rows = await self.store.read(
            lambda tx: tx.rows("SELECT body FROM entry WHERE kind = ?", InboxKind.CONVERSATION)
        )
        return [msgspec.msgpack.decode(row[0], type=ConversationTried).address for row in rows]

    async def sent(self) -> list[bytes]:
        """What waits to go out."""
        rows = await self.store.read(lambda tx: tx.rows("SELECT body FROM delivery ORDER BY id"))
        return [bytes(row[0]) for row in rows]


def _take(activity: InboxActivity, tx: Tx) -> None:
    Arrivals(tx, HARBOUR, NOW_MS).take(activity)


async def _open(path: Path) -> Here:
    store = await SqliteStore.open(path, STEPS)

    def unit(tx: Tx) -> None:
        did = Newcomer("ana", HARBOUR).identity.did
        account = NewAccount("ana", did, b"", actor_key(), "", StoredLogin(b"", b"", 8, 1), 0)
        accounts.add_account(tx, account, "")
        people.put_person(tx, KnownPerson(ANA, "ana@harbour.example", did))
        bo = KnownPerson(BO, "bo@hill.example", inbox=f"{BO}/inbox", followers=f"{BO}/followers")
        people.put_person(tx, bo)
        row = accounts.account_named(tx, "ana")
        assert row is not None
        FollowEnds(tx, HARBOUR, NOW_MS).follow(row, bo)

    await store.write(unit)
    return Here(store)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Here]:
    """Ana's node; bo has accepted her follow and follows her."""
    found = await _open(tmp_path / "node.db")
    await found.take(
        Accept("", BO, FollowReference("", ANA, BO)),
        Follow(f"{BO}#follows/1", BO, ANA),
    )
    yield found
    await found.store.close()


async def test_a_foreign_welcome_is_refused_politely(here: Here) -> None:
    """Its sender is told that this cannot be done yet; a key package needs no answer, and nothing is kept."""
    before, ways = len(await here.sent()), {MlsKind.KEY_PACKAGE: 5, MlsKind.WELCOME: 3}
    for kind, number in ways.items():
        content = bytes([0, 1, 0, number]) + b"x"
        message = MlsObject(f"{BO}/mls/{number}", kind, BO, (ANA, "https://x.example/y"), content)
        await here.take(Create(f"{BO}#mls/{number}", BO, message.id, message))

    [answer] = [json.loads(body) for body in (await here.sent())[before:]]
    assert (answer["type"], answer["object"], answer["to"]) == ("Reject", f"{BO}#mls/3", [BO])
    for number in range(20):
        flood = MlsObject(f"{BO}/mls/f{number}", MlsKind.WELCOME, BO, (ANA,), b"x")
        await here.take(Create(f"{BO}#mls/f{number}", BO, flood.id, flood))
    assert len(await here.sent()) <= MAX_WAITING
    assert await here.timeline() == []
    assert await here.told_of_conversations() == ["bo@hill.example"]


async def test_strangers_fill_no_inbox_with_welcomes(here: Here) -> None:
    """So many a day are told; whoever is blocked is neither told nor answered."""
    before = await here.sent()

    def unit(tx: Tx) -> None:
        account = accounts.account_named(tx, "ana")
        assert account is not None
        for number in range(2 * MAX_TOLD_A_DAY):
            actor = f"https://evil.example/users/{number}"
            eve = KnownPerson(actor, f"{number}@evil.example", inbox=f"{actor}/inbox")
            person = people.put_person(tx, eve)
            if number == 0:
                blocks.put_block(tx, account.id, person, blocks.BLOCK, "x", 0)

    await here.store.write(unit)
    for number in range(2 * MAX_TOLD_A_DAY):
        actor = f"https://evil.example/users/{number}"
        message = MlsObject(f"{actor}/mls", MlsKind.WELCOME, actor, (ANA,), b"x")
        await here.take(Create(f"{actor}#mls", actor, message.id, message))

    told = await here.told_of_conversations()
    assert told == [f"{number}@evil.example" for number in range(1, MAX_TOLD_A_DAY + 1)]
    assert len(await here.sent()) - len(before) == 2 * MAX_TOLD_A_DAY - 1


async def test_a_post_for_followers_is_shown_to_followers(here: Here) -> None:
    """Once, however often it comes; and to nobody who does not follow."""
    await here.take(CREATE, CREATE)

    assert await here.timeline() == ["bo@hill.example: hello"]


async def test_a_post_for_nobody_here_is_not_kept(here: Here) -> None:
    """A direct message to somebody elsewhere leaves no trace."""
    elsewhere = Audience(Visibility.DIRECT, ("https://town.example/users/cy",))
    await here.take(Create("", BO, POST, note(audience=elsewhere)))

    assert await here.timeline() == []
    assert await here.store.read(lambda tx: posts.post_at(tx, POST)) is None


@pytest.mark.parametrize("order", list(itertools.permutations([CREATE, EDIT, DELETE])))
async def test_a_deleted_post_stays_deleted(here: Here, order: Iterable[InboxActivity]) -> None:
    """Create, edit and Delete in any order, twice, leave nothing."""
    await here.take(*order, *order)

    assert await here.timeline() == []


async def test_an_edit_may_overtake_its_post(here: Here) -> None:
    """The newest version is shown, whichever comes first."""
    await here.take(EDIT, CREATE)

    assert await here.timeline() == ["bo@hill.example: hello, all"]


async def test_nobody_deletes_for_another(here: Here) -> None:
    """A Delete of a post by another actor of the same host does nothing, before or after."""
    eve = "https://hill.example/users/eve"
    await here.take(Delete("", eve, POST), CREATE, Delete("", eve, POST))

    assert await here.timeline() == ["bo@hill.example: hello"]


async def test_likes_count_once_and_can_be_taken_back_first(here: Here) -> None:
    """A Like, its double, and an Undo that came before another one."""
    like, late = Like(f"{BO}#likes/1", BO, POST), Like(f"{BO}#likes/2", BO, POST)
    await here.take(CREATE, UndoReaction("", BO, late), late)
    assert await here.store.read(lambda tx: posts.reaction_to(tx, BO, posts.LIKE, POST)) is None

    await here.take(like, like)
    assert await here.store.read(lambda tx: posts.reaction_to(tx, BO, posts.LIKE, POST)) == like.id

    await here.take(Undo("", BO, FollowReference(like.id)))
    assert await here.store.read(lambda tx: posts.reaction_to(tx, BO, posts.LIKE, POST)) is None


async def test_only_public_posts_are_boosted_by_others(here: Here) -> None:
    """An Announce of a post for followers by somebody else shows it to nobody."""
    await here.take(CREATE, Announce("", "https://hill.example/users/eve", POST, FOR_FOLLOWERS))

    rows = await here.store.read(lambda tx: tx.rows("SELECT kind FROM reaction"))
    assert rows == []


async def test_a_block_ends_follows_both_ways(here: Here) -> None:
    """After bo's Block neither follows the other, nothing is sent, and his Undo brings nothing back."""
    block = Block(f"{BO}#blocks/1", BO, ANA)
    before = await here.sent()
    await here.take(block, block)

    assert await here.ties() == ("refused", "undone")
    assert await here.sent() == before
    await here.take(UndoReaction("", BO, block))
    assert await here.ties() == ("refused", "undone")
    assert await here.store.read(lambda tx: blocks.block_of(tx, "ana", BO, blocks.BLOCKED_BY)) is None


async def test_an_undone_block_does_not_come_late(here: Here) -> None:
    """The Undo of a Block may come first, named or embedded."""
    block = Block(f"{BO}#blocks/1", BO, ANA)
    await here.take(Undo("", BO, FollowReference(block.id)), block)

    assert await here.ties() == ("accepted", "accepted")


async def test_who_is_gone_is_gone(here: Here) -> None:
    """A Delete of an actor without a did ends ties and takes posts away."""
    await here.take(CREATE, Delete("", BO, BO))

    assert await here.timeline() == []
    assert await here.ties() == ("refused", "undone")


async def test_a_person_with_a_did_loses_no_ties_by_a_delete(here: Here) -> None:
    """An old node may say it in spite: posts are hidden, ties stay (TRUST 9)."""
    bo = KnownPerson(BO, "bo@hill.example", "did:key:z6Mk", inbox=f"{BO}/inbox")
    await here.store.write(lambda tx: people.put_person(tx, bo))
    await here.take(CREATE, Delete("", BO, BO))

    assert await here.timeline() == []
    assert await here.ties() == ("accepted", "accepted")


async def test_a_locked_account_is_asked(here: Here) -> None:
    """A Follow of a locked account waits; it is no follower until its person says so."""
    await here.take(Undo("", BO, FollowReference(f"{BO}#follows/1", BO, ANA)))
    await here.store.write(lambda tx: people.set_locked(tx, "ana", ANA, locked=True))
    await here.take(Follow(f"{BO}#follows/2", BO, ANA))

    assert (await here.ties())[1] == FollowState.PENDING.value


async def test_follows_without_end_are_not_answered_without_end(here: Here) -> None:
    """An actor may name an inbox of somebody else: what waits for one inbox is bounded."""
    await here.take(*(Follow(f"{BO}#follows/{number}", BO, ANA) for number in range(3 * MAX_ANSWERS_WAIT)))

    assert len(await here.sent()) == MAX_ANSWERS_WAIT


async def test_a_blocked_person_is_rejected(here: Here) -> None:
    """Who is blocked and follows again gets a Reject."""

    def block(tx: Tx) -> None:
        account = accounts.account_named(tx, "ana")
        person = people.person_at(tx, BO)
        assert account is not None
        assert person is not None
        blocks.put_block(tx, account.id, people.put_person(tx, person), blocks.BLOCK, "x", 0)

    await here.take(Undo("", BO, FollowReference(f"{BO}#follows/1", BO, ANA)))
    await here.store.write(block)
    await here.take(Follow(f"{BO}#follows/2", BO, ANA))

    assert (await here.ties())[1] == FollowState.REFUSED.value
    assert b'"Reject"' in (await here.sent())[-1]


async def test_what_is_older_than_a_month_is_forgotten(here: Here) -> None:
    """Timelines hold 30 days; own posts stay, posts from elsewhere go with the last timeline."""
    own = Note(f"{ANA}/notes/1", ANA, "mine", FOR_FOLLOWERS, published=100)
    await here.take(CREATE, Create("", ANA, own.id, own), Like(f"{BO}#likes/1", BO, POST))
    fresh = Tidying(HARBOUR, here.store, SetClock(NOW_MS + 29 * DAY_MS))
    late = Tidying(HARBOUR, here.store, SetClock(NOW_MS + 31 * DAY_MS))

    await fresh.tidy()
    assert await here.timeline() == ["ana@harbour.example: mine", "bo@hill.example: hello"]

    await late.tidy()
    assert await here.timeline() == []
    assert await here.store.read(lambda tx: posts.post_at(tx, POST)) is None
    assert await here.store.read(lambda tx: posts.post_at(tx, own.id)) == own
    assert await here.store.read(lambda tx: tx.rows("SELECT 1 FROM reaction")) == []
