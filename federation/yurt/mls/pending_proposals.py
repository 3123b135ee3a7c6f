"""Proposals that were sent on their own and wait for a commit to name them (RFC 9420, 12.4).

They belong to one epoch: whatever a commit does not name is forgotten with it.

    pending = PendingProposals().add(PendingProposal.of(suite, content))
    pending.find(reference)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.commit import Commit
from yurt.mls.errors import InvalidMessage, InvalidProposal
from yurt.mls.framed_content import AuthenticatedContent, FramedContent, Sender, SenderType
from yurt.mls.proposals import Proposal
from yurt.mls.validation.codes import MessageRule, ProposalRule

MAX_OF_ONE_SENDER: Final = 64
"""So that one sender can neither fill a hub's memory nor take the place of others."""


def proposal_of(content: FramedContent) -> Proposal:
    """Give the proposal that a message carries.

    Raises:
        InvalidMessage: It carries something else (`notAProposal`).
    """
    if isinstance(content.content, bytes | Commit):
        raise InvalidMessage(MessageRule.NOT_A_PROPOSAL)
    return content.content


@dataclass(frozen=True, slots=True)
class PendingProposal:
    """A proposal whose sender and content were verified in its epoch."""

    reference: bytes
    """The name that a commit calls it by (5.2)."""
    proposal: Proposal
    content: AuthenticatedContent

    @classmethod
    def of(cls, suite: CipherSuite, content: AuthenticatedContent) -> Self:
        """Name a proposal; whether it is valid is asked elsewhere."""
        return cls(content.proposal_ref(suite), proposal_of(content.content), content)

    @property
    def sender(self) -> Sender:
        """Who sent it."""
        return self.content.content.sender

    @property
    def author(self) -> int | None:
        """The sender's leaf index; None if that is no member."""
        return self.sender.index if self.sender.sender_type is SenderType.MEMBER else None


@dataclass(frozen=True, slots=True)
class PendingProposals:
    """All of an epoch, in the order in which they came."""

    items: tuple[PendingProposal, ...] = ()

    def __iter__(self) -> Iterator[PendingProposal]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def find(self, reference: bytes) -> PendingProposal | None:
        """Give the proposal of one name, or None."""
        return next((item for item in self.items if item.reference == reference), None)

    def add(self, pending: PendingProposal) -> "PendingProposals":
        """Give these with one more; the same one again changes nothing.

        Raises:
            InvalidProposal: The sender has too many already (`tooManyProposals`).
        """
        if self.find(pending.reference) is not None:
            return self
        if sum(item.sender == pending.sender for item in self.items) >= MAX_OF_ONE_SENDER:
            raise InvalidProposal(ProposalRule.TOO_MANY, f"{MAX_OF_ONE_SENDER} of one sender")
        return PendingProposals((*self.items, pending))
