"""What is measured of a migration, by hand and by the code, and the report that shows it."""

import math
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from typing_extensions import override

from yurt.lab.migration import measures
from yurt.lab.migration.plots import by_strength
from yurt.lab.migration.population import Tie, populate
from yurt.lab.migration.report import page
from yurt.lab.migration.result import Mark, Result, TieResult
from yurt.lab.migration.scenario import load, names, small
from yurt.lab.migration.setting import setting
from yurt.lab.migration.stock_profiles import profiles
from yurt.portability.metrics import neighbourhood_overlap, shared_rooms_score, tie_strength, wilson


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
