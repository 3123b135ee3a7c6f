"""Who asks to add an account to a room: nobody keeps others from asking."""

from pathlib import Path

from yurt.node.store import consents
from yurt.node.store.consents import AskingRow, Most
from yurt.node.store.sqlite import SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import Tx

MOST = Most(altogether=10, of_node=4, of_one=2)


async def test_a_node_that_mints_people_shuts_nobody_out(tmp_path: Path) -> None:
    """One asker has a few places, one node some more, and others still get through."""
    store = await SqliteStore.open(tmp_path / "node.db", STEPS)

    def asks(did: str, actor: str, room: int) -> bool:
        return consents.ask(tx_now[0], AskingRow("ana", did, bytes([room]) * 32, actor, room), MOST)

    tx_now = list[Tx]()

    def unit(tx: Tx) -> list[bool]:
        tx_now.append(tx)
        rogue = "https://rogue.example/users/eve"
        alone = [asks("did:key:eve", rogue, room) for room in range(3)]
        minted = [asks(f"did:key:eve{number}", f"{rogue}{number}", 9) for number in range(6)]
        return [*alone, *minted, asks("did:key:bo", "https://hilltop.example/users/bo", 1)]

    found = await store.write(unit)
    await store.close()

    assert found == [True, True, False, True, True, False, False, False, False, True]
