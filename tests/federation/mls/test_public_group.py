"""A hub follows a group from outside: it accepts what members may do, and nothing else."""

import subprocess
import sys
from dataclasses import replace

import pytest

from yurt.mls.errors import DecodeError, InvalidSignature, NoConfirmationTag, WrongEpoch, WrongGroup
from yurt.mls.extensions import Extension
from yurt.mls.framing import MLSMessage, PublicMessage
from yurt.mls.group_info import GroupInfo
from yurt.mls.proposals import Add, GroupContextExtensions, Remove
from yurt.mls.public_group import PublicGroup
from yurt.mls.testing import GROUP_ID, NOON_MS, SUITE, Person, Table

ANA, BO, CY, DEE = range(4)


@pytest.fixture
def table() -> Table:
    return Table.of(4)


def _message(info: GroupInfo) -> bytes:
    return MLSMessage(info).encode()


def test_a_group_is_followed_from_its_group_info(table: Table) -> None:
    """Who begins with a GroupInfo stands where those stand who saw every commit."""
    group = PublicGroup.from_group_info(_message(table.group_info(BO)), None, now_ms=NOON_MS)

    assert group == table.group
    assert group.tree.tree_hash() == table.group.tree.tree_hash()


def test_the_tree_may_come_beside_the_group_info(table: Table) -> None:
    """A tree from elsewhere is as good, since its hash is signed."""
    info = table.group_info(with_tree=False)

    assert PublicGroup.from_group_info(info, table.group.tree, now_ms=None) == table.group


def test_add_and_remove_in_one_commit(table: Table) -> None:
    """The change names who comes, who goes and the committer's new leaf; the old state stays."""
    eva = Person.named("eva")

    staged = table.group.stage(table.commit(ANA, Remove(CY), Add(eva.package), authenticated_data=b"why"))

    change = staged.change
    assert (change.group_id, change.epoch, change.committer) == (GROUP_ID, 3, ANA)
    assert change.committer_leaf == table.group.tree.leaf(ANA)
    assert [(index, leaf.credential.identity) for index, leaf in change.removed] == [(CY, b"cy")]
    assert [(each.index, each.how, each.by) for each in change.entering] == [
        (CY, "add", ANA),
        (ANA, "path", ANA),
    ]
    assert change.entering[0].leaf == eva.package.leaf_node
    assert change.entering[0].replaces is None
    assert change.entering[1].replaces == table.group.tree.leaf(ANA)
    assert change.authenticated_data == b"why"
    assert change.tree_before == table.group.tree
    assert table.group.epoch == 3


def test_the_group_goes_on(table: Table) -> None:
    """Each applied commit begins the next epoch, and the next commit builds on it."""
    for committer in (BO, CY, DEE):
        table = table.then(table.group.stage(table.commit(committer)), {})
    table = table.then(table.group.stage(table.commit(BO, Remove(DEE))), {})
    table = table.then(table.group.stage(table.commit(BO, Remove(CY))), {})

    assert table.group.epoch == 8
    assert table.group.tree.size == 2
    assert [index for index, _ in table.group.tree.leaves()] == [ANA, BO]


def test_adds_without_a_path(table: Table) -> None:
    """Only adding needs no path; the added leaf is unmerged above."""
    eva = Person.named("eva")

    group = table.group.stage(table.commit(BO, Add(eva.package), path=False)).apply()

    assert group.tree.leaf(4) == eva.package.leaf_node
    assert group.tree.size == 8


def test_new_extensions(table: Table) -> None:
    """The change shows the extensions before and after."""
    extensions = (Extension(1, b"an application's"),)

    staged = table.group.stage(table.commit(BO, GroupContextExtensions(extensions)))

    assert (staged.change.extensions_before, staged.change.extensions_after) == ((), extensions)
    assert staged.context.extensions == extensions


def test_a_new_signature_key(table: Table) -> None:
    """A path may bring a new signature key; the next commit must be signed with it."""
    private = SUITE.generate_signature_key()
    old = table
    table = table.then(
        table.group.stage(table.commit(BO, path=table.path(BO, private=private))), {BO: private}
    )

    assert table.group.stage(table.commit(BO)).apply().epoch == 5
    with pytest.raises(InvalidSignature):
        table.group.stage(replace(table, privates=old.privates).commit(BO))


def test_a_dropped_commit_changes_nothing(table: Table) -> None:
    """Of two commits for one epoch, either can be applied after both were staged."""
    one, other = table.group.stage(table.commit(BO)), table.group.stage(table.commit(CY))

    assert one.apply() != other.apply()
    with pytest.raises(WrongEpoch) as refused:
        one.apply().stage(table.commit(CY))
    assert (refused.value.have, refused.value.got) == (4, 3)


def test_a_snapshot_comes_back(table: Table) -> None:
    """A node restarts where it was."""
    again = PublicGroup.decode(table.group.encode())

    commit = table.commit(BO)
    assert again == table.group
    assert again.stage(commit).apply() == table.group.stage(commit).apply()


def test_a_snapshot_of_another_version(table: Table) -> None:
    """A newer node's snapshot is refused by name, not misread."""
    with pytest.raises(DecodeError, match="version 3"):
        PublicGroup.decode(b"\3" + table.group.encode()[1:])


def test_the_group_info_of_this_epoch(table: Table) -> None:
    """A hub hands out a GroupInfo only if a member signed exactly this epoch."""
    info = table.group_info(DEE, with_tree=False)

    assert table.group.check_group_info(_message(info)) == info


def test_the_group_info_of_another_epoch_or_group(table: Table) -> None:
    """An old GroupInfo, or another group's, is none of this epoch."""
    old = table.group_info()
    after = table.then(table.group.stage(table.commit(BO)), {})

    with pytest.raises(WrongEpoch):
        after.group.check_group_info(_message(old))
    other = replace(table.group.context, group_id=b"elsewhere")
    with pytest.raises(WrongGroup):
        table.group.check_group_info(
            _message(table.group_info(change=lambda info: replace(info, group_context=other)))
        )


def test_a_commit_without_its_tag(table: Table) -> None:
    """Our own commit can be staged before its tag is known, and is applied with it."""
    message = MLSMessage.decode(table.commit(BO)).expect(PublicMessage)
    content = message.authenticated_content()
    bare = replace(content, auth=replace(content.auth, confirmation_tag=None))

    staged = table.group.stage_content(bare)

    with pytest.raises(NoConfirmationTag):
        staged.apply()
    assert staged.apply(b"t" * 32) != table.group.stage_content(content).apply()


def test_the_public_side_loads_no_secrets() -> None:
    """A process that follows groups from outside never loads what could decrypt them."""
    program = (
        "import sys, yurt.mls.public_group\n"
        "secret = ('group', 'secret_tree', 'key_schedule', 'treekem', 'joining', 'staging', 'receiving',"
        " 'message_protection', 'member_epoch', 'message_epoch', 'key_package_bundle', 'psk_secret',"
        " 'committing', 'external_init', 'external_join', 'own_proposals', 'succession')\n"
        "loaded = [name for name in secret if 'yurt.mls.' + name in sys.modules]\n"
        "sys.exit(' '.join(loaded) or 0)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter

    assert (done.returncode, done.stderr) == (0, "")
