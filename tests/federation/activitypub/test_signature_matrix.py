"""The signature matrix: every form that servers use is taken, every forgery is refused with its reason.

Requests are described by a small grammar (`Wish`): scheme, method, coverage, algorithm, key, times, target.
The lists are products of its choices, so that no combination is forgotten; each request is truly signed, as
its description says, and then bent.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, combinations, product

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from yurt.activitypub.errors import RemoteActivityPubError, SignatureRefused
from yurt.activitypub.http_signatures import cavage, policy, rfc9421
from yurt.activitypub.http_signatures.digests import make_content_digest, make_digest
from yurt.activitypub.http_signatures.fields import write_date
from yurt.activitypub.http_signatures.request import InboundRequest, VerifiedRequest

NOW = 1_795_244_862
INBOX = "https://hilltop.example/users/bo/inbox"
KEY_ID = "https://harbour.example/users/ana#main-key"
BODY = b'{"type":"Create"}'
OTHER = b'{"type":"Delete"}'

Key = RSAPrivateKey | Ed25519PrivateKey
Keys = dict[str, Key]
Receive = Callable[[str, str, Mapping[str, str], bytes], InboundRequest]


@dataclass(frozen=True)
class Wish:
    """One sentence of the grammar: how a request is to be signed."""

    scheme: str = "cavage"
    method: str = "POST"
    covered: tuple[str, ...] = ()
    algorithm: str | None = None
    key: str = "rsa"
    query: str = ""
    drops_query: bool = False
    age: int = 0
    expires: int | None = None
    signed_body: bytes | None = None
    key_id: str = KEY_ID
    header: str = ""
    """More parameters, as they stand in the header."""

    @property
    def url(self) -> str:
        return INBOX + (f"?{self.query}" if self.query else "")

    @property
    def body(self) -> bytes:
        return BODY if self.method == "POST" else b""


def raw_signature(key: Key, text: bytes) -> str:
    raw = key.sign(text, PKCS1v15(), SHA256()) if isinstance(key, RSAPrivateKey) else key.sign(text)
    return base64.b64encode(raw).decode()


def fulfil(wish: Wish, keys: Keys, receive: Receive) -> InboundRequest:
    """Sign a request as it is wished."""
    signed_body = wish.body if wish.signed_body is None else wish.signed_body
    headers = {
        "Host": "hilltop.example",
        "Date": write_date(NOW - wish.age),
        "Digest": make_digest(signed_body),
        "Content-Digest": make_content_digest(signed_body),
        "Content-Type": "application/activity+json",
    }
    make = cavage_headers if wish.scheme == "cavage" else rfc9421_headers
    request = receive(wish.method, wish.url, headers, wish.body)
    return replace(request, headers=(*request.headers, *make(wish, request, keys[wish.key])))


def cavage_headers(wish: Wish, request: InboundRequest, key: Key) -> list[tuple[str, str]]:
    parameters = [f'keyId="{wish.key_id}"', f'headers="{" ".join(wish.covered)}"']
    parameters += [] if wish.algorithm is None else [f'algorithm="{wish.algorithm}"']
    parameters += [f"created={NOW - wish.age}"] if "(created)" in wish.covered else []
    parameters += [] if wish.expires is None else [f"expires={NOW - wish.age + wish.expires}"]
    values = {name.lower(): value for name, value in request.headers} | {
        "(request-target)": f"{wish.method.lower()} {request.path if wish.drops_query else request.target}",
        "(created)": str(NOW - wish.age),
        "(expires)": str(NOW - wish.age + (wish.expires or 0)),
    }
    text = "\n".join(f"{name}: {values[name]}" for name in wish.covered).encode()
    return [("Signature", ",".join([*parameters, f'signature="{raw_signature(key, text)}"']) + wish.header)]


def rfc9421_headers(wish: Wish, request: InboundRequest, key: Key) -> list[tuple[str, str]]:
    items = " ".join(f'"{name}"' for name in wish.covered)
    parameters = f';created={NOW - wish.age};keyid="{wish.key_id}"'
    parameters += "" if wish.algorithm is None else f';alg="{wish.algorithm}"'
    parameters += "" if wish.expires is None else f";expires={NOW - wish.age + wish.expires}"
    header = ("Signature-Input", f"s=({items}){parameters}{wish.header}")
    probe = replace(request, headers=(*request.headers, header, ("Signature", "s=:AA==:")))
    signature = rfc9421.read_headers(probe)
    base = rfc9421.signature_base(probe, signature.covered, signature.parameters)
    return [header, ("Signature", f"s=:{raw_signature(key, base)}:")]


@pytest.fixture
def keys(ana_key: RSAPrivateKey, node_key: Ed25519PrivateKey) -> Keys:
    return {"rsa": ana_key, "ed25519": node_key}


def take(wish: Wish, request: InboundRequest, keys: Keys) -> VerifiedRequest:
    return policy.verify(policy.parse(request), keys[wish.key].public_key(), NOW)


# --- valid variants, generated ----------------------------------------------------------------------
Coverages = dict[str, list[tuple[str, ...]]]
Algorithms = dict[str, list[str | None]]
CAVAGE_COVERAGES: Coverages = {
    "POST": [
        ("(request-target)", "host", "date", "digest", "content-type"),
        ("(request-target)", "host", "digest", "date"),
        ("host", "date", "digest", "content-type", "(request-target)"),
        ("host", "date", "digest"),
    ],
    "GET": [
        ("(request-target)", "host", "date"),
        ("host", "date", "digest"),
    ],
}
CAVAGE_ALGORITHMS: Algorithms = {
    "rsa": ["rsa-sha256", "hs2019", None],
    "ed25519": ["ed25519", "hs2019", None],
}
RFC9421_COVERAGES: Coverages = {
    "POST": [
        ("@method", "@target-uri", "content-digest"),
        ("@method", "@target-uri", "@authority", "host", "date", "content-digest"),
        ("content-digest", "@target-uri", "@method", "content-type"),
    ],
    "GET": [("@method", "@target-uri"), ("@target-uri", "@method", "date", "@scheme", "@path", "@query")],
}
RFC9421_ALGORITHMS: Algorithms = {"rsa": ["rsa-v1_5-sha256", None], "ed25519": ["ed25519", None]}


def valid_wishes() -> Iterator[Wish]:
    schemes = (
        ("cavage", CAVAGE_COVERAGES, CAVAGE_ALGORITHMS),
        ("rfc9421", RFC9421_COVERAGES, RFC9421_ALGORITHMS),
    )
    for scheme, coverages, algorithms in schemes:
        for method, key, query in product(("POST", "GET"), ("rsa", "ed25519"), ("", "page=1&max=%2F")):
            for covered, algorithm in product(coverages[method], algorithms[key]):
                yield Wish(scheme, method, covered, algorithm, key, query)
    full = CAVAGE_COVERAGES["POST"][0]
    for covered in (c for c in CAVAGE_COVERAGES["POST"] if "(request-target)" in c):
        yield Wish(covered=covered, algorithm="rsa-sha256", query="x=1", drops_query=True)
    created = ("(request-target)", "(created)", "host", "digest")
    for key, algorithm in product(("rsa", "ed25519"), ("hs2019", None)):
        yield Wish(covered=created, algorithm=algorithm, key=key)
        yield Wish(covered=(*created, "(expires)"), algorithm=algorithm, key=key, expires=60)
    for age in (-3590, 300, 3600, 3890):
        yield Wish(covered=full, age=age)
        yield Wish("rfc9421", covered=RFC9421_COVERAGES["POST"][0], age=age)


VALID = list(valid_wishes())


def test_the_grammar_makes_enough_valid_variants() -> None:
    """At least 60, all different."""
    assert len(VALID) == len(set(VALID)) >= 60


@pytest.mark.parametrize("wish", VALID, ids=repr)
def test_a_valid_variant_is_taken(wish: Wish, keys: Keys, receive: Receive) -> None:
    """Both schemes, both kinds of key, named or not, with and without the query, early and late."""
    verified = take(wish, fulfil(wish, keys, receive), keys)

    assert verified.key_id == KEY_ID
    assert verified.covered == frozenset(wish.covered)


# --- forgeries, generated ---------------------------------------------------------------------------
def subsets(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    return chain.from_iterable(combinations(names, size) for size in range(1, len(names) + 1))


def enough(wish: Wish) -> bool:
    """What the policy's table says that must be covered, said once more."""
    covered = set(wish.covered)
    if wish.scheme == "rfc9421":
        return {"@method", "@target-uri"} <= covered and (wish.method == "GET" or "content-digest" in covered)
    timed, aimed = covered & {"date", "(created)"}, covered & {"(request-target)", "digest"}
    return "host" in covered and bool(timed and aimed) and (wish.method == "GET" or "digest" in covered)


def narrow_wishes() -> Iterator[Wish]:
    """Every set of components that is too small, over the true body and over another one."""
    for method, names in product(
        ("POST", "GET"), subsets(("(request-target)", "host", "date", "digest", "content-type"))
    ):
        yield Wish("cavage", method, names)
    for method, names in product(
        ("POST", "GET"), subsets(("@method", "@target-uri", "content-digest", "date", "@path"))
    ):
        yield Wish("rfc9421", method, names)


FULL = Wish(covered=CAVAGE_COVERAGES["POST"][0], algorithm="rsa-sha256")
FULL_9421 = Wish("rfc9421", covered=RFC9421_COVERAGES["POST"][0])
TRUE_BODY = [wish for wish in narrow_wishes() if not enough(wish)]
NARROW = TRUE_BODY + [replace(wish, signed_body=OTHER) for wish in TRUE_BODY if wish.method == "POST"]


@pytest.mark.parametrize("wish", NARROW, ids=repr)
def test_a_signature_that_covers_too_little_is_refused(wish: Wish, keys: Keys, receive: Receive) -> None:
    """Whether the body was swapped or not: what is not covered could have been."""
    with pytest.raises(SignatureRefused) as caught:
        policy.parse(fulfil(wish, keys, receive))

    assert caught.value.rule == "coverage"


BENT: list[tuple[str, Wish]] = [
    *[("digestMismatch", replace(wish, signed_body=OTHER)) for wish in VALID if wish.body],
    *[("window", replace(wish, age=age)) for wish in (FULL, FULL_9421) for age in (3 * 86_400, 3901, -3601)],
    *[("algorithm", replace(FULL, algorithm=name)) for name in ("rsa-sha1", "rsa-sha512", "hmac-sha256", "")],
    *[("algorithm", replace(FULL_9421, algorithm=name)) for name in ("rsa-pss-sha512", "hmac-sha256", "")],
    ("algorithm", replace(FULL, key="ed25519")),
    ("algorithm", replace(FULL_9421, key="ed25519", algorithm="rsa-v1_5-sha256")),
    ("algorithm", replace(FULL_9421, algorithm="ed25519")),
    *[("keyId", replace(wish, key_id=key_id))
      for wish in (FULL, FULL_9421)
      for key_id in ("http://harbour.example/k", "acct:ana@harbour.example", "did:key:z6Mk", "https:/x")],
    ("duplicateParameter", replace(FULL, header=',keyId="https://evil.example/k"')),
    ("duplicateParameter", replace(FULL, header=',HEADERS="date"')),
    ("duplicateParameter", replace(FULL, header=',signature="AA=="')),
    ("malformedHeader", replace(FULL, header=",")),
    ("malformedHeader", replace(FULL, header=' keyId="x"')),
    ("duplicateParameter", replace(FULL, covered=(*FULL.covered, "date"))),
    ("missingParameter",
     Wish(covered=("(request-target)", "(created)", "host", "digest"), algorithm="rsa-sha256")),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "wish"), BENT, ids=repr)
def test_a_forgery_is_refused_with_its_reason(rule: str, wish: Wish, keys: Keys, receive: Receive) -> None:
    """Another body, another day, another algorithm, another kind of key, something said twice."""
    with pytest.raises(RemoteActivityPubError) as caught:
        take(wish, fulfil(wish, keys, receive), keys)

    assert caught.value.rule == rule


def test_the_grammar_makes_enough_forgeries() -> None:
    """At least 60, all different."""
    assert len({*NARROW, *(wish for _, wish in BENT)}) == len(NARROW) + len(BENT)
    assert len(NARROW) + len(BENT) >= 60


Change = Callable[[InboundRequest], InboundRequest]


def other_header(name: str, value: str) -> Change:
    def change(request: InboundRequest) -> InboundRequest:
        kept = tuple(pair for pair in request.headers if pair[0] != name)
        return replace(request, headers=(*kept, (name, value)))

    return change


def more_header(name: str, value: str) -> Change:
    return lambda request: replace(request, headers=(*request.headers, (name, value)))


def longer_body(request: InboundRequest) -> InboundRequest:
    return replace(request, body=request.body + b" ")


def other_host(request: InboundRequest) -> InboundRequest:
    return replace(request, authority="other.example")


def other_method(request: InboundRequest) -> InboundRequest:
    return replace(request, method="PUT")


def other_target(request: InboundRequest) -> InboundRequest:
    return replace(request, query="a=2") if request.query else replace(request, path="/inbox")


CHANGES: list[Change] = [
    longer_body,
    other_host,
    other_method,
    other_target,
    more_header("Date", write_date(NOW - 1)),
    more_header("Digest", make_digest(BODY)),
    more_header("Content-Digest", make_content_digest(BODY)),
    more_header("Signature", 'keyId="https://evil.example/k",signature="AA=="'),
    more_header("Signature-Input", 's=("@method" "@target-uri");created=1'),
    other_header("Digest", make_digest(OTHER)),
    other_header("Content-Digest", make_content_digest(OTHER)),
]
CHANGED = [FULL, FULL_9421, replace(FULL, query="a=1"), replace(FULL_9421, query="a=1")]
AFTERWARDS = [*product(CHANGED, CHANGES), *product(VALID[:: len(VALID) // 12], (longer_body, other_host))]
UNTOUCHED = {
    # A header that this scheme does not look at may be anything.
    ("cavage", "Content-Digest"), ("rfc9421", "Digest"), ("rfc9421", "Date"),
}  # fmt: skip


@pytest.mark.parametrize("number", range(len(AFTERWARDS)))
def test_what_is_changed_afterwards_is_refused(number: int, keys: Keys, receive: Receive) -> None:
    """Body, host, method, path, query, a second header of a name: refused, or not part of what counts."""
    wish, change = AFTERWARDS[number]
    request = fulfil(wish, keys, receive)
    changed = change(request)
    looked_at = {name for name in ("Digest", "Content-Digest", "Date")
                 if request.lines(name.lower()) != changed.lines(name.lower())}  # fmt: skip

    if looked_at and all((wish.scheme, name) in UNTOUCHED for name in looked_at):
        assert take(wish, changed, keys).request.body == BODY
    else:
        with pytest.raises(RemoteActivityPubError):
            take(wish, changed, keys)


# --- confusion --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "covered",
    [
        '"@method" "@target-uri";req "content-digest"',
        '"@method" "@target-uri" "content-digest";bs',
        '"@method" "@target-uri" "content-digest";sf',
        '"@method" "@target-uri" "content-digest" "@query-param";name="a"',
        '"@method" "@target-uri" "content-digest" "@status"',
        '"@method" "@target-uri" "content-digest" "@signature-params"',
        '"@method" "@target-uri" "Content-Digest"',
        '"@METHOD" "@target-uri" "content-digest"',
        '"@method" "@target-uri" "content-digest" "x-missing"',
        '@method "@target-uri" "content-digest"',
        '"@method" "@target-uri" "content-digest" "content-digest"',
        '"@method" "@target-uri" "content-digest" "(request-target)"',
    ],
)
def test_components_that_mean_something_else_are_refused(covered: str, receive: Receive) -> None:
    """Parameters, other cases, responses' parts, names of the other scheme: none stands for what must be."""
    headers = {
        "Content-Digest": make_content_digest(BODY),
        "Signature-Input": f's=({covered});created={NOW};keyid="{KEY_ID}"',
        "Signature": "s=:AA==:",
    }

    with pytest.raises(RemoteActivityPubError):
        policy.parse(receive("POST", INBOX, headers, BODY))


@pytest.mark.parametrize("name", ["(request-target)", "@method", "@target-uri", "(created)"])
def test_a_header_cannot_pose_as_a_derived_component(name: str, keys: Keys, receive: Receive) -> None:
    """A header that is really called so changes nothing: the name means what the standard says."""
    for wish in (FULL, FULL_9421):
        request = fulfil(wish, keys, receive)
        posed = replace(request, headers=(*request.headers, (name, "post /users/eve/inbox")))

        assert take(wish, posed, keys).request.path == "/users/bo/inbox"


def test_a_line_feed_in_a_value_does_not_make_two_lines(keys: Keys, receive: Receive) -> None:
    """A date with a second line in it could stand for two headers of another request."""
    for wish in (FULL, replace(FULL_9421, covered=(*FULL_9421.covered, "date"))):
        request = fulfil(wish, keys, receive)
        split = other_header("Date", write_date(NOW) + "\ncontent-type: x")(request)

        with pytest.raises(RemoteActivityPubError):
            policy.parse(split)


def test_a_query_may_be_left_out_of_the_signature_by_cavage_only(keys: Keys, receive: Receive) -> None:
    """Old software signs the path alone, so a query that was added later is not seen: no rule may need it."""
    added = replace(fulfil(FULL, keys, receive), query="added=1")

    assert take(FULL, added, keys).request.path == "/users/bo/inbox"
    with pytest.raises(SignatureRefused):
        take(FULL_9421, replace(fulfil(FULL_9421, keys, receive), query="added=1"), keys)


def test_a_key_of_another_host_is_named_not_believed(keys: Keys, receive: Receive) -> None:
    """Eve signs with her key as hers: the policy says whose key it is, and Ana's key does not fit."""
    eve = Wish(covered=FULL.covered, key="ed25519", key_id="https://evil.example/users/eve#key")
    signed = policy.parse(fulfil(eve, keys, receive))

    assert signed.key_id == "https://evil.example/users/eve#key"
    posing = policy.parse(fulfil(replace(eve, key_id=KEY_ID), keys, receive))
    with pytest.raises(SignatureRefused):
        policy.verify(posing, keys["rsa"].public_key(), NOW)


def test_a_replay_has_the_replay_key_of_the_first(keys: Keys, receive: Receive) -> None:
    """The unique row holds whatever is renamed around the signature."""
    first = fulfil(FULL, keys, receive)
    renamed = replace(
        first, headers=tuple((n, v.replace("#main-key", "#other")) for n, v in first.headers)
    )  # the key id is not covered by draft-cavage

    keys_seen = {policy.parse(request).replay_key for request in (first, first, renamed)}

    assert len(keys_seen) == 1
    assert policy.parse(fulfil(replace(FULL, age=1), keys, receive)).replay_key not in keys_seen


def test_only_a_key_that_may_be_old_is_fetched_again() -> None:
    """One refresh, and only where a new key could change the answer."""
    rules = ("badSignature", "algorithm", "window", "coverage", "digestMismatch")

    again = [rule for rule in rules if policy.wants_fresh_key(SignatureRefused(rule, ""))]

    assert again == ["badSignature", "algorithm"]


def test_only_a_signed_header_is_told(keys: Keys, receive: Receive) -> None:
    """What is not covered may have been added by anybody on the way."""
    verified = take(FULL, more_header("X-Added", "1")(fulfil(FULL, keys, receive)), keys)

    assert verified.signed_header("content-type") == "application/activity+json"
    assert verified.signed_header("x-added") is None


# --- what we send -----------------------------------------------------------------------------------
@pytest.mark.parametrize("body", [BODY, b"", None])
@pytest.mark.parametrize("url", [INBOX, f"{INBOX}?a=%20b"])
def test_our_second_knock_verifies(
    url: str, body: bytes | None, ana_key: RSAPrivateKey, receive: Receive
) -> None:
    """RFC 9421 with RSA, in the form that Mastodon sends; further headers are covered with it."""
    method, more = "GET" if body is None else "POST", {"Collection-Synchronization": 'digest="00"'}
    headers = rfc9421.sign(method, url, body, key_id=KEY_ID, key=ana_key, now=NOW, more=more)

    request = receive(method, url, headers, body or b"")
    verified = policy.verify(policy.parse(request), ana_key.public_key(), NOW + 2)

    assert verified.signed_header("collection-synchronization") == 'digest="00"'
    assert headers["Signature-Input"].startswith('sig=("@method" "@target-uri" ')


def test_our_first_knock_covers_what_is_added(ana_key: RSAPrivateKey, receive: Receive) -> None:
    """A Collection-Synchronization header counts only if it is signed (FEP-8fcf)."""
    more = {"Collection-Synchronization": 'digest="00"'}
    headers = cavage.sign("POST", INBOX, BODY, key_id=KEY_ID, key=ana_key, now=NOW, more=more)

    verified = policy.verify(policy.parse(receive("POST", INBOX, headers, BODY)), ana_key.public_key(), NOW)

    assert verified.signed_header("collection-synchronization") == 'digest="00"'
