"""What a signature must cover, which algorithm fits and how old it may be: the one policy for all schemes.

Other libraries leave this to their callers, who forget: a digest that is not covered, one that is covered
but not recomputed, a signature of three days ago. Everything is checked here that needs no key, before a
key is fetched for it; then `verify` needs the key and the time.

    signed = parse(request)                     # or parse_exchange(request), between nodes
    key = ...                                   # the caller fetches signed.key_id, and checks whose key it is
    verified = verify(signed, key, now)         # then: is verified.replay_key new?

| | draft-cavage | RFC 9421 in inboxes | RFC 9421 ``exchange`` |
|---|---|---|---|
| covers | host, date or (created), (request-target) or digest | @method @target-uri | exactly its four |
| with a body | digest | content-digest | (always) |
| window | expires or 5 min, at most 12 h, ± 1 h | the same | ± 5 min |
"""

import hashlib
from typing import Final

from yurt.activitypub.errors import SignatureMalformed, SignatureMissing, SignatureRefused
from yurt.activitypub.http_signatures import cavage, rfc9421
from yurt.activitypub.http_signatures.digests import check_content_digest, check_digest
from yurt.activitypub.http_signatures.fields import read_date
from yurt.activitypub.http_signatures.keys import KeyKind, PublicKey, kind_of, verify_bytes
from yurt.activitypub.http_signatures.request import InboundRequest, SignatureIn, VerifiedRequest
from yurt.wire.exchange import EXCHANGE_TAG, EXCHANGE_TYPE
from yurt.wire.limits import MAX_URL

# Mastodon's window; other servers' clocks are set by it.
LIFETIME_S: Final = 5 * 60
MAX_LIFETIME_S: Final = 12 * 3600
SKEW_S: Final = 3600
EXCHANGE_WINDOW_S: Final = 5 * 60

_ANY: Final = frozenset({KeyKind.RSA, KeyKind.ED25519})
_CAVAGE_ALGORITHMS: Final[dict[str | None, frozenset[KeyKind]]] = {
    None: _ANY,
    "hs2019": _ANY,
    "rsa-sha256": frozenset({KeyKind.RSA}),
    "ed25519": frozenset({KeyKind.ED25519}),
}
_RFC9421_ALGORITHMS: Final[dict[str | None, frozenset[KeyKind]]] = {
    None: _ANY,
    "rsa-v1_5-sha256": frozenset({KeyKind.RSA}),
    "ed25519": frozenset({KeyKind.ED25519}),
}
_NONCE_LENGTH: Final = range(16, 129)
"""Characters."""


def parse(request: InboundRequest) -> SignatureIn:
    """Read the signature of a request of the fediverse, and check all that needs no key.

    Raises:
        SignatureMissing: There is none.
        SignatureMalformed: It cannot be read.
        SignatureRefused: It covers too little, or another body.
    """
    if request.lines("signature-input"):
        return _parse_rfc9421(request)
    header = request.single("signature")
    if header is None:
        raise SignatureMissing
    return _parse_cavage(request, cavage.read_header(header))


def parse_exchange(request: InboundRequest, *, body_follows: bool = False) -> SignatureIn:
    """Read the signature of a ``POST /rooms/exchange`` by another node, and check all that needs no key.

    Args:
        request: The request.
        body_follows: Whether the body has not been read yet: who is not known need not be read from. The
            signature is over the digest; the caller checks the body with `check_exchange_body` then.

    Raises:
        SignatureMissing: There is none.
        SignatureMalformed: It cannot be read.
        SignatureRefused: It is not signed as nodes sign, or over another body.
    """
    if not request.lines("signature-input"):
        raise SignatureMissing
    signature = rfc9421.read_headers(request)
    if set(signature.covered) != set(rfc9421.EXCHANGE_COMPONENTS):
        raise SignatureRefused("coverage", "an exchange covers " + " ".join(rfc9421.EXCHANGE_COMPONENTS))
    if signature.text("tag") != EXCHANGE_TAG or signature.text("alg") != "ed25519":
        raise SignatureRefused("wrongTag", f"an exchange is signed with ed25519 and the tag {EXCHANGE_TAG}")
    if request.single("content-type") != EXCHANGE_TYPE:
        raise SignatureRefused("contentType", f"an exchange is {EXCHANGE_TYPE}")
    if len(signature.text("nonce") or "") not in _NONCE_LENGTH or "expires" in signature.parameters:
        raise SignatureRefused("nonce", "an exchange has a nonce and no own end")
    if not body_follows:
        check_exchange_body(request, request.body)
    created = _created(signature)
    window = (created - EXCHANGE_WINDOW_S, created + EXCHANGE_WINDOW_S)
    return _message_in(request, signature, frozenset({KeyKind.ED25519}), window)


def check_exchange_body(request: InboundRequest, body: bytes) -> None:
    """Check the body of an exchange against the digest that its signature covers.

    Raises:
        SignatureRefused: It is another body.
        SignatureMalformed: The digest cannot be read.
    """
    check_content_digest(request.single("content-digest") or "", body)


def verify(signed: SignatureIn, key: PublicKey, now: int) -> VerifiedRequest:
    """Check a signature with the key that it names.

    Whether the key belongs to who acts, and whether `replay_key` is new, is for the caller to check.

    Args:
        signed: What `parse` made.
        key: The public key found at ``signed.key_id``.
        now: Seconds since 1970.

    Raises:
        SignatureRefused: Too old, too early, another kind of key, or not signed by it.
    """
    if not signed.not_before <= now <= signed.not_after:
        raise SignatureRefused("window", "the signature is too old, or from the future")
    if kind_of(key) not in signed.kinds:
        raise SignatureRefused("algorithm", "the key does not fit the algorithm that was named")
    if not any(verify_bytes(key, signed.signature, base) for base in signed.bases):
        raise SignatureRefused("badSignature", "the signature does not fit this request and key")
    return VerifiedRequest(signed.request, signed.key_id, signed.replay_key, signed.not_after, signed.covered)


def wants_fresh_key(error: SignatureRefused) -> bool:
    """Tell whether a refusal by `verify` may be the fault of a key that was kept too long.

    Then the key is fetched once more, and `verify` is called a second and last time.
    """
    return error.rule in ("badSignature", "algorithm")


# --- draft-cavage -----------------------------------------------------------------------------------
def _parse_cavage(request: InboundRequest, signature: cavage.CavageSignature) -> SignatureIn:
    kinds = _CAVAGE_ALGORITHMS.get(signature.algorithm)
    if kinds is None:
        raise SignatureRefused("algorithm", "this algorithm is not used here")
    _check_cavage_coverage(request, signature)
    # Some software signs the path without its query.
    targets = dict.fromkeys((request.target, request.path))
    return _signature_in(
        request,
        signature,
        key_id=signature.key_id,
        kinds=kinds,
        bases=tuple(cavage.signed_text(request, signature, target) for target in targets),
        window=_window(*_cavage_times(request, signature)),
    )


def _check_cavage_coverage(request: InboundRequest, signature: cavage.CavageSignature) -> None:
    covered = frozenset(signature.covered)
    if "host" not in covered:
        raise SignatureRefused("coverage", "the signature must cover host")
    if not covered & {"date", cavage.CREATED}:
        raise SignatureRefused("coverage", "the signature must cover date or (created)")
    if not covered & {cavage.REQUEST_TARGET, "digest"}:
        raise SignatureRefused("coverage", "the signature must cover (request-target) or digest")
    if request.needs_digest and "digest" not in covered:
        raise SignatureRefused("coverage", "the signature must cover digest")
    if "digest" in covered:
        check_digest(request.single("digest") or "", request.body)


def _cavage_times(request: InboundRequest, signature: cavage.CavageSignature) -> tuple[int, int | None]:
    """When it was made, and when it says that it ends; only what is covered counts."""
    expires = signature.expires if cavage.EXPIRES in signature.covered else None
    if cavage.CREATED in signature.covered and signature.created is not None:
        return signature.created, expires
    return read_date(request.single("date") or ""), expires


# --- RFC 9421 ---------------------------------------------------------------------------------------
def _parse_rfc9421(request: InboundRequest) -> SignatureIn:
    signature = rfc9421.read_headers(request)
    kinds = _RFC9421_ALGORITHMS.get(signature.text("alg"))
    if kinds is None:
        raise SignatureRefused("algorithm", "this algorithm is not used here")
    if not {rfc9421.METHOD, rfc9421.TARGET_URI} <= set(signature.covered):
        raise SignatureRefused("coverage", "the signature must cover @method and @target-uri")
    _check_content_digest(request, signature.covered)
    return _message_in(request, signature, kinds, _window(_created(signature), signature.seconds("expires")))


def _check_content_digest(request: InboundRequest, covered: tuple[str, ...]) -> None:
    if rfc9421.CONTENT_DIGEST in covered:
        check_content_digest(request.single("content-digest") or "", request.body)
    elif request.needs_digest:
        raise SignatureRefused("coverage", "the signature must cover content-digest")


def _created(signature: rfc9421.MessageSignature) -> int:
    created = signature.seconds("created")
    if created is None:
        raise SignatureRefused("coverage", "the signature must say when it was created")
    return created


def _message_in(
    request: InboundRequest,
    signature: rfc9421.MessageSignature,
    kinds: frozenset[KeyKind],
    window: tuple[int, int],
) -> SignatureIn:
    return _signature_in(
        request,
        signature,
        key_id=signature.text("keyid") or "",
        kinds=kinds,
        bases=(rfc9421.signature_base(request, signature.covered, signature.parameters),),
        window=window,
    )


# --- both -------------------------------------------------------------------------------------------
def _window(created: int, expires: int | None) -> tuple[int, int]:
    end = created + LIFETIME_S if expires is None else expires
    return created - SKEW_S, min(end, created + MAX_LIFETIME_S) + SKEW_S


def _signature_in(
    request: InboundRequest,
    signature: cavage.CavageSignature | rfc9421.MessageSignature,
    *,
    key_id: str,
    kinds: frozenset[KeyKind],
    bases: tuple[bytes, ...],
    window: tuple[int, int],
) -> SignatureIn:
    # Only what may be fetched.
    if not key_id.startswith("https://") or len(key_id) > MAX_URL or not key_id.isascii():
        raise SignatureMalformed("keyId", "the key id must be an https URL")
    return SignatureIn(
        request=request,
        key_id=key_id,
        kinds=kinds,
        signature=signature.signature,
        bases=bases,
        not_before=window[0],
        not_after=window[1],
        # Over the signature alone: cavage does not cover the key id, and one key may have several names.
        replay_key=hashlib.sha256(signature.signature).digest(),
        covered=frozenset(signature.covered),
    )
