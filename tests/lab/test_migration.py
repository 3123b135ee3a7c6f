"""Migrations between eight real nodes and stock peers, asserted on what everybody else sees."""

import csv
import io
from pathlib import Path

import msgspec
import pytest

from yurt.lab.migration.play import play
from yurt.lab.migration.report import page
from yurt.lab.migration.result import Result, to_csv, to_json
from yurt.lab.migration.running import FILES, write
from yurt.lab.migration.scenario import Scenario, load, names, small

pytestmark = pytest.mark.timeout(600)  # eight nodes on a machine that has much else to do

IN_EVERY_RUN = ("dead-source-kit", "hostile-source", "planned-move")
NOBODY_IS_LOST = ("new-key-then-fire", "source-dies-in-the-move")
LONG = tuple(name for name in names() if name not in (*IN_EVERY_RUN, *NOBODY_IS_LOST))


async def played(name: str, folder: Path, *, marks: bool = True) -> Result:
    """Play a scenario of the package, small, until everything that it says of itself holds."""
    scenario = small(load(name))
    result = await play(scenario if marks else without_marks(scenario), folder / "world", lambda _told: None)
    assert result.failures() == [], result.lost()
    return result


def without_marks(scenario: Scenario) -> Scenario:
    """Let no month go by: another scenario shows what happens then, and this one does in its full size."""
    now = tuple(one for one in scenario.expectations if not one.measure.startswith(("mark.", "lent_keys.")))
    measured = msgspec.structs.replace(scenario.measures, marks=False)
    return msgspec.structs.replace(scenario, measures=measured, expectations=now)


def kept(result: Result, measure: str) -> tuple[int, int]:
    found = result.shares[measure]
    return found.kept, found.count


def month_goes_by(result: Result) -> None:
    """After an hour, a day, a week and a month the node counts whom the others see."""
    assert [mark.name for mark in result.marks] == ["1h", "1d", "7d", "30d"]
    followers = sum(tie.direction == "follower" for tie in result.ties)
    assert [mark.counted for mark in result.marks] == [followers] * 4
    assert result.samples[-1][0] >= 720


async def test_dead_source_with_kit(tmp_path: Path) -> None:
    """Each tie on Yurt comes back, and each follower on a peer whose rules honour a Move; files are left."""
    result = await played("dead-source-kit", tmp_path)

    for measure, least in (("retention.yurt", 5), ("retention.honouring", 6), ("retention.strong", 4)):
        found, count = kept(result, measure)
        assert found == count >= least, measure
    moves = [(one.profile, one.outcome) for one in result.peers if one.type == "Move"]
    assert sorted(moves) == [("gotosocial", "done"), ("mastodon", "done"), ("snac", "done")]
    assert result.figures["room_continuity"] == 1.0
    month_goes_by(result)
    assert (result.figures["lent_keys.before"], result.figures["lent_keys.after"]) == (1.0, 0.0)

    write(result, tmp_path / "out")

    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(FILES)
    assert msgspec.json.decode(to_json(result), type=Result) == result
    rows = list(csv.DictReader(io.StringIO(to_csv(result))))
    assert len(rows) == len(result.ties)
    assert all(row["foretold"] and row["foretold_source"] and row["state"] == "kept" for row in rows)
    assert "No tie was lost." in page(result)


async def test_planned_move(tmp_path: Path) -> None:
    """Both nodes are there: everybody comes along, whatever their server is."""
    result = await played("planned-move", tmp_path, marks=False)

    assert kept(result, "retention.all") == (len(result.ties), len(result.ties))
    assert result.figures["reach_loss"] == 0.0


async def test_hostile_source(tmp_path: Path) -> None:
    """A source that refuses, lies, deletes and moves its people away keeps nobody, and leads nobody away."""
    result = await played("hostile-source", tmp_path)

    lies = [one for one in result.peers if one.type == "Move" and "thief" in one.target]
    assert {one.outcome for one in lies} <= {"refused", "ignored"}
    assert len({one.profile for one in lies}) == 3
    assert result.figures["hijacked.yurt"] == result.figures["hijacked.stock"] == 0.0
    assert kept(result, "retention.all") == (len(result.ties), len(result.ties))


@pytest.mark.long
@pytest.mark.parametrize("name", LONG)
async def test_other_scenarios(name: str, tmp_path: Path) -> None:
    """What a scenario expects comes, and each tie that is lost is lost for a reason that has a name."""
    result = await played(name, tmp_path)

    assert all(tie.kept or (tie.reason and tie.source) for tie in result.ties)
    assert len(result.lost()) >= 1


@pytest.mark.long
@pytest.mark.parametrize("name", NOBODY_IS_LOST)
async def test_nobody_is_lost(name: str, tmp_path: Path) -> None:
    """A new key is believed, and so is one that was lent to the new node: everybody comes."""
    result = await played(name, tmp_path)

    assert not result.lost()


@pytest.mark.long
@pytest.mark.parametrize("name", IN_EVERY_RUN)
async def test_full_sizes(name: str, tmp_path: Path) -> None:
    """The scenarios hold with 24 nodes, too."""
    result = await play(load(name), tmp_path / "world", lambda _told: None)

    assert result.failures() == [], result.lost()
