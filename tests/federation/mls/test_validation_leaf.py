"""A leaf or key package that breaks one rule is refused by that rule's name."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from yurt.mls.capabilities import Capabilities
from yurt.mls.credential import Credential
from yurt.mls.errors import InvalidSignature, RemoteMlsError, ValidationError
from yurt.mls.extensions import Extension, ExtensionType, RequiredCapabilities
from yurt.mls.key_package import KeyPackage
from yurt.mls.leaf_node import LeafNode, LeafNodeSource, Lifetime
from yurt.mls.proposals import Add, GroupContextExtensions
from yurt.mls.testing import NOON_MS, SUITE, Person, Table, hpke_public
from yurt.mls.validation.key_package import KeyPackageRule, check_key_package
from yurt.mls.validation.leaf_node import LeafNodeRule, check_leaf

ANA, BO, CY = range(3)
NOON = NOON_MS // 1000
GREASE = 0x0A0A


@pytest.fixture
def table() -> Table:
    return Table.of(3)


def _capabilities(**changes: tuple[int, ...]) -> Callable[[LeafNode], LeafNode]:
    return lambda leaf: replace(leaf, capabilities=replace(leaf.capabilities, **changes))


def _with(*extensions: Extension) -> Callable[[LeafNode], LeafNode]:
    return lambda leaf: replace(leaf, extensions=extensions)


ADDED: dict[LeafNodeRule, Callable[[LeafNode], LeafNode]] = {
    LeafNodeRule.SOURCE: lambda leaf: replace(
        leaf, leaf_node_source=LeafNodeSource.COMMIT, lifetime=None, parent_hash=b""
    ),
    LeafNodeRule.WEAK_KEY: lambda leaf: replace(leaf, encryption_key=bytes(32)),
    LeafNodeRule.VERSION: _capabilities(versions=(2,)),
    LeafNodeRule.CIPHER_SUITE: _capabilities(cipher_suites=(2, 3)),
    LeafNodeRule.CREDENTIAL_UNLISTED: _capabilities(credentials=(2,)),
    LeafNodeRule.EXTENSION_UNLISTED: _with(Extension(0xF0B1, b"")),
    LeafNodeRule.EXTENSION_TWICE: _with(Extension(1, b"a"), Extension(1, b"b")),
    LeafNodeRule.LIFETIME_TOO_LONG: lambda leaf: replace(
        leaf, lifetime=Lifetime(NOON - 1, NOON + 400 * 86_400)
    ),
    LeafNodeRule.NOT_YET_VALID: lambda leaf: replace(leaf, lifetime=Lifetime(NOON + 60, NOON + 120)),
    LeafNodeRule.EXPIRED: lambda leaf: replace(leaf, lifetime=Lifetime(NOON - 120, NOON - 60)),
    LeafNodeRule.LACKS_CREDENTIAL: lambda leaf: replace(
        _capabilities(credentials=(7,))(leaf), credential=Credential(7, b"a new kind")
    ),
}


@pytest.mark.parametrize("rule", ADDED)
def test_an_added_leaf_that_is_not_right(table: Table, rule: LeafNodeRule) -> None:
    """Each rule of a leaf is refused under its own name."""
    dee = Person.named("dee", leaf=ADDED[rule])

    with pytest.raises(ValidationError) as refused:
        table.group.stage(table.commit(ANA, Add(dee.package)), at_ms=NOON_MS)

    assert (refused.value.rule, refused.value.section) == (rule.value, "RFC 9420 7.3")


def test_lifetimes_without_a_time(table: Table) -> None:
    """Who gives no time judges no lifetime; nothing here reads a clock."""
    dee = Person.named("dee", leaf=ADDED[LeafNodeRule.EXPIRED])

    assert table.group.stage(table.commit(ANA, Add(dee.package))).apply().tree.member_count == 4


def test_a_malformed_signature_key() -> None:
    """A signature key of small order would fit many messages."""
    leaf = replace(Person.named("dee").package.leaf_node, signature_key=bytes(32))

    with pytest.raises(ValidationError, match=LeafNodeRule.WEAK_KEY):
        check_leaf(SUITE, leaf, LeafNodeSource.KEY_PACKAGE)


def _require(
    extensions: tuple[int, ...] = (), proposals: tuple[int, ...] = (), credentials: tuple[int, ...] = ()
) -> Extension:
    required = RequiredCapabilities(extensions, proposals, credentials)
    return Extension(ExtensionType.REQUIRED_CAPABILITIES, required.encode())


@pytest.mark.parametrize(
    "required", [_require(extensions=(0xF0B1,)), _require(proposals=(0x000B,)), _require(credentials=(2,))]
)
def test_a_new_requirement_that_members_lack(table: Table, required: Extension) -> None:
    """A group cannot require what a member does not support."""
    with pytest.raises(ValidationError, match=LeafNodeRule.LACKS_REQUIRED):
        table.group.stage(table.commit(ANA, GroupContextExtensions((required,))))


def test_an_extension_that_members_lack(table: Table) -> None:
    """Every extension of a group is supported by every member."""
    with pytest.raises(ValidationError, match=LeafNodeRule.LACKS_EXTENSION):
        table.group.stage(table.commit(ANA, GroupContextExtensions((Extension(0xF0B2, b""),))))


def test_somebody_new_who_lacks_what_is_required() -> None:
    """Who joins supports what the group uses and requires."""
    extensions = (_require(extensions=(0xF0B1,)), Extension(0xF0B2, b"policy"))
    table = Table.of(2, extensions, leaf=_capabilities(extensions=(0xF0B1, 0xF0B2)))

    for known, rule in (((0xF0B2,), LeafNodeRule.LACKS_REQUIRED), ((0xF0B1,), LeafNodeRule.LACKS_EXTENSION)):
        cy = Person.named("cy", leaf=_capabilities(extensions=known))
        with pytest.raises(ValidationError) as refused:
            table.group.stage(table.commit(ANA, Add(cy.package)))
        assert refused.value.rule == rule.value


def test_a_path_that_drops_what_is_required() -> None:
    """A member's new leaf still supports what the group requires."""
    extensions = (_require(extensions=(0xF0B1,)),)
    table = Table.of(2, extensions, leaf=_capabilities(extensions=(0xF0B1,)))

    with pytest.raises(ValidationError, match=LeafNodeRule.LACKS_REQUIRED):
        table.group.stage(table.commit(BO, path=table.path(BO, leaf=_capabilities(extensions=()))))


def test_the_keys_of_another(table: Table) -> None:
    """No two leaves have the same signature key or the same encryption key."""
    private = table.privates[CY]
    with pytest.raises(ValidationError, match=LeafNodeRule.SAME_SIGNATURE_KEY):
        table.group.stage(table.commit(BO, path=table.path(BO, private=private)))

    key = table.group.tree.leaf(CY).encryption_key
    dee = Person.named("dee", leaf=lambda leaf: replace(leaf, encryption_key=key))
    with pytest.raises(ValidationError, match=LeafNodeRule.SAME_ENCRYPTION_KEY):
        table.group.stage(table.commit(ANA, Add(dee.package), path=False))


def test_the_key_of_a_parent(table: Table) -> None:
    """A leaf with a parent's key would make a tree that nobody can join by."""
    key = table.group.tree.encryption_key(table.group.tree.root)
    dee = Person.named("dee", leaf=lambda leaf: replace(leaf, encryption_key=key))

    with pytest.raises(ValidationError, match=LeafNodeRule.SAME_ENCRYPTION_KEY):
        table.group.stage(table.commit(ANA, Add(dee.package), path=False))


def test_grease_is_ignored(table: Table) -> None:
    """Numbers nobody knows, where the RFC allows them, change nothing."""
    capabilities = Capabilities((1, GREASE), (1, GREASE), (GREASE,), (GREASE,), (1, GREASE))
    dee = Person.named(
        "dee",
        leaf=lambda leaf: replace(leaf, capabilities=capabilities, extensions=(Extension(GREASE, b"x"),)),
        package=lambda package: replace(package, extensions=(Extension(0x1A1A, b"y"),)),
    )

    staged = table.group.stage(table.commit(ANA, Add(dee.package)), at_ms=NOON_MS)

    assert staged.apply().tree.leaf(3).capabilities == capabilities


PACKAGES: dict[KeyPackageRule, Callable[[KeyPackage], KeyPackage]] = {
    KeyPackageRule.VERSION: lambda package: replace(package, version=2),
    KeyPackageRule.CIPHER_SUITE: lambda package: replace(package, cipher_suite=3),
    KeyPackageRule.INIT_KEY: lambda package: replace(package, init_key=package.leaf_node.encryption_key),
    KeyPackageRule.WEAK_KEY: lambda package: replace(package, init_key=bytes(32)),
    KeyPackageRule.EXTENSION_TWICE: lambda package: replace(
        package, extensions=(Extension(9, b""), Extension(9, b""))
    ),
}


@pytest.mark.parametrize("rule", PACKAGES)
def test_a_key_package_that_is_not_right(table: Table, rule: KeyPackageRule) -> None:
    """Each rule of a key package is refused under its own name, alone and in an Add."""
    dee = Person.named("dee", package=PACKAGES[rule])

    with pytest.raises(ValidationError) as refused:
        check_key_package(SUITE, dee.package)
    with pytest.raises(ValidationError, match=rule.value):
        table.group.stage(table.commit(ANA, Add(dee.package)))

    assert (refused.value.rule, refused.value.section) == (rule.value, "RFC 9420 10.1")


def test_signatures_of_a_key_package() -> None:
    """The leaf and the whole are signed apart; each signature counts."""
    dee = Person.named("dee")
    check_key_package(SUITE, dee.package)

    with pytest.raises(InvalidSignature) as whole:
        check_key_package(SUITE, replace(dee.package, init_key=hpke_public()))
    leaf = replace(dee.package.leaf_node, credential=Credential.basic(b"ana"))
    with pytest.raises(InvalidSignature) as inner:
        check_key_package(SUITE, replace(dee.package, leaf_node=leaf).signed(SUITE, dee.private))

    assert (whole.value.label, inner.value.label) == ("KeyPackageTBS", "LeafNodeTBS")


def test_a_malformed_requirement(table: Table) -> None:
    """Required capabilities that cannot be read are refused, not ignored."""
    broken = Extension(ExtensionType.REQUIRED_CAPABILITIES, b"\x05")

    with pytest.raises(RemoteMlsError):
        table.group.stage(table.commit(ANA, GroupContextExtensions((broken,))))


def test_every_rule_has_its_test() -> None:
    """No rule stands without a leaf that breaks it."""
    elsewhere = {
        LeafNodeRule.LACKS_REQUIRED,
        LeafNodeRule.LACKS_EXTENSION,
        LeafNodeRule.SAME_SIGNATURE_KEY,
        LeafNodeRule.SAME_ENCRYPTION_KEY,
    }
    assert set(ADDED) | elsewhere == set(LeafNodeRule)
    assert set(PACKAGES) == set(KeyPackageRule)
