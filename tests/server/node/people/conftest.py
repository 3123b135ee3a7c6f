"""Keys of a node that knows people elsewhere."""

import pytest

from yurt.node.admin.init import init_node
from yurt.node.config import NodeConfig
from yurt.node.keys import NodeKeys


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> NodeKeys:
    """One node's keys for all stories: making them is slow."""
    data = tmp_path_factory.mktemp("keys") / "node"
    init_node(data, NodeConfig("harbour.example", plain=True))
    return NodeKeys(data)
