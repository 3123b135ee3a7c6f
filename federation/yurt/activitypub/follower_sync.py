"""Follower synchronisation (FEP-8fcf): both nodes notice when they disagree about who follows whom.

The sender of a followers-only post adds a header with a digest of its followers on the receiver's node. If
the receiver's own digest differs, it fetches that part of the list and repairs its side. Digests are SHA-256
of the followers' ids, joined by XOR: order does not matter, and nothing is told that was not known.

Sender:
    value = header_for(actor, followers_url, sync_url, followers, host)      # signed with the request

Receiver:
    header = read_header(verified.signed_header("collection-synchronization"), followers_url)
    if header and differs(header, mine):
        repair = reconcile(header, fetched, ties)                            # then keep, send, tell
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from yurt.activitypub.errors import DocumentRefused, LocalActivityPubError, SignatureMalformed
from yurt.activitypub.http_signatures.fields import read_parameters
from yurt.activitypub.references import host_of

HEADER: Final = "Collection-Synchronization"
MAX_FOLLOWERS: Final = 25_000
"""Above it no header is sent, as Mastodon does: the digest is computed for each host."""
MAX_PAGES: Final = 10
"""Pages of a fetched collection; one that is longer is not believed."""


@dataclass(frozen=True, slots=True)
class SyncHeader:
    """What the sender says about its followers on our node."""

    url: str
    """Where the list is fetched, signed by our node's actor."""
    digest: str
    """64 hexadecimal digits, lower case."""


@dataclass(frozen=True, slots=True)
class TiesHere:
    """Who of our accounts follows the sender, as we know it: ids of local actors."""

    accounts: frozenset[str]
    """Everybody who lives here, or who is named in the fetched list and lives here."""
    accepted: frozenset[str]
    pending: frozenset[str]


@dataclass(frozen=True, slots=True)
class Repair:
    """What makes our side agree; each a set of local actors."""

    remove: tuple[str, ...] = ()
    """They do not follow after all: the sender's node knows nothing of it."""
    accept: tuple[str, ...] = ()
    """Their Follow was accepted; the answer was lost."""
    undo: tuple[str, ...] = ()
    """The sender believes that they follow: send an Undo of a Follow."""


def digest_of(followers: Iterable[str]) -> str:
    """XOR of the SHA-256 of each id, in hexadecimal; of nobody, zeros."""
    total = 0
    for follower in frozenset(followers):
        total ^= int.from_bytes(hashlib.sha256(follower.encode()).digest(), "big")
    return f"{total:064x}"


def at_host(actors: Iterable[str], host: str) -> list[str]:
    """Those actors that live at a node, in order of their ids.

    The FEP compares scheme and authority; all our ids are https without a port.
    """
    prefix = f"https://{host}/"
    return sorted(actor for actor in frozenset(actors) if actor.startswith(prefix))


def header_for(followers_url: str, sync_url: str, followers: Iterable[str], host: str) -> str:
    """Make the header for a followers-only activity that goes to one host.

    Args:
        followers_url: The sender's followers collection.
        sync_url: Where the receiver may fetch its part.
        followers: All followers whose follow is accepted.
        host: The host of the inbox.

    Returns:
        The header's value, or empty if there are too many followers.
    """
    if '"' in followers_url + sync_url:
        raise LocalActivityPubError("a URL of ours has a quotation mark")
    everybody = frozenset(followers)
    if len(everybody) >= MAX_FOLLOWERS:
        return ""
    digest = digest_of(at_host(everybody, host))
    return f'collectionId="{followers_url}", url="{sync_url}", digest="{digest}"'


def read_header(value: str | None, followers_url: str) -> SyncHeader | None:
    """Read the header of an activity that was verified; whatever is wrong with it, it is ignored.

    Args:
        value: The header *if the signature covers it* (`VerifiedRequest.signed_header`).
        followers_url: The sender's followers collection, from its actor document.

    Returns:
        None if there is nothing to act upon.
    """
    if value is None or not followers_url:
        return None
    try:
        parameters = read_parameters(HEADER, value)
        url, digest = parameters.get("url", ""), parameters.get("digest", "").lower()
        same_host = host_of(url) == host_of(followers_url)
    except (SignatureMalformed, DocumentRefused):
        return None
    if parameters.get("collectionid") != followers_url or not same_host or not _is_digest(digest):
        return None
    return SyncHeader(url, digest)


def differs(header: SyncHeader, accepted: Iterable[str]) -> bool:
    """Tell whether the list is to be fetched: the followers that we know are not those it counts."""
    return digest_of(accepted) != header.digest


def reconcile(header: SyncHeader, fetched: Iterable[str], here: TiesHere, host: str) -> Repair:
    """Decide what repairs our side.

    Nobody is removed unless the fetched list is the one that the header promised: a list that was cut off,
    or changed meanwhile, must not cost a follow.

    Args:
        header: What came.
        fetched: The ids in the fetched list, all pages.
        here: What we know.
        host: Our node.
    """
    listed = frozenset(at_host(fetched, host))
    removed = here.accepted - listed if digest_of(listed) == header.digest else frozenset[str]()
    strangers = (listed & here.accounts) - here.accepted - here.pending
    return Repair(
        remove=tuple(sorted(removed)),
        accept=tuple(sorted(listed & here.pending)),
        undo=tuple(sorted(strangers)),
    )


def _is_digest(text: str) -> bool:
    return len(text) == hashlib.sha256().digest_size * 2 and all(
        digit in "0123456789abcdef" for digit in text
    )
