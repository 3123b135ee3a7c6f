"""draft-cavage: what we send is understood, what is forged is refused, case by case."""

import base64
import hashlib
from collections.abc import Callable, Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yurt.activitypub.errors import (
    LocalActivityPubError,
    RemoteActivityPubError,
    SignatureMalformed,
    SignatureMissing,
    SignatureRefused,
)
from yurt.activitypub.http_signatures import cavage, policy
from yurt.activitypub.http_signatures.digests import check_digest, make_digest
from yurt.activitypub.http_signatures.fields import read_date, write_date
from yurt.activitypub.http_signatures.keys import verify_bytes
from yurt.activitypub.http_signatures.request import InboundRequest

NOW = 1_795_244_862
INBOX = "https://hilltop.example/users/bo/inbox"
ANA_KEY = "https://harbour.example/users/ana#main-key"
BODY = b'{"type":"Follow"}'

Receive = Callable[[str, str, Mapping[str, str], bytes], InboundRequest]
Forge = Callable[..., InboundRequest]


@pytest.fixture
def forge(ana_key: RSAPrivateKey, receive: Receive) -> Forge:
    """Sign whatever a test wants covered, truly, with Ana's key."""

    def make(
        covered: str,
        *,
        body: bytes = BODY,
        signed_body: bytes | None = None,
        method: str = "POST",
        url: str = INBOX,
        target: str = "",
        algorithm: str | None = "rsa-sha256",
        at: int = NOW,
        more: str = "",
        key: RSAPrivateKey | Ed25519PrivateKey = ana_key,
    ) -> InboundRequest:
        headers = {
            "Host": "hilltop.example",
            "Date": write_date(at),
            "Digest": make_digest(body if signed_body is None else signed_body),
            "Content-Type": "application/activity+json",
        }
        request = receive(method, url, headers, body)
        values = {key.lower(): value for key, value in headers.items()} | {
            "(request-target)": f"{method.lower()} {target or request.target}",
            "(created)": str(at),
            "(expires)": str(at + 30),
        }
        text = "\n".join(f"{name}: {values[name]}" for name in covered.split(" ")).encode()
        raw = key.sign(text, PKCS1v15(), SHA256()) if isinstance(key, RSAPrivateKey) else key.sign(text)
        named = "" if algorithm is None else f'algorithm="{algorithm}",'
        signature = (
            f'keyId="{ANA_KEY}",{named}headers="{covered}",{more}signature="{base64.b64encode(raw).decode()}"'
        )
        return receive(method, url, {**headers, "Signature": signature}, body)

    return make


FULL = "(request-target) host date digest content-type"


# --- what we send -----------------------------------------------------------------------------------
@pytest.mark.parametrize("url", [INBOX, f"{INBOX}?page=1&x=%20y", "https://hilltop.example"])
@pytest.mark.parametrize("body", [BODY, b"", None])
def test_what_we_sign_verifies(
    url: str, body: bytes | None, ana_key: RSAPrivateKey, receive: Receive
) -> None:
    """Our own signature holds, for a post and for a fetch, with and without a query."""
    method = "GET" if body is None else "POST"
    headers = cavage.sign(method, url, body, key_id=ANA_KEY, key=ana_key, now=NOW)
    request = receive(method, url if url.count("/") > 2 else f"{url}/", headers, body or b"")

    verified = policy.verify(policy.parse(request), ana_key.public_key(), NOW + 2)

    assert verified.key_id == ANA_KEY
    assert verified.replay_key == policy.parse(request).replay_key


def test_what_we_sign_looks_as_mastodon_wants_it(ana_key: RSAPrivateKey) -> None:
    """RSA-SHA256 over target, host, date, digest and type: every server of the fediverse reads that."""
    headers = cavage.sign("POST", INBOX, BODY, key_id=ANA_KEY, key=ana_key, now=NOW)

    assert headers["Host"] == "hilltop.example"
    assert headers["Date"] == "Sat, 21 Nov 2026 07:07:42 GMT"
    assert headers["Digest"] == "SHA-256=" + base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    assert headers["Signature"].startswith(
        f'keyId="{ANA_KEY}",algorithm="rsa-sha256",headers="(request-target) host date digest content-type"'
    )


def test_we_sign_nothing_that_is_not_https(ana_key: RSAPrivateKey) -> None:
    """Out go https requests only."""
    with pytest.raises(LocalActivityPubError):
        cavage.sign("GET", "http://hilltop.example/", None, key_id=ANA_KEY, key=ana_key, now=NOW)


# --- the draft's own vectors ------------------------------------------------------------------------
DRAFT_KEY = base64.b64decode(
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDCFENGw33yGihy92pDjZQhl0C3"
    "6rPJj+CvfSC8+q28hxA161QFNUd13wuCTUcq0Qd2qsBe/2hFyc2DCJJg0h1L78+6"
    "Z4UMR7EOcpfdUE9Hf3m/hs+FUR45uBJeDK1HSFHD8bHKD6kv8FPGfJTotc+2xjJw"
    "oYi+1hqp1fIekaxsyQIDAQAB"
)
C2 = (
    'keyId="Test",algorithm="rsa-sha256",headers="(request-target) host date",'
    'signature="qdx+H7PHHDZgy4y/Ahn9Tny9V3GP6YgBPyUXMmoxWtLbHpUnXS2mg2+SbrQDMCJypxBLSPQR2aAjn7ndmw2iicw3'
    'HMbe8VfEdKFYRqzic+efkb3nndiv/x1xSHDJWeSWkx3ButlYSuBskLu6kd9Fswtemr3lgdDEmn04swr2Os0="'
)


C1 = (
    'keyId="Test",algorithm="rsa-sha256",'
    'signature="SjWJWbWN7i0wzBvtPl8rbASWz5xQW6mcJmn+ibttBqtifLN7Sazz6m79cNfwwb8DMJ5cou1s7uEGKKCs+FLEEaDV5lp7q25W'
    'qS+lavg7T8hc0GppauB6hbgEKTwblDHYGEtbGmtdHgVCk9SuS13F0hZ8FD0k/5OxEPXe5WozsbM="'
)
C3 = (
    'keyId="Test",algorithm="rsa-sha256",created=1402170695, expires=1402170699,'
    'headers="(request-target) host date content-type digest content-length",'
    'signature="vSdrb+dS3EceC9bcwHSo4MlyKS59iFIrhgYkz8+oVLEEzmYZZvRs8rgOp+63LEM3v+MFHB32NfpB2bEKBIvB1q52LaEUHFv1'
    '20V01IL+TAD48XaERZFukWgHoBTLMhYS2Gb51gWxpeIq8knRmPnYePbF5MOkR0Zkly4zKH7s1dE="'
)


@pytest.mark.parametrize("header", [C1, C2, C3])
def test_the_drafts_vectors(header: str, receive: Receive) -> None:
    """Appendix C: default, basic and all headers. The text that is signed is built as the draft builds it."""
    request = receive(
        "POST",
        "https://example.com/foo?param=value&pet=dog",
        {
            "Host": "example.com",
            "Date": "Sun, 05 Jan 2014 21:31:40 GMT",
            "Content-Type": "application/json",
            "Digest": "SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=",
            "Content-Length": "18",
        },
        b'{"hello": "world"}',
    )
    key = load_der_public_key(DRAFT_KEY)
    signature = cavage.read_header(header)

    text = cavage.signed_text(request, signature, request.target)

    assert verify_bytes(key, signature.signature, text)  # type: ignore[arg-type]  # an RSA key, too small for us
    check_digest(request.single("digest") or "", request.body)


# --- the matrix: what must be accepted --------------------------------------------------------------
ACCEPTED: list[Callable[[Forge], InboundRequest]] = [
    lambda forge: forge(FULL),
    lambda forge: forge(FULL, algorithm="hs2019"),
    lambda forge: forge(FULL, algorithm=None),
    lambda forge: forge(FULL, algorithm="RSA-SHA256"),
    lambda forge: forge("host date digest"),
    lambda forge: forge(FULL, url=f"{INBOX}?a=b"),
    lambda forge: forge(FULL, url=f"{INBOX}?a=b", target="/users/bo/inbox"),
    lambda forge: forge("(request-target) host date", method="GET", body=b""),
    lambda forge: forge("(request-target) host digest date", method="GET", body=b""),
    lambda forge: forge("(request-target) (created) host digest", algorithm="hs2019", more=f"created={NOW},"),
    lambda forge: forge(FULL, more='opaque="x", '),
]


@pytest.mark.parametrize("request_of", ACCEPTED)
def test_forms_that_servers_use_are_accepted(
    request_of: Callable[[Forge], InboundRequest], forge: Forge, ana_key: RSAPrivateKey
) -> None:
    """hs2019, no algorithm, with and without the query, (created): all are in use."""
    signed = policy.parse(request_of(forge))

    assert policy.verify(signed, ana_key.public_key(), NOW).key_id == ANA_KEY


def test_an_ed25519_key_signs_as_hs2019(forge: Forge, node_key: Ed25519PrivateKey) -> None:
    """The kind of the key decides, not the name of the algorithm."""
    signed = policy.parse(forge(FULL, algorithm="hs2019", key=node_key))

    policy.verify(signed, node_key.public_key(), NOW)


# --- the matrix: what must be refused ---------------------------------------------------------------
FORGERIES: list[tuple[str, Callable[[Forge], InboundRequest]]] = [
    ("coverage", lambda forge: forge("(request-target) host date", signed_body=b"other")),
    ("coverage", lambda forge: forge("(request-target) host date")),
    ("coverage", lambda forge: forge("date", signed_body=b"other")),
    ("coverage", lambda forge: forge("date", method="GET", body=b"")),
    ("coverage", lambda forge: forge("host date", method="GET", body=b"")),
    ("coverage", lambda forge: forge("(request-target) date digest")),
    ("coverage", lambda forge: forge("(request-target) host digest")),
    ("coverage", lambda forge: forge("(request-target) host date", method="GET")),
    ("coverage", lambda forge: forge("(request-target) host date", method="DELETE", body=b"")),
    ("digestMismatch", lambda forge: forge(FULL, signed_body=b"other")),
    ("digestMismatch", lambda forge: forge("host date digest", method="GET", signed_body=b"other")),
    ("algorithm", lambda forge: forge(FULL, algorithm="rsa-sha512")),
    ("algorithm", lambda forge: forge(FULL, algorithm="none")),
    ("algorithm", lambda forge: forge(FULL, algorithm="hmac-sha256")),
    ("duplicateParameter", lambda forge: forge(FULL, more='headers="date",')),
    ("duplicateParameter", lambda forge: forge(FULL, more='KEYID="https://other.example/key",')),
    ("duplicateParameter", lambda forge: forge(FULL + " date")),
    ("missingParameter", lambda forge: forge("(created) host digest", more=f"created={NOW},")),
    ("missingParameter", lambda forge: forge("(created) host digest", algorithm="hs2019")),
    ("malformedHeader", lambda forge: forge(FULL, more="created=soon,")),
    ("malformedHeader", lambda forge: forge(FULL, more='created="soon",')),
]


@pytest.mark.parametrize(("rule", "request_of"), FORGERIES)
def test_forgeries_are_refused_before_any_key_is_fetched(
    rule: str, request_of: Callable[[Forge], InboundRequest], forge: Forge
) -> None:
    """Each of these was truly signed, and says too little or two things at once."""
    with pytest.raises((SignatureRefused, SignatureMalformed)) as caught:
        policy.parse(request_of(forge))

    assert caught.value.rule == rule


@pytest.mark.parametrize("name", ["Date", "Digest", "Signature", "Content-Type"])
def test_headers_that_count_come_once(name: str, forge: Forge) -> None:
    """Of two dates or digests, nobody knows which one counts."""
    request = forge(FULL)
    twice = InboundRequest(
        request.method,
        request.authority,
        request.path,
        request.query,
        (*request.headers, (name, request.lines(name.lower())[0])),
        request.body,
    )

    with pytest.raises(SignatureMalformed, match="comes 2 times"):
        policy.parse(twice)


def test_a_request_for_another_host_is_not_for_us(forge: Forge, ana_key: RSAPrivateKey) -> None:
    """A post that was signed for one server cannot be handed on to another."""
    request = forge(FULL)
    elsewhere = InboundRequest(
        request.method, "other.example", request.path, None, request.headers, request.body
    )

    with pytest.raises(SignatureRefused, match="does not fit"):
        policy.verify(policy.parse(elsewhere), ana_key.public_key(), NOW)


@pytest.mark.parametrize("offset", [-3 * 86_400, -3600 - 301, 3601])
def test_the_window(offset: int, forge: Forge, ana_key: RSAPrivateKey) -> None:
    """Three days old, just too old, from the future: refused."""
    signed = policy.parse(forge(FULL, at=NOW + offset))

    with pytest.raises(SignatureRefused) as caught:
        policy.verify(signed, ana_key.public_key(), NOW)

    assert caught.value.rule == "window"


def test_expires_counts_only_if_covered_and_never_beyond_12_hours(forge: Forge) -> None:
    """A signature cannot make itself live long."""
    base = "(request-target) (created) host digest"
    covered = policy.parse(
        forge(f"{base} (expires)", algorithm="hs2019", more=f"created={NOW},expires={NOW + 30},")
    )
    uncovered = policy.parse(forge(base, algorithm="hs2019", more=f"created={NOW},expires={NOW + 10**6},"))
    endless = cavage.read_header(f'keyId="k",signature="AA==",created={NOW},expires={NOW + 10**6}')

    assert covered.not_after == NOW + 30 + policy.SKEW_S
    assert uncovered.not_after == NOW + policy.LIFETIME_S + policy.SKEW_S
    assert endless.expires == NOW + 10**6
    assert policy.MAX_LIFETIME_S == 12 * 3600


def test_a_key_of_another_kind_is_refused(forge: Forge, node_key: Ed25519PrivateKey) -> None:
    """rsa-sha256 is not checked with an Ed25519 key."""
    signed = policy.parse(forge(FULL))

    with pytest.raises(SignatureRefused) as caught:
        policy.verify(signed, node_key.public_key(), NOW)

    assert caught.value.rule == "algorithm"


def test_no_signature_is_said_plainly(receive: Receive) -> None:
    """Unsigned is not malformed: the answer asks for a signature."""
    with pytest.raises(SignatureMissing):
        policy.parse(receive("POST", INBOX, {}, BODY))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "keyId",
        'keyId="https://a.example/k"',
        'keyId="https://a.example/k",signature="!!"',
        'keyId="https://a.example/k",signature="AA=="extra',
        'keyId="http://a.example/k",signature="AA==",headers="host date digest"',
        'keyId="acct:a@a.example",signature="AA==",headers="host date digest"',
        'keyId="https://a.example/k",signature="AA==",headers="host date digest missing"',
        'keyId="https://a.example/k",signature="AA==",headers="host  date digest"',
        'Signature keyId="https://a.example/k",signature="AA=="',
        ",".join(f'a{"b" * n}="x"' for n in range(40)),
        "x" * 10_000,
    ],
)
def test_malformed_signatures_are_their_fault(header: str, receive: Receive) -> None:
    """Whatever stands in the header, the answer is a refusal."""
    headers = {"Signature": header, "Date": write_date(NOW), "Digest": make_digest(BODY)}

    with pytest.raises(RemoteActivityPubError):
        policy.parse(receive("POST", INBOX, headers, BODY))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=st.text(), date=st.text(), digest=st.text())
def test_noise_in_headers_never_crashes(header: str, date: str, digest: str, receive: Receive) -> None:
    """Random headers end in a refusal."""
    for signature in (
        header,
        f'keyId="https://a.example/k",signature="AA==",headers="host date digest"{header}',
    ):
        request = receive("POST", INBOX, {"Signature": signature, "Date": date, "Digest": digest}, BODY)
        with pytest.raises(RemoteActivityPubError):
            policy.parse(request)


# --- dates ------------------------------------------------------------------------------------------
@given(st.integers(0, 4_000_000_000))
def test_dates_are_read_as_they_are_written(seconds: int) -> None:
    """One form of date, both ways."""
    assert read_date(write_date(seconds)) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sat, 31 Feb 2026 07:07:42 GMT",
        "Sat, 21 Nov 2026 25:07:42 GMT",
        "2026-11-21",
        "Sat, 21 Nov 26 07:07:42 GMT",
    ],
)
def test_other_dates_are_refused(text: str) -> None:
    """There is no 31st of February, and no second form."""
    with pytest.raises(SignatureMalformed):
        read_date(text)
