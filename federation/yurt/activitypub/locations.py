"""Where things of a node are found. A location is a hint that may change, never a key in a table."""

import base64
from dataclasses import dataclass
from typing import Final

from yurt.activitypub.errors import LocalActivityPubError

ROOM_NAME_SIZE: Final = 20
"""Random bytes of a room's public name: nobody finds it by guessing."""


@dataclass(frozen=True, slots=True)
class PersonLocations:
    """The URLs of an account; ``actor`` is its ActivityPub id."""

    node: str
    name: str

    @property
    def actor(self) -> str:
        """``https://NODE/users/NAME``."""
        return f"https://{self.node}/users/{self.name}"

    @property
    def address(self) -> str:
        """``name@node``."""
        return f"{self.name}@{self.node}"

    @property
    def key_id(self) -> str:
        """Id of the RSA actor key."""
        return f"{self.actor}#main-key"

    @property
    def inbox(self) -> str:
        """Where others POST to this account."""
        return f"{self.actor}/inbox"

    @property
    def proof_key_id(self) -> str:
        """Id of the key with which the node proves this account's public posts (FEP-8b32)."""
        return f"{self.actor}#proof"

    @property
    def outbox(self) -> str:
        """What this account published."""
        return f"{self.actor}/outbox"

    @property
    def followers(self) -> str:
        """The collection of followers."""
        return f"{self.actor}/followers"

    @property
    def following(self) -> str:
        """The collection of followed actors."""
        return f"{self.actor}/following"

    @property
    def followers_synchronization(self) -> str:
        """Where a node fetches those followers that live there (FEP-8fcf)."""
        return f"{self.actor}/followers_synchronization"

    @property
    def key_packages(self) -> str:
        """The collection of last-resort key packages (SWICG)."""
        return f"{self.actor}/keyPackages"

    def note(self, unique: str) -> str:
        """Make the id of a post."""
        return f"{self.actor}/notes/{unique}"

    def key_package(self, unique: str) -> str:
        """Make the id of a key package."""
        return f"{self.actor}/keyPackages/{unique}"

    def activity(self, kind: str, unique: str) -> str:
        """Make the id of an activity, for example ``activity("follows", uuid)``."""
        return f"{self.actor}#{kind}/{unique}"


def shared_inbox(node: str) -> str:
    """Where others POST to anybody of a node."""
    return f"https://{node}/inbox"


def node_actor(node: str) -> str:
    """The node's own actor, in whose name it fetches and speaks to other nodes."""
    return f"https://{node}/actor"


def node_rsa_key_id(node: str) -> str:
    """Id of the key with which the node signs its fetches."""
    return f"{node_actor(node)}#main-key"


def node_ed25519_key_id(node: str) -> str:
    """Id of the key with which the node signs ``exchange``."""
    return f"{node_actor(node)}#ed25519"


def room_actor(node: str, room_name: str) -> str:
    """A room's address at its hub."""
    return f"https://{node}/rooms/{room_name}"


def room_name(random: bytes) -> str:
    """Make the random name of a room's actor, which says nothing about the room.

    Args:
        random: At least ``ROOM_NAME_SIZE`` random bytes.
    """
    if len(random) < ROOM_NAME_SIZE:
        raise LocalActivityPubError("a room's name needs more randomness")
    return base64.b32encode(random[:ROOM_NAME_SIZE]).decode("ascii").lower()
