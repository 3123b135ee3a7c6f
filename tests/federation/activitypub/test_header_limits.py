"""What a stranger writes into a header has an end, and one reading."""

from collections.abc import Callable, Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from yurt.activitypub.errors import LocalActivityPubError, SignatureMalformed
from yurt.activitypub.http_signatures import cavage, policy
from yurt.activitypub.http_signatures.cavage import read_header
from yurt.activitypub.http_signatures.digests import check_content_digest, check_digest, make_digest
from yurt.activitypub.http_signatures.fields import read_dictionary, read_parameters, write_date
from yurt.activitypub.http_signatures.request import InboundRequest
from yurt.wire.limits import MAX_COVERED, MAX_SIGNATURE_HEADER, MAX_SIGNATURE_PARAMETERS, MAX_URL

KEY_ID = 'keyId="https://harbour.example/users/ana#main-key"'
SIGNED = f'{KEY_ID},signature="AAAA"'
NOW = 1_795_244_862

Receive = Callable[[str, str, Mapping[str, str], bytes], InboundRequest]


def _rule(header: str) -> str:
    with pytest.raises(SignatureMalformed) as refused:
        read_header(header)
    return refused.value.rule


@pytest.mark.parametrize(
    ("header", "rule"),
    [
        ('signature="AAAA"', "missingParameter"),
        ('keyId="",signature="AAAA"', "missingParameter"),
        (KEY_ID, "missingParameter"),
        (f'{KEY_ID},signature=""', "missingParameter"),
        (f'{KEY_ID},signature="AA AA"', "malformedHeader"),
        (f'{KEY_ID},signature="AA-_"', "malformedHeader"),
        (f'{KEY_ID},signature="AAA"', "malformedHeader"),
        (f'{SIGNED},headers="date host date"', "duplicateParameter"),
        (f'{SIGNED},headers="date Date"', "duplicateParameter"),
        (f'{SIGNED},created="١٧٩٥"', "malformedHeader"),
        (f'{SIGNED},created="-1"', "malformedHeader"),
        (f'{SIGNED},expires="1.5"', "malformedHeader"),
        (f'{SIGNED},created="{"1" * 16}"', "malformedHeader"),
        (f"{SIGNED},created={'1' * 16}", "malformedHeader"),
    ],
)
def test_a_signature_is_read_one_way_or_not_at_all(header: str, rule: str) -> None:
    """A parameter that is missing, comes twice, or is none of its kind: refused by its rule."""
    assert _rule(header) == rule


def test_covered_headers_have_an_end() -> None:
    """As many as anybody signs are taken, and not one more."""
    names = [f"x-{number}" for number in range(MAX_COVERED + 1)]

    assert read_header(f'{SIGNED},headers="{" ".join(names[1:])}"').covered == tuple(names[1:])
    assert _rule(f'{SIGNED},headers="{" ".join(names)}"') == "duplicateParameter"
    assert read_header(f'{SIGNED},created="{"1" * 15}"').created == int("1" * 15)


@pytest.mark.parametrize("read", [read_dictionary, read_parameters])
def test_headers_have_an_end(read: Callable[[str, str], Mapping[str, object]]) -> None:
    """A header of the longest size is read, a longer one is not looked at."""
    frame = len('a=""')

    assert len(read("Signature", f'a="{"b" * (MAX_SIGNATURE_HEADER - frame)}"')) == 1
    with pytest.raises(SignatureMalformed) as refused:
        read("Signature", f'a="{"b" * (MAX_SIGNATURE_HEADER - frame + 1)}"')
    assert refused.value.rule == "tooLarge"


def test_parameters_have_an_end() -> None:
    """As many parameters as allowed, and not one more."""
    names = [f"{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(MAX_SIGNATURE_PARAMETERS)]
    most = ",".join(f"{name}=1" for name in names)

    assert len(read_parameters("Signature", most)) == MAX_SIGNATURE_PARAMETERS
    with pytest.raises(SignatureMalformed):
        read_parameters("Signature", f"{most},zz=1")


def test_digests_are_base64_and_nothing_beside() -> None:
    """A digest with anything between its letters is another header than the one that was signed."""
    digest = make_digest(b"body")
    check_digest(digest, b"body")
    check_digest(f"MD5=x, {digest}", b"body")

    for bent in (f"{digest[:12]} {digest[12:]}", f"{digest[:12]}-{digest[12:]}", digest.rstrip("=")):
        with pytest.raises(SignatureMalformed) as refused:
            check_digest(bent, b"body")
        assert refused.value.rule == "digestAlgorithm"
    for bent in ("sha-256", "sha-256=1", 'sha-256="x"', "sha-512=:AA==:"):
        with pytest.raises(SignatureMalformed):
            check_content_digest(bent, b"body")


@pytest.mark.parametrize(
    ("url", "key_id"),
    [
        ("http://hilltop.example/inbox", "https://harbour.example/#main-key"),
        ("https:///inbox", "https://harbour.example/#main-key"),
        ("https://hilltop.example/inbox", 'https://harbour.example/",algorithm="none'),
    ],
)
def test_we_sign_for_no_strange_place(url: str, key_id: str, ana_key: RSAPrivateKey) -> None:
    """Neither where nothing is, nor under a name that would write parameters of its own."""
    with pytest.raises(LocalActivityPubError):
        cavage.sign("POST", url, b"{}", key_id=key_id, key=ana_key, now=NOW)


@pytest.mark.parametrize(
    "key_id",
    [
        "http://harbour.example/users/ana#main-key",
        "https://härbour.example/users/ana#main-key",
        f"https://harbour.example/{'a' * MAX_URL}",
        "urn:example:ana",
    ],
)
def test_a_key_stands_where_it_may_be_fetched(key_id: str, receive: Receive) -> None:
    """Nothing is fetched for a key that is named otherwise, not even looked for."""
    headers = {
        "Host": "hilltop.example",
        "Date": write_date(NOW),
        "Digest": make_digest(b"{}"),
        "Signature": f'keyId="{key_id}",headers="(request-target) host date digest",signature="AAAA"',
    }

    with pytest.raises(SignatureMalformed) as refused:
        policy.parse(receive("POST", "https://hilltop.example/inbox", headers, b"{}"))

    assert refused.value.rule == "keyId"
