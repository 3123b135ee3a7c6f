"""Taking in others' commits and proposals: all is verified before anything changes (RFC 9420, 12.4.2).

The order matters: the membership tag (cheap, and only members can make it), then the signature and every
public rule (in `public_group`, the same code that a hub runs), then our path secret, the next epoch's
keys, and last the confirmation tag, which proves that the committer arrived at the same keys.

Somebody who enters by its own commit has no membership tag; its ExternalInit takes the place of the last
epoch's init secret (12.4.3.2).
"""

import hashlib
from dataclasses import dataclass, field

from yurt.mls import tree_math
from yurt.mls.change import CommitChange
from yurt.mls.epoch_change import derive_epoch, keys_that_remain
from yurt.mls.errors import CommitOfOwnLeaf, InvalidTag
from yurt.mls.external_init import open_external_init
from yurt.mls.framed_content import AuthenticatedContent, SenderType
from yurt.mls.framing import PublicMessage
from yurt.mls.key_schedule import confirmation_tag, no_commit_secret, same_tag
from yurt.mls.member_epoch import EpochStart, MemberEpoch, OwnUpdate
from yurt.mls.message_protection import open_public
from yurt.mls.pending_proposals import PendingProposal
from yurt.mls.policy import Policy
from yurt.mls.proposals import ExternalInit
from yurt.mls.psk_secret import KnownPsks, psk_names
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


@dataclass(frozen=True, slots=True)
class ReceivedProposal:
    """A verified proposal that travelled on its own; it is kept, and a commit may name it."""

    pending: PendingProposal
    at: int | None
    """Log time in ms at which it was accepted."""


def receive_proposal(epoch: MemberEpoch, message: PublicMessage, at: int | None) -> ReceivedProposal:
    """Verify a proposal of this epoch and keep it.

    Raises:
        CommitOfOwnLeaf: It is in our name, and we did not make it.
        RemoteMlsError: The one that names the rule it breaks.
    """
    pending = epoch.public.stage_proposal(_authenticated(epoch, message), at_ms=at)
    is_known = epoch.public.proposals.find(pending.reference) is not None
    if pending.author == epoch.own_index and not is_known:
        raise CommitOfOwnLeaf
    epoch.keep(pending)
    return ReceivedProposal(pending, at)


def receive_commit(
    epoch: MemberEpoch,
    data: bytes,
    message: PublicMessage,
    at: int | None,
    psks: KnownPsks,
    policy: Policy,
) -> ReceivedCommit:
    """Verify a commit that ends `epoch`.

    Raises:
        UnknownPsk: It mixes in a key that is not among `psks`.
        CommitOfOwnLeaf: It is in our name, and we did not make it.
        RemoteMlsError: The one that names the rule it breaks.
    """
    staged = epoch.public.stage_content(_authenticated(epoch, message), at_ms=at, policy=policy)
    change = staged.change
    if change.committer == epoch.own_index:
        raise CommitOfOwnLeaf
    is_removed = any(index == epoch.own_index for index, _ in change.removed)
    start = None if is_removed else _begin(epoch, staged, psks)
    return ReceivedCommit(change, hashlib.sha256(data).digest(), at, start)


def _authenticated(epoch: MemberEpoch, message: PublicMessage) -> AuthenticatedContent:
    """Take a message out of its frame; a member's must show that it comes from inside (6.2)."""
    if message.content.sender.sender_type is not SenderType.MEMBER:
        return message.authenticated_content()
    return open_public(epoch.suite, message, epoch.secrets.membership_key, epoch.context_bytes)


def _begin(epoch: MemberEpoch, staged: StagedPublicCommit, psks: KnownPsks) -> EpochStart:
    """Derive the next epoch from a commit whose public side is verified."""
    suite, public = epoch.suite, staged.apply()
    update = _committed_update(epoch, staged.change)
    remaining = dict(keys_that_remain(epoch, public.tree))
    if update is not None:
        remaining[tree_math.leaf_to_node(epoch.own_index)] = update.encryption_private
    path = _open_path(epoch, staged, remaining)
    commit_secret = path.commit_secret if path else no_commit_secret(suite)
    psk_secret = psks.secret(suite, psk_names(proposal for proposal, _ in staged.change.proposals))
    init_secret = _init_secret(epoch, staged.change)
    secrets = derive_epoch(suite, init_secret, commit_secret, psk_secret, public.context.encode()).secrets
    transcript = public.context.confirmed_transcript_hash
    expected = confirmation_tag(suite, secrets.confirmation_key, transcript)
    if not same_tag(expected, public.confirmation_tag):
        raise InvalidTag("confirmation")
    private_keys = {**remaining, **(path.private_keys() if path else {})}
    signature_private = epoch.signature_private if update is None else update.signature_private
    return EpochStart(public, epoch.own_index, secrets, private_keys, signature_private)


def _committed_update(epoch: MemberEpoch, change: CommitChange) -> OwnUpdate | None:
    """Find the keys of our own Update, if the commit names one."""
    references = (each.reference for each in change.committed if each.reference is not None)
    return next((epoch.own_updates[name] for name in references if name in epoch.own_updates), None)


def _init_secret(epoch: MemberEpoch, change: CommitChange) -> bytes:
    external = (proposal for proposal, _ in change.proposals if isinstance(proposal, ExternalInit))
    proposal = next(external, None)
    if proposal is None:
        return epoch.secrets.init_secret
    return open_external_init(epoch.suite, epoch.secrets.external_secret, proposal)


def _open_path(epoch: MemberEpoch, staged: StagedPublicCommit, keys: dict[int, bytes]) -> Path | None:
    processed = staged.processed
    if processed.path is None:
        return None
    return open_path(
        epoch.suite,
        staged.change.tree_after,
        epoch.own_index,
        keys,
        processed.committer_index,
        processed.path,
        processed.provisional_context.encode(),
        processed.new_leaves,
    )
