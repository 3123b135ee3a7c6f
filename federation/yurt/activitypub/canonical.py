"""The canonical form of JSON (RFC 8785): the same document is the same bytes, wherever it was written.

canonical({"b": 1.0, "a": "x"}) == b'{"a":"x","b":1}'
"""

from typing import cast

import rfc8785

from yurt.activitypub.errors import DocumentRefused
from yurt.activitypub.references import Json


def canonical(document: Json) -> bytes:
    """Write a document in its canonical form.

    Args:
        document: What passed the gate: no integer beyond 2**53, nothing that is not finite.

    Raises:
        DocumentRefused: It has no canonical form.
    """
    try:
        # rfc8785 types its input more narrowly than "what a JSON parser gave".
        return rfc8785.dumps(cast("dict[str, str]", document))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError):
        raise DocumentRefused("notCanonical", "the document has no canonical form") from None
