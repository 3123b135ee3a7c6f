"""A past epoch is told by what changed since, and still knows everybody as they were."""

from itertools import pairwise

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.message_epoch import ApplicationMessage
from yurt.mls.past_leaves import LeavesSince, PastLeaves
from yurt.mls.rehearsal import GROUP_ID, Member, add, everyone, own_leaf, room


def rows_of(member: Member, epoch: int) -> dict[str, int]:
    return {slot: len(value) for number, slot, value in member.store.rows(GROUP_ID) if number == epoch}


def test_leaves_of_the_past() -> None:
    """Through adds, removes, new leaves and a tree that grows and shrinks, each epoch keeps its members."""
    ana, bo, cy, dee = room("ana", "bo", "cy", "dee")
    trees = [ana.group.tree]
    steps = (
        lambda: everyone([ana, bo, cy, dee], bo.group.stage_commit(leaf=own_leaf("bo"))),
        lambda: add([ana, bo, cy, dee], [Member("eva")]),
        lambda: everyone([ana, bo, cy, dee], cy.group.stage_commit(removes=[4])),
        lambda: everyone([ana, bo, cy, dee], ana.group.stage_commit(removes=[2, 3])),
        lambda: everyone([ana, bo], bo.group.stage_commit(force_path=True)),
    )
    for step in steps:
        step()
        trees.append(ana.group.tree)

    pairs = pairwise(trees)
    records = [PastLeaves.decode(PastLeaves.between(*pair).encode()) for pair in pairs]

    for epoch in range(len(records)):
        leaves = LeavesSince(tuple(records[epoch:]), trees[-1])
        assert leaves.size == trees[epoch].size
        assert [leaves.leaf_or_none(i) for i in range(-1, 9)] == [
            trees[epoch].leaf_or_none(i) for i in range(-1, 9)
        ]


def test_messages_that_come_late() -> None:
    """A message of an old epoch names its sender as it was then, also after a restart."""
    ana, bo, cy = room("ana", "bo", "cy")
    late: list[tuple[bytes, object]] = []
    for _ in range(3):
        late += [(one.group.encrypt(b"late"), one.group.tree.leaf(one.index)) for one in (ana, cy)]
        everyone([ana, bo, cy], ana.group.stage_commit(leaf=own_leaf("ana")))

    for message, leaf in reversed(late):
        received = bo.reload().group.process(message, at=0)
        assert isinstance(received, ApplicationMessage)
        assert received.leaf == leaf


def test_a_past_epoch_is_small(suite: CipherSuite) -> None:
    """In every suite: what a past epoch keeps beside message keys does not grow with the group."""
    few, many = (room(*map(str, range(count)), suite=suite) for count in (4, 32))
    sizes: list[int] = []

    for members in (few, many):
        everyone(members, members[0].group.stage_commit(force_path=True))
        rows = rows_of(members[-1], 1)
        assert "public" not in rows
        sizes.append(rows["past"] + rows["messages"] + rows["resumption"])

    assert abs(sizes[1] - sizes[0]) < 16
    assert sizes[1] < 1200


def test_a_pending_commit_is_small() -> None:
    """An own commit that waits does not write the tree again."""
    members = room(*map(str, range(32)))

    staged = members[0].group.stage_commit(force_path=True)

    waiting = rows_of(members[0], 1)["pending"]
    assert waiting < len(staged.commit) + len(staged.group_info) + 1500
    assert members[0].reload().group.pending == staged


def test_rows_from_before_there_were_records() -> None:
    """A past epoch with its whole tree, as the first release wrote it, is read as ever."""
    ana, bo = room("ana", "bo")
    message, public = ana.group.encrypt(b"old"), bo.group.public.encode()
    everyone([ana, bo], ana.group.stage_commit(leaf=own_leaf("ana")))
    assert isinstance(bo.store, MemoryGroupStore)
    bo.store.put(GROUP_ID, 1, "public", public)
    for slot in ("past", "resumption"):
        bo.store.delete(GROUP_ID, 1, slot)

    assert bo.reload().hear(message) == b"old"
