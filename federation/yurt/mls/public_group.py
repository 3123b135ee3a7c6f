"""A group as somebody without its secrets can follow it: a hub checks every commit, and decrypts nothing.

    group = PublicGroup.from_group_info(message, None, now_ms=now)
    staged = group.stage(commit)            # signature and every public rule hold
    judge(staged.change)                    # the application's rules
    group = staged.apply()

    pending = group.stage_proposal(message) # a SelfRemove, or whatever else travels on its own
    judge(pending.sender, pending.proposal)
    group = group.with_proposal(pending)    # a commit of this epoch may name it now

What only members can check, the membership and confirmation tags, is taken as given. Nothing here may
import the secret side (`group`, `key_schedule`, `secret_tree`, `treekem`): the node loads this module.
"""

from dataclasses import dataclass, replace
from typing import Final, Self

from typing_extensions import override

from yurt.mls.change import CommitChange
from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.commit_processing import NONE_PENDING, ProcessedCommit, process_commit
from yurt.mls.errors import (
    DecodeError,
    GroupClosed,
    InvalidCommit,
    InvalidGroupInfo,
    NoConfirmationTag,
    StaleProposal,
    WrongEpoch,
    WrongGroup,
)
from yurt.mls.extensions import ExtensionType, find_extension
from yurt.mls.framed_content import AuthenticatedContent
from yurt.mls.framing import MLSMessage, PublicMessage
from yurt.mls.group_context import GroupContext
from yurt.mls.group_info import GroupInfo
from yurt.mls.pending_proposals import PendingProposal, PendingProposals
from yurt.mls.policy import Policy, keep_credentials
from yurt.mls.proposal_processing import process_proposal
from yurt.mls.proposals import ReInit
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.transcript import confirmed_transcript_hash, interim_transcript_hash
from yurt.mls.validation.codes import CommitRule
from yurt.mls.validation.group_info import GroupInfoRule, check_group, check_signer

_PLAIN: Final = 1
"""The snapshot of an epoch in which nothing is pending and no ReInit came: what every release reads."""
_WITH_PROPOSALS: Final = 2


@dataclass(frozen=True, slots=True)
class PublicGroup(Structure):
    """One epoch of a group, without secrets; it never changes, a commit gives the next one."""

    context: GroupContext
    tree: RatchetTree
    confirmation_tag: bytes
    """Of the commit that began this epoch."""
    interim_transcript_hash: bytes
    proposals: PendingProposals = NONE_PENDING
    """Of this epoch, sent on their own; a commit may name them."""
    reinit: ReInit | None = None
    """How the group's members continue elsewhere; then this epoch is its last (11.2)."""

    @classmethod
    def found(cls, context: GroupContext, tree: RatchetTree, confirmation_tag: bytes) -> Self:
        """Begin with an epoch that the caller made or verified."""
        suite = cipher_suite(context.cipher_suite)
        interim = interim_transcript_hash(suite, context.confirmed_transcript_hash, confirmation_tag)
        return cls(context, tree, confirmation_tag, interim)

    @classmethod
    def from_group_info(
        cls, group_info: bytes | GroupInfo, tree: RatchetTree | None, *, now_ms: int | None
    ) -> Self:
        """Verify a GroupInfo and its whole tree.

        Args:
            group_info: The MLSMessage, or the structure from inside a Welcome.
            tree: The tree, if the GroupInfo does not carry it as an extension.
            now_ms: The time at which lifetimes of leaves are judged, in ms since 1970; None judges none.

        Raises:
            DecodeError: It is malformed.
            UnsupportedCipherSuite: The group uses a suite that we do not have.
            InvalidGroupInfo, InvalidTree, InvalidLeafNode, InvalidSignature: With the rule's code.
        """
        info = _read_group_info(group_info)
        suite = cipher_suite(info.group_context.cipher_suite)
        tree = _read_tree(suite, info) if tree is None else tree
        check_signer(suite, info, tree)
        check_group(suite, info.group_context, tree, at_ms=now_ms)
        return cls.found(info.group_context, tree, info.confirmation_tag)

    @property
    def suite(self) -> CipherSuite:
        """The group's cipher suite."""
        return self.tree.suite

    @property
    def group_id(self) -> bytes:
        """The group's id."""
        return self.context.group_id

    @property
    def epoch(self) -> int:
        """The epoch's number."""
        return self.context.epoch

    def stage(
        self, message: bytes, *, at_ms: int | None = None, policy: Policy = keep_credentials
    ) -> "StagedPublicCommit":
        """Verify a commit that travels as a PublicMessage; this group stays as it is.

        Args:
            message: The MLSMessage.
            at_ms: The time at which lifetimes of added key packages are judged; None judges none.
            policy: What the application says to it.

        Raises:
            RemoteMlsError: Its `rule` says why the commit is not valid here.
        """
        content = MLSMessage.decode(message).expect(PublicMessage).authenticated_content()
        tag = content.auth.confirmation_tag
        if tag is not None and len(tag) != self.suite.hash_size:
            # Nobody outside can verify the tag; of this size no member could.
            raise InvalidCommit(CommitRule.TAG_SIZE, f"{len(tag)} bytes")
        return self.stage_content(content, at_ms=at_ms, policy=policy)

    def stage_content(
        self,
        content: AuthenticatedContent,
        *,
        at_ms: int | None = None,
        policy: Policy = keep_credentials,
    ) -> "StagedPublicCommit":
        """Verify a commit that was already taken out of its message; else like `stage`."""
        self._refuse_if_closed()
        processed = process_commit(self.context, self.tree, content, self.proposals, at_ms=at_ms)
        policy(processed.change)
        confirmed = confirmed_transcript_hash(self.suite, self.interim_transcript_hash, content)
        context = replace(processed.provisional_context, confirmed_transcript_hash=confirmed)
        return StagedPublicCommit(processed, context)

    def stage_proposal(
        self, message: bytes | AuthenticatedContent, *, at_ms: int | None = None
    ) -> PendingProposal:
        """Verify a proposal that travels on its own; this group stays as it is.

        Args:
            message: The MLSMessage with a PublicMessage, or what a member took out of its frame.
            at_ms: The time at which the lifetime of an added key package is judged; None judges none.

        Raises:
            RemoteMlsError: Its `rule` says why the proposal is not valid here.
        """
        if isinstance(message, bytes):
            message = MLSMessage.decode(message).expect(PublicMessage).authenticated_content()
        self._refuse_if_closed()
        return process_proposal(self.context, self.tree, message, self.proposals, at_ms=at_ms)

    def with_proposal(self, pending: PendingProposal) -> "PublicGroup":
        """Give this epoch with one more proposal that its commit may name.

        Raises:
            StaleProposal: It was staged in another group or epoch.
        """
        content = pending.content.content
        if (content.group_id, content.epoch) != (self.group_id, self.epoch):
            raise StaleProposal
        return replace(self, proposals=self.proposals.add(pending))

    def _refuse_if_closed(self) -> None:
        if self.reinit is not None:
            raise GroupClosed

    def check_group_info(self, group_info: bytes) -> GroupInfo:
        """Verify that a GroupInfo, as an MLSMessage, describes exactly this epoch.

        Raises:
            WrongGroup, WrongEpoch: It describes another.
            InvalidGroupInfo: Its context or confirmation tag differs, or its signer is no member.
            InvalidSignature: Its signer did not sign it.
        """
        info = _read_group_info(group_info)
        if info.group_context.group_id != self.group_id:
            raise WrongGroup
        if info.group_context.epoch != self.epoch:
            raise WrongEpoch(have=self.epoch, got=info.group_context.epoch)
        if info.group_context != self.context:
            raise InvalidGroupInfo(GroupInfoRule.OTHER_CONTEXT)
        if info.confirmation_tag != self.confirmation_tag:
            raise InvalidGroupInfo(GroupInfoRule.OTHER_CONFIRMATION)
        check_signer(self.suite, info, self.tree)
        return info

    @override
    def encode_to(self, w: Writer) -> None:
        """Write a snapshot, in our own format: for our own store, never to be sent."""
        is_plain = not self.proposals.items and self.reinit is None
        w.u8(_PLAIN if is_plain else _WITH_PROPOSALS)
        self.context.encode_to(w)
        w.raw(self.tree.encode()).opaque(self.confirmation_tag).opaque(self.interim_transcript_hash)
        if not is_plain:
            w.vector(item.content for item in self.proposals).optional(self.reinit)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read a snapshot; what it holds was verified when it was written."""
        version = r.u8()
        if version not in (_PLAIN, _WITH_PROPOSALS):
            raise DecodeError(f"snapshot version {version} is unknown")
        context = GroupContext.decode_from(r)
        tree = RatchetTree.decode_from(cipher_suite(context.cipher_suite), r)
        group = cls(context, tree, r.opaque(), r.opaque())
        if version == _PLAIN:
            return group
        sent = r.vector(AuthenticatedContent.decode_from)
        pending = PendingProposals(tuple(PendingProposal.of(group.suite, content) for content in sent))
        return replace(group, proposals=pending, reinit=r.optional(ReInit.decode_from))


@dataclass(frozen=True, slots=True)
class StagedPublicCommit:
    """A commit whose public rules hold, not applied yet. Dropping it is all it takes to refuse it."""

    processed: ProcessedCommit
    context: GroupContext
    """The context of the epoch that the commit begins."""

    @property
    def change(self) -> CommitChange:
        """What the commit changes, for the application's rules."""
        return self.processed.change

    def apply(self, confirmation_tag: bytes | None = None) -> PublicGroup:
        """Give the group in its next epoch.

        Args:
            confirmation_tag: Of a commit that does not carry it yet; else the commit's own is taken.
        """
        tag = confirmation_tag or self.processed.content.auth.confirmation_tag
        if tag is None:
            raise NoConfirmationTag
        reinit = next((p for p, _ in self.change.proposals if isinstance(p, ReInit)), None)
        return replace(PublicGroup.found(self.context, self.change.tree_after, tag), reinit=reinit)


def _read_group_info(group_info: bytes | GroupInfo) -> GroupInfo:
    if isinstance(group_info, GroupInfo):
        return group_info
    return MLSMessage.decode(group_info).expect(GroupInfo)


def _read_tree(suite: CipherSuite, info: GroupInfo) -> RatchetTree:
    data = find_extension(info.extensions, ExtensionType.RATCHET_TREE)
    if data is None:
        raise InvalidGroupInfo(GroupInfoRule.NO_TREE)
    return RatchetTree.decode(suite, data)
