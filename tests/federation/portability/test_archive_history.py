"""An archive's history: only its phrase opens it, and each file only under its own name."""

import pytest

from yurt.identity.phrase import RecoveryPhrase
from yurt.portability.archive_history import (
    MAX_MESSAGES,
    ROOMS,
    OldMessage,
    open_messages,
    open_rooms,
    seal_history,
)
from yurt.portability.errors import ArchiveError
from yurt.portability.kit_keys import kit_secrets
from yurt.portability.kit_room import KitRoom

ROOM = KitRoom(bytes(32), "harbour.example", (), 1, 7, bytes(32), 3, (), "harbour watch")


def messages(count: int) -> list[OldMessage]:
    actor = "https://harbour.example/users/ana"
    return [
        OldMessage(
            bytes(32), "did:key:z", actor, number.to_bytes(16, "big"), f"fog {number}", 1, number, number
        )
        for number in range(count)
    ]


def test_what_was_sealed_comes_back(ana_words: RecoveryPhrase) -> None:
    """Rooms and messages, in their order, in as many files as it takes."""
    secrets, said = kit_secrets(ana_words), messages(MAX_MESSAGES + 5)

    files = dict(seal_history(secrets.public, [ROOM], said))
    back = [
        one for path, data in files.items() if path != ROOMS for one in open_messages(path, data, secrets)
    ]

    assert list(files) == [ROOMS, "history/000.sealed", "history/001.sealed"]
    assert open_rooms(files[ROOMS], secrets) == (ROOM,)
    assert back == said
    assert not any(b"fog" in data or b"harbour" in data for data in files.values())


def test_without_the_phrase_it_is_noise(ana_words: RecoveryPhrase, bo_words: RecoveryPhrase) -> None:
    """Another phrase, another name, a changed bit: closed."""
    secrets = kit_secrets(ana_words)
    files = dict(seal_history(secrets.public, [ROOM], messages(3)))
    sealed = files["history/000.sealed"]

    for path, data, opener in (
        ("history/000.sealed", sealed, kit_secrets(bo_words)),
        ("history/001.sealed", sealed, secrets),
        ("history/000.sealed", sealed[:-1] + bytes([sealed[-1] ^ 1]), secrets),
        ("history/000.sealed", sealed[:20], secrets),
    ):
        with pytest.raises(ArchiveError) as closed:
            open_messages(path, data, opener)
        assert closed.value.rule == "archiveClosed"


def test_a_box_of_something_else_is_no_history(ana_words: RecoveryPhrase) -> None:
    """Rooms are no messages, although the phrase opens them."""
    secrets = kit_secrets(ana_words)
    rooms = dict(seal_history(secrets.public, [ROOM], ()))[ROOMS]

    with pytest.raises(ArchiveError) as malformed:
        open_messages(ROOMS, rooms, secrets)

    assert malformed.value.rule == "archiveHistory"
