"""The nodes of a ratchet tree as an array, with their encodings and hashes (RFC 9420, appendix C).

It can be changed, so only `RatchetTree` holds one, and changes only a copy that nobody else has yet.
Copying takes two flat lists; encodings and hashes of untouched nodes are never computed again.
"""

from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from yurt.mls import tree_math
from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import DecodeError
from yurt.mls.leaf_node import LeafNode
from yurt.mls.parent_node import ParentNode
from yurt.mls.tree_hash import leaf_hash, node_hash

Node: TypeAlias = LeafNode | ParentNode

MAX_NODES: Final = (1 << 17) - 1
"""A tree of 65,536 leaves, blank ones too: far beyond what members could still work with."""

_LEAF = 1
_PARENT = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """A node that is not blank, encoded once."""

    node: Node
    encoded: bytes

    @classmethod
    def of(cls, node: Node) -> Self:
        """Encode a node."""
        return cls(node, node.encode())

    def encode_to(self, w: Writer) -> None:
        """Write the structure `Node` (12.4.3.3)."""
        w.u8(_LEAF if isinstance(self.node, LeafNode) else _PARENT).raw(self.encoded)

    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure `Node`, keeping its bytes."""
        kind = r.u8()
        if kind not in (_LEAF, _PARENT):
            raise DecodeError(f"node type {kind} is unknown")
        start = r.position
        node = LeafNode.decode_from(r) if kind == _LEAF else ParentNode.decode_from(r)
        return cls(node, r.since(start))


class NodeArray:
    """All nodes, blank ones as None; the length is one less than a power of two."""

    __slots__ = ("_hashes", "_suite", "entries")

    def __init__(
        self, suite: CipherSuite, entries: list[Entry | None], hashes: list[bytes | None] | None = None
    ) -> None:
        self._suite = suite
        self.entries = entries
        self._hashes: list[bytes | None] = [None] * len(entries) if hashes is None else hashes

    def copy(self) -> "NodeArray":
        """Give an array that may be changed."""
        return NodeArray(self._suite, self.entries.copy(), self._hashes.copy())

    @property
    def leaf_count(self) -> int:
        """How many leaves there are, blank ones too."""
        return (len(self.entries) + 1) // 2

    def node(self, node: int) -> Node | None:
        """Give a node, or None if it is blank."""
        entry = self.entries[node]
        return None if entry is None else entry.node

    def put(self, node: int, value: Node | None) -> None:
        """Set or blank a node; the hashes above it are forgotten."""
        self.entries[node] = None if value is None else Entry.of(value)
        self._hashes[node] = None
        for above in tree_math.direct_path(node, self.leaf_count):
            self._hashes[above] = None

    def blank_path(self, leaf: int) -> None:
        """Blank every node above a leaf."""
        for node in tree_math.direct_path(tree_math.leaf_to_node(leaf), self.leaf_count):
            self.put(node, None)

    def take_free_leaf(self) -> int:
        """Find the leftmost blank leaf; without one, double the tree to the right (7.7)."""
        free = next((index for index, entry in enumerate(self.entries[::2]) if entry is None), None)
        if free is not None:
            return free
        index, more = self.leaf_count, len(self.entries) + 1
        self.entries.extend([None] * more)
        self._hashes.extend([None] * more)
        return index

    def truncate(self) -> None:
        """Halve the tree as long as its right half has no member (7.7)."""
        last = max((index for index, entry in enumerate(self.entries[::2]) if entry is not None), default=0)
        width = tree_math.node_count(1 << last.bit_length())
        del self.entries[width:]
        del self._hashes[width:]

    def hash(self, node: int) -> bytes:
        """Compute the tree hash of a node (7.8), or remember it."""
        known = self._hashes[node]
        if known is None:
            known = self._hashes[node] = self._compute_hash(node)
        return known

    def _compute_hash(self, node: int) -> bytes:
        entry = self.entries[node]
        encoded = None if entry is None else entry.encoded
        if tree_math.is_leaf(node):
            return leaf_hash(self._suite, tree_math.node_to_leaf(node), encoded)
        left, right = self.hash(tree_math.left(node)), self.hash(tree_math.right(node))
        return node_hash(self._suite, encoded, left, right)

    def encode(self) -> bytes:
        """Encode `optional<Node> ratchet_tree<V>` without the blank nodes at its end (12.4.3.3)."""
        last = max((node for node, entry in enumerate(self.entries) if entry is not None), default=-1)
        w = Writer()
        for entry in self.entries[: last + 1]:
            w.optional(entry)
        return Writer().opaque(w.bytes()).bytes()

    @classmethod
    def decode_from(cls, suite: CipherSuite, r: Reader) -> Self:
        """Read what `encode` writes, and widen it to a full tree.

        Raises:
            DecodeError: It is malformed, ends with a blank node, or has leaves where parents belong.
        """
        entries = r.optional_vector(Entry.decode_from, most=MAX_NODES)
        if not entries or entries[-1] is None:
            raise DecodeError("the last node of a ratchet tree is blank")
        for node, entry in enumerate(entries):
            if entry is not None and isinstance(entry.node, LeafNode) is not tree_math.is_leaf(node):
                raise DecodeError(f"node {node} has the wrong type")
        width = (1 << len(entries).bit_length()) - 1
        entries.extend([None] * (width - len(entries)))
        return cls(suite, entries)
