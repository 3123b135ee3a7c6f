"""What MLS costs: each operation beside the bare primitive calls that nobody can do without.

CPU time of this process, medians, suite 0x0001; the primitives are measured in the same run, so that the
ratio means the same on every machine.

    python -m yurt.lab.bench.mls 2 15 50 500
    python -m yurt.lab.bench.mls --chart docs/mls-commit-cost.svg
"""

import hashlib
import hmac
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Final, TypeVar

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from yurt.lab.bench.mls_chart import Row, draw
from yurt.mls import tree_math
from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.group import Group
from yurt.mls.group_context import GroupContext
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.key_package_bundle import KeyPackageBundle, make_key_package
from yurt.mls.key_schedule import EpochSecrets
from yurt.mls.leaf_node import LeafNodeSource
from yurt.mls.member_epoch import EpochStart
from yurt.mls.public_group import PublicGroup
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.receiving import ReceivedCommit
from yurt.mls.rehearsal import GROUP_ID, NOT_AFTER, own_leaf
from yurt.mls.staging import StagedCommit

SIZES: Final = (2, 15, 50, 500, 2000)
_BODY: Final = bytes(200)
T = TypeVar("T")


def cpu_ms(run: Callable[[], object], times: int) -> float:
    """The median CPU time of a call, ms."""
    taken: list[float] = []
    for _ in range(times):
        began = time.process_time()
        run()
        taken.append((time.process_time() - began) * 1000)
    return median(taken)


@dataclass(frozen=True, slots=True)
class Primitives:
    """Median CPU time of each primitive as Python calls it, ms."""

    generate: float
    exchange: float
    sign: float
    verify: float
    mac: float
    aead: float
    hash: float

    @classmethod
    def measure(cls, suite: CipherSuite) -> "Primitives":
        """Measure them here and now."""
        private, public = suite.generate_hpke_key()
        key = suite.generate_signature_key()
        verifying, signature = suite.signature_public(key), suite.sign(key, _BODY)
        secret, nonce = bytes(suite.key_size), bytes(suite.nonce_size)

        def each(call: Callable[[], object]) -> float:
            return cpu_ms(lambda: [call() for _ in range(20)], 21) / 20

        return cls(
            generate=each(suite.generate_hpke_key),
            exchange=each(lambda: _exchange(private, public)),
            sign=each(lambda: suite.sign(key, _BODY)),
            verify=each(lambda: suite.verify(verifying, _BODY, signature)),
            mac=each(lambda: hmac.digest(secret, _BODY, "sha256")),
            aead=each(lambda: suite.aead_seal(secret, nonce, b"", _BODY)),
            hash=each(lambda: hashlib.sha256(_BODY).digest()),
        )

    @property
    def seal(self) -> float:
        """Encrypt to a public key, ms."""
        return self.generate + self.exchange + 8 * self.mac + self.aead

    @property
    def open(self) -> float:
        """Decrypt with a private key, ms."""
        return self.generate + self.exchange + 8 * self.mac + self.aead


def _exchange(private: bytes, public: bytes) -> bytes:
    peer = X25519PublicKey.from_public_bytes(public)
    return X25519PrivateKey.from_private_bytes(private).exchange(peer)


@dataclass
class Scene:
    """A group of one size, right after everybody was added in one commit."""

    suite: CipherSuite
    members: int
    primitives: Primitives
    rows: list[Row] = field(default_factory=list[Row])

    def note(self, name: str, ms: float, floor: float) -> None:
        """Keep a figure."""
        self.rows.append(Row(self.members, name, ms, floor))

    @property
    def levels(self) -> int:
        """How high the tree is."""
        return (self.members - 1).bit_length()

    def measure(self) -> list[Row]:
        """Measure everything."""
        p = self.primitives
        founder = self._founded()
        packages = [self._package(number) for number in range(1, self.members)]
        began = time.process_time()
        staged = founder.stage_commit(adds=[bundle.key_package for bundle in packages])
        founder.merge()
        added = (time.process_time() - began) * 1000
        self.note("add all in one commit", added, (self.members - 1) * (2 * p.verify + p.seal) + 3 * p.sign)
        joined = self._join(staged, packages[-1])
        self._messages(founder, joined)
        blank = 3 * p.sign + (self.members - 1) * p.seal + (self.levels + 1) * p.generate
        self.note("update commit, blank tree", cpu_ms(lambda: _try(founder), self._times), blank)
        self._full_tree()
        return self.rows

    @property
    def _times(self) -> int:
        return 11 if self.members <= 50 else 5

    def _founded(self) -> Group:
        p = self.primitives

        def create() -> Group:
            leaf = own_leaf("0")
            return Group.create(MemoryGroupStore(), self.suite, GROUP_ID, leaf)

        self.note("create", cpu_ms(create, 21), 3 * p.generate + p.sign + 12 * p.mac)
        return create()

    def _package(self, number: int) -> KeyPackageBundle:
        return make_key_package(self.suite, own_leaf(str(number)), 0, NOT_AFTER)

    def _join(self, staged: StagedCommit, bundle: KeyPackageBundle) -> Group:
        p = self.primitives
        welcome = staged.welcome or b""
        groups: list[Group] = []

        def join() -> None:
            groups.append(Group.join(MemoryGroupStore(), welcome, bundle))

        floor = (self.members + 1) * p.verify + p.open + 2 * self.members * p.hash
        self.note("join by Welcome", cpu_ms(join, 3 if self.members > 50 else 11), floor)
        return groups[-1]

    def _messages(self, sender: Group, reader: Group) -> None:
        p = self.primitives
        messages: list[bytes] = []
        symmetric = 2 * p.aead + 5 * p.mac
        ms = cpu_ms(lambda: messages.append(sender.encrypt(_BODY)), 201)
        self.note("encrypt 200 B", ms, p.sign + symmetric)
        rest = iter(messages)
        self.note(
            "decrypt 200 B", cpu_ms(lambda: reader.process(next(rest), at=0), 201), p.verify + symmetric
        )

    def _full_tree(self) -> None:
        p = self.primitives
        committer, reader = full_tree(self.suite, self.members)
        floor = 3 * p.sign + self.levels * (p.seal + p.generate) + p.generate
        self.note("update commit, full tree", cpu_ms(lambda: _try(committer), 21), floor)
        commit = committer.stage_commit(force_path=True).commit
        received: list[ReceivedCommit] = []

        def process() -> None:
            item = reader.process(commit, at=0)
            if isinstance(item, ReceivedCommit):
                received.append(item)

        floor = 2 * p.verify + p.open + self.levels * (p.generate + 3 * p.hash)
        ms = cpu_ms(process, 21)
        began = time.process_time()
        reader.merge_received(received[-1])
        ms += (time.process_time() - began) * 1000
        self.note("process commit, full tree", ms, floor)


def _try(group: Group) -> None:
    group.stage_commit(force_path=True)
    group.discard()


def full_tree(suite: CipherSuite, members: int) -> tuple[Group, Group]:
    """Make two members of a group whose tree has no blank parent, as if every second one had committed."""
    leaves = [own_leaf(str(number)) for number in range(members)]
    bundles = [make_key_package(suite, leaf, 0, NOT_AFTER) for leaf in leaves]
    tree = RatchetTree.of(suite, bundles[0].key_package.leaf_node)
    for bundle in bundles[1:]:
        tree, _ = tree.add(bundle.key_package.leaf_node)
    keys = {tree_math.leaf_to_node(i): bundle.encryption_private for i, bundle in enumerate(bundles)}
    for index in range(0, members, 2):
        path = [(node, suite.generate_hpke_key()) for node in tree.filtered_direct_path(index)]
        tree, parent_hash = tree.with_path_keys(index, [public for _, (_, public) in path])
        keys |= {node: private for node, (private, _) in path}
        leaf = replace(
            tree.leaf(index), leaf_node_source=LeafNodeSource.COMMIT, lifetime=None, parent_hash=parent_hash
        )
        signing = leaves[index].signature_private
        tree = tree.with_leaf(index, leaf.signed(suite, signing, group_id=GROUP_ID, leaf_index=index))
    context = GroupContext(suite.value, GROUP_ID, 1, tree.tree_hash(), bytes(32))
    public = PublicGroup.found(context, tree, bytes(suite.hash_size))
    secrets = EpochSecrets.of(suite, os.urandom(suite.hash_size))

    def member(index: int) -> Group:
        nodes = (tree_math.leaf_to_node(index), *tree.filtered_direct_path(index))
        own = {node: keys[node] for node in nodes}
        start = EpochStart(public, index, secrets, own, leaves[index].signature_private)
        return Group.begin(MemoryGroupStore(), start, os.urandom)

    return member(0), member(members - 1)


def measure(sizes: Sequence[int] = SIZES) -> list[Row]:
    """Measure all operations at all sizes; about a minute."""
    suite = cipher_suite(0x0001)
    primitives = Primitives.measure(suite)
    return [row for members in sizes for row in Scene(suite, members, primitives).measure()]


def main(arguments: Sequence[str]) -> None:
    """Print the table; after `--chart`, the file to draw the cost of commits into."""
    chart = Path(arguments[1]) if arguments[:1] == ["--chart"] else None
    sizes = arguments[2:] if chart else arguments
    rows = measure([int(size) for size in sizes] or SIZES)
    print(f"{'N':>6} {'operation':<28} {'CPU ms':>9} {'floor':>9} {'times':>6}")
    for row in rows:
        print(row)
    if chart:
        chart.write_text(draw(rows), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
