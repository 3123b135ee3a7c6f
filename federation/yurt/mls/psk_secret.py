"""Pre-shared keys mixed into one secret for the key schedule (RFC 9420, 8.4).

known = KnownPsks(external={b"name": key})
psk_secret(suite, [(name, known.key(name)) for name in names])
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeAlias

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.codec import Writer
from yurt.mls.errors import UnknownPsk
from yurt.mls.labels import expand_with_label
from yurt.mls.pre_shared_key import ExternalPSK, PreSharedKeyID
from yurt.mls.proposals import PreSharedKey, Proposal

NO_KEYS: Mapping[bytes, bytes] = MappingProxyType({})


def psk_secret(suite: CipherSuite, psks: Sequence[tuple[PreSharedKeyID, bytes]]) -> bytes:
    """Mix keys in the order of their names; without any it is zeros."""
    zeros = secret = bytes(suite.hash_size)
    for index, (psk_id, key) in enumerate(psks):
        w = Writer()
        psk_id.encode_to(w)
        label = w.u16(index).u16(len(psks)).bytes()
        extracted = suite.hkdf_extract(zeros, key)
        derived = expand_with_label(suite, extracted, "derived psk", label, suite.hash_size)
        secret = suite.hkdf_extract(derived, secret)
    return secret


@dataclass(frozen=True, slots=True)
class KnownPsks:
    """The pre-shared keys that we have."""

    external: Mapping[bytes, bytes] = field(default_factory=lambda: NO_KEYS, repr=False)
    """By their ids."""
    resumption: Mapping[tuple[bytes, int], bytes] = field(
        default_factory=dict[tuple[bytes, int], bytes], repr=False
    )
    """By group id and epoch, as `Group.resumption_psk` gives them."""

    @classmethod
    def of(cls, keys: "Psks") -> "KnownPsks":
        """Take external keys alone, or both kinds."""
        return keys if isinstance(keys, KnownPsks) else cls(external=keys)

    def with_resumption(self, keys: Mapping[tuple[bytes, int], bytes]) -> "KnownPsks":
        """Give these with the keys of further epochs."""
        return replace(self, resumption={**self.resumption, **keys})

    def key(self, name: PreSharedKeyID) -> bytes:
        """Look a key up.

        Raises:
            UnknownPsk: We do not have it, or not any more.
        """
        source = name.source
        if isinstance(source, ExternalPSK):
            key = self.external.get(source.psk_id)
        else:
            key = self.resumption.get((source.group_id, source.epoch))
        if key is None:
            raise UnknownPsk
        return key

    def secret(self, suite: CipherSuite, names: Sequence[PreSharedKeyID]) -> bytes:
        """Mix the keys of these names, in their order.

        Raises:
            UnknownPsk: One of them we do not have.
        """
        return psk_secret(suite, [(name, self.key(name)) for name in names])


Psks: TypeAlias = Mapping[bytes, bytes] | KnownPsks
"""External keys by their ids, or keys of both kinds."""


def psk_names(proposals: Iterable[Proposal]) -> tuple[PreSharedKeyID, ...]:
    """Give the keys that a commit's proposals mix in, in the order of the commit (12.4.2)."""
    return tuple(proposal.psk for proposal in proposals if isinstance(proposal, PreSharedKey))
