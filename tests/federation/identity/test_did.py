"""A did is a key, in exactly one spelling."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yurt.identity import base58, base64url
from yurt.identity.did import did_of, parse_did, public_of
from yurt.identity.errors import MalformedDid
from yurt.mls.signatures import ED25519


@settings(max_examples=30)
@given(st.binary(min_size=32, max_size=32))
def test_did_and_key_are_one_to_one(seed: bytes) -> None:
    """From a did comes its key, and from the key the same did."""
    public = ED25519.public(seed)

    did = did_of(public)

    assert public_of(did) == public
    assert did.startswith("did:key:z6Mk")


def test_published_did() -> None:
    """The did of FEP-c390's example key reads back to that key."""
    did = "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"

    assert did_of(public_of(did)) == did


@pytest.mark.parametrize(
    "text",
    [
        "",
        "did:web:ana.example",
        "did:key:",
        "did:key:z",
        "did:key:z6MkO0Il",
        "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",  # secp256k1
        "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2#z6Mk",
        "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2 ",
        "did:key:z" + "1" * 10_000,
    ],
)
def test_what_is_no_did(text: str) -> None:
    """Another method, kind of key, spelling or length is refused."""
    with pytest.raises(MalformedDid):
        parse_did(text)


@pytest.mark.parametrize("y", [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18])
def test_weak_keys_are_nobody(y: int) -> None:
    """A key of small order, under which anybody can sign, is no identity."""
    with pytest.raises(MalformedDid):
        did_of(y.to_bytes(32, "little"))


@settings(max_examples=50)
@given(st.binary(max_size=64))
def test_base58_keeps_every_byte(data: bytes) -> None:
    """Zeros in front included."""
    assert base58.decode(base58.encode(data)) == data


@settings(max_examples=50)
@given(st.binary(max_size=64))
def test_base64url_has_one_spelling(data: bytes) -> None:
    """What decodes is what would be written."""
    assert base64url.decode(base64url.encode(data)) == data


@pytest.mark.parametrize("text", ["AA==", "A", "AB", "A+", "A A", "ä"])
def test_base64url_takes_no_other_spelling(text: str) -> None:
    """Padding, spaces, the other alphabet and loose bits are refused."""
    with pytest.raises(ValueError, match="base64url"):
        base64url.decode(text)


def test_base64url_size() -> None:
    """A field of fixed size has that size."""
    with pytest.raises(ValueError, match="3 bytes where 4 belong"):
        base64url.decode(base64url.encode(os.urandom(3)), 4)
