"""MLS objects of the SWICG (https://purl.archive.org/socialweb/mls): five types and a collection.

They carry the bytes of an MLSMessage in base64. Yurt publishes the last-resort key packages of its people so
that others can find them; it reads all five types, and politely refuses a Welcome, for one-to-one
conversations with such clients come later (DESIGN 5).

    key_packages_document(owner, collection, items)
    message = parse_mls_object(document)                  # message.kind, message.content
"""

import base64
import binascii
import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from yurt.activitypub.errors import DocumentRefused
from yurt.activitypub.references import (
    Json,
    check_plain,
    host_of,
    id_of,
    ids_of,
    objects_of,
    text_of,
    types_of,
    values_of,
)
from yurt.activitypub.vocabulary import AS_CONTEXT, MLS_CONTEXT, PUBLIC
from yurt.mls.cipher_suite import SUITES

MEDIA_TYPE: Final = "message/mls"
ENCODING: Final = "base64"
MAX_CONTENT: Final = 256 * 1024
"""Bytes of one MLS message: the Welcome of a large group."""
MAX_KEY_PACKAGES: Final = 32
"""Of one actor: one for each device, and some more."""
_SUMMARY: Final = (
    "An object of Messaging Layer Security. See https://swicg.github.io/activitypub-e2ee/ for how to read it."
)
_MLS10: Final = 1


class MlsKind(enum.Enum):
    """The five types; the values are their names."""

    PUBLIC_MESSAGE = "PublicMessage"
    PRIVATE_MESSAGE = "PrivateMessage"
    WELCOME = "Welcome"
    GROUP_INFO = "GroupInfo"
    KEY_PACKAGE = "KeyPackage"


_WIRE_FORMATS: Final = {
    # RFC 9420 17.2.
    MlsKind.PUBLIC_MESSAGE: 1,
    MlsKind.PRIVATE_MESSAGE: 2,
    MlsKind.WELCOME: 3,
    MlsKind.GROUP_INFO: 4,
    MlsKind.KEY_PACKAGE: 5,
}
_NAMES: Final = frozenset(kind.value for kind in MlsKind)


@dataclass(frozen=True, slots=True)
class MlsObject:
    """One MLS message, as an object of Activity Streams."""

    id: str
    kind: MlsKind
    author: str
    recipients: tuple[str, ...]
    """Actors; empty for a KeyPackage, which is for everybody."""
    content: bytes = field(repr=False)
    """The MLSMessage. Nothing in it is verified."""


def is_mls_object(document: Json) -> bool:
    """Tell whether an object says that it is one of the five."""
    return bool(_NAMES & set(types_of(document)))


def mls_object_document(message: MlsObject) -> Json:
    """Write an MLS object, without a context."""
    document: Json = {
        "id": message.id,
        "type": ["Object", message.kind.value],
        "attributedTo": message.author,
        "to": [PUBLIC] if message.kind is MlsKind.KEY_PACKAGE else list(message.recipients),
        "summary": _SUMMARY,
        "mediaType": MEDIA_TYPE,
        "encoding": ENCODING,
        "content": base64.b64encode(message.content).decode("ascii"),
    }
    # RFC 9420 10: a KeyPackage begins with its version and its suite, two bytes each, after the header.
    suite = SUITES.get(int.from_bytes(message.content[6:8], "big"))
    if message.kind is MlsKind.KEY_PACKAGE and suite is not None:
        document["ciphersuite"] = suite.name  # IANA's name
    return document


def parse_mls_object(document: Json, followers: str = "") -> MlsObject:
    """Read an MLS object.

    Args:
        document: The object, fetched at its id or embedded by its author.
        followers: The author's followers collection, if it is known: it may not be addressed.

    Raises:
        DocumentRefused: Not one of the five, another encoding, another wire format than its type says, an
            author on another host, or addressed to everybody.
    """
    check_plain(document)
    names = [name for name in types_of(document) if name in _NAMES]
    if len(names) != 1:
        raise DocumentRefused("mlsType", "the object is none of the five MLS types")
    kind = MlsKind(names[0])
    object_id, author = text_of(document, "id"), id_of(document.get("attributedTo"))
    if host_of(object_id) != host_of(author):
        raise DocumentRefused("idHost", "the object's id is on another host than its author")
    if document.get("mediaType") != MEDIA_TYPE or document.get("encoding", ENCODING) != ENCODING:
        raise DocumentRefused("mlsEncoding", f"an MLS object is {MEDIA_TYPE} in {ENCODING}")
    recipients = [*ids_of(document.get("to")), *ids_of(document.get("cc"))]
    return MlsObject(
        id=object_id,
        kind=kind,
        author=author,
        recipients=() if kind is MlsKind.KEY_PACKAGE else _recipients(recipients, followers),
        content=_content(document, kind),
    )


def key_packages_document(owner: str, collection: str, key_packages: Sequence[str]) -> Json:
    """Write the ``keyPackages`` collection of an actor.

    Args:
        owner: The actor.
        collection: The collection's id.
        key_packages: Ids of the last-resort key packages, one of each live device.
    """
    return {
        "@context": [AS_CONTEXT, MLS_CONTEXT],
        "id": collection,
        "type": "Collection",
        "attributedTo": owner,
        "totalItems": len(key_packages),
        "items": list(key_packages),
    }


def parse_key_packages(document: Json, owner: str) -> tuple[str, ...]:
    """Read somebody's ``keyPackages`` collection.

    Key packages that are embedded count by their id: each is fetched there, or read with `own_key_packages`.

    Returns:
        At most `MAX_KEY_PACKAGES` ids, all on the owner's host.

    Raises:
        DocumentRefused: No collection, or one of another owner or host.
    """
    items = _items(document, owner)
    found = ids_of(items)
    if any(host_of(item) != host_of(owner) for item in found):
        raise DocumentRefused("foreignObject", "a key package is on another host than its owner")
    return tuple(dict.fromkeys(found))[:MAX_KEY_PACKAGES]


def own_key_packages(document: Json, owner: str) -> tuple[MlsObject, ...]:
    """The key packages that a collection embeds, if they are its owner's; others are passed over."""
    embedded = [item for item in objects_of(_items(document, owner)) if "content" in item]
    found: list[MlsObject] = []
    for item in embedded[:MAX_KEY_PACKAGES]:
        try:
            message = parse_mls_object(item)
        except DocumentRefused:
            continue
        if message.kind is MlsKind.KEY_PACKAGE and message.author == owner:
            found.append(message)
    return tuple(found)


def refuse_document(activity_id: str, actor: str, create_id: str, sender: str) -> Json:
    """Write the polite answer to a Welcome, or to any MLS message that is no KeyPackage.

    Args:
        activity_id: Id of the answer.
        actor: Who answers: the account that was addressed.
        create_id: The activity that brought it.
        sender: Who sent it.
    """
    return {
        "@context": AS_CONTEXT,
        "id": activity_id,
        "type": "Reject",
        "actor": actor,
        "object": create_id,
        "to": [sender],
        "summary": "Encrypted conversations with this software are not possible yet. Nothing was kept.",
    }


def _items(document: Json, owner: str) -> list[object]:
    check_plain(document)
    if not {"Collection", "OrderedCollection"} & set(types_of(document)):
        raise DocumentRefused("notACollection", "keyPackages is no collection")
    author = id_of(document.get("attributedTo"))
    if host_of(text_of(document, "id")) != host_of(owner) or author not in ("", owner):
        raise DocumentRefused("foreignObject", "the collection is somebody else's")
    return [*values_of(document.get("items")), *values_of(document.get("orderedItems"))]


def _recipients(named: list[str], followers: str) -> tuple[str, ...]:
    """Actors only: a collection would tell people outside the group that there is one."""
    if not named or {PUBLIC, "as:Public", "Public", followers} & set(named):
        raise DocumentRefused("mlsAudience", "an MLS message is addressed to actors, one by one")
    for actor in named:
        host_of(actor)
    return tuple(dict.fromkeys(named))


def _content(document: Json, kind: MlsKind) -> bytes:
    text = document.get("content")
    if not isinstance(text, str) or len(text) > MAX_CONTENT * 4 // 3 + 4:
        raise DocumentRefused("mlsEncoding", "the MLS message is missing or too large")
    try:
        content = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise DocumentRefused("mlsEncoding", "the MLS message is not base64") from None
    # MLSMessage: version and wire format, two bytes each. The rest is for MLS to read.
    header = _MLS10.to_bytes(2, "big") + _WIRE_FORMATS[kind].to_bytes(2, "big")
    if not content.startswith(header):
        raise DocumentRefused("mlsWireFormat", "the MLS message is of another kind than its type says")
    return content
