"""The key schedule: from one epoch's secret to the next, and what each epoch's secret gives (RFC 9420, 8).

joiner = joiner_secret(suite, init_secret, commit_secret, group_context)
entry = EpochEntry.of(suite, joiner)            # what a Welcome hands to a new member
secrets = entry.epoch_secrets(group_context)    # encryption, membership, exporter, next init...
"""

import hmac
from dataclasses import dataclass, field, fields

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.codec import Reader, Writer
from yurt.mls.labels import derive_secret, expand_with_label


def joiner_secret(
    suite: CipherSuite, init_secret: bytes, commit_secret: bytes, group_context: bytes
) -> bytes:
    """Mix the last epoch's init secret with the commit's; both are `suite.hash_size` bytes."""
    mixed = suite.hkdf_extract(init_secret, commit_secret)
    return expand_with_label(suite, mixed, "joiner", group_context, suite.hash_size)


def no_commit_secret(suite: CipherSuite) -> bytes:
    """Give the commit secret of a commit without a path (8): zeros. No PSKs count the same (8.4)."""
    return bytes(suite.hash_size)


@dataclass(frozen=True, slots=True)
class EpochEntry:
    """The joiner secret with the PSKs mixed in: opens the Welcome and enters the epoch."""

    suite: CipherSuite
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, suite: CipherSuite, joiner: bytes, psk_secret: bytes | None = None) -> "EpochEntry":
        """Mix the PSK secret in; without PSKs it is zeros."""
        return cls(suite, suite.hkdf_extract(joiner, psk_secret or bytes(suite.hash_size)))

    def welcome_secret(self) -> bytes:
        """Derive the secret that seals a Welcome's GroupInfo."""
        return derive_secret(self.suite, self.secret, "welcome")

    def welcome_key(self) -> tuple[bytes, bytes]:
        """Derive the key and nonce that seal a Welcome's GroupInfo (12.4.3.1)."""
        secret = self.welcome_secret()
        key = expand_with_label(self.suite, secret, "key", b"", self.suite.key_size)
        return key, expand_with_label(self.suite, secret, "nonce", b"", self.suite.nonce_size)

    def epoch_secrets(self, group_context: bytes) -> "EpochSecrets":
        """Enter the epoch that `group_context` (encoded) describes."""
        size = self.suite.hash_size
        return EpochSecrets.of(
            self.suite, expand_with_label(self.suite, self.secret, "epoch", group_context, size)
        )


@dataclass(frozen=True, slots=True)
class EpochSecrets:
    """Everything that an epoch's secret gives; the epoch secret itself is not kept (RFC 9420, 9.2).

    `encryption_secret` seeds the secret tree and must not be stored once the tree stands.
    """

    sender_data_secret: bytes = field(repr=False)
    encryption_secret: bytes = field(repr=False)
    exporter_secret: bytes = field(repr=False)
    external_secret: bytes = field(repr=False)
    confirmation_key: bytes = field(repr=False)
    membership_key: bytes = field(repr=False)
    resumption_psk: bytes = field(repr=False)
    epoch_authenticator: bytes
    init_secret: bytes = field(repr=False)

    @classmethod
    def of(cls, suite: CipherSuite, epoch_secret: bytes) -> "EpochSecrets":
        """Derive all secrets of an epoch (RFC 9420, 8, table 4)."""
        return cls(*(derive_secret(suite, epoch_secret, label) for label in _LABELS))

    def without_encryption_secret(self) -> "EpochSecrets":
        """Give the part that may be stored: the secret tree has taken the encryption secret over."""
        values = {f.name: getattr(self, f.name) for f in fields(self)} | {"encryption_secret": b""}
        return EpochSecrets(**values)

    def encode_to(self, w: Writer) -> None:
        """Write all secrets, for the group's own store only."""
        for f in fields(self):
            w.opaque(getattr(self, f.name))

    @classmethod
    def decode_from(cls, r: Reader) -> "EpochSecrets":
        """Read what `encode_to` wrote."""
        return cls(*(r.opaque() for _ in fields(cls)))


# In the order of the fields of EpochSecrets.
_LABELS = (
    "sender data",
    "encryption",
    "exporter",
    "external",
    "confirm",
    "membership",
    "resumption",
    "authentication",
    "init",
)


def export(suite: CipherSuite, exporter_secret: bytes, label: str, context: bytes, length: int) -> bytes:
    """Derive an application's secret of `length` bytes (MLS-Exporter, RFC 9420, 8.5)."""
    secret = derive_secret(suite, exporter_secret, label)
    return expand_with_label(suite, secret, "exported", suite.hash(context), length)


def external_public(suite: CipherSuite, external_secret: bytes) -> bytes:
    """Compute the public key that external commits encrypt to (RFC 9420, 8.3)."""
    return suite.derive_key_pair(external_secret)[1]


def confirmation_tag(suite: CipherSuite, confirmation_key: bytes, confirmed_transcript_hash: bytes) -> bytes:
    """Compute the MAC that proves knowledge of the new epoch's secrets (RFC 9420, 6.1)."""
    return suite.hmac(confirmation_key, confirmed_transcript_hash)


def same_tag(expected: bytes, given: bytes) -> bool:
    """Compare two MACs in constant time."""
    return hmac.compare_digest(expected, given)
