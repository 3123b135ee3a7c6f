"""A signed description of a group's epoch, for somebody who joins (RFC 9420, 12.4.3)."""

from dataclasses import dataclass, replace
from typing import Self

from typing_extensions import override

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.extensions import Extension
from yurt.mls.group_context import GroupContext
from yurt.mls.labels import sign_with_label, verify_with_label

_LABEL = "GroupInfoTBS"


@dataclass(frozen=True, slots=True)
class GroupInfo(Structure):
    """A group's context, as the member at leaf `signer` vouches for it."""

    group_context: GroupContext
    extensions: tuple[Extension, ...]
    """For the joiner: the tree, the external key, whatever the application adds."""
    confirmation_tag: bytes
    signer: int
    signature: bytes = b""

    def _encode_content(self, w: Writer) -> None:
        self.group_context.encode_to(w)
        w.vector(self.extensions).opaque(self.confirmation_tag).u32(self.signer)

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        self._encode_content(w)
        w.opaque(self.signature)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        context = GroupContext.decode_from(r)
        return cls(context, r.vector(Extension.decode_from), r.opaque(), r.u32(), r.opaque())

    def to_be_signed(self) -> bytes:
        """Encode GroupInfoTBS."""
        w = Writer()
        self._encode_content(w)
        return w.bytes()

    def signed(self, suite: CipherSuite, private: bytes) -> "GroupInfo":
        """Give this GroupInfo with its signature by the signer's leaf key."""
        return replace(self, signature=sign_with_label(suite, private, _LABEL, self.to_be_signed()))

    def verify_signature(self, suite: CipherSuite, public: bytes) -> None:
        """Verify the signature with the key of the leaf at `signer`, which the caller looks up.

        Raises:
            InvalidSignature: It does not fit.
        """
        verify_with_label(suite, public, _LABEL, self.to_be_signed(), self.signature)
