"""The FEP-c390 identity statement: an actor document shows whose actor it is.

The identity key signs ``{type, subject, alsoKnownAs}`` with a Data Integrity proof of the suite
eddsa-jcs-2022: Ed25519 over SHA-256(JCS(proof options)) || SHA-256(JCS(document)). The statement travels
verbatim, as an item of the actor's ``attachment``.

    statement = make_statement(identity_key, actor, created_s)
    verify_statement(statement, actor)  # -> did
"""

import hashlib
from datetime import UTC, datetime
from typing import Final, cast

import rfc8785

from yurt.identity import base58
from yurt.identity.did import Did, parse_did, public_of
from yurt.identity.errors import MalformedDid, StatementError
from yurt.identity.identity_key import IdentityKey
from yurt.mls.signatures import ED25519
from yurt.wire.errors import GateError
from yurt.wire.gate import parse_object

STATEMENT_TYPE: Final = "VerifiableIdentityStatement"
MAX_STATEMENT_SIZE: Final = 4096
_CRYPTOSUITE: Final = "eddsa-jcs-2022"

Json = dict[str, object]


def make_statement(identity: IdentityKey, actor: str, created: int) -> bytes:
    """Say that `actor` is a location of this person.

    Args:
        identity: The person's identity key.
        actor: The actor URL.
        created: Seconds since 1970.

    Returns:
        The statement as RFC 8785 JSON, to be kept and relayed verbatim.
    """
    did = identity.did
    document: Json = {"type": STATEMENT_TYPE, "subject": did, "alsoKnownAs": actor}
    proof: Json = {
        "type": "DataIntegrityProof",
        "cryptosuite": _CRYPTOSUITE,
        "created": datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        # FEP-c390: the verification method is the subject itself.
        "verificationMethod": did,
        "proofPurpose": "assertionMethod",
    }
    signature = identity.sign_raw(_signed_bytes(document, proof))
    return _canonical({**document, "proof": {**proof, "proofValue": "z" + base58.encode(signature)}})


def verify_statement(statement: bytes, actor: str) -> Did:
    """Learn whose location `actor` is.

    Returns:
        The did that signed it.

    Raises:
        StatementError: Malformed, for another actor, or not signed by its subject.
    """
    document = _parse(statement)
    proof = document.pop("proof", None)
    if not isinstance(proof, dict):
        raise StatementError("statementProof", "the identity statement has no single proof")
    if document.get("type") != STATEMENT_TYPE:
        raise StatementError("statementType", "this is no identity statement")
    if document.get("alsoKnownAs") != actor:
        raise StatementError("statementActor", "the identity statement is about another actor")
    did = _subject(document)
    _verify_proof(document, cast("Json", proof), did)
    return did


def _parse(statement: bytes) -> Json:
    if len(statement) > MAX_STATEMENT_SIZE:
        raise StatementError("statementTooLarge", "the identity statement is too large")
    try:
        return parse_object(statement, limit=MAX_STATEMENT_SIZE)
    except GateError:
        raise StatementError("malformedStatement", "the identity statement is no JSON object") from None


def _subject(document: Json) -> Did:
    subject = document.get("subject")
    if not isinstance(subject, str):
        raise StatementError("statementSubject", "the identity statement has no subject")
    try:
        return parse_did(subject)
    except MalformedDid as error:
        raise StatementError("statementSubject", str(error)) from None


def _verify_proof(document: Json, proof: Json, did: Did) -> None:
    value = proof.pop("proofValue", None)
    if not isinstance(value, str) or not value.startswith("z"):
        raise StatementError("statementProof", "the proof has no base58 value")
    # A fragment may follow: some software names the key as well as the did.
    named = {did, f"{did}#{did.removeprefix('did:key:')}"}
    fits = (
        proof.get("type") == "DataIntegrityProof"
        and proof.get("cryptosuite") == _CRYPTOSUITE
        and proof.get("proofPurpose") == "assertionMethod"
        and proof.get("verificationMethod") in named
        # vc-di-eddsa 3.3.2: a proof that has a context has the document's.
        and ("@context" not in proof or proof["@context"] == document.get("@context"))
    )
    if not fits:
        raise StatementError("statementProof", "the proof is of another kind, or by another key")
    try:
        signature = base58.decode(value[1:])
    except ValueError:
        raise StatementError("statementProof", "the proof's value is no base58") from None
    if not ED25519.verify(public_of(did), _signed_bytes(document, proof), signature):
        raise StatementError("statementSignature", "the identity statement is not signed by its subject")


def _signed_bytes(document: Json, proof: Json) -> bytes:
    """Data to sign of eddsa-jcs-2022 (vc-di-eddsa 3.3.4): proof options first, then the document."""
    return hashlib.sha256(_canonical(proof)).digest() + hashlib.sha256(_canonical(document)).digest()


def _canonical(value: Json) -> bytes:
    try:
        # rfc8785 types its input more narrowly than "what a JSON parser gave".
        return rfc8785.dumps(cast("dict[str, str]", value))
    except (rfc8785.CanonicalizationError, RecursionError):
        raise StatementError("malformedStatement", "the statement has no canonical form") from None
