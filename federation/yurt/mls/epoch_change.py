"""The step from one epoch's secrets to the next, the same for a commit's sender and its receivers.

path = open_path(...)                                     # or fresh_path, for the sender
keys = derive_epoch(suite, init_secret, path.commit_secret, psk_secret, context)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.key_schedule import EpochEntry, EpochSecrets, joiner_secret
from yurt.mls.member_epoch import MemberEpoch
from yurt.mls.ratchet_tree import RatchetTree


@dataclass(frozen=True, slots=True)
class EpochKeys:
    """The secrets of an epoch that a commit begins."""

    joiner_secret: bytes = field(repr=False)
    """What a Welcome carries."""
    entry: EpochEntry = field(repr=False)
    secrets: EpochSecrets = field(repr=False)


def derive_epoch(
    suite: CipherSuite, init_secret: bytes, commit_secret: bytes, psk_secret: bytes, context: bytes
) -> EpochKeys:
    """Enter the epoch that the encoded GroupContext describes (RFC 9420, 8)."""
    joiner = joiner_secret(suite, init_secret, commit_secret, context)
    entry = EpochEntry.of(suite, joiner, psk_secret)
    return EpochKeys(joiner, entry, entry.epoch_secrets(context))


def keys_that_remain(epoch: MemberEpoch, after: RatchetTree) -> Mapping[int, bytes]:
    """Keep our private keys of the nodes that a commit left as they were."""
    before = epoch.public.tree

    def is_unchanged(node: int) -> bool:
        key = after.encryption_key_or_none(node)
        return key is not None and key == before.encryption_key_or_none(node)

    return {node: private for node, private in epoch.private_keys.items() if is_unchanged(node)}
