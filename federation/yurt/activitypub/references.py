"""Values as the fediverse writes them: a reference may be a string or the whole object, one or many.

Fedify embeds complete actors where Mastodon writes a URL, and a list of one is as good as its item. Only
these functions look into such values; nothing else in the package tests for types.

    id_of("https://a.example/x") == id_of({"id": "https://a.example/x"}) == id_of(["https://a.example/x"])
"""

import re
from collections.abc import Iterator
from typing import Final, cast

import msgspec

from yurt.activitypub.errors import DocumentRefused
from yurt.identity.location import MalformedLocation, check_node
from yurt.wire.limits import MAX_REFERENCES, MAX_URL

Json = dict[str, object]
"""A JSON object that passed the gate."""

_URL: Final = re.compile(r"https://([^/?#]+)(?:[/?#][!-~]*)?")
# What only JSON-LD processors understand, and what signatures over JSON have been forged with.
_JSON_LD_ONLY: Final = ("@graph", "@included", "@reverse")


def object_of(value: object) -> Json | None:
    """The object that a value is, or that is the only item of a list; None otherwise."""
    if isinstance(value, list):
        items = cast("list[object]", value)
        value = items[0] if len(items) == 1 else None
    return cast("Json", value) if isinstance(value, dict) else None


def values_of(value: object) -> list[object]:
    """The items of a value that may be one or many, at most `MAX_REFERENCES` of them."""
    if value is None:
        return []
    return cast("list[object]", value)[:MAX_REFERENCES] if isinstance(value, list) else [value]


def objects_of(value: object) -> list[Json]:
    """The objects among the items of a value."""
    return [cast("Json", item) for item in values_of(value) if isinstance(item, dict)]


def id_of(value: object) -> str:
    """The id of what a value refers to; empty if it is none, or several."""
    ids = ids_of(value)
    return ids[0] if len(ids) == 1 else ""


def ids_of(value: object) -> list[str]:
    """The ids of everything that a value refers to, in order."""
    found = [cast("Json", item).get("id") if isinstance(item, dict) else item for item in values_of(value)]
    return [item for item in found if isinstance(item, str) and 0 < len(item) <= MAX_URL]


def text_of(document: Json, key: str, limit: int = MAX_URL) -> str:
    """A text of a document, cut at `limit` characters; empty if it is absent or another type."""
    value = document.get(key)
    return value[:limit] if isinstance(value, str) else ""


def types_of(document: Json) -> list[str]:
    """The types of a document; JSON-LD allows several."""
    return [item for item in values_of(document.get("type")) if isinstance(item, str)]


def host_of(url: str) -> str:
    """The node that an https URL points to: lower case, without port and user.

    Raises:
        DocumentRefused: It is no such URL.
    """
    match = _URL.fullmatch(url) if len(url) <= MAX_URL else None
    if match is None:
        raise DocumentRefused("notHttps", "an id must be an https URL")
    try:
        return check_node(match[1])
    except MalformedLocation:
        raise DocumentRefused("notHttps", "an id must name its host plainly, without a port") from None


def check_plain(document: Json) -> Json:
    """Take a document that means the same to everybody who reads it as plain JSON.

    Raises:
        DocumentRefused: It uses ``@graph``, ``@included`` or ``@reverse``, at any depth, or a context of
            its own renames one of them.
    """
    for item in _inside(document):
        if any(key in item for key in _JSON_LD_ONLY) or _renames(item.get("@context")):
            raise DocumentRefused("jsonLd", "documents that need a JSON-LD processor are not read")
    return document


def _inside(value: object) -> Iterator[Json]:
    """Every object in a value, itself included."""
    waiting: list[object] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting += cast("list[object]", item)
        elif isinstance(item, dict):
            pairs = cast("Json", item)
            yield pairs
            waiting += pairs.values()


def _renames(context: object) -> bool:
    """Tell whether a context gives another name to what is refused: ``{"many": "@graph"}``."""
    return any(value in _JSON_LD_ONLY for item in _inside(context) for value in item.values())


def write(document: Json) -> bytes:
    """Write a document as JSON in UTF-8."""
    return msgspec.json.encode(document)
