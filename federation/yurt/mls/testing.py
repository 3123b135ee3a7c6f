"""A group made by hand, for tests of what everybody can check without secrets.

All private signature keys lie on one table, so a test can change one thing in a message and sign it again,
as an insider would. Path secrets are not real: the public side cannot open them anyway.

    table = Table.of(4)
    staged = table.group.stage(table.commit(0, Remove(2)))
    table.then(staged, {})
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, TypeVar

from yurt.mls.capabilities import MLS_10, Capabilities
from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.commit import Commit, ProposalOrRef, ProposalRef
from yurt.mls.credential import Credential
from yurt.mls.extensions import Extension, ExtensionType
from yurt.mls.framed_content import AuthenticatedContent, FramedContent, Sender, WireFormat
from yurt.mls.framing import MLSMessage, PublicMessage
from yurt.mls.group_context import GroupContext
from yurt.mls.group_info import GroupInfo
from yurt.mls.key_package import KeyPackage
from yurt.mls.labels import HPKECiphertext
from yurt.mls.leaf_node import LeafNode, LeafNodeSource, Lifetime
from yurt.mls.proposal_list import apply_proposals
from yurt.mls.proposals import Add, Proposal
from yurt.mls.public_group import PublicGroup, StagedPublicCommit
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.update_path import UpdatePath, UpdatePathNode
from yurt.mls.validation.commit import needs_path

SUITE: Final = cipher_suite(0x0001)
NOON_MS: Final = 1_800_000_000_000
"""A time at which the key packages made here are valid."""
GROUP_ID: Final = bytes(range(32))
NAMES: Final = ("ana", "bo", "cy", "dee", "eva", "finn", "gus", "hal")
_TAG: Final = bytes(32)


T = TypeVar("T")
Change: TypeAlias = Callable[[T], T]


def as_it_is(value: T) -> T:
    """Change nothing."""
    return value


def hpke_public() -> bytes:
    """Make a public key whose private one nobody keeps."""
    return SUITE.generate_hpke_key(os.urandom)[1]


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
        private: bytes | None = None,
        leaf: "Change[LeafNode]" = as_it_is,
        package: "Change[KeyPackage]" = as_it_is,
    ) -> "Person":
        """Make a key package; `leaf` and `package` change the two structures before they are signed."""
        private = private or SUITE.generate_signature_key()
        noon = NOON_MS // 1000
        node = LeafNode(
            encryption_key=hpke_public(),
            signature_key=SUITE.signature_public(private),
            credential=Credential.basic(name.encode()),
            capabilities=Capabilities(cipher_suites=(SUITE.value,), credentials=(1,)),
            leaf_node_source=LeafNodeSource.KEY_PACKAGE,
            lifetime=Lifetime(noon - 3600, noon + 86_400),
        )
        offer = KeyPackage(MLS_10, SUITE.value, hpke_public(), leaf(node).signed(SUITE, private))
        return cls(package(offer).signed(SUITE, private), private)


@dataclass(frozen=True, slots=True)
class Table:
    """A group and everybody's signature keys by leaf index."""

    group: PublicGroup
    privates: Mapping[int, bytes] = field(repr=False)

    @classmethod
    def of(
        cls, members: int, extensions: tuple[Extension, ...] = (), leaf: Change[LeafNode] = as_it_is
    ) -> "Table":
        """Found a group and add members one by one, each commit with a path of the founder's."""
        founder = Person.named(NAMES[0], leaf=leaf)
        tree = RatchetTree.of(SUITE, founder.package.leaf_node)
        context = GroupContext(SUITE.value, GROUP_ID, 0, tree.tree_hash(), b"", extensions)
        table = cls(PublicGroup.found(context, tree, _TAG), {0: founder.private})
        for name in NAMES[1:members]:
            table = table.add(Person.named(name, leaf=leaf))
        return table

    def add(self, person: Person, *, committer: int = 0) -> "Table":
        """Add somebody with a commit that has a path."""
        staged = self.group.stage(self.commit(committer, Add(person.package), path=True))
        (added,) = (each.index for each in staged.change.entering if each.how == "add")
        return self.then(staged, {added: person.private})

    def then(self, staged: StagedPublicCommit, new: Mapping[int, bytes]) -> "Table":
        """Go on in the next epoch."""
        return Table(staged.apply(), {**self.privates, **new})

    def commit(
        self,
        committer: int,
        *proposals: ProposalOrRef,
        path: UpdatePath | bool | None = None,
        context: GroupContext | None = None,
        change: Change[FramedContent] = as_it_is,
        authenticated_data: bytes = b"",
        tag: bytes = _TAG,
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
        values = [item for item in proposals if not isinstance(item, ProposalRef)]
        if not isinstance(path, UpdatePath):
            wanted = needs_path(values) if path is None else path
            path = self.path(committer, *values) if wanted else None
        sender = Sender.member(committer)
        framed = FramedContent(
            self.group.group_id, self.group.epoch, sender, authenticated_data, Commit(proposals, path)
        )
        return self.sign(committer, change(framed), context or self.group.context, tag)

    def sign(self, signer: int, content: FramedContent, context: GroupContext, tag: bytes = _TAG) -> bytes:
        """Sign any content with a member's key and frame it."""
        signed = AuthenticatedContent.sign(
            SUITE, self.privates[signer], WireFormat.PUBLIC_MESSAGE, content, context
        )
        is_commit = isinstance(content.content, Commit)
        auth = replace(signed.auth, confirmation_tag=tag if is_commit else None)
        is_member = content.sender.index is not None and content.sender.sender_type == 1
        return MLSMessage(PublicMessage(content, auth, _TAG if is_member else None)).encode()

    def path(
        self,
        committer: int,
        *proposals: Proposal,
        keys: Change[list[bytes]] = as_it_is,
        ciphertexts: int = 0,
        private: bytes | None = None,
        leaf: Change[LeafNode] = as_it_is,
    ) -> UpdatePath:
        """Make a path over the tree that the proposals leave.

        Args:
            committer: Whose path.
            proposals: Those of the same commit.
            keys: Changes the public keys of the nodes, lowest first.
            ciphertexts: How many more (or fewer) ciphertexts than receivers each node has.
            private: A new signature key; the old one if there is none.
            leaf: Changes the new leaf before it is signed.
        """
        authored = [(proposal, committer) for proposal in proposals]
        applied = apply_proposals(self.group.tree, self.group.context.extensions, authored)
        nodes = applied.tree.filtered_path_with_copath(committer)
        publics = keys([hpke_public() for _ in nodes])
        hashed = (publics + [hpke_public() for _ in nodes])[: len(nodes)]
        _, parent_hash = applied.tree.with_path_keys(committer, hashed)
        before, private = self.group.tree.leaf(committer), private or self.privates[committer]
        node = replace(
            before,
            encryption_key=hpke_public(),
            signature_key=SUITE.signature_public(private),
            leaf_node_source=LeafNodeSource.COMMIT,
            lifetime=None,
            parent_hash=parent_hash,
        )
        new = {2 * index for index in applied.new_leaves}
        sealed = [
            sum(receiver not in new for receiver in applied.tree.resolution(beside)) for _, beside in nodes
        ] + [0] * len(publics)
        steps = tuple(
            UpdatePathNode(key, (HPKECiphertext(hpke_public(), bytes(48)),) * (count + ciphertexts))
            for key, count in zip(publics, sealed, strict=False)
        )
        signed = leaf(node).signed(SUITE, private, group_id=self.group.group_id, leaf_index=committer)
        return UpdatePath(signed, steps)

    def group_info(
        self, signer: int = 0, *, with_tree: bool = True, change: Change[GroupInfo] = as_it_is
    ) -> GroupInfo:
        """Describe the group, signed by a member; `change` changes it before it is signed."""
        tree = (Extension(ExtensionType.RATCHET_TREE, self.group.tree.encode()),) if with_tree else ()
        info = GroupInfo(self.group.context, tree, self.group.confirmation_tag, signer)
        return change(info).signed(SUITE, self.privates[signer])
