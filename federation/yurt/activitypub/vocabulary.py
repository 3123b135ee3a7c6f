"""Names of the fediverse, each in one place: media types, contexts, collections.

Contexts are constants: no JSON-LD is processed, none is ever fetched (DESIGN 5).
"""

from typing import Final

AS_CONTEXT: Final = "https://www.w3.org/ns/activitystreams"
SECURITY_CONTEXT: Final = "https://w3id.org/security/v1"
MULTIKEY_CONTEXT: Final = "https://w3id.org/security/multikey/v1"
DATA_INTEGRITY_CONTEXT: Final = "https://w3id.org/security/data-integrity/v1"
IMPLEMENTS_CONTEXT: Final = "https://w3id.org/fep/844e"
MLS_CONTEXT: Final = "https://purl.archive.org/socialweb/mls"

PUBLIC: Final = f"{AS_CONTEXT}#Public"

ACTIVITY_TYPE: Final = "application/activity+json"
LD_TYPE: Final = f'application/ld+json; profile="{AS_CONTEXT}"'
ACCEPT_ACTIVITY: Final = f"{ACTIVITY_TYPE}, {LD_TYPE}"
JRD_TYPE: Final = "application/jrd+json"
PROBLEM_TYPE: Final = "application/problem+json"

ACTOR_TYPES: Final = frozenset({"Application", "Group", "Organization", "Person", "Service"})

ROOMS_FEATURE: Final = "urn:yurt:rooms:1"
"""Announced by nodes that speak ``POST /rooms/exchange``; the tag of its signatures is ``yurt-rooms/1``."""
RFC9421_FEATURE: Final = "https://datatracker.ietf.org/doc/html/rfc9421"
"""Announced by nodes that verify RFC 9421 signatures (FEP-844e)."""


def is_activity_type(content_type: str) -> bool:
    """Tell whether a Content-Type is one that actors and activities come with.

    Plain ``application/json`` and ``application/ld+json`` without the profile are not: an uploaded file
    could be served so (GHSA-jhrq-qvrm-qr36).
    """
    kind, _, rest = content_type.partition(";")
    kind = kind.strip().lower()
    if kind == ACTIVITY_TYPE:
        return True
    if kind != "application/ld+json":
        return False
    profiles = [
        value.strip().strip('"')
        for name, _, value in (part.partition("=") for part in rest.split(";"))
        if name.strip().lower() == "profile"
    ]
    return len(profiles) == 1 and AS_CONTEXT in profiles[0].split()
