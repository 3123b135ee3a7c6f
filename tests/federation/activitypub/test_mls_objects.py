"""SWICG objects: five types and the collection of key packages, made and read; a Welcome is refused."""

import base64

import pytest

from yurt.activitypub.errors import DocumentRefused
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.mls_objects import (
    MAX_CONTENT,
    MAX_KEY_PACKAGES,
    MlsKind,
    MlsObject,
    is_mls_object,
    key_packages_document,
    mls_object_document,
    own_key_packages,
    parse_key_packages,
    parse_mls_object,
    refuse_document,
)
from yurt.activitypub.references import Json, write
from yurt.activitypub.vocabulary import PUBLIC
from yurt.wire.gate import parse_object

ANA = PersonLocations("harbour.example", "ana")
EVA = "https://social.example/user/example1"
OTHER = "https://other.example/user/example2"
FORMATS = dict(zip(MlsKind, (1, 2, 3, 4, 5), strict=True))


def message(kind: MlsKind, *, author: str = EVA, recipients: tuple[str, ...] = (OTHER,)) -> MlsObject:
    content = bytes([0, 1, 0, FORMATS[kind]]) + b"opaque"
    to = () if kind is MlsKind.KEY_PACKAGE else recipients
    return MlsObject(f"{author}/object/1", kind, author, to, content)


def through_json(document: Json) -> Json:
    return parse_object(write(document), limit=1_000_000)


@pytest.mark.parametrize("kind", MlsKind)
def test_the_five_types_read_back(kind: MlsKind) -> None:
    """Each goes through JSON unchanged, as an Object and its own type."""
    document = through_json(mls_object_document(message(kind)))

    assert document["type"] == ["Object", kind.value]
    assert is_mls_object(document)
    assert parse_mls_object(document) == message(kind)


def test_the_specifications_example() -> None:
    """A private message delivered over ActivityPub, with bytes in the place of the bracket."""
    content = bytes([0, 1, 0, 2]) + b"private"
    document: Json = {
        "type": ["Object", "PrivateMessage"],
        "id": f"{EVA}/privatemessage/1",
        "attributedTo": EVA,
        "to": [OTHER, "https://third.example/user/example3"],
        "summary": "This is an encrypted private message.",
        "mediaType": "message/mls",
        "encoding": "base64",
        "content": base64.b64encode(content).decode(),
    }

    assert parse_mls_object(document) == MlsObject(
        f"{EVA}/privatemessage/1",
        MlsKind.PRIVATE_MESSAGE,
        EVA,
        (OTHER, "https://third.example/user/example3"),
        content,
    )
    assert parse_mls_object(document | {"type": "PrivateMessage", "encoding": "base64"}).content == content


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"type": "Note"}, "mlsType"),
        ({"type": ["Welcome", "GroupInfo"]}, "mlsType"),
        ({"type": []}, "mlsType"),
        ({"type": "Welcome"}, "mlsWireFormat"),
        ({"id": "https://evil.example/1"}, "idHost"),
        ({"id": "http://social.example/1"}, "notHttps"),
        ({"attributedTo": None}, "notHttps"),
        ({"attributedTo": "https://evil.example/u"}, "idHost"),
        ({"mediaType": "text/html"}, "mlsEncoding"),
        ({"encoding": "hex"}, "mlsEncoding"),
        ({"content": None}, "mlsEncoding"),
        ({"content": "!!"}, "mlsEncoding"),
        ({"content": "AAEAAg"}, "mlsEncoding"),
        ({"content": "AAEAAg==\n"}, "mlsEncoding"),
        ({"content": "ä"}, "mlsEncoding"),
        ({"content": ""}, "mlsWireFormat"),
        ({"content": base64.b64encode(bytes([0, 2, 0, 2])).decode()}, "mlsWireFormat"),
        ({"content": "A" * (2 * MAX_CONTENT)}, "mlsEncoding"),
        ({"to": PUBLIC}, "mlsAudience"),
        ({"to": [], "cc": []}, "mlsAudience"),
        ({"cc": ["as:Public"]}, "mlsAudience"),
        ({"cc": f"{EVA}/followers"}, "mlsAudience"),
        ({"to": ["acct:x@y.example"]}, "notHttps"),
        ({"@graph": []}, "jsonLd"),
    ],
)
def test_objects_that_break_a_rule_are_refused(change: Json, rule: str) -> None:
    """Other types, hosts, encodings, wire formats; and messages that everybody would get."""
    document = mls_object_document(message(MlsKind.PRIVATE_MESSAGE)) | change

    with pytest.raises(DocumentRefused) as caught:
        parse_mls_object(document, f"{EVA}/followers")

    assert caught.value.rule == rule


# --- key packages -----------------------------------------------------------------------------------
def test_our_key_packages_are_found() -> None:
    """One id for each live device."""
    ids = [ANA.key_package("1"), ANA.key_package("2")]

    document = through_json(key_packages_document(ANA.actor, ANA.key_packages, ids))

    assert document["totalItems"] == 2
    assert parse_key_packages(document, ANA.actor) == tuple(ids)


def test_embedded_key_packages_are_read_if_they_are_the_owners() -> None:
    """Others in the list (of other people, of another type) are passed over."""
    mine = message(MlsKind.KEY_PACKAGE)
    others = [
        mls_object_document(message(MlsKind.KEY_PACKAGE, author="https://social.example/user/eve")),
        mls_object_document(message(MlsKind.GROUP_INFO)),
        {"type": "KeyPackage", "content": "broken"},
        f"{EVA}/keyPackage/9",
    ]
    document: Json = {
        "id": f"{EVA}/keyPackages",
        "type": "OrderedCollection",
        "orderedItems": [*others, mls_object_document(mine)],
    }

    assert own_key_packages(document, EVA) == (mine,)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "Note"},
        {"id": "https://evil.example/keyPackages"},
        {"id": None},
        {"attributedTo": "https://harbour.example/users/eve"},
        {"items": ["https://evil.example/1"]},
        {"items": ["http://harbour.example/1"]},
        {"@included": []},
    ],
)
def test_collections_of_others_are_refused(change: Json) -> None:
    """Each host speaks for its own people."""
    document = key_packages_document(ANA.actor, ANA.key_packages, []) | change

    with pytest.raises(DocumentRefused):
        parse_key_packages(document, ANA.actor)


def test_a_long_collection_is_cut() -> None:
    """Nobody makes us fetch a hundred key packages."""
    many = [ANA.key_package(str(number)) for number in range(100)]

    found = parse_key_packages(key_packages_document(ANA.actor, ANA.key_packages, many), ANA.actor)

    assert found == tuple(many[:MAX_KEY_PACKAGES])


def test_a_welcome_is_politely_refused() -> None:
    """A Reject of the Create, with a reason for people."""
    document = refuse_document(f"{ANA.actor}#rejects/1", ANA.actor, f"{EVA}/create/2", EVA)

    assert (document["type"], document["object"], document["to"]) == ("Reject", f"{EVA}/create/2", [EVA])
    assert "not possible yet" in str(document["summary"])
