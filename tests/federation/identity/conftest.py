"""Ana and Bo, with fixed keys, and the golden files beside the tests."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from yurt.identity.device import DeviceKeys
from yurt.identity.identity_key import IdentityKey
from yurt.identity.phrase import RecoveryPhrase

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def ana() -> IdentityKey:
    return RecoveryPhrase.generate(lambda size: bytes([0xA1]) * size).identity_key()


@pytest.fixture
def bo() -> IdentityKey:
    return RecoveryPhrase.generate(lambda size: bytes([0xB0]) * size).identity_key()


@pytest.fixture
def ana_phone() -> DeviceKeys:
    return DeviceKeys(bytes([1]) * 16, bytes([2]) * 32, bytes([3]) * 32)


@pytest.fixture
def ana_laptop() -> DeviceKeys:
    return DeviceKeys(bytes([4]) * 16, bytes([5]) * 32, bytes([6]) * 32)


@pytest.fixture
def golden() -> Callable[[str, bytes], None]:
    """Compare bytes with a golden file; ``YURT_WRITE_GOLDEN=1`` writes it, for a new format only."""

    def check(name: str, data: bytes) -> None:
        path = GOLDEN / name
        text = data.decode() if name.endswith((".json", ".txt")) else data.hex()
        if os.environ.get("YURT_WRITE_GOLDEN"):
            path.write_text(text + "\n")
        assert path.read_text() == text + "\n", f"{name}: a stored, signed or wire format changed"

    return check
