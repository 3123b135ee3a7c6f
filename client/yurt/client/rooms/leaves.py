"""This device's leaves: what it says of itself in a key package and in a room (TRUST 2).

A leaf from a key package (``use = 1``) may read; before this device speaks in a room it commits a path with
a new signature key and ``use = 2``. No signature key is used in two rooms.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from yurt.identity.device import DeviceCertificate, DeviceKeys
from yurt.identity.leaf import LeafUse, issue_leaf
from yurt.mls.capabilities import Capabilities
from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.credential import Credential, CredentialType
from yurt.mls.extensions import Extension, ExtensionType
from yurt.mls.key_package_bundle import KeyPackageBundle, OwnLeaf, make_key_package
from yurt.mls.proposals import ProposalType
from yurt.wire.registry import (
    CIPHER_SUITE,
    KEY_PACKAGE_LIFETIME_S,
    LEAF_EXTENSION,
    LEAF_LIFETIME_S,
    ROOM_CARD_EXTENSION,
    ROOM_POLICY_EXTENSION,
)

SUITE: Final[CipherSuite] = cipher_suite(CIPHER_SUITE)
SLOW_CLOCK_S: Final = 3600
"""Certificates begin this long ago, for readers whose clock is slow."""

CAPABILITIES: Final = Capabilities(
    cipher_suites=(CIPHER_SUITE,),
    extensions=(ExtensionType.LAST_RESORT, LEAF_EXTENSION, ROOM_POLICY_EXTENSION, ROOM_CARD_EXTENSION),
    proposals=(ProposalType.SELF_REMOVE,),
    credentials=(CredentialType.BASIC, CredentialType.X509),
)
"""What this release can process, and nothing else."""
PUBLIC_CAPABILITIES: Final = Capabilities(
    cipher_suites=(CIPHER_SUITE,),
    extensions=(ExtensionType.LAST_RESORT, LEAF_EXTENSION),
    credentials=(CredentialType.BASIC, CredentialType.X509),
)
"""What a conversation with a client of other software may ask for; without a room's policy, it is no room."""


@dataclass(frozen=True, slots=True)
class Device:
    """What is needed to make a leaf: keys, their certificate, and where the person is."""

    keys: DeviceKeys = field(repr=False)
    certificate: DeviceCertificate
    actor: str

    @property
    def did(self) -> str:
        """Whose device it is."""
        return self.certificate.did

    def joining_leaf(self, now_s: int, random: Callable[[int], bytes] = os.urandom) -> OwnLeaf:
        """Make a leaf for a key package or for the first member of a new room (``use = 1``)."""
        return self._leaf(LeafUse.JOINING, b"", now_s, random)

    def room_leaf(self, room: bytes, now_s: int, random: Callable[[int], bytes] = os.urandom) -> OwnLeaf:
        """Make a leaf for one room (``use = 2``), with a signature key of its own."""
        return self._leaf(LeafUse.ROOM, room, now_s, random)

    def key_package(self, now_s: int, random: Callable[[int], bytes] = os.urandom) -> KeyPackageBundle:
        """Make a one-time key package."""
        begin = now_s - SLOW_CLOCK_S
        leaf = self.joining_leaf(now_s, random)
        return make_key_package(SUITE, leaf, begin, begin + KEY_PACKAGE_LIFETIME_S, random=random)

    def last_resort(self, now_s: int, random: Callable[[int], bytes] = os.urandom) -> KeyPackageBundle:
        """Make a key package that may be used when no one-time one is left, and says so."""
        begin = now_s - SLOW_CLOCK_S
        leaf, marks = self.joining_leaf(now_s, random), (Extension(ExtensionType.LAST_RESORT, b""),)
        end = begin + KEY_PACKAGE_LIFETIME_S
        return make_key_package(SUITE, leaf, begin, end, extensions=marks, random=random)

    def public_package(self, now_s: int, random: Callable[[int], bytes] = os.urandom) -> KeyPackageBundle:
        """Make the last resort package that clients of other software see; it never does for a room."""
        begin = now_s - SLOW_CLOCK_S
        leaf = replace(self.joining_leaf(now_s, random), capabilities=PUBLIC_CAPABILITIES)
        marks, end = (Extension(ExtensionType.LAST_RESORT, b""),), begin + KEY_PACKAGE_LIFETIME_S
        return make_key_package(SUITE, leaf, begin, end, extensions=marks, random=random)

    def _leaf(self, use: LeafUse, group_id: bytes, now_s: int, random: Callable[[int], bytes]) -> OwnLeaf:
        private = SUITE.generate_signature_key(random)
        begin = now_s - SLOW_CLOCK_S
        extension = issue_leaf(
            self.keys,
            self.certificate,
            actor=self.actor,
            signature_public=SUITE.signature_public(private),
            use=use,
            group_id=group_id,
            not_before=begin,
            not_after=begin + LEAF_LIFETIME_S,
        )
        return OwnLeaf(
            Credential.basic(self.actor.encode()),
            CAPABILITIES,
            (Extension(LEAF_EXTENSION, extension),),
            private,
        )
