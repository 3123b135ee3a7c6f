"""Entering a group by our own commit, with nothing but its GroupInfo and tree (RFC 9420, 12.4.3.2).

Like every own commit it waits for the hub's answer: staged, submitted, merged or discarded. Who comes
back after a loss (resync) removes its old leaf in the same commit; its old rows go when the new group
stands.

    joining = ExternalJoin.stage(store, group_info, leaf, tree=tree)
    submit(joining.staged.commit, joining.staged.group_info)
    group = joining.merge()                                  # or joining.discard()
"""

import hashlib
import os
from collections.abc import Sequence
from typing import Final

from yurt.mls.algorithms import Random
from yurt.mls.codec import Reader, Writer
from yurt.mls.commit import ProposalRef
from yurt.mls.committing import CommitPlan, Committer, make_commit
from yurt.mls.errors import NoPendingCommit, PendingCommitExists, RowsIncomplete
from yurt.mls.external_init import make_external_init
from yurt.mls.framing import MLSMessage, PublicMessage
from yurt.mls.group import Group
from yurt.mls.group_info import GroupInfo
from yurt.mls.group_store import EpochRows, GroupStore
from yurt.mls.key_package_bundle import OwnLeaf
from yurt.mls.member_epoch import EpochStart
from yurt.mls.policy import Policy, judged_by_caller, keep_credentials
from yurt.mls.pre_shared_key import PreSharedKeyID
from yurt.mls.proposals import PreSharedKey, Remove
from yurt.mls.psk_secret import NO_KEYS, KnownPsks, Psks
from yurt.mls.public_group import PublicGroup, StagedPublicCommit
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.staging import StagedCommit, group_info_of
from yurt.mls.validation.group_info import external_pub

_VERSION: Final = 1
_SLOT: Final = "joining"


class ExternalJoin:
    """Our commit from outside while it waits for the hub's answer."""

    def __init__(
        self, store: GroupStore, rows: EpochRows, staged: StagedCommit, start: EpochStart, random: Random
    ) -> None:
        self._store = store
        self._rows = rows
        self.staged = staged
        """What is submitted; there is no Welcome."""
        self._start = start
        self._random = random

    @classmethod
    def stage(
        cls,
        store: GroupStore,
        group_info: bytes,
        leaf: OwnLeaf,
        *,
        tree: RatchetTree | None = None,
        replaces: int | None = None,
        proposals: Sequence[bytes] = (),
        psk_names: Sequence[PreSharedKeyID] = (),
        psks: Psks = NO_KEYS,
        authenticated_data: bytes = b"",
        policy: Policy = keep_credentials,
        random: Random = os.urandom,
    ) -> "ExternalJoin":
        """Make the commit and keep it in a row of its own.

        Args:
            store: Where the rows go; it may still have those of an old membership.
            group_info: The MLSMessage, with external_pub; its signer and the whole tree are verified.
            leaf: Our leaf's content.
            tree: The ratchet tree, if the GroupInfo does not carry it.
            replaces: Our old leaf, which the commit removes; None for somebody new.
            proposals: SelfRemoves of this epoch, as MLSMessages, which the commit shall carry out.
            psk_names: Pre-shared keys that it shall mix in.
            psks: Those keys.
            authenticated_data: Sent readably under the commit's signature.
            policy: What the application says to it; the one that members will judge it by.
            random: Source of every key.

        Raises:
            PendingCommitExists: Another such commit waits; merge or discard it first.
            UnknownPsk: A key of `psk_names` is not in `psks`.
            RemoteMlsError: The GroupInfo does not hold together, or forbids what we want.
        """
        info = MLSMessage.decode(group_info).expect(GroupInfo)
        public = PublicGroup.from_group_info(info, tree, now_ms=None)
        for message in proposals:
            public = public.with_proposal(public.stage_proposal(message))
        rows = EpochRows(store, public.group_id, public.epoch)
        if any(slot == _SLOT for _, slot, _ in store.rows(public.group_id)):
            raise PendingCommitExists
        init, init_secret = make_external_init(public.suite, external_pub(public.suite, info), random)
        removes = () if replaces is None else (Remove(replaces),)
        references = (ProposalRef(pending.reference) for pending in public.proposals)
        plan = CommitPlan(
            proposals=(init, *removes, *map(PreSharedKey, psk_names), *references),
            authenticated_data=authenticated_data,
            psks=KnownPsks.of(psks),
            policy=policy,
        )
        made = make_commit(Committer(public, None, leaf, leaf.signature_private, init_secret), plan, random)
        start = EpochStart(
            made.public,
            made.staged.processed.committer_index,
            made.keys.secrets,
            made.private_keys,
            leaf.signature_private,
        )
        # 12.4.3.2: a PublicMessage without membership tag; we are no member yet.
        commit = MLSMessage(PublicMessage(made.content.content, made.content.auth)).encode()
        staged = _staged(commit, group_info_of(start), made.staged)
        w = Writer().u8(_VERSION).opaque(public.encode()).opaque(commit).opaque(staged.group_info)
        start.encode_secrets(w)
        rows.put(_SLOT, w.bytes())
        return cls(store, rows, staged, start, random)

    @classmethod
    def load(cls, store: GroupStore, group_id: bytes, *, random: Random = os.urandom) -> "ExternalJoin":
        """Read a waiting one back, after a restart.

        Raises:
            NoPendingCommit: None waits.
        """
        for epoch, slot, value in store.rows(group_id):
            if slot == _SLOT:
                return cls._decode(store, EpochRows(store, group_id, epoch), value, random)
        raise NoPendingCommit

    @classmethod
    def _decode(cls, store: GroupStore, rows: EpochRows, value: bytes, random: Random) -> "ExternalJoin":
        r = Reader(value)
        if r.u8() != _VERSION:
            raise RowsIncomplete("the joining row is of a newer version")
        public, commit, group_info = PublicGroup.decode(r.opaque()), r.opaque(), r.opaque()
        after = public.stage(commit, policy=judged_by_caller)  # judged when it was made
        start = EpochStart.decode_secrets(after.apply(), r)
        return cls(store, rows, _staged(commit, group_info, after), start, random)

    def merge(self) -> Group:
        """Enter the group: the hub took our commit. Rows of an old membership go."""
        group_id = self._rows.group_id
        for epoch, slot, _ in list(self._store.rows(group_id)):
            if slot != _SLOT:
                self._store.delete(group_id, epoch, slot)
        self._rows.delete(_SLOT)
        return Group.begin(self._store, self._start, self._random)

    def discard(self) -> None:
        """Forget the commit; it was refused or lost the race. An old membership stays as it is."""
        self._rows.delete(_SLOT)


def _staged(commit: bytes, group_info: bytes, after: StagedPublicCommit) -> StagedCommit:
    return StagedCommit(
        commit=commit,
        welcome=None,
        group_info=group_info,
        change=after.change,
        hash=hashlib.sha256(commit).digest(),
    )
