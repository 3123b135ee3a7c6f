"""What nobody knows yet is carried along, and what is known to be weak is refused wherever it stands."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from yurt.mls.capabilities import Capabilities
from yurt.mls.codec import Reader, Writer
from yurt.mls.credential import Credential
from yurt.mls.errors import DecodeError, InvalidSignature, RemoteMlsError, ValidationError
from yurt.mls.extensions import Extension, ExtensionType, RequiredCapabilities
from yurt.mls.framing import MLSMessage
from yurt.mls.leaf_node import LeafNode
from yurt.mls.node_array import Entry, NodeArray
from yurt.mls.parent_node import ParentNode
from yurt.mls.proposals import Add, GroupContextExtensions, read_proposal
from yurt.mls.public_group import PublicGroup
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.testing import NOON_MS, SUITE, Person, Table
from yurt.mls.validation.group_info import external_pub
from yurt.mls.validation.key_package import check_key_package
from yurt.mls.validation.leaf_node import check_leaf
from yurt.mls.validation.tree import validate_tree

ANA, BO, CY = range(3)
GREASE: Final = tuple(0x0A0A + 0x1010 * step for step in range(15))
"""RFC 9420, 13.5: numbers that mean nothing and are sent so that nobody stumbles over the unknown."""
CHAIN: Final = (b"the leaf's certificate in DER", b"its issuer's")


def _greasy(leaf: LeafNode) -> LeafNode:
    capabilities = Capabilities(
        versions=(1, *GREASE),
        cipher_suites=(*GREASE, SUITE.value),
        extensions=GREASE,
        proposals=(*GREASE, 0x000A),
        credentials=(1, 2, *GREASE),
    )
    return replace(leaf, capabilities=capabilities, extensions=(Extension(GREASE[3], b"anything"),))


def test_grease_everywhere() -> None:
    """A group whose members and GroupInfo are full of numbers that mean nothing works like any other."""
    table = Table.of(3, (Extension(GREASE[0], b"x"),), leaf=_greasy)
    dee = Person.named(
        "dee",
        leaf=_greasy,
        package=lambda package: replace(package, extensions=(Extension(GREASE[1], b""),)),
    )

    staged = table.group.stage(table.commit(BO, Add(dee.package)), at_ms=NOON_MS)
    table = table.then(staged, {3: dee.private})

    info = table.group_info(
        change=lambda info: replace(info, extensions=(*info.extensions, Extension(GREASE[2], b"y")))
    )
    again = PublicGroup.from_group_info(MLSMessage(info).encode(), None, now_ms=NOON_MS)
    assert again == table.group
    assert again.tree.leaf(3).capabilities.extensions == GREASE


def test_grease_that_a_member_does_not_know() -> None:
    """An unknown extension of the GroupContext binds everybody; who does not list it cannot be added."""
    table = Table.of(2, (Extension(GREASE[0], b"x"),), leaf=_greasy)

    with pytest.raises(ValidationError, match="leafLacksExtension"):
        table.group.stage(table.commit(BO, Add(Person.named("cy").package)))


@pytest.mark.parametrize("kind", GREASE)
def test_grease_is_no_proposal(kind: int) -> None:
    """An unknown proposal has no readable end, so a message with one is malformed."""
    with pytest.raises(DecodeError):
        read_proposal(Reader(Writer().u16(kind).opaque(b"").bytes()))


# --- credentials ---


def _certified(leaf: LeafNode) -> LeafNode:
    both = replace(leaf.capabilities, credentials=(1, 2))
    return replace(leaf, credential=Credential.x509(CHAIN), capabilities=both)


def _both(leaf: LeafNode) -> LeafNode:
    return replace(leaf, capabilities=replace(leaf.capabilities, credentials=(1, 2)))


def test_x509_and_basic_in_one_group() -> None:
    """Members with certificates and members without share a group if all list both kinds."""
    table = Table.of(2, leaf=_both)

    table = table.add(Person.named("cy", leaf=_certified))

    credential = PublicGroup.decode(table.group.encode()).tree.leaf(CY).credential
    assert credential.certificates == CHAIN
    assert credential.identity == b""
    assert table.group.tree.leaf(BO).credential.certificates == ()


def test_x509_among_those_who_lack_it() -> None:
    """A member that cannot judge certificates is not given one to judge."""
    table = Table.of(2)

    with pytest.raises(ValidationError, match="leafLacksCredential"):
        table.group.stage(table.commit(BO, Add(Person.named("cy", leaf=_certified).package)))


@pytest.mark.parametrize("content", ["", "0361", "40", "4003616263"], ids=["none", "cut", "half", "long"])
def test_malformed_certificate_chains(content: str) -> None:
    """A chain is a list of certificates, and not an empty one."""
    data = Writer().u16(2).opaque(bytes.fromhex(content)).bytes()

    with pytest.raises(DecodeError):
        Credential.decode(data)


def test_a_credential_of_a_new_kind() -> None:
    """A credential of a kind that nobody knows yet is kept as it is."""
    data = Writer().u16(GREASE[0]).opaque(b"whatever").bytes()

    assert Credential.decode(data).encode() == data


# --- required capabilities (11.1) ---


REQUIRED: Final = {
    "extension": RequiredCapabilities(extension_types=(0xF0B9,)),
    "proposal": RequiredCapabilities(proposal_types=(0xF0B9,)),
    "credential": RequiredCapabilities(credential_types=(0xF0B9,)),
}


@pytest.mark.parametrize("kind", REQUIRED)
def test_what_a_group_requires(kind: str) -> None:
    """A requirement holds for those who are here when it comes, and for those who come later."""
    extension = Extension(ExtensionType.REQUIRED_CAPABILITIES, REQUIRED[kind].encode())

    def able(leaf: LeafNode) -> LeafNode:
        listed = replace(
            leaf.capabilities, extensions=(0xF0B9,), proposals=(0x000A, 0xF0B9), credentials=(1, 0xF0B9)
        )
        return replace(leaf, capabilities=listed)

    table = Table.of(2, (extension,), leaf=able)
    assert table.add(Person.named("cy", leaf=able)).group.tree.member_count == 3

    with pytest.raises(ValidationError, match="leafLacksRequired"):
        table.group.stage(table.commit(BO, Add(Person.named("cy").package)))
    plain = Table.of(2)
    with pytest.raises(ValidationError, match="leafLacksRequired"):
        plain.group.stage(plain.commit(BO, GroupContextExtensions((extension,))))


# --- weak keys, wherever a key stands ---


LOW_ORDER: Final = tuple(
    bytes.fromhex(point)
    for point in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
    )
)
"""X25519 points under which everybody's shared secret is zero, with their second spellings."""
WEAK_SIGNATURE_KEYS: Final = tuple(
    bytes.fromhex(key)
    for key in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)
"""Ed25519 keys of small order, and one with a second spelling."""


def _leaf(key: bytes) -> None:
    check_leaf(
        SUITE,
        Person.named("eva", leaf=lambda leaf: replace(leaf, encryption_key=key)).package.leaf_node,
        None,
    )


def _init(key: bytes) -> None:
    check_key_package(
        SUITE, Person.named("eva", package=lambda package: replace(package, init_key=key)).package
    )


def _parent(key: bytes) -> None:
    tree = Table.of(2).group.tree
    entries = [Entry.of(node) for node in map(tree.node, range(tree.node_count)) if node is not None]
    entries[1] = Entry.of(ParentNode(key))
    validate_tree(RatchetTree(SUITE, NodeArray(SUITE, list(entries))))


def _path(key: bytes) -> None:
    table = Table.of(2)
    table.group.stage(table.commit(BO, path=table.path(BO, keys=lambda keys: [key, *keys[1:]])))


def _path_leaf(key: bytes) -> None:
    table = Table.of(2)
    path = table.path(BO, leaf=lambda leaf: replace(leaf, encryption_key=key))
    table.group.stage(table.commit(BO, path=path))


def _external(key: bytes) -> None:
    extension = Extension(ExtensionType.EXTERNAL_PUB, Writer().opaque(key).bytes())
    external_pub(SUITE, Table.of(1).group_info(change=lambda info: replace(info, extensions=(extension,))))


PLACES: Final[dict[str, tuple[Callable[[bytes], None], str]]] = {
    "leaf": (_leaf, "leafWeakKey"),
    "init key": (_init, "keyPackageWeakKey"),
    "parent": (_parent, "treeWeakKey"),
    "path": (_path, "pathWeakKey"),
    "path leaf": (_path_leaf, "pathWeakKey"),
    "external key": (_external, "groupInfoNoExternalPub"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("key", LOW_ORDER, ids=bytes.hex)
def test_keys_of_low_order(place: str, key: bytes) -> None:
    """A key that makes every secret zero is refused in each place where a key can stand."""
    check, rule = PLACES[place]

    with pytest.raises(RemoteMlsError) as refused:
        check(key)

    assert refused.value.rule == rule


@pytest.mark.parametrize("key", WEAK_SIGNATURE_KEYS, ids=bytes.hex)
def test_signature_keys_of_low_order(key: bytes) -> None:
    """A signature key that fits many messages is nobody's, in a leaf or as a joiner's."""
    table, eva = Table.of(2), Person.named("eva")
    leaf = replace(eva.package.leaf_node, signature_key=key)
    with pytest.raises(ValidationError, match="leafWeakKey"):
        check_leaf(SUITE, leaf, None)

    path = table.path(None, joiner=eva)
    forged = replace(path, leaf_node=replace(path.leaf_node, signature_key=key))
    with pytest.raises(InvalidSignature):
        table.group.stage(table.external_commit(eva, path=forged))
