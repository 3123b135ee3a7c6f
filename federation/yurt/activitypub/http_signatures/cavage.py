"""draft-cavage-http-signatures-12: how the fediverse signs, in and out, with RSA-SHA256.

This module knows the grammar and the text that is signed; what must be covered and how old it may be is
`yurt.activitypub.http_signatures.policy`.

    headers = sign("POST", inbox_url, body, key_id=..., key=..., now=...)
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from yurt.activitypub.errors import LocalActivityPubError, SignatureMalformed
from yurt.activitypub.http_signatures.digests import make_digest
from yurt.activitypub.http_signatures.fields import join_lines, read_parameters, write_date
from yurt.activitypub.http_signatures.request import InboundRequest
from yurt.activitypub.vocabulary import ACTIVITY_TYPE
from yurt.wire.limits import MAX_COVERED

REQUEST_TARGET: Final = "(request-target)"
CREATED: Final = "(created)"
EXPIRES: Final = "(expires)"

_NOTHING: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class CavageSignature:
    """The parameters of a ``Signature`` header."""

    key_id: str
    algorithm: str | None
    """Lower case; None if it was not named."""
    covered: tuple[str, ...]
    """Names as in ``headers``, lower case."""
    signature: bytes = field(repr=False)
    created: int | None
    expires: int | None


def read_header(value: str) -> CavageSignature:
    """Read a ``Signature`` header.

    Raises:
        SignatureMalformed: Not in the draft's grammar, a parameter twice, or one missing.
    """
    parameters = read_parameters("Signature", value)
    key_id = parameters.get("keyid", "")
    signature = parameters.get("signature", "")
    if not key_id or not signature:
        raise SignatureMalformed("missingParameter", "a Signature needs keyId and signature")
    # 2.1.6: without `headers`, only the date is covered.
    covered = tuple(parameters.get("headers", "date").lower().split(" "))
    if len(set(covered)) != len(covered) or len(covered) > MAX_COVERED:
        raise SignatureMalformed("duplicateParameter", "the Signature covers a header twice, or too many")
    algorithm = parameters.get("algorithm")
    return CavageSignature(
        key_id=key_id,
        algorithm=None if algorithm is None else algorithm.lower(),
        covered=covered,
        signature=_base64(signature),
        created=_seconds(parameters.get("created")),
        expires=_seconds(parameters.get("expires")),
    )


def signed_text(request: InboundRequest, signature: CavageSignature, target: str) -> bytes:
    """Rebuild the text that was signed (2.3).

    Args:
        request: Where the headers stand.
        signature: What is covered.
        target: The path, with or without query.

    Raises:
        SignatureMalformed: A covered header is missing, or one that must be single comes twice.
    """
    return join_lines(f"{name}: {_value(request, signature, name, target)}" for name in signature.covered)


def sign(
    method: str,
    url: str,
    body: bytes | None,
    *,
    key_id: str,
    key: RSAPrivateKey,
    now: int,
    content_type: str = ACTIVITY_TYPE,
    more: Mapping[str, str] = _NOTHING,
) -> dict[str, str]:
    """Sign a request that goes out, as every server of the fediverse understands it.

    Covers ``(request-target) host date``, with a body ``digest content-type``, and what is in `more`.
    Costs an RSA signature (0.7 ms of CPU): call it where that does not block.

    Args:
        method: Upper case.
        url: Absolute https URL; a query is signed too.
        body: None for a GET.
        key_id: URL of the public key.
        key: The actor key.
        now: Seconds since 1970.
        content_type: Of the body.
        more: Other headers that are sent and covered, for example Collection-Synchronization.

    Returns:
        Headers to send, exactly as they stand: Host, Date, Signature, with a body Digest and Content-Type,
        and `more`.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.netloc or '"' in key_id:
        raise LocalActivityPubError(f"cannot sign a request to {url} as {key_id}")
    headers = {"Host": parts.netloc, "Date": write_date(now)}
    if body is not None:
        headers |= {"Digest": make_digest(body), "Content-Type": content_type}
    headers |= more
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    covered = {REQUEST_TARGET: f"{method.lower()} {target}"}
    covered |= {name.lower(): value for name, value in headers.items()}
    text = join_lines(f"{name}: {value}" for name, value in covered.items())
    signature = base64.b64encode(key.sign(text, PKCS1v15(), SHA256())).decode("ascii")
    headers["Signature"] = (
        f'keyId="{key_id}",algorithm="rsa-sha256",headers="{" ".join(covered)}",signature="{signature}"'
    )
    return headers


def _value(request: InboundRequest, signature: CavageSignature, name: str, target: str) -> str:
    match name:
        case "(request-target)":
            return f"{request.method.lower()} {target}"
        case "(created)" | "(expires)":
            return _pseudo(signature, name)
        case "host":
            # What we are called, not what the header says: see `InboundRequest.authority`.
            return request.authority
        case "date" | "digest" | "content-type":
            value = request.single(name)
        case _:
            value = request.header(name)
    if value is None:
        raise SignatureMalformed("missingHeader", f"the Signature covers {name}, which is not there")
    return value


def _pseudo(signature: CavageSignature, name: str) -> str:
    value = signature.created if name == CREATED else signature.expires
    # 2.3: with an algorithm that names RSA, HMAC or ECDSA these two do not exist.
    if value is None or (signature.algorithm or "").startswith(("rsa", "hmac", "ecdsa")):
        raise SignatureMalformed("missingParameter", f"the Signature covers {name}, which it may not")
    return str(value)


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise SignatureMalformed("malformedHeader", "the signature is not base64") from None


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise SignatureMalformed("malformedHeader", "created and expires are whole seconds")
    return int(text)
