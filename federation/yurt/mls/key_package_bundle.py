"""A key package with its private keys: what a device keeps until somebody adds it.

bundle = make_key_package(suite, leaf, not_before, not_after)
publish(bundle.key_package.encode())
vault.keep(bundle.ref, bundle.encode())      # deleted as soon as a Welcome used it
"""

import os
from dataclasses import dataclass, field, replace
from typing import Final, Self

from typing_extensions import override

from yurt.mls.algorithms import Random
from yurt.mls.capabilities import MLS_10, Capabilities
from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.credential import Credential
from yurt.mls.errors import DecodeError
from yurt.mls.extensions import Extension, ExtensionType, find_extension
from yurt.mls.key_package import KeyPackage
from yurt.mls.leaf_node import LeafNode, LeafNodeSource, Lifetime

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class OwnLeaf:
    """What the application puts into a leaf of ours; the rest is MLS's."""

    credential: Credential
    capabilities: Capabilities
    extensions: tuple[Extension, ...]
    signature_private: bytes = field(repr=False)

    @classmethod
    def of(cls, leaf: LeafNode, signature_private: bytes) -> Self:
        """Give what a leaf of ours says now."""
        return cls(leaf.credential, leaf.capabilities, leaf.extensions, signature_private)

    def key_package_leaf(self, suite: CipherSuite, encryption_public: bytes, lifetime: Lifetime) -> LeafNode:
        """Make the signed leaf of a key package, or of a group's first member."""
        leaf = self._leaf(suite, encryption_public, LeafNodeSource.KEY_PACKAGE)
        return replace(leaf, lifetime=lifetime).signed(suite, self.signature_private)

    def update_leaf(
        self, suite: CipherSuite, encryption_public: bytes, *, group_id: bytes, leaf_index: int
    ) -> LeafNode:
        """Make the signed leaf of an Update."""
        leaf = self._leaf(suite, encryption_public, LeafNodeSource.UPDATE)
        return leaf.signed(suite, self.signature_private, group_id=group_id, leaf_index=leaf_index)

    def path_leaf(
        self,
        suite: CipherSuite,
        encryption_public: bytes,
        parent_hash: bytes,
        *,
        group_id: bytes,
        leaf_index: int,
    ) -> LeafNode:
        """Make the signed leaf of a commit's path."""
        leaf = self._leaf(suite, encryption_public, LeafNodeSource.COMMIT)
        leaf = replace(leaf, parent_hash=parent_hash)
        return leaf.signed(suite, self.signature_private, group_id=group_id, leaf_index=leaf_index)

    def _leaf(self, suite: CipherSuite, encryption_public: bytes, source: LeafNodeSource) -> LeafNode:
        return LeafNode(
            encryption_key=encryption_public,
            signature_key=suite.signature_public(self.signature_private),
            credential=self.credential,
            capabilities=self.capabilities,
            leaf_node_source=source,
            extensions=self.extensions,
        )


@dataclass(frozen=True, slots=True)
class KeyPackageBundle(Structure):
    """A key package and the three private keys behind it."""

    key_package: KeyPackage
    init_private: bytes = field(repr=False)
    encryption_private: bytes = field(repr=False)
    signature_private: bytes = field(repr=False)

    @property
    def ref(self) -> bytes:
        """The name by which a Welcome calls it (RFC 9420, 5.2)."""
        return self.key_package.ref(cipher_suite(self.key_package.cipher_suite))

    @property
    def is_last_resort(self) -> bool:
        """Whether it may be used more than once, so that a Welcome does not end it."""
        return find_extension(self.key_package.extensions, ExtensionType.LAST_RESORT) is not None

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the bundle, in a format of our own; it holds secrets."""
        w.u8(_VERSION)
        self.key_package.encode_to(w)
        w.opaque(self.init_private).opaque(self.encryption_private).opaque(self.signature_private)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read a bundle back."""
        version = r.u8()
        if version != _VERSION:
            raise DecodeError(f"key package bundle of version {version}")
        return cls(KeyPackage.decode_from(r), r.opaque(), r.opaque(), r.opaque())


def make_key_package(
    suite: CipherSuite,
    leaf: OwnLeaf,
    not_before: int,
    not_after: int,
    *,
    extensions: tuple[Extension, ...] = (),
    random: Random = os.urandom,
) -> KeyPackageBundle:
    """Make a key package with fresh keys.

    Args:
        suite: What the key package is for.
        leaf: Our credential, abilities and signature key.
        not_before: First second (since 1970) in which it may be used.
        not_after: Last second in which it may be used.
        extensions: Of the key package itself, such as last_resort.
        random: Source of the keys.
    """
    init_private, init_public = suite.generate_hpke_key(random)
    # 10: the init key and the leaf's key must differ.
    encryption_private, encryption_public = suite.generate_hpke_key(random)
    leaf_node = leaf.key_package_leaf(suite, encryption_public, Lifetime(not_before, not_after))
    key_package = KeyPackage(MLS_10, suite.value, init_public, leaf_node, extensions)
    return KeyPackageBundle(
        key_package.signed(suite, leaf.signature_private),
        init_private,
        encryption_private,
        leaf.signature_private,
    )
