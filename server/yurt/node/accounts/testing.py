"""People for tests: real identities, devices, records and key packages, made as a client makes them."""

import os
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from yurt.identity.claim import make_claim
from yurt.identity.device import DeviceCertificate, DeviceKeys
from yurt.identity.identity_key import IdentityKey
from yurt.identity.leaf import LeafUse, issue_leaf
from yurt.identity.signed_record import SignedRecord, first_record, verify_first
from yurt.identity.statement import make_statement
from yurt.mls.capabilities import Capabilities
from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.credential import Credential
from yurt.mls.extensions import Extension
from yurt.mls.framing import MLSMessage
from yurt.mls.key_package_bundle import KeyPackageBundle, OwnLeaf, make_key_package
from yurt.node.accounts.tokens import InviteLink
from yurt.wire.account_commands import Join
from yurt.wire.registry import (
    CIPHER_SUITE,
    DEVICE_LIFETIME_S,
    KEY_PACKAGE_LIFETIME_S,
    LEAF_EXTENSION,
    ROOM_CARD_EXTENSION,
    ROOM_POLICY_EXTENSION,
)

_BASIC: Final = 1
_X509: Final = 2
_ABILITIES: Final = Capabilities(
    cipher_suites=(CIPHER_SUITE,),
    extensions=(LEAF_EXTENSION, ROOM_POLICY_EXTENSION, ROOM_CARD_EXTENSION),
    credentials=(_BASIC, _X509),
)


@lru_cache(maxsize=1)
def actor_key() -> bytes:
    """One RSA key for all: making one is slow, and no test looks whose it is."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody with a phrase and a device, about to join a node."""

    name: str
    domain: str
    identity: IdentityKey = field(default_factory=lambda: IdentityKey(os.urandom(32)))
    device: DeviceKeys = field(default_factory=DeviceKeys.generate)
    login_key: bytes = field(default_factory=lambda: os.urandom(32))
    born_at: int = field(default_factory=lambda: time.time_ns() // 1_000_000_000)

    @property
    def actor(self) -> str:
        """Where they will be."""
        return f"https://{self.domain}/users/{self.name}"

    @property
    def record(self) -> SignedRecord:
        """Their first record."""
        end = self.born_at + DEVICE_LIFETIME_S
        return first_record(self.identity, self.actor, self.device.public, not_after=end, time=self.born_at)

    def join(self, link: InviteLink) -> Join:
        """The command with which they join."""
        return Join(
            code=link.code,
            secret=link.secret,
            account=self.name,
            login_key=self.login_key,
            device_id=self.device.device_id,
            record=self.record.encode(),
            statement=make_statement(self.identity, self.actor, self.born_at),
            actor_key=actor_key(),
        )

    def own_leaf(self, use: LeafUse, room: bytes = b"") -> OwnLeaf:
        """A leaf of their device, with a fresh signature key."""
        suite = cipher_suite(CIPHER_SUITE)
        private = suite.generate_signature_key()
        certificate = verify_first(self.record).device(self.device.device_id)
        assert isinstance(certificate, DeviceCertificate)  # noqa: S101  # a helper of tests
        extension = issue_leaf(
            self.device,
            certificate,
            actor=self.actor,
            signature_public=suite.signature_public(private),
            use=use,
            group_id=room,
            not_before=self.born_at - 3600,
            not_after=self.born_at + KEY_PACKAGE_LIFETIME_S,
        )
        credential = Credential.basic(self.actor.encode())
        return OwnLeaf(credential, _ABILITIES, (Extension(LEAF_EXTENSION, extension),), private)

    def key_package_bundle(self) -> KeyPackageBundle:
        """A fresh one-time key package of their device, with its private keys."""
        start, end = self.born_at - 3600, self.born_at + KEY_PACKAGE_LIFETIME_S
        return make_key_package(cipher_suite(CIPHER_SUITE), self.own_leaf(LeafUse.JOINING), start, end)

    def key_package(self) -> bytes:
        """A fresh one-time key package of their device (MLSMessage), which nobody will open."""
        return MLSMessage(self.key_package_bundle().key_package).encode()

    def claim(self, target: str) -> bytes:
        """A claim of key packages of a did, made now."""
        return make_claim(self.device, claimer=self.identity.did, target=target, time=self.born_at)
