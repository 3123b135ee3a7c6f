"""Taking in another member's commit: everything is verified before anything changes (RFC 9420, 12.4.2).

The order matters: the membership tag (cheap, and only members can make it), then the signature and every
public rule (in `public_group`, the same code that a hub runs), then our path secret, the next epoch's
keys, and last the confirmation tag, which proves that the committer arrived at the same keys.
"""

import hashlib
from dataclasses import dataclass, field

from yurt.mls.change import CommitChange
from yurt.mls.epoch_change import derive_epoch, keys_that_remain
from yurt.mls.errors import CommitOfOwnLeaf, InvalidTag, Unsupported
from yurt.mls.framed_content import ContentType, SenderType
from yurt.mls.framing import PublicMessage
from yurt.mls.key_schedule import confirmation_tag, no_commit_secret, same_tag
from yurt.mls.member_epoch import EpochStart, MemberEpoch
from yurt.mls.message_protection import open_public
from yurt.mls.public_group import StagedPublicCommit
from yurt.mls.treekem import Path, open_path


@dataclass(frozen=True, slots=True)
class ReceivedCommit:
    """A verified commit of another member. Nothing has changed; dropping it discards it."""

    change: CommitChange
    hash: bytes
    """SHA-256 of the message."""
    at: int | None
    """Log time in ms at which it was accepted."""
    start: EpochStart | None = field(repr=False)
    """The epoch it begins; None if it removes us."""

    @property
    def removes_me(self) -> bool:
        """Whether we are no member afterwards."""
        return self.start is None


def receive_commit(epoch: MemberEpoch, data: bytes, message: PublicMessage, at: int | None) -> ReceivedCommit:
    """Verify a commit that ends `epoch`.

    Raises:
        RemoteMlsError: The one that names the rule it breaks.
    """
    _refuse_unsupported(message)
    content = open_public(epoch.suite, message, epoch.secrets.membership_key, epoch.context_bytes)
    staged = epoch.public.stage_content(content, at_ms=at)
    change = staged.change
    if change.committer == epoch.own_index:
        raise CommitOfOwnLeaf
    is_removed = any(index == epoch.own_index for index, _ in change.removed)
    start = None if is_removed else _begin(epoch, staged)
    return ReceivedCommit(change, hashlib.sha256(data).digest(), at, start)


def _refuse_unsupported(message: PublicMessage) -> None:
    content = message.content
    if content.content_type is ContentType.PROPOSAL:
        raise Unsupported("a proposal on its own")
    if content.sender.sender_type is not SenderType.MEMBER:
        raise Unsupported("an external commit")


def _begin(epoch: MemberEpoch, staged: StagedPublicCommit) -> EpochStart:
    """Derive the next epoch from a commit whose public side is verified."""
    suite, public, path = epoch.suite, staged.apply(), _open_path(epoch, staged)
    private_keys = {**keys_that_remain(epoch, public.tree), **(path.private_keys() if path else {})}
    commit_secret = path.commit_secret if path else no_commit_secret(suite)
    secrets = derive_epoch(suite, epoch.secrets, commit_secret, public.context.encode()).secrets
    transcript = public.context.confirmed_transcript_hash
    expected = confirmation_tag(suite, secrets.confirmation_key, transcript)
    if not same_tag(expected, public.confirmation_tag):
        raise InvalidTag("confirmation")
    return EpochStart(public, epoch.own_index, secrets, private_keys, epoch.signature_private)


def _open_path(epoch: MemberEpoch, staged: StagedPublicCommit) -> Path | None:
    processed, change = staged.processed, staged.change
    if processed.path is None or change.committer is None:
        return None
    return open_path(
        epoch.suite,
        change.tree_after,
        epoch.own_index,
        keys_that_remain(epoch, change.tree_after),
        change.committer,
        processed.path,
        processed.provisional_context.encode(),
        processed.new_leaves,
    )
