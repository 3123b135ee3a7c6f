"""RFC 9421: between nodes exactly one form, in inboxes the forms that newer software sends."""

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace

import http_sf
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import load_der_public_key
from http_sf.types import BareItemType, ItemType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yurt.activitypub.errors import (
    LocalActivityPubError,
    RemoteActivityPubError,
    SignatureMalformed,
    SignatureMissing,
    SignatureRefused,
)
from yurt.activitypub.http_signatures import policy, rfc9421
from yurt.activitypub.http_signatures.digests import make_content_digest
from yurt.activitypub.http_signatures.keys import verify_bytes
from yurt.activitypub.http_signatures.request import InboundRequest
from yurt.wire.exchange import EXCHANGE_TYPE

NOW = 1_795_244_862
DOOR = "https://hilltop.example/rooms/exchange"
INBOX = "https://hilltop.example/users/bo/inbox"
HARBOUR_KEY = "https://harbour.example/actor#ed25519"
BODY = b"\x81\xa7version\x01"
NONCE = bytes(range(16))

Receive = Callable[[str, str, Mapping[str, str], bytes], InboundRequest]
Sent = Callable[..., InboundRequest]


@pytest.fixture
def sent(node_key: Ed25519PrivateKey, receive: Receive) -> Sent:
    """An exchange as Harbour sends it to Hilltop."""

    def make(*, at: int = NOW, url: str = DOOR, body: bytes = BODY) -> InboundRequest:
        headers = rfc9421.sign_exchange(url, body, key_id=HARBOUR_KEY, key=node_key, now=at, nonce=NONCE)
        return receive("POST", url, headers, body)

    return make


def with_header(request: InboundRequest, name: str, value: str) -> InboundRequest:
    headers = dict(request.headers) | {name: value}
    return replace(request, headers=tuple(headers.items()))


# --- the RFC's own vectors --------------------------------------------------------------------------
B26_KEY = base64.b64decode("MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=")
B26 = InboundRequest(
    method="POST",
    authority="example.com",
    path="/foo",
    query="param=Value&Pet=dog",
    headers=(
        ("Host", "example.com"),
        ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("Content-Type", "application/json"),
        ("Content-Length", "18"),
        (
            "Signature-Input",
            'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
            ';created=1618884473;keyid="test-key-ed25519"',
        ),
        (
            "Signature",
            "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
        ),
    ),
    body=b'{"hello": "world"}',
)


def test_the_rfcs_ed25519_vector() -> None:
    """Appendix B.2.6: the base is built, and the signature holds, as the RFC has it."""
    key = load_der_public_key(B26_KEY)
    signature = rfc9421.read_headers(B26)

    base = rfc9421.signature_base(B26, signature.covered, signature.parameters)

    assert base.decode().splitlines()[:4] == [
        '"date": Tue, 20 Apr 2021 02:07:55 GMT',
        '"@method": POST',
        '"@path": /foo',
        '"@authority": example.com',
    ]
    assert verify_bytes(key, signature.signature, base)  # type: ignore[arg-type]  # an Ed25519 key
    with pytest.raises(SignatureRefused, match="@target-uri"):
        policy.parse(B26)  # a true signature that covers too little for us


B2_DIGEST = (
    "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
)
B26_PRIVATE = base64.b64decode("n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU=")
PSS_KEY = base64.b64decode(
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct"
    "+Lh1GH45x28Rw3Ry53mm+oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpW"
    "gchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4a"
    "OT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI2wIDAQAB"
)
B25_SECRET = base64.b64decode(
    "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
)
B21 = (
    'sig-b21=();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"',
    "sig-b21=:d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZs"
    "ckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56"
    "YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8"
    "IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==:",
)
B23 = (
    'sig-b23=("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" '
    '"content-length");created=1618884473;keyid="test-key-rsa-pss"',
    "sig-b23=:bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp7"
    "68ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW9"
    "1kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJy"
    "oEZAFL2FUo5fTIztsDZKEgM4cUA==:",
)
B25 = (
    'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
    "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:",
)


def b2_request(headers: tuple[str, str]) -> InboundRequest:
    plain = tuple(pair for pair in B26.headers if not pair[0].startswith("Signature"))
    named = zip(("Signature-Input", "Signature"), headers, strict=True)
    return replace(B26, headers=(*plain, ("Content-Digest", B2_DIGEST), *named))


@pytest.mark.parametrize("headers", [B21, B23])
def test_the_rfcs_bases_under_an_algorithm_that_we_do_not_take(headers: tuple[str, str]) -> None:
    """B.2.1 and B.2.3: the base is the RFC's, for the RSA-PSS signature holds; as a request it is refused."""
    request = b2_request(headers)
    signature = rfc9421.read_headers(request)
    key = load_der_public_key(PSS_KEY)
    assert isinstance(key, RSAPublicKey)

    base = rfc9421.signature_base(request, signature.covered, signature.parameters)

    key.verify(signature.signature, base, PSS(MGF1(SHA512()), 64), SHA512())
    with pytest.raises(RemoteActivityPubError):
        policy.parse(request)


def test_the_rfcs_shared_secret_vector() -> None:
    """B.2.5: the base is the RFC's; nobody shares a secret with us, so the request is refused."""
    request = b2_request(B25)
    signature = rfc9421.read_headers(request)

    base = rfc9421.signature_base(request, signature.covered, signature.parameters)

    assert hmac.digest(B25_SECRET, base, "sha256") == signature.signature
    with pytest.raises(RemoteActivityPubError):
        policy.parse(request)


def test_a_part_of_the_query_is_no_component_here() -> None:
    """B.2.2 covers one parameter of the query; such components are refused, not passed over."""
    selected = (
        'sig-b22=("@authority" "content-digest" "@query-param";name="Pet")'
        ';created=1618884473;keyid="test-key-rsa-pss";tag="header-example"'
    )

    with pytest.raises(RemoteActivityPubError) as caught:
        rfc9421.read_headers(b2_request((selected, "sig-b22=:AA==:")))

    assert caught.value.rule == "unknownComponent"


_VALUES = st.one_of(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)),
    st.integers(-(10**15), 10**15),
    st.booleans(),
    st.just(http_sf.Token("token")),
)


@given(st.dictionaries(st.sampled_from(["created", "expires", "nonce", "alg", "keyid", "tag"]), _VALUES))
def test_parameters_are_written_in_their_one_form(parameters: dict[str, BareItemType]) -> None:
    """What is written quickly is what the serialiser of structured fields writes, or what it refuses."""
    covered: list[ItemType] = [("@method", {})]
    try:
        expected = http_sf.ser([(covered, parameters)])
    except (ValueError, http_sf.StructuredFieldError):
        with pytest.raises(SignatureMalformed):
            rfc9421.signature_base(B26, ("@method",), parameters)
        return

    base = rfc9421.signature_base(B26, ("@method",), parameters)

    assert base.decode("ascii").splitlines()[-1] == f'"@signature-params": {expected}'


def test_ed25519_signs_as_the_rfc_does() -> None:
    """B.2.6 again, made: Ed25519 has one signature for one base."""
    signature = rfc9421.read_headers(B26)
    base = rfc9421.signature_base(B26, signature.covered, signature.parameters)

    assert Ed25519PrivateKey.from_private_bytes(B26_PRIVATE).sign(base) == signature.signature


# --- between nodes ----------------------------------------------------------------------------------
def test_an_exchange_verifies(sent: Sent, node_key: Ed25519PrivateKey) -> None:
    """What one node signs, the other believes: who, what, when."""
    signed = policy.parse_exchange(sent())

    verified = policy.verify(signed, node_key.public_key(), NOW + 3)

    assert verified.key_id == HARBOUR_KEY
    assert verified.not_after == NOW + 300


def test_an_exchange_says_what_the_design_says(sent: Sent) -> None:
    """Four components, five parameters, in this order."""
    assert sent().header("signature-input") == (
        'sig=("@method" "@target-uri" "content-type" "content-digest");created=1795244862;'
        'keyid="https://harbour.example/actor#ed25519";alg="ed25519";nonce="AAECAwQFBgcICQoLDA0ODw";'
        'tag="yurt-rooms/1"'
    )


def test_the_same_exchange_twice_has_the_same_replay_key(sent: Sent) -> None:
    """A unique row of the replay key lets each request in once; another nonce is another request."""
    first, again = policy.parse_exchange(sent()), policy.parse_exchange(sent())
    other = policy.parse_exchange(sent(at=NOW + 1))

    assert first.replay_key == again.replay_key
    assert first.replay_key != other.replay_key


@pytest.mark.parametrize("offset", [-301, 301])
def test_five_minutes_and_no_more(offset: int, sent: Sent, node_key: Ed25519PrivateKey) -> None:
    """Nodes keep their clocks; what is older may have been kept by somebody."""
    signed = policy.parse_exchange(sent(at=NOW + offset))

    with pytest.raises(SignatureRefused) as caught:
        policy.verify(signed, node_key.public_key(), NOW)

    assert caught.value.rule == "window"


CHANGES: list[Callable[[InboundRequest], InboundRequest]] = [
    lambda request: replace(request, body=BODY + b"\x00"),
    lambda request: replace(request, method="PUT"),
    lambda request: replace(request, path="/rooms/exchange2"),
    lambda request: replace(request, query="a=b"),
    lambda request: replace(request, query=""),
    lambda request: replace(request, authority="valley.example"),
    lambda request: with_header(request, "Content-Type", "application/json"),
    lambda request: with_header(request, "Content-Digest", make_content_digest(b"other")),
    lambda request: with_header(request, "Content-Digest", "sha-512=:AAAA:"),
    lambda request: replace(request, headers=(*request.headers, ("Content-Digest", "sha-256=:AA==:"))),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_exchange_is_refused(
    change: Callable[[InboundRequest], InboundRequest], sent: Sent, node_key: Ed25519PrivateKey
) -> None:
    """Body, method, target, host, type, digest: each is bound."""
    with pytest.raises(RemoteActivityPubError):
        policy.verify(policy.parse_exchange(change(sent())), node_key.public_key(), NOW)


INPUT = '("@method" "@target-uri" "content-type" "content-digest")'
GOOD = f';created={NOW};keyid="{HARBOUR_KEY}";alg="ed25519";nonce="0123456789abcdef";tag="yurt-rooms/1"'


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"sig={INPUT}",
        f"sig={INPUT}{GOOD}".replace("yurt-rooms/1", "yurt-rooms/2"),
        f"sig={INPUT}{GOOD}".replace("ed25519", "rsa-v1_5-sha256", 2),
        f"sig={INPUT}{GOOD}".replace('nonce="0123456789abcdef";', ""),
        f"sig={INPUT}{GOOD}".replace('nonce="0123456789abcdef"', 'nonce="x"'),
        f"sig={INPUT}{GOOD};expires={NOW + 10**6}",
        f"sig={INPUT}{GOOD};created={NOW}",
        f"sig={INPUT}{GOOD};other=1",
        f"sig={INPUT}{GOOD}".replace(f"created={NOW}", f"created=-{NOW}"),
        f"sig={INPUT}{GOOD}".replace(f"created={NOW}", 'created="now"'),
        f"sig={INPUT}{GOOD}".replace(f"created={NOW};", ""),
        f"sig={INPUT}{GOOD}".replace(f'keyid="{HARBOUR_KEY}"', "keyid=1"),
        f"sig={INPUT}{GOOD}".replace("https://harbour", "http://harbour"),
        f"sig={INPUT}{GOOD}".replace(' "content-digest"', ""),
        f"sig={INPUT}{GOOD}".replace('"@method"', '"@method" "date"'),
        f"sig={INPUT}{GOOD}".replace('"@method"', '"@method" "@method"'),
        f"sig={INPUT}{GOOD}".replace('"@method"', '"@method";req'),
        f"sig={INPUT}{GOOD}".replace('"@method"', "method"),
        f"sig={INPUT}{GOOD}, sig={INPUT}{GOOD}",
        f"sig={INPUT}{GOOD}, other={INPUT}{GOOD}",
        f"other={INPUT}{GOOD}",
        "sig=1",
        "sig=()",
        "sig=((",
    ],
)
def test_other_signatures_do_not_open_the_door(value: str, sent: Sent) -> None:
    """One form is taken between nodes; a key named twice is not a form."""
    with pytest.raises(RemoteActivityPubError):
        policy.parse_exchange(with_header(sent(), "Signature-Input", value))


@pytest.mark.parametrize(
    "value", ["", "sig=1", "sig=:AA==:, sig=:AA==:", "sig=:AA==:, two=:AA==:", "sig=:!:"]
)
def test_signatures_that_are_none(value: str, sent: Sent) -> None:
    """The signature is one byte sequence with the label of its input."""
    with pytest.raises(RemoteActivityPubError):
        policy.parse_exchange(with_header(sent(), "Signature", value))


def test_an_exchange_needs_its_own_kind_of_signature(receive: Receive) -> None:
    """A fediverse signature does not open the door for rooms."""
    headers = {"Signature": 'keyId="https://a.example/k",signature="AA=="'}

    with pytest.raises(SignatureMissing):
        policy.parse_exchange(receive("POST", DOOR, headers, BODY))


def test_we_sign_exchanges_only_for_https_and_with_a_real_nonce(node_key: Ed25519PrivateKey) -> None:
    """A short nonce or a plain URL is our own bug."""
    for url, nonce in ((DOOR, b"short"), (DOOR.replace("https", "http"), NONCE), ("https://x", NONCE)):
        with pytest.raises(LocalActivityPubError):
            rfc9421.sign_exchange(url, BODY, key_id=HARBOUR_KEY, key=node_key, now=NOW, nonce=nonce)


# --- inboxes ----------------------------------------------------------------------------------------
def signed_inbox(
    key: RSAPrivateKey | Ed25519PrivateKey,
    receive: Receive,
    covered: str = '("@method" "@target-uri" "content-digest")',
    *,
    body: bytes = BODY,
    signed_body: bytes | None = None,
    parameters: str = f';created={NOW};keyid="https://harbour.example/users/ana#main-key"',
) -> InboundRequest:
    """Sign as the tests want it, truly."""
    digest = make_content_digest(body if signed_body is None else signed_body)
    headers = {
        "Content-Digest": digest,
        "Signature-Input": f"s={covered}{parameters}",
        "Signature": "s=:AA==:",
    }
    request = receive("POST", INBOX, headers, body)
    signature = rfc9421.read_headers(request)
    base = rfc9421.signature_base(request, signature.covered, signature.parameters)
    raw = key.sign(base, PKCS1v15(), SHA256()) if isinstance(key, RSAPrivateKey) else key.sign(base)
    return with_header(request, "Signature", f"s=:{base64.b64encode(raw).decode()}:")


def test_mastodons_form_is_accepted(ana_key: RSAPrivateKey, receive: Receive) -> None:
    """@method, @target-uri and content-digest, with RSA and no algorithm named."""
    signed = policy.parse(signed_inbox(ana_key, receive))

    assert policy.verify(signed, ana_key.public_key(), NOW).not_after == NOW + 300 + 3600


def test_ed25519_is_accepted(node_key: Ed25519PrivateKey, receive: Receive) -> None:
    """As Mastodon 4.7 signs with a Multikey."""
    signed = policy.parse(signed_inbox(node_key, receive))

    policy.verify(signed, node_key.public_key(), NOW)


INBOX_FORGERIES: list[tuple[str, Callable[[RSAPrivateKey, Receive], InboundRequest]]] = [
    ("coverage", lambda k, r: signed_inbox(k, r, '("@method" "@target-uri")', signed_body=b"x")),
    ("coverage", lambda k, r: signed_inbox(k, r, '("@method" "@authority" "@path" "content-digest")')),
    ("coverage", lambda k, r: signed_inbox(k, r, '("@target-uri" "content-digest")')),
    ("coverage", lambda k, r: signed_inbox(k, r, parameters=';keyid="https://a.example/k"')),
    ("digestMismatch", lambda k, r: signed_inbox(k, r, signed_body=b"x")),
    ("algorithm", lambda k, r: signed_inbox(k, r, parameters=f';created={NOW};alg="rsa-pss-sha512"')),
    ("keyId", lambda k, r: signed_inbox(k, r, parameters=f";created={NOW}")),
]


@pytest.mark.parametrize(("rule", "make"), INBOX_FORGERIES)
def test_forgeries_in_inboxes_are_refused(
    rule: str,
    make: Callable[[RSAPrivateKey, Receive], InboundRequest],
    ana_key: RSAPrivateKey,
    receive: Receive,
) -> None:
    """Truly signed, and still not good enough."""
    with pytest.raises(RemoteActivityPubError) as caught:
        policy.parse(make(ana_key, receive))

    assert caught.value.rule == rule


def test_a_long_life_is_cut(ana_key: RSAPrivateKey, receive: Receive) -> None:
    """`expires` in ten years is 12 hours."""
    parameters = f';created={NOW};expires={NOW + 10**8};keyid="https://harbour.example/users/ana#main-key"'
    signed = policy.parse(signed_inbox(ana_key, receive, parameters=parameters))

    assert signed.not_after == NOW + 12 * 3600 + 3600


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inputs=st.text(), signature=st.text(), digest=st.text())
def test_noise_never_crashes(inputs: str, signature: str, digest: str, receive: Receive) -> None:
    """Random structured fields end in a refusal."""
    for value in (inputs, f"s={INPUT}{GOOD}{inputs}", f"s=({inputs}){GOOD}"):
        headers = {
            "Signature-Input": value,
            "Signature": f"s=:AA==:{signature}",
            "Content-Digest": digest,
            "Content-Type": EXCHANGE_TYPE,
        }
        request = receive("POST", DOOR, headers, BODY)
        for parse in (policy.parse, policy.parse_exchange):
            with pytest.raises(RemoteActivityPubError):
                parse(request)
