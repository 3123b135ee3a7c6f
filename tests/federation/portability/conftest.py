"""Ana, her phone and her laptop, Bo, their records, and the golden files beside the tests."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from yurt.identity.device import DeviceKeys
from yurt.identity.identity_key import IdentityKey
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import VerifiedRecord, first_record, verify_first

GOLDEN = Path(__file__).parent / "golden"
NOW = 1_795_000_000


@pytest.fixture
def now() -> int:
    return NOW


@pytest.fixture
def ana_words() -> RecoveryPhrase:
    return RecoveryPhrase.generate(lambda size: bytes([0xA1]) * size)


@pytest.fixture
def bo_words() -> RecoveryPhrase:
    return RecoveryPhrase.generate(lambda size: bytes([0xB0]) * size)


@pytest.fixture
def ana(ana_words: RecoveryPhrase) -> IdentityKey:
    return ana_words.identity_key()


@pytest.fixture
def ana_phone() -> DeviceKeys:
    return DeviceKeys(bytes([1]) * 16, bytes([2]) * 32, bytes([3]) * 32)


@pytest.fixture
def ana_laptop() -> DeviceKeys:
    return DeviceKeys(bytes([4]) * 16, bytes([5]) * 32, bytes([6]) * 32)


@pytest.fixture
def record(ana: IdentityKey, ana_phone: DeviceKeys) -> VerifiedRecord:
    actor = "https://harbour.example/users/ana"
    return verify_first(first_record(ana, actor, ana_phone.public, not_after=NOW + 86_400, time=NOW))


@pytest.fixture
def golden() -> Callable[[str, bytes], None]:
    """Compare bytes with a golden file; ``YURT_WRITE_GOLDEN=1`` writes it, for a new format only."""

    def check(name: str, data: bytes) -> None:
        path = GOLDEN / name
        if os.environ.get("YURT_WRITE_GOLDEN"):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        assert path.read_bytes() == data, f"{name}: a stored, signed or wire format changed"

    return check
