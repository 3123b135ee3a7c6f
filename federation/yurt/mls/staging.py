"""Making a commit of our own: everything that others will need of it, and nothing changed yet.

The hub decides whether it ends the epoch. Until then it waits as the group's pending commit, in a row of
its own, so that a crash between submitting and merging loses nothing.

    staged, start = stage_commit(epoch, CommitIntent(adds=(key_package,)), psks, os.urandom)
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from yurt.mls.algorithms import Random
from yurt.mls.change import CommitChange
from yurt.mls.commit import ProposalOrRef, ProposalRef
from yurt.mls.committing import CommitPlan, Committer, MadeCommit, make_commit
from yurt.mls.describing import external_pub, ratchet_tree, sign_group_info
from yurt.mls.epoch_change import keys_that_remain
from yurt.mls.extensions import Extension
from yurt.mls.framing import MLSMessage
from yurt.mls.group_info import GroupInfo
from yurt.mls.joining import WELCOME_LABEL
from yurt.mls.key_package import KeyPackage
from yurt.mls.key_package_bundle import OwnLeaf
from yurt.mls.labels import encrypt_with_label
from yurt.mls.member_epoch import EpochStart, MemberEpoch
from yurt.mls.message_protection import seal_public
from yurt.mls.policy import Policy, keep_credentials
from yurt.mls.proposals import Add, GroupContextExtensions, Proposal, Remove
from yurt.mls.psk_secret import KnownPsks, psk_names
from yurt.mls.welcome import EncryptedGroupSecrets, GroupSecrets, Welcome


@dataclass(frozen=True, slots=True)
class CommitIntent:
    """What a commit shall change; but for `references` it can be staged again in a later epoch."""

    adds: Sequence[KeyPackage] = ()
    removes: Sequence[int] = ()
    extensions: tuple[Extension, ...] | None = None
    """New extensions of the GroupContext, all of them; None leaves them."""
    proposals: Sequence[Proposal] = ()
    """Further ones: pre-shared keys, or a ReInit alone."""
    references: Sequence[bytes] = ()
    """Proposals that were sent before, by their references."""
    leaf: OwnLeaf | None = None
    """New content and signature key of our leaf; None leaves them."""
    force_path: bool = False
    authenticated_data: bytes = b""
    welcome_extensions: tuple[Extension, ...] = ()
    """Further extensions of the GroupInfo that only the Welcome carries."""
    at_ms: int | None = None
    """The time at which lifetimes of added key packages are judged; None judges none."""
    policy: Policy = keep_credentials
    """What the application says to it."""

    def all_proposals(self) -> tuple[ProposalOrRef, ...]:
        """Give the proposals, in about the order in which they are applied (12.3)."""
        context = () if self.extensions is None else (GroupContextExtensions(self.extensions),)
        by_value = (*context, *map(Remove, self.removes), *map(Add, self.adds), *self.proposals)
        return (*by_value, *map(ProposalRef, self.references))

    def plan(self, psks: KnownPsks) -> CommitPlan:
        """Give what the commit says."""
        return CommitPlan(
            proposals=self.all_proposals(),
            force_path=self.force_path or self.leaf is not None,
            authenticated_data=self.authenticated_data,
            psks=psks,
            at_ms=self.at_ms,
            policy=self.policy,
        )


@dataclass(frozen=True, slots=True)
class StagedCommit:
    """An own commit that waits for the hub's answer, with all that is submitted beside it."""

    commit: bytes
    """MLSMessage with a PublicMessage."""
    welcome: bytes | None
    """MLSMessage for all new members, the ratchet tree inside; None if nobody was added."""
    group_info: bytes
    """MLSMessage that describes the new epoch: with external_pub, without the tree."""
    change: CommitChange
    hash: bytes
    """SHA-256 of `commit`."""


def stage_commit(
    epoch: MemberEpoch, intent: CommitIntent, psks: KnownPsks, random: Random
) -> tuple[StagedCommit, EpochStart]:
    """Make a commit, its Welcome and GroupInfo, and the epoch that it would begin.

    Raises:
        UnknownPsk: It mixes in a key that is not among `psks`.
        RemoteMlsError: What `intent` asks for is against a rule; the same one that others would name.
    """
    leaf = intent.leaf or OwnLeaf.of(epoch.own_leaf, epoch.signature_private)
    committer = Committer(
        epoch.public, epoch.own_index, leaf, epoch.signature_private, epoch.secrets.init_secret
    )
    made = make_commit(committer, intent.plan(psks), random)
    message = seal_public(epoch.suite, made.content, epoch.secrets.membership_key, epoch.context_bytes)
    private_keys = {**keys_that_remain(epoch, made.public.tree), **made.private_keys}
    start = EpochStart(made.public, epoch.own_index, made.keys.secrets, private_keys, leaf.signature_private)
    commit = MLSMessage(message).encode()
    result = StagedCommit(
        commit=commit,
        welcome=_welcome(start, made, intent.welcome_extensions, random),
        group_info=group_info_of(start),
        change=made.staged.change,
        hash=hashlib.sha256(commit).digest(),
    )
    return result, start


def group_info_of(start: EpochStart) -> bytes:
    """Give the MLSMessage that describes an epoch to come, for the hub."""
    info = _group_info(start, (external_pub(start.public.suite, start.secrets.external_secret),))
    return MLSMessage(info).encode()


def _group_info(start: EpochStart, extensions: tuple[Extension, ...]) -> GroupInfo:
    return sign_group_info(start.public, start.own_index, start.signature_private, extensions)


def _welcome(
    start: EpochStart, made: MadeCommit, extensions: tuple[Extension, ...], random: Random
) -> bytes | None:
    """Seal the GroupInfo once for all new members, and to each the secrets to enter with (12.4.3.1)."""
    proposals = [proposal for proposal, _ in made.staged.change.proposals]
    added = [proposal.key_package for proposal in proposals if isinstance(proposal, Add)]
    if not added:
        return None
    suite, psks = start.public.suite, psk_names(proposals)
    info = _group_info(start, (ratchet_tree(start.public.tree), *extensions))
    key, nonce = made.keys.entry.welcome_key()
    sealed_info = suite.aead_seal(key, nonce, b"", info.encode())

    def sealed(index: int, key_package: KeyPackage) -> EncryptedGroupSecrets:
        path_secret = None if made.path is None else made.path.secret_for(index)
        secrets = GroupSecrets(made.keys.joiner_secret, path_secret, psks).encode()
        init_key = key_package.init_key
        ciphertext = encrypt_with_label(suite, init_key, WELCOME_LABEL, sealed_info, secrets, random=random)
        return EncryptedGroupSecrets(key_package.ref(suite), ciphertext)

    entries = tuple(map(sealed, made.staged.processed.new_leaves, added))
    return MLSMessage(Welcome(suite.value, entries, sealed_info)).encode()
