"""What tests of several wings share."""

from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import settings

# Made up anew each time, as `make test-long` wants them; else "ci" holds, from pyproject.toml.
settings.register_profile("anew", settings.get_profile("ci"), derandomize=False)

_LONGEST: Final = (
    "tests/lab/test_migration.py",
    "tests/lab/test_fediverse.py",
    "tests/lab/test_storm.py",
    "tests/lab/test_secrecy.py",
    "tests/lab/test_portability.py",
    "tests/lab/test_devices.py",
    "tests/lab/test_move.py",
    "tests/lab/test_rescue.py",
    "tests/client/client/test_evil_node.py",
)
"""The files that take longest, the longest first; then come other worlds, and what takes least."""
_ACTOR_KEYS: Final = 12
"""More than the people of any one story."""
_FOLDERS: Final = ("tests/lab/", "tests/client/", "tests/peers/", "tests/server/", "tests/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process works alone at the end of a run in several.

    Within a file the order stays as it is (pytest-randomly's). xdist must be told to keep to it: by itself it
    begins with the files of most tests, which are the shortest.
    """
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> tuple[int, int]:
    file = item.nodeid.partition("::")[0]
    longest = _LONGEST.index(file) if file in _LONGEST else len(_LONGEST)
    return longest, next((at for at, folder in enumerate(_FOLDERS) if file.startswith(folder)), 0)


@pytest.fixture(scope="session")
def cheap_people() -> Iterator[None]:
    """Let whoever joins in this process cost little: what vaults and keys of people cost is asked elsewhere.

    Passphrases are stretched a little only, and actor keys are taken from a few, each person's another's
    than the one before; the keys of moves are made anew, as always.
    """
    from yurt.client import identity  # the other wings need none of it
    from yurt.client.vault import passphrase

    make, keys = identity.new_actor_key, list[bytes]()

    def next_key() -> bytes:
        keys.append(make() if len(keys) < _ACTOR_KEYS else keys[len(keys) % _ACTOR_KEYS])
        return keys[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passphrase, "MEMORY_KIB", 8 * 1024)
        patch.setattr(passphrase, "ITERATIONS", 1)
        patch.setattr(identity, "new_actor_key", next_key)
        yield


@pytest.fixture(scope="session")
def patient_clients() -> Iterator[None]:
    """Let clients in this process wait for their node as long as a busy machine may need, not a person."""
    from yurt.client import engine, session, stream
    from yurt.client.testing_waits import PATIENCE_S

    waits = (
        (engine, ("ACCEPTED_S", "SUPPLIED_S")),
        (session, ("CONNECT_S",)),
        (stream, ("CONNECT_S", "HELLO_S")),
    )
    with pytest.MonkeyPatch.context() as patch:
        for module, names in waits:
            for name in names:
                patch.setattr(module, name, PATIENCE_S)
        yield
