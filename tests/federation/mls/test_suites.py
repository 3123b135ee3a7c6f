"""A whole group lives in every cipher suite: the code knows no size and no algorithm."""

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.framing import MLSMessage
from yurt.mls.policy import judged_by_caller
from yurt.mls.proposals import Add, Remove, SelfRemove
from yurt.mls.public_group import PublicGroup
from yurt.mls.testing import NOON_MS, Person, Table

ANA, BO, CY, DEE = range(4)


def test_a_group_of_any_suite(suite: CipherSuite) -> None:
    """Members come, go, leave, and enter from outside; whoever begins with a GroupInfo stands there, too."""
    table = Table.of(4, suite=suite)
    eva, finn = Person.named("eva", suite=suite), Person.named("finn", suite=suite)

    table = table.proposed(table.proposal(CY, SelfRemove()))
    staged = table.group.stage(table.commit(BO, *table.refs, Add(eva.package)), at_ms=NOON_MS)
    table = table.then(staged, {CY: eva.private})
    entering = table.external_commit(finn, Remove(DEE))
    table = table.then(table.group.stage(entering, policy=judged_by_caller), {DEE: finn.private})
    table = table.then(table.group.stage(table.commit(DEE)), {})

    info = MLSMessage(table.group_info(DEE)).encode()
    assert PublicGroup.from_group_info(info, None, now_ms=None) == table.group
    assert PublicGroup.decode(table.group.encode()) == table.group
    names = [leaf.credential.identity for _, leaf in table.group.tree.leaves()]
    assert names == [b"ana", b"bo", b"eva", b"finn"]
