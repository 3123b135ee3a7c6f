"""The proposals: each asks for one change of the group (RFC 9420, 12.1).

A proposal's own structure encodes to its body; `write_proposal` and `read_proposal` put the type before
it. Types that are not known here cannot be read at all, since nothing says how long they are.

    commit = Commit(proposals=(Remove(3), Add(key_package)), path=path)
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Self, TypeAlias

from typing_extensions import override

from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.errors import DecodeError
from yurt.mls.extensions import Extension
from yurt.mls.key_package import KeyPackage
from yurt.mls.leaf_node import LeafNode
from yurt.mls.pre_shared_key import PreSharedKeyID


class ProposalType(IntEnum):
    """The types that are read here (17.4)."""

    ADD = 1
    UPDATE = 2
    REMOVE = 3
    PSK = 4
    REINIT = 5
    EXTERNAL_INIT = 6
    GROUP_CONTEXT_EXTENSIONS = 7
    SELF_REMOVE = 0x000A
    """The sender asks to be removed (draft-ietf-mls-extensions)."""


@dataclass(frozen=True, slots=True)
class Add(Structure):
    """Add the owner of a key package."""

    proposal_type: ClassVar = ProposalType.ADD
    key_package: KeyPackage

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the body."""
        self.key_package.encode_to(w)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the body."""
        return cls(KeyPackage.decode_from(r))


@dataclass(frozen=True, slots=True)
class Update(Structure):
    """Replace the sender's own leaf."""

    proposal_type: ClassVar = ProposalType.UPDATE
    leaf_node: LeafNode

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the body."""
        self.leaf_node.encode_to(w)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the body."""
        return cls(LeafNode.decode_from(r))


@dataclass(frozen=True, slots=True)
class Remove(Structure):
    """Remove the member at a leaf index."""

    proposal_type: ClassVar = ProposalType.REMOVE
    removed: int

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the body."""
        w.u32(self.removed)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the body."""
        return cls(r.u32())


@dataclass(frozen=True, slots=True)
class PreSharedKey(Structure):
    """Mix a pre-shared key into the next epoch."""

    proposal_type: ClassVar = ProposalType.PSK
    psk: PreSharedKeyID

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the body."""
        self.psk.encode_to(w)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the body."""
        return cls(PreSharedKeyID.decode_from(r))


@dataclass(frozen=True, slots=True)
class ReInit(Structure):
    """Close this group and continue in a new one."""

    proposal_type: ClassVar = ProposalType.REINIT
    group_id: bytes
    version: int
    cipher_suite: int
    extensions: tuple[Extension, ...] = ()

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the body."""
        w.opaque(self.group_id).u16(self.version).u16(self.cipher_suite).vector(self.extensions)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the body."""
        return cls(r.opaque(), r.u16(), r.u16(), r.vector(Extension.decode_from))


@dataclass(frozen=True, slots=True)
class ExternalInit(Structure):
    """Start the next epoch from a secret that somebody outside sends; only in external commits."""

    proposal_type: ClassVar = ProposalType.EXTERNAL_INIT
    kem_output: bytes

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the body."""
        w.opaque(self.kem_output)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the body."""
        return cls(r.opaque())


@dataclass(frozen=True, slots=True)
class GroupContextExtensions(Structure):
    """Replace all extensions of the GroupContext."""

    proposal_type: ClassVar = ProposalType.GROUP_CONTEXT_EXTENSIONS
    extensions: tuple[Extension, ...]

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the body."""
        w.vector(self.extensions)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the body."""
        return cls(r.vector(Extension.decode_from))


@dataclass(frozen=True, slots=True)
class SelfRemove(Structure):
    """Remove the sender, who cannot commit that itself."""

    proposal_type: ClassVar = ProposalType.SELF_REMOVE

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the body, which is empty."""

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the body, which is empty."""
        return cls()


Proposal: TypeAlias = (
    Add | Update | Remove | PreSharedKey | ReInit | ExternalInit | GroupContextExtensions | SelfRemove
)

_KINDS: dict[int, type[Proposal]] = {
    kind.proposal_type: kind
    for kind in (
        Add,
        Update,
        Remove,
        PreSharedKey,
        ReInit,
        ExternalInit,
        GroupContextExtensions,
        SelfRemove,
    )
}


def write_proposal(w: Writer, proposal: Proposal) -> None:
    """Write a proposal with its type."""
    w.u16(proposal.proposal_type)
    proposal.encode_to(w)


def read_proposal(r: Reader) -> Proposal:
    """Read a proposal with its type.

    Raises:
        DecodeError: The type is unknown or the body malformed.
    """
    proposal_type = r.u16()
    kind = _KINDS.get(proposal_type)
    if kind is None:
        raise DecodeError(f"proposal type 0x{proposal_type:04x} is unknown")
    return kind.decode_from(r)
