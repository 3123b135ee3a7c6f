"""Scene: a network is carried off a dead server: a scenario of the lab, and what it counts."""

from yurt.lab.bench.figures import Book
from yurt.lab.bench.setting import Setting
from yurt.lab.migration.play import play
from yurt.lab.migration.progress import Told
from yurt.lab.migration.scenario import load, small

SCENARIO = "dead-source-kit"
_ROWS = {"rescue-yurt": "retention.yurt", "rescue-honouring": "retention.honouring"}


def _told(_what: Told) -> None:
    """Nobody watches."""


async def measure(setting: Setting, book: Book) -> None:
    """Play the scenario once; with 8 nodes in a quick run.

    Raises:
        RuntimeError: Something that must hold does not.
    """
    scenario = small(load(SCENARIO)) if setting.quick else load(SCENARIO)
    folder = setting.folder / "lab"
    folder.mkdir()
    result = await play(scenario, folder, _told)
    if failures := result.failures():
        raise RuntimeError(f"{SCENARIO} does not hold: {'; '.join(failures)}")
    for name, figure in _ROWS.items():
        book.note(name, 100 * (result.shares[figure].share or 0.0))
    book.note("rescue", result.seconds)
