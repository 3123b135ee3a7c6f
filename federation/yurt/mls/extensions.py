"""Extensions: a type and bytes, in key packages, leaves, GroupInfo and GroupContext (RFC 9420, 13.4).

An unknown extension is kept as it is. The few that MLS itself reads have a structure here.

    required = RequiredCapabilities(extension_types=(0xF0B1,))
    extensions = (Extension(ExtensionType.REQUIRED_CAPABILITIES, required.encode()),)
    find_extension(extensions, ExtensionType.REQUIRED_CAPABILITIES)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from typing_extensions import override

from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.credential import Credential


class ExtensionType(IntEnum):
    """The types that mean something to MLS; others are numbers (17.3)."""

    APPLICATION_ID = 1
    RATCHET_TREE = 2
    REQUIRED_CAPABILITIES = 3
    EXTERNAL_PUB = 4
    EXTERNAL_SENDERS = 5
    LAST_RESORT = 0x000A
    """In a key package that may be used more than once (draft-ietf-mls-extensions)."""


DEFAULT_EXTENSIONS: Final = frozenset({1, 2, 3, 4, 5})
"""Supported by everybody, and never listed in capabilities (7.2)."""


@dataclass(frozen=True, slots=True)
class Extension(Structure):
    """One extension, its data not looked into."""

    extension_type: int
    extension_data: bytes

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.u16(self.extension_type).opaque(self.extension_data)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        return cls(r.u16(), r.opaque())


def find_extension(extensions: Iterable[Extension], extension_type: int) -> bytes | None:
    """Give the data of the extension of one type, or None."""
    for extension in extensions:
        if extension.extension_type == extension_type:
            return extension.extension_data
    return None


@dataclass(frozen=True, slots=True)
class RequiredCapabilities(Structure):
    """What every member of a group must support (11.1)."""

    extension_types: tuple[int, ...] = ()
    proposal_types: tuple[int, ...] = ()
    credential_types: tuple[int, ...] = ()

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.u16_vector(self.extension_types).u16_vector(self.proposal_types)
        w.u16_vector(self.credential_types)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        return cls(r.u16_vector(), r.u16_vector(), r.u16_vector())

    @classmethod
    def of(cls, extensions: Iterable[Extension]) -> Self:
        """Read what a GroupContext's extensions require; nothing, if the extension is absent.

        Raises:
            DecodeError: The extension's data is malformed.
        """
        data = find_extension(extensions, ExtensionType.REQUIRED_CAPABILITIES)
        return cls() if data is None else cls.decode(data)


@dataclass(frozen=True, slots=True)
class ExternalSender(Structure):
    """Somebody outside the group who may send proposals to it (12.1.8.1)."""

    signature_key: bytes
    credential: Credential

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.opaque(self.signature_key)
        self.credential.encode_to(w)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        return cls(r.opaque(), Credential.decode_from(r))

    @classmethod
    def listed(cls, extensions: Iterable[Extension]) -> tuple[Self, ...]:
        """Read whom a GroupContext's extensions list; nobody, if the extension is absent.

        Raises:
            DecodeError: The extension's data is malformed.
        """
        data = find_extension(extensions, ExtensionType.EXTERNAL_SENDERS)
        if data is None:
            return ()
        r = Reader(data)
        senders = r.vector(cls.decode_from)
        r.finish()
        return senders
