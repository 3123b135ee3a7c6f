"""What a new member gets: the group's description, and the secrets to enter with (RFC 9420, 12.4.3.1)."""

from dataclasses import dataclass, field
from typing import Self

from typing_extensions import override

from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.labels import HPKECiphertext
from yurt.mls.pre_shared_key import PreSharedKeyID


@dataclass(frozen=True, slots=True)
class _PathSecret(Structure):
    """A struct of its own in the RFC, so that it can be optional."""

    path_secret: bytes = field(repr=False)

    @override
    def encode_to(self, w: Writer) -> None:
        w.opaque(self.path_secret)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        return cls(r.opaque())


@dataclass(frozen=True, slots=True)
class GroupSecrets(Structure):
    """The secrets of one new member, encrypted to its init key."""

    joiner_secret: bytes = field(repr=False)
    path_secret: bytes | None = field(repr=False)
    """Of the lowest node above both the joiner and the committer; None if the commit had no path."""
    psks: tuple[PreSharedKeyID, ...] = ()

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        path_secret = None if self.path_secret is None else _PathSecret(self.path_secret)
        w.opaque(self.joiner_secret).optional(path_secret).vector(self.psks)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        joiner_secret, path_secret = r.opaque(), r.optional(_PathSecret.decode_from)
        psks = r.vector(PreSharedKeyID.decode_from)
        return cls(joiner_secret, None if path_secret is None else path_secret.path_secret, psks)


@dataclass(frozen=True, slots=True)
class EncryptedGroupSecrets(Structure):
    """The encrypted secrets for one key package."""

    new_member: bytes
    """The key package's reference (5.2)."""
    encrypted_group_secrets: HPKECiphertext

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.opaque(self.new_member)
        self.encrypted_group_secrets.encode_to(w)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        return cls(r.opaque(), HPKECiphertext.decode_from(r))


@dataclass(frozen=True, slots=True)
class Welcome(Structure):
    """One encrypted GroupInfo for all new members of a commit, and each one's secrets."""

    cipher_suite: int
    secrets: tuple[EncryptedGroupSecrets, ...]
    encrypted_group_info: bytes

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.u16(self.cipher_suite).vector(self.secrets).opaque(self.encrypted_group_info)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        return cls(r.u16(), r.vector(EncryptedGroupSecrets.decode_from), r.opaque())
