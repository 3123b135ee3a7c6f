"""This package's labels are its own, and it reaches for nothing that it must not have."""

import subprocess
import sys
from itertools import permutations
from pathlib import Path

import yurt.portability
from yurt.portability import labels
from yurt.wire import registry

FORBIDDEN = (
    "asyncio",
    "aiohttp",
    "sqlite3",
    "logging",
    "yurt.node",
    "yurt.client",
    "yurt.rooms.member",
    "yurt.mls.group",
)


def test_no_label_begins_another() -> None:
    """Neither of ours nor of the registry: a signature is for one purpose."""
    listed = {*labels.LABELS, *registry.LABELS}

    assert {value for name, value in vars(labels).items() if name.startswith("LABEL_")} == set(labels.LABELS)
    assert len(labels.LABELS) == len(set(labels.LABELS))
    for one, other in permutations(listed, 2):
        assert not other.startswith(one)
        assert b"\0" not in one


def test_no_io_and_no_path_to_decrypt() -> None:
    """Loading all of it loads no loop, no database, no log, and neither node nor client."""
    folder = Path(yurt.portability.__path__[0])
    modules = [f"yurt.portability.{path.stem}" for path in folder.glob("*.py") if path.stem != "__init__"]
    script = f"import {', '.join(modules)}, sys; print(*sorted(sys.modules))"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)  # noqa: S603  # our own interpreter

    assert set(modules) <= set(loaded.stdout.split())
    assert not set(FORBIDDEN) & set(loaded.stdout.split())
