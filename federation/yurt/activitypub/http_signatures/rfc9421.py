"""RFC 9421, HTTP Message Signatures: how nodes sign `exchange`, and the second knock of the fediverse.

Between nodes Ed25519; towards other software RSA, and only where draft-cavage was refused (DESIGN 5).

This module knows the grammar and the signature base (2.5); what must be covered and how old it may be is
`yurt.activitypub.http_signatures.policy`. Components are those of requests, without parameters.

    headers = sign_exchange(url, body, key_id=..., key=..., now=..., nonce=os.urandom(16))
    headers = sign("POST", inbox_url, body, key_id=..., key=..., now=...)
"""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import http_sf
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from http_sf.types import BareItemType, InnerListType, ItemType

from yurt.activitypub.errors import LocalActivityPubError, SignatureMalformed
from yurt.activitypub.http_signatures.digests import make_content_digest
from yurt.activitypub.http_signatures.fields import join_lines, read_dictionary
from yurt.activitypub.http_signatures.request import InboundRequest
from yurt.activitypub.vocabulary import ACTIVITY_TYPE
from yurt.wire.exchange import EXCHANGE_TAG, EXCHANGE_TYPE
from yurt.wire.limits import MAX_COVERED, MAX_INTEGER

METHOD: Final = "@method"
TARGET_URI: Final = "@target-uri"
CONTENT_TYPE: Final = "content-type"
CONTENT_DIGEST: Final = "content-digest"
EXCHANGE_COMPONENTS: Final = (METHOD, TARGET_URI, CONTENT_TYPE, CONTENT_DIGEST)
NONCE_SIZE: Final = 16
"""Bytes; travels as base64url without padding."""

_PARAMETERS: Final = frozenset({"created", "expires", "nonce", "alg", "keyid", "tag"})
_LABEL: Final = "sig"
_PLAIN_TEXT: Final = re.compile(r"[ !#-\[\]-~]*").fullmatch
_INTEGERS_END: Final = 10**15
"""RFC 8941 3.3.1."""
_NOTHING: Final[Mapping[str, str]] = {}

Parameters = dict[str, BareItemType]


@dataclass(frozen=True, slots=True)
class MessageSignature:
    """One member of ``Signature-Input``, with its signature."""

    covered: tuple[str, ...]
    """Component names, in order."""
    parameters: Parameters
    """As they were sent, in order."""
    signature: bytes = field(repr=False)

    def text(self, name: str) -> str | None:
        """A parameter that is a string; None if absent.

        Raises:
            SignatureMalformed: It is another type of item.
        """
        value = self.parameters.get(name)
        if value is None or isinstance(value, str):
            return value
        raise SignatureMalformed("malformedHeader", f"the parameter {name} must be a string")

    def seconds(self, name: str) -> int | None:
        """A parameter that is a time; None if absent.

        Raises:
            SignatureMalformed: It is another type of item, or out of range.
        """
        value = self.parameters.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INTEGER:
            raise SignatureMalformed("malformedHeader", f"the parameter {name} must be whole seconds")
        return value


def read_headers(request: InboundRequest) -> MessageSignature:
    """Read ``Signature-Input`` and ``Signature``.

    Raises:
        SignatureMalformed: Not in the grammar, not exactly one signature, or something named twice.
    """
    inputs = read_dictionary("Signature-Input", request.header("signature-input") or "")
    signatures = read_dictionary("Signature", request.header("signature") or "")
    # Which of several would be the one that counts? Nobody sends more than one.
    if len(inputs) != 1 or inputs.keys() != signatures.keys():
        raise SignatureMalformed("notOneSignature", "exactly one signature is read")
    covered, parameters = _input(next(iter(inputs.values())))
    match next(iter(signatures.values())):
        case (bytes() as signature, dict()) | (bytes() as signature):
            return MessageSignature(covered, parameters, signature)
        case _:
            raise SignatureMalformed("malformedHeader", "the Signature is no byte sequence")


def signature_base(request: InboundRequest, covered: tuple[str, ...], parameters: Parameters) -> bytes:
    """Build the signature base of RFC 9421 2.5.

    Raises:
        SignatureMalformed: A component that is unknown or not there.
    """
    lines = [f'"{name}": {_component(request, name)}' for name in covered]
    lines.append(f'"@signature-params": {_serialise(covered, parameters)}')
    return join_lines(lines)


def sign_exchange(
    url: str, body: bytes, *, key_id: str, key: Ed25519PrivateKey, now: int, nonce: bytes
) -> dict[str, str]:
    """Sign a ``POST /rooms/exchange`` as the node actor (DESIGN 5).

    Args:
        url: ``https://NODE/rooms/exchange``.
        body: The MessagePack.
        key_id: ``https://OWN-NODE/actor#ed25519``.
        key: The node's Ed25519 key.
        now: Seconds since 1970.
        nonce: ``NONCE_SIZE`` fresh random bytes.

    Returns:
        Headers to send: Content-Type, Content-Digest, Signature-Input and Signature.
    """
    if len(nonce) < NONCE_SIZE:
        raise LocalActivityPubError(f"cannot sign an exchange with a nonce of {len(nonce)} bytes")
    headers = {"Content-Type": EXCHANGE_TYPE, "Content-Digest": make_content_digest(body)}
    request = _outgoing("POST", url, headers, body)
    parameters: Parameters = {
        "created": now,
        "keyid": key_id,
        "alg": "ed25519",
        "nonce": base64.urlsafe_b64encode(nonce).rstrip(b"=").decode("ascii"),
        "tag": EXCHANGE_TAG,
    }
    signature = key.sign(signature_base(request, EXCHANGE_COMPONENTS, parameters))
    return headers | _signed(EXCHANGE_COMPONENTS, parameters, signature)


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
    """Sign a request for software that refused draft-cavage, in the form that Mastodon sends and takes.

    Covers ``@method @target-uri``, with a body ``content-digest``, and what is in `more`. Costs an RSA
    signature (0.7 ms of CPU): call it where that does not block.

    Args:
        method: Upper case.
        url: Absolute https URL with a path.
        body: None for a GET.
        key_id: URL of the public key.
        key: The actor key.
        now: Seconds since 1970.
        content_type: Of the body.
        more: Other headers that are sent and covered.

    Returns:
        Headers to send: Signature-Input, Signature, with a body Content-Type and Content-Digest, and `more`.
    """
    covered = [METHOD, TARGET_URI, *(name.lower() for name in more)]
    headers = dict(more)
    if body is not None:
        headers |= {"Content-Type": content_type, "Content-Digest": make_content_digest(body)}
        covered.append(CONTENT_DIGEST)
    request = _outgoing(method, url, headers, body or b"")
    parameters: Parameters = {"created": now, "keyid": key_id, "alg": "rsa-v1_5-sha256"}
    base = signature_base(request, tuple(covered), parameters)
    return headers | _signed(tuple(covered), parameters, key.sign(base, PKCS1v15(), SHA256()))


def _outgoing(method: str, url: str, headers: Mapping[str, str], body: bytes) -> InboundRequest:
    """The request as its receiver will see it."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    if scheme != "https" or not authority or not slash or "#" in url:
        raise LocalActivityPubError(f"cannot sign a request to {url}")
    path, mark, query = path.partition("?")
    return InboundRequest(
        method, authority, f"/{path}", query if mark else None, tuple(headers.items()), body
    )


def _signed(covered: tuple[str, ...], parameters: Parameters, signature: bytes) -> dict[str, str]:
    return {
        "Signature-Input": f"{_LABEL}={_serialise(covered, parameters)}",
        "Signature": f"{_LABEL}=:{base64.b64encode(signature).decode('ascii')}:",
    }


def _input(member: ItemType | InnerListType) -> tuple[tuple[str, ...], Parameters]:
    if not isinstance(member, tuple) or not isinstance(member[0], list):
        raise SignatureMalformed("malformedHeader", "the Signature-Input is no list with parameters")
    items: list[ItemType] = member[0]
    parameters = member[1]
    covered = tuple(_name(item) for item in items)
    if len(set(covered)) != len(covered) or len(covered) > MAX_COVERED:
        raise SignatureMalformed("duplicateParameter", "a component is covered twice, or too many are")
    if not parameters.keys() <= _PARAMETERS:
        raise SignatureMalformed("unknownParameter", "the Signature-Input has parameters of no known meaning")
    return covered, parameters


def _name(item: ItemType) -> str:
    value, parameters = item if isinstance(item, tuple) else (item, {})
    if not isinstance(value, str) or parameters:
        raise SignatureMalformed("unknownComponent", "components with parameters are not read")
    return value


_DERIVED: Final[Mapping[str, Callable[[InboundRequest], str]]] = {
    "@method": lambda request: request.method,
    "@target-uri": lambda request: request.target_uri,
    "@authority": lambda request: request.authority,
    "@scheme": lambda _request: "https",
    "@request-target": lambda request: request.target,
    "@path": lambda request: request.path,
    "@query": lambda request: f"?{request.query or ''}",
    # Like @authority: what we are called, not what the header says.
    "host": lambda request: request.authority,
}


def _component(request: InboundRequest, name: str) -> str:
    derived = _DERIVED.get(name)
    value = None if derived is None else derived(request)
    if value is None and not name.startswith("@") and name == name.lower():
        value = (
            request.single(name) if name in (CONTENT_TYPE, CONTENT_DIGEST, "date") else request.header(name)
        )
    if value is None:
        raise SignatureMalformed("missingHeader", f"the signature covers {name}, which is not there")
    return value


def _plainly(value: BareItemType) -> str:
    """Write what nearly everybody signs, texts without escapes and whole seconds; empty for anything else."""
    if type(value) is str and _PLAIN_TEXT(value):  # no Token, which is a text as well
        return f'"{value}"'
    return f"{value:d}" if type(value) is int and 0 <= value < _INTEGERS_END else ""


def _serialise(covered: tuple[str, ...], parameters: Parameters) -> str:
    """Write the value of ``Signature-Input`` in its one form (RFC 8941 4.1.1.1)."""
    names, values = list(map(_plainly, covered)), list(map(_plainly, parameters.values()))
    if all(names) and all(values):  # five times as fast as the general way below
        pairs = zip(parameters, values, strict=True)
        return f"({' '.join(names)})" + "".join(f";{key}={value}" for key, value in pairs)
    items: list[ItemType] = [(name, {}) for name in covered]
    try:
        return http_sf.ser([(items, parameters)])
    except (ValueError, http_sf.StructuredFieldError):
        raise SignatureMalformed("malformedHeader", "the Signature-Input has no canonical form") from None
