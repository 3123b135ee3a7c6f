"""The actor key of an account: made by the client, lent to the node to sign HTTP requests (DESIGN 1)."""

from dataclasses import dataclass, field
from typing import Final

from yurt.node.keys import public_pem
from yurt.wire.problems import refuse

RSA_BITS: Final = 2048
_MAX_DER: Final = 4096


@dataclass(frozen=True, slots=True)
class ActorKey:
    """An account's RSA key, checked."""

    private_der: bytes = field(repr=False)
    public_pem: str


def read_actor_key(der: bytes) -> ActorKey:
    """Check that these bytes are an RSA-2048 private key (slow: run it in the work pool).

    Raises:
        ProblemError: `badRequest`.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # only when somebody joins
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        key = load_der_private_key(der, None) if len(der) <= _MAX_DER else None
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise refuse("badRequest", "the actor key is no PKCS #8 DER private key") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size != RSA_BITS:
        raise refuse("badRequest", f"the actor key is no RSA key of {RSA_BITS} bits")
    return ActorKey(der, public_pem(key.public_key()))
