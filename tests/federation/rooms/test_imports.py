"""What a node loads of the rooms cannot decrypt anything."""

import subprocess
import sys

_SECRET = ("yurt.mls.group", "yurt.mls.secret_tree", "yurt.mls.key_schedule", "yurt.rooms.member")
_PROGRAM = """
import importlib, pkgutil, sys
import yurt.identity, yurt.rooms.common, yurt.rooms.hub
for package in (yurt.identity, yurt.rooms.common, yurt.rooms.hub):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
print("\\n".join(sys.modules))
"""


def test_hub_side_has_no_path_to_secrets() -> None:
    """All of identity, rooms.common and rooms.hub loads without a member's modules."""
    run = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)  # noqa: S603  # our own interpreter and program
    loaded = set(run.stdout.split())

    assert "yurt.rooms.hub.order" in loaded
    assert {
        name for name in loaded if name.startswith(_SECRET) and not name.startswith("yurt.mls.group_")
    } == set()
    assert loaded & {"asyncio", "aiohttp", "sqlite3", "socket"} == set()
