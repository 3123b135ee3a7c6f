"""Somebody else's actor document, read: what Mastodon requires of one, Yurt requires too.

    actor = read_actor(body, content_type, url)
    key = actor.key(signed.key_id)          # None: this actor does not own that key

A key counts only if it names the actor as its owner *and* stands in the actor's own document: that closes
the circle from a signature's key id to who acts.
"""

from dataclasses import dataclass
from typing import Final

from yurt.activitypub.canonical import canonical
from yurt.activitypub.errors import DocumentRefused, KeyRefused
from yurt.activitypub.html_text import to_text
from yurt.activitypub.http_signatures.keys import PublicKey, read_pem
from yurt.activitypub.multikey import read_public_key
from yurt.activitypub.references import (
    Json,
    check_plain,
    host_of,
    id_of,
    ids_of,
    object_of,
    objects_of,
    text_of,
    types_of,
    values_of,
)
from yurt.activitypub.vocabulary import ACTOR_TYPES, AS_CONTEXT, ROOMS_FEATURE, is_activity_type
from yurt.activitypub.webfinger import Address, parse_address
from yurt.wire.gate import parse_object
from yurt.wire.limits import DOCUMENT_BODY, MAX_ACTOR_KEYS, MAX_NAME, MAX_SUMMARY
from yurt.wire.sanitise import clean_line

TOMBSTONE: Final = "Tombstone"
STATEMENT_TYPE: Final = "VerifiableIdentityStatement"
"""FEP-c390; who signed it is for `yurt.identity.statement` to say."""


class OtherId(DocumentRefused):
    """The document calls itself something else; it may be fetched once more, at ``id``."""

    def __init__(self, id_: str) -> None:
        super().__init__("idMismatch", "the document's id is not the URL that it was fetched from")
        self.id = id_


class ActorGone(DocumentRefused):
    """What is served at the actor's id is its tombstone."""

    def __init__(self) -> None:
        super().__init__("tombstone", "whoever was there is gone")


@dataclass(frozen=True, slots=True)
class ActorKey:
    """A public key that an actor owns."""

    id: str
    key: PublicKey


@dataclass(frozen=True, slots=True)
class ActorDocument:
    """An actor as its own node describes it."""

    id: str
    type: str
    address: Address
    """As the document claims; true only once WebFinger says the same (`webfinger.confirm`)."""
    inbox: str
    shared_inbox: str
    """Empty if there is none."""
    outbox: str
    followers: str
    following: str
    name: str
    """Display name, sanitised for one line."""
    locked: bool
    """Follows wait for a person."""
    keys: tuple[ActorKey, ...]
    also_known_as: tuple[str, ...]
    moved_to: str
    features: frozenset[str]
    """What it says that it implements (FEP-844e), by URI."""
    statement: bytes
    """Its FEP-c390 statement, as RFC 8785 JSON; empty if there is none. Not verified here."""
    key_packages: str = ""
    """Its collection of MLS key packages (SWICG); empty if there is none."""
    summary: str = ""
    """What it says of itself, as text of several lines."""
    url: str = ""
    """Its page for people, on its own host."""

    @property
    def node(self) -> str:
        """The host of its id."""
        return host_of(self.id)

    @property
    def speaks_rooms(self) -> bool:
        """Whether this node actor takes ``POST /rooms/exchange``."""
        return ROOMS_FEATURE in self.features

    def key(self, key_id: str) -> PublicKey | None:
        """The key of this id, if the actor owns it."""
        return next((item.key for item in self.keys if item.id == key_id), None)


def read_actor(body: bytes, content_type: str, url: str) -> ActorDocument:
    """Read an actor document that was fetched.

    Args:
        body: The answer's body (status 200).
        content_type: The answer's Content-Type.
        url: The final URL, after redirects, without fragment.

    Raises:
        DocumentRefused: Not served as ActivityPub, or not an actor (see `parse_actor`).
        OtherId: It calls itself something else.
        GateError: Not strict JSON.
    """
    if not is_activity_type(content_type):
        raise DocumentRefused("contentType", "an actor must be served as application/activity+json")
    return parse_actor(parse_object(body, limit=DOCUMENT_BODY), url)


def parse_actor(document: Json, url: str) -> ActorDocument:
    """Read an actor document.

    Raises:
        DocumentRefused: It lacks what everybody requires: the context, an actor type, an id, a name, an
            inbox, all of them https.
        OtherId: It calls itself something else.
        ActorGone: It is the tombstone of one.
    """
    check_plain(document)
    if TOMBSTONE in types_of(document) and text_of(document, "id") == url:
        raise ActorGone
    if AS_CONTEXT not in values_of(document.get("@context")):
        raise DocumentRefused("context", "the document does not say that it is Activity Streams")
    kind = next((kind for kind in types_of(document) if kind in ACTOR_TYPES), None)
    if kind is None:
        raise DocumentRefused("notAnActor", "the document is no actor")
    actor = text_of(document, "id")
    node = host_of(actor)
    if actor != url:
        raise OtherId(actor)
    endpoints = object_of(document.get("endpoints")) or {}
    return ActorDocument(
        id=actor,
        type=kind,
        address=_address(document, node),
        inbox=_url(document, "inbox", required=True),
        shared_inbox=_url(endpoints, "sharedInbox"),
        outbox=_url(document, "outbox"),
        followers=_url(document, "followers"),
        following=_url(document, "following"),
        name=clean_line(text_of(document, "name", MAX_NAME)),
        locked=document.get("manuallyApprovesFollowers") is True,
        keys=_keys(document, actor),
        also_known_as=tuple(ids_of(document.get("alsoKnownAs"))),
        moved_to=_url(document, "movedTo"),
        features=_features(document),
        statement=_statement(document, actor),
        key_packages=_on_host(_url(document, "keyPackages"), node),
        summary=to_text(text_of(document, "summary", MAX_SUMMARY)),
        url=_on_host(_url(document, "url"), node),
    )


def key_owner(document: Json, key_id: str) -> str:
    """Find whose key a fetched key document is about; that actor is to be fetched next.

    Some servers serve the key, or a stub of the actor, at the key's own URL (GoToSocial's ``/main-key``).

    Returns:
        The owner's id. It proves nothing until the owner's own document holds the key.

    Raises:
        DocumentRefused: No owner is named, or one on another host than the key's.
    """
    owner = text_of(document, "owner") or text_of(document, "controller")
    for key in objects_of(document.get("publicKey")):
        if text_of(key, "id") == key_id:
            owner = text_of(key, "owner")
    if not owner and any(kind in ACTOR_TYPES for kind in types_of(document)):
        owner = text_of(document, "id")
    if not owner or host_of(owner) != host_of(key_id):
        raise DocumentRefused("keyOwner", "the key does not name an owner on its own host")
    return owner


def _address(document: Json, node: str) -> Address:
    """FEP-2c59 first, else the name at the host of the id, as Mastodon does it."""
    name = text_of(document, "preferredUsername")
    return parse_address(text_of(document, "webfinger") or f"{name}@{node}")


def _url(document: Json, key: str, *, required: bool = False) -> str:
    value = id_of(document.get(key))
    try:
        host_of(value)
    except DocumentRefused:
        if required:
            raise DocumentRefused("missingProperty", f"an actor needs an https {key}") from None
        return ""
    return value


def _on_host(url: str, node: str) -> str:
    return url if url and host_of(url) == node else ""


def _keys(document: Json, actor: str) -> tuple[ActorKey, ...]:
    """The keys that can be used; others (of other owners, of new kinds) are passed over."""
    candidates = [
        *objects_of(document.get("publicKey"))[:MAX_ACTOR_KEYS],
        *objects_of(document.get("assertionMethod"))[:MAX_ACTOR_KEYS],
    ]
    return tuple(key for candidate in candidates if (key := _key(candidate, actor)) is not None)


def _key(candidate: Json, actor: str) -> ActorKey | None:
    key_id = text_of(candidate, "id")
    pem = text_of(candidate, "publicKeyPem", limit=8192)
    owner = id_of(candidate.get("owner" if pem else "controller"))
    try:
        if owner != actor or host_of(key_id) != host_of(actor):
            return None
        if pem:
            return ActorKey(key_id, read_pem(pem))
        return ActorKey(key_id, read_public_key(text_of(candidate, "publicKeyMultibase")))
    except (KeyRefused, DocumentRefused):
        return None


def _features(document: Json) -> frozenset[str]:
    """What the actor, or the application it embeds as its generator, implements."""
    generator = object_of(document.get("generator")) or {}
    items = [*values_of(document.get("implements")), *values_of(generator.get("implements"))]
    return frozenset(text_of(item, "href") or text_of(item, "id") for item in objects_of(items)) | frozenset(
        item for item in items if isinstance(item, str)
    )


def _statement(document: Json, actor: str) -> bytes:
    for item in objects_of(document.get("attachment")):
        if STATEMENT_TYPE in types_of(item) and item.get("alsoKnownAs") == actor:
            try:
                # The proof is over the canonical form, so that is the form to keep.
                return canonical(item)
            except DocumentRefused:
                return b""
    return b""
