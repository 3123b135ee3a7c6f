"""Proposals of somebody who is not in the group (RFC 9420, 12.1.8).

A sender that the group lists, such as its hub, may ask for changes; and whoever wants to be added may
say so. Members decide: nothing happens until one of them commits it.

    message = propose_from_outside(public.context, 0, private, Remove(3))
    message = ask_to_join(public.context, bundle)
"""

from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.framed_content import AuthenticatedContent, FramedContent, Sender, SenderType, WireFormat
from yurt.mls.framing import MLSMessage, PublicMessage
from yurt.mls.group_context import GroupContext
from yurt.mls.key_package_bundle import KeyPackageBundle
from yurt.mls.proposals import Add, Proposal


def propose_from_outside(
    context: GroupContext, index: int, signature_private: bytes, proposal: Proposal
) -> bytes:
    """Sign a proposal as one of the group's external senders.

    Args:
        context: The epoch that it is made in.
        index: Our place in the group's list of external senders.
        signature_private: The key whose public part stands there.
        proposal: What to propose.

    Returns:
        An MLSMessage with a PublicMessage.
    """
    return _signed(context, Sender(SenderType.EXTERNAL, index), signature_private, proposal)


def ask_to_join(context: GroupContext, bundle: KeyPackageBundle) -> bytes:
    """Propose to be added ourselves, signed with the key that is to be added.

    Returns:
        An MLSMessage with a PublicMessage.
    """
    sender = Sender(SenderType.NEW_MEMBER_PROPOSAL)
    return _signed(context, sender, bundle.signature_private, Add(bundle.key_package))


def _signed(context: GroupContext, sender: Sender, private: bytes, proposal: Proposal) -> bytes:
    suite = cipher_suite(context.cipher_suite)
    framed = FramedContent(context.group_id, context.epoch, sender, b"", proposal)
    content = AuthenticatedContent.sign(suite, private, WireFormat.PUBLIC_MESSAGE, framed, context)
    return MLSMessage(PublicMessage(content.content, content.auth)).encode()
