"""What a migration is made of before anything runs: scenarios and populations."""

import os
import subprocess
import sys
import tracemalloc

import msgspec
import pytest

from yurt.lab.commands import run_scenario
from yurt.lab.migration import measures
from yurt.lab.migration.errors import MigrationError, ScenarioError
from yurt.lab.migration.population import YURT, Tie, plan, populate
from yurt.lab.migration.running import find
from yurt.lab.migration.scenario import SOURCE, Expectation, decode, load, names, small
from yurt.lab.migration.scenario_text import line_of
from yurt.lab.migration.stock_profiles import profile, profiles

HEAD = b"version = 1\nname = 'x'\ntells = 'y'\n"
MOVE = b"[[events]]\ndo = 'move'\n"


# --- scenarios --------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", names())
def test_scenarios_of_the_package(name: str) -> None:
    """Each scenario of the package can be read, shrunk and peopled, and expects only what is measured."""
    scenario = load(name)

    measures.check_measures(scenario)
    assert scenario.name == name
    assert small(scenario).servers.nodes == 8
    assert [stock.profile for stock in scenario.servers.stock if stock.profile not in profiles()] == []
    assert populate(small(scenario)).ties


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (b"version = 2\nname = 'x'\ntells = 'y'\n" + MOVE, "version"),
        (HEAD + b"[[events]]\ndo = 'fly'\n", "events[0].do"),
        (HEAD + b"[population]\npeple = 2\n" + MOVE, "population.peple"),
        (HEAD + b"[servers]\nnodes = 2\n" + MOVE, "servers.nodes"),
        (HEAD + b"[population]\npeople = 5\n" + MOVE, "population.neighbours"),
        (HEAD + b"[[events]]\ndo = 'rescue'\n", "events[0].do"),
        (HEAD + MOVE + b"[[events]]\ndo = 'import'\n", "events[1].do"),
        (HEAD + b"[[events]]\ndo = 'own_move'\n", "events[0].do"),
        (HEAD + b"[[servers.stock]]\nhost = 'a.b'\nprofile = 'snac'\n" + MOVE, "servers.stock[0].host"),
        (HEAD + b"[[servers.stock]]\nhost = 'a.example'\nprofile = 'x'\n" + MOVE, "servers.stock[0].profile"),
        (
            HEAD + b"[[servers.stock]]\nhost = 'n01.example'\nprofile = 'snac'\n" + MOVE,
            "servers.stock[0].host",
        ),
        (HEAD + MOVE + MOVE, "events[1].do"),
        (HEAD + b"[[events]]\ndo = 'kill_source'\n" + MOVE, "events[1].do"),
        (HEAD + b"[[events]]\ndo = 'kill_source'\n", "events"),
        (HEAD + MOVE + b"[[expectations]]\nmeasure = 'x'\nat_least = nan\n", "expectations[0].at_least"),
        (HEAD + MOVE + b"[measures]\nwithin_s = inf\n", "measures.within_s"),
        (HEAD, ""),
        (b"\xff", ""),
        (b"version = ", ""),
    ],
)
def test_a_mistake_is_named_by_its_key(text: bytes, where: str) -> None:
    """Whoever writes a scenario reads which key is wrong."""
    with pytest.raises(ScenarioError) as refused:
        decode(text)

    assert refused.value.where == where
    assert where in str(refused.value)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("servers.stock[1].people", 7),
        ("servers.nodes", 4),
        ("events[1].do", 12),
        ("events[0]", 9),
        ("population.people", 0),
        ("tells", 2),
    ],
)
def test_a_mistake_has_a_line(path: str, line: int) -> None:
    """The line of the key, or of what holds it."""
    text = (
        b"version = 1\ntells = 'y'\n[servers]\nnodes = 8\nstock = [\n"
        b"    { host = 'a.example', profile = 'snac' },\n    { host = 'b.example', people = 0 },\n]\n"
        b"[[events]]\ndo = 'kill_source'\n[[events]]\ndo = 'move'\n"
    )

    assert line_of(text, path) == line


def test_the_line_is_said() -> None:
    """Whoever reads the error finds the place."""
    with pytest.raises(ScenarioError, match=r"population\.peple, line 5: .*unknown field"):
        decode(HEAD + b"[population]\npeple = 2\n" + MOVE)


@pytest.mark.parametrize(
    "text",
    [
        b"a." * 60_000 + b"a = 1\n",
        b"\n".join(b"x%d.%sb = 1" % (n, b"a." * 240) for n in range(130)),
        b"a = " + b"[" * 50_000,
        b"\n".join([b"a = "] + [b"[" * 400] * 100),
        b"seed = " + b"9" * 450 + b"\n",
        b"seed = " + b"9" * 5_000 + b"\n",
        b'a = """' + b"x" * 200_000,
        b"[[a]]\n" * 20_000,
    ],
)
def test_a_hostile_scenario_costs_nothing(text: bytes) -> None:
    """Keys of many parts, deep arrays, long numbers: refused, in little memory."""
    tracemalloc.start()
    try:
        with pytest.raises(ScenarioError):
            decode(text)
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()


def test_nothing_is_started_for_what_cannot_be_measured() -> None:
    """An expectation about an unknown measure, an unknown profile and a missing file are refused at once."""
    scenario = load("planned-move")
    with pytest.raises(ScenarioError, match="happiness"):
        measures.check_measures(
            msgspec.structs.replace(scenario, expectations=(Expectation(measure="happiness"),))
        )
    with pytest.raises(ScenarioError, match="myspace"):
        profile("myspace")
    with pytest.raises(MigrationError, match="cannot be read"):
        find("no-such-file.toml")


def test_help_needs_none_of_the_heavy_libraries() -> None:
    """Listing scenarios and asking for help import neither networkx nor matplotlib."""
    code = (
        "import sys; from yurt.cli.main import main; code = main(['lab', 'list']);"
        "assert not {'networkx', 'matplotlib', 'numpy', 'aiohttp'} & set(sys.modules); sys.exit(code)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603  # our own

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == names()


def test_an_unknown_scenario_ends_with_a_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No traceback, and nothing is written."""
    out = tmp_path_factory.mktemp("out") / "new"

    assert run_scenario("no-such-story", out, json=False) == 2
    assert "planned-move" in capsys.readouterr().err
    assert not out.exists()


def test_without_the_extra_a_sentence_names_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Whoever did not install networkx reads what to install, before anything is started."""
    monkeypatch.setitem(sys.modules, "networkx", None)

    assert run_scenario("planned-move", tmp_path_factory.mktemp("out"), json=False) == 2
    assert "extra `lab`" in capsys.readouterr().err


def test_results_are_not_overwritten(
    capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A folder that holds a result is refused, before minutes are spent."""
    out = tmp_path_factory.mktemp("out")
    (out / "ties.csv").write_text("mine", encoding="utf-8")

    assert run_scenario("planned-move", out, json=False) == 2
    assert "--out" in capsys.readouterr().err
    assert (out / "ties.csv").read_text(encoding="utf-8") == "mine"


# --- populations ------------------------------------------------------------------------------------
def test_the_same_seed_makes_the_same_people() -> None:
    """A population depends on its scenario alone; another seed makes another one."""
    scenario = load("dead-source-kit")

    people = populate(scenario)

    assert people == populate(scenario)
    assert people.ties != populate(msgspec.structs.replace(scenario, seed=8)).ties


def test_the_plan_is_the_same_byte_for_byte() -> None:
    """Another process, which orders its sets otherwise, makes the same plan of the same file."""
    code = (
        "import sys; from yurt.lab.migration.population import plan;"
        "from yurt.lab.migration.scenario import load, small;"
        "sys.stdout.buffer.write(plan(small(load('mixed-peers'))))"
    )
    found = [
        subprocess.run(  # noqa: S603  # our own
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]

    assert found[0] == found[1] == plan(small(load("mixed-peers")))
    assert plan(load("mixed-peers")) == plan(load("mixed-peers"))
    assert b'"class": "strong"' in found[0]


def test_strong_ties_are_mutual_and_stronger() -> None:
    """Who moves has strong and weak ties, on Yurt and elsewhere; nobody else lives on the source."""
    people = populate(load("dead-source-kit"))
    own = people.of("ego0")
    strong = [people.strengths[tie] for tie in own if people.is_strong(tie)]
    weak = [people.strengths[tie] for tie in own if not people.is_strong(tie)]

    assert len(strong) >= 6
    assert len(weak) >= 6
    assert min(strong) > max(weak)
    assert {one.name for one in people.everybody.values() if one.server == SOURCE} == {"ego0", "ego1"}
    for name, others in people.blocks.items():
        assert others
        assert not any({tie.follower, tie.followed} == {name, other} for tie in own for other in others)
    for host, *guests in people.rooms.values():
        assert people.everybody[host].profile == YURT
        assert all(Tie(guest, host) in people.ties for guest in guests)
