"""The GroupInfo that a member signs: what a hub, or somebody who joins, needs to know of an epoch.

info = sign_group_info(public, own_index, signature_private, (external_pub(suite, external_secret),))
"""

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.codec import Writer
from yurt.mls.extensions import Extension, ExtensionType
from yurt.mls.framing import MLSMessage
from yurt.mls.group_info import GroupInfo
from yurt.mls.key_schedule import external_public
from yurt.mls.member_epoch import MemberEpoch
from yurt.mls.public_group import PublicGroup
from yurt.mls.ratchet_tree import RatchetTree


def external_pub(suite: CipherSuite, external_secret: bytes) -> Extension:
    """Make the extension with the key that external commits encrypt to (RFC 9420, 12.4.3.2)."""
    public_key = external_public(suite, external_secret)
    return Extension(ExtensionType.EXTERNAL_PUB, Writer().opaque(public_key).bytes())


def ratchet_tree(tree: RatchetTree) -> Extension:
    """Make the extension with the whole tree (RFC 9420, 12.4.3.3)."""
    return Extension(ExtensionType.RATCHET_TREE, tree.encode())


def sign_group_info(
    public: PublicGroup, own_index: int, signature_private: bytes, extensions: tuple[Extension, ...]
) -> GroupInfo:
    """Describe an epoch and vouch for it with our leaf's key (RFC 9420, 12.4.3)."""
    info = GroupInfo(public.context, extensions, public.confirmation_tag, own_index)
    return info.signed(public.suite, signature_private)


def describe_epoch(epoch: MemberEpoch, *, with_tree: bool) -> bytes:
    """Give the MLSMessage with our GroupInfo of the current epoch: external_pub, and perhaps the tree."""
    extensions = [external_pub(epoch.suite, epoch.secrets.external_secret)]
    if with_tree:
        extensions.append(ratchet_tree(epoch.public.tree))
    info = sign_group_info(epoch.public, epoch.own_index, epoch.signature_private, tuple(extensions))
    return MLSMessage(info).encode()
