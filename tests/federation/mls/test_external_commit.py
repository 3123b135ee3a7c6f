"""Somebody commits itself into a group from outside; a hub sees it come, and whom it replaces."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from yurt.mls.commit import Commit, ProposalRef
from yurt.mls.errors import InvalidSignature, RemoteMlsError, UnknownProposal, ValidationError, WrongEpoch
from yurt.mls.extensions import Extension, ExtensionType
from yurt.mls.framed_content import AuthenticatedContent, FramedContent, Sender, SenderType, WireFormat
from yurt.mls.framing import MLSMessage, PublicMessage
from yurt.mls.leaf_node import LeafNode, LeafNodeSource
from yurt.mls.pre_shared_key import ExternalPSK, PreSharedKeyID
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
from yurt.mls.testing import GROUP_ID, SUITE, Person, Table
from yurt.mls.validation.codes import CommitRule, MessageRule, ProposalRule
from yurt.mls.validation.group_info import GroupInfoRule, external_pub
from yurt.mls.validation.proposal_list import ProposalListRule
from yurt.mls.validation.tree import validate_tree

ANA, BO, CY, DEE = range(4)
EVA = Person.named("eva")
INIT = ExternalInit(bytes(32))


@pytest.fixture
def table() -> Table:
    return Table.of(4)


def _refused(table: Table, message: bytes) -> RemoteMlsError:
    before = table.group.encode()
    with pytest.raises(RemoteMlsError) as refused:
        table.group.stage(message)
    assert table.group.encode() == before
    return refused.value


def test_somebody_joins_from_outside(table: Table) -> None:
    """The joiner takes the leftmost free leaf, and from then on it commits like anybody."""
    staged = table.group.stage(table.external_commit(EVA))
    table = table.then(staged, {4: EVA.private})

    change = staged.change
    assert (change.committer, staged.processed.committer_index) == (None, 4)
    assert change.committer_leaf.signature_key == EVA.package.leaf_node.signature_key
    (entering,) = change.entering
    assert (entering.index, entering.how, entering.by, entering.replaces) == (4, "external", None, None)
    assert entering.leaf == table.group.tree.leaf(4)
    assert (change.removed, change.proposals) == ((), ((INIT, None),))
    validate_tree(table.group.tree)
    assert table.group.stage(table.commit(4)).apply().epoch == 5


def test_the_leftmost_free_leaf(table: Table) -> None:
    """A blank leaf is used before the tree grows."""
    table = table.then(table.group.stage(table.commit(ANA, Remove(BO))), {})

    staged = table.group.stage(table.external_commit(EVA))

    assert staged.processed.committer_index == BO
    assert staged.apply().tree.size == 4


def test_a_group_of_one() -> None:
    """The only member, or somebody beside it, can come from outside."""
    alone = Table.of(1)
    again = Person.named("ana", private=alone.privates[ANA])

    beside = alone.group.stage(alone.external_commit(EVA)).apply()
    back = alone.group.stage(alone.external_commit(again, Remove(ANA))).apply()

    assert [index for index, _ in beside.tree.leaves()] == [0, 1]
    assert (back.tree.size, back.tree.member_count) == (1, 1)


def test_a_device_comes_back(table: Table) -> None:
    """A resync removes the device's own old leaf; the change shows which leaf replaces which."""
    old = table.group.tree.leaf(CY)
    again = Person.named("cy", private=table.privates[CY])

    staged = table.group.stage(table.external_commit(again, Remove(CY)))

    (entering,) = staged.change.entering
    assert (entering.index, entering.how, entering.replaces) == (CY, "external", old)
    assert staged.change.removed == ((CY, old),)
    assert staged.apply().tree.leaf(CY).encryption_key != old.encryption_key


def test_a_joiner_takes_the_leaving_along(table: Table) -> None:
    """SelfRemoves that are pending are committed by whoever comes next, also from outside."""
    table = table.proposed(table.proposal(BO, SelfRemove()), table.proposal(DEE, SelfRemove()))
    again = Person.named("cy", private=table.privates[CY])

    staged = table.group.stage(table.external_commit(again, Remove(CY), *table.refs))

    assert sorted(index for index, _ in staged.change.removed) == [BO, CY, DEE]
    (entering,) = staged.change.entering
    assert (entering.index, entering.replaces) == (BO, table.group.tree.leaf(CY))
    assert [each.author for each in staged.change.committed] == [None, None, BO, DEE]
    assert [index for index, _ in staged.apply().tree.leaves()] == [ANA, BO]


def test_a_joiner_with_a_key_of_ours(table: Table) -> None:
    """A joiner may prove that it has a pre-shared key."""
    psk = PreSharedKey(PreSharedKeyID(ExternalPSK(b"invitation"), bytes(32)))

    staged = table.group.stage(table.external_commit(EVA, psk))

    assert [type(proposal) for proposal, _ in staged.change.proposals] == [ExternalInit, PreSharedKey]


def _update(table: Table) -> Proposal:
    leaf = replace(table.group.tree.leaf(BO), leaf_node_source=LeafNodeSource.UPDATE, lifetime=None)
    return Update(replace(leaf, parent_hash=None))


OTHERS: dict[str, Callable[[Table], Proposal]] = {
    "add": lambda _: Add(Person.named("finn").package),
    "update": _update,
    "extensions": lambda _: GroupContextExtensions(()),
    "reinit": lambda _: ReInit(b"new", 1, 1),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_a_joiner_may_not_propose(table: Table, kind: str) -> None:
    """Who comes from outside changes nothing but its own place."""
    error = _refused(
        table, table.external_commit(EVA, OTHERS[kind](table), path=table.path(None, joiner=EVA))
    )

    assert error.rule == ProposalListRule.EXTERNAL_OTHER


@pytest.mark.parametrize("init", [(), (INIT, INIT)], ids=["none", "two"])
def test_one_external_init(table: Table, init: tuple[Proposal, ...]) -> None:
    """An external commit starts the next epoch's secrets exactly once."""
    assert _refused(table, table.external_commit(EVA, init=init)).rule == ProposalListRule.NO_EXTERNAL_INIT


def test_a_joiner_removes_one_leaf_at_most(table: Table) -> None:
    """A resync replaces one leaf; it cannot clear the room."""
    error = _refused(table, table.external_commit(EVA, Remove(BO), Remove(CY)))

    assert error.rule == ProposalListRule.EXTERNAL_REMOVES


def test_a_joiner_names_no_other_proposals(table: Table) -> None:
    """Somebody outside cannot know which proposals were valid inside, SelfRemoves apart."""
    table = table.proposed(table.proposal(BO, Remove(CY)))

    assert (
        _refused(table, table.external_commit(EVA, *table.refs)).rule == ProposalListRule.EXTERNAL_REFERENCE
    )
    unknown = table.external_commit(EVA, ProposalRef(bytes(32)))
    assert isinstance(_refused(table, unknown), UnknownProposal)


def test_a_joiner_does_not_self_remove(table: Table) -> None:
    """A SelfRemove by value would be the joiner's own."""
    error = _refused(table, table.external_commit(EVA, SelfRemove(), path=table.path(None, joiner=EVA)))

    assert error.rule == ProposalListRule.SELF_REMOVE_BY_VALUE


def test_the_leaf_that_leaves_by_itself(table: Table) -> None:
    """A resync cannot replace a leaf that goes anyway."""
    table = table.proposed(table.proposal(CY, SelfRemove()))
    message = table.external_commit(
        EVA, Remove(CY), *table.refs, path=table.path(None, Remove(CY), joiner=EVA)
    )

    assert _refused(table, message).rule == ProposalListRule.SAME_LEAF_TWICE


def test_a_removed_leaf_must_be_there(table: Table) -> None:
    """A resync of a leaf that is blank replaces nobody."""
    message = table.external_commit(EVA, Remove(7), path=table.path(None, joiner=EVA))

    assert _refused(table, message).rule == ProposalRule.REMOVES_NOBODY


def test_a_joiner_without_a_path(table: Table) -> None:
    """The path carries the joiner's leaf; without it nobody came."""
    assert _refused(table, table.external_commit(EVA, path=False)).rule == CommitRule.PATH_MISSING


def test_the_old_key_again(table: Table) -> None:
    """Who comes back brings a new key: the old one may be known to somebody."""
    again = Person.named("cy", private=table.privates[CY])
    old = table.group.tree.leaf(CY).encryption_key
    path = table.path(None, Remove(CY), joiner=again, leaf=lambda leaf: replace(leaf, encryption_key=old))

    assert (
        _refused(table, table.external_commit(again, Remove(CY), path=path)).rule == CommitRule.PATH_SAME_KEY
    )


def test_a_member_joins_again(table: Table) -> None:
    """A device that is here cannot come a second time without removing its old leaf."""
    again = Person.named("cy", private=table.privates[CY])

    assert _refused(table, table.external_commit(again)).rule == "leafSameSignatureKey"


def test_a_joiner_that_lacks_what_the_group_needs() -> None:
    """A joiner's leaf is judged like everybody's."""
    table = Table.of(2, (Extension(ExtensionType.APPLICATION_ID, b"x"),))

    def without(leaf: LeafNode) -> LeafNode:
        return replace(leaf, capabilities=replace(leaf.capabilities, credentials=(2,)))

    path = table.path(None, joiner=EVA, leaf=without)
    assert _refused(table, table.external_commit(EVA, path=path)).rule == "leafCredentialUnlisted"


def test_a_joiner_signed_by_somebody_else(table: Table) -> None:
    """The commit is signed with the key of the leaf that it brings, and for this epoch."""
    finn = Person.named("finn")
    forged = table.external_commit(replace(EVA, private=finn.private), path=table.path(None, joiner=EVA))
    late = table.external_commit(EVA, change=lambda content: replace(content, epoch=9))

    assert isinstance(_refused(table, forged), InvalidSignature)
    assert isinstance(_refused(table, late), WrongEpoch)


def test_a_leaf_for_another_place(table: Table) -> None:
    """A joiner's leaf is signed for the place that it gets."""
    path = table.path(None, joiner=EVA)
    elsewhere = path.leaf_node.signed(SUITE, EVA.private, group_id=GROUP_ID, leaf_index=5)

    error = _refused(table, table.external_commit(EVA, path=replace(path, leaf_node=elsewhere)))

    assert isinstance(error, InvalidSignature)
    assert error.label == "LeafNodeTBS"


def test_a_hidden_external_commit(table: Table) -> None:
    """Nobody outside can have encrypted to the group."""
    commit = Commit((INIT,), table.path(None, joiner=EVA))
    framed = FramedContent(GROUP_ID, table.group.epoch, Sender(SenderType.NEW_MEMBER_COMMIT), b"", commit)
    content = AuthenticatedContent.sign(
        SUITE, EVA.private, WireFormat.PRIVATE_MESSAGE, framed, table.group.context
    )

    with pytest.raises(ValidationError, match=MessageRule.OUTSIDER_NOT_PUBLIC):
        table.group.stage_content(content)


@pytest.mark.parametrize("flip", [0x01, 0xFF])
def test_flipped_bytes_of_an_external_commit(table: Table, flip: int) -> None:
    """Whatever signed byte is changed, the commit is refused, never a crash."""
    message = table.external_commit(EVA, Remove(CY))

    for place in range(0, len(message) - 33, 7):
        changed = bytearray(message)
        changed[place] ^= flip
        with pytest.raises(RemoteMlsError):
            table.group.stage(bytes(changed))


def test_the_frame_of_an_external_commit(table: Table) -> None:
    """Somebody outside has no membership key, so the frame has no such tag."""
    message = MLSMessage.decode(table.external_commit(EVA)).expect(PublicMessage)

    assert message.membership_tag is None


# --- what a joiner needs of a GroupInfo ---


def _with_external_pub(key: bytes) -> Extension:
    return Extension(ExtensionType.EXTERNAL_PUB, bytes((len(key),)) + key)


def test_the_external_key(table: Table) -> None:
    """A GroupInfo that invites from outside carries the epoch's external key."""
    key = table.group.tree.leaf(ANA).encryption_key
    info = table.group_info(change=lambda info: replace(info, extensions=(_with_external_pub(key),)))

    assert external_pub(SUITE, info) == key


@pytest.mark.parametrize("extensions", ["none", "weak", "trailing"])
def test_no_external_key(table: Table, extensions: str) -> None:
    """Without a sound external key nobody can join from outside."""
    given = {
        "none": (),
        "weak": (_with_external_pub(bytes(32)),),
        "trailing": (Extension(ExtensionType.EXTERNAL_PUB, b"\1\2\3"),),
    }[extensions]
    info = table.group_info(change=lambda info: replace(info, extensions=given))

    with pytest.raises(RemoteMlsError) as refused:
        external_pub(SUITE, info)

    assert refused.value.rule == ("malformed" if extensions == "trailing" else GroupInfoRule.EXTERNAL_PUB)
