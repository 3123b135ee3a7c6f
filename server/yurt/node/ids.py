"""Names and URLs of this node's things, built from its domain and never from a request."""

import re
from typing import Final

ACCOUNT_NAME: Final = re.compile(r"[a-z0-9_]{1,30}\Z")
USERS_PATH: Final = "/users/"


def actor_url(domain: str, account: str) -> str:
    """The actor URL of an account."""
    return f"https://{domain}{USERS_PATH}{account}"


def address_of(domain: str, account: str) -> str:
    """`name@node`."""
    return f"{account}@{domain}"


def account_at(domain: str, actor: str) -> str | None:
    """The account whose actor URL this is, or None if it is none of this domain."""
    prefix = f"https://{domain}{USERS_PATH}"
    name = actor.removeprefix(prefix)
    return name if actor.startswith(prefix) and ACCOUNT_NAME.match(name) else None


def node_actor(domain: str) -> str:
    """The node's own actor."""
    return f"https://{domain}/actor"


def exchange_key_id(domain: str) -> str:
    """Name of the Ed25519 key with which a node signs exchanges."""
    return f"{node_actor(domain)}#ed25519"
