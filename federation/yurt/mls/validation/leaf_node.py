"""Whether a leaf may stand in a group (RFC 9420, 7.3).

Who its owner says to be is the application's to judge (5.3.1). Three questions are asked here: is the leaf
sound by itself, does it fit the group, do all leaves go together.

    check_leaf(suite, leaf, LeafNodeSource.COMMIT, group_id=group_id, leaf_index=3)
    check_leaf_supports(leaf, context.extensions)
    check_members(tree)
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from yurt.mls.capabilities import MLS_10
from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.errors import InvalidLeafNode
from yurt.mls.extensions import Extension, RequiredCapabilities
from yurt.mls.leaf_node import LeafNode, LeafNodeSource
from yurt.mls.ratchet_tree import RatchetTree

MAX_LIFETIME_S: Final = 91 * 86_400
"""The longest lifetime of a key package in seconds: 90 days, and one for clocks (7.2 asks for a limit)."""


class LeafNodeRule(StrEnum):
    """The codes of the rules here; a wrong signature is `InvalidSignature`."""

    SOURCE = "leafSource"
    WEAK_KEY = "leafWeakKey"
    VERSION = "leafVersion"
    CIPHER_SUITE = "leafCipherSuite"
    CREDENTIAL_UNLISTED = "leafCredentialUnlisted"
    EXTENSION_UNLISTED = "leafExtensionUnlisted"
    EXTENSION_TWICE = "leafExtensionTwice"
    LIFETIME_TOO_LONG = "leafLifetimeTooLong"
    NOT_YET_VALID = "leafNotYetValid"
    EXPIRED = "leafExpired"
    LACKS_REQUIRED = "leafLacksRequired"
    LACKS_EXTENSION = "leafLacksExtension"
    LACKS_CREDENTIAL = "leafLacksCredential"
    SAME_SIGNATURE_KEY = "leafSameSignatureKey"
    SAME_ENCRYPTION_KEY = "leafSameEncryptionKey"


def check_leaf(
    suite: CipherSuite,
    leaf: LeafNode,
    source: LeafNodeSource | None,
    *,
    group_id: bytes = b"",
    leaf_index: int = 0,
) -> None:
    """Check a leaf by itself.

    Args:
        suite: The group's or key package's.
        leaf: What to check.
        source: What it must come from; None for a tree, where each source is possible.
        group_id: The group; a key package's leaf has none.
        leaf_index: Its place in the tree; likewise.

    Raises:
        InvalidLeafNode: With a code of `LeafNodeRule`.
        InvalidSignature: It was not signed by its own key for this place.
    """
    if source is not None and leaf.leaf_node_source is not source:
        raise InvalidLeafNode(LeafNodeRule.SOURCE, f"{leaf.leaf_node_source.name}, not {source.name}")
    if not suite.accepts_signature_key(leaf.signature_key) or not suite.accepts_hpke_key(leaf.encryption_key):
        raise InvalidLeafNode(LeafNodeRule.WEAK_KEY)
    _check_listed(suite, leaf)
    # Last, since it costs the most.
    leaf.verify_signature(suite, group_id=group_id, leaf_index=leaf_index)


def _check_listed(suite: CipherSuite, leaf: LeafNode) -> None:
    """7.2: what a leaf uses, it says to support."""
    capabilities = leaf.capabilities
    if MLS_10 not in capabilities.versions:
        raise InvalidLeafNode(LeafNodeRule.VERSION)
    if suite.value not in capabilities.cipher_suites:
        raise InvalidLeafNode(LeafNodeRule.CIPHER_SUITE)
    if leaf.credential.credential_type not in capabilities.credentials:
        raise InvalidLeafNode(LeafNodeRule.CREDENTIAL_UNLISTED)
    for extension in leaf.extensions:
        if not capabilities.supports_extension(extension.extension_type):
            raise InvalidLeafNode(LeafNodeRule.EXTENSION_UNLISTED, f"0x{extension.extension_type:04x}")
    # 13.4: no list of extensions has the same type twice.
    if has_type_twice(leaf.extensions):
        raise InvalidLeafNode(LeafNodeRule.EXTENSION_TWICE)


def has_type_twice(extensions: Iterable[Extension]) -> bool:
    """Tell whether a list of extensions has the same type twice (13.4)."""
    types = [extension.extension_type for extension in extensions]
    return len(set(types)) < len(types)


def check_lifetime(leaf: LeafNode, at_ms: int) -> None:
    """Check that a key package's leaf may enter now; leaves from updates and paths have no lifetime.

    Args:
        leaf: What to check.
        at_ms: The time to judge by, in ms since 1970. The caller's: nothing here reads a clock.
    """
    lifetime = leaf.lifetime
    if lifetime is None:
        return
    if lifetime.not_after - lifetime.not_before > MAX_LIFETIME_S:
        raise InvalidLeafNode(LeafNodeRule.LIFETIME_TOO_LONG)
    at = at_ms // 1000
    if at < lifetime.not_before:
        raise InvalidLeafNode(LeafNodeRule.NOT_YET_VALID)
    if at > lifetime.not_after:
        raise InvalidLeafNode(LeafNodeRule.EXPIRED)


def check_leaf_supports(leaf: LeafNode, extensions: tuple[Extension, ...]) -> None:
    """Check that a leaf can take part in a group with these GroupContext extensions (7.3 and 13.4).

    Raises:
        InvalidLeafNode: With a code of `LeafNodeRule`.
        DecodeError: The group's required capabilities are malformed.
    """
    capabilities, required = leaf.capabilities, RequiredCapabilities.of(extensions)
    lacking = (
        [kind for kind in required.extension_types if not capabilities.supports_extension(kind)]
        + [kind for kind in required.proposal_types if not capabilities.supports_proposal(kind)]
        + [kind for kind in required.credential_types if kind not in capabilities.credentials]
    )
    if lacking:
        raise InvalidLeafNode(LeafNodeRule.LACKS_REQUIRED, f"0x{lacking[0]:04x}")
    for extension in extensions:
        if not capabilities.supports_extension(extension.extension_type):
            raise InvalidLeafNode(LeafNodeRule.LACKS_EXTENSION, f"0x{extension.extension_type:04x}")


def check_members(tree: RatchetTree) -> None:
    """Check what concerns all leaves together: no key twice, every credential type known to all.

    Raises:
        InvalidLeafNode: With a code of `LeafNodeRule`.
    """
    leaves = [leaf for _, leaf in tree.leaves()]
    if len({leaf.signature_key for leaf in leaves}) < len(leaves):
        raise InvalidLeafNode(LeafNodeRule.SAME_SIGNATURE_KEY)
    keys = {leaf.encryption_key for leaf in leaves}
    # 12.4.3.1: nor may a parent have it, or nobody could join any more.
    if len(keys) < len(leaves) or not keys.isdisjoint(parent.encryption_key for _, parent in tree.parents()):
        raise InvalidLeafNode(LeafNodeRule.SAME_ENCRYPTION_KEY)
    for kind in {leaf.credential.credential_type for leaf in leaves}:
        if not all(kind in leaf.capabilities.credentials for leaf in leaves):
            raise InvalidLeafNode(LeafNodeRule.LACKS_CREDENTIAL, f"0x{kind:04x}")
