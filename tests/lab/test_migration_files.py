"""What a migration is made of before anything runs: scenarios, populations, rules; and its report."""

import math
import os
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from typing_extensions import override

from yurt.lab.commands import run_scenario
from yurt.lab.migration import measures
from yurt.lab.migration.errors import MigrationError, ScenarioError
from yurt.lab.migration.plots import by_strength
from yurt.lab.migration.population import YURT, Tie, plan, populate
from yurt.lab.migration.report import page
from yurt.lab.migration.result import Mark, Result, TieResult
from yurt.lab.migration.running import find
from yurt.lab.migration.scenario import SOURCE, Expectation, decode, load, names, small
from yurt.lab.migration.scenario_text import line_of
from yurt.lab.migration.setting import setting
from yurt.lab.migration.stock_profiles import profile, profiles
from yurt.lab.migration.stock_rules import RULES, WEEK_S, Case, Target, Times, judge, text_of
from yurt.portability.metrics import neighbourhood_overlap, shared_rooms_score, tie_strength, wilson
from yurt.portability.peers import builtin_peers

HEAD = b"version = 1\nname = 'x'\ntells = 'y'\n"
MOVE = b"[[events]]\ndo = 'move'\n"
OLD, NEW, THIEF = (f"https://{host}.example/users/ana" for host in ("old", "new", "thief"))
HONEST = Case(
    actor=OLD,
    object=OLD,
    target_id=NEW,
    signer=OLD,
    cavage=True,
    suspended=False,
    followed=True,
    kept=Target((OLD,)),
    fetched=Target((OLD,)),
    attempts=Times(),
    successes=Times(),
    now=1_000_000.0,
)
MOVED_ON = Target((OLD,), moved_to=THIEF)


def at(seconds_ago: float, *, origin: bool = True) -> Times:
    """Something that happened so long ago, to the old account or else to the new one alone."""
    then = HONEST.now - seconds_ago
    return Times(of_origin=then if origin else None, of_either=then)


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


# --- rules ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["mastodon", "gotosocial", "snac", "slow", "busy", "locked"])
def test_an_honest_move_is_honoured(name: str) -> None:
    """The old actor's key, an alias at the new one, something of it seen: all follow."""
    assert judge(profile(name).rules, HONEST) == ""


@pytest.mark.parametrize(
    ("case", "mastodon", "gotosocial", "snac"),
    [
        (replace(HONEST, signer=NEW, actor=NEW), "objectIsSigner", "objectIsSigner", "objectIsSigner"),
        (replace(HONEST, kept=Target((THIEF,)), fetched=Target((THIEF,))), "alias", "alias", "aliasKept"),
        (replace(HONEST, kept=Target((THIEF,))), "", "", "aliasKept"),
        (replace(HONEST, suspended=True), "", "notSuspended", ""),
        (replace(HONEST, followed=False), "", "", "isFollowed"),
        (replace(HONEST, cavage=False), "", "", "cavageOnly"),
        (replace(HONEST, kept=None), "", "", "targetSeen"),
        (replace(HONEST, fetched=None), "targetThere", "targetThere", ""),
        (replace(HONEST, kept=MOVED_ON, fetched=MOVED_ON), "targetFollowable", "targetStays", ""),
        (replace(HONEST, attempts=at(299)), "", "attempt5Minutes", ""),
        (replace(HONEST, attempts=at(300)), "", "", ""),
        (replace(HONEST, successes=at(WEEK_S - 1)), "once7Days", "once7DaysEither", ""),
        (replace(HONEST, successes=at(WEEK_S - 1, origin=False)), "", "once7DaysEither", ""),
        (replace(HONEST, successes=at(WEEK_S)), "", "", ""),
    ],
)
def test_what_each_software_refuses(case: Case, mastodon: str, gotosocial: str, snac: str) -> None:
    """The rules of Mastodon, GoToSocial and snac, as their source has them (see profiles.toml)."""
    found = [judge(profile(name).rules, case) for name in ("mastodon", "gotosocial", "snac")]

    assert found == [mastodon, gotosocial, snac]


def test_every_rule_has_a_source_and_fits_the_peer_table() -> None:
    """No rule without a place where it was read; what the lab plays is what `yurt check` believes."""
    table = builtin_peers()
    for one in profiles().values():
        assert one.source or one.same_as or all(named.source for named in (*one.rule, *one.habit))
        assert (table.peer(one.software).follows_move == "yes") is one.follows_move
    assert all(text_of(name) for name in RULES)


# --- measures and report ----------------------------------------------------------------------------
def tie(number: int, *, kept: bool, strong: bool, strength: float) -> TieResult:
    return TieResult(
        mover="ego0",
        other=f"<p{number}>",
        direction="follower",
        server="elm.example",
        profile="mastodon",
        tie_class="strong" if strong else "weak",
        strength=strength,
        foretold="automatic",
        foretold_low=0.5,
        foretold_high=0.9,
        state="kept" if kept else "lost",
        after_h=1.0 if kept else -1.0,
        reason="" if kept else "<nobody> & nothing",
    )


def replace_tie(one: TieResult, *, direction: str) -> TieResult:
    return msgspec.structs.replace(one, direction=direction)


TIES = tuple(tie(n, kept=n % 4 != 0, strong=n % 2 == 1, strength=0.2 + 0.1 * (n % 5)) for n in range(20))


def test_shares_are_what_is_written_by_hand() -> None:
    """15 of 20, all 10 strong ones, and Wilson's interval."""
    found, figures = measures.shares(TIES), measures.tie_figures(TIES)

    assert (found["retention.all"].kept, found["retention.all"].count) == (15, 20)
    assert (found["retention.all"].low, found["retention.all"].high) == wilson(0.75, 20)
    assert found["retention.strong"].share == 1.0
    assert found["retention.yurt"].share is None
    assert figures["gap.difference"] == 0.5
    assert figures["gap.risk_ratio"] is None  # no strong tie was lost: infinitely many times
    assert figures["reach_loss"] == 0.25
    assert figures["unnamed"] == 0.0


def test_a_strength_by_hand() -> None:
    """Two who follow each other, share a room of three, and one acquaintance of three: 0.679."""
    rooms = shared_rooms_score([3])
    overlap = neighbourhood_overlap({"bo", "cy"}, {"cy", "dee"})
    strength = tie_strength(mutual=True, rooms=rooms, recency=0.0, overlap=overlap)

    assert math.isclose(rooms, 1 / math.log(4), abs_tol=1e-12)  # 0.7213
    assert math.isclose(overlap, 1 / 3)
    # -2 + 1 + 1.5 x 0.7213 + 0 + 2 / 3 = 0.7487; 1 / (1 + e^-0.7487)
    assert math.isclose(strength, 0.67889, abs_tol=1e-5)


def test_strengths_of_a_population_are_those_of_its_graph() -> None:
    """In the plan each tie has the strength that its mutuality, its room and its common friends give it."""
    people = populate(small(load("planned-move")))
    (mover, members), *_ = people.rooms.items()
    tie = Tie(mover, members[0])
    near = {
        name: {t.followed if t.follower == name else t.follower for t in people.of(name)}
        for name in (mover, members[0])
    }
    expected = tie_strength(
        mutual=True,
        rooms=shared_rooms_score([len(members) + 1]),
        recency=0.0,
        overlap=neighbourhood_overlap(near[mover] - {members[0]}, near[members[0]] - {mover}),
    )

    assert math.isclose(people.strengths[tie], expected)


def test_figures_by_hand() -> None:
    """Four ties: a strong follower kept, a strong one lost, a weak one kept, a weak followed one lost."""
    ties = (
        tie(1, kept=True, strong=True, strength=0.8),
        tie(2, kept=False, strong=True, strength=0.6),
        tie(3, kept=True, strong=False, strength=0.4),
        replace_tie(tie(4, kept=False, strong=False, strength=0.2), direction="following"),
    )
    figures, forecast = measures.tie_figures(ties), measures.foretold(ties)

    assert figures["retention.weighted"] == pytest.approx((0.8 + 0.4) / (0.8 + 0.6 + 0.4 + 0.2))
    assert figures["gap.difference"] == 0.0  # 1/2 - 1/2
    assert figures["gap.risk_ratio"] == 1.0  # (1 - 1/2) / (1 - 1/2)
    assert figures["reach_loss"] == pytest.approx(1 / 3)  # two of three followers came
    assert [(one.count, one.low, one.high, one.kept) for one in forecast] == [(4, 2.0, 3.6, 2)]
    # Chance 0.7 each: (0.3^2 + 0.7^2 + 0.3^2 + 0.7^2) / 4
    assert measures.forecast_figures(ties)["brier"] == pytest.approx(0.29)


def test_rooms_and_marks_by_hand() -> None:
    """Three of four memberships go on; a mark has the share of its time, and none where it was not played."""
    before = {"ana": frozenset({"ana", "bo"}), "cy": frozenset({"cy", "bo"})}
    after = {"ana": frozenset({"ana", "bo"}), "cy": frozenset({"bo", "dee"})}
    mark = Mark(name="1d", after_h=24.0, counted=3, followers=measures.share(TIES), all=measures.share(TIES))

    assert measures.rooms(before, after) == {"room_continuity": 0.75}
    assert measures.rooms({}, {}) == {"room_continuity": None}
    assert measures.mark_figures([mark]) == {
        "mark.1h": None,
        "mark.1d": 0.75,
        "mark.7d": None,
        "mark.30d": None,
    }


def test_every_figure_is_explained() -> None:
    """Whoever reads a figure finds it in docs/migrations.md, and nothing there is measured no more."""
    text = (Path(__file__).parents[2] / "docs" / "migrations.md").read_text(encoding="utf-8")
    for name in (*measures.KINDS, *measures.FIGURES):
        assert f"`{name}`" in text or f"`{name.partition('.')[0]}.*`" in text, name
    for name in names():
        assert f"`{name}`" in text, name
    for name in profiles():
        assert f"`{name}`" in text, name


def test_graph_figures() -> None:
    """A triangle and a pair are two components; the triangle is all clustering."""
    ties = [Tie("a", "b"), Tie("b", "c"), Tie("c", "a"), Tie("a", "c"), Tie("d", "e")]

    figures = measures.graph_figures("abcde", ties, "after")

    assert figures["components.after"] == 2.0
    assert figures["largest.after"] == 0.6
    assert figures["clustering.after"] is not None
    assert math.isclose(figures["clustering.after"], 0.6)


def test_reconvergence_without_ties_has_no_time() -> None:
    """TTR is when the curve last reached its share; nothing converges to nothing."""
    samples = [(1.0, 0.2), (2.0, 0.5), (3.0, 0.9), (4.0, 1.0)]

    assert measures.times(samples) == {"ttr.50": 2.0, "ttr.90": 3.0, "ttr.99": 4.0}
    assert set(measures.times([(1.0, 0.0)]).values()) == {None}


def test_groups_of_strength_hold_every_tie_once() -> None:
    """At most four groups; equals stay together."""
    groups = by_strength(TIES)

    assert sum(len(group) for _, _, group in groups) == len(TIES)
    assert len(groups) <= 4
    assert all(low <= high for low, high, _ in groups)
    assert all(a[1] < b[0] for a, b in pairwise(groups))


FIGURES_OF_TIES: dict[str, float | None] = {
    **measures.tie_figures(TIES),
    **measures.forecast_figures(TIES),
    "room_continuity": 1.0,
    "foretold.low": 10.0,
    "foretold.high": 18.0,
    "lent_keys.before": 1.0,
    "lent_keys.after": 0.0,
}


class Elements(HTMLParser):
    """Collects what a page has in it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags = list[str]()
        self.references = list[str]()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [
            value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "srcset", "action")
        ]


def test_the_report_needs_nothing_from_anywhere() -> None:
    """Two plots, no script, nothing that is fetched, and names as text."""
    ties = TIES
    result = Result(
        scenario="x",
        tells="<script>alert(1)</script>",
        seed=1,
        release="0",
        setting=setting(small(load("planned-move")), 0.5, datetime.fromtimestamp(0, UTC)),
        people=20,
        nodes=3,
        stock=1,
        seconds=1.0,
        steps=(("people <join>", 1.0),),
        figures=FIGURES_OF_TIES,
        foretold=measures.foretold(ties),
        marks=(
            Mark(
                name="1h", after_h=1.0, counted=15, followers=measures.share(ties), all=measures.share(ties)
            ),
        ),
        shares=measures.shares(ties),
        samples=((1.0, 0.75),),
        invariants=(),
        expectations=(),
        ties=ties,
        peers=(),
        betas={"mutual": 1.0},
    )

    text = page(result)

    elements = Elements()
    elements.feed(text)
    assert elements.tags.count("svg") == 2
    assert not {"script", "link", "img", "iframe", "object", "image"} & set(elements.tags)
    assert all(one.startswith("#") for one in elements.references)
    assert "<nobody>" not in text
    assert "&lt;nobody&gt; &amp; nothing" in text
    assert "@import" not in text
    assert "10 to 18" in text
    assert result.setting.plan_sha256 in text
    assert "url(http" not in text
