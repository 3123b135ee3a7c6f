"""A group made by hand, for tests of what everybody can check without secrets.

All private signature keys lie on one table, so a test can change one thing in a message and sign it again,
as an insider would. Path secrets are not real: the public side cannot open them anyway.

    table = Table.of(4)
    staged = table.group.stage(table.commit(0, Remove(2)))
    table.then(staged, {})
    table = table.proposed(table.proposal(2, SelfRemove()))
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, TypeVar

from yurt.mls.capabilities import MLS_10, Capabilities
from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.commit import Commit, ProposalOrRef, ProposalRef
from yurt.mls.credential import Credential
from yurt.mls.extensions import Extension, ExtensionType
from yurt.mls.framed_content import AuthenticatedContent, FramedContent, Sender, SenderType, WireFormat
from yurt.mls.framing import MLSMessage, PublicMessage
from yurt.mls.group_context import GroupContext
from yurt.mls.group_info import GroupInfo
from yurt.mls.key_package import KeyPackage
from yurt.mls.labels import HPKECiphertext
from yurt.mls.leaf_node import LeafNode, LeafNodeSource, Lifetime
from yurt.mls.proposal_list import AuthoredProposal, apply_proposals, place_committer
from yurt.mls.proposals import Add, ExternalInit, Proposal, ProposalType
from yurt.mls.public_group import PublicGroup, StagedPublicCommit
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.update_path import UpdatePath, UpdatePathNode
from yurt.mls.validation.commit import needs_path

SUITE: Final = cipher_suite(0x0001)
NOON_MS: Final = 1_800_000_000_000
"""A time at which the key packages made here are valid."""
GROUP_ID: Final = bytes(range(32))
NAMES: Final = ("ana", "bo", "cy", "dee", "eva", "finn", "gus", "hal")
_EXTERNAL_INIT: Final = ExternalInit(bytes(32))


T = TypeVar("T")
Change: TypeAlias = Callable[[T], T]


def as_it_is(value: T) -> T:
    """Change nothing."""
    return value


def hpke_public(suite: CipherSuite = SUITE) -> bytes:
    """Make a public key whose private one nobody keeps."""
    return suite.generate_hpke_key(os.urandom)[1]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a key package."""

    package: KeyPackage
    private: bytes = field(repr=False)

    @classmethod
    def named(
        cls,
        name: str,
        *,
        suite: CipherSuite = SUITE,
        private: bytes | None = None,
        leaf: "Change[LeafNode]" = as_it_is,
        package: "Change[KeyPackage]" = as_it_is,
    ) -> "Person":
        """Make a key package; `leaf` and `package` change the two structures before they are signed."""
        private = private or suite.generate_signature_key()
        noon = NOON_MS // 1000
        node = LeafNode(
            encryption_key=hpke_public(suite),
            signature_key=suite.signature_public(private),
            credential=Credential.basic(name.encode()),
            capabilities=Capabilities(
                cipher_suites=(suite.value,), proposals=(ProposalType.SELF_REMOVE,), credentials=(1,)
            ),
            leaf_node_source=LeafNodeSource.KEY_PACKAGE,
            lifetime=Lifetime(noon - 3600, noon + 86_400),
        )
        offer = KeyPackage(MLS_10, suite.value, hpke_public(suite), leaf(node).signed(suite, private))
        return cls(package(offer).signed(suite, private), private)


@dataclass(frozen=True, slots=True)
class Table:
    """A group and everybody's signature keys by leaf index."""

    group: PublicGroup
    privates: Mapping[int, bytes] = field(repr=False)

    @property
    def suite(self) -> CipherSuite:
        """The group's."""
        return self.group.suite

    @property
    def _tag(self) -> bytes:
        return bytes(self.suite.hash_size)

    @classmethod
    def of(
        cls,
        members: int,
        extensions: tuple[Extension, ...] = (),
        leaf: Change[LeafNode] = as_it_is,
        *,
        suite: CipherSuite = SUITE,
    ) -> "Table":
        """Found a group and add members one by one, each commit with a path of the founder's."""
        founder = Person.named(NAMES[0], leaf=leaf, suite=suite)
        tree = RatchetTree.of(suite, founder.package.leaf_node)
        context = GroupContext(suite.value, GROUP_ID, 0, tree.tree_hash(), b"", extensions)
        group = PublicGroup.found(context, tree, bytes(suite.hash_size))
        table = cls(group, {0: founder.private})
        for name in NAMES[1:members]:
            table = table.add(Person.named(name, leaf=leaf, suite=suite))
        return table

    def add(self, person: Person, *, committer: int = 0) -> "Table":
        """Add somebody with a commit that has a path."""
        staged = self.group.stage(self.commit(committer, Add(person.package), path=True))
        (added,) = (each.index for each in staged.change.entering if each.how == "add")
        return self.then(staged, {added: person.private})

    def then(self, staged: StagedPublicCommit, new: Mapping[int, bytes]) -> "Table":
        """Go on in the next epoch."""
        return Table(staged.apply(), {**self.privates, **new})

    def proposed(self, *messages: bytes) -> "Table":
        """Go on in the same epoch with proposals pending."""
        group = self.group
        for message in messages:
            group = group.with_proposal(group.stage_proposal(message))
        return replace(self, group=group)

    @property
    def refs(self) -> tuple[ProposalRef, ...]:
        """The names of all pending proposals."""
        return tuple(ProposalRef(pending.reference) for pending in self.group.proposals)

    def commit(
        self,
        committer: int,
        *proposals: ProposalOrRef,
        path: UpdatePath | bool | None = None,
        context: GroupContext | None = None,
        change: Change[FramedContent] = as_it_is,
        authenticated_data: bytes = b"",
        tag: bytes | None = None,
    ) -> bytes:
        """Make a signed commit.

        Args:
            committer: Whose key signs.
            proposals: What it carries.
            path: A path of one's own, or whether there is one; None for where the RFC asks for it.
            context: What the signature covers, if not the group's own context.
            change: Changes the content before it is signed.
            authenticated_data: The application's.
            tag: The confirmation tag, which the public side cannot check.
        """
        if not isinstance(path, UpdatePath):
            authored = self._authored(proposals, committer)
            wanted = needs_path([proposal for proposal, _ in authored]) if path is None else path
            path = self.path(committer, *proposals) if wanted else None
        sender = Sender.member(committer)
        framed = FramedContent(
            self.group.group_id, self.group.epoch, sender, authenticated_data, Commit(proposals, path)
        )
        return self.sign(self.privates[committer], change(framed), context or self.group.context, tag)

    def external_commit(
        self,
        joiner: Person,
        *proposals: ProposalOrRef,
        init: tuple[Proposal, ...] = (_EXTERNAL_INIT,),
        path: UpdatePath | bool = True,
        change: Change[FramedContent] = as_it_is,
    ) -> bytes:
        """Make a signed commit of somebody outside; `init` is the ExternalInit, or what stands for it."""
        proposals = (*init, *proposals)
        if path is True:
            path = self.path(None, *proposals, joiner=joiner)
        framed = FramedContent(
            self.group.group_id,
            self.group.epoch,
            Sender(SenderType.NEW_MEMBER_COMMIT),
            b"",
            Commit(proposals, path or None),
        )
        return self.sign(joiner.private, change(framed), self.group.context)

    def proposal(
        self, author: int | Person, proposal: Proposal, *, sender: Sender | None = None, note: bytes = b""
    ) -> bytes:
        """Make a signed proposal that travels on its own, a member's unless `sender` says otherwise."""
        if isinstance(author, Person):
            private, default = author.private, Sender(SenderType.NEW_MEMBER_PROPOSAL)
        else:
            private, default = self.privates[author], Sender.member(author)
        framed = FramedContent(self.group.group_id, self.group.epoch, sender or default, note, proposal)
        return self.sign(private, framed, self.group.context)

    def sign(
        self, private: bytes, content: FramedContent, context: GroupContext, tag: bytes | None = None
    ) -> bytes:
        """Sign any content and frame it."""
        signed = AuthenticatedContent.sign(self.suite, private, WireFormat.PUBLIC_MESSAGE, content, context)
        is_commit = isinstance(content.content, Commit)
        auth = replace(
            signed.auth, confirmation_tag=(self._tag if tag is None else tag) if is_commit else None
        )
        is_member = content.sender.sender_type is SenderType.MEMBER
        return MLSMessage(PublicMessage(content, auth, self._tag if is_member else None)).encode()

    def _authored(self, proposals: Sequence[ProposalOrRef], committer: int | None) -> list[AuthoredProposal]:
        pending = {item.reference: (item.proposal, item.author) for item in self.group.proposals}
        return [
            pending[item.reference] if isinstance(item, ProposalRef) else (item, committer)
            for item in proposals
            if not isinstance(item, ProposalRef) or item.reference in pending
        ]

    def path(
        self,
        committer: int | None,
        *proposals: ProposalOrRef,
        joiner: Person | None = None,
        keys: Change[list[bytes]] = as_it_is,
        ciphertexts: int = 0,
        private: bytes | None = None,
        leaf: Change[LeafNode] = as_it_is,
    ) -> UpdatePath:
        """Make a path over the tree that the proposals leave.

        Args:
            committer: Whose path; None for a joiner's.
            proposals: Those of the same commit.
            joiner: Who commits itself in.
            keys: Changes the public keys of the nodes, lowest first.
            ciphertexts: How many more (or fewer) ciphertexts than receivers each node has.
            private: A new signature key; the old one if there is none.
            leaf: Changes the new leaf before it is signed.
        """
        authored = self._authored(proposals, committer)
        applied = apply_proposals(self.group.tree, self.group.context.extensions, authored)
        tree, place = place_committer(applied.tree, committer)
        nodes = tree.filtered_path_with_copath(place)
        publics = keys([hpke_public(self.suite) for _ in nodes])
        hashed = (publics + [hpke_public(self.suite) for _ in nodes])[: len(nodes)]
        _, parent_hash = tree.with_path_keys(place, hashed)
        before = self.group.tree.leaf(place) if joiner is None else joiner.package.leaf_node
        private = private or (self.privates[place] if joiner is None else joiner.private)
        node = replace(
            before,
            encryption_key=hpke_public(self.suite),
            signature_key=self.suite.signature_public(private),
            leaf_node_source=LeafNodeSource.COMMIT,
            lifetime=None,
            parent_hash=parent_hash,
        )
        new = {2 * index for index in applied.new_leaves}
        sealed = [sum(receiver not in new for receiver in tree.resolution(beside)) for _, beside in nodes]
        one = (HPKECiphertext(hpke_public(self.suite), bytes(48)),)
        steps = tuple(
            UpdatePathNode(key, one * (count + ciphertexts))
            for key, count in zip(publics, sealed + [0] * len(publics), strict=False)
        )
        signed = leaf(node).signed(self.suite, private, group_id=self.group.group_id, leaf_index=place)
        return UpdatePath(signed, steps)

    def group_info(
        self, signer: int = 0, *, with_tree: bool = True, change: Change[GroupInfo] = as_it_is
    ) -> GroupInfo:
        """Describe the group, signed by a member; `change` changes it before it is signed."""
        tree = (Extension(ExtensionType.RATCHET_TREE, self.group.tree.encode()),) if with_tree else ()
        info = GroupInfo(self.group.context, tree, self.group.confirmation_tag, signer)
        return change(info).signed(self.suite, self.privates[signer])
