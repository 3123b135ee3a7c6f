"""What all members of a group agree on in one epoch (RFC 9420, 8.1)."""

from dataclasses import dataclass
from typing import Self

from typing_extensions import override

from yurt.mls.capabilities import MLS_10
from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.errors import DecodeError
from yurt.mls.extensions import Extension


@dataclass(frozen=True, slots=True)
class GroupContext(Structure):
    """The public state of a group that every secret of the epoch is bound to."""

    cipher_suite: int
    group_id: bytes
    epoch: int
    tree_hash: bytes
    confirmed_transcript_hash: bytes
    extensions: tuple[Extension, ...] = ()

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.u16(MLS_10).u16(self.cipher_suite).opaque(self.group_id).u64(self.epoch)
        w.opaque(self.tree_hash).opaque(self.confirmed_transcript_hash).vector(self.extensions)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure; only version mls10 has this shape."""
        version = r.u16()
        if version != MLS_10:
            raise DecodeError(f"protocol version {version} is unknown")
        return cls(r.u16(), r.opaque(), r.u64(), r.opaque(), r.opaque(), r.vector(Extension.decode_from))
