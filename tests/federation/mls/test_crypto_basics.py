from collections.abc import Callable
from typing import Any

import pytest

from yurt.mls import labels
from yurt.mls.cipher_suite import SUITES, CipherSuite, cipher_suite
from yurt.mls.errors import InvalidSignature, UnsupportedCipherSuite
from yurt.mls.labels import HPKECiphertext
from yurt.mls.signatures import EdDsa

Case = dict[str, Any]
Load = Callable[[str], list[Case]]
unhex = bytes.fromhex


@pytest.fixture
def case(of_suite: Load) -> Case:
    (case,) = of_suite("crypto-basics")
    return case


def test_ref_hash(suite: CipherSuite, case: Case) -> None:
    """A reference names a value by its labelled hash."""
    given = case["ref_hash"]

    assert labels.ref_hash(suite, given["label"], unhex(given["value"])) == unhex(given["out"])


def test_expand_with_label(suite: CipherSuite, case: Case) -> None:
    """A secret expanded for a purpose is what the standard says."""
    given = case["expand_with_label"]

    out = labels.expand_with_label(
        suite, unhex(given["secret"]), given["label"], unhex(given["context"]), given["length"]
    )

    assert out == unhex(given["out"])


def test_derive_secret(suite: CipherSuite, case: Case) -> None:
    """A derived secret has the hash's size and the standard's value."""
    given = case["derive_secret"]

    assert labels.derive_secret(suite, unhex(given["secret"]), given["label"]) == unhex(given["out"])


def test_derive_tree_secret(suite: CipherSuite, case: Case) -> None:
    """A ratchet's secrets carry their generation."""
    given = case["derive_tree_secret"]

    out = labels.derive_tree_secret(
        suite, unhex(given["secret"]), given["label"], given["generation"], given["length"]
    )

    assert out == unhex(given["out"])


def test_signatures(suite: CipherSuite, case: Case) -> None:
    """The vector's signature verifies, and so does our own; EdDSA gives the same bytes again."""
    given = case["sign_with_label"]
    private, public, content = unhex(given["priv"]), unhex(given["pub"]), unhex(given["content"])
    signature = unhex(given["signature"])

    labels.verify_with_label(suite, public, given["label"], content, signature)
    ours = labels.sign_with_label(suite, private, given["label"], content)
    labels.verify_with_label(suite, public, given["label"], content, ours)
    assert suite.signature_public(private) == public
    assert (ours == signature) is isinstance(suite.signature, EdDsa)


def test_encryption(suite: CipherSuite, case: Case) -> None:
    """The vector's ciphertext opens, and so does our own."""
    given = case["encrypt_with_label"]
    private, public, context = unhex(given["priv"]), unhex(given["pub"]), unhex(given["context"])
    plaintext = unhex(given["plaintext"])
    theirs = HPKECiphertext(unhex(given["kem_output"]), unhex(given["ciphertext"]))

    ours = labels.encrypt_with_label(suite, public, given["label"], context, plaintext)

    for sealed in (theirs, ours):
        assert labels.decrypt_with_label(suite, private, given["label"], context, sealed) == plaintext


def test_another_label_is_another_signature(suite: CipherSuite) -> None:
    """What was signed for one purpose is worthless for another."""
    private = suite.generate_signature_key()
    signature = labels.sign_with_label(suite, private, "LeafNodeTBS", b"content")

    with pytest.raises(InvalidSignature):
        labels.verify_with_label(suite, suite.signature_public(private), "CommitTBS", b"content", signature)


def test_unknown_suite() -> None:
    """A suite that we do not speak is refused by its number."""
    with pytest.raises(UnsupportedCipherSuite, match="0x0008"):
        cipher_suite(8)


def test_no_suite_is_left_out(vectors: Load) -> None:
    """Every suite of the official vectors is one of ours."""
    assert sorted(case["cipher_suite"] for case in vectors("crypto-basics")) == sorted(SUITES)
