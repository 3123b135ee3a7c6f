"""Locations: where an actor is to be found. A location is a hint that may change, never a key.

An actor URL names its node by host: ``https://NODE/...``, without port, user or fragment (DESIGN 4).
"""

import re
from typing import Final

from yurt.identity.errors import RemoteIdentityError

MAX_ACTOR_LENGTH: Final = 512
"""Characters of an actor URL, and bytes: it is ASCII."""
MAX_NODE_LENGTH: Final = 253
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NODE: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ACTOR: Final = re.compile(rf"https://({_NODE.pattern})(/[!-\"$-~]*)")


class MalformedLocation(RemoteIdentityError):
    """This names no node and no actor on one."""

    def __init__(self, what: str) -> None:
        super().__init__("malformedLocation", f"not {what}")


def check_node(name: str) -> str:
    """Take a node's name (its domain, lower case, without port).

    Raises:
        MalformedLocation: It is no domain.
    """
    if len(name) > MAX_NODE_LENGTH or not _NODE.fullmatch(name):
        raise MalformedLocation("a node's name")
    return name


def node_of(actor: str) -> str:
    """Name the node that an actor URL points to; also the check of an actor URL.

    Raises:
        MalformedLocation: Not ``https://NODE/path``, or too long.
    """
    match = _ACTOR.fullmatch(actor) if len(actor) <= MAX_ACTOR_LENGTH else None
    if match is None:
        raise MalformedLocation("an actor URL (https://NODE/path)")
    return check_node(match[1])
