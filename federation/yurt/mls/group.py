"""A member's group: the one door to everything a device does in a room.

A facade: every rule stands in the module it is named after. The object is a cache of its rows; after a
transaction that was rolled back, drop it and `load` again. Who enters by its own commit begins with
`external_join.ExternalJoin`; a group that follows another with `following`.

    group = Group.create(store, suite, group_id, leaf, extensions=())
    staged = group.stage_commit(adds=[key_package])        # submit staged.commit, .welcome, .group_info
    group.merge()                                          # the hub took it; or group.discard()
    message = group.encrypt(b"hello", padding=padded_length)

    other = Group.join(store, staged.welcome, bundle)
    other.process(message, at=log_time_ms).plaintext
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from yurt.mls import key_schedule
from yurt.mls.algorithms import Random
from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.describing import describe_epoch
from yurt.mls.errors import (
    GroupClosed,
    GroupExists,
    NoPendingCommit,
    PendingCommitExists,
    RemovedFromGroup,
    UnknownGroup,
    Unsupported,
    UseAfterMerge,
    WrongEpoch,
    WrongGroup,
)
from yurt.mls.extensions import Extension
from yurt.mls.framed_content import ContentType
from yurt.mls.framing import MLSMessage, PrivateMessage, PublicMessage
from yurt.mls.group_context import GroupContext
from yurt.mls.group_store import EpochRows, GroupStore
from yurt.mls.joining import FOREVER, Joined, found, join
from yurt.mls.key_package import KeyPackage
from yurt.mls.key_package_bundle import KeyPackageBundle, OwnLeaf
from yurt.mls.leaf_node import Lifetime
from yurt.mls.member_epoch import EpochStart, MemberEpoch
from yurt.mls.message_epoch import ApplicationMessage
from yurt.mls.message_protection import Padding, no_padding
from yurt.mls.own_proposals import propose, propose_update
from yurt.mls.past_epochs import PastEpochs
from yurt.mls.pending_commit import PendingCommit
from yurt.mls.pending_proposals import PendingProposal
from yurt.mls.policy import Policy, keep_credentials
from yurt.mls.proposals import Proposal
from yurt.mls.psk_secret import NO_KEYS, KnownPsks, Psks
from yurt.mls.public_group import PublicGroup
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.receiving import ReceivedCommit, ReceivedProposal, receive_commit, receive_proposal
from yurt.mls.staging import CommitIntent, StagedCommit, stage_commit


@dataclass(frozen=True, slots=True)
class OwnCommit:
    """Our pending commit came back from the log: it was accepted, and `merge` enters its epoch."""

    staged: StagedCommit
    at: int | None
    """Log time in ms at which it was accepted."""


Processed: TypeAlias = ApplicationMessage | ReceivedProposal | ReceivedCommit | OwnCommit


class Group:
    """One device's membership in one group. Every call happens inside the caller's transaction."""

    def __init__(
        self,
        store: GroupStore,
        epoch: MemberEpoch,
        past: PastEpochs,
        pending: PendingCommit | None,
        *,
        random: Random,
        joined: Joined | None = None,
    ) -> None:
        self._store = store
        self._epoch = epoch
        self._past = past
        self._pending = pending
        self._accepted_at: int | None = None
        self._random = random
        self.group_info_extensions = joined.group_info_extensions if joined else ()
        """Those of the Welcome that we joined by; empty after a `load`."""
        self.added_by = joined.added_by if joined else None
        """The leaf index of who welcomed us; None after a `load`, or if we founded the group."""

    # --- entering ---

    @classmethod
    def create(
        cls,
        store: GroupStore,
        suite: CipherSuite,
        group_id: bytes,
        leaf: OwnLeaf,
        *,
        extensions: tuple[Extension, ...] = (),
        lifetime: Lifetime = FOREVER,
        random: Random = os.urandom,
    ) -> "Group":
        """Found a group with ourselves as its only member, in epoch 0.

        Args:
            store: Where its rows go.
            suite: The group's cipher suite, for ever.
            group_id: Fresh; the store must have no rows of it.
            leaf: Our leaf's content.
            extensions: Of the GroupContext.
            lifetime: Of our first leaf. The default is for tools: a hub refuses it as too long.
            random: Source of every key.

        Raises:
            GroupExists: The store has rows of this group.
        """
        return cls.begin(store, found(suite, group_id, leaf, extensions, lifetime, random), random)

    @classmethod
    def join(
        cls,
        store: GroupStore,
        welcome: bytes,
        bundle: KeyPackageBundle,
        *,
        tree: RatchetTree | None = None,
        psks: Psks = NO_KEYS,
        previous: "Group | None" = None,
        random: Random = os.urandom,
    ) -> "Group":
        """Join by a Welcome; the caller deletes the bundle in the same transaction, but a last resort.

        Args:
            store: Where the group's rows go.
            welcome: The MLSMessage.
            bundle: The key package that we were added with, with its private keys.
            tree: The ratchet tree, if the Welcome does not carry it.
            psks: Pre-shared keys that we have.
            previous: The group that this one follows, after a ReInit or as its branch.
            random: Source of every key.

        Raises:
            GroupExists: The store has rows of this group.
            RemoteMlsError: The Welcome is not for us, or does not hold together.
        """
        known, before = KnownPsks.of(psks), None
        if previous is not None:
            before, known = previous.public, known.with_resumption(previous.resumption_psks())
        joined = join(welcome, bundle, tree, known, before)
        return cls.begin(store, joined.start, random, joined)

    @classmethod
    def begin(
        cls, store: GroupStore, start: EpochStart, random: Random, joined: Joined | None = None
    ) -> "Group":
        """Install a first epoch that was derived and verified elsewhere.

        Raises:
            GroupExists: The store has rows of this group.
        """
        group_id = start.public.context.group_id
        if any(True for _ in store.rows(group_id)):
            raise GroupExists(f"group {group_id.hex()}")
        epoch, past = MemberEpoch.install(start, store), PastEpochs(store, group_id, start.public.tree, {})
        return cls(store, epoch, past, None, random=random, joined=joined)

    @classmethod
    def load(cls, store: GroupStore, group_id: bytes, *, random: Random = os.urandom) -> "Group":
        """Read a group back from its rows.

        Raises:
            UnknownGroup: There are none.
            RowsIncomplete: Some are missing.
        """
        epochs: dict[int, dict[str, bytes]] = {}
        for number, slot, value in store.rows(group_id):
            epochs.setdefault(number, {})[slot] = value
        current = max((number for number, slots in epochs.items() if "member" in slots), default=None)
        if current is None:
            raise UnknownGroup(f"group {group_id.hex()}")
        slots = epochs.pop(current)
        epoch = MemberEpoch.load(EpochRows(store, group_id, current), slots)
        pending = PendingCommit.load(slots["pending"], epoch.public) if "pending" in slots else None
        older = {
            number: slots for number, slots in epochs.items() if number < current and "messages" in slots
        }
        past = PastEpochs(store, group_id, epoch.public.tree, older)
        return cls(store, epoch, past, pending, random=random)

    # --- what the group is now ---

    @property
    def group_id(self) -> bytes:
        """The group's id."""
        return self.context.group_id

    @property
    def epoch(self) -> int:
        """The number of the current epoch."""
        return self.context.epoch

    @property
    def own_index(self) -> int:
        """Our leaf index."""
        return self._epoch.own_index

    @property
    def public(self) -> PublicGroup:
        """The current epoch as a hub sees it, with the proposals that came in it."""
        return self._epoch.public

    @property
    def context(self) -> GroupContext:
        """The GroupContext of the current epoch."""
        return self._epoch.public.context

    @property
    def tree(self) -> RatchetTree:
        """The ratchet tree of the current epoch."""
        return self._epoch.public.tree

    @property
    def epoch_authenticator(self) -> bytes:
        """A value that all members of this epoch share and nobody else knows (RFC 9420, 8.7)."""
        return self._epoch.secrets.epoch_authenticator

    @property
    def confirmed_transcript_hash(self) -> bytes:
        """The hash over all commits so far."""
        return self.context.confirmed_transcript_hash

    @property
    def proposals(self) -> tuple[PendingProposal, ...]:
        """Proposals of this epoch that a commit may name, in the order in which they came."""
        return tuple(self._epoch.public.proposals)

    @property
    def pending(self) -> StagedCommit | None:
        """Our own commit that waits for an answer."""
        return None if self._pending is None else self._pending.staged

    def export(self, label: str, context: bytes, length: int) -> bytes:
        """Derive a secret of `length` bytes for the application, the same at every member (8.5)."""
        secret = self._epoch.secrets.exporter_secret
        return key_schedule.export(self._epoch.suite, secret, label, context, length)

    def resumption_psks(self) -> dict[tuple[bytes, int], bytes]:
        """Give the keys of this epoch and the kept ones, for groups that resume from them (8.6)."""
        return {
            **self._past.resumption_psks(),
            (self.group_id, self.epoch): self._epoch.secrets.resumption_psk,
        }

    def group_info(self, *, with_tree: bool = False) -> bytes:
        """Describe the current epoch for a hub or for somebody outside.

        Args:
            with_tree: Whether the ratchet tree is inside.

        Returns:
            An MLSMessage with a GroupInfo that we signed, external_pub always inside.
        """
        return describe_epoch(self._epoch, with_tree=with_tree)

    # --- messages ---

    def encrypt(
        self, plaintext: bytes, *, authenticated_data: bytes = b"", padding: Padding = no_padding
    ) -> bytes:
        """Encrypt an application message; the advanced ratchet is written before this returns.

        Args:
            plaintext: The application's bytes.
            authenticated_data: Sent readably beside it, under the same signature.
            padding: Takes the length of what is encrypted, gives the length to pad it to.

        Returns:
            An MLSMessage with a PrivateMessage.

        Raises:
            GroupClosed: A ReInit ended the group.
        """
        if self.public.reinit is not None:
            raise GroupClosed
        messages, key = self._epoch.messages, self._epoch.signature_private
        return MLSMessage(messages.seal(plaintext, authenticated_data, key, padding, self._random)).encode()

    def process(
        self,
        message: bytes,
        *,
        at: int | None,
        psks: Psks = NO_KEYS,
        policy: Policy = keep_credentials,
    ) -> Processed:
        """Take in a message from the log.

        Args:
            message: The MLSMessage's bytes.
            at: Log time in ms at which it was accepted: judges lifetimes of key packages that a commit
                adds, and decides which past epochs are kept. None where there is no log.
            psks: Pre-shared keys from elsewhere that a commit may mix in.
            policy: What the application says to another's commit.

        Returns:
            A decrypted message, whose key is consumed now; a proposal, which is kept now; another's verified
            commit, for `merge_received`; or our own pending commit, for `merge`.

        Raises:
            RemoteMlsError: The one that names the rule it breaks; nothing has changed.
        """
        body = MLSMessage.decode(message).body
        if isinstance(body, PrivateMessage):
            self._check_group(body.group_id)
            if at is not None:
                self._past.advance(self.epoch, at)
            return self._open(body)
        if isinstance(body, PublicMessage):
            self._check_group(body.content.group_id)
            return self._process_public(message, body, at, psks, policy)
        raise Unsupported(f"a {type(body).__name__} in the log")

    def _process_public(
        self, data: bytes, message: PublicMessage, at: int | None, psks: Psks, policy: Policy
    ) -> ReceivedProposal | ReceivedCommit | OwnCommit:
        if message.content.epoch != self.epoch:
            raise WrongEpoch(self.epoch, message.content.epoch)
        if message.content.content_type is ContentType.PROPOSAL:
            return receive_proposal(self._epoch, message, at)
        if self._pending is not None and self._pending.staged.hash == hashlib.sha256(data).digest():
            self._accepted_at = at
            return OwnCommit(self._pending.staged, at)
        return receive_commit(self._epoch, data, message, at, self._known(psks), policy)

    def _known(self, psks: Psks) -> KnownPsks:
        return KnownPsks.of(psks).with_resumption(self.resumption_psks())

    def _check_group(self, group_id: bytes) -> None:
        if group_id != self.group_id:
            raise WrongGroup

    def _open(self, message: PrivateMessage) -> ApplicationMessage:
        if message.epoch == self.epoch:
            return self._epoch.messages.open(message, self.tree)
        if message.epoch > self.epoch:
            raise WrongEpoch(self.epoch, message.epoch)
        return self._past.open(message)

    # --- proposals on their own ---

    def propose(self, proposal: Proposal, *, authenticated_data: bytes = b"") -> bytes:
        """Propose a change that somebody else may commit; a SelfRemove is how a member leaves.

        Returns:
            An MLSMessage with a PublicMessage. We keep the proposal ourselves, until the epoch ends.

        Raises:
            RemoteMlsError: It is against a rule; the same one that others would name.
        """
        return propose(self._epoch, proposal, authenticated_data)

    def propose_update(self, leaf: OwnLeaf | None = None, *, authenticated_data: bytes = b"") -> bytes:
        """Propose a fresh key for our own leaf.

        Args:
            leaf: New content and signature key of our leaf; None leaves them.
            authenticated_data: Sent readably under the same signature.

        Returns:
            An MLSMessage with a PublicMessage.
        """
        return propose_update(self._epoch, leaf, authenticated_data, self._random)

    # --- commits ---

    def stage_commit(
        self,
        *,
        adds: Sequence[KeyPackage] = (),
        removes: Sequence[int] = (),
        extensions: tuple[Extension, ...] | None = None,
        proposals: Sequence[Proposal] = (),
        references: Sequence[bytes] = (),
        leaf: OwnLeaf | None = None,
        force_path: bool = False,
        authenticated_data: bytes = b"",
        welcome_extensions: tuple[Extension, ...] = (),
        psks: Psks = NO_KEYS,
        at: int | None = None,
        policy: Policy = keep_credentials,
    ) -> StagedCommit:
        """Make a commit and keep it as the pending one; nothing else changes until `merge`.

        Args:
            adds: Key packages of new members.
            removes: Leaf indices to remove.
            extensions: All new extensions of the GroupContext; None leaves them.
            proposals: Further ones: a PreSharedKey, or a ReInit alone.
            references: Of `self.proposals`, those that it commits.
            leaf: New content and signature key of our own leaf; None leaves them.
            force_path: Renew our keys even where the RFC does not ask for it.
            authenticated_data: Sent readably under the commit's signature.
            welcome_extensions: Of the GroupInfo inside the Welcome, beside the tree.
            psks: Pre-shared keys from elsewhere that it mixes in.
            at: Time in ms at which lifetimes of key packages are judged; None judges none.
            policy: What the application says to it; the one that others will judge it by.

        Raises:
            PendingCommitExists: Merge or discard the other one first.
            RemoteMlsError: The commit would break a rule; the same error that others would raise.
        """
        if self._pending is not None:
            raise PendingCommitExists
        intent = CommitIntent(
            adds=tuple(adds),
            removes=tuple(removes),
            extensions=extensions,
            proposals=tuple(proposals),
            references=tuple(references),
            leaf=leaf,
            force_path=force_path,
            authenticated_data=authenticated_data,
            welcome_extensions=welcome_extensions,
            at_ms=at,
            policy=policy,
        )
        pending = PendingCommit(*stage_commit(self._epoch, intent, self._known(psks), self._random))
        pending.write(self._epoch.rows)
        self._pending = pending
        return pending.staged

    def merge(self, *, at: int | None = None) -> None:
        """Enter the epoch of our pending commit.

        Args:
            at: Log time in ms at which it was accepted; by default that of the `OwnCommit`, else the next
                time that `process` is told.

        Raises:
            NoPendingCommit: There is none.
        """
        if self._pending is None:
            raise NoPendingCommit
        self._enter(self._pending.start, self._accepted_at if at is None else at)

    def discard(self) -> None:
        """Forget our pending commit; it was refused or lost the race.

        Raises:
            NoPendingCommit: There is none.
        """
        if self._pending is None:
            raise NoPendingCommit
        PendingCommit.erase(self._epoch.rows)
        self._pending = None

    def merge_received(self, received: ReceivedCommit) -> None:
        """Enter the epoch of another's commit; a pending one of our own is lost with the old epoch.

        Raises:
            UseAfterMerge: The group has gone on since.
            RemovedFromGroup: The commit removes us; `forget` is all that is left.
        """
        if received.change.epoch != self.epoch:
            raise UseAfterMerge
        if received.start is None:
            raise RemovedFromGroup
        self._enter(received.start, received.at)

    def _enter(self, start: EpochStart, ended_at: int | None) -> None:
        old = self._epoch
        self._epoch = MemberEpoch.install(start, self._store)
        resumption_psk = old.secrets.resumption_psk
        self._past.add(old.messages, old.public.tree, start.public.tree, resumption_psk, ended_at)
        old.end()
        self._pending = self._accepted_at = None
        if ended_at is not None:
            self._past.advance(self.epoch, ended_at)

    def forget(self) -> None:
        """Delete every row of the group."""
        for epoch in {epoch for epoch, _, _ in self._store.rows(self.group_id)}:
            self._store.delete_epoch(self.group_id, epoch)
