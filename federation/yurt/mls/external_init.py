"""The secret with which somebody outside starts the next epoch (RFC 9420, 8.3).

The members have a key pair for it that follows from the epoch's external secret; its public key stands
in the GroupInfo. Who joins encapsulates a secret to it, and that takes the place of the init secret.

    proposal, init_secret = make_external_init(suite, external_pub, os.urandom)
    init_secret == open_external_init(suite, external_secret, proposal)
"""

from typing import Final

from yurt.mls.algorithms import Random
from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.proposals import ExternalInit

_LABEL: Final = b"MLS 1.0 external init secret"


def make_external_init(suite: CipherSuite, external_pub: bytes, random: Random) -> tuple[ExternalInit, bytes]:
    """Make the proposal and the init secret that it carries.

    Raises:
        InvalidPublicKey: The group's external key is malformed or weak.
    """
    kem_output, secret = suite.hpke.send_export(external_pub, b"", _LABEL, suite.hash_size, random=random)
    return ExternalInit(kem_output), secret


def open_external_init(suite: CipherSuite, external_secret: bytes, proposal: ExternalInit) -> bytes:
    """Recover the init secret as a member.

    Raises:
        InvalidPublicKey: The encapsulation is malformed or weak.
    """
    private, _ = suite.derive_key_pair(external_secret)
    return suite.hpke.receive_export(private, proposal.kem_output, b"", _LABEL, suite.hash_size)
