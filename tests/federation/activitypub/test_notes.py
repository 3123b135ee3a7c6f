"""Posts: for followers unless asked otherwise, read the narrower way, believed of their authors only."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.activitypub.audience import (
    Audience,
    Viewer,
    Visibility,
    address,
    may_boost,
    may_see,
    narrower,
    read_audience,
)
from yurt.activitypub.errors import DocumentRefused
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.notes import (
    MAX_ATTACHMENTS,
    Attachment,
    Mention,
    Note,
    note_document,
    parse_note,
    tombstone_document,
    with_context,
)
from yurt.activitypub.references import Json, write
from yurt.activitypub.vocabulary import AS_CONTEXT, PUBLIC
from yurt.wire.gate import parse_object
from yurt.wire.sanitise import clean_body

ANA = PersonLocations("harbour.example", "ana")
BO = "https://hilltop.example/users/bo"
NOW = 1_795_244_862
NOTE = Note(
    id=ANA.note("1"),
    author=ANA.actor,
    text="Hello @bo@hilltop.example\n\nsee https://harbour.example/x",
    audience=Audience(Visibility.FOLLOWERS, (BO,)),
    published=NOW,
    updated=NOW + 5,
    in_reply_to=f"{BO}/notes/7",
    summary="Greetings",
    url=ANA.note("1"),
    mentions=(Mention(BO, "@bo@hilltop.example"),),
)
MINIMAL: Json = {"type": "Note", "id": NOTE.id, "attributedTo": ANA.actor, "content": "<p>Hi</p>"}


def through_json(document: Json) -> Json:
    return parse_object(write(document), limit=100_000)


# --- notes ------------------------------------------------------------------------------------------
def test_what_we_write_reads_back() -> None:
    """A post with everything goes through HTML and JSON unchanged."""
    document = through_json(with_context(note_document(NOTE, ANA.followers)))

    assert document["@context"] == AS_CONTEXT
    assert parse_note(document, ANA.followers) == NOTE


def test_a_post_is_for_followers() -> None:
    """Nothing in the document of such a post says "public"."""
    document = note_document(NOTE, ANA.followers)

    assert (document["to"], document["cc"]) == ([ANA.followers], [BO])
    assert PUBLIC not in str(document)
    assert document["sensitive"] is True


def test_a_minimal_note_is_read() -> None:
    """What is not said is empty; unknown audiences are nobody's."""
    note = parse_note(MINIMAL)

    assert (note.text, note.published, note.version) == ("Hi", 0, 0)
    assert note.audience == Audience(Visibility.DIRECT)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"type": "Person"}, "notAPost"),
        ({"type": None}, "notAPost"),
        ({"attributedTo": None}, "author"),
        ({"attributedTo": {"name": "ana"}}, "author"),
        ({"id": "https://evil.example/1"}, "idHost"),
        ({"id": "http://harbour.example/1"}, "notHttps"),
        ({"id": 7}, "notHttps"),
        ({"attributedTo": "https://evil.example/users/ana"}, "idHost"),
        ({"@graph": []}, "jsonLd"),
        ({"replies": {"@reverse": {}}}, "jsonLd"),
    ],
)
def test_posts_that_break_a_rule_are_refused(change: Json, rule: str) -> None:
    """An id speaks for its own host; a post has an author; JSON-LD is not read."""
    with pytest.raises(DocumentRefused) as caught:
        parse_note(MINIMAL | change)

    assert caught.value.rule == rule


def test_references_come_in_every_form() -> None:
    """Author, tags, links and attachments as text, object or list."""
    note = parse_note(
        MINIMAL
        | {
            "attributedTo": [{"id": ANA.actor, "type": "Person"}, "https://harbour.example/c/channel"],
            "url": [
                {"type": "Link", "mediaType": "video/mp4", "href": "https://harbour.example/v.mp4"},
                {"type": "Link", "mediaType": "text/html", "href": "https://harbour.example/v"},
            ],
            "tag": {"type": ["Mention"], "href": BO, "name": "@bo\u202e"},
            "attachment": {"type": "Document", "url": "https://harbour.example/i.png", "name": "A cat"},
            "inReplyTo": [{"id": f"{BO}/notes/7"}],
        }
    )

    assert note.author == ANA.actor
    assert note.url == "https://harbour.example/v"
    assert note.mentions == (Mention(BO, "@bo⟨RLO⟩"),)
    assert note.attachments == (Attachment("https://harbour.example/i.png", "", "A cat"),)
    assert note.in_reply_to == f"{BO}/notes/7"


def test_bad_links_cost_the_link_not_the_post() -> None:
    """javascript:, http, nonsense: passed over."""
    note = parse_note(
        MINIMAL
        | {
            "url": "javascript:alert(1)",
            "inReplyTo": "http://x.example/1",
            "tag": [{"type": "Mention", "href": "nonsense", "name": "@x"}, "text", 5],
            "attachment": [{"url": "file:///etc/passwd"}, None],
        }
    )

    assert (note.url, note.in_reply_to, note.mentions, note.attachments) == ("", "", (), ())


def test_lists_are_cut() -> None:
    """A thousand attachments are not a thousand rows."""
    many = [{"url": f"https://harbour.example/{number}"} for number in range(200)]

    assert len(parse_note(MINIMAL | {"attachment": many}).attachments) == MAX_ATTACHMENTS


def test_a_content_map_is_content() -> None:
    """Some software writes only languages."""
    document = {**MINIMAL, "content": None, "contentMap": {"eo": "<p>Saluton</p>"}}

    assert parse_note(document).text == "Saluton"


@pytest.mark.parametrize("kind", ["Article", "Page", "Video", "Event", "Question"])
def test_other_posts_become_a_title_and_a_link(kind: str) -> None:
    """As Mastodon shows what it cannot show."""
    note = parse_note(MINIMAL | {"type": kind, "name": "A title", "url": "https://harbour.example/long"})

    assert note.text == "A title\n\nHi\n\nhttps://harbour.example/long"
    assert note.summary == ""


def test_text_of_a_note_is_safe_to_show() -> None:
    """Escape sequences and bidi tricks do not come through HTML."""
    note = parse_note(MINIMAL | {"content": "<p>&#27;[31mred &#x202e;drow</p>", "summary": "\x1b]0;x\x07"})

    assert "\x1b" not in note.text + note.summary
    assert clean_body(note.text) == note.text


def test_a_tombstone_says_when() -> None:
    """What is served with 410."""
    assert tombstone_document(NOTE.id, NOW)["deleted"] == "2026-11-21T07:07:42Z"


# --- audiences --------------------------------------------------------------------------------------
@pytest.mark.parametrize("visibility", Visibility)
def test_audiences_read_back(visibility: Visibility) -> None:
    """Each of the four, with people named."""
    audience = Audience(visibility, (BO,))

    assert read_audience(address(audience, ANA.followers), ANA.followers) == audience


@pytest.mark.parametrize("name", [PUBLIC, "as:Public", "Public", {"id": PUBLIC}])
def test_public_has_three_names(name: object) -> None:
    """JSON-LD processors compact it; as text or object."""
    assert read_audience({"to": name}, "").visibility is Visibility.PUBLIC
    assert read_audience({"cc": [name]}, "").visibility is Visibility.UNLISTED


def test_an_unknown_collection_opens_nothing() -> None:
    """Followers of somebody else, or of an author whose collection we do not know, are not followers here."""
    addressed: Json = {"to": [f"{BO}/followers"]}

    assert read_audience(addressed, ANA.followers).visibility is Visibility.DIRECT
    assert read_audience(addressed, "").visibility is Visibility.DIRECT
    assert read_audience({"to": ""}, "").visibility is Visibility.DIRECT


@given(one=st.sampled_from(Visibility), other=st.sampled_from(Visibility))
def test_of_two_audiences_the_narrower_holds(one: Visibility, other: Visibility) -> None:
    """A post is never more public than its activity, nor the other way round."""
    assert narrower(Audience(one), Audience(other)).visibility == min(one, other)


VIEWERS = {
    "stranger": Viewer(),
    "author": Viewer(ANA.actor),
    "follower": Viewer("https://x.example/f", is_follower=True),
    "named": Viewer(BO),
    "other": Viewer("https://x.example/o"),
    "blocked follower": Viewer("https://x.example/b", is_follower=True, is_blocked=True),
}
SEEN = {
    Visibility.PUBLIC: {"stranger", "author", "follower", "named", "other"},
    Visibility.UNLISTED: {"stranger", "author", "follower", "named", "other"},
    Visibility.FOLLOWERS: {"author", "follower", "named"},
    Visibility.DIRECT: {"author", "named"},
}


@pytest.mark.parametrize(("visibility", "name"), list(product(Visibility, VIEWERS)))
def test_who_may_fetch_a_post(visibility: Visibility, name: str) -> None:
    """Authorized fetch as a table: followers-only things are for followers who signed."""
    audience = Audience(visibility, (BO,))

    assert may_see(audience, ANA.actor, VIEWERS[name]) is (name in SEEN[visibility])


def test_a_stranger_is_nobody_that_a_post_could_name() -> None:
    """Who did not sign has no name; a post that names nobody, by nobody, is not theirs."""
    for visibility in (Visibility.DIRECT, Visibility.FOLLOWERS):
        assert not may_see(Audience(visibility, ("",)), "", Viewer(is_follower=True))


def test_what_may_be_boosted() -> None:
    """What everybody may see; one's own posts also to one's followers."""
    boostable = {
        (visibility, actor)
        for visibility, actor in product(Visibility, (ANA.actor, BO))
        if may_boost(visibility, ANA.actor, actor)
    }

    assert boostable == {
        (Visibility.PUBLIC, BO), (Visibility.UNLISTED, BO),
        (Visibility.PUBLIC, ANA.actor), (Visibility.UNLISTED, ANA.actor), (Visibility.FOLLOWERS, ANA.actor),
    }  # fmt: skip


KEYS = ["to", "cc", "tag", "url", "attachment", "inReplyTo", "published", "contentMap", "summary"]
VALUES: st.SearchStrategy[object] = st.recursive(
    st.none() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "type", "href", "url", "name"]), inner, max_size=3)
    ),
)


@given(document=st.dictionaries(st.sampled_from(KEYS), VALUES))
def test_any_shape_of_a_post_is_read_or_refused(document: Json) -> None:
    """Whatever stands where, nothing but a refusal is raised, and the text is clean."""
    try:
        note = parse_note(MINIMAL | document)
    except DocumentRefused:
        return
    assert clean_body(note.text) == note.text
    assert clean_body(note.summary) == note.summary
