"""The public ratchet tree: who is in the group, and the keys that reach them (RFC 9420, 7 and 4.1).

A tree never changes: each operation gives a new one that shares all nodes it did not touch, with their
encodings and hashes. So a commit costs its path, not the tree, and the tree before is still there.

    tree, index = tree.add(leaf)
    tree = tree.remove(3).with_path(index, update_path)
    tree.tree_hash()
"""

from collections.abc import Iterator, Sequence
from typing import Self

from typing_extensions import override

from yurt.mls import tree_math
from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.codec import Reader
from yurt.mls.errors import InvalidCommit, NoSuchNode, NotAMember
from yurt.mls.leaf_node import LeafNode
from yurt.mls.node_array import Entry, Node, NodeArray
from yurt.mls.parent_hash import parent_hash
from yurt.mls.parent_node import ParentNode
from yurt.mls.update_path import UpdatePath
from yurt.mls.validation.codes import CommitRule


class RatchetTree:
    """One epoch's tree. Leaves are named by leaf index, all nodes by node index (`tree_math`)."""

    __slots__ = ("_nodes", "suite")

    def __init__(self, suite: CipherSuite, nodes: NodeArray) -> None:
        self.suite = suite
        self._nodes = nodes

    @classmethod
    def of(cls, suite: CipherSuite, creator: LeafNode) -> Self:
        """Make the tree of a new group with one member."""
        return cls(suite, NodeArray(suite, [Entry.of(creator)]))

    # --- reading ---

    @property
    def size(self) -> int:
        """How many leaves the tree is wide, blank ones too; a power of two."""
        return self._nodes.leaf_count

    @property
    def node_count(self) -> int:
        """How many nodes the tree has, blank ones too."""
        return len(self._nodes.entries)

    @property
    def root(self) -> int:
        """The root's node index."""
        return tree_math.root(self.size)

    @property
    def member_count(self) -> int:
        """How many leaves are not blank."""
        return sum(entry is not None for entry in self._nodes.entries[::2])

    def node(self, node: int) -> Node | None:
        """Give a node, or None if it is blank.

        Raises:
            NoSuchNode: The index is outside the tree.
        """
        if not 0 <= node < len(self._nodes.entries):
            raise NoSuchNode(f"node {node} is outside the tree")
        entry = self._nodes.entries[node]
        return None if entry is None else entry.node

    def parent_node(self, node: int) -> ParentNode | None:
        """Give an inner node, or None if it is blank."""
        value = self.node(node)
        return value if isinstance(value, ParentNode) else None

    def leaves(self) -> Iterator[tuple[int, LeafNode]]:
        """Give each member's index and leaf, in order."""
        for index, entry in enumerate(self._nodes.entries[::2]):
            if entry is not None and isinstance(entry.node, LeafNode):
                yield index, entry.node

    def parents(self) -> Iterator[tuple[int, ParentNode]]:
        """Give each inner node that is not blank, in order of node index."""
        for place, entry in enumerate(self._nodes.entries[1::2]):
            if entry is not None and isinstance(entry.node, ParentNode):
                yield 2 * place + 1, entry.node

    def leaf(self, index: int) -> LeafNode:
        """Give a member's leaf.

        Raises:
            NotAMember: The leaf is blank or outside the tree.
        """
        leaf = self.leaf_or_none(index)
        if leaf is None:
            raise NotAMember(index)
        return leaf

    def leaf_or_none(self, index: int) -> LeafNode | None:
        """Give a member's leaf, or None if it is blank or outside the tree."""
        if not 0 <= index < self.size:
            return None
        value = self.node(tree_math.leaf_to_node(index))
        return value if isinstance(value, LeafNode) else None

    def index_of(self, leaf: LeafNode) -> int | None:
        """Find the member whose leaf is exactly this one."""
        return next((index for index, other in self.leaves() if other == leaf), None)

    def encryption_key(self, node: int) -> bytes:
        """Give the public key of a node that is not blank."""
        key = self.encryption_key_or_none(node)
        if key is None:
            raise NoSuchNode(f"node {node} is blank")
        return key

    def encryption_key_or_none(self, node: int) -> bytes | None:
        """Give the public key of a node, or None if it is blank or outside the tree."""
        entry = self._nodes.entries[node] if 0 <= node < len(self._nodes.entries) else None
        return None if entry is None else entry.node.encryption_key

    def encryption_keys(self) -> Iterator[bytes]:
        """Give the public keys of all nodes that are not blank."""
        return (entry.node.encryption_key for entry in self._nodes.entries if entry is not None)

    def resolution(self, node: int) -> tuple[int, ...]:
        """List the fewest nodes whose keys together reach every member below a node (4.1.1)."""
        value = self.node(node)
        if isinstance(value, ParentNode):
            return (node, *map(tree_math.leaf_to_node, value.unmerged_leaves))
        if value is not None:
            return (node,)
        if tree_math.is_leaf(node):
            return ()
        return self.resolution(tree_math.left(node)) + self.resolution(tree_math.right(node))

    def has_members(self, node: int) -> bool:
        """Tell whether a node's resolution is not empty."""
        if self._nodes.entries[node] is not None:
            return True
        if tree_math.is_leaf(node):
            return False
        return self.has_members(tree_math.left(node)) or self.has_members(tree_math.right(node))

    def direct_path(self, leaf: int) -> tuple[int, ...]:
        """List the nodes above a leaf, the root last."""
        return tree_math.direct_path(tree_math.leaf_to_node(leaf), self.size)

    def copath(self, leaf: int) -> tuple[int, ...]:
        """List the siblings of a leaf and of the nodes above it, the root's child last."""
        return tree_math.copath(tree_math.leaf_to_node(leaf), self.size)

    def filtered_direct_path(self, leaf: int) -> tuple[int, ...]:
        """List the nodes above a leaf that have anybody on their other side (4.1.2)."""
        return tuple(node for node, _ in self.filtered_path_with_copath(leaf))

    def filtered_path_with_copath(self, leaf: int) -> tuple[tuple[int, int], ...]:
        """List the filtered direct path, each node with its child on the copath."""
        pairs = zip(self.direct_path(leaf), self.copath(leaf), strict=True)
        return tuple((node, beside) for node, beside in pairs if self.has_members(beside))

    # --- hashing ---

    def tree_hash(self) -> bytes:
        """Compute the tree hash of the root (7.8); what was hashed before is not hashed again."""
        return self._nodes.hash(self.root)

    def subtree_hash(self, node: int) -> bytes:
        """Compute the tree hash of one node."""
        return self._nodes.hash(node)

    # --- changing: each gives a new tree ---

    def add(self, leaf: LeafNode) -> "tuple[RatchetTree, int]":
        """Put a leaf at the leftmost blank place, widening the tree if there is none (12.1.1)."""
        nodes = self._nodes.copy()
        index = nodes.take_free_leaf()
        place = tree_math.leaf_to_node(index)
        for above in tree_math.direct_path(place, nodes.leaf_count):
            parent = nodes.node(above)
            if isinstance(parent, ParentNode):
                nodes.put(above, parent.with_unmerged(index))
        nodes.put(place, leaf)
        return RatchetTree(self.suite, nodes), index

    def update(self, index: int, leaf: LeafNode) -> "RatchetTree":
        """Replace a member's leaf and blank the nodes above it (12.1.2)."""
        self.leaf(index)
        nodes = self._nodes.copy()
        nodes.blank_path(index)
        nodes.put(tree_math.leaf_to_node(index), leaf)
        return RatchetTree(self.suite, nodes)

    def remove(self, index: int) -> "RatchetTree":
        """Blank a member's leaf and the nodes above it, and narrow the tree if it can be (12.1.3)."""
        self.leaf(index)
        nodes = self._nodes.copy()
        nodes.blank_path(index)
        nodes.put(tree_math.leaf_to_node(index), None)
        nodes.truncate()
        return RatchetTree(self.suite, nodes)

    def with_free_leaf(self) -> "tuple[RatchetTree, int]":
        """Find the leftmost blank leaf, widening the tree if there is none: an external committer's."""
        nodes = self._nodes.copy()
        index = nodes.take_free_leaf()
        return RatchetTree(self.suite, nodes), index

    def with_leaf(self, index: int, leaf: LeafNode) -> "RatchetTree":
        """Replace a leaf and nothing above it: the last step of a path."""
        nodes = self._nodes.copy()
        nodes.put(tree_math.leaf_to_node(index), leaf)
        return RatchetTree(self.suite, nodes)

    def with_path_keys(self, sender: int, encryption_keys: Sequence[bytes]) -> "tuple[RatchetTree, bytes]":
        """Put new keys on a leaf's filtered direct path and blank the rest of its path (7.5, 7.9).

        Args:
            sender: The committer's leaf, which may still be the old one or blank.
            encryption_keys: One for each node of the filtered direct path, lowest first.

        Returns:
            The tree, its leaf as it was, and the parent hash which the committer's new leaf must carry.

        Raises:
            InvalidCommit: Not one key for each node (`pathLength`).
        """
        path = self.filtered_path_with_copath(sender)
        if len(path) != len(encryption_keys):
            raise InvalidCommit(CommitRule.PATH_LENGTH, f"{len(encryption_keys)} keys for {len(path)} nodes")
        nodes = self._nodes.copy()
        nodes.blank_path(sender)
        above = b""
        for (node, beside), key in zip(reversed(path), reversed(encryption_keys), strict=True):
            nodes.put(node, ParentNode(key, above))
            above = parent_hash(self.suite, key, above, nodes.hash(beside))
        return RatchetTree(self.suite, nodes), above

    def with_path(self, sender: int, path: UpdatePath) -> "RatchetTree":
        """Merge a commit's path (7.5).

        Raises:
            InvalidCommit: The path is too long or short (`pathLength`), or the leaf's parent hash is
                not the one of these keys in this tree (`pathParentHash`).
        """
        tree, expected = self.with_path_keys(sender, [node.encryption_key for node in path.nodes])
        if path.leaf_node.parent_hash != expected:
            raise InvalidCommit(CommitRule.PATH_PARENT_HASH, f"leaf {sender}")
        return tree.with_leaf(sender, path.leaf_node)

    # --- the ratchet_tree extension ---

    def encode(self) -> bytes:
        """Encode the `ratchet_tree` extension's data (12.4.3.3)."""
        return self._nodes.encode()

    @classmethod
    def decode(cls, suite: CipherSuite, data: bytes, *, limit: int | None = None) -> Self:
        """Decode the `ratchet_tree` extension's data. Nothing in it is verified yet.

        Raises:
            DecodeError: It is malformed, ends with a blank node, or has leaves where parents belong.
        """
        r = Reader(data, limit=limit)
        tree = cls.decode_from(suite, r)
        r.finish()
        return tree

    @classmethod
    def decode_from(cls, suite: CipherSuite, r: Reader) -> Self:
        """Read the same, and leave what follows it."""
        return cls(suite, NodeArray.decode_from(suite, r))

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, RatchetTree) and self._nodes.entries == other._nodes.entries

    @override
    def __hash__(self) -> int:
        return hash(self.tree_hash())

    @override
    def __repr__(self) -> str:
        return f"<RatchetTree of {self.member_count} members in {self.size} leaves>"
