"""Which device said it: what rosters, kits and archives have in common.

A device speaks for a person iff the person's newest known record lists it (TRUST 9). Whether its
certificate had run out when it spoke is judged by the time that it signed; whether it has run out now
matters only to whoever takes something new.
"""

from yurt.identity.device import DeviceKeys
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.signed_record import VerifiedRecord
from yurt.identity.signing import verify
from yurt.portability.errors import LocalPortabilityError


def check_speaks_for(keys: DeviceKeys, record: VerifiedRecord) -> None:
    """Hold ourselves to the rule that others will hold us to.

    Raises:
        LocalPortabilityError: The record does not list this device.
    """
    listed = record.device(keys.device_id)
    if listed is None or listed.device != keys.public:
        raise LocalPortabilityError("notListed", "this device is not in the person's newest record")


def is_signed_by(
    record: VerifiedRecord, device_id: bytes, time: int, label: bytes, said: bytes, signature: bytes
) -> str:
    """Judge a device's signature.

    Args:
        record: The person's newest verified record.
        device_id: The device that should have signed.
        time: When it says that it signed, in seconds since 1970.
        label: For what purpose.
        said: What was signed.
        signature: 64 bytes.

    Returns:
        Empty if all is well, else the rule that is broken: ``device`` (not listed, or expired then) or
        ``signature``.
    """
    listed = record.device(device_id)
    if listed is None or time > listed.not_after:
        return "device"
    try:
        verify(listed.device.ed25519, label, said, signature)
    except RemoteIdentityError:
        return "signature"
    return ""
