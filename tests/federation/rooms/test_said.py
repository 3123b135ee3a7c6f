"""What people say and do to what was said: read by all alike, allowed by role, shown alike in any order."""

from collections.abc import Callable
from itertools import permutations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yurt.identity.did import Did
from yurt.identity.leaf import LeafUse, VerifiedLeaf, verify_leaf
from yurt.rooms.common.content import Create, Note, Room, Target, UnknownContent, Update, decode_content
from yurt.rooms.common.errors import ContentError
from yurt.rooms.common.policy import Role
from yurt.rooms.common.said import (
    Delete,
    Edit,
    EditedNote,
    HistoryOffer,
    HistoryWanted,
    Known,
    Like,
    Liked,
    Mark,
    OfferedHistory,
    Read,
    Undo,
    WantedHistory,
    decode_said,
    encode_said,
    target_of,
)
from yurt.rooms.member.content_rules import JOINING_LEAF, NOT_AUTHOR, refused_because
from yurt.rooms.member.message_state import MAX_REACTIONS, Actions, MessageView, Placed, Reaction
from yurt.rooms.member.read_marks import OwnMark, ReadMarks, may_mark
from yurt.rooms.testing import ANA, BO, CY, DEE, EVE, Person
from yurt.wire.position import START, Position

ID, OTHER = bytes(range(16)), bytes(range(16, 32))
NOTE = Target(BO.did, ID)
EDIT = Edit(OTHER, EditedNote(BO.did, ID, "hello, all", (DEE.did,)))
ROLES = {ANA.did: Role.OWNER, BO.did: Role.ADMIN, CY.did: Role.MODERATOR}
KINDS: dict[str, Known] = {
    "reply": Create(OTHER, Note("tea", NOTE, (ANA.did, CY.did))),
    "edit": EDIT,
    "delete": Delete(OTHER, NOTE),
    "like": Like(OTHER, "🍵", NOTE),
    "undo": Undo(OTHER, Liked("🍵", NOTE)),
    "read": Read(OTHER, Mark(Position(1, 7))),
    "history_offer": HistoryOffer(
        OTHER,
        OfferedHistory(EVE.did, bytes(16), Position(1, 2), Position(1, 9), 5, bytes(32), b"sealed"),
    ),
    "history_wanted": HistoryWanted(OTHER, WantedHistory(bytes(16), Position(1, 9), 1_795_000_000_000)),
}


def roles(did: Did) -> Role:
    """Give the role of the people in these stories."""
    return ROLES.get(did, Role.MEMBER)


def leaf(person: Person, use: LeafUse = LeafUse.ROOM) -> VerifiedLeaf:
    """Give a person's leaf."""
    return verify_leaf(person.leaf(use=use))


# --- the formats ---
@pytest.mark.parametrize("name", KINDS)
def test_kinds(name: str, golden: Callable[[str, bytes], None]) -> None:
    """Each kind is read as it was written, today and by the next release."""
    data = encode_said(KINDS[name])

    assert decode_said(data) == KINDS[name]
    golden(f"said_{name}.hex", data)


def test_what_is_not_a_note_waits_for_a_newer_client() -> None:
    """A reader of notes keeps the other kinds as unknown, with their bytes."""
    like, wave = encode_said(KINDS["like"]), msgspec.msgpack.encode({"type": "Wave", "id": ID})

    assert decode_content(like) == UnknownContent(OTHER, "Like", "Note", like)
    assert decode_said(wave) == UnknownContent(ID, "Wave", "", wave)


def test_plain_notes_are_as_before() -> None:
    """A note without reply and mention is the same bytes as in the first release."""
    note = Create(ID, Note("hello"))

    assert msgspec.msgpack.decode(encode_said(note)) == {
        "type": "Create",
        "id": ID,
        "object": {"type": "Note", "content": "hello"},
    }


def wire(**fields: object) -> bytes:
    """Write content by hand."""
    return msgspec.msgpack.encode({"id": ID, **fields})


TARGET = {"type": "Note", "did": BO.did, "id": ID}


@pytest.mark.parametrize(
    "data",
    [
        wire(type="Like", object=TARGET),
        wire(type="Like", object=TARGET, content=""),
        wire(type="Like", object=TARGET, content="x" * 33),
        wire(type="Like", object=TARGET | {"id": b"short"}, content="x"),
        wire(type="Delete", object={"type": "Note", "id": ID}),
        wire(type="Update", object=TARGET),
        wire(type="Create", object={"type": "Note", "content": "x", "mentions": [BO.did] * 51}),
        wire(type="Create", object={"type": "Note", "content": "x", "inReplyTo": BO.did}),
        wire(type="Update", object={"type": "Room", "name": "n" * 257}),
        wire(type="Undo", object={"type": "Like", "content": "x"}),
        wire(type="Read", object={"type": "Room", "upTo": {"term": 1, "seq": -1}}),
        wire(type="Read", object={"type": "Room", "upTo": {"term": 1, "seq": 2**60}}),
    ],
)
def test_malformed(data: bytes) -> None:
    """A hostile member gets an error code, not our traceback."""
    with pytest.raises(ContentError):
        decode_said(data)


def test_nobody_offers_a_range_that_runs_backwards() -> None:
    """It is refused where it is written, too."""
    with pytest.raises(ContentError):
        encode_said(
            HistoryOffer(
                ID, OfferedHistory(EVE.did, bytes(16), Position(1, 9), Position(1, 2), 1, bytes(32), b"")
            )
        )


# --- who may ---
@pytest.mark.parametrize(
    ("said", "by", "code"),
    [
        (EDIT, BO, None),
        (EDIT, ANA, NOT_AUTHOR),
        (Delete(OTHER, NOTE), BO, None),
        (Delete(OTHER, NOTE), ANA, None),
        (Delete(OTHER, NOTE), CY, NOT_AUTHOR),
        (Delete(OTHER, Target(DEE.did, ID)), CY, None),
        (Delete(OTHER, Target(CY.did, ID)), DEE, NOT_AUTHOR),
        (Delete(OTHER, Target(DEE.did, ID)), EVE, NOT_AUTHOR),
        (Update(OTHER, Room("tea")), BO, None),
        (Update(OTHER, Room("tea")), CY, NOT_AUTHOR),
        (Like(OTHER, "🍵", NOTE), DEE, None),
        (KINDS["history_wanted"], EVE, None),
    ],
)
def test_who_may_say_what(said: Known, by: Person, code: str | None) -> None:
    """Edits by the author, deletes by the author or a higher moderator, names by admins."""
    assert refused_because(said, leaf(by), roles) == code


@pytest.mark.parametrize("said", KINDS.values())
def test_joining_leaf_says_nothing(said: Known) -> None:
    """A leaf from a key package may read; whatever it says is hidden and named."""
    assert refused_because(said, leaf(BO, LeafUse.JOINING), roles) == JOINING_LEAF


# --- what is shown ---
def view(*said: tuple[Known, Person]) -> MessageView:
    """Show a note after these, at positions 1, 2, 3 ..."""
    return state(*said).view()


def state(*said: tuple[Known, Person]) -> Actions:
    """Collect what was said, at positions 1, 2, 3 ..."""
    actions = Actions()
    for seq, (what, by) in enumerate(said, 1):
        assert isinstance(what, Create | Edit | Delete | Like | Undo)
        actions = actions.add(Placed(what, by.did, Position(1, seq)))
    return actions


HELLO = Create(ID, Note("hello", Target(ANA.did, OTHER)))


def test_edit_keeps_what_it_answers() -> None:
    """The last edit stands, with the place that it was made at."""
    later = Edit(bytes(16), EditedNote(BO.did, ID, "good night"))

    shown = view((HELLO, BO), (EDIT, BO), (later, BO))

    assert shown.note == Note("good night", Target(ANA.did, OTHER))
    assert shown.edited_at == Position(1, 3)


def test_delete_is_final() -> None:
    """Nothing that comes after brings a note back; a line can name who took it away."""
    shown = view((HELLO, BO), (Delete(OTHER, NOTE), CY), (Edit(bytes(16), EDIT.object), BO))

    assert shown == MessageView(deleted_by=CY.did)


def test_action_waits_for_its_target() -> None:
    """An edit and a delete that come first are there when the note comes."""
    assert view((EDIT, BO)) == MessageView(waits=True)
    assert view((EDIT, BO), (HELLO, BO)).note == Note("hello, all", Target(ANA.did, OTHER), (DEE.did,))
    assert view((Delete(OTHER, NOTE), BO)).waits
    assert view((Delete(OTHER, NOTE), BO), (HELLO, BO)) == MessageView(deleted_by=BO.did)


def like(number: int, by: Person, emoji: str = "🍵") -> tuple[Known, Person]:
    """React."""
    return Like(number.to_bytes(16, "big"), emoji, NOTE), by


def test_reactions() -> None:
    """One per person and emoji; taken back by oneself only, and given again."""
    undo: tuple[Known, Person] = (Undo(OTHER, Liked("🍵", NOTE)), ANA)

    assert view((HELLO, BO), like(1, ANA), like(2, ANA), like(3, CY), undo).reactions == (
        Reaction(CY.did, "🍵"),
    )
    assert view((HELLO, BO), undo, like(1, ANA)).reactions == (Reaction(ANA.did, "🍵"),)


def test_twenty_reactions() -> None:
    """The next one is hidden and counted; there is room again after an Undo."""
    many = [like(n, ANA, chr(0x1F400 + n)) for n in range(MAX_REACTIONS + 1)]
    undo: tuple[Known, Person] = (Undo(OTHER, Liked(chr(0x1F400), NOTE)), ANA)

    shown = view((HELLO, BO), *many)
    assert (len(shown.reactions), len(shown.refused)) == (MAX_REACTIONS, 1)
    again = view((HELLO, BO), *many[:-1], undo, many[-1])
    assert (len(again.reactions), len(again.refused)) == (MAX_REACTIONS, 0)


def test_same_content_twice() -> None:
    """Said again after a takeover, the first place counts, whichever is learned first."""
    first, again = Placed(HELLO, BO.did, Position(1, 1)), Placed(HELLO, BO.did, Position(2, 5))

    assert Actions().add(first).add(again) == Actions().add(again).add(first) == Actions((first,))


def test_another_persons_note_with_the_same_id() -> None:
    """A content id is its author's: it is another target."""
    assert target_of(HELLO, BO.did) != target_of(HELLO, EVE.did)
    for said in (EDIT, Delete(OTHER, NOTE), Like(OTHER, "x", NOTE), Undo(OTHER, Liked("x", NOTE))):
        assert target_of(said, EVE.did) == NOTE


PEOPLE = st.sampled_from([ANA, BO, CY])


def edit_to(text: str) -> Edit:
    """Say something else."""
    return Edit(OTHER, EditedNote(BO.did, ID, text))


ACTION = st.one_of(
    st.sampled_from([HELLO, Delete(OTHER, NOTE), edit_to("a"), edit_to("b")]),
    st.sampled_from([Like(OTHER, emoji, NOTE) for emoji in "🍵☕"]),
    st.sampled_from([Undo(OTHER, Liked(emoji, NOTE)) for emoji in "🍵☕"]),
)


@settings(max_examples=60)
@given(st.lists(st.tuples(ACTION, PEOPLE, st.integers(1, 9)), max_size=5, unique_by=lambda item: item[2]))
def test_whatever_the_order(what: list[tuple[Create | Edit | Delete | Like | Undo, Person, int]]) -> None:
    """However the actions become known, everybody shows the same."""
    named = [
        (msgspec.structs.replace(said, id=ID if said is HELLO else seq.to_bytes(16, "big")), by, seq)
        for said, by, seq in what
    ]
    views = list[MessageView]()
    for order in permutations(named):
        actions = Actions()
        for said, by, seq in order:
            actions = actions.add(Placed(said, by.did, Position(1, seq)))
        views.append(actions.view())

    assert all(each == views[0] for each in views)


# --- marks and names ---
def test_read_marks_go_forward() -> None:
    """A person has read as far as any of their devices; nobody has read what comes after the mark."""
    one, two = (DEE.did, b"1"), (DEE.did, b"2")
    marks = ReadMarks().note(one, Position(1, 5), Position(1, 6)).note(two, Position(1, 3), Position(1, 7))

    assert marks.of(DEE.did) == Position(1, 5)
    assert marks.note(one, Position(1, 4), Position(1, 8)) == marks
    assert marks.note(one, Position(1, 9), Position(1, 8)) == marks
    assert marks.without(DEE.did).of(DEE.did) == START


@pytest.mark.parametrize(
    ("up_to", "now", "people", "enabled", "may"),
    [
        (6, 5_000, 50, True, True),
        (5, 5_000, 50, True, False),
        (6, 4_999, 50, True, False),
        (6, 5_000, 51, True, False),
        (6, 5_000, 50, False, False),
    ],
)
def test_when_a_mark_is_sent(up_to: int, now: int, people: int, enabled: bool, may: bool) -> None:  # noqa: FBT001  # columns of the table
    """Only for something new, five seconds apart, in a small room, and if one wants to."""
    own = OwnMark(Position(1, 5), 0)

    assert may_mark(own, Position(1, up_to), now, people=people, enabled=enabled) is may
