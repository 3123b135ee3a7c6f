"""A device is a person's because the identity key says so, and only as it says."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from yurt.identity.device import DeviceCertificate, DeviceKeys
from yurt.identity.errors import DeviceError, WrongSignature
from yurt.identity.identity_key import IdentityKey
from yurt.mls.errors import DecodeError

UNTIL = 1_826_000_000


def test_certificate_holds(
    ana: IdentityKey, ana_phone: DeviceKeys, golden: Callable[[str, bytes], None]
) -> None:
    """What the identity key certified verifies; its bytes never change."""
    certificate = DeviceCertificate.issue(ana, ana_phone.public, record_seq=1, not_after=UNTIL)

    certificate.verify()
    golden("device_certificate.hex", certificate.signature)


def test_each_field_is_certified(
    ana: IdentityKey, bo: IdentityKey, ana_phone: DeviceKeys, ana_laptop: DeviceKeys
) -> None:
    """A person, record, device, key or date put in later breaks it."""
    certificate = DeviceCertificate.issue(ana, ana_phone.public, record_seq=1, not_after=UNTIL)
    phone, laptop = ana_phone.public, ana_laptop.public

    for forged in (
        replace(certificate, did=bo.did),
        replace(certificate, record_seq=2),
        replace(certificate, not_after=UNTIL + 1),
        replace(certificate, device=replace(phone, device_id=laptop.device_id)),
        replace(certificate, device=replace(phone, ed25519=laptop.ed25519)),
        replace(certificate, device=replace(phone, x25519=laptop.x25519)),
    ):
        with pytest.raises(WrongSignature) as caught:
            forged.verify()
        assert caught.value.rule == "deviceCertificate"


@pytest.mark.parametrize(("field", "key"), [("x25519", bytes(32)), ("ed25519", b"\1" + bytes(31))])
def test_weak_device_keys(ana: IdentityKey, ana_phone: DeviceKeys, field: str, key: bytes) -> None:
    """Even a certified key of small order is refused."""
    device = replace(ana_phone.public, **{field: key})
    certificate = DeviceCertificate.issue(ana, device, record_seq=1, not_after=UNTIL)

    with pytest.raises(DeviceError):
        certificate.verify()


def test_keys_come_back_from_the_vault() -> None:
    """What is stored is what is read; another version is named, a torn row refused."""
    keys = DeviceKeys.generate()
    stored = keys.encode()

    assert DeviceKeys.decode(stored) == keys
    with pytest.raises(DeviceError):
        DeviceKeys.decode(b"\2" + stored[1:])
    with pytest.raises(DecodeError):
        DeviceKeys.decode(stored[:-1])


def test_private_keys_stay_out_of_repr(ana_phone: DeviceKeys) -> None:
    """A logged device shows its id alone."""
    assert repr(ana_phone) == f"DeviceKeys(device_id={ana_phone.device_id!r})"
