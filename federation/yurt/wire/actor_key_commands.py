"""The actor key of an account: exchanged with the phrase at hand, compared with what others have of it."""

from typing import ClassVar, Final

from yurt.wire.command import Answer, Command, Done
from yurt.wire.unshown import Unshown


class ChangeActorKey(Unshown, Command, frozen=True, kw_only=True):
    """Sign with another key from now on, and tell everybody; asked again with the same key: nothing changes.

    What waits to be delivered, the news of the new key among it, goes out under the old one: peers know that.
    """

    name: ClassVar[str] = "change_actor_key"
    answer: ClassVar[type[Answer]] = Done

    change: bytes
    """The identity key's word for it (`yurt.portability.actor_key`)."""
    key: bytes
    """RSA-2048 private key, PKCS #8 DER, lent to the node."""


class SeenKey(Answer, frozen=True, kw_only=True):
    """The actor key that a node has of somebody."""

    fingerprint: bytes = b""
    """32 bytes; none: it has none."""
    fetched_at: int = 0
    """When it was fetched; seconds since 1970."""


class ShowSeenKey(Unshown, Command, frozen=True, kw_only=True):
    """Ask any node which actor key it would believe of oneself; it tells nobody else."""

    name: ClassVar[str] = "show_seen_key"
    answer: ClassVar[type[Answer]] = SeenKey
    open: ClassVar[bool] = True

    proof: bytes
    """Of a device that is in the person record which that node holds (`yurt.identity.device_login`)."""


ACTOR_KEY_COMMANDS: Final = (ChangeActorKey, ShowSeenKey)
