"""Whether a GroupInfo and a tree describe a group that members built (RFC 9420, 12.4.3 and 12.4.3.1).

check_signer(suite, group_info, tree)
check_group(suite, group_info.group_context, tree, at_ms=None)
"""

from enum import StrEnum

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.codec import Reader
from yurt.mls.errors import InvalidGroupInfo
from yurt.mls.extensions import ExtensionType, find_extension
from yurt.mls.group_context import GroupContext
from yurt.mls.group_info import GroupInfo
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.validation.leaf_node import (
    check_leaf,
    check_leaf_supports,
    check_lifetime,
    check_members,
    has_type_twice,
)
from yurt.mls.validation.tree import validate_tree


class GroupInfoRule(StrEnum):
    """The codes of the rules here; those of the tree and its leaves are in their files."""

    NO_TREE = "groupInfoNoTree"
    TREE_HASH = "groupInfoTreeHash"
    SIGNER = "groupInfoSigner"
    EXTENSION_TWICE = "groupInfoExtensionTwice"
    EXTERNAL_PUB = "groupInfoNoExternalPub"
    OTHER_CONTEXT = "groupInfoOtherContext"
    OTHER_CONFIRMATION = "groupInfoOtherConfirmation"


def check_signer(suite: CipherSuite, info: GroupInfo, tree: RatchetTree) -> None:
    """Check that the member at the signer's leaf signed a GroupInfo, and nobody else.

    Raises:
        InvalidGroupInfo: The signer's leaf is blank, or an extension stands twice.
        InvalidSignature: The signature does not fit the signer's leaf.
    """
    leaf = tree.leaf_or_none(info.signer)
    if leaf is None:
        raise InvalidGroupInfo(GroupInfoRule.SIGNER, f"leaf {info.signer} is not a member")
    if has_type_twice(info.extensions):
        raise InvalidGroupInfo(GroupInfoRule.EXTENSION_TWICE)
    info.verify_signature(suite, leaf.signature_key)


def check_group(suite: CipherSuite, context: GroupContext, tree: RatchetTree, *, at_ms: int | None) -> None:
    """Check a whole group: the tree against the context, then every node and leaf.

    Args:
        suite: The group's.
        context: What the tree must fit.
        tree: As it was handed over.
        at_ms: Where lifetimes are to be judged, the time; None for a tree found in a Welcome, whose
            leaves entered long ago (TRUST 3).

    Raises:
        InvalidGroupInfo, InvalidTree, InvalidLeafNode, InvalidSignature: With the rule's code.
    """
    if tree.tree_hash() != context.tree_hash:
        raise InvalidGroupInfo(GroupInfoRule.TREE_HASH)
    if has_type_twice(context.extensions):
        raise InvalidGroupInfo(GroupInfoRule.EXTENSION_TWICE)
    check_members(tree)
    validate_tree(tree)
    for index, leaf in tree.leaves():
        check_leaf_supports(leaf, context.extensions)
        if at_ms is not None:
            check_lifetime(leaf, at_ms)
        check_leaf(suite, leaf, None, group_id=context.group_id, leaf_index=index)


def external_pub(suite: CipherSuite, info: GroupInfo) -> bytes:
    """Give the key to which somebody outside encapsulates the next epoch's secret (12.4.3.2).

    Raises:
        InvalidGroupInfo: There is none, or a weak one (`groupInfoNoExternalPub`).
        DecodeError: The extension is malformed.
    """
    data = find_extension(info.extensions, ExtensionType.EXTERNAL_PUB)
    if data is None:
        raise InvalidGroupInfo(GroupInfoRule.EXTERNAL_PUB)
    r = Reader(data)
    key = r.opaque()
    r.finish()
    if not suite.accepts_hpke_key(key):
        raise InvalidGroupInfo(GroupInfoRule.EXTERNAL_PUB, "a weak key")
    return key
