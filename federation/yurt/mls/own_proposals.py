"""Proposals of our own that travel before a commit: anybody's commit of this epoch may name them (12.1).

Each is kept before it leaves, like everybody else keeps it when it comes.

    message = propose(epoch, Remove(3), b"")
    message = propose_update(epoch, None, b"", os.urandom)
"""

from yurt.mls.algorithms import Random
from yurt.mls.framed_content import AuthenticatedContent, FramedContent, Sender, WireFormat
from yurt.mls.framing import MLSMessage
from yurt.mls.key_package_bundle import OwnLeaf
from yurt.mls.member_epoch import MemberEpoch, OwnUpdate
from yurt.mls.message_protection import seal_public
from yurt.mls.proposals import Proposal, Update


def propose(
    epoch: MemberEpoch, proposal: Proposal, authenticated_data: bytes, update: OwnUpdate | None = None
) -> bytes:
    """Sign a proposal, keep it, and give the MLSMessage.

    Args:
        epoch: The current one.
        proposal: What to propose.
        authenticated_data: Sent readably under the same signature.
        update: The private keys, if it is an Update.

    Raises:
        RemoteMlsError: It is against a rule; the same one that others would name.
    """
    context, sender = epoch.public.context, Sender.member(epoch.own_index)
    framed = FramedContent(context.group_id, context.epoch, sender, authenticated_data, proposal)
    content = AuthenticatedContent.sign(
        epoch.suite, epoch.signature_private, WireFormat.PUBLIC_MESSAGE, framed, epoch.context_bytes
    )
    epoch.keep(epoch.public.stage_proposal(content), update)
    message = seal_public(epoch.suite, content, epoch.secrets.membership_key, epoch.context_bytes)
    return MLSMessage(message).encode()


def propose_update(
    epoch: MemberEpoch, leaf: OwnLeaf | None, authenticated_data: bytes, random: Random
) -> bytes:
    """Propose a fresh key for our own leaf (12.1.2); its private part waits for the commit.

    Args:
        epoch: The current one.
        leaf: New content and signature key; None leaves them.
        authenticated_data: Sent readably under the same signature.
        random: Source of the key.
    """
    own, group_id = epoch.own_index, epoch.public.context.group_id
    content = leaf or OwnLeaf.of(epoch.own_leaf, epoch.signature_private)
    private, public_key = epoch.suite.generate_hpke_key(random)
    node = content.update_leaf(epoch.suite, public_key, group_id=group_id, leaf_index=own)
    return propose(epoch, Update(node), authenticated_data, OwnUpdate(private, content.signature_private))
