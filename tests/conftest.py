"""What tests of several wings share."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def cheap_passphrases() -> Iterator[None]:
    """Stretch passphrases in this process a little only; what people's vaults cost is asked in test_vault."""
    from yurt.client.vault import passphrase  # the other wings need none of it

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passphrase, "MEMORY_KIB", 8 * 1024)
        patch.setattr(passphrase, "ITERATIONS", 1)
        yield
