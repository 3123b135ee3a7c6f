"""The recovery phrase: 24 words that are the person (TRUST 1).

BIP-39 English, 256 bits of entropy. Whoever has the words has the identity; they can never be
changed. A typing fault names the number of the word, and never repeats a word.

    phrase = RecoveryPhrase.generate()
    RecoveryPhrase.parse(" ".join(phrase.words)).identity_key().did
"""

import os
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from mnemonic import Mnemonic

from yurt.identity.errors import PhraseError
from yurt.identity.identity_key import IdentityKey
from yurt.mls.algorithms import Random
from yurt.wire.registry import LABEL_IDENTITY

PHRASE_WORDS: Final = 24
_ENTROPY_SIZE: Final = 32
_KEY_SIZE: Final = 32


@cache
def _bip39() -> Mnemonic:
    """Read the word list once, and not at import."""
    return Mnemonic("english")


@cache
def _known_words() -> frozenset[str]:
    return frozenset(_bip39().wordlist)


@dataclass(frozen=True, slots=True)
class RecoveryPhrase:
    """24 words; a valid one by construction through `generate` or `parse`."""

    words: tuple[str, ...] = field(repr=False)
    _entropy: bytes = field(repr=False)

    @classmethod
    def generate(cls, random: Random = os.urandom) -> Self:
        """Make a new phrase from 32 random bytes."""
        entropy = random(_ENTROPY_SIZE)
        return cls(tuple(_bip39().to_mnemonic(entropy).split(" ")), entropy)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a person typed; case and spacing are free.

        Raises:
            PhraseError: Another number of words, a word that the list does not have (its number is
                named), or words that do not belong together.
        """
        words = tuple(text.lower().split())
        if len(words) != PHRASE_WORDS:
            raise PhraseError(
                "phraseLength", f"a recovery phrase has {PHRASE_WORDS} words, this has {len(words)}"
            )
        for number, word in enumerate(words, start=1):
            if word not in _known_words():
                raise PhraseError("phraseWord", f"word {number} is not in the word list: check its spelling")
        try:
            entropy = bytes(_bip39().to_entropy(list(words)))
        except ValueError:
            raise PhraseError(
                "phraseChecksum", "the words do not belong together: one is wrong or two are swapped"
            ) from None
        return cls(words, entropy)

    def identity_key(self) -> IdentityKey:
        """Derive the identity key: HKDF-SHA256, empty salt, info ``yurt/identity/1``."""
        hkdf = HKDF(algorithm=SHA256(), length=_KEY_SIZE, salt=b"", info=LABEL_IDENTITY)
        return IdentityKey(hkdf.derive(self._entropy))
