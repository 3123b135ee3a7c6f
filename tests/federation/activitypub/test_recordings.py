"""Real posts of real servers verify at the time they were sent, and not when a byte is different."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from yurt.activitypub.errors import RemoteActivityPubError
from yurt.activitypub.http_signatures import policy
from yurt.activitypub.http_signatures.keys import PublicKey, read_pem
from yurt.activitypub.http_signatures.request import InboundRequest, VerifiedRequest

POSTS = [
    "gts-post-Follow",
    "gts-post-Accept",
    "gts-post-Create",
    "gts-post-Undo-Follow",
    "snac-post-Accept",
    "fedify-post-Follow",
    "fedify-post-Accept",
    "fedify-post-Create",
]
Keys = dict[str, PublicKey]
Post = Callable[[str], tuple[InboundRequest, int]]


def verify(request: InboundRequest, keys: Keys, now: int) -> VerifiedRequest:
    """What a node does with an inbox request."""
    signed = policy.parse(request)
    if signed.key_id not in keys:
        raise RemoteActivityPubError("unknownKey", signed.key_id)
    return policy.verify(signed, keys[signed.key_id], now)


def change_header(request: InboundRequest, name: str, change: Callable[[str], str]) -> InboundRequest:
    headers = tuple((key, change(value) if key.lower() == name else value) for key, value in request.headers)
    assert headers != request.headers
    return replace(request, headers=headers)


def flip(text: str, at: int) -> str:
    """Change one character, within the letters that may stand there."""
    other = "B" if text[at] != "B" else "C"
    return text[:at] + other + text[at + 1 :]


@pytest.mark.parametrize("name", POSTS)
def test_a_recorded_post_verifies(name: str, post: Post, recorded_keys: Keys) -> None:
    """GoToSocial (hs2019), snac (rsa-sha256) and Fedify (RFC 9421) are understood as they are."""
    request, at = post(name)

    verified = verify(request, recorded_keys, at)

    assert verified.key_id in recorded_keys
    assert verified.request.body == request.body
    assert verified.not_after > at


@pytest.mark.parametrize("name", POSTS)
def test_every_changed_byte_is_refused(name: str, post: Post, recorded_keys: Keys) -> None:
    """One byte of the body, path, host, date, digest, key id or signature: refused."""
    request, at = post(name)
    digest = "digest" if request.header("digest") else "content-digest"
    signature = "signature-input" if request.header("signature-input") else "signature"
    changed = [
        replace(request, body=request.body[:40] + b"!" + request.body[41:]),
        replace(request, body=request.body + b" "),
        replace(request, body=request.body[:-1]),
        replace(request, body=b""),
        replace(request, path=request.path + "x"),
        replace(request, method="PUT"),
        replace(request, authority="other.test"),
        change_header(request, "date", lambda value: value.replace("21 Nov", "22 Nov")),
        change_header(request, digest, lambda value: flip(value, 20)),
        change_header(request, signature, lambda value: value.replace("https://", "https://x")),
        change_header(request, "signature", lambda value: flip(value, len(value) - 40)),
    ]

    for forged in changed:
        with pytest.raises(RemoteActivityPubError):
            verify(forged, recorded_keys, at)


def test_a_recorded_post_does_not_stay_true(post: Post, recorded_keys: Keys) -> None:
    """An hour and five minutes late is the end; so is an hour early."""
    request, at = post("gts-post-Follow")

    verify(request, recorded_keys, at + 3600 + 290)
    for wrong in (at + 3600 + 310, at - 3610, at + 3 * 86_400):
        with pytest.raises(RemoteActivityPubError, match="too old"):
            verify(request, recorded_keys, wrong)


def test_another_key_is_refused(post: Post, recorded_keys: Keys) -> None:
    """A true signature by somebody else is a false one."""
    request, at = post("gts-post-Follow")
    signed = policy.parse(request)
    snac = next(key for key_id, key in recorded_keys.items() if "snac" in key_id)

    with pytest.raises(RemoteActivityPubError, match="does not fit"):
        policy.verify(signed, snac, at)


def test_a_recorded_fetch_verifies(post: Post) -> None:
    """A signed GET needs no digest; the key is found embedded in what Fedify accepted."""
    accept, _ = post("fedify-post-Accept")
    carol = json.loads(accept.body)["object"]["actor"]["publicKey"]
    request, at = post("fedify-get-actor")

    signed = policy.parse(request)

    assert signed.key_id == carol["id"]
    policy.verify(signed, read_pem(carol["publicKeyPem"]), at)


@pytest.mark.parametrize("name", ["snac-post-Follow", "snac-post-Create", "snac-post-Undo-Follow"])
def test_recorded_posts_cover_enough(name: str, post: Post) -> None:
    """Whose key was not recorded still covers what it must, over the body that came."""
    request, at = post(name)

    signed = policy.parse(request)

    assert signed.not_before < at < signed.not_after
    with pytest.raises(RemoteActivityPubError) as caught:
        policy.parse(replace(request, body=request.body + b" "))
    assert caught.value.rule == "digestMismatch"
