"""Activities of every kind: written and read, and believed of their own actor about their own things."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.activitypub.activities import Follow, Other, Undo, follow_document, undo_document
from yurt.activitypub.audience import Audience, Visibility
from yurt.activitypub.errors import DocumentRefused
from yurt.activitypub.http_signatures.request import InboundRequest
from yurt.activitypub.inbox import InboxActivity, check_sender, read_activity
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.mls_objects import MlsKind, MlsObject, mls_object_document
from yurt.activitypub.moves import Move, move_document
from yurt.activitypub.notes import Note, note_document
from yurt.activitypub.posts import (
    Create,
    Delete,
    Update,
    create_document,
    delete_document,
    update_actor_document,
)
from yurt.activitypub.reactions import (
    Announce,
    Block,
    Like,
    Reaction,
    UndoReaction,
    reaction_document,
    undo_reaction_document,
)
from yurt.activitypub.references import Json, write
from yurt.activitypub.vocabulary import PUBLIC
from yurt.wire.gate import parse_object

ANA = PersonLocations("harbour.example", "ana")
BO = "https://hilltop.example/users/bo"
POST = f"{BO}/notes/7"
NOW = 1_795_244_862
NOTE = Note(ANA.note("1"), ANA.actor, "Hello", Audience(Visibility.FOLLOWERS), NOW, url=ANA.note("1"))
ACTIVITY = ANA.activity("x", "1")

Post = Callable[[str], tuple[InboundRequest, int]]


def read(document: Json) -> InboxActivity:
    return read_activity(parse_object(write(document), limit=100_000), ANA.followers)


def sent(kind: str, thing: object, **more: object) -> Json:
    return {"type": kind, "id": ACTIVITY, "actor": ANA.actor, "object": thing, **more}


# --- what we write reads back -----------------------------------------------------------------------
def test_posts_read_back() -> None:
    """Create, Update and Delete of a followers-only post."""
    edited = Note(NOTE.id, NOTE.author, "Hello!", NOTE.audience, NOW, updated=NOW + 9, url=NOTE.url)

    assert read(create_document(ACTIVITY, NOTE, ANA.followers)) == Create(ACTIVITY, ANA.actor, NOTE.id, NOTE)
    update = {**create_document(ACTIVITY, edited, ANA.followers), "type": "Update"}
    assert read(update) == Update(ACTIVITY, ANA.actor, NOTE.id, edited)
    deleted = read(delete_document(ACTIVITY, NOTE, ANA.followers, NOW))
    assert deleted == Delete(ACTIVITY, ANA.actor, NOTE.id)
    assert isinstance(deleted, Delete)
    assert not deleted.is_self


REACTIONS: list[Reaction] = [
    Like(ACTIVITY, ANA.actor, POST),
    Announce(ACTIVITY, ANA.actor, POST, Audience(Visibility.PUBLIC, (BO,)), NOW),
    Announce(ACTIVITY, ANA.actor, POST, Audience(Visibility.FOLLOWERS, (BO,)), NOW),
    Block(ACTIVITY, ANA.actor, BO),
]


@pytest.mark.parametrize("reaction", REACTIONS)
def test_reactions_read_back(reaction: Reaction) -> None:
    """Like, Announce and Block, and the Undo of each."""
    undo = UndoReaction(f"{ANA.actor}#undos/1", ANA.actor, reaction)

    document = reaction_document(reaction, BO, ANA.followers)

    assert read(document) == reaction
    assert BO in [*as_list(document["to"]), *as_list(document.get("cc"))]
    assert read(undo_reaction_document(undo, BO, ANA.followers)) == undo


def as_list(value: object) -> list[object]:
    return [*value] if isinstance(value, list) else []


def test_moves_and_actors_read_back() -> None:
    """A Move names two actors; an Update of an actor says: fetch me again."""
    move = Move(ACTIVITY, ANA.actor, ANA.actor, BO)
    actor: Json = {"@context": "x", "id": ANA.actor, "type": "Person", "attributedTo": "x"}

    assert read(move_document(move, ANA.followers)) == move
    document = update_actor_document(ACTIVITY, actor, ANA.followers)
    assert document["to"] == [PUBLIC]  # or snac does not take it
    update = read(document)
    assert update == Update(ACTIVITY, ANA.actor, ANA.actor, None)
    assert isinstance(update, Update)
    assert update.is_self


def test_follows_are_read_as_ever() -> None:
    """The older part of the vocabulary comes through the same door."""
    follow = Follow(ACTIVITY, ANA.actor, BO)

    assert read(follow_document(follow)) == follow
    assert isinstance(read(undo_document(f"{ANA.actor}#undos/1", follow)), Undo)


def test_an_mls_object_comes_in_a_create() -> None:
    """The five types are content like a Note."""
    content = bytes([0, 1, 0, 3]) + b"welcome"
    welcome = MlsObject(f"{ANA.actor}/mls/1", MlsKind.WELCOME, ANA.actor, (BO,), content)

    assert read(sent("Create", mls_object_document(welcome))) == Create(
        ACTIVITY, ANA.actor, welcome.id, welcome
    )


@pytest.mark.parametrize("name", ["gts-post-Create", "snac-post-Create", "fedify-post-Create"])
def test_recorded_posts_are_read(name: str, post: Post) -> None:
    """GoToSocial, snac and Fedify: author, text, audience."""
    document = json.loads(post(name)[0].body)

    activity = read_activity(document, f"{document['actor']}/followers")

    assert isinstance(activity, Create)
    assert isinstance(activity.content, Note)
    assert activity.content.author == activity.actor
    assert activity.content.text
    assert "<" not in activity.content.text
    assert activity.content.audience.visibility is Visibility.PUBLIC


# --- whose word it is -------------------------------------------------------------------------------
EVES_NOTE = note_document(NOTE, ANA.followers) | {"id": "https://evil.example/1", "attributedTo": BO}
OTHERS: list[tuple[str, Json]] = [
    ("foreignObject", sent("Create", POST)),
    ("foreignObject", sent("Create", {"id": POST, "type": "Note", "content": "x", "attributedTo": BO})),
    ("foreignObject", sent("Create", EVES_NOTE)),
    ("foreignObject",
     sent("Create", {"id": ANA.note("1"), "type": "Note", "attributedTo": "https://harbour.example/users/eve"})),
    ("idHost", sent("Create", {"id": ANA.note("1"), "type": "Note", "attributedTo": BO})),
    ("notHttps", sent("Create", {"type": "Note", "content": "no id"})),
    ("notHttps", sent("Create", [ANA.note("1"), ANA.note("2")])),
    ("notHttps", sent("Create", None)),
    ("foreignObject", sent("Update", BO)),
    ("notTheirs", sent("Update", {"id": "https://harbour.example/users/eve", "type": "Person"})),
    ("foreignObject", sent("Delete", BO)),
    ("foreignObject", sent("Delete", {"id": POST, "type": "Tombstone"})),
    ("notHttps", sent("Delete", {"type": "Tombstone"})),
    ("notHttps", sent("Like", None)),
    ("notHttps", sent("Announce", "http://hilltop.example/notes/7")),
    ("notTheirs", sent("Block", ANA.actor)),
    ("notTheirs", sent("Undo", {"type": "Like", "id": f"{BO}#likes/1", "actor": BO, "object": POST})),
    ("idHost", sent("Undo", {"type": "Like", "id": f"{BO}#likes/1", "object": POST})),
    ("notHttps", sent("Undo", {"type": "Like", "id": ACTIVITY})),
    ("notHttps", sent("Move", ANA.actor)),
    ("notHttps", sent("Move", ANA.actor, target="acct:bo@hilltop.example")),
    ("idHost", sent("Like", POST) | {"id": f"{BO}#likes/1"}),
    ("jsonLd", sent("Create", {"@included": []})),
    ("jsonLd", sent("Create", ANA.note("1"), **{"@context": [{"x": "@graph"}]})),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "document"), OTHERS)
def test_nobody_speaks_for_somebody_else(rule: str, document: Json) -> None:
    """Objects of other people, of other hosts, without an id, in need of JSON-LD."""
    with pytest.raises(DocumentRefused) as caught:
        read(document)

    assert caught.value.rule == rule


def test_who_signed_must_be_the_actor() -> None:
    """Also for the newer kinds."""
    like = Like(ACTIVITY, ANA.actor, POST)

    check_sender(like, ANA.actor)
    with pytest.raises(DocumentRefused, match="did not sign"):
        check_sender(like, BO)


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_what_is_only_named_is_to_be_fetched(kind: str) -> None:
    """An id, as text or object, on the sender's own host."""
    for thing in (ANA.note("1"), {"id": ANA.note("1")}, [{"id": ANA.note("1")}]):
        activity = read(sent(kind, thing))

        assert isinstance(activity, Create | Update)
        assert (activity.object_id, activity.content) == (ANA.note("1"), None)


def test_a_boost_takes_the_id_alone() -> None:
    """The copy of somebody's post inside a boost is not believed."""
    forged = {"id": POST, "type": "Note", "attributedTo": BO, "content": "I never said that"}
    boost = read(sent("Announce", forged, to=[PUBLIC]))

    assert boost == Announce(ACTIVITY, ANA.actor, POST, Audience(Visibility.PUBLIC))


def test_a_create_may_not_widen_its_note() -> None:
    """A followers-only note in a public Create, and the other way round: for followers."""
    note = note_document(NOTE, ANA.followers)
    public = note | {"to": [PUBLIC]}

    for document in (sent("Create", note, to=[PUBLIC]), sent("Create", public, to=[ANA.followers])):
        activity = read(document)
        assert isinstance(activity, Create)
        assert isinstance(activity.content, Note)
        assert activity.content.audience.visibility is Visibility.FOLLOWERS


@pytest.mark.parametrize(
    "document",
    [
        sent("Create", {"id": ANA.note("1"), "type": "Recipe", "attributedTo": ANA.actor}),
        sent("Update", {"id": ANA.note("1"), "type": "Recipe", "attributedTo": ANA.actor}),
        sent("Undo", {"type": "Accept", "id": ACTIVITY, "actor": ANA.actor}),
        sent("Add", ANA.note("1"), target=f"{ANA.actor}/featured"),
        sent("Flag", [BO, POST]),
        sent("EmojiReact", POST, content="🎉"),
        sent("Dance", None),
    ],
)
def test_what_is_not_known_changes_nothing(document: Json) -> None:
    """It is kept as it is, and answered like everything that is understood."""
    assert isinstance(read(document), Other)


def test_a_bare_undo_names_what_it_undoes() -> None:
    """Only the id: a follow or a reaction, whichever it is here."""
    undo = read(sent("Undo", f"{ANA.actor}#likes/1"))

    assert isinstance(undo, Undo)
    assert undo.follow.id == f"{ANA.actor}#likes/1"


KINDS = [
    "Create",
    "Update",
    "Delete",
    "Like",
    "Announce",
    "Block",
    "Undo",
    "Move",
    "Follow",
    "Accept",
    "Reject",
]
NAMES = ["id", "type", "actor", "object", "target", "to", "cc", "content", "attributedTo", "published", "tag"]
LEAVES = st.sampled_from([ANA.actor, BO, POST, ANA.note("1"), PUBLIC, *KINDS, "Note", "Person", "", 0, None])
SHAPES: st.SearchStrategy[object] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=12,
)


@given(kind=st.sampled_from(KINDS), rest=st.dictionaries(st.sampled_from(NAMES), SHAPES))
def test_malformed_activities_are_refused_not_crashed(kind: str, rest: Json) -> None:
    """Whatever stands where: a typed value by the actor about own things, or a refusal."""
    document = {"type": kind, "actor": ANA.actor, **rest}
    try:
        activity = read_activity(document, ANA.followers)
    except DocumentRefused:
        return
    assert activity.actor
    if isinstance(activity, Create | Update) and isinstance(activity.content, Note):
        assert activity.content.author == activity.actor
