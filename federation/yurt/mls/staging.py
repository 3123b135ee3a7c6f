"""Making a commit of our own: everything that others will need of it, and nothing changed yet.

The hub decides whether it ends the epoch. Until then it waits as the group's pending commit, in a row of
its own, so that a crash between submitting and merging loses nothing.

    staged, start = stage_commit(epoch, CommitIntent(adds=(key_package,)), os.urandom)
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from yurt.mls.algorithms import Random
from yurt.mls.change import CommitChange
from yurt.mls.commit import Commit
from yurt.mls.describing import external_pub, ratchet_tree, sign_group_info
from yurt.mls.epoch_change import EpochKeys, derive_epoch, keys_that_remain
from yurt.mls.extensions import Extension
from yurt.mls.framed_content import (
    AuthenticatedContent,
    FramedContent,
    FramedContentAuthData,
    Sender,
    WireFormat,
)
from yurt.mls.framing import MLSMessage
from yurt.mls.group_info import GroupInfo
from yurt.mls.joining import WELCOME_LABEL
from yurt.mls.key_package import KeyPackage
from yurt.mls.key_package_bundle import OwnLeaf
from yurt.mls.key_schedule import confirmation_tag, no_commit_secret
from yurt.mls.labels import encrypt_with_label
from yurt.mls.member_epoch import EpochStart, MemberEpoch
from yurt.mls.message_protection import seal_public
from yurt.mls.proposal_list import apply_proposals
from yurt.mls.proposals import Add, GroupContextExtensions, Proposal, Remove
from yurt.mls.tree_math import leaf_to_node
from yurt.mls.treekem import Path, fresh_path, seal_path
from yurt.mls.update_path import UpdatePath
from yurt.mls.welcome import EncryptedGroupSecrets, GroupSecrets, Welcome


@dataclass(frozen=True, slots=True)
class CommitIntent:
    """What a commit shall change; it can be staged again in a later epoch."""

    adds: Sequence[KeyPackage] = ()
    removes: Sequence[int] = ()
    extensions: tuple[Extension, ...] | None = None
    """New extensions of the GroupContext, all of them; None leaves them."""
    leaf: OwnLeaf | None = None
    """New content and signature key of our leaf; None leaves them."""
    force_path: bool = False
    authenticated_data: bytes = b""
    welcome_extensions: tuple[Extension, ...] = ()
    """Further extensions of the GroupInfo that only the Welcome carries."""
    at_ms: int | None = None
    """The time at which lifetimes of added key packages are judged; None judges none."""

    def proposals(self) -> tuple[Proposal, ...]:
        """Give the proposals, in the order in which they are applied (12.3)."""
        context = () if self.extensions is None else (GroupContextExtensions(self.extensions),)
        return (*context, *map(Remove, self.removes), *map(Add, self.adds))

    @property
    def needs_path(self) -> bool:
        """Whether the commit must or shall renew our keys (12.4: only adds may go without)."""
        is_only_adds = bool(self.adds) and not self.removes and self.extensions is None
        return self.force_path or self.leaf is not None or not is_only_adds


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


@dataclass(frozen=True, slots=True)
class _OwnPath:
    """Our renewed path: what the commit carries of it, and what we keep."""

    update_path: UpdatePath
    path: Path = field(repr=False)
    private_keys: dict[int, bytes] = field(repr=False)


def stage_commit(epoch: MemberEpoch, intent: CommitIntent, random: Random) -> tuple[StagedCommit, EpochStart]:
    """Make a commit, its Welcome and GroupInfo, and the epoch that it would begin.

    Raises:
        RemoteMlsError: What `intent` asks for is against a rule; the same one that others would name.
    """
    suite, proposals = epoch.suite, intent.proposals()
    own = None
    # A commit that removes its author has no place for a path; the judge below names the rule.
    if intent.needs_path and epoch.own_index not in intent.removes:
        own = _renew_path(epoch, intent, proposals, random)
    content = _sign(epoch, Commit(proposals, own.update_path if own else None), intent.authenticated_data)
    # Our own commit passes the same judge as anybody's, before anybody sees it.
    staged = epoch.public.stage_content(content, at_ms=intent.at_ms)
    commit_secret = no_commit_secret(suite) if own is None else own.path.commit_secret
    keys = derive_epoch(suite, epoch.secrets, commit_secret, staged.context.encode())
    transcript = staged.context.confirmed_transcript_hash
    tag = confirmation_tag(suite, keys.secrets.confirmation_key, transcript)
    content = replace(content, auth=FramedContentAuthData(content.auth.signature, tag))
    message = seal_public(suite, content, epoch.secrets.membership_key, epoch.context_bytes)
    private_keys = {**keys_that_remain(epoch, staged.change.tree_after), **(own.private_keys if own else {})}
    signature_private = epoch.signature_private if intent.leaf is None else intent.leaf.signature_private
    public = staged.apply(tag)
    start = EpochStart(public, epoch.own_index, keys.secrets, private_keys, signature_private)
    commit = MLSMessage(message).encode()
    result = StagedCommit(
        commit=commit,
        welcome=_welcome(start, keys, intent, staged.processed.new_leaves, own.path if own else None, random),
        group_info=MLSMessage(
            _group_info(start, (external_pub(suite, keys.secrets.external_secret),))
        ).encode(),
        change=staged.change,
        hash=hashlib.sha256(commit).digest(),
    )
    return result, start


def _renew_path(
    epoch: MemberEpoch, intent: CommitIntent, proposals: Sequence[Proposal], random: Random
) -> _OwnPath:
    """Give our leaf and every node above it new keys (12.4.1)."""
    suite, before, own = epoch.suite, epoch.public.context, epoch.own_index
    authored = [(proposal, own) for proposal in proposals]
    applied = apply_proposals(epoch.public.tree, before.extensions, authored)
    path = fresh_path(suite, applied.tree, own, random)
    tree, parent_hash = applied.tree.with_path_keys(own, [step.public for step in path.steps])
    private, public_key = suite.generate_hpke_key(random)
    content = intent.leaf or _current_leaf(epoch)
    leaf = content.path_leaf(suite, public_key, parent_hash, group_id=before.group_id, leaf_index=own)
    tree_hash = tree.with_leaf(own, leaf).tree_hash()
    # 12.4.1: sealed under the next context as far as it is known; the transcript is still the old one.
    context = replace(before, epoch=before.epoch + 1, tree_hash=tree_hash, extensions=applied.extensions)
    nodes = seal_path(suite, path, applied.tree, own, context.encode(), applied.new_leaves, random)
    private_keys = {leaf_to_node(own): private, **path.private_keys()}
    return _OwnPath(UpdatePath(leaf, nodes), path, private_keys)


def _current_leaf(epoch: MemberEpoch) -> OwnLeaf:
    leaf = epoch.own_leaf
    return OwnLeaf(leaf.credential, leaf.capabilities, leaf.extensions, epoch.signature_private)


def _sign(epoch: MemberEpoch, commit: Commit, authenticated_data: bytes) -> AuthenticatedContent:
    context, sender = epoch.public.context, Sender.member(epoch.own_index)
    framed = FramedContent(context.group_id, context.epoch, sender, authenticated_data, commit)
    return AuthenticatedContent.sign(
        epoch.suite, epoch.signature_private, WireFormat.PUBLIC_MESSAGE, framed, epoch.context_bytes
    )


def _group_info(start: EpochStart, extensions: tuple[Extension, ...]) -> GroupInfo:
    return sign_group_info(start.public, start.own_index, start.signature_private, extensions)


def _welcome(
    start: EpochStart,
    keys: EpochKeys,
    intent: CommitIntent,
    new_leaves: Sequence[int],
    path: Path | None,
    random: Random,
) -> bytes | None:
    """Seal the GroupInfo once for all new members, and to each the secrets to enter with (12.4.3.1)."""
    if not new_leaves:
        return None
    suite = start.public.suite
    info = _group_info(start, (ratchet_tree(start.public.tree), *intent.welcome_extensions))
    key, nonce = keys.entry.welcome_key()
    sealed_info = suite.aead_seal(key, nonce, b"", info.encode())

    def sealed(index: int, key_package: KeyPackage) -> EncryptedGroupSecrets:
        path_secret = None if path is None else path.secret_for(index)
        secrets = GroupSecrets(keys.joiner_secret, path_secret).encode()
        init_key = key_package.init_key
        ciphertext = encrypt_with_label(suite, init_key, WELCOME_LABEL, sealed_info, secrets, random=random)
        return EncryptedGroupSecrets(key_package.ref(suite), ciphertext)

    entries = tuple(map(sealed, new_leaves, intent.adds))
    return MLSMessage(Welcome(suite.value, entries, sealed_info)).encode()
