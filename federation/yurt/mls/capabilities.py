"""What a client can process, as its leaf says (RFC 9420, 7.2).

Unknown numbers are other people's extensions or GREASE: kept, signed, and otherwise ignored.
"""

from dataclasses import dataclass
from typing import Final, Self

from typing_extensions import override

from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.extensions import DEFAULT_EXTENSIONS

MLS_10: Final = 1
"""The protocol version of RFC 9420."""

DEFAULT_PROPOSALS: Final = frozenset({1, 2, 3, 4, 5, 6, 7})
"""Supported by everybody, and never listed (7.2)."""


@dataclass(frozen=True, slots=True)
class Capabilities(Structure):
    """The numbers a client supports; defaults of extensions and proposals are not listed."""

    versions: tuple[int, ...] = (MLS_10,)
    cipher_suites: tuple[int, ...] = ()
    extensions: tuple[int, ...] = ()
    proposals: tuple[int, ...] = ()
    credentials: tuple[int, ...] = ()

    def supports_extension(self, extension_type: int) -> bool:
        """Tell whether an extension is a default one or listed."""
        return extension_type in DEFAULT_EXTENSIONS or extension_type in self.extensions

    def supports_proposal(self, proposal_type: int) -> bool:
        """Tell whether a proposal is a default one or listed."""
        return proposal_type in DEFAULT_PROPOSALS or proposal_type in self.proposals

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.u16_vector(self.versions).u16_vector(self.cipher_suites).u16_vector(self.extensions)
        w.u16_vector(self.proposals).u16_vector(self.credentials)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        return cls(r.u16_vector(), r.u16_vector(), r.u16_vector(), r.u16_vector(), r.u16_vector())
