"""Integrity proofs on activities and objects (FEP-8b32), suite ``eddsa-jcs-2022``: made and verified.

A proof says who wrote a document, whoever delivers it and however late. The signature is Ed25519 over
SHA-256(JCS(proof without its value)) followed by SHA-256(JCS(document without its proof)).

    document = add_proof(document, key_id=..., key=..., created=now)

    proof = parse_proof(document)               # None: there is no proof of this suite
    key = ...                                   # the caller finds proof.key_id, and checks whose key it is
    verified = verify_proof(proof, key, now)    # verified.document is what was signed

As with HTTP signatures, who owns the key decides whose word it is: see `check_author`.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yurt.activitypub.canonical import canonical
from yurt.activitypub.errors import DocumentRefused, LocalActivityPubError, SignatureRefused
from yurt.activitypub.http_signatures.keys import KeyKind, PublicKey, kind_of, verify_bytes
from yurt.activitypub.references import Json, check_plain, host_of, id_of, objects_of, text_of
from yurt.activitypub.timestamps import read_time, write_time
from yurt.identity import base58

CRYPTOSUITE: Final = "eddsa-jcs-2022"
PROOF_TYPE: Final = "DataIntegrityProof"
PURPOSE: Final = "assertionMethod"
SKEW_S: Final = 3600
"""How far ahead of our clock a proof may be made; the same tolerance as for HTTP signatures."""
_SIGNATURE_SIZE: Final = 64


@dataclass(frozen=True, slots=True)
class ProofIn:
    """A proof that is well formed, not yet checked with its key."""

    key_id: str
    """Where the key is said to be: an ``assertionMethod`` of who wrote the document."""
    document: Json = field(repr=False)
    """What it is about: without proofs."""
    created: int
    expires: int | None
    signature: bytes = field(repr=False)
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class VerifiedDocument:
    """A document that the holder of a key signed."""

    document: Json = field(repr=False)
    key_id: str


def add_proof(document: Json, *, key_id: str, key: Ed25519PrivateKey, created: int) -> Json:
    """Sign a document.

    Args:
        document: With its final id and context, without a proof.
        key_id: URL of the public key, an ``assertionMethod`` of the author's actor.
        key: Its private half.
        created: Seconds since 1970.

    Returns:
        The document with its proof.
    """
    if "proof" in document:
        raise LocalActivityPubError("this document has a proof already")
    options: Json = {
        "type": PROOF_TYPE,
        "cryptosuite": CRYPTOSUITE,
        "verificationMethod": key_id,
        "proofPurpose": PURPOSE,
        "created": write_time(created),
    }
    if "@context" in document:
        options["@context"] = document["@context"]
    value = "z" + base58.encode(key.sign(signed_data(options, document)))
    return {**document, "proof": {**options, "proofValue": value}}


def parse_proof(document: Json) -> ProofIn | None:
    """Read the proof of a document, and check all that needs no key.

    Proofs of other suites beside it are passed over, and so are Linked Data signatures.

    Returns:
        None if there is no proof of our suite.

    Raises:
        DocumentRefused: Two proofs of it, one that is malformed, or a document that needs JSON-LD.
    """
    check_plain(document)
    proofs = [item for item in objects_of(document.get("proof")) if item.get("cryptosuite") == CRYPTOSUITE]
    if not proofs:
        return None
    if len(proofs) > 1:
        raise DocumentRefused("proof", "which of two proofs is meant?")
    proof = proofs[0]
    # FEP-8b32: a Linked Data signature was made over the document with its proof, so it is not part of it.
    signed = {name: value for name, value in document.items() if name not in ("proof", "signature")}
    _check_options(proof, signed)
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    return ProofIn(
        key_id=text_of(proof, "verificationMethod"),
        document=signed,
        created=_time(proof, "created"),
        expires=_time(proof, "expires") if "expires" in proof else None,
        signature=_value(text_of(proof, "proofValue")),
        data=signed_data(options, signed),
    )


def verify_proof(proof: ProofIn, key: PublicKey, now: int) -> VerifiedDocument:
    """Check a proof with the key that it names; a proof has no greatest age.

    Raises:
        SignatureRefused: Expired, from the future, another kind of key, or not signed by it.
    """
    if proof.created > now + SKEW_S or (proof.expires is not None and proof.expires <= now):
        raise SignatureRefused("window", "the proof has expired, or is from the future")
    if kind_of(key) is not KeyKind.ED25519:
        raise SignatureRefused("algorithm", f"{CRYPTOSUITE} is made with an Ed25519 key")
    if not verify_bytes(key, proof.signature, proof.data):
        raise SignatureRefused("badSignature", "the proof does not fit this document and key")
    return VerifiedDocument(proof.document, proof.key_id)


def check_author(verified: VerifiedDocument, owner: str) -> None:
    """Refuse a document that speaks for somebody else than the owner of the key.

    Args:
        verified: What `verify_proof` returned.
        owner: The actor in whose document the key stands as an ``assertionMethod``.

    Raises:
        DocumentRefused: ``actor`` (of an activity) or ``attributedTo`` (of an object) is another actor, or
            the document's id is on another host.
    """
    document = verified.document
    author = id_of(document.get("actor")) or id_of(document.get("attributedTo"))
    if author != owner:
        raise DocumentRefused("actorMismatch", "the document is not by the owner of the proof's key")
    document_id = text_of(document, "id")
    if document_id and host_of(document_id) != host_of(owner):
        raise DocumentRefused("idHost", "the document's id is on another host than its author")


def _check_options(proof: Json, document: Json) -> None:
    if proof.get("type") != PROOF_TYPE or proof.get("proofPurpose") != PURPOSE:
        raise DocumentRefused("proof", "the proof is of another type, or for another purpose")
    # vc-di-eddsa 3.3.2 lets the document have more context than its proof. What is read without a JSON-LD
    # processor should not gain unsigned parts that way.
    if "@context" in proof and proof["@context"] != document.get("@context"):
        raise DocumentRefused("proof", "the proof was made in another context")
    host_of(text_of(proof, "verificationMethod"))


def _time(proof: Json, name: str) -> int:
    seconds = read_time(text_of(proof, name))
    if seconds is None:
        raise DocumentRefused("proof", f"the proof's {name} is no time")
    return seconds


def _value(text: str) -> bytes:
    try:
        signature = base58.decode(text.removeprefix("z")) if text.startswith("z") else b""
    except ValueError:
        signature = b""
    if len(signature) != _SIGNATURE_SIZE:
        raise DocumentRefused("proof", "the proof's value is no Ed25519 signature in base58")
    return signature


def signed_data(options: Json, document: Json) -> bytes:
    """Build what is signed: vc-di-eddsa 3.3.4, the options first, then the document.

    Args:
        options: The proof without its value.
        document: Without its proof.
    """
    return hashlib.sha256(canonical(options)).digest() + hashlib.sha256(canonical(document)).digest()
