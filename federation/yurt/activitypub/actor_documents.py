"""Actor documents that Yurt serves: a person, the node itself, a room's address.

They are what Mastodon accepts and what FEPs ask for: 521a (Multikey), 2c59 (webfinger), c390 (identity
statement), 844e (what the node implements). The terms are defined inside the document, so that software
which processes JSON-LD has nothing to fetch.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from yurt.activitypub.html_text import to_html
from yurt.activitypub.http_signatures.keys import write_pem
from yurt.activitypub.locations import (
    PersonLocations,
    node_actor,
    node_ed25519_key_id,
    node_rsa_key_id,
    room_actor,
    shared_inbox,
)
from yurt.activitypub.multikey import make_multikey
from yurt.activitypub.references import Json
from yurt.activitypub.vocabulary import (
    AS_CONTEXT,
    DATA_INTEGRITY_CONTEXT,
    MLS_CONTEXT,
    MULTIKEY_CONTEXT,
    RFC9421_FEATURE,
    ROOMS_FEATURE,
    SECURITY_CONTEXT,
)
from yurt.wire.exchange import EXCHANGE_TAG
from yurt.wire.gate import parse_object
from yurt.wire.limits import DOCUMENT_BODY

_TERMS: Final[Json] = {
    "manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
    "alsoKnownAs": {"@id": "as:alsoKnownAs", "@type": "@id"},
    "movedTo": {"@id": "as:movedTo", "@type": "@id"},
    "keyPackages": {"@id": f"{MLS_CONTEXT}#keyPackages", "@type": "@id"},
    "toot": "http://joinmastodon.org/ns#",
    "discoverable": "toot:discoverable",
    "indexable": "toot:indexable",
    "webfinger": "https://purl.archive.org/socialweb/webfinger#webfinger",
    "implements": {"@id": "https://w3id.org/fep/844e#implements", "@type": "@id", "@container": "@set"},
    "VerifiableIdentityStatement": "https://w3id.org/fep/c390#VerifiableIdentityStatement",
    "subject": "https://w3id.org/fep/c390#subject",
}
_CONTEXT: Final = (AS_CONTEXT, SECURITY_CONTEXT, DATA_INTEGRITY_CONTEXT, MULTIKEY_CONTEXT, _TERMS)


@dataclass(frozen=True, slots=True)
class PersonProfile:
    """What a person's actor document tells."""

    locations: PersonLocations
    rsa: RSAPublicKey
    """Of the actor key."""
    identity: Ed25519PublicKey | None = None
    """The key in the did, so that its integrity proofs count for the actor."""
    proof_key: Ed25519PublicKey | None = None
    """The node's, for integrity proofs of this account's public posts."""
    statement: bytes = b""
    """FEP-c390, verbatim JSON; empty if there is none."""
    display_name: str = ""
    published: int = 0
    """Seconds since 1970; 0 leaves it out."""
    summary: str = ""
    """What the person says of themselves: text, written as HTML."""
    locked: bool = False
    """Follows wait for the person."""
    also_known_as: tuple[str, ...] = ()
    """Actors that may move here, and that this one may move to."""
    moved_to: str = ""
    """Where the person is now; empty while that is here."""
    has_key_packages: bool = False
    """Whether last-resort key packages are published for SWICG clients."""


def person_document(profile: PersonProfile) -> Json:
    """Make the actor document of an account."""
    places = profile.locations
    document: Json = {
        "@context": list(_CONTEXT),
        "id": places.actor,
        "type": "Person",
        "preferredUsername": places.name,
        "webfinger": places.address,
        "name": profile.display_name or places.name,
        "summary": to_html(profile.summary),
        "url": places.actor,
        "inbox": places.inbox,
        "outbox": places.outbox,
        "followers": places.followers,
        "following": places.following,
        "endpoints": {"sharedInbox": shared_inbox(places.node)},
        "generator": node_actor(places.node),
        "manuallyApprovesFollowers": profile.locked,
        "discoverable": False,
        "indexable": False,
        "publicKey": _public_key(places.key_id, places.actor, profile.rsa),
        "attachment": [parse_object(profile.statement, limit=DOCUMENT_BODY)] if profile.statement else [],
    }
    keys = {f"{places.actor}#identity": profile.identity, places.proof_key_id: profile.proof_key}
    multikeys = [make_multikey(name, places.actor, key) for name, key in keys.items() if key is not None]
    if multikeys:
        document["assertionMethod"] = multikeys
    if profile.also_known_as:
        document["alsoKnownAs"] = list(profile.also_known_as)
    if profile.moved_to:
        document["movedTo"] = profile.moved_to
    if profile.has_key_packages:
        document["keyPackages"] = places.key_packages
    if profile.published:
        document["published"] = datetime.fromtimestamp(profile.published, UTC).strftime("%Y-%m-%dT00:00:00Z")
    return document


def node_document(node: str, rsa: RSAPublicKey, ed25519: Ed25519PublicKey) -> Json:
    """Make the document of the node's own actor, which anybody may fetch unsigned.

    It announces what the node implements: other nodes send ``exchange`` only to one that names
    `ROOMS_FEATURE`.
    """
    actor = node_actor(node)
    return {
        "@context": list(_CONTEXT),
        "id": actor,
        "type": "Application",
        # Mastodon's own name for an instance actor; no account can have it, for it holds a dot.
        "preferredUsername": node,
        "webfinger": f"{node}@{node}",
        "name": node,
        "url": f"https://{node}/",
        "inbox": shared_inbox(node),
        "outbox": f"{actor}/outbox",
        "endpoints": {"sharedInbox": shared_inbox(node)},
        "manuallyApprovesFollowers": True,
        "publicKey": _public_key(node_rsa_key_id(node), actor, rsa),
        "assertionMethod": [make_multikey(node_ed25519_key_id(node), actor, ed25519)],
        "implements": [
            {"href": ROOMS_FEATURE, "name": EXCHANGE_TAG},
            {"href": RFC9421_FEATURE, "name": "RFC-9421: HTTP Message Signatures"},
        ],
    }


def room_document(node: str, name: str) -> Json:
    """Make the document of a room's address; served to nodes of participants only.

    It names neither the room nor its members: both are for those who can decrypt.

    Args:
        node: The hub.
        name: What `yurt.activitypub.locations.room_name` made.
    """
    actor = room_actor(node, name)
    return {
        "@context": list(_CONTEXT),
        "id": actor,
        "type": "Group",
        "preferredUsername": name,
        "webfinger": f"{name}@{node}",
        "inbox": shared_inbox(node),
        "outbox": f"{actor}/outbox",
        "attributedTo": node_actor(node),
        "manuallyApprovesFollowers": True,
        "discoverable": False,
        "indexable": False,
    }


def _public_key(key_id: str, owner: str, key: RSAPublicKey) -> Json:
    return {"id": key_id, "owner": owner, "publicKeyPem": write_pem(key)}
