"""Proposals that travel on their own: a hub keeps those that members may make, and commits name them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from yurt.mls.codec import Writer
from yurt.mls.credential import Credential
from yurt.mls.errors import (
    DecodeError,
    GroupClosed,
    InvalidSignature,
    NotAMember,
    RemoteMlsError,
    StaleProposal,
    UnknownProposal,
    ValidationError,
    WrongEpoch,
    WrongGroup,
)
from yurt.mls.extensions import Extension, ExtensionType, ExternalSender
from yurt.mls.framed_content import AuthenticatedContent, FramedContent, Sender, SenderType, WireFormat
from yurt.mls.framing import MLSMessage, PublicMessage
from yurt.mls.leaf_node import LeafNode, LeafNodeSource, Lifetime
from yurt.mls.pending_proposals import MAX_OF_ONE_SENDER
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
from yurt.mls.public_group import PublicGroup
from yurt.mls.testing import GROUP_ID, NOON_MS, SUITE, Person, Table, hpke_public
from yurt.mls.validation.codes import MessageRule, ProposalRule
from yurt.mls.validation.proposal_list import ProposalListRule

ANA, BO, CY, DEE = range(4)
NOBODY = 7
CLERK = Person.named("clerk")
EXTERNAL = Sender(SenderType.EXTERNAL, 0)
PSK = PreSharedKey(PreSharedKeyID(ExternalPSK(b"psk"), bytes(32)))


@pytest.fixture
def table() -> Table:
    return Table.of(4)


@pytest.fixture
def office() -> Table:
    """A group that lets a clerk from outside make proposals."""
    clerk = ExternalSender(CLERK.package.leaf_node.signature_key, Credential.basic(b"clerk"))
    listed = Writer().vector((clerk,)).bytes()
    return Table.of(4, (Extension(ExtensionType.EXTERNAL_SENDERS, listed),))


def _update(table: Table, author: int, **changes: bytes) -> Update:
    leaf = replace(
        table.group.tree.leaf(author),
        encryption_key=changes.get("encryption_key") or hpke_public(),
        leaf_node_source=LeafNodeSource.UPDATE,
        lifetime=None,
        parent_hash=None,
    )
    return Update(leaf.signed(SUITE, table.privates[author], group_id=GROUP_ID, leaf_index=author))


def _refused(table: Table, message: bytes, *, at_ms: int | None = None) -> RemoteMlsError:
    before = table.group.encode()
    with pytest.raises(RemoteMlsError) as refused:
        table.group.stage_proposal(message, at_ms=at_ms)
    assert table.group.encode() == before
    return refused.value


# --- what may be proposed ---


def test_a_member_leaves(table: Table) -> None:
    """A SelfRemove waits until somebody's commit names it; the change shows who went and by whose wish."""
    table = table.proposed(table.proposal(CY, SelfRemove()))
    (leaving,) = table.group.proposals
    assert (leaving.author, leaving.proposal) == (CY, SelfRemove())

    staged = table.group.stage(table.commit(BO, *table.refs))

    assert [(index, leaf.credential.identity) for index, leaf in staged.change.removed] == [(CY, b"cy")]
    assert staged.change.proposals == ((SelfRemove(), CY),)
    (committed,) = staged.change.committed
    assert (committed.sender, committed.reference) == (Sender.member(CY), leaving.reference)
    assert staged.apply().tree.leaf_or_none(CY) is None
    assert len(staged.apply().proposals) == 0


def test_everything_that_members_propose(table: Table) -> None:
    """A commit may name what several members proposed and carry its own; all of it happens."""
    eva, finn = Person.named("eva"), Person.named("finn")
    update = _update(table, BO)
    table = table.proposed(
        table.proposal(BO, update),
        table.proposal(CY, Add(eva.package)),
        table.proposal(CY, PSK),
        table.proposal(BO, Remove(DEE)),
        table.proposal(DEE, GroupContextExtensions((Extension(1, b"named"),))),
    )

    staged = table.group.stage(table.commit(ANA, *table.refs, Add(finn.package)), at_ms=NOON_MS)

    assert [(each.index, each.how, each.by) for each in staged.change.entering] == [
        (BO, "update", BO),
        (DEE, "add", CY),
        (4, "add", ANA),
        (ANA, "path", ANA),
    ]
    assert staged.change.entering[0].replaces == table.group.tree.leaf(BO)
    assert staged.apply().tree.leaf(BO) == update.leaf_node
    assert staged.context.extensions == (Extension(1, b"named"),)
    assert [each.reference is None for each in staged.change.committed] == [False] * 5 + [True]


def test_a_reinit_closes_the_group(table: Table) -> None:
    """After a ReInit the group takes nothing more, and says where its members continue."""
    reinit = ReInit(b"new", 1, 1)
    table = table.proposed(table.proposal(BO, reinit))

    after = table.then(table.group.stage(table.commit(ANA, *table.refs)), {})

    assert after.group.reinit == reinit
    assert PublicGroup.decode(after.group.encode()).reinit == reinit
    with pytest.raises(GroupClosed):
        after.group.stage(after.commit(BO))
    with pytest.raises(GroupClosed):
        after.group.stage_proposal(after.proposal(BO, SelfRemove()))


def test_a_clerk_proposes(office: Table) -> None:
    """An external sender whom the group lists may propose to add and remove."""
    eva = Person.named("eva")
    office = office.proposed(
        office.proposal(CLERK, Remove(CY), sender=EXTERNAL),
        office.proposal(CLERK, Add(eva.package), sender=EXTERNAL),
    )

    staged = office.group.stage(office.commit(BO, *office.refs))

    assert {each.sender for each in staged.change.committed} == {EXTERNAL}
    assert [author for _, author in staged.change.proposals] == [None, None]
    assert [(each.how, each.by) for each in staged.change.entering] == [("add", None), ("path", BO)]
    assert staged.apply().tree.leaf(CY) == eva.package.leaf_node


def test_somebody_asks_to_be_added(table: Table) -> None:
    """Who asks signs with the key that is to be added; a member decides."""
    eva = Person.named("eva")
    table = table.proposed(table.proposal(eva, Add(eva.package)))

    staged = table.group.stage(table.commit(BO, *table.refs))

    assert staged.apply().tree.leaf(4) == eva.package.leaf_node


def test_a_snapshot_keeps_what_is_pending(table: Table) -> None:
    """A node that restarts still knows which proposals a commit may name."""
    table = table.proposed(table.proposal(CY, SelfRemove()))

    again = PublicGroup.decode(table.group.encode())

    assert again == table.group
    assert again.stage(table.commit(BO, *table.refs)).change.removed[0][0] == CY


def test_a_snapshot_without_proposals(table: Table) -> None:
    """Where nothing is pending, a snapshot is as it was before proposals were kept."""
    pending = table.proposed(table.proposal(CY, SelfRemove()))

    assert table.group.encode()[0] == 1
    assert pending.group.encode()[0] == 2


def test_the_same_proposal_again(table: Table) -> None:
    """A proposal that arrives twice is one proposal."""
    message = table.proposal(CY, SelfRemove())
    table = table.proposed(message, message)

    assert len(table.group.proposals) == 1


def test_a_proposal_of_an_ended_epoch(table: Table) -> None:
    """A proposal is for its epoch: a later commit cannot name it, nor can it be sent again."""
    message = table.proposal(CY, SelfRemove())
    pending = table.group.stage_proposal(message)
    before = table.proposed(message)
    after = before.then(before.group.stage(before.commit(BO)), {})

    with pytest.raises(UnknownProposal):
        after.group.stage(after.commit(BO, *before.refs, path=True))
    with pytest.raises(StaleProposal):
        after.group.with_proposal(pending)
    assert isinstance(_refused(after, message), WrongEpoch)


# --- what may not ---


def _private(table: Table, author: int | Person, proposal: Proposal, sender: Sender) -> None:
    """Stage what a member took out of a PrivateMessage."""
    private = author.private if isinstance(author, Person) else table.privates[author]
    framed = FramedContent(GROUP_ID, table.group.epoch, sender, b"", proposal)
    content = AuthenticatedContent.sign(
        SUITE, private, WireFormat.PRIVATE_MESSAGE, framed, table.group.context
    )
    table.group.stage_proposal(content)


def _unable(table: Table) -> tuple[Table, bytes]:
    """One member whose client knows no SelfRemove."""

    def without(leaf: LeafNode) -> LeafNode:
        return replace(leaf, capabilities=replace(leaf.capabilities, proposals=()))

    table = table.add(Person.named("eva", leaf=without))
    return table, table.proposal(CY, SelfRemove())


def _crowd(table: Table) -> tuple[Table, bytes]:
    for count in range(MAX_OF_ONE_SENDER):
        table = table.proposed(table.proposal(BO, Remove(CY), note=bytes((count,))))
    return table, table.proposal(BO, Remove(CY))


def _twice(table: Table) -> tuple[Table, bytes]:
    return table.proposed(table.proposal(CY, SelfRemove())), table.proposal(CY, SelfRemove(), note=b"again")


def _same(make: Callable[[Table], bytes]) -> Callable[[Table], tuple[Table, bytes]]:
    return lambda table: (table, make(table))


ALONE: dict[ProposalRule, Callable[[Table], tuple[Table, bytes]]] = {
    ProposalRule.SENDER: _same(lambda table: table.proposal(BO, ExternalInit(bytes(32)))),
    ProposalRule.EXTERNAL_SENDER: _same(lambda table: table.proposal(CLERK, Remove(CY), sender=EXTERNAL)),
    ProposalRule.TOO_MANY: _crowd,
    ProposalRule.UPDATE_SAME_KEY: _same(
        lambda table: table.proposal(
            BO, _update(table, BO, encryption_key=table.group.tree.leaf(BO).encryption_key)
        )
    ),
    ProposalRule.REMOVES_NOBODY: _same(lambda table: table.proposal(BO, Remove(NOBODY))),
    ProposalRule.PSK_NONCE: _same(
        lambda table: table.proposal(BO, PreSharedKey(PreSharedKeyID(ExternalPSK(b"psk"), b"")))
    ),
    ProposalRule.PSK_USAGE: _same(
        lambda table: table.proposal(
            BO,
            PreSharedKey(
                PreSharedKeyID(ResumptionPSK(ResumptionPSKUsage.REINIT, b"another group", 7), bytes(32))
            ),
        )
    ),
    ProposalRule.REINIT_VERSION: _same(lambda table: table.proposal(BO, ReInit(b"new", 0, 1))),
    ProposalRule.EXTENSION_TYPE_TWICE: _same(
        lambda table: table.proposal(BO, GroupContextExtensions((Extension(1, b"a"), Extension(1, b"b"))))
    ),
    ProposalRule.SELF_REMOVE_TWICE: _twice,
    ProposalRule.UNSUPPORTED: _unable,
}


@pytest.mark.parametrize("rule", ALONE)
def test_a_proposal_that_is_not_right(table: Table, rule: ProposalRule) -> None:
    """Each rule of a proposal is refused under its own name, before anybody keeps it."""
    error = _refused(*ALONE[rule](table))

    assert isinstance(error, ValidationError)
    assert (error.rule, error.section) == (rule.value, "RFC 9420 12.1")


def test_a_hidden_self_remove(table: Table) -> None:
    """A SelfRemove travels readable, so that somebody who joins from outside can name it."""
    with pytest.raises(ValidationError, match=ProposalRule.SELF_REMOVE_NOT_PUBLIC):
        _private(table, CY, SelfRemove(), Sender.member(CY))


def test_a_hidden_proposal_from_outside(office: Table) -> None:
    """Nobody outside can have encrypted to the group."""
    with pytest.raises(ValidationError, match=MessageRule.OUTSIDER_NOT_PUBLIC):
        _private(office, CLERK, Remove(CY), EXTERNAL)


@pytest.mark.parametrize(
    "proposal", [SelfRemove(), ExternalInit(bytes(32))], ids=["selfRemove", "externalInit"]
)
def test_what_a_clerk_may_not_propose(office: Table, proposal: Proposal) -> None:
    """Some proposals only make sense from a member, or from nobody."""
    assert _refused(office, office.proposal(CLERK, proposal, sender=EXTERNAL)).rule == ProposalRule.SENDER


def test_a_clerk_updates_nobody(office: Table) -> None:
    """A leaf is replaced by its owner alone."""
    message = office.proposal(CLERK, _update(office, BO), sender=EXTERNAL)

    assert _refused(office, message).rule == ProposalRule.SENDER


def test_a_stranger_only_asks_to_be_added(table: Table) -> None:
    """Who is not here proposes nothing but itself."""
    eva = Person.named("eva")

    assert _refused(table, table.proposal(eva, Remove(CY))).rule == ProposalRule.SENDER
    with pytest.raises(InvalidSignature):
        table.group.stage_proposal(table.proposal(eva, Add(CLERK.package)))
    joins = table.proposal(eva, Add(eva.package), sender=Sender(SenderType.NEW_MEMBER_COMMIT))
    assert _refused(table, joins).rule == ProposalRule.SENDER


def test_another_clerk(office: Table) -> None:
    """A place in the list is worth nothing without its key, and no other place exists."""
    eva = Person.named("eva")

    assert isinstance(_refused(office, office.proposal(eva, Remove(CY), sender=EXTERNAL)), InvalidSignature)
    other = office.proposal(CLERK, Remove(CY), sender=Sender(SenderType.EXTERNAL, 1))
    assert _refused(office, other).rule == ProposalRule.EXTERNAL_SENDER


def test_a_malformed_list_of_clerks(table: Table) -> None:
    """A group cannot come to list external senders that nobody could read."""
    broken = GroupContextExtensions((Extension(ExtensionType.EXTERNAL_SENDERS, b"\x05"),))

    assert isinstance(_refused(table, table.proposal(BO, broken)), DecodeError)


def test_somebody_else_leaves_for_me(table: Table) -> None:
    """Only a member's own key lets it leave."""
    forged = table.proposal(BO, SelfRemove(), sender=Sender.member(CY))

    assert isinstance(_refused(table, forged), InvalidSignature)
    nobody = table.proposal(BO, SelfRemove(), sender=Sender.member(NOBODY))
    assert isinstance(_refused(table, nobody), NotAMember)


def test_a_proposal_of_another_group(table: Table) -> None:
    """A proposal is for its own group."""
    framed = FramedContent(b"elsewhere", table.group.epoch, Sender.member(BO), b"", SelfRemove())

    message = table.sign(table.privates[BO], framed, table.group.context)

    assert isinstance(_refused(table, message), WrongGroup)


def test_a_commit_is_no_proposal(table: Table) -> None:
    """A commit cannot be kept as a proposal."""
    assert _refused(table, table.commit(BO)).rule == MessageRule.NOT_A_PROPOSAL


def test_an_expired_key_package(table: Table) -> None:
    """Nobody proposes to add a key package whose time is over."""
    noon = NOON_MS // 1000

    def expired(leaf: LeafNode) -> LeafNode:
        return replace(leaf, lifetime=Lifetime(noon - 120, noon - 60))

    message = table.proposal(BO, Add(Person.named("eva", leaf=expired).package))

    assert _refused(table, message, at_ms=NOON_MS).rule == "leafExpired"
    assert table.group.stage_proposal(message).author == BO


def test_an_update_of_another_leaf(table: Table) -> None:
    """An Update's leaf is signed for its author's place."""
    assert isinstance(_refused(table, table.proposal(BO, _update(table, CY))), InvalidSignature)


def test_an_added_leaf_again(table: Table) -> None:
    """An Update brings a leaf that was made for it, not one from elsewhere."""
    leaf = table.group.tree.leaf(CY)

    assert _refused(table, table.proposal(BO, Update(leaf))).rule == "leafSource"


def test_a_removed_member_cannot_also_leave(table: Table) -> None:
    """One leaf goes once, whoever asked for it."""
    table = table.proposed(table.proposal(CY, SelfRemove()))

    with pytest.raises(ValidationError, match=ProposalListRule.SAME_LEAF_TWICE):
        table.group.stage(table.commit(BO, *table.refs, Remove(CY), path=table.path(BO, *table.refs)))
    with pytest.raises(ValidationError, match=ProposalListRule.SAME_LEAF_TWICE):
        table.group.stage(table.commit(BO, *table.refs, *table.refs, path=table.path(BO, *table.refs)))


def test_nobody_commits_its_own_leaving(table: Table) -> None:
    """Who commits knows the next epoch's keys, so it cannot be the one who leaves."""
    table = table.proposed(table.proposal(CY, SelfRemove()), table.proposal(BO, _update(table, BO)))
    leaving, update = table.refs

    with pytest.raises(ValidationError, match=ProposalListRule.REMOVES_COMMITTER):
        table.group.stage(table.commit(CY, leaving, path=table.path(CY)))
    with pytest.raises(ValidationError, match=ProposalListRule.UPDATE_BY_COMMITTER):
        table.group.stage(table.commit(BO, update, path=table.path(BO)))


def test_two_who_become_one(table: Table) -> None:
    """After a commit no two leaves share a signature key, also if both came by valid proposals."""
    leaf = replace(
        table.group.tree.leaf(BO),
        encryption_key=hpke_public(),
        signature_key=table.group.tree.leaf(CY).signature_key,
        leaf_node_source=LeafNodeSource.UPDATE,
        lifetime=None,
        parent_hash=None,
    )
    stolen = leaf.signed(SUITE, table.privates[CY], group_id=GROUP_ID, leaf_index=BO)
    table = table.proposed(table.proposal(BO, Update(stolen)))

    with pytest.raises(ValidationError, match="leafSameSignatureKey"):
        table.group.stage(table.commit(ANA, *table.refs))


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_flipped_bytes_of_a_proposal(table: Table, flip: int) -> None:
    """Whatever signed byte of a proposal is changed, it is refused, never a crash."""
    message = table.proposal(BO, Add(CLERK.package))

    for place in range(0, len(message) - 33, 5):
        changed = bytearray(message)
        changed[place] ^= flip
        with pytest.raises(RemoteMlsError):
            table.group.stage_proposal(bytes(changed))


def test_cut_proposals(table: Table) -> None:
    """A proposal that ends early is malformed."""
    message = table.proposal(BO, Add(CLERK.package))

    for cut in range(len(message)):
        with pytest.raises(DecodeError):
            table.group.stage_proposal(message[:cut])


def test_every_rule_has_its_test() -> None:
    """No rule stands without a proposal that breaks it."""
    assert set(ALONE) | {ProposalRule.SELF_REMOVE_NOT_PUBLIC} == set(ProposalRule)


def test_a_good_proposal_is_taken(table: Table) -> None:
    """The message that others were changed from is good."""
    message = table.proposal(BO, Add(CLERK.package))

    assert MLSMessage.decode(message).expect(PublicMessage).content.sender == Sender.member(BO)
    assert table.group.stage_proposal(message).author == BO
