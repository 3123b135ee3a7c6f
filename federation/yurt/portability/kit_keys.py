"""The keys of a continuity kit: all from the recovery phrase, so that 24 words and one node are enough.

Four values come out of the phrase's entropy by HKDF-SHA256, each under its own label: the name under
which a kit is stored, the key that opens it, and the key whose signature fetches it. A device keeps only
`KitPublic`: it can refresh the kit and can neither open nor fetch it.

    secrets = kit_secrets(phrase)      # while the phrase is typed
    secrets.public                     # kept in the vault
"""

from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from mnemonic import Mnemonic

from yurt.identity.did import DID_SIZE, Did, public_of
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.location import check_node
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signing import SIGNATURE_SIZE, sign, verify
from yurt.mls.cipher_suite import X25519_AES128GCM_SHA256_ED25519 as SUITE
from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import DecodeError
from yurt.mls.signatures import ED25519
from yurt.portability.errors import KitError, LocalPortabilityError
from yurt.portability.labels import LABEL_KIT_ID, LABEL_KIT_READ, LABEL_KIT_READER, LABEL_KIT_SEAL

KIT_ID_SIZE: Final = 32
KEY_SIZE: Final = 32
READ_WINDOW_S: Final = 300
"""How far a request's time may be from the buddy's clock."""
NONCE_SIZE: Final = 16
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class KitPublic:
    """What a device keeps to refresh the kit."""

    did: Did
    kit_id: bytes = field(repr=False)
    """32 bytes: under this name buddies store it. Whoever knows it can ask for it, and gets nothing."""
    seal: bytes
    """32 bytes, X25519: parts are sealed to it."""
    reader: bytes
    """32 bytes, Ed25519: verifies who fetches a kit."""

    def encode(self) -> bytes:
        """Write for the vault."""
        return bytes((_VERSION,)) + public_of(self.did) + self.kit_id + self.seal + self.reader


@dataclass(frozen=True, slots=True)
class KitSecrets:
    """What the phrase opens; in memory only while it is being used."""

    did: Did
    kit_id: bytes = field(repr=False)
    seal_private: bytes = field(repr=False)
    reader_private: bytes = field(repr=False)

    @property
    def public(self) -> KitPublic:
        """What a device may keep."""
        seal = X25519PrivateKey.from_private_bytes(self.seal_private).public_key().public_bytes_raw()
        return KitPublic(self.did, self.kit_id, seal, ED25519.public(self.reader_private))

    def sign_read(self, node: str, *, time: int, nonce: bytes) -> bytes:
        """Ask a buddy for the kit.

        Args:
            node: The buddy's name.
            time: Now, in seconds since 1970.
            nonce: 16 random bytes.
        """
        said = _read_request(self.kit_id, node, time, nonce)
        return said + sign(self.reader_private, LABEL_KIT_READ, said)


def kit_secrets(phrase: RecoveryPhrase) -> KitSecrets:
    """Derive the keys of the kit."""
    entropy = bytes(Mnemonic("english").to_entropy(list(phrase.words)))
    seal_private, _ = SUITE.derive_key_pair(_derive(entropy, LABEL_KIT_SEAL))
    return KitSecrets(
        phrase.identity_key().did,
        _derive(entropy, LABEL_KIT_ID),
        seal_private,
        _derive(entropy, LABEL_KIT_READER),
    )


def decode_kit_public(data: bytes, did_of_key: Did) -> KitPublic:
    """Read what `KitPublic.encode` wrote.

    Raises:
        LocalPortabilityError: Not what this vault's person wrote.
    """
    at = 1 + DID_SIZE
    size = at + KIT_ID_SIZE + 2 * KEY_SIZE
    if len(data) != size or data[0] != _VERSION or data[1:at] != public_of(did_of_key):
        raise LocalPortabilityError("kitPublic", "the vault's keys of the kit are not this person's")
    return KitPublic(did_of_key, data[at : at + 32], data[at + 32 : at + 64], data[at + 64 :])


def verify_read(request: bytes, *, kit_id: bytes, reader: bytes, node: str, now: int) -> bytes:
    """Judge a request for a kit, as its buddy.

    Args:
        request: What `KitSecrets.sign_read` made.
        kit_id: The kit that is asked for.
        reader: The reader key in the stored parts.
        node: This node's name.
        now: Seconds since 1970.

    Returns:
        The nonce; whoever serves remembers it for twice ``READ_WINDOW_S``.

    Raises:
        KitError: Malformed, for another kit or node, too old or too new, or not signed (``kitRead``): one
            rule for all, so that a stranger does not learn which.
    """
    try:
        r = Reader(request)
        said_id, said_node, time = r.raw(KIT_ID_SIZE), r.opaque().decode(), r.u64()
        nonce, signature = r.raw(NONCE_SIZE), r.raw(SIGNATURE_SIZE)
        r.finish()
        verify(reader, LABEL_KIT_READ, request[:-SIGNATURE_SIZE], signature)
    except (DecodeError, UnicodeDecodeError, RemoteIdentityError):
        raise _no_read() from None
    if (said_id, said_node) != (kit_id, node) or abs(now - time) > READ_WINDOW_S:
        raise _no_read()
    return nonce


def _no_read() -> KitError:
    return KitError("kitRead", "this request does not open a kit here")


def _read_request(kit_id: bytes, node: str, time: int, nonce: bytes) -> bytes:
    if len(nonce) != NONCE_SIZE:
        raise LocalPortabilityError("kitRead", f"a nonce has {NONCE_SIZE} bytes")
    return Writer().raw(kit_id).opaque(check_node(node).encode()).u64(time).raw(nonce).bytes()


def _derive(entropy: bytes, label: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=b"", info=label).derive(entropy)
