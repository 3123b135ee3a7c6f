"""A commit: the proposals that end an epoch, and usually a path of new keys (RFC 9420, 12.4)."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self, TypeAlias

from typing_extensions import override

from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.errors import DecodeError
from yurt.mls.proposals import Proposal, read_proposal, write_proposal
from yurt.mls.update_path import UpdatePath


class ProposalOrRefType(IntEnum):
    """Whether a commit carries a proposal or names one."""

    PROPOSAL = 1
    REFERENCE = 2


@dataclass(frozen=True, slots=True)
class ProposalRef:
    """The name of a proposal that was sent before (5.2)."""

    reference: bytes


ProposalOrRef: TypeAlias = Proposal | ProposalRef


@dataclass(frozen=True, slots=True)
class _Entry:
    """How the vector holds one of them."""

    item: ProposalOrRef

    def encode_to(self, w: Writer) -> None:
        if isinstance(self.item, ProposalRef):
            w.u8(ProposalOrRefType.REFERENCE).opaque(self.item.reference)
        else:
            write_proposal(w.u8(ProposalOrRefType.PROPOSAL), self.item)


def _read_entry(r: Reader) -> ProposalOrRef:
    match r.u8():
        case ProposalOrRefType.PROPOSAL:
            return read_proposal(r)
        case ProposalOrRefType.REFERENCE:
            return ProposalRef(r.opaque())
        case other:
            raise DecodeError(f"proposal-or-reference type {other} is unknown")


@dataclass(frozen=True, slots=True)
class Commit(Structure):
    """What a committer asks the group to become."""

    proposals: tuple[ProposalOrRef, ...] = ()
    path: UpdatePath | None = None

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.vector(_Entry(item) for item in self.proposals).optional(self.path)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        return cls(r.vector(_read_entry), r.optional(UpdatePath.decode_from))
