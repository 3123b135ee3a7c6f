"""What a leaf says of its owner's identity (RFC 9420, 5.3).

Whether a credential is true is the application's to judge; here it is bytes with a type. Every type
that is known today encodes as one vector behind the type, and an unknown one is read the same way.

    credential = Credential.basic(b"https://a.example/users/ana")
    credential.identity
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from typing_extensions import override

from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.errors import DecodeError


class CredentialType(IntEnum):
    """The types of the RFC; others are numbers (17.5)."""

    BASIC = 1
    X509 = 2


@dataclass(frozen=True, slots=True)
class Credential(Structure):
    """A credential of any type."""

    credential_type: int
    content: bytes
    """What the vector behind the type holds: an identity, encoded certificates, or something unknown."""

    @classmethod
    def basic(cls, identity: bytes) -> Self:
        """Make a basic credential."""
        return cls(CredentialType.BASIC, identity)

    @classmethod
    def x509(cls, certificates: Iterable[bytes]) -> Self:
        """Make an X.509 credential of DER certificates, leaf first; nothing in them is looked at."""
        w = Writer()
        for certificate in certificates:
            w.opaque(certificate)
        return cls(CredentialType.X509, w.bytes())

    @property
    def identity(self) -> bytes:
        """The identity of a basic credential; empty for every other type."""
        return self.content if self.credential_type == CredentialType.BASIC else b""

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """The certificate chain of an X.509 credential, leaf first; empty for every other type."""
        if self.credential_type != CredentialType.X509:
            return ()
        return _certificates(self.content)

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.u16(self.credential_type).opaque(self.content)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        credential = cls(r.u16(), r.opaque())
        if credential.credential_type == CredentialType.X509:
            _certificates(credential.content)
        return credential


def _certificates(content: bytes) -> tuple[bytes, ...]:
    r = Reader(content)
    chain: list[bytes] = []
    while not r.at_end:
        chain.append(r.opaque())
    if not chain:
        raise DecodeError("an X.509 credential has no certificate")
    return tuple(chain)
