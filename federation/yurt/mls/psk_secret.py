"""Pre-shared keys mixed into one secret for the key schedule (RFC 9420, 8.4).

psk_secret(suite, ((psk_id, key),))
"""

from collections.abc import Mapping, Sequence

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.codec import Writer
from yurt.mls.errors import Unsupported
from yurt.mls.labels import expand_with_label
from yurt.mls.pre_shared_key import ExternalPSK, PreSharedKeyID


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


def external_psk_secret(
    suite: CipherSuite, names: Sequence[PreSharedKeyID], known: Mapping[bytes, bytes]
) -> bytes:
    """Mix the keys that are named, all of which must be external and known.

    Raises:
        Unsupported: One is not.
    """

    def key_of(psk_id: PreSharedKeyID) -> bytes:
        source = psk_id.source
        if not isinstance(source, ExternalPSK) or source.psk_id not in known:
            raise Unsupported("a pre-shared key that we do not have")
        return known[source.psk_id]

    return psk_secret(suite, [(psk_id, key_of(psk_id)) for psk_id in names])
