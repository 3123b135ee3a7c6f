"""The figures mean what their formulas say; worked by hand where that can be."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.portability.errors import LocalPortabilityError
from yurt.portability.metrics import (
    HALF_LIFE_S,
    brier,
    history_decryptable,
    neighbourhood_overlap,
    orphan_rooms,
    reach_loss,
    recency_score,
    retention,
    room_continuity,
    shared_rooms_score,
    strong_ties,
    strong_weak_gap,
    tie_strength,
    time_to_reconverge,
    wilson,
)


def test_wilson_s_interval() -> None:
    """Against a published example: 81 of 263 is 25.5 % to 36.6 % (Newcombe, 1998)."""
    low, high = wilson(81 / 263, 263)

    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson(1.0, 10)[1] == pytest.approx(1.0)
    assert wilson(0.0, 20)[0] == 0.0
    assert wilson(0.5, 0) == (0.0, 1.0)


def test_retention_counts_and_weighs() -> None:
    """With equal weights it is a share; with weights the strong count more."""
    count = retention([(1.0, True)] * 3 + [(1.0, False)])
    weighted = retention([(0.9, True), (0.1, False)])

    assert (count.share, count.count) == (0.75, 4)
    assert (count.low, count.high) == wilson(0.75, 4)
    assert weighted.share == pytest.approx(0.9)
    assert math.isnan(retention([]).share)
    assert (retention([]).low, retention([]).high) == (0.0, 1.0)


WEIGHTS = st.floats(0.001, 1)


@given(st.lists(st.tuples(WEIGHTS, st.booleans()), min_size=1, max_size=60))
def test_share_lies_within_its_interval(ties: list[tuple[float, bool]]) -> None:
    """And all lie between 0 and 1."""
    found = retention(ties)

    assert 0 <= found.low <= found.share + 1e-9
    assert found.share - 1e-9 <= found.high <= 1


def test_gap_between_strong_and_weak() -> None:
    """95 % of the strong and 80 % of the weak: a weak tie is lost four times as often."""
    strong = retention([(1.0, n >= 5) for n in range(100)])
    weak = retention([(1.0, n >= 20) for n in range(100)])
    all_kept = retention([(1.0, True)])

    assert strong_weak_gap(strong, weak).difference == pytest.approx(0.15)
    assert strong_weak_gap(strong, weak).risk_ratio == pytest.approx(4.0)
    assert strong_weak_gap(all_kept, weak).risk_ratio == math.inf
    assert math.isnan(strong_weak_gap(all_kept, all_kept).risk_ratio)


def test_small_rooms_say_more() -> None:
    """A room of three is worth more than one of five hundred."""
    assert shared_rooms_score([]) == 0
    assert shared_rooms_score([3]) == pytest.approx(1 / math.log(4))
    assert shared_rooms_score([3]) > 4 * shared_rooms_score([500])
    with pytest.raises(LocalPortabilityError):
        shared_rooms_score([0])


def test_contacts_fade() -> None:
    """After thirty days a contact counts half."""
    assert recency_score([]) == 0
    assert recency_score([0]) == pytest.approx(math.log(2))
    assert recency_score([HALF_LIFE_S] * 2) == pytest.approx(recency_score([0]))
    assert recency_score([1e12]) == pytest.approx(0)


def test_common_acquaintances() -> None:
    """The share of those whom both know."""
    assert neighbourhood_overlap({"bo", "cy"}, {"cy", "di"}) == pytest.approx(1 / 3)
    assert neighbourhood_overlap(set[str](), set[str]()) == 0


FEATURES = st.floats(0, 1000)


@given(FEATURES, FEATURES, st.floats(0, 1), st.booleans())
def test_strength_grows_with_each_feature(rooms: float, recency: float, overlap: float, mutual: bool) -> None:  # noqa: FBT001  # drawn
    """More of anything never makes a tie weaker; it stays a share."""
    weak = tie_strength(mutual=False, rooms=rooms, recency=recency, overlap=overlap)
    more = tie_strength(mutual=mutual, rooms=rooms + 1, recency=recency + 1, overlap=min(1, overlap + 0.1))

    assert 0 < weak <= more <= 1


def test_strong_ties_are_the_upper_quarter() -> None:
    """Or those above a line; equals are treated alike."""
    strengths = {"bo": 0.9, "cy": 0.5, "di": 0.4, "ed": 0.4, "fe": 0.1}

    assert strong_ties(strengths) == {"bo", "cy"}
    assert strong_ties(strengths, theta=0.4) == {"bo", "cy", "di", "ed"}
    assert strong_ties(dict.fromkeys("abcd", 0.5)) == set("abcd")
    assert strong_ties({}) == set()


def test_reach_rooms_and_history() -> None:
    """What is gone, what goes on, what can be read."""
    before = {"room": {"ana", "bo", "cy"}, "cooks": {"ana", "di"}, "old": {"ana"}}
    after = {"room": {"ana", "bo", "new"}, "cooks": {"ana", "di"}, "old again": {"ana"}}

    assert reach_loss(200, 172) == pytest.approx(0.14)
    assert reach_loss(0, 5) == 0
    assert room_continuity(before, after) == pytest.approx(4 / 6)
    assert orphan_rooms(before, after) == {"old"}
    assert room_continuity({}, after) == 1
    assert history_decryptable({1, 2, 3, 4}, {1, 2, 3, 9}) == 0.75
    assert history_decryptable(set[int](), {1}) == 1


def test_time_to_reconverge() -> None:
    """When it was back for good, not when it was back for a moment."""
    samples = [(0.0, 0.0), (60.0, 0.5), (120.0, 0.85), (180.0, 0.7), (240.0, 0.9), (3600.0, 0.96)]

    assert time_to_reconverge(samples, 0.5) == 60
    assert time_to_reconverge(samples, 0.9) == 240
    assert time_to_reconverge(samples, 0.99) == 3600
    assert time_to_reconverge([(5.0, 0.0)], 0.9) == 5
    for wrong in ([], [(2.0, 0.1), (1.0, 0.2)]):
        with pytest.raises(LocalPortabilityError):
            time_to_reconverge(wrong, 0.9)


def test_brier_score() -> None:
    """Sure and right is 0, a coin is a quarter."""
    assert brier([(1.0, True), (0.0, False)]) == 0
    assert brier([(0.5, True), (0.5, False)]) == 0.25
    assert math.isnan(brier([]))
