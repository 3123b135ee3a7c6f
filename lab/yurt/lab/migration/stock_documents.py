"""What a stock server shows of itself and of its people: WebFinger, NodeInfo and actors."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from yurt.activitypub.http_signatures.keys import write_pem
from yurt.activitypub.references import Json
from yurt.activitypub.vocabulary import ACTIVITY_TYPE, AS_CONTEXT, SECURITY_CONTEXT
from yurt.lab.migration.stock_profiles import Profile

_NODEINFO: Final = "http://nodeinfo.diaspora.software/ns/schema/2.0"


def webfinger(address: str, actor: str) -> Json:
    """What WebFinger says of somebody (RFC 7033)."""
    link = {"rel": "self", "type": ACTIVITY_TYPE, "href": actor}
    return {"subject": f"acct:{address}", "links": [link]}


def nodeinfo_links(host: str) -> Json:
    """Where the NodeInfo of a host is."""
    return {"links": [{"rel": _NODEINFO, "href": f"https://{host}/nodeinfo/2.0"}]}


def nodeinfo(profile: Profile, people: int) -> Json:
    """What runs here, and for how many people."""
    return {
        "version": "2.0",
        "software": {"name": profile.software, "version": profile.release},
        "protocols": ["activitypub"],
        "services": {"inbound": [], "outbound": []},
        "openRegistrations": False,
        "usage": {"users": {"total": people}},
        "metadata": {},
    }


def actor(host: str, name: str, aliases: tuple[str, ...], key: RSAPublicKey, *, is_locked: bool) -> Json:
    """The document of somebody.

    Args:
        host: Where they live.
        name: Of the account.
        aliases: Other actors that they say they are, for ``alsoKnownAs``.
        key: What verifies their signatures.
        is_locked: They approve followers by hand.
    """
    url = f"https://{host}/users/{name}"
    return {
        "@context": [AS_CONTEXT, SECURITY_CONTEXT],
        "id": url,
        "type": "Person",
        "preferredUsername": name,
        "inbox": f"{url}/inbox",
        "outbox": f"{url}/outbox",
        "followers": f"{url}/followers",
        "following": f"{url}/following",
        "endpoints": {"sharedInbox": f"https://{host}/inbox"},
        "manuallyApprovesFollowers": is_locked,
        "alsoKnownAs": list(aliases),
        "publicKey": {"id": f"{url}#main-key", "owner": url, "publicKeyPem": write_pem(key)},
    }
