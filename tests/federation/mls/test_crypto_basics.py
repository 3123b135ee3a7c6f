from collections.abc import Callable
from typing import Any

import pytest

from yurt.mls import labels
from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.errors import InvalidSignature, UnsupportedCipherSuite
from yurt.mls.labels import HPKECiphertext

Case = dict[str, Any]
Load = Callable[[str], list[Case]]
SUITE = cipher_suite(1)
unhex = bytes.fromhex


@pytest.fixture
def case(suite_1: Load) -> Case:
    (case,) = suite_1("crypto-basics")
    return case


def test_ref_hash(case: Case) -> None:
    """A reference names a value by its labelled hash."""
    given = case["ref_hash"]

    assert labels.ref_hash(SUITE, given["label"], unhex(given["value"])) == unhex(given["out"])


def test_expand_with_label(case: Case) -> None:
    """A secret expanded for a purpose is what the standard says."""
    given = case["expand_with_label"]

    out = labels.expand_with_label(
        SUITE, unhex(given["secret"]), given["label"], unhex(given["context"]), given["length"]
    )

    assert out == unhex(given["out"])


def test_derive_secret(case: Case) -> None:
    """A derived secret has the hash's size and the standard's value."""
    given = case["derive_secret"]

    assert labels.derive_secret(SUITE, unhex(given["secret"]), given["label"]) == unhex(given["out"])


def test_derive_tree_secret(case: Case) -> None:
    """A ratchet's secrets carry their generation."""
    given = case["derive_tree_secret"]

    out = labels.derive_tree_secret(
        SUITE, unhex(given["secret"]), given["label"], given["generation"], given["length"]
    )

    assert out == unhex(given["out"])


def test_signatures(case: Case) -> None:
    """Ed25519 is deterministic: the vector's signature verifies and ours is the same bytes."""
    given = case["sign_with_label"]
    private, public, content = unhex(given["priv"]), unhex(given["pub"]), unhex(given["content"])
    signature = unhex(given["signature"])

    labels.verify_with_label(SUITE, public, given["label"], content, signature)
    assert labels.sign_with_label(SUITE, private, given["label"], content) == signature


def test_encryption(case: Case) -> None:
    """The vector's ciphertext opens, and so does our own."""
    given = case["encrypt_with_label"]
    private, public, context = unhex(given["priv"]), unhex(given["pub"]), unhex(given["context"])
    plaintext = unhex(given["plaintext"])
    theirs = HPKECiphertext(unhex(given["kem_output"]), unhex(given["ciphertext"]))

    ours = labels.encrypt_with_label(SUITE, public, given["label"], context, plaintext)

    for sealed in (theirs, ours):
        assert labels.decrypt_with_label(SUITE, private, given["label"], context, sealed) == plaintext


def test_another_label_is_another_signature() -> None:
    """What was signed for one purpose is worthless for another."""
    private = SUITE.generate_signature_key()
    signature = labels.sign_with_label(SUITE, private, "LeafNodeTBS", b"content")

    with pytest.raises(InvalidSignature):
        labels.verify_with_label(SUITE, SUITE.signature_public(private), "CommitTBS", b"content", signature)


def test_unknown_suite() -> None:
    """A suite that we do not speak is refused by its number."""
    with pytest.raises(UnsupportedCipherSuite, match="0x0002"):
        cipher_suite(2)
