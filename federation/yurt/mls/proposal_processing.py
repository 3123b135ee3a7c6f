"""A proposal that travels on its own: verified when it comes, kept until a commit names it (RFC 9420, 12.1).

pending = process_proposal(context, tree, content, already, at_ms=None)
already = already.add(pending)
"""

from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.commit_processing import check_place
from yurt.mls.errors import InvalidProposal
from yurt.mls.framed_content import AuthenticatedContent
from yurt.mls.group_context import GroupContext
from yurt.mls.pending_proposals import PendingProposal, PendingProposals
from yurt.mls.proposals import Add, SelfRemove
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.validation.codes import ProposalRule
from yurt.mls.validation.leaf_node import check_lifetime
from yurt.mls.validation.proposal import check_may_propose, check_proposal, check_supported, proposer_key


def process_proposal(
    context: GroupContext,
    tree: RatchetTree,
    message: AuthenticatedContent,
    already: PendingProposals,
    *,
    at_ms: int | None,
) -> PendingProposal:
    """Verify a proposal's signature and every rule that it must keep by itself.

    Args:
        context: The epoch that it is made in.
        tree: That epoch's.
        message: The proposal; a membership tag is checked by those who can.
        already: What is pending.
        at_ms: The time at which the lifetime of an added key package is judged; None judges none.

    Raises:
        WrongGroup, WrongEpoch, NotAMember, InvalidSignature: It is not from who it says, or from here.
        ValidationError: With the rule's code.
    """
    check_place(context, message.content)
    suite = cipher_suite(context.cipher_suite)
    pending = PendingProposal.of(suite, message)
    proposal = pending.proposal
    check_may_propose(message, proposal)
    message.verify_signature(suite, proposer_key(context, tree, message, proposal), context)
    known = already.find(pending.reference)
    if known is not None:
        return known
    check_proposal(context, tree, proposal, pending.author)
    check_supported(tree, proposal)
    if isinstance(proposal, Add) and at_ms is not None:
        check_lifetime(proposal.key_package.leaf_node, at_ms)
    if isinstance(proposal, SelfRemove) and _is_leaving(pending, already):
        # draft-ietf-mls-extensions: one an epoch is all that a member needs.
        raise InvalidProposal(ProposalRule.SELF_REMOVE_TWICE)
    already.add(pending)  # refuses one too many
    return pending


def _is_leaving(pending: PendingProposal, already: PendingProposals) -> bool:
    return any(isinstance(item.proposal, SelfRemove) and item.sender == pending.sender for item in already)
