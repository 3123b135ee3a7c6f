"""Who somebody is, wherever they live: the did:key of their identity key.

In binary formats a did is the 32 bytes of the key; in text it is ``did:key:z6Mk...`` (multicodec
``ed25519-pub``, base58btc). The two are one to one.

    did = did_of(public)
    public_of(did) == public
"""

from functools import lru_cache
from typing import Final, NewType

from yurt.identity import base58
from yurt.identity.errors import MalformedDid
from yurt.mls.signatures import ED25519

Did = NewType("Did", str)
"""A did:key that was parsed or made here; text from outside becomes one through `parse_did`."""

DID_SIZE: Final = 32
"""Bytes of a did in binary formats."""
_PREFIX: Final = "did:key:z"
_ED25519_PUB: Final = b"\xed\x01"


@lru_cache(maxsize=4096)
def did_of(public: bytes) -> Did:
    """Name the person whose identity key this is.

    Args:
        public: 32 bytes, an Ed25519 public key.

    Raises:
        MalformedDid: Not 32 bytes, not canonical, or a point of small order.
    """
    if not ED25519.accepts(public):
        raise MalformedDid("no usable Ed25519 key")
    return Did(_PREFIX + base58.encode(_ED25519_PUB + public))


@lru_cache(maxsize=4096)
def public_of(did: str) -> bytes:
    """Read the identity key out of a did.

    Returns:
        32 bytes: the key, and the did's binary form.

    Raises:
        MalformedDid: Another method, another kind of key, or another spelling.
    """
    if not did.startswith(_PREFIX):
        raise MalformedDid("it does not begin with did:key:z")
    try:
        data = base58.decode(did.removeprefix(_PREFIX))
    except ValueError as error:
        raise MalformedDid(str(error)) from None
    if data[:2] != _ED25519_PUB:
        raise MalformedDid("another kind of key")
    public = data[2:]
    if not ED25519.accepts(public):
        raise MalformedDid("no usable Ed25519 key")
    return public


def parse_did(text: str) -> Did:
    """Take a did that came from outside.

    Raises:
        MalformedDid: See `public_of`.
    """
    public_of(text)
    return Did(text)
