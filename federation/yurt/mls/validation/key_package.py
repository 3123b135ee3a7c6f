"""Whether a key package may be used to add its owner (RFC 9420, 10.1).

check_key_package(suite, key_package)
check_lifetime(key_package.leaf_node, now_ms)       # of `leaf_node`; the caller has a time or has none
"""

from enum import StrEnum

from yurt.mls.capabilities import MLS_10
from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.errors import InvalidKeyPackage
from yurt.mls.key_package import KeyPackage
from yurt.mls.leaf_node import LeafNodeSource
from yurt.mls.validation.leaf_node import check_leaf, has_type_twice


class KeyPackageRule(StrEnum):
    """The codes of the rules here; those of its leaf are in `leaf_node`."""

    VERSION = "keyPackageVersion"
    CIPHER_SUITE = "keyPackageCipherSuite"
    INIT_KEY = "keyPackageInitKey"
    WEAK_KEY = "keyPackageWeakKey"
    EXTENSION_TWICE = "keyPackageExtensionTwice"


def check_key_package(suite: CipherSuite, package: KeyPackage) -> None:
    """Check a key package with its leaf and both signatures; its lifetime is checked apart.

    Args:
        suite: The suite of the group that the owner is to be added to.
        package: What to check.

    Raises:
        InvalidKeyPackage: With a code of `KeyPackageRule`.
        InvalidLeafNode: Its leaf is not sound.
        InvalidSignature: One of the two signatures does not fit.
    """
    if package.version != MLS_10:
        raise InvalidKeyPackage(KeyPackageRule.VERSION, str(package.version))
    if package.cipher_suite != suite.value:
        raise InvalidKeyPackage(KeyPackageRule.CIPHER_SUITE, f"0x{package.cipher_suite:04x}")
    if package.init_key == package.leaf_node.encryption_key:
        raise InvalidKeyPackage(KeyPackageRule.INIT_KEY)
    if not suite.accepts_hpke_key(package.init_key):
        raise InvalidKeyPackage(KeyPackageRule.WEAK_KEY)
    if has_type_twice(package.extensions):
        raise InvalidKeyPackage(KeyPackageRule.EXTENSION_TWICE)
    check_leaf(suite, package.leaf_node, LeafNodeSource.KEY_PACKAGE)
    package.verify_signature(suite)
