"""Parent hashes: each leaf signs the keys that its owner put above it (RFC 9420, 7.9).

Without them an insider could put a key of its own high in the tree and listen to members below it.
"""

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.codec import Writer


def parent_hash(
    suite: CipherSuite, encryption_key: bytes, above: bytes, original_sibling_tree_hash: bytes
) -> bytes:
    """Hash a parent node for the node below it on a path.

    Args:
        suite: The group's.
        encryption_key: The parent's public key.
        above: The parent's own `parent_hash`; empty at the top of the path.
        original_sibling_tree_hash: The tree hash of its child on the copath, without the leaves that
            are unmerged at the parent.
    """
    return suite.hash(
        Writer().opaque(encryption_key).opaque(above).opaque(original_sibling_tree_hash).bytes()
    )
