"""The identity key: who a person is. It is derived from the recovery phrase and stands on no disk.

It signs person records, device certificates, the FEP-c390 statement, the kit's actor keys and the word for
another actor key; nothing else (TRUST 1, 9).
"""

from dataclasses import dataclass, field

from yurt.identity.did import Did, did_of
from yurt.identity.signing import sign
from yurt.mls.signatures import ED25519


@dataclass(frozen=True, slots=True)
class IdentityKey:
    """A person's Ed25519 key, in memory only while the phrase is being used."""

    private: bytes = field(repr=False)
    """32-byte seed."""

    @property
    def public(self) -> bytes:
        """The 32-byte public key: the binary form of the did."""
        return ED25519.public(self.private)

    @property
    def did(self) -> Did:
        """Whose key this is."""
        return did_of(self.public)

    def sign(self, label: bytes, data: bytes) -> bytes:
        """Sign one of our own formats (`yurt.identity.signing`)."""
        return sign(self.private, label, data)

    def sign_raw(self, data: bytes) -> bytes:
        """Sign for a standard with its own framing (FEP-c390); never for a format of ours."""
        return ED25519.sign(self.private, data)
