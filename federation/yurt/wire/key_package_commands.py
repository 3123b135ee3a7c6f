"""Key packages: published by devices, claimed by who adds them to a room (TRUST 6)."""

from typing import ClassVar

from yurt.wire.command import Answer, Command


class KeyPackageCount(Answer, frozen=True):
    """How many one-time key packages of this device the node still holds."""

    one_time: int
    last_resort: bool = True
    """False: there is none, or it was used and is to be replaced; a node that has none to give says True."""


class PublishKeyPackages(Command, frozen=True):
    """Give the node key packages of this device (MLSMessages): one-time ones, or one marked last_resort.

    A last resort package replaces the one before; it is handed out when no one-time one is left.
    """

    name: ClassVar[str] = "publish_key_packages"
    answer: ClassVar[type[Answer]] = KeyPackageCount

    key_packages: tuple[bytes, ...] = ()


class Claimed(Answer, frozen=True):
    """One key package for each live device of the target, never handed out again."""

    key_packages: tuple[bytes, ...]
    record: bytes
    """The target's newest signed record, verbatim."""


class ClaimKeyPackages(Command, frozen=True):
    """Claim key packages of a person in order to add them to a room."""

    name: ClassVar[str] = "claim_key_packages"
    answer: ClassVar[type[Answer]] = Claimed

    actor: str
    """The target's location."""
    claim: bytes
    """Signed by the claimer's device (TRUST 6), verbatim."""
