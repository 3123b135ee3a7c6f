"""Digests of bodies: ``Digest`` (RFC 3230, as draft-cavage uses it) and ``Content-Digest`` (RFC 9530).

A digest that is signed but not recomputed over the bytes that came binds nothing: that is how forged
bodies passed other libraries.
"""

import base64
import binascii
import hashlib
import hmac

from yurt.activitypub.errors import SignatureMalformed, SignatureRefused
from yurt.activitypub.http_signatures.fields import read_dictionary


def make_digest(body: bytes) -> str:
    """Write the ``Digest`` header of a body."""
    return "SHA-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")


def make_content_digest(body: bytes) -> str:
    """Write the ``Content-Digest`` header of a body."""
    return "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode("ascii") + ":"


def check_digest(header: str, body: bytes) -> None:
    """Compare a ``Digest`` header with the bytes that came; other algorithms beside SHA-256 are ignored.

    Raises:
        SignatureMalformed: No SHA-256 in it, two of them, or not base64.
        SignatureRefused: Another body was signed.
    """
    found = [
        value
        for algorithm, _, value in (item.strip().partition("=") for item in header.split(","))
        if algorithm.lower() == "sha-256"
    ]
    if len(found) != 1:
        raise SignatureMalformed("digestAlgorithm", "the Digest must name SHA-256 exactly once")
    try:
        digest = base64.b64decode(found[0].encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise SignatureMalformed("digestAlgorithm", "the Digest is not base64") from None
    _compare(digest, body)


def check_content_digest(header: str, body: bytes) -> None:
    """Compare a ``Content-Digest`` header with the bytes that came.

    Raises:
        SignatureMalformed: No single ``sha-256`` in it.
        SignatureRefused: Another body was signed.
    """
    match read_dictionary("content-digest", header).get("sha-256"):
        case (bytes() as digest, dict()) | (bytes() as digest):
            _compare(digest, body)
        case _:
            raise SignatureMalformed("digestAlgorithm", "the Content-Digest must name sha-256")


def _compare(digest: bytes, body: bytes) -> None:
    if not hmac.compare_digest(digest, hashlib.sha256(body).digest()):
        raise SignatureRefused("digestMismatch", "the body is not the one that was signed")
