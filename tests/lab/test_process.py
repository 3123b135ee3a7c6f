"""Nodes as processes: they say why they fail, and none is left behind."""

import os
from pathlib import Path

import pytest

from yurt.lab.world.network import Network
from yurt.lab.world.process import NodeFailed, NodeProcess
from yurt.lab.world.world import HARBOUR, World


def lives(pid: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def live_and_fail(folder: Path, pids: list[int]) -> None:
    """Open a world and fail in the middle of it."""
    async with World.open(folder, HARBOUR) as world:
        pids.append(world.nodes[HARBOUR].pid)
        raise ZeroDivisionError


async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """However a world ends, its processes end with it."""
    pids: list[int] = []

    with pytest.raises(ZeroDivisionError):
        await live_and_fail(tmp_path, pids)

    assert len(pids) == 1
    assert not lives(pids[0])


async def test_node_that_cannot_start(tmp_path: Path) -> None:
    """A node that cannot start says why, and nobody waits for it."""
    network = Network.make(tmp_path / "network", [HARBOUR])
    network.write_map(HARBOUR)
    node = NodeProcess(HARBOUR, network, tmp_path / HARBOUR)
    await node.init()
    network.key_file(HARBOUR).unlink()

    with pytest.raises(NodeFailed, match="tls_key"):
        await node.start()

    assert not node.running


async def test_folder_that_is_taken(tmp_path: Path) -> None:
    """A folder that holds a node already is left as it is."""
    network = Network.make(tmp_path / "network", [HARBOUR])
    network.write_map(HARBOUR)
    node = NodeProcess(HARBOUR, network, tmp_path / HARBOUR)
    await node.init()
    before = sorted(path.name for path in node.data.iterdir())

    with pytest.raises(NodeFailed, match="not empty"):
        await node.init()

    assert sorted(path.name for path in node.data.iterdir()) == before
