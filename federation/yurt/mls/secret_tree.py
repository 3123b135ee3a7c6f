"""The secret tree: one use of each key, and no way back (RFC 9420, 9).

The tree starts as one secret at its root. Descending to a leaf splits secrets on the way and deletes
each parent; a leaf becomes two ratchets; a ratchet step gives one key and forgets the secret before it.
Keys of messages that were overtaken wait as `skipped`, bounded, and go when used. What is consumed is
gone from the rows in the same call, so neither a replay nor a thief of the rows finds it again.

    tree = SecretTree.plant(suite, leaf_count, encryption_secret, rows)
    key = tree.next_key(own_leaf, RatchetKind.APPLICATION)          # to send: persisted before it returns
    step = tree.peek(sender, RatchetKind.APPLICATION, generation)   # to receive: nothing changes yet
    tree.consume(step)                                              # after the message proved genuine
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from yurt.mls import tree_math
from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.errors import Replayed, RowsIncomplete, TooFarAhead
from yurt.mls.group_store import EpochRows
from yurt.mls.labels import derive_tree_secret, expand_with_label

MAX_FORWARD: Final = 1000
"""How many generations a message may lie ahead of its ratchet: bounds the work one message can cause."""
MAX_SKIPPED: Final = 256
"""How many overtaken keys one ratchet keeps; the oldest go first."""


class RatchetKind(StrEnum):
    """A leaf's two ratchets: proposals and commits, and application messages."""

    HANDSHAKE = "handshake"
    APPLICATION = "application"


@dataclass(frozen=True, slots=True)
class MessageKey:
    """What seals exactly one message."""

    generation: int
    key: bytes = field(repr=False)
    nonce: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Head:
    """Where a ratchet stands: the secret of the next generation."""

    generation: int
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """A key that was looked up and not yet consumed, with what consuming it changes."""

    leaf: int
    kind: RatchetKind
    key: MessageKey
    head: _Head | None
    """The ratchet afterwards; None if the key was a skipped one."""
    skipped: tuple[MessageKey, ...] = ()


_Name = tuple[int, RatchetKind]


class SecretTree:
    """One epoch's secret tree over its rows."""

    def __init__(self, suite: CipherSuite, leaf_count: int, rows: EpochRows) -> None:
        self._suite = suite
        self._leaf_count = leaf_count
        self._rows = rows
        self._nodes: dict[int, bytes] = {}
        self._heads: dict[_Name, _Head] = {}
        self._skipped: dict[_Name, dict[int, MessageKey]] = {}

    @classmethod
    def plant(
        cls, suite: CipherSuite, leaf_count: int, encryption_secret: bytes, rows: EpochRows
    ) -> "SecretTree":
        """Start an epoch's tree and write its root."""
        tree = cls(suite, leaf_count, rows)
        tree._put_node(tree_math.root(leaf_count), encryption_secret)
        return tree

    @classmethod
    def load(
        cls, suite: CipherSuite, leaf_count: int, rows: EpochRows, slots: Mapping[str, bytes]
    ) -> "SecretTree":
        """Read a tree back from the rows of its epoch; other slots are ignored."""
        tree = cls(suite, leaf_count, rows)
        for slot, value in slots.items():
            match slot.split("/"):
                case ["node", node]:
                    tree._nodes[int(node)] = value
                case ["ratchet", leaf, kind]:
                    name = int(leaf), RatchetKind(kind)
                    tree._heads[name] = _Head(*_generation_first(value))
                case ["skipped", leaf, kind, generation]:
                    name = int(leaf), RatchetKind(kind)
                    key = MessageKey(int(generation), value[: suite.key_size], value[suite.key_size :])
                    tree._skipped.setdefault(name, {})[key.generation] = key
                case _:
                    pass
        return tree

    def next_key(self, leaf: int, kind: RatchetKind) -> MessageKey:
        """Take the next key to send with; the advanced ratchet is written before this returns.

        A crash afterwards skips a generation and never repeats one.
        """
        key, after = self._advance(self._head(leaf, kind))
        self._put_head((leaf, kind), after)
        return key

    def peek(self, leaf: int, kind: RatchetKind, generation: int) -> Step:
        """Look up the key of a received message, consuming nothing.

        Raises:
            Replayed: The generation was used, or overtaken so long ago that its key was dropped.
            TooFarAhead: More than `MAX_FORWARD` generations ahead.
        """
        head = self._head(leaf, kind)
        if generation < head.generation:
            waiting = self._skipped.get((leaf, kind), {}).get(generation)
            if waiting is None:
                raise Replayed(leaf, generation)
            return Step(leaf, kind, waiting, None)
        if generation - head.generation > MAX_FORWARD:
            raise TooFarAhead(leaf, generation)
        overtaken: list[MessageKey] = []
        key, head = self._advance(head)
        while key.generation < generation:
            overtaken.append(key)
            key, head = self._advance(head)
        return Step(leaf, kind, key, head, tuple(overtaken[-MAX_SKIPPED:]))

    def consume(self, step: Step) -> None:
        """Make a looked-up key unusable, in memory and in the rows."""
        name = step.leaf, step.kind
        if step.head is None:
            self._drop_skipped(name, step.key.generation)
            return
        self._put_head(name, step.head)
        for key in step.skipped:
            self._skipped.setdefault(name, {})[key.generation] = key
            self._rows.put(_skipped_slot(name, key.generation), key.key + key.nonce)
        waiting = sorted(self._skipped.get(name, ()))
        for generation in waiting[: max(0, len(waiting) - MAX_SKIPPED)]:
            self._drop_skipped(name, generation)

    def _advance(self, head: _Head) -> tuple[MessageKey, _Head]:
        """One ratchet step (RFC 9420, 9.1)."""
        suite, secret, generation = self._suite, head.secret, head.generation
        key = MessageKey(
            generation,
            derive_tree_secret(suite, secret, "key", generation, suite.key_size),
            derive_tree_secret(suite, secret, "nonce", generation, suite.nonce_size),
        )
        after = derive_tree_secret(suite, secret, "secret", generation, suite.hash_size)
        return key, _Head(generation + 1, after)

    def _head(self, leaf: int, kind: RatchetKind) -> _Head:
        if (leaf, kind) not in self._heads:
            self._descend(leaf)
        return self._heads[leaf, kind]

    def _descend(self, leaf: int) -> None:
        """Split secrets from the nearest kept ancestor to a leaf, and wipe every secret on the way."""
        size = self._suite.hash_size
        target = tree_math.leaf_to_node(leaf)
        path = [target, *tree_math.direct_path(target, self._leaf_count)]
        start = next((i for i, node in enumerate(path) if node in self._nodes), None)
        if start is None:
            raise RowsIncomplete(f"no secret leads to leaf {leaf}")
        secret = self._nodes[path[start]]
        for depth in range(start, 0, -1):
            parent, child = path[depth], path[depth - 1]
            left, right = tree_math.left(parent), tree_math.right(parent)
            here, there = ("left", "right") if child == left else ("right", "left")
            sibling = right if child == left else left
            self._put_node(sibling, expand_with_label(self._suite, secret, "tree", there.encode(), size))
            secret = expand_with_label(self._suite, secret, "tree", here.encode(), size)
        for kind in RatchetKind:
            # A ratchet that stands (rows of a half-written descent) is never set back to 0.
            if (leaf, kind) not in self._heads:
                first = expand_with_label(self._suite, secret, kind.value, b"", size)
                self._put_head((leaf, kind), _Head(0, first))
        # 9.2: the children stand, so the parents must go.
        for node in path:
            if self._nodes.pop(node, None) is not None:
                self._rows.delete(f"node/{node}")

    def _put_node(self, node: int, secret: bytes) -> None:
        self._nodes[node] = secret
        self._rows.put(f"node/{node}", secret)

    def _put_head(self, name: _Name, head: _Head) -> None:
        self._heads[name] = head
        leaf, kind = name
        self._rows.put(f"ratchet/{leaf}/{kind.value}", struct.pack(">I", head.generation) + head.secret)

    def _drop_skipped(self, name: _Name, generation: int) -> None:
        del self._skipped[name][generation]
        self._rows.delete(_skipped_slot(name, generation))


def _skipped_slot(name: _Name, generation: int) -> str:
    leaf, kind = name
    return f"skipped/{leaf}/{kind.value}/{generation}"


def _generation_first(value: bytes) -> tuple[int, bytes]:
    (generation,) = struct.unpack(">I", value[:4])
    return generation, value[4:]
