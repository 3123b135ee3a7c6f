"""A Welcome whose sender lies is refused by name; what follows another group must truly follow it."""

from dataclasses import replace

import pytest

from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.errors import InvalidGroupInfo, InvalidSuccession
from yurt.mls.framing import MLSMessage
from yurt.mls.group import Group
from yurt.mls.group_info import GroupInfo
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.joining import open_welcome
from yurt.mls.key_package_bundle import KeyPackageBundle
from yurt.mls.key_schedule import EpochEntry
from yurt.mls.labels import encrypt_with_label
from yurt.mls.pre_shared_key import PreSharedKeyID, ResumptionPSK, ResumptionPSKUsage
from yurt.mls.public_group import PublicGroup
from yurt.mls.rehearsal import Member
from yurt.mls.succession import SuccessionRule, check_succession
from yurt.mls.testing import SUITE, Table
from yurt.mls.welcome import EncryptedGroupSecrets, GroupSecrets, Welcome


def _welcome(bundle: KeyPackageBundle, info: GroupInfo, secrets: GroupSecrets, suite: CipherSuite) -> bytes:
    """Seal any GroupInfo and secrets to somebody, as whoever has the key package can."""
    key, nonce = EpochEntry.of(suite, secrets.joiner_secret).welcome_key()
    sealed = suite.aead_seal(key, nonce, b"", info.encode())
    package = bundle.key_package
    to_them = encrypt_with_label(suite, package.init_key, "Welcome", sealed, secrets.encode())
    entry = EncryptedGroupSecrets(package.ref(suite), to_them)
    return MLSMessage(Welcome(suite.value, (entry,), sealed)).encode()


def _refused(welcome: bytes, bundle: KeyPackageBundle) -> str:
    store = MemoryGroupStore()
    with pytest.raises(InvalidGroupInfo) as refused:
        Group.join(store, welcome, bundle)
    assert not list(store.rows(b""))
    return refused.value.rule


def _invited() -> tuple[GroupInfo, GroupSecrets]:
    ana, bo = Member("ana").found(), Member("bo")
    bundle = bo.key_package()
    staged = ana.group.stage_commit(adds=[bundle.key_package], force_path=True)
    opened = open_welcome(MLSMessage.decode(staged.welcome or b"").expect(Welcome), bundle)
    return opened.group_info, opened.group_secrets


def test_a_welcome_into_a_group_without_us() -> None:
    """Whoever passes its own Welcome on to us cannot make us believe that we are in."""
    info, secrets = _invited()
    eve = Member("eve").key_package()

    assert _refused(_welcome(eve, info, secrets, SUITE), eve) == "ownLeaf"


def test_a_welcome_into_a_group_of_another_suite() -> None:
    """The group that a Welcome describes is of the suite that the Welcome was sealed with."""
    _, secrets = _invited()
    eve = Member("eve").key_package()
    other = Table.of(2, suite=cipher_suite(3)).group_info()

    assert _refused(_welcome(eve, other, secrets, SUITE), eve) == "cipherSuite"


# --- groups that follow another (11.2 and 11.3) ---


def _named(previous: PublicGroup, usage: ResumptionPSKUsage = ResumptionPSKUsage.BRANCH) -> PreSharedKeyID:
    return PreSharedKeyID(ResumptionPSK(usage, previous.group_id, previous.epoch), bytes(SUITE.hash_size))


def test_a_group_follows_one_group() -> None:
    """Nobody can continue two groups in one."""
    old = Table.of(2).group

    with pytest.raises(InvalidSuccession, match=SuccessionRule.TWICE):
        check_succession(old, (_named(old), _named(old, ResumptionPSKUsage.REINIT)), old)


def test_a_group_follows_from_its_beginning() -> None:
    """Only the first commit of a new group continues or branches off another."""
    old = Table.of(3).group
    late = replace(old, context=replace(old.context, epoch=2))

    with pytest.raises(InvalidSuccession, match=SuccessionRule.NOT_FIRST):
        check_succession(late, (_named(old),), old)


def test_a_group_that_was_not_closed() -> None:
    """A group that no ReInit ended is not continued by anybody."""
    old = Table.of(3).group
    new = replace(old, context=replace(old.context, epoch=1))

    with pytest.raises(InvalidSuccession, match=SuccessionRule.NO_REINIT):
        check_succession(new, (_named(old, ResumptionPSKUsage.REINIT),), old)
