"""Integrity proofs: a document stays its author's, whoever carries it. Vectors: FEP-8b32, 521a, RFC 8785."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import given
from hypothesis import strategies as st

from yurt.activitypub import integrity_proof
from yurt.activitypub.canonical import canonical
from yurt.activitypub.errors import DocumentRefused, KeyRefused, LocalActivityPubError, SignatureRefused
from yurt.activitypub.integrity_proof import (
    VerifiedDocument,
    add_proof,
    check_author,
    parse_proof,
    verify_proof,
)
from yurt.activitypub.multikey import make_multikey, read_multibase, read_public_key, write_multibase
from yurt.activitypub.references import Json, check_plain, object_of, text_of, write
from yurt.activitypub.timestamps import read_time, write_time
from yurt.identity import base58
from yurt.identity.identity_key import IdentityKey
from yurt.identity.statement import make_statement
from yurt.wire.gate import parse_object

ALICE = "https://server.example/users/alice"
KEY_ID = f"{ALICE}#ed25519-key"
CREATED = 1_677_281_798
"""2023-02-24T23:36:38Z"""
FEP_CONTEXT = ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/data-integrity/v2"]
FEP_SECRET = "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
FEP_PUBLIC = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
FEP_VALUE = "z42ffGu6AUKPCFcFPiabmUvnGLPJzC7e4DGWC52NUasSSH37UMa9c58tdgVszUcZfytxa4fQ5TYHaJENCxUDe9SdL"


def fep_document() -> Json:
    return {
        "@context": list(FEP_CONTEXT),
        "id": "https://server.example/activities/1",
        "type": "Create",
        "actor": ALICE,
        "object": {
            "id": "https://server.example/objects/1",
            "type": "Note",
            "attributedTo": ALICE,
            "content": "Hello world",
            "location": {"type": "Place", "longitude": -71.184902, "latitude": 25.273962},
        },
    }


@pytest.fixture
def alice() -> Ed25519PrivateKey:
    """The key of the FEP: two bytes of multicodec, then the seed."""
    return Ed25519PrivateKey.from_private_bytes(base58.decode(FEP_SECRET[1:])[2:])


def through_json(document: Json) -> Json:
    return parse_object(write(document), limit=100_000)


def verified(document: Json, key: Ed25519PublicKey, now: int = CREATED) -> VerifiedDocument:
    proof = parse_proof(through_json(document))
    assert proof is not None
    return verify_proof(proof, key, now)


# --- the FEP's vector -------------------------------------------------------------------------------
def test_we_sign_as_the_fep_does(alice: Ed25519PrivateKey) -> None:
    """FEP-8b32, "Signing document": the same proof value."""
    signed = add_proof(fep_document(), key_id=KEY_ID, key=alice, created=CREATED)

    assert write_multibase(alice.public_key()) == FEP_PUBLIC
    assert signed["proof"] == {
        "@context": FEP_CONTEXT,
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": KEY_ID,
        "proofPurpose": "assertionMethod",
        "proofValue": FEP_VALUE,
        "created": "2023-02-24T23:36:38Z",
    }


def test_we_verify_as_the_fep_does(alice: Ed25519PrivateKey) -> None:
    """FEP-8b32, "Verifying a signature": with the key of the actor's assertionMethod."""
    document = add_proof(fep_document(), key_id=KEY_ID, key=alice, created=CREATED)

    result = verified(document, read_multibase(FEP_PUBLIC))

    assert result.document == fep_document()
    assert result.key_id == KEY_ID
    check_author(result, ALICE)


def test_a_statement_is_proved_by_the_same_algorithm() -> None:
    """What `yurt.identity` signs for FEP-c390 is the same bytes that this module would sign."""
    identity = IdentityKey(bytes(32))
    statement = parse_object(make_statement(identity, ALICE, CREATED), limit=10_000)
    proof = object_of(statement.pop("proof"))
    assert proof is not None
    value = text_of(proof, "proofValue")
    options = {name: item for name, item in proof.items() if name != "proofValue"}

    key = Ed25519PublicKey.from_public_bytes(identity.public)

    key.verify(base58.decode(value[1:]), integrity_proof.signed_data(options, statement))


# --- what is refused --------------------------------------------------------------------------------
def changed(document: Json, path: str, value: Any) -> Json:  # noqa: ANN401  # any JSON
    """A copy with one value changed; None takes it away."""
    copy: Json = json.loads(json.dumps(document))
    *parents, last = path.split("/")
    place: Any = copy
    for name in parents:
        place = place[name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("actor", "https://server.example/users/eve"),
        ("object/content", "Hello World"),
        ("object/location/longitude", -71.1849021),
        ("id", "https://server.example/activities/2"),
        ("added", 1),
        ("object/added", []),
        ("type", None),
        ("proof/created", "2023-02-24T23:36:39Z"),
        ("proof/verificationMethod", f"{ALICE}#other"),
        ("proof/@context", None),
        ("proof/expires", "2100-01-01T00:00:00Z"),
        ("proof/nonce", "x"),
        ("proof/proofValue", "z" + base58.encode(bytes(64))),
    ],
)
def test_any_change_breaks_the_proof(path: str, value: object, alice: Ed25519PrivateKey) -> None:
    """The document and the options of the proof are signed, whole."""
    document = changed(add_proof(fep_document(), key_id=KEY_ID, key=alice, created=CREATED), path, value)

    with pytest.raises(SignatureRefused) as caught:
        verified(document, alice.public_key())

    assert caught.value.rule == "badSignature"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("proof/type", "Ed25519Signature2020"),
        ("proof/proofPurpose", "authentication"),
        ("proof/proofPurpose", None),
        ("proof/created", "yesterday"),
        ("proof/created", None),
        ("proof/expires", "never"),
        ("proof/expires", 5),
        ("proof/proofValue", FEP_VALUE[1:]),
        ("proof/proofValue", "z"),
        ("proof/proofValue", "zzzz"),
        ("proof/proofValue", "z0OIl"),
        ("proof/proofValue", "z" * 200),
        ("proof/verificationMethod", "http://server.example/k"),
        ("proof/verificationMethod", 7),
        ("proof/@context", FEP_CONTEXT[:1]),
        ("@context", [*FEP_CONTEXT, "https://evil.example/context"]),
        ("@graph", []),
    ],
)
def test_malformed_proofs_are_refused(path: str, value: object, alice: Ed25519PrivateKey) -> None:
    """Another purpose, no time, no signature, another context: refused before a key is fetched."""
    document = changed(add_proof(fep_document(), key_id=KEY_ID, key=alice, created=CREATED), path, value)

    with pytest.raises(DocumentRefused):
        parse_proof(through_json(document))


@pytest.mark.parametrize(
    "proof", [None, [], {}, "x", {"cryptosuite": "mldsa44-jcs-2024"}, [{"cryptosuite": "ecdsa-jcs-2019"}]]
)
def test_other_proofs_are_passed_over(proof: object) -> None:
    """No proof of ours is no proof; the HTTP signature decides."""
    assert parse_proof({**fep_document(), "proof": proof}) is None


def test_of_several_proofs_ours_counts_once(alice: Ed25519PrivateKey) -> None:
    """A proof of another suite beside ours is passed over; two of ours are one too many."""
    signed = add_proof(fep_document(), key_id=KEY_ID, key=alice, created=CREATED)
    other: Json = {"type": "DataIntegrityProof", "cryptosuite": "mldsa44-jcs-2024", "proofValue": "u00"}

    assert verified({**signed, "proof": [other, signed["proof"]]}, alice.public_key()).key_id == KEY_ID
    with pytest.raises(DocumentRefused):
        parse_proof({**signed, "proof": [signed["proof"], signed["proof"]]})


def test_a_linked_data_signature_is_no_part_of_the_document(alice: Ed25519PrivateKey) -> None:
    """Mastodon adds one after the proof; the FEP removes it before the check."""
    signed = add_proof(fep_document(), key_id=KEY_ID, key=alice, created=CREATED)

    result = verified({**signed, "signature": {"type": "RsaSignature2017"}}, alice.public_key())

    assert "signature" not in result.document


def test_a_proof_has_its_time(alice: Ed25519PrivateKey) -> None:
    """It stays true for years; not before it was made, nor after its own end."""
    signed = add_proof(fep_document(), key_id=KEY_ID, key=alice, created=CREATED)
    proof = parse_proof(signed)
    assert proof is not None

    verify_proof(proof, alice.public_key(), CREATED + 10 * 365 * 86_400)
    verify_proof(proof, alice.public_key(), CREATED - 3600)
    with pytest.raises(SignatureRefused, match="future"):
        verify_proof(proof, alice.public_key(), CREATED - 3601)


def test_a_proof_ends_when_it_says(alice: Ed25519PrivateKey) -> None:
    """`expires` is part of what is signed, and is kept to."""
    ending = changed(
        add_proof(fep_document(), key_id=KEY_ID, key=alice, created=CREATED),
        "proof/expires",
        write_time(CREATED + 60),
    )
    proof = parse_proof(ending)
    assert proof is not None

    for now, rule in ((CREATED + 59, "badSignature"), (CREATED + 60, "window")):
        with pytest.raises(SignatureRefused) as caught:
            verify_proof(proof, alice.public_key(), now)
        assert caught.value.rule == rule


def test_an_rsa_key_makes_no_such_proof(alice: Ed25519PrivateKey, ana_key: RSAPrivateKey) -> None:
    """The suite names the kind of key."""
    proof = parse_proof(add_proof(fep_document(), key_id=KEY_ID, key=alice, created=CREATED))
    assert proof is not None

    with pytest.raises(SignatureRefused) as caught:
        verify_proof(proof, ana_key.public_key(), CREATED)

    assert caught.value.rule == "algorithm"


@pytest.mark.parametrize(
    "document",
    [
        {"actor": "https://server.example/users/bob"},
        {"attributedTo": "https://server.example/users/bob"},
        {},
        {"actor": ALICE, "id": "https://other.example/1"},
        {"actor": [ALICE, "https://server.example/users/bob"]},
    ],
)
def test_a_true_proof_of_somebody_else_says_nothing(document: Json) -> None:
    """Eve may sign what she likes; it speaks for her alone, and for ids on her host."""
    with pytest.raises(DocumentRefused):
        check_author(VerifiedDocument(document, KEY_ID), ALICE)


def test_nobody_signs_twice(alice: Ed25519PrivateKey) -> None:
    """A second proof over the first is our own bug."""
    signed = add_proof(fep_document(), key_id=KEY_ID, key=alice, created=CREATED)

    with pytest.raises(LocalActivityPubError):
        add_proof(signed, key_id=KEY_ID, key=alice, created=CREATED)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text('aé\u20ac😂\n"\\', max_size=5)
    | st.floats(allow_nan=False, allow_infinity=False, width=32),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner),
    max_leaves=8,
)


@given(value=JSON_VALUES)
def test_whatever_is_signed_survives_the_wire(value: object) -> None:
    """Any JSON, written and read again, keeps its proof."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    document: Json = {"actor": ALICE, "x": value}
    signed = add_proof(document, key_id=KEY_ID, key=key, created=CREATED)

    assert verified(signed, key.public_key()).key_id == KEY_ID


# --- RFC 8785 ---------------------------------------------------------------------------------------
CANONICAL: list[tuple[str, str]] = [
    (  # 3.2.2, the RFC's sample
        r'{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],'
        r'"string":"\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}',
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    ),
    (  # 3.2.3: keys in the order of their UTF-16 units
        r'{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",'
        r'"\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin O"}',
        '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin O",'
        '"€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    ),
    (  # the reference implementation's data: structures, french, unicode, weird
        r'{"1":{"f":{"f":"hi","F":5},"\n":56.0},"10":{},"":"empty","a":{},"111":[{}],"A":{}}',
        '{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{}],"A":{},"a":{}}',
    ),
    (
        '{"peach":"This sorting order","péché":"is wrong according to French",'
        '"pêche":"but canonicalization MUST","sin":"ingnore locale"}',
        '{"peach":"This sorting order","péché":"is wrong according to French",'
        '"pêche":"but canonicalization MUST","sin":"ingnore locale"}',
    ),
    (r'{"Unnormalized Unicode":"\u1e0d\u0307"}', '{"Unnormalized Unicode":"\u1e0d\u0307"}'),
    (
        r'{"\u20ac":"Euro Sign","1":"One","\u0080":"Control\u007f","\ud83d\ude02":"Smiley","\ufb33":"Dalet",'
        r'"</script>":"Browser Challenge"}',
        '{"1":"One","</script>":"Browser Challenge","\u0080":"Control\u007f","€":"Euro Sign","😂":"Smiley",'
        '"\ufb33":"Dalet"}',
    ),
    # Appendix B: numbers
    (
        '{"n":[0,-0.0,5e-324,-5e-324,1.7976931348623157e308,9007199254740991,295147905179352830000.0,'
        '9.999999999999997e22,1e23,1.0000000000000001e23,999999999999999700000.0,999999999999999900000.0,'
        '1e21,9.999999999999997e-7,0.000001,333333333.3333332,333333333.33333325,0.001]}',
        '{"n":[0,0,5e-324,-5e-324,1.7976931348623157e+308,9007199254740991,295147905179352830000,'
        '9.999999999999997e+22,1e+23,1.0000000000000001e+23,999999999999999700000,999999999999999900000,'
        '1e+21,9.999999999999997e-7,0.000001,333333333.3333332,333333333.33333325,0.001]}',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given_json", "expected"), CANONICAL)
def test_the_vectors_of_rfc_8785(given_json: str, expected: str) -> None:
    """Read through the strict gate, written canonically: byte for byte as the RFC and its author have it."""
    document = parse_object(given_json.encode(), limit=10_000)

    assert canonical(document) == expected.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**60, "\ud800"])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    """The gate stops these; the canonical form stops them once more."""
    with pytest.raises(DocumentRefused):
        canonical({"x": value})


# --- FEP-521a ---------------------------------------------------------------------------------------
FEP_RSA = bytes.fromhex(
    "3082010a0282010100b1b5fcd8d4d5e88ca5c4287b31f578865caf6a78826a3b8ff7b1b23aa4af4e6a0474139f945bd9d3a911ffd0"
    "fa72db78e4593a86c91f9da836186ebd3402d51f6a3844247ab5088b46929c311b43604fed84499f06f0f39bf55590e2187f1bbe22"
    "9ba8f49fd2e570cd0e3733c76bfede80e1e7e0881e4538ea1bc5782be9512f8bf132526e05f4923564fe6e1e21bf7087adebb660fa"
    "533fca06d0a8e66991e1312d70b64a61da8ca77c028cdf939601e2cffe2855759b1d479f0847bcac59d7d62427a431d4e3dfd26974"
    "28b9dd6309a7b1167db99fe01af1ff1b739566fb949e47089d1dae84aef1214ef7f5773e86a0d3e9da246f9bec09d60c705891183d"
    "0203010001"
)
FEP_RSA_TEXT = (
    "z4MXj1wBzi9jUstyPMS4jQqB6KdJaiatPkAtVtGc6bQEQEEsKTic4G7Rou3iBf9vPmT5dbkm9qsZsuVNjq8HCuW1w24nhBFGkRE4cd2Uf2tf"
    "rB3N7h4mnyPp1BF3ZttHTYv3DLUPi1zMdkULiow3M1GfXkoC6DoxDUm1jmN6GBj22SjVsr6dxezRVQc7aj9TxE7JLbMH1wh5X3kA58H3DFW8"
    "rnYMakFGbca5CB2Jf6CnGQZmL7o5uJAdTwXfy2iiiyPxXEGerMhHwhjTA1mKYobyk2CpeEcmvynADfNZ5MBvcCS7m3XkFCMNUYBS9NQ3fze6"
    "vMSUPsNa6GVYmKx2x6JrdEjCk3qRMMmyjnjCMfR4pXbRMZa3i"
)


def test_the_fep_521a_vectors() -> None:
    """Ed25519 and RSA keys are written as the FEP has them, and read back."""
    ed25519 = Ed25519PublicKey.from_public_bytes(
        bytes.fromhex("2e6fcce36701dc791488e0d0b1745cc1e33a4c1c9fcc41c63bd343dbbe0970e6")
    )
    rsa = load_der_public_key(FEP_RSA)
    assert isinstance(rsa, RSAPublicKey)

    assert make_multikey(f"{ALICE}#ed25519-key", ALICE, ed25519) == {
        "id": f"{ALICE}#ed25519-key",
        "type": "Multikey",
        "controller": ALICE,
        "publicKeyMultibase": "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
    }
    assert write_multibase(rsa) == FEP_RSA_TEXT
    assert read_public_key(FEP_RSA_TEXT) == rsa
    assert read_multibase("z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK") == ed25519


@pytest.mark.parametrize(
    "text",
    ["", "z", "6MkrJVnaZ", FEP_PUBLIC[1:], FEP_PUBLIC + "1", FEP_PUBLIC[:-1], "z0", "m7QE", "z" * 2000,
     FEP_RSA_TEXT[:-3], "z" + base58.encode(b"\x85\x24" + b"\x30" * 80),
     "z" + base58.encode(b"\xec\x01" + bytes(32))],
)  # fmt: skip
def test_other_multikeys_are_refused(text: str) -> None:
    """Not base58, cut off, of another kind: no key."""
    with pytest.raises(KeyRefused):
        read_public_key(text)


def test_small_rsa_keys_and_rsa_where_ed25519_belongs_are_refused() -> None:
    """1024 bits bind nothing any more."""
    small = generate_private_key(65537, 1024).public_key()  # noqa: S505  # to be refused

    with pytest.raises(KeyRefused) as caught:
        read_public_key(write_multibase(small))
    assert caught.value.rule == "keySize"
    with pytest.raises(KeyRefused):
        read_multibase(FEP_RSA_TEXT)


# --- contexts and times -----------------------------------------------------------------------------
JSON_LD: list[Json] = [
    {"@graph": 1},
    {"object": {"@included": 1}},
    {"object": [{"x": {"@reverse": 1}}]},
    {"@context": {"many": "@graph"}},
    {"@context": ["https://www.w3.org/ns/activitystreams", {"x": {"@id": "@reverse"}}]},
    {"object": {"@context": {"x": {"@context": {"y": "@included"}}}}},
]


@pytest.mark.parametrize("document", JSON_LD)
def test_what_needs_json_ld_is_refused(document: Json) -> None:
    """At any depth, and under another name that a context gives it."""
    with pytest.raises(DocumentRefused) as caught:
        check_plain(document)

    assert caught.value.rule == "jsonLd"


def test_the_words_alone_do_no_harm() -> None:
    """A note may speak about @graph."""
    document: Json = {"@context": {"toot": "http://joinmastodon.org/ns#"}, "content": "@graph"}

    assert check_plain(document) == document


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2023-02-24T23:36:38Z", CREATED),
        ("2023-02-24t23:36:38.999z", CREATED),
        ("2023-02-25T01:36:38+02:00", CREATED),
        ("2023-02-24T18:06:38-05:30", CREATED),
        ("", None),
        ("2023-02-24", None),
        ("2023-02-24T23:36:38", None),
        ("2023-02-30T23:36:38Z", None),
        ("2023-02-24T24:36:38Z", None),
        ("1969-12-31T23:59:59Z", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("٢٠٢٣-02-24T23:36:38Z", None),
    ],
)
def test_times_are_read_in_any_zone(text: str, seconds: int | None) -> None:
    """RFC 3339; what is no time is none, not an error."""
    assert read_time(text) == seconds


@given(st.integers(0, 253_402_300_799))
def test_times_are_read_as_they_are_written(seconds: int) -> None:
    """One form out."""
    assert read_time(write_time(seconds)) == seconds
