"""Making a commit, whoever makes it: a member, or somebody outside who enters by it (RFC 9420, 12.4).

Everything of a commit but how it travels: its path, its signature, the epoch that it begins and the tag
that proves it. Our own commit passes the same judge as anybody's, before anybody sees it.

    made = make_commit(committer, plan, random)
    made.content, made.start, made.keys
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from yurt.mls.algorithms import Random
from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.commit import Commit, ProposalOrRef
from yurt.mls.epoch_change import EpochKeys, derive_epoch
from yurt.mls.framed_content import (
    AuthenticatedContent,
    FramedContent,
    FramedContentAuthData,
    Sender,
    SenderType,
    WireFormat,
)
from yurt.mls.key_package_bundle import OwnLeaf
from yurt.mls.key_schedule import confirmation_tag, no_commit_secret
from yurt.mls.policy import Policy, keep_credentials
from yurt.mls.proposal_list import (
    AuthoredProposal,
    apply_proposals,
    changed_leaf,
    place_committer,
    resolve_proposals,
)
from yurt.mls.psk_secret import KnownPsks, psk_names
from yurt.mls.public_group import PublicGroup, StagedPublicCommit
from yurt.mls.tree_math import leaf_to_node
from yurt.mls.treekem import Path, fresh_path, seal_path
from yurt.mls.update_path import UpdatePath
from yurt.mls.validation.commit import needs_path


@dataclass(frozen=True, slots=True)
class Committer:
    """Who commits, and what it needs to know for that."""

    public: PublicGroup
    """The epoch that the commit ends."""
    index: int | None
    """Our leaf; None if we enter by this commit."""
    leaf: OwnLeaf
    """What our leaf says afterwards, and the key that it is signed with."""
    signature_private: bytes = field(repr=False)
    """The key that the commit is signed with: that of our leaf as it is, or the entering one's."""
    init_secret: bytes = field(repr=False)
    """Of the epoch that ends, or from an ExternalInit."""

    @property
    def suite(self) -> CipherSuite:
        """The group's."""
        return self.public.suite

    @property
    def sender(self) -> Sender:
        """How the commit names us."""
        return Sender(SenderType.NEW_MEMBER_COMMIT) if self.index is None else Sender.member(self.index)


@dataclass(frozen=True, slots=True)
class CommitPlan:
    """What a commit shall say."""

    proposals: tuple[ProposalOrRef, ...]
    force_path: bool = False
    authenticated_data: bytes = b""
    psks: KnownPsks = field(default_factory=KnownPsks)
    at_ms: int | None = None
    """The time at which lifetimes of added key packages are judged; None judges none."""
    policy: Policy = keep_credentials
    """What the application says to it."""


@dataclass(frozen=True, slots=True)
class MadeCommit:
    """A commit with everything that its maker knows of the epoch that it begins."""

    content: AuthenticatedContent
    """Signed, with its confirmation tag."""
    staged: StagedPublicCommit
    public: PublicGroup
    """The epoch that it begins."""
    keys: EpochKeys = field(repr=False)
    path: Path | None = field(repr=False)
    private_keys: dict[int, bytes] = field(repr=False)
    """Our new private keys by node; none without a path."""


@dataclass(frozen=True, slots=True)
class _OwnPath:
    update_path: UpdatePath
    path: Path = field(repr=False)
    private_keys: dict[int, bytes] = field(repr=False)


def make_commit(committer: Committer, plan: CommitPlan, random: Random) -> MadeCommit:
    """Make a commit and judge it.

    Raises:
        RemoteMlsError: What `plan` asks for is against a rule; the same one that others would name.
    """
    suite, public = committer.suite, committer.public
    committed = resolve_proposals(Commit(plan.proposals), committer.sender, public.proposals)
    authored = [(each.proposal, each.author) for each in committed]
    own = _renew_path(committer, authored, random) if _has_path(committer, plan, authored) else None
    content = _sign(committer, Commit(plan.proposals, own.update_path if own else None), plan)
    staged = public.stage_content(content, at_ms=plan.at_ms, policy=plan.policy)
    commit_secret = own.path.commit_secret if own else no_commit_secret(suite)
    psk_secret = plan.psks.secret(suite, psk_names(proposal for proposal, _ in authored))
    keys = derive_epoch(suite, committer.init_secret, commit_secret, psk_secret, staged.context.encode())
    transcript = staged.context.confirmed_transcript_hash
    tag = confirmation_tag(suite, keys.secrets.confirmation_key, transcript)
    content = replace(content, auth=FramedContentAuthData(content.auth.signature, tag))
    path, private_keys = (own.path, own.private_keys) if own else (None, {})
    return MadeCommit(content, staged, staged.apply(tag), keys, path, private_keys)


def _has_path(committer: Committer, plan: CommitPlan, authored: Sequence[AuthoredProposal]) -> bool:
    if committer.index is None:
        return True
    if any(changed_leaf(proposal, author) == committer.index for proposal, author in authored):
        return False  # without a leaf of ours there is no place for a path; the judge names the rule
    return plan.force_path or needs_path([proposal for proposal, _ in authored])


def _renew_path(committer: Committer, authored: Sequence[AuthoredProposal], random: Random) -> _OwnPath:
    """Give our leaf and every node above it new keys (12.4.1)."""
    suite, before = committer.suite, committer.public.context
    applied = apply_proposals(committer.public.tree, before.extensions, authored)
    placed, own = place_committer(applied.tree, committer.index)
    path = fresh_path(suite, placed, own, random)
    tree, parent_hash = placed.with_path_keys(own, [step.public for step in path.steps])
    private, public_key = suite.generate_hpke_key(random)
    leaf = committer.leaf.path_leaf(suite, public_key, parent_hash, group_id=before.group_id, leaf_index=own)
    tree_hash = tree.with_leaf(own, leaf).tree_hash()
    # 12.4.1: sealed under the next context as far as it is known; the transcript is still the old one.
    context = replace(before, epoch=before.epoch + 1, tree_hash=tree_hash, extensions=applied.extensions)
    nodes = seal_path(suite, path, placed, own, context.encode(), applied.new_leaves, random)
    return _OwnPath(UpdatePath(leaf, nodes), path, {leaf_to_node(own): private, **path.private_keys()})


def _sign(committer: Committer, commit: Commit, plan: CommitPlan) -> AuthenticatedContent:
    context = committer.public.context
    framed = FramedContent(context.group_id, context.epoch, committer.sender, plan.authenticated_data, commit)
    return AuthenticatedContent.sign(
        committer.suite, committer.signature_private, WireFormat.PUBLIC_MESSAGE, framed, context
    )
