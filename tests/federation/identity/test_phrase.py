"""24 words are the person; typing faults are found without showing the words."""

import pytest

from yurt.identity.errors import PhraseError
from yurt.identity.phrase import PHRASE_WORDS, RecoveryPhrase


def test_phrase_gives_the_same_identity_for_ever() -> None:
    """HKDF over the entropy, fixed by an example."""
    phrase = RecoveryPhrase.generate(bytes)

    assert phrase.words == ("abandon",) * 23 + ("art",)
    assert phrase.identity_key().did == "did:key:z6MkqSuFXbmD2w8UkTbbTVZV2faswTaKeTepTAjfsG24KCdd"


def test_typed_phrase_is_read_as_people_type() -> None:
    """Case, line breaks and spaces do not matter."""
    phrase = RecoveryPhrase.generate()
    typed = "  " + "\n".join(word.upper() for word in phrase.words) + " \n"

    assert RecoveryPhrase.parse(typed) == phrase


def test_new_phrases_differ() -> None:
    """Randomness is used."""
    assert RecoveryPhrase.generate().words != RecoveryPhrase.generate().words


def test_wrong_word_is_named_by_number() -> None:
    """The fault says which word, and repeats none."""
    words = list(RecoveryPhrase.generate().words)
    words[6] = "yurtt"

    with pytest.raises(PhraseError, match="word 7") as caught:
        RecoveryPhrase.parse(" ".join(words))

    assert caught.value.rule == "phraseWord"
    assert "yurtt" not in str(caught.value)


def test_swapped_words_are_noticed() -> None:
    """The checksum catches words that are right and stand wrong."""
    words = list(RecoveryPhrase.generate(lambda size: bytes(range(size))).words)
    words[0], words[1] = words[1], words[0]

    with pytest.raises(PhraseError) as caught:
        RecoveryPhrase.parse(" ".join(words))

    assert caught.value.rule == "phraseChecksum"


@pytest.mark.parametrize("count", [0, 12, 23, 25])
def test_wrong_number_of_words(count: int) -> None:
    """12 words are a phrase elsewhere, not here."""
    with pytest.raises(PhraseError, match=f"has {PHRASE_WORDS} words, this has {count}"):
        RecoveryPhrase.parse("abandon " * count)


def test_secrets_stay_out_of_repr() -> None:
    """A log line with a phrase or a key in it says nothing."""
    phrase = RecoveryPhrase.generate(bytes)

    assert "abandon" not in repr(phrase)
    assert "\\x00" not in repr(phrase)
    assert repr(phrase.identity_key()) == "IdentityKey()"
