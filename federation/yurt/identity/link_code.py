"""The code that links a second device: 128 random bits, shown on one device, given to the other (TRUST 1).

Both devices derive from it a mailbox, which a node keeps without understanding it, and a MAC key, which the
node does not have. In text it is 26 characters of Crockford's base32, in which nothing looks like another
thing; case, spaces and hyphens do not matter, O is 0, I and L are 1.

    code = LinkCode.generate()
    code.text                       # "3ZK8-91QF-...": to be read, typed, or drawn as a QR code
    LinkCode.parse(typed) == code
"""

import os
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from yurt.identity.errors import LinkError
from yurt.identity.labels import LABEL_LINK_KEY, LABEL_LINK_MAILBOX
from yurt.mls.algorithms import Random

CODE_SIZE: Final = 16
CODE_LENGTH: Final = 26
"""Characters: 130 bits, of which the first two are zero."""
MAILBOX_SIZE: Final = 16
_KEY_SIZE: Final = 32
_GROUP: Final = 4
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


@dataclass(frozen=True, slots=True)
class LinkCode:
    """A secret that two devices share for two minutes."""

    secret: bytes = field(repr=False)

    @classmethod
    def generate(cls, random: Random = os.urandom) -> Self:
        """Make a code; it is used once."""
        return cls(random(CODE_SIZE))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a code that a person typed.

        Raises:
            LinkError: ``linkCode``: another length, or a character that no code has; says which.
        """
        characters = text.upper().translate(_MISREAD)
        if len(characters) != CODE_LENGTH:
            raise LinkError("linkCode", f"the code has {CODE_LENGTH} characters, not {len(characters)}")
        number = 0
        for at, character in enumerate(characters, 1):
            value = _ALPHABET.find(character)
            if value < 0:
                raise LinkError("linkCode", f"character {at} is none of a code's")
            number = number << 5 | value
        if number >> (8 * CODE_SIZE):
            raise LinkError("linkCode", "character 1 is none that a code begins with")
        return cls(number.to_bytes(CODE_SIZE, "big"))

    @property
    def text(self) -> str:
        """The code for people; it is the secret."""
        number = int.from_bytes(self.secret, "big")
        characters = "".join(_ALPHABET[number >> (5 * at) & 31] for at in reversed(range(CODE_LENGTH)))
        return "-".join(characters[at : at + _GROUP] for at in range(0, CODE_LENGTH, _GROUP))

    @property
    def mailbox_id(self) -> bytes:
        """Where the devices meet; 16 bytes that tell a node nothing of the code."""
        return self._derive(LABEL_LINK_MAILBOX, MAILBOX_SIZE)

    @property
    def key(self) -> bytes:
        """The MAC key, 32 bytes."""
        return self._derive(LABEL_LINK_KEY, _KEY_SIZE)

    def _derive(self, info: bytes, size: int) -> bytes:
        return HKDF(SHA256(), size, salt=None, info=info).derive(self.secret)
