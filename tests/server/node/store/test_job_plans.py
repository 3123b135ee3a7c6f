"""What a job costs does not grow with all that an account has."""

from pathlib import Path

from yurt.node.store import job_turns
from yurt.node.store.sqlite import SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.testing import Explained
from yurt.node.store.types import ReadTx


async def test_rows_that_wait_for_an_answer_find_their_own_tie(tmp_path: Path) -> None:
    """Ten thousand follows that wait are ten thousand look-ups, not a hundred million."""
    store = await SqliteStore.open(tmp_path / "node.db", STEPS)

    def plans(tx: ReadTx) -> list[str]:
        explained = Explained(tx)
        job_turns.settle(explained)
        return explained.plans

    found = await store.read(plans)
    await store.close()

    ties = [plan for plan in found if "tie " in plan]
    rows = [plan for plan in found if "job_row " in plan and "rowid" not in plan]
    assert len(ties) == len(rows) == 2, found
    assert all("account=? AND direction=? AND person=?" in plan for plan in ties), ties
    assert all("job_row_open" in plan for plan in rows), rows
