"""How somebody follows decides what they see; nothing chosen is everything."""

import pytest

from yurt.activitypub.home_filter import FollowSettings, is_wanted
from yurt.activitypub.notes import parse_note
from yurt.activitypub.references import Json

NOTHING_SAID = FollowSettings()
NO_BOOSTS = FollowSettings(show_boosts=False)
GERMAN = FollowSettings(show_boosts=True, languages=("de", "nds"))


@pytest.mark.parametrize(
    ("settings", "is_boost", "language", "names_reader", "wanted"),
    [
        (NOTHING_SAID, False, "fr", False, True),
        (NOTHING_SAID, True, "fr", False, True),
        (NO_BOOSTS, True, "", False, False),
        (NO_BOOSTS, False, "fr", False, True),
        (GERMAN, False, "de", False, True),
        (GERMAN, False, "fr", False, False),
        (GERMAN, False, "", False, True),
        (GERMAN, True, "fr", False, True),
        (GERMAN, False, "fr", True, True),
        (FollowSettings(languages=()), False, "fr", False, True),
    ],
)
def test_what_a_follow_brings(
    settings: FollowSettings,
    is_boost: bool,  # noqa: FBT001  # a column of the table
    language: str,
    names_reader: bool,  # noqa: FBT001  # likewise
    wanted: bool,  # noqa: FBT001  # likewise
) -> None:
    """Boosts and languages that were not chosen stay away; what names the reader comes."""
    found = is_wanted(settings, is_boost=is_boost, language=language, names_reader=names_reader)

    assert found is wanted


@pytest.mark.parametrize(
    ("content", "language"),
    [
        ({"de": "Moin"}, "de"),
        ({"pt-BR": "Oi"}, "pt-br"),
        ({"und": "?"}, ""),
        ({"not a code": "x"}, ""),
        ({}, ""),
    ],
)
def test_a_post_says_its_language_as_mastodon_writes_it(content: dict[str, str], language: str) -> None:
    """The key of `contentMap`; what is no code says nothing."""
    document: Json = {
        "id": "https://hill.example/notes/1",
        "type": "Note",
        "attributedTo": "https://hill.example/users/bo",
        "content": "Moin",
        "contentMap": content,
    }

    assert parse_note(document).language == language
