"""TreeKEM's private side: fresh secrets up our path, sealed to everybody beside it (RFC 9420, 7.4 to 7.6).

A commit's path gives each node above the committer a new key pair. A path secret at one node yields
those of all nodes above it, so each other member needs exactly one: that of the lowest node it shares
with the committer.

    path = fresh_path(suite, tree, own_index, os.urandom)       # secrets and key pairs
    nodes = seal_path(suite, path, tree_after, own_index, context, new_leaves)   # what the commit carries
    received = open_path(suite, tree_after, own_index, keys, sender, update_path, context, new_leaves)
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from yurt.mls import tree_math
from yurt.mls.algorithms import Random
from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.errors import DecryptionFailed, InvalidCommit
from yurt.mls.labels import HPKECiphertext, decrypt_with_label, derive_secret, encrypt_with_label
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.update_path import UpdatePath, UpdatePathNode

_LABEL = "UpdatePathNode"


@dataclass(frozen=True, slots=True)
class PathStep:
    """One node of a path with its fresh key pair."""

    node: int
    path_secret: bytes = field(repr=False)
    private: bytes = field(repr=False)
    public: bytes


@dataclass(frozen=True, slots=True)
class Path:
    """The nodes of a path from the bottom up, and the secret that it gives to the key schedule."""

    steps: tuple[PathStep, ...]
    commit_secret: bytes = field(repr=False)

    def private_keys(self) -> dict[int, bytes]:
        """Give the private key of each node."""
        return {step.node: step.private for step in self.steps}

    def secret_for(self, leaf: int) -> bytes | None:
        """Give the path secret of the lowest node above `leaf`: what a Welcome hands to it."""
        for step in self.steps:
            if tree_math.is_in_subtree(tree_math.leaf_to_node(leaf), step.node):
                return step.path_secret
        return None


def derive_path(suite: CipherSuite, path_secret: bytes, nodes: Sequence[int]) -> Path:
    """Derive the path secrets and key pairs of `nodes`, the first of which has `path_secret` (7.4)."""
    steps: list[PathStep] = []
    for node in nodes:
        private, public = suite.derive_key_pair(derive_secret(suite, path_secret, "node"))
        steps.append(PathStep(node, path_secret, private, public))
        path_secret = derive_secret(suite, path_secret, "path")
    return Path(tuple(steps), path_secret)


def fresh_path(suite: CipherSuite, tree: RatchetTree, own_index: int, random: Random) -> Path:
    """Make new secrets for our filtered direct path in `tree`, the proposals being applied (7.5)."""
    return derive_path(suite, random(suite.hash_size), tree.filtered_direct_path(own_index))


def _receivers(tree: RatchetTree, beside: int, new_leaves: Collection[int]) -> list[int]:
    """List the nodes that one path secret is sealed to, in order (RFC 9420, 7.5 and 12.4.2).

    New members are left out: they learn their path secret from the Welcome.
    """
    excluded = {tree_math.leaf_to_node(leaf) for leaf in new_leaves}
    return [receiver for receiver in tree.resolution(beside) if receiver not in excluded]


def seal_path(
    suite: CipherSuite,
    path: Path,
    tree: RatchetTree,
    sender: int,
    context: bytes,
    new_leaves: Collection[int],
    random: Random,
) -> tuple[UpdatePathNode, ...]:
    """Encrypt each path secret to the members beside it.

    Args:
        suite: The group's.
        path: From `fresh_path`.
        tree: The tree with the proposals applied.
        sender: Our leaf.
        context: The encoded provisional GroupContext (RFC 9420, 12.4.1).
        new_leaves: Leaves that this commit adds.
        random: Source of the encapsulations.
    """

    def sealed(step: PathStep, receiver: int) -> HPKECiphertext:
        key = tree.encryption_key(receiver)
        return encrypt_with_label(suite, key, _LABEL, context, step.path_secret, random=random)

    copath = [beside for _, beside in tree.filtered_path_with_copath(sender)]
    return tuple(
        UpdatePathNode(
            step.public,
            tuple(sealed(step, receiver) for receiver in _receivers(tree, beside, new_leaves)),
        )
        for step, beside in zip(path.steps, copath, strict=True)
    )


def open_path(
    suite: CipherSuite,
    tree: RatchetTree,
    own_index: int,
    keys: Mapping[int, bytes],
    sender: int,
    update_path: UpdatePath,
    context: bytes,
    new_leaves: Collection[int],
) -> Path:
    """Decrypt our path secret of another's path and derive those above it (RFC 9420, 7.5).

    Args:
        suite: The group's.
        tree: The tree with the proposals applied.
        own_index: Our leaf.
        keys: Our private keys by node.
        sender: The committer's leaf.
        update_path: What the commit carries.
        context: The encoded provisional GroupContext.
        new_leaves: Leaves that this commit adds.

    Raises:
        InvalidCommit: The path's shape or keys do not fit the tree or the secret.
        DecryptionFailed: Our path secret does not open.
    """
    pairs = tree.filtered_path_with_copath(sender)
    if len(pairs) != len(update_path.nodes):
        raise InvalidCommit("pathLength", "not one node for each node of the filtered direct path")
    own_node = tree_math.leaf_to_node(own_index)
    shared = next(i for i, (node, _) in enumerate(pairs) if tree_math.is_in_subtree(own_node, node))
    receivers = _receivers(tree, pairs[shared][1], new_leaves)
    sealed = update_path.nodes[shared].encrypted_path_secret
    if len(sealed) != len(receivers):
        raise InvalidCommit("pathCiphertexts", "not one for each node of the copath's resolution")
    mine = next((i for i, receiver in enumerate(receivers) if receiver in keys), None)
    if mine is None:
        raise DecryptionFailed
    secret = decrypt_with_label(suite, keys[receivers[mine]], _LABEL, context, sealed[mine])
    path = derive_path(suite, secret, [node for node, _ in pairs[shared:]])
    # 7.5: the public keys of the path must be those that the secret derives.
    if any(s.public != n.encryption_key for s, n in zip(path.steps, update_path.nodes[shared:], strict=True)):
        raise InvalidCommit("pathKeys", "the public keys do not follow from the secret")
    return path
