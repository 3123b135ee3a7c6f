"""Actor documents: what we serve can be read, what others serve is read, what lies is refused."""

import json
from collections.abc import Callable
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicNumbers,
    generate_private_key,
)

from yurt.activitypub import locations
from yurt.activitypub.actor_documents import (
    PersonProfile,
    node_document,
    person_document,
    room_document,
)
from yurt.activitypub.actors import OtherId, key_owner, parse_actor, read_actor
from yurt.activitypub.errors import DocumentRefused, KeyRefused, LocalActivityPubError
from yurt.activitypub.http_signatures.keys import accept, read_pem, verify_bytes, write_pem
from yurt.activitypub.multikey import read_multibase, write_multibase
from yurt.activitypub.references import Json, write
from yurt.activitypub.vocabulary import ACTIVITY_TYPE, AS_CONTEXT, LD_TYPE, is_activity_type
from yurt.identity.identity_key import IdentityKey
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.statement import make_statement, verify_statement
from yurt.wire.errors import GateError
from yurt.wire.gate import parse_object

Document = Callable[[str], tuple[bytes, str, str]]
ANA = locations.PersonLocations("harbour.example", "ana")
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@pytest.fixture
def identity() -> IdentityKey:
    return RecoveryPhrase.generate(lambda size: bytes([0xA1]) * size).identity_key()


@pytest.fixture
def minimal(ana_key: RSAPrivateKey) -> Json:
    """The least that is an actor."""
    return {
        "@context": AS_CONTEXT,
        "id": ANA.actor,
        "type": "Person",
        "preferredUsername": "ana",
        "inbox": ANA.inbox,
        "publicKey": {
            "id": ANA.key_id,
            "owner": ANA.actor,
            "publicKeyPem": write_pem(ana_key.public_key()),
        },
    }


# --- what we serve ----------------------------------------------------------------------------------
def test_a_person_reads_as_we_wrote_it(
    ana_key: RSAPrivateKey, node_key: Ed25519PrivateKey, identity: IdentityKey
) -> None:
    """Id, address, inbox, keys and the identity statement survive the way through JSON."""
    statement = make_statement(identity, ANA.actor, 1_795_244_862)
    profile = PersonProfile(
        ANA,
        ana_key.public_key(),
        identity=node_key.public_key(),
        statement=statement,
        published=1_795_244_862,
    )
    body = write(person_document(profile))

    ana = read_actor(body, ACTIVITY_TYPE, ANA.actor)

    assert (ana.id, ana.type, str(ana.address)) == (ANA.actor, "Person", "ana@harbour.example")
    assert (ana.inbox, ana.shared_inbox) == (ANA.inbox, "https://harbour.example/inbox")
    assert ana.node == "harbour.example"
    assert ana.key(ANA.key_id) == ana_key.public_key()
    assert ana.key(f"{ANA.actor}#identity") == node_key.public_key()
    assert ana.key("https://harbour.example/users/bo#main-key") is None
    assert verify_statement(ana.statement, ANA.actor) == identity.did
    assert not ana.locked
    assert not ana.speaks_rooms


def test_the_node_announces_rooms_and_both_its_keys(
    ana_key: RSAPrivateKey, node_key: Ed25519PrivateKey
) -> None:
    """From /actor another node learns that it may send an exchange, and how that is signed."""
    body = write(node_document("harbour.example", ana_key.public_key(), node_key.public_key()))

    node = read_actor(body, LD_TYPE, "https://harbour.example/actor")

    assert node.type == "Application"
    assert node.speaks_rooms
    assert node.key("https://harbour.example/actor#ed25519") == node_key.public_key()
    assert node.key("https://harbour.example/actor#main-key") == ana_key.public_key()


def test_a_rooms_address_tells_nothing_about_the_room() -> None:
    """A random name, no title, no members."""
    name = locations.room_name(bytes(range(20)))
    document = room_document("harbour.example", name)

    room = parse_actor(document, locations.room_actor("harbour.example", name))

    assert room.type == "Group"
    assert "name" not in document
    assert len(name) == 32
    with pytest.raises(LocalActivityPubError):
        locations.room_name(b"short")


# --- what others serve ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "address", "key_id"),
    [
        ("gts-get-actor", "gail@gts.test", "https://gts.test/users/gail/main-key"),
        ("snac-get-actor", "bob@snac2.test", "https://snac2.test/bob#main-key"),
        ("fedify-get-actor", "fed@fedify.test", "https://fedify.test/users/fed#main-key"),
    ],
)
def test_recorded_actors_are_read(name: str, address: str, key_id: str, document: Document) -> None:
    """GoToSocial, snac and Fedify serve actors in three dialects."""
    body, content_type, url = document(name)

    actor = read_actor(body, content_type, url)

    assert str(actor.address) == address
    assert actor.key(key_id) is not None


def test_fedifys_multikeys_are_read(document: Document) -> None:
    """The RSA key in both its forms, and the Ed25519 key."""
    fed = read_actor(*document("fedify-get-actor"))

    assert [key.id.rpartition("#")[2] for key in fed.keys] == [
        "main-key",
        "multikey-1",
        "multikey-2",
    ]


def test_gotosocials_key_document_names_its_owner(document: Document) -> None:
    """A key id without fragment leads to a stub, the stub to the actor."""
    body, _, url = document("gts-get-main-key")

    assert key_owner(json.loads(body), url) == "https://gts.test/users/gail"


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"owner": "https://evil.example/users/eve"},
        {"publicKey": {"id": "https://harbour.example/key", "owner": "https://evil.example/eve"}},
        {"type": "Note", "id": "https://harbour.example/notes/1"},
        {"owner": "acct:ana@harbour.example"},
    ],
)
def test_a_key_without_an_owner_on_its_host_is_nobodys(found: Json) -> None:
    """A key cannot be somebody's on another host."""
    with pytest.raises(DocumentRefused):
        key_owner(found, "https://harbour.example/key")


def test_a_bare_key_names_its_owner() -> None:
    """The key itself, as its own document."""
    assert key_owner({"owner": ANA.actor}, ANA.key_id) == ANA.actor
    assert key_owner({"controller": ANA.actor, "type": "Multikey"}, ANA.key_id) == ANA.actor


NO_ACTORS: list[tuple[str, Json]] = [
    ("context", {"@context": "https://example.com/ns"}),
    ("context", {"@context": None}),
    ("notAnActor", {"type": "Note"}),
    ("notAnActor", {"type": None}),
    ("notHttps", {"id": "http://harbour.example/users/ana"}),
    ("notHttps", {"id": "https://harbour.example:444/users/ana"}),
    ("notHttps", {"id": "https://user@harbour.example/users/ana"}),
    ("notHttps", {"id": None}),
    ("idMismatch", {"id": "https://harbour.example/users/eve"}),
    ("idMismatch", {"id": "https://evil.example/users/ana"}),
    ("missingProperty", {"inbox": None}),
    ("missingProperty", {"inbox": "http://harbour.example/inbox"}),
    ("badAddress", {"preferredUsername": ""}),
    ("badAddress", {"preferredUsername": "a na"}),
    ("badAddress", {"webfinger": "ana"}),
    ("jsonLd", {"@graph": []}),
    ("jsonLd", {"attachment": [{"x": {"@reverse": {}}}]}),
]


@pytest.mark.parametrize(("rule", "change"), NO_ACTORS)
def test_what_is_no_actor_is_refused(rule: str, change: Json, minimal: Json) -> None:
    """Each property that everybody requires, missing or wrong."""
    parse_actor(minimal, ANA.actor)

    with pytest.raises(DocumentRefused) as caught:
        parse_actor({**minimal, **change}, ANA.actor)

    assert caught.value.rule == rule


def test_another_id_says_where_to_look(minimal: Json) -> None:
    """One more fetch, at the id, may settle it."""
    with pytest.raises(OtherId) as caught:
        parse_actor(minimal, "https://harbour.example/@ana")

    assert caught.value.id == ANA.actor


@pytest.mark.parametrize(
    "key",
    [
        {"owner": "https://evil.example/eve"},
        {"owner": "https://harbour.example/users/eve"},
        {"owner": None},
        {"id": "https://evil.example/key"},
        {"id": None},
        {"publicKeyPem": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"},
        {"publicKeyPem": "x" * 10_000},
    ],
)
def test_keys_that_are_not_the_actors_do_not_count(key: Json, minimal: Json) -> None:
    """An actor cannot claim a key of others, nor hand out its own to others."""
    public_key = {**cast("Json", minimal["publicKey"]), **key}

    actor = parse_actor({**minimal, "publicKey": public_key}, ANA.actor)

    assert actor.keys == ()


def test_one_key_or_many_embedded_or_not(minimal: Json) -> None:
    """Lists of one, objects for ids: the same actor."""
    loose = {
        **minimal,
        "@context": [AS_CONTEXT, {"x": "y"}],
        "type": ["Person"],
        "inbox": {"id": ANA.inbox, "type": "OrderedCollection"},
        "publicKey": [minimal["publicKey"]],
        "endpoints": [{"sharedInbox": "https://harbour.example/inbox"}],
    }

    actor = parse_actor(loose, ANA.actor)

    assert actor.inbox == ANA.inbox
    assert actor.shared_inbox == "https://harbour.example/inbox"
    assert len(actor.keys) == 1


def test_at_most_ten_keys_are_looked_at(minimal: Json) -> None:
    """A thousand keys are no thousand key checks."""
    actor = parse_actor({**minimal, "publicKey": [minimal["publicKey"]] * 200}, ANA.actor)

    assert len(actor.keys) == 10


def test_a_display_name_is_made_harmless(minimal: Json) -> None:
    """What a stranger calls himself cannot move the cursor."""
    actor = parse_actor({**minimal, "name": "ana\x1b[2J\nroot\u202e"}, ANA.actor)

    assert actor.name == "ana␛[2J root⟨RLO⟩"


def test_somebody_elses_statement_is_not_taken(minimal: Json, identity: IdentityKey) -> None:
    """A statement about another actor proves nothing here."""
    statement = json.loads(make_statement(identity, "https://harbour.example/users/bo", 1))

    assert parse_actor({**minimal, "attachment": [statement]}, ANA.actor).statement == b""
    assert parse_actor({**minimal, "attachment": "x"}, ANA.actor).statement == b""


@pytest.mark.parametrize(
    ("content_type", "is_it"),
    [
        ("application/activity+json", True),
        ("application/activity+json; charset=utf-8", True),
        (LD_TYPE, True),
        ('application/ld+json;profile="https://www.w3.org/ns/activitystreams https://x.example"', True),
        ("application/ld+json", False),
        ('application/ld+json; profile="https://x.example"', False),
        ("application/json", False),
        ("text/html", False),
        ("image/png", False),
        ("", False),
    ],
)
def test_only_activity_types_are_actors(content_type: str, is_it: bool, minimal: Json) -> None:  # noqa: FBT001  # a table
    """An uploaded file that looks like an actor is none."""
    assert is_activity_type(content_type) is is_it
    if not is_it:
        with pytest.raises(DocumentRefused, match="activity"):
            read_actor(write(minimal), content_type, ANA.actor)


def test_actors_pass_the_gate_first() -> None:
    """A duplicate key is refused before anybody looks for an owner."""
    with pytest.raises(GateError):
        read_actor(b'{"id":"a","id":"b"}', ACTIVITY_TYPE, ANA.actor)


# --- keys -------------------------------------------------------------------------------------------
def test_small_and_strange_keys_are_refused(node_key: Ed25519PrivateKey) -> None:
    """RSA below 2048 bits, other kinds, private keys: refused by name."""
    small = write_pem(generate_private_key(65537, 1024).public_key())  # noqa: S505  # it is to be refused
    with pytest.raises(KeyRefused) as caught:
        read_pem(small)
    assert caught.value.rule == "keySize"
    modulus = generate_private_key(65537, 2048).public_key().public_numbers().n
    with pytest.raises(KeyRefused) as caught:
        accept(RSAPublicNumbers(modulus - 2, modulus).public_key())  # checking costs more than signing
    assert caught.value.rule == "keyExponent"
    for text in ("", "é", "-----BEGIN PUBLIC KEY-----"):
        with pytest.raises(KeyRefused):
            read_pem(text)
    assert read_pem(write_pem(node_key.public_key())) == node_key.public_key()


def test_multikeys_are_the_same_text_as_in_a_did(node_key: Ed25519PrivateKey, identity: IdentityKey) -> None:
    """did:key and Multikey write one key in one way."""
    key = node_key.public_key()

    assert read_multibase(write_multibase(key)) == key
    assert write_multibase(read_multibase(identity.did.removeprefix("did:key:"))) in identity.did
    for text in ("", "z", "m" + write_multibase(key)[1:], "z6Mk0", "zz" * 100, write_multibase(key) + "1"):
        with pytest.raises(KeyRefused):
            read_multibase(text)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"\xed\x01" + bytes([9]) * 31, "keyKind"),
        (b"\xed\x01" + bytes([9]) * 33, "keyKind"),
        (b"\xe7\x01" + bytes([9]) * 33, "keyKind"),  # secp256k1
        (b"\x85\x24" + bytes([9]) * 270, "malformedKey"),
        (b"\x01" * 1_100, "malformedKey"),
    ],
)
def test_multikeys_of_other_kinds_are_refused(data: bytes, rule: str) -> None:
    """Another length, another curve, no key at all, or more text than any key has: refused by its rule."""
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text

    with pytest.raises(KeyRefused) as refused:
        read_multibase(f"z{text}")

    assert refused.value.rule == rule


def test_ed25519_keys_that_bind_nothing_are_refused() -> None:
    """With a point of small order, one signature would fit many messages."""
    zero = Ed25519PublicKey.from_public_bytes(bytes(32))

    for read, text in ((read_multibase, write_multibase(zero)), (read_pem, write_pem(zero))):
        with pytest.raises(KeyRefused):
            read(text)


@pytest.mark.parametrize("size", [0, 1, 63, 65, 255, 257, 5000])
def test_signatures_of_any_length_are_only_wrong(
    size: int, ana_key: RSAPrivateKey, node_key: Ed25519PrivateKey
) -> None:
    """A truncated or swollen signature is false, not an error."""
    for key in (ana_key.public_key(), node_key.public_key()):
        assert not verify_bytes(key, bytes(size), b"message")


def test_a_person_who_moved_says_so(ana_key: RSAPrivateKey) -> None:
    """alsoKnownAs, movedTo, keyPackages, locked and a summary are served and read."""
    elsewhere = "https://meadow.example/users/ana"
    profile = PersonProfile(
        ANA,
        ana_key.public_key(),
        summary="I keep boats.\nhttps://harbour.example/boats",
        locked=True,
        also_known_as=(elsewhere,),
        moved_to=elsewhere,
        has_key_packages=True,
    )

    ana = parse_actor(parse_object(write(person_document(profile)), limit=100_000), ANA.actor)

    assert (ana.also_known_as, ana.moved_to, ana.locked) == ((elsewhere,), elsewhere, True)
    assert ana.key_packages == ANA.key_packages
    assert ana.summary == profile.summary
    assert ana.url == ANA.actor


def test_links_of_an_actor_stay_on_its_host(ana_key: RSAPrivateKey) -> None:
    """A page or key packages elsewhere are not shown as Ana's own."""
    document = person_document(PersonProfile(ANA, ana_key.public_key()))
    document |= {"url": "https://bank.example/", "keyPackages": "https://evil.example/keyPackages"}

    ana = parse_actor(document, ANA.actor)

    assert (ana.url, ana.key_packages) == ("", "")
