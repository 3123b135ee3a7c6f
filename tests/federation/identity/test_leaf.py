"""A leaf says whose it is, and everybody can check that without asking anybody."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from yurt.identity.device import DeviceCertificate, DeviceKeys
from yurt.identity.errors import LeafError, RemoteIdentityError, WrongSignature
from yurt.identity.identity_key import IdentityKey
from yurt.identity.leaf import LeafExtension, LeafUse, issue_leaf, verify_leaf
from yurt.mls.capabilities import Capabilities
from yurt.mls.credential import Credential
from yurt.mls.extensions import Extension
from yurt.mls.leaf_node import LeafNode, LeafNodeSource
from yurt.wire.registry import LEAF_EXTENSION

NOW = 1_795_000_000
DAY = 86_400
ACTOR = "https://harbour.example/users/ana"
ROOM = bytes([9]) * 32
LEAF_KEY = bytes([7]) * 32


@pytest.fixture
def certificate(ana: IdentityKey, ana_phone: DeviceKeys) -> DeviceCertificate:
    return DeviceCertificate.issue(ana, ana_phone.public, record_seq=1, not_after=NOW + 60 * DAY)


def leaf_with(extension_data: bytes, *, actor: bytes = ACTOR.encode(), key: bytes = LEAF_KEY) -> LeafNode:
    """Make a leaf; its MLS signature is MLS's business."""
    return LeafNode(
        encryption_key=bytes(32),
        signature_key=key,
        credential=Credential.basic(actor),
        capabilities=Capabilities(),
        leaf_node_source=LeafNodeSource.COMMIT,
        parent_hash=b"",
        extensions=(Extension(LEAF_EXTENSION, extension_data),),
    )


@pytest.fixture
def extension(ana_phone: DeviceKeys, certificate: DeviceCertificate) -> bytes:
    return issue_leaf(
        ana_phone,
        certificate,
        actor=ACTOR,
        signature_public=LEAF_KEY,
        use=LeafUse.ROOM,
        group_id=ROOM,
        not_before=NOW - 3600,
        not_after=NOW + 80 * DAY,
    )


def test_leaf_names_person_device_and_actor(
    extension: bytes, ana: IdentityKey, ana_phone: DeviceKeys, golden: Callable[[str, bytes], None]
) -> None:
    """Who reads the leaf knows the did; the layout never changes."""
    leaf = verify_leaf(leaf_with(extension))

    assert leaf.key == (ana.did, ana_phone.device_id)
    assert (leaf.actor, leaf.use, leaf.group_id, leaf.record_seq) == (ACTOR, LeafUse.ROOM, ROOM, 1)
    assert LeafExtension.decode(extension).encode() == extension
    assert len(extension) == 307
    golden("leaf_extension.hex", extension)


def test_leaf_ends_with_the_earlier_certificate(extension: bytes) -> None:
    """The device's certificate ends first here; expiry is asked only when the leaf enters."""
    leaf = verify_leaf(leaf_with(extension))

    leaf.check_time(NOW)
    leaf.check_time(NOW + 60 * DAY)
    for at, rule in ((NOW + 60 * DAY + 1, "leafExpired"), (NOW - 3601, "leafNotYet")):
        with pytest.raises(LeafError) as caught:
            leaf.check_time(at)
        assert caught.value.rule == rule


def test_joining_leaf_names_no_room(ana_phone: DeviceKeys, certificate: DeviceCertificate) -> None:
    """A key package's leaf is for any room, a room's leaf for one."""
    for use, group_id in ((LeafUse.JOINING, ROOM), (LeafUse.ROOM, b""), (LeafUse.ROOM, ROOM[:31])):
        with pytest.raises(LeafError) as caught:
            issue_leaf(
                ana_phone,
                certificate,
                actor=ACTOR,
                signature_public=LEAF_KEY,
                use=use,
                group_id=group_id,
                not_before=NOW,
                not_after=NOW + DAY,
            )
        assert caught.value.rule == "leafUse"


def test_ninety_days_at_most(ana_phone: DeviceKeys, certificate: DeviceCertificate) -> None:
    """A leaf for longer, or for less than nothing, is not issued."""
    for not_after in (NOW + 91 * DAY, NOW - 1):
        with pytest.raises(LeafError) as caught:
            issue_leaf(
                ana_phone,
                certificate,
                actor=ACTOR,
                signature_public=LEAF_KEY,
                use=LeafUse.ROOM,
                group_id=ROOM,
                not_before=NOW,
                not_after=not_after,
            )
        assert caught.value.rule == "leafValidity"


def test_moved_certificates_prove_nothing(extension: bytes, ana_laptop: DeviceKeys, bo: IdentityKey) -> None:
    """Neither another key, actor, room or use, nor another device or person, can use them."""
    parsed = LeafExtension.decode(extension)
    phone = parsed.certificate

    with pytest.raises(WrongSignature) as caught:
        verify_leaf(leaf_with(extension, key=bytes([8]) * 32))
    assert caught.value.rule == "leafCertificate"
    with pytest.raises(WrongSignature):
        verify_leaf(leaf_with(extension, actor=b"https://hilltop.example/users/ana"))
    with pytest.raises(WrongSignature):
        verify_leaf(leaf_with(extension), suite=2)
    for forged in (
        replace(parsed, group_id=bytes(32)),
        replace(parsed, use=LeafUse.JOINING, group_id=b""),
        replace(parsed, not_after=parsed.not_after + 1),
        replace(parsed, certificate=replace(phone, device=ana_laptop.public)),
        replace(parsed, certificate=replace(phone, did=bo.did)),
        replace(parsed, certificate=replace(phone, record_seq=2)),
    ):
        with pytest.raises(WrongSignature):
            verify_leaf(leaf_with(forged.encode()))


@pytest.mark.parametrize(
    "actor",
    [b"", b"ana", b"http://harbour.example/u", b"https://harbour.example/\xff", b"https://h/" + b"a" * 600],
)
def test_credential_is_an_actor(extension: bytes, actor: bytes) -> None:
    """Only an actor URL can stand in a credential of ours."""
    with pytest.raises(LeafError) as caught:
        verify_leaf(leaf_with(extension, actor=actor))

    assert caught.value.rule == "leafCredential"


def test_other_credentials_and_leaves_without_extension(extension: bytes) -> None:
    """A plain MLS client's leaf is nobody here."""
    with pytest.raises(LeafError) as caught:
        verify_leaf(replace(leaf_with(extension), extensions=()))
    assert caught.value.rule == "noLeafExtension"
    with pytest.raises(LeafError) as caught:
        verify_leaf(replace(leaf_with(extension), credential=Credential(99, ACTOR.encode())))
    assert caught.value.rule == "leafCredential"


def test_broken_extension(extension: bytes) -> None:
    """Cut, lengthened or changed anywhere, it is refused by name."""
    for at in range(len(extension)):
        for broken in (extension[:at], extension[:at] + bytes((extension[at] ^ 1,)) + extension[at + 1 :]):
            with pytest.raises(RemoteIdentityError):
                verify_leaf(leaf_with(broken))
    with pytest.raises(LeafError):
        LeafExtension.decode(extension + b"\0")
    with pytest.raises(LeafError) as caught:
        LeafExtension.decode(b"\2" + extension[1:])
    assert caught.value.rule == "leafVersion"
