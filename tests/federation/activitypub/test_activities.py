"""Activities: what each asks for, and of whom it is believed."""

import json
from collections.abc import Callable

import pytest

from yurt.activitypub.activities import (
    Accept,
    Follow,
    FollowReference,
    Other,
    Reject,
    Undo,
    accept_document,
    check_signer,
    follow_document,
    parse_activity,
    reject_document,
    self_delete_of,
    undo_document,
)
from yurt.activitypub.errors import DocumentRefused
from yurt.activitypub.http_signatures.request import InboundRequest
from yurt.activitypub.references import Json, host_of, id_of, ids_of, object_of, write
from yurt.activitypub.vocabulary import AS_CONTEXT
from yurt.wire.gate import parse_object

ANA = "https://harbour.example/users/ana"
BO = "https://hilltop.example/users/bo"
EVE = "https://evil.example/users/eve"
FOLLOW = Follow(f"{BO}#follows/1", BO, ANA)
REFERENCE = FollowReference(FOLLOW.id, BO, ANA)
EMBEDDED: Json = {"type": "Follow", "actor": BO, "object": ANA}

Post = Callable[[str], tuple[InboundRequest, int]]


def through_json(document: Json) -> Json:
    return parse_object(write(document), limit=10_000)


def test_what_we_write_reads_back() -> None:
    """Follow, Accept, Reject and Undo go through JSON unchanged."""
    answer, undo = f"{ANA}#accepts/1", f"{BO}#undos/1"

    assert parse_activity(through_json(follow_document(FOLLOW))) == FOLLOW
    assert parse_activity(through_json(accept_document(answer, FOLLOW))) == Accept(answer, ANA, REFERENCE)
    assert parse_activity(through_json(reject_document(answer, FOLLOW))) == Reject(answer, ANA, REFERENCE)
    assert parse_activity(through_json(undo_document(undo, FOLLOW))) == Undo(undo, BO, REFERENCE)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("gts-post-Follow", Follow), ("snac-post-Follow", Follow), ("fedify-post-Follow", Follow),
        ("gts-post-Accept", Accept), ("snac-post-Accept", Accept), ("fedify-post-Accept", Accept),
        ("gts-post-Undo-Follow", Undo), ("snac-post-Undo-Follow", Undo),
        ("gts-post-Create", Other), ("snac-post-Create", Other), ("fedify-post-Create", Other),
    ],
)  # fmt: skip
def test_recorded_activities_are_read(name: str, kind: type[object], post: Post) -> None:
    """Three servers, three dialects; Fedify embeds the whole follower in its Accept."""
    request, _ = post(name)

    activity = parse_activity(parse_object(request.body, limit=100_000))

    assert isinstance(activity, kind)
    if isinstance(activity, Accept | Undo):
        assert host_of(activity.follow.actor)
        assert host_of(activity.follow.object)


def test_a_follow_may_only_be_named() -> None:
    """An answer with the bare id of the Follow is an answer."""
    accept = parse_activity({"type": "Accept", "actor": ANA, "object": FOLLOW.id})
    undo = parse_activity({"type": "Undo", "actor": {"id": BO}, "object": [FOLLOW.id]})

    assert isinstance(accept, Accept)
    assert isinstance(undo, Undo)
    assert (accept.follow, undo.follow) == (FollowReference(FOLLOW.id), FollowReference(FOLLOW.id))


@pytest.mark.parametrize(
    ("rule", "document"),
    [
        ("notAnActivity", {}),
        ("notAnActivity", {"type": "Follow", "object": ANA}),
        ("notAnActivity", {"actor": BO, "object": ANA}),
        ("notAnActivity", {"type": ["Follow", "Undo"], "actor": BO, "object": ANA}),
        ("notAnActivity", {"type": "Follow", "actor": [BO, EVE], "object": ANA}),
        ("notHttps", {"type": "Follow", "actor": BO}),
        ("notHttps", {"type": "Follow", "actor": BO, "object": [ANA, EVE]}),
        ("notHttps", {"type": "Follow", "actor": "did:key:z6Mk", "object": ANA}),
        ("notHttps", {"type": "Follow", "actor": BO, "object": "http://harbour.example/users/ana"}),
        ("notHttps", {"id": "x", "type": "Follow", "actor": BO, "object": ANA}),
        ("idHost", {"id": "https://evil.example/1", "type": "Follow", "actor": BO, "object": ANA}),
        ("notTheirFollow", {"type": "Accept", "actor": EVE, "object": EMBEDDED}),
        ("notTheirFollow", {"type": "Reject", "actor": BO, "object": EMBEDDED}),
        ("notTheirFollow", {"type": "Undo", "actor": EVE, "object": EMBEDDED}),
        ("jsonLd", {"type": "Follow", "actor": BO, "object": ANA, "@included": []}),
    ],
)  # fmt: skip
def test_activities_that_are_refused(rule: str, document: Json) -> None:
    """No actor, two actors, other people's follows: refused by name."""
    with pytest.raises(DocumentRefused) as caught:
        parse_activity(document)

    assert caught.value.rule == rule


@pytest.mark.parametrize(
    "document",
    [
        {"type": "Like", "actor": BO, "object": "https://harbour.example/notes/1"},
        {"type": "Undo", "actor": BO, "object": {"type": "Like", "id": "https://hilltop.example/1"}},
        {"type": "Accept", "actor": BO, "object": {"type": "Join"}},
        {"type": "Accept", "actor": BO},
        {"type": "Undo", "actor": BO, "object": []},
        {"type": "SomethingNew", "actor": BO, "object": 7},
    ],
)
def test_what_is_unknown_is_kept_and_no_error(document: Json) -> None:
    """The fediverse says much that we do not listen to yet."""
    activity = parse_activity(document)

    assert isinstance(activity, Other)
    assert activity.document == document


def test_only_the_actor_is_believed() -> None:
    """A true signature by Eve does not make Bo follow anybody."""
    check_signer(FOLLOW, BO)
    with pytest.raises(DocumentRefused) as caught:
        check_signer(FOLLOW, EVE)

    assert caught.value.rule == "actorMismatch"


def test_who_is_gone_says_so_itself() -> None:
    """The one activity that is dropped unverified is a Delete of oneself."""
    assert self_delete_of({"type": "Delete", "actor": EVE, "object": EVE}) == EVE
    assert self_delete_of({"type": "Delete", "actor": EVE, "object": {"id": EVE}}) == EVE
    others: list[Json] = [
        {"type": "Delete", "actor": EVE, "object": BO},
        {"type": "Undo", "actor": EVE, "object": EVE},
        {"type": ["Delete", "Follow"], "actor": EVE, "object": EVE},
        {"type": "Delete"},
        {"type": "Delete", "actor": "", "object": ""},
    ]
    for document in others:
        assert self_delete_of(document) == ""


def test_references_in_every_form() -> None:
    """String or object, one or many: one reference."""
    forms: list[object] = [BO, {"id": BO}, [BO], [{"id": BO, "type": "Person"}]]
    none: list[object] = [None, 7, [], {}, "", [BO, ANA], {"id": 7}, "x" * 5000]
    assert {id_of(form) for form in forms} == {BO}
    assert {id_of(value) for value in none} == {""}
    assert ids_of([BO, {"id": ANA}, 7, None]) == [BO, ANA]
    assert len(ids_of([BO] * 1000)) == 256
    assert object_of([{"a": 1}]) == {"a": 1}
    assert object_of([1]) is None


def test_documents_say_what_they_are() -> None:
    """The context is a constant, and the addressee is named."""
    document = json.loads(write(accept_document(f"{ANA}#accepts/1", FOLLOW)))

    assert document["@context"] == AS_CONTEXT
    assert document["to"] == [BO]
