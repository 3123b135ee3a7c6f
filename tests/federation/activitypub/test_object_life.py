"""The life of a post: any order, any number of times, the same end."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from yurt.activitypub.object_life import (
    OBJECT_LIFE,
    Arrival,
    ObjectEffect,
    ObjectLife,
    ObjectState,
    arrive,
)

Arrivals = list[tuple[Arrival, int]]
UNSEEN = ObjectLife()
STORY: Arrivals = [(Arrival.MADE, 1), (Arrival.CHANGED, 2), (Arrival.CHANGED, 3), (Arrival.WITHDRAWN, 0)]


def live_through(arrivals: Arrivals) -> tuple[ObjectLife, list[ObjectEffect]]:
    life, done = UNSEEN, list[ObjectEffect]()
    for arrival, version in arrivals:
        life, effects = arrive(life, arrival, version)
        done += effects
    return life, done


def test_every_state_has_an_answer_to_every_arrival() -> None:
    """The table is complete."""
    assert set(OBJECT_LIFE) == {(state, arrival) for state in ObjectState for arrival in Arrival}


def test_the_plain_way() -> None:
    """Written, edited twice, deleted."""
    life, done = live_through(STORY)

    assert life.state is ObjectState.GONE
    assert done == [ObjectEffect.KEEP, ObjectEffect.REPLACE, ObjectEffect.REPLACE, ObjectEffect.ERASE]


def test_a_delete_may_overtake_its_post() -> None:
    """What comes after its own Delete is not shown, not even for a moment."""
    for order in permutations(STORY):
        life, done = live_through(list(order))
        after = order.index((Arrival.WITHDRAWN, 0))

        assert life.state is ObjectState.GONE
        assert done.count(ObjectEffect.ERASE) == min(after, 1)
        assert done.count(ObjectEffect.KEEP) == min(after, 1)


@given(st.lists(st.sampled_from(STORY[:3]), min_size=1))
def test_the_newest_version_stays(arrivals: Arrivals) -> None:
    """A slow older version never replaces a newer one; the same twice does nothing."""
    life, done = live_through(arrivals)
    best = max([arrivals[0][1], *(version for arrival, version in arrivals if arrival is Arrival.CHANGED)])

    assert life == ObjectLife(ObjectState.LIVE, best)
    assert done.count(ObjectEffect.KEEP) == 1
    assert live_through([*arrivals, *arrivals])[0] == life


@given(st.permutations([(Arrival.MADE, 0), (Arrival.MADE, 0), (Arrival.WITHDRAWN, 0)]))
def test_a_like_and_its_undo_cancel(arrivals: Arrivals) -> None:
    """In any order, once or twice."""
    assert live_through(arrivals)[0].state is ObjectState.GONE
