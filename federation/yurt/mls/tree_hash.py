"""The hash of a node with everything below it (RFC 9420, 7.8).

`encoded` is what the node's structure encodes to, or None for a blank node.
"""

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.codec import Writer

_LEAF = 1
_PARENT = 2


def leaf_hash(suite: CipherSuite, leaf: int, encoded: bytes | None) -> bytes:
    """Hash a leaf at its index."""
    w = Writer().u8(_LEAF).u32(leaf)
    return suite.hash(_optional(w, encoded).bytes())


def node_hash(suite: CipherSuite, encoded: bytes | None, left: bytes, right: bytes) -> bytes:
    """Hash a parent over the tree hashes of its children."""
    w = _optional(Writer().u8(_PARENT), encoded)
    return suite.hash(w.opaque(left).opaque(right).bytes())


def _optional(w: Writer, encoded: bytes | None) -> Writer:
    return w.u8(0) if encoded is None else w.u8(1).raw(encoded)
