"""A commit that breaks one rule is refused by that rule's name; everything else about it is right."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from yurt.mls.commit import ProposalRef
from yurt.mls.errors import (
    InvalidMessage,
    InvalidSignature,
    NotAMember,
    RemoteMlsError,
    UnknownProposal,
    ValidationError,
    WrongEpoch,
    WrongGroup,
)
from yurt.mls.extensions import Extension
from yurt.mls.framed_content import FramedContent, Sender, SenderType
from yurt.mls.leaf_node import LeafNodeSource
from yurt.mls.pre_shared_key import ExternalPSK, PreSharedKeyID, ResumptionPSK, ResumptionPSKUsage
from yurt.mls.proposals import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
    SelfRemove,
    Update,
)
from yurt.mls.testing import GROUP_ID, SUITE, Person, Table, hpke_public
from yurt.mls.validation.codes import CommitRule, ProposalRule
from yurt.mls.validation.proposal_list import ProposalListRule

ANA, BO, CY, DEE = range(4)
NOBODY = 7
EVA = Person.named("eva")
Make = Callable[[Table], bytes]


@pytest.fixture
def table() -> Table:
    return Table.of(4)


def _refused(table: Table, message: bytes) -> RemoteMlsError:
    before = table.group.encode()
    with pytest.raises(RemoteMlsError) as refused:
        table.group.stage(message)
    assert table.group.encode() == before
    return refused.value


# --- who sends it, and where ---


def test_another_group(table: Table) -> None:
    """A commit for another group is not looked at."""
    message = table.commit(BO, change=lambda content: replace(content, group_id=b"elsewhere"))

    assert isinstance(_refused(table, message), WrongGroup)


@pytest.mark.parametrize("epoch", [0, 2, 4, 2**64 - 1])
def test_another_epoch(table: Table, epoch: int) -> None:
    """A commit ends the epoch that the group is in, no other."""
    error = _refused(table, table.commit(BO, change=lambda content: replace(content, epoch=epoch)))

    assert isinstance(error, WrongEpoch)
    assert (error.have, error.got) == (3, epoch)


@pytest.mark.parametrize("index", [NOBODY, 2**32 - 1])
def test_nobody_sends(table: Table, index: int) -> None:
    """A leaf that is blank or outside the tree says nothing."""
    message = table.commit(BO, change=lambda content: replace(content, sender=Sender.member(index)))

    assert isinstance(_refused(table, message), NotAMember)


def test_somebody_else_signs(table: Table) -> None:
    """A member cannot commit as another."""
    message = table.commit(BO, change=lambda content: replace(content, sender=Sender.member(ANA)))

    assert isinstance(_refused(table, message), InvalidSignature)


def test_signed_for_another_context(table: Table) -> None:
    """A signature holds for one group in one epoch."""
    message = table.commit(BO, context=replace(table.group.context, confirmed_transcript_hash=b"another"))

    assert isinstance(_refused(table, message), InvalidSignature)


def test_changed_after_signing(table: Table) -> None:
    """Every byte of the authenticated data is signed."""
    message = table.commit(BO, authenticated_data=b"made at noon")

    error = _refused(table, message.replace(b"made at noon", b"made at five"))

    assert isinstance(error, InvalidSignature)


@pytest.mark.parametrize("sender", [Sender(SenderType.EXTERNAL, 0), Sender(SenderType.NEW_MEMBER_PROPOSAL)])
def test_outsiders_only_propose(table: Table, sender: Sender) -> None:
    """An external sender, or somebody who asks to join, does not commit."""
    error = _refused(table, table.commit(BO, change=lambda content: replace(content, sender=sender)))

    assert error.rule == "senderMayNotCommit"


def _content(table: Table, content: bytes | Proposal) -> bytes:
    framed = FramedContent(GROUP_ID, table.group.epoch, Sender.member(BO), b"", content)
    return table.sign(table.privates[BO], framed, table.group.context)


def test_application_data_in_the_open(table: Table) -> None:
    """Application data never travels readable."""
    assert _refused(table, _content(table, b"hello")).rule == "applicationInTheOpen"


def test_a_proposal_is_no_commit(table: Table) -> None:
    """A proposal alone ends no epoch."""
    error = _refused(table, _content(table, Remove(CY)))

    assert isinstance(error, InvalidMessage)
    assert error.rule == "notACommit"


# --- what it proposes ---


def psk(nonce: bytes = bytes(32)) -> PreSharedKey:
    return PreSharedKey(PreSharedKeyID(ExternalPSK(b"psk"), nonce))


def _resumption() -> PreSharedKey:
    source = ResumptionPSK(ResumptionPSKUsage.BRANCH, b"another group", 7)
    return PreSharedKey(PreSharedKeyID(source, bytes(32)))


def _update(table: Table, author: int) -> Update:
    leaf = replace(
        table.group.tree.leaf(author),
        encryption_key=hpke_public(),
        leaf_node_source=LeafNodeSource.UPDATE,
        lifetime=None,
        parent_hash=None,
    )
    return Update(leaf.signed(SUITE, table.privates[author], group_id=GROUP_ID, leaf_index=author))


def _twice(table: Table) -> bytes:
    eva = Person.named("eva")
    return table.commit(ANA, Add(eva.package), Add(Person.named("eva", private=eva.private).package))


def _already(table: Table) -> bytes:
    return table.commit(ANA, Add(Person.named("bo", private=table.privates[BO]).package))


LISTS: dict[ProposalListRule, Make] = {
    ProposalListRule.UPDATE_BY_COMMITTER: lambda table: table.commit(
        ANA, _update(table, ANA), path=table.path(ANA)
    ),
    ProposalListRule.REMOVES_COMMITTER: lambda table: table.commit(ANA, Remove(ANA), path=table.path(ANA)),
    ProposalListRule.SELF_REMOVE_BY_VALUE: lambda table: table.commit(
        ANA, SelfRemove(), path=table.path(ANA)
    ),
    ProposalListRule.SAME_LEAF_TWICE: lambda table: table.commit(
        ANA, Remove(BO), Remove(BO), path=table.path(ANA, Remove(BO))
    ),
    ProposalListRule.ADDED_TWICE: _twice,
    ProposalListRule.ALREADY_MEMBER: _already,
    ProposalListRule.PSK_TWICE: lambda table: table.commit(BO, psk(), psk()),
    ProposalListRule.EXTENSIONS_TWICE: lambda table: table.commit(
        ANA, GroupContextExtensions(()), GroupContextExtensions(())
    ),
    ProposalListRule.REINIT_NOT_ALONE: lambda table: table.commit(BO, ReInit(b"new", 1, 1), Remove(CY)),
    ProposalListRule.EXTERNAL_INIT: lambda table: table.commit(ANA, ExternalInit(bytes(32))),
    ProposalListRule.NO_EXTERNAL_INIT: lambda table: table.external_commit(EVA, init=()),
    ProposalListRule.EXTERNAL_REMOVES: lambda table: table.external_commit(EVA, Remove(BO), Remove(CY)),
    ProposalListRule.EXTERNAL_OTHER: lambda table: table.external_commit(
        EVA, Add(Person.named("finn").package)
    ),
    ProposalListRule.EXTERNAL_REFERENCE: lambda table: table.external_commit(EVA, *table.refs),
}
PENDING: dict[ProposalListRule, Callable[[Table], bytes]] = {
    ProposalListRule.EXTERNAL_REFERENCE: lambda table: table.proposal(BO, Remove(CY)),
}


@pytest.mark.parametrize("rule", LISTS)
def test_a_list_that_does_not_go_together(table: Table, rule: ProposalListRule) -> None:
    """Each rule of the proposal list is refused under its own name."""
    if rule in PENDING:
        table = table.proposed(PENDING[rule](table))

    error = _refused(table, LISTS[rule](table))

    assert isinstance(error, ValidationError)
    assert (error.rule, error.section) == (rule.value, "RFC 9420 12.2")


PROPOSALS: dict[ProposalRule, Make] = {
    ProposalRule.REMOVES_NOBODY: lambda table: table.commit(ANA, Remove(NOBODY), path=table.path(ANA)),
    ProposalRule.PSK_NONCE: lambda table: table.commit(BO, psk(nonce=bytes(31))),
    ProposalRule.PSK_USAGE: lambda table: table.commit(BO, _resumption()),
    ProposalRule.REINIT_VERSION: lambda table: table.commit(BO, ReInit(b"new", 0, 1)),
    ProposalRule.EXTENSION_TYPE_TWICE: lambda table: table.commit(
        ANA, GroupContextExtensions((Extension(1, b"a"), Extension(1, b"b")))
    ),
}


@pytest.mark.parametrize("rule", PROPOSALS)
def test_a_proposal_that_is_not_right(table: Table, rule: ProposalRule) -> None:
    """Each rule of a single proposal is refused under its own name, also inside a commit."""
    error = _refused(table, PROPOSALS[rule](table))

    assert isinstance(error, ValidationError)
    assert (error.rule, error.section) == (rule.value, "RFC 9420 12.1")


def test_a_proposal_that_never_came(table: Table) -> None:
    """A commit can only name what was sent before it, in its own epoch."""
    error = _refused(table, table.commit(BO, ProposalRef(bytes(32)), path=True))

    assert isinstance(error, UnknownProposal)
    assert error.reference == bytes(32)


def test_the_same_client_again_after_its_removal(table: Table) -> None:
    """A removed member may be added again in the same commit, with the same signature key."""
    bo = Person.named("bo", private=table.privates[BO])

    staged = table.group.stage(table.commit(ANA, Remove(BO), Add(bo.package)))

    assert staged.apply().tree.leaf(BO) == bo.package.leaf_node


def test_keys_of_another_group(table: Table) -> None:
    """A key that replaces or branches off a group enters with the first commit of the new one only."""
    new = Table.of(1)

    assert new.group.stage(new.commit(ANA, _resumption())).apply().epoch == 1
    assert _refused(table, table.commit(ANA, _resumption())).rule == ProposalRule.PSK_USAGE


def test_a_key_package_signed_by_another(table: Table) -> None:
    """The leaf inside an Add is sound, but somebody else offered it."""
    eva = Person.named("eva")
    stolen = replace(eva.package, init_key=hpke_public()).signed(SUITE, table.privates[BO])

    assert isinstance(_refused(table, table.commit(BO, Add(stolen))), InvalidSignature)


# --- its path ---


def _retag(table: Table) -> bytes:
    return table.commit(BO, tag=bytes(31))


def _same_key(table: Table) -> bytes:
    old = table.group.tree.leaf(BO).encryption_key
    return table.commit(BO, path=table.path(BO, leaf=lambda leaf: replace(leaf, encryption_key=old)))


def _key_of_another(table: Table) -> bytes:
    other = table.group.tree.leaf(DEE).encryption_key
    return table.commit(BO, path=table.path(BO, keys=lambda keys: [other, *keys[1:]]))


def _same_parents(table: Table) -> bytes:
    # The root's key again: an insider who knows its secret would still read after the commit.
    root = table.group.tree.encryption_key(table.group.tree.root)
    return table.commit(BO, path=table.path(BO, keys=lambda keys: [*keys[:-1], root]))


PATHS: dict[str, Make] = {
    CommitRule.TAG_SIZE: _retag,
    CommitRule.PATH_MISSING: lambda table: table.commit(BO, path=False),
    CommitRule.PATH_LENGTH: lambda table: table.commit(BO, path=table.path(BO, keys=lambda keys: keys[:-1])),
    CommitRule.PATH_SAME_KEY: _same_key,
    CommitRule.PATH_KEY_IN_TREE: _key_of_another,
    CommitRule.PATH_KEY_TWICE: lambda table: table.commit(
        BO, path=table.path(BO, keys=lambda keys: [keys[0]] * len(keys))
    ),
    CommitRule.PATH_WEAK_KEY: lambda table: table.commit(
        BO, path=table.path(BO, keys=lambda keys: [bytes(32), *keys[1:]])
    ),
    CommitRule.PATH_CIPHERTEXTS: lambda table: table.commit(BO, path=table.path(BO, ciphertexts=1)),
    CommitRule.PATH_PARENT_HASH: lambda table: table.commit(
        BO, path=table.path(BO, leaf=lambda leaf: replace(leaf, parent_hash=bytes(32)))
    ),
}


@pytest.mark.parametrize("rule", PATHS)
def test_a_path_that_is_not_right(table: Table, rule: str) -> None:
    """Each rule of a commit's path is refused under its own name."""
    error = _refused(table, PATHS[rule](table))

    assert isinstance(error, ValidationError)
    assert (error.rule, error.section) == (rule, "RFC 9420 12.4.2")


def test_old_keys_of_parents(table: Table) -> None:
    """A path may not keep a key that stood in the tree, not even in the same place."""
    assert _refused(table, _same_parents(table)).rule == CommitRule.PATH_KEY_IN_TREE


def test_too_few_ciphertexts(table: Table) -> None:
    """A path that leaves somebody out would shut them out of the group."""
    error = _refused(table, table.commit(BO, path=table.path(BO, ciphertexts=-1)))

    assert error.rule == CommitRule.PATH_CIPHERTEXTS


@pytest.mark.parametrize(
    "proposals", [(Remove(CY),), (GroupContextExtensions(()),), ()], ids=["remove", "extensions", "empty"]
)
def test_a_path_that_must_be_there(table: Table, proposals: tuple[Proposal, ...]) -> None:
    """Whatever needs new secrets needs a path."""
    assert _refused(table, table.commit(BO, *proposals, path=False)).rule == CommitRule.PATH_MISSING


def test_the_path_leaf_of_another_place(table: Table) -> None:
    """A path's leaf is signed for its owner's place."""
    path = table.path(BO)
    elsewhere = path.leaf_node.signed(SUITE, table.privates[BO], group_id=GROUP_ID, leaf_index=CY)

    error = _refused(table, table.commit(BO, path=replace(path, leaf_node=elsewhere)))

    assert isinstance(error, InvalidSignature)


def test_the_path_leaf_of_a_key_package(table: Table) -> None:
    """A path brings a leaf that was made for it, not one from elsewhere."""
    path = replace(table.path(BO), leaf_node=Person.named("bo").package.leaf_node)

    assert _refused(table, table.commit(BO, path=path)).rule == "leafSource"


def test_every_rule_has_its_test() -> None:
    """No rule stands without a commit that breaks it."""
    assert set(LISTS) == set(ProposalListRule)
    assert set(PATHS) == set(CommitRule)


@pytest.mark.parametrize("flip", [0x01, 0xFF])
def test_flipped_bytes_of_a_commit(table: Table, flip: int) -> None:
    """Whatever byte of a signed commit is changed, it is refused, never a crash."""
    message = table.commit(BO, Remove(CY))
    two_tags = 2 * 33  # only members can check these

    for place in range(0, len(message) - two_tags, 7):
        changed = bytearray(message)
        changed[place] ^= flip
        with pytest.raises(RemoteMlsError):
            table.group.stage(bytes(changed))


def test_a_whole_commit_is_read(table: Table) -> None:
    """The message that all others were changed from is good."""
    assert table.group.stage(table.commit(BO, Remove(CY))).change.removed[0][0] == CY
