"""Whether a proposal may be made at all, whatever stands beside it in a commit (RFC 9420, 12.1).

    check_may_propose(content)                          # this kind, from this kind of sender, in this frame
    check_proposal(context, tree, proposal, author)     # its content against the epoch that it is made in
    check_supported(tree, proposal, but=leaving)        # everybody who has to process it can

A proposal that travels alone is judged when it comes; one that a commit carries, with the commit.
"""

from collections.abc import Collection
from typing import Final

from yurt.mls.capabilities import DEFAULT_PROPOSALS, MLS_10
from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.errors import InvalidMessage, InvalidProposal
from yurt.mls.extensions import ExternalSender
from yurt.mls.framed_content import AuthenticatedContent, SenderType, WireFormat
from yurt.mls.group_context import GroupContext
from yurt.mls.leaf_node import LeafNodeSource
from yurt.mls.pre_shared_key import PreSharedKeyID, ResumptionPSK, ResumptionPSKUsage
from yurt.mls.proposals import (
    Add,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ProposalType,
    ReInit,
    Remove,
    SelfRemove,
    Update,
)
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.validation.codes import MessageRule, ProposalRule
from yurt.mls.validation.key_package import check_key_package
from yurt.mls.validation.leaf_node import check_leaf, has_type_twice

_MAY_PROPOSE: Final = {
    # 12.1.6: an ExternalInit only ever stands in an external commit.
    SenderType.MEMBER: frozenset(ProposalType) - {ProposalType.EXTERNAL_INIT},
    # 12.1.8 and the column "External" of 17.4.
    SenderType.EXTERNAL: frozenset(
        {
            ProposalType.ADD,
            ProposalType.REMOVE,
            ProposalType.PSK,
            ProposalType.REINIT,
            ProposalType.GROUP_CONTEXT_EXTENSIONS,
        }
    ),
    SenderType.NEW_MEMBER_PROPOSAL: frozenset({ProposalType.ADD}),
    SenderType.NEW_MEMBER_COMMIT: frozenset[ProposalType](),
}


def check_may_propose(content: AuthenticatedContent, proposal: Proposal) -> None:
    """Check that this sender may send this kind of proposal on its own, framed as it is.

    Raises:
        InvalidProposal: With a code of `ProposalRule`.
        InvalidMessage: Somebody outside used a PrivateMessage (`outsiderNotPublic`).
    """
    sender_type, is_public = (
        content.content.sender.sender_type,
        content.wire_format is WireFormat.PUBLIC_MESSAGE,
    )
    if proposal.proposal_type not in _MAY_PROPOSE[sender_type]:
        raise InvalidProposal(ProposalRule.SENDER, f"{type(proposal).__name__} of {sender_type.name}")
    if sender_type is not SenderType.MEMBER and not is_public:
        raise InvalidMessage(MessageRule.OUTSIDER_NOT_PUBLIC)
    if isinstance(proposal, SelfRemove) and not is_public:
        # draft-ietf-mls-extensions: else somebody who joins from outside could not name it.
        raise InvalidProposal(ProposalRule.SELF_REMOVE_NOT_PUBLIC)


def proposer_key(
    context: GroupContext, tree: RatchetTree, content: AuthenticatedContent, proposal: Proposal
) -> bytes:
    """Give the key that a proposal on its own must be signed with.

    Raises:
        NotAMember: The sender's leaf is blank.
        InvalidProposal: The group lists no such external sender (`unknownExternalSender`).
    """
    sender = content.content.sender
    if sender.sender_type is SenderType.MEMBER and sender.index is not None:
        return tree.leaf(sender.index).signature_key
    if isinstance(proposal, Add) and sender.sender_type is SenderType.NEW_MEMBER_PROPOSAL:
        # 12.1.8: who asks to be added signs with the key that is to be added.
        return proposal.key_package.leaf_node.signature_key
    listed = ExternalSender.listed(context.extensions)
    if sender.index is None or sender.index >= len(listed):
        raise InvalidProposal(ProposalRule.EXTERNAL_SENDER, f"{sender.index} of {len(listed)}")
    return listed[sender.index].signature_key


def check_proposal(context: GroupContext, tree: RatchetTree, proposal: Proposal, author: int | None) -> None:
    """Check what a proposal says against the epoch that it is made in.

    Args:
        context: The epoch.
        tree: That epoch's.
        proposal: What to check.
        author: The leaf index of who made it; None if that is no member.

    Raises:
        InvalidProposal: With a code of `ProposalRule`.
        InvalidKeyPackage, InvalidLeafNode, InvalidSignature: Of an Add or Update.
        DecodeError: Of an extension that MLS itself reads.
    """
    suite = cipher_suite(context.cipher_suite)
    match proposal:
        case Add():
            check_key_package(suite, proposal.key_package)
        case Update():
            _check_update(suite, context, tree, proposal, author)
        case Remove():
            if tree.leaf_or_none(proposal.removed) is None:
                raise InvalidProposal(ProposalRule.REMOVES_NOBODY, f"leaf {proposal.removed}")
        case PreSharedKey():
            _check_psk(suite, context, proposal.psk)
        case ReInit():
            _check_reinit(proposal)
        case GroupContextExtensions():
            _check_extensions(proposal)
        case _:
            pass  # an ExternalInit or SelfRemove is judged by its sender and place alone


def _check_update(
    suite: CipherSuite, context: GroupContext, tree: RatchetTree, update: Update, author: int | None
) -> None:
    if author is None:
        raise InvalidProposal(ProposalRule.SENDER, "an Update of nobody's leaf")
    if update.leaf_node.encryption_key == tree.leaf(author).encryption_key:
        raise InvalidProposal(ProposalRule.UPDATE_SAME_KEY, f"leaf {author}")
    check_leaf(suite, update.leaf_node, LeafNodeSource.UPDATE, group_id=context.group_id, leaf_index=author)


def _check_psk(suite: CipherSuite, context: GroupContext, psk: PreSharedKeyID) -> None:
    """12.1.4: a nonce of the hash's size; keys for another group only in that group's first commit."""
    if len(psk.nonce) != suite.hash_size:
        raise InvalidProposal(ProposalRule.PSK_NONCE, f"{len(psk.nonce)} bytes")
    source = psk.source
    if not isinstance(source, ResumptionPSK) or source.usage is ResumptionPSKUsage.APPLICATION:
        return
    # 11.2 and 11.3: the commit that fills a group which replaces or branches off another.
    if context.epoch != 0 or source.group_id == context.group_id:
        raise InvalidProposal(ProposalRule.PSK_USAGE, source.usage.name)


def _check_reinit(reinit: ReInit) -> None:
    if reinit.version < MLS_10:
        raise InvalidProposal(ProposalRule.REINIT_VERSION, str(reinit.version))


def _check_extensions(proposal: GroupContextExtensions) -> None:
    if has_type_twice(proposal.extensions):
        raise InvalidProposal(ProposalRule.EXTENSION_TYPE_TWICE)
    ExternalSender.listed(proposal.extensions)


def check_supported(tree: RatchetTree, proposal: Proposal, *, but: Collection[int] = ()) -> None:
    """Check that every member can process a proposal of a type that not everybody knows (12.2).

    Args:
        tree: Who the members are.
        proposal: What to check.
        but: Leaves that the same commit removes.

    Raises:
        InvalidProposal: With the code `proposalUnsupported`.
    """
    kind = proposal.proposal_type
    if kind in DEFAULT_PROPOSALS:
        return
    for index, leaf in tree.leaves():
        if index not in but and not leaf.capabilities.supports_proposal(kind):
            raise InvalidProposal(ProposalRule.UNSUPPORTED, f"{kind.name} by leaf {index}")
