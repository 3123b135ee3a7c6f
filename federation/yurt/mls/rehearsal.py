"""Members in memory, for tests and benchmarks: a group of any size in a few lines, without a node.

ana, bo, cy = room("ana", "bo", "cy")
everyone(ana, bo, cy, commit=ana.group.stage_commit(removes=[bo.index]))
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from yurt.mls.algorithms import Random
from yurt.mls.capabilities import Capabilities
from yurt.mls.cipher_suite import X25519_AES128GCM_SHA256_ED25519, CipherSuite
from yurt.mls.credential import Credential, CredentialType
from yurt.mls.extensions import Extension, ExtensionType
from yurt.mls.external_join import ExternalJoin
from yurt.mls.group import Group, OwnCommit, Processed
from yurt.mls.group_store import GroupStore, MemoryGroupStore
from yurt.mls.key_package_bundle import KeyPackageBundle, OwnLeaf, make_key_package
from yurt.mls.message_epoch import ApplicationMessage
from yurt.mls.proposals import ProposalType
from yurt.mls.receiving import ReceivedCommit, ReceivedProposal
from yurt.mls.staging import StagedCommit

SUITE: Final = X25519_AES128GCM_SHA256_ED25519
GROUP_ID: Final = b"a room with thirty-two byte name"
NOT_AFTER: Final = 80 * 86_400


def own_leaf(name: str, *, signature_private: bytes | None = None, suite: CipherSuite = SUITE) -> OwnLeaf:
    """Make the content of somebody's leaf, with a fresh signature key unless one is given."""
    return OwnLeaf(
        Credential.basic(f"https://a.example/users/{name}".encode()),
        Capabilities(
            cipher_suites=(suite.value,),
            extensions=(ExtensionType.LAST_RESORT,),
            proposals=(ProposalType.SELF_REMOVE,),
            credentials=(CredentialType.BASIC,),
        ),
        (),
        signature_private or suite.generate_signature_key(),
    )


class PowerCut(Exception):
    """The machine stopped at a write."""


class FailingStore:
    """Rows whose machine stops before the n-th write; what was written before stands."""

    def __init__(self, kept: GroupStore, writes: int) -> None:
        self._kept = kept
        self.writes_left = writes

    def _write(self) -> None:
        if self.writes_left == 0:
            raise PowerCut
        self.writes_left -= 1

    def put(self, group_id: bytes, epoch: int, slot: str, value: bytes) -> None:
        """Write a row, if the power lasts."""
        self._write()
        self._kept.put(group_id, epoch, slot, value)

    def delete(self, group_id: bytes, epoch: int, slot: str) -> None:
        """Delete a row, if the power lasts."""
        self._write()
        self._kept.delete(group_id, epoch, slot)

    def delete_epoch(self, group_id: bytes, epoch: int) -> None:
        """Delete an epoch's rows, if the power lasts."""
        self._write()
        self._kept.delete_epoch(group_id, epoch)

    def rows(self, group_id: bytes) -> Iterable[tuple[int, str, bytes]]:
        """Give every row of a group."""
        return self._kept.rows(group_id)


@dataclass(slots=True)
class Member:
    """Somebody's device with its rows; the group is there once it was founded or joined."""

    name: str
    store: GroupStore = field(default_factory=MemoryGroupStore)
    random: Random = os.urandom
    suite: CipherSuite = SUITE
    _group: Group | None = None
    bundle: KeyPackageBundle | None = None
    """The newest key package, until it was used."""

    @property
    def group(self) -> Group:
        """The group as it is cached; `reload` reads it again from the rows."""
        if self._group is None:
            self.reload()
        if self._group is None:
            raise LookupError(self.name)
        return self._group

    @property
    def index(self) -> int:
        """The member's leaf index."""
        return self.group.own_index

    def found(self, *, extensions: tuple[Extension, ...] = ()) -> "Member":
        """Found the group."""
        self._group = Group.create(
            self.store, self.suite, GROUP_ID, self.leaf(), extensions=extensions, random=self.random
        )
        return self

    def leaf(self) -> OwnLeaf:
        """Make the content of a leaf with a fresh signature key."""
        return own_leaf(self.name, suite=self.suite)

    def key_package(self) -> KeyPackageBundle:
        """Make a key package and keep it for `join`."""
        self.bundle = make_key_package(self.suite, self.leaf(), 0, NOT_AFTER, random=self.random)
        return self.bundle

    def join(self, welcome: bytes | None) -> "Member":
        """Join with the newest key package."""
        if welcome is None or self.bundle is None:
            raise LookupError(self.name)
        self._group = Group.join(self.store, welcome, self.bundle, random=self.random)
        self.bundle = None
        return self

    def join_from_outside(
        self, inside: "Member", *, replaces: int | None = None, proposals: Sequence[bytes] = ()
    ) -> StagedCommit:
        """Enter by our own commit, with what a member tells of its group; the others follow it later."""
        joining = ExternalJoin.stage(
            self.store,
            inside.group.group_info(with_tree=True),
            self.leaf(),
            replaces=replaces,
            proposals=proposals,
            random=self.random,
        )
        self._group = joining.merge()
        return joining.staged

    def hear(self, message: bytes, *, at: int = 0) -> bytes:
        """Decrypt a message of the application."""
        received = self.group.process(message, at=at)
        if not isinstance(received, ApplicationMessage):
            raise TypeError(type(received).__name__)
        return received.plaintext

    def reload(self) -> "Member":
        """Forget everything in memory and read the rows, as after a restart."""
        self._group = Group.load(self.store, GROUP_ID, random=self.random)
        return self

    def follow(self, staged: StagedCommit, *, at: int = 0) -> None:
        """Process an accepted commit, our own or another's, and enter its epoch; or forget the group."""
        processed = self.group.process(staged.commit, at=at)
        if isinstance(processed, OwnCommit):
            self.group.merge()
        elif isinstance(processed, ReceivedCommit) and processed.removes_me:
            self.group.forget()
        elif isinstance(processed, ReceivedCommit):
            self.group.merge_received(processed)


def everyone(members: Iterable[Member], staged: StagedCommit, *, at: int = 0) -> None:
    """Let every member of a group follow a commit."""
    for member in members:
        member.follow(staged, at=at)


def add(to: Sequence[Member], joiners: Sequence[Member], *, force_path: bool = False) -> StagedCommit:
    """Let the first of `to` add people in one commit, and everybody follow it."""
    packages = [joiner.key_package().key_package for joiner in joiners]
    staged = to[0].group.stage_commit(adds=packages, force_path=force_path)
    everyone(to, staged)
    for joiner in joiners:
        joiner.join(staged.welcome)
    return staged


def tell(members: Iterable[Member], proposal: bytes, *, at: int = 0) -> bytes:
    """Let every member of a group take in a proposal; gives its reference."""
    references = {_kept(member.group.process(proposal, at=at)) for member in members}
    (reference,) = references
    return reference


def _kept(received: Processed) -> bytes:
    if not isinstance(received, ReceivedProposal):
        raise TypeError(type(received).__name__)
    return received.pending.reference


def room(*names: str, suite: CipherSuite = SUITE) -> list[Member]:
    """Make a group whose first member added all others in one commit."""
    founder, *others = (Member(name, suite=suite) for name in names)
    founder.found()
    if others:
        add([founder], others)
    return [founder, *others]
