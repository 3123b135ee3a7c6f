"""Golden files of the wire formats, beside the tests."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def golden() -> Callable[[str, bytes], None]:
    """Compare bytes with a golden file; ``YURT_WRITE_GOLDEN=1`` writes it, for a new format only."""

    def check(name: str, data: bytes) -> None:
        path = GOLDEN / name
        if os.environ.get("YURT_WRITE_GOLDEN"):
            path.write_text(data.hex() + "\n")
        assert path.read_text() == data.hex() + "\n", f"{name}: a wire format changed"

    return check
