"""The life of a follow: whatever comes twice, late or first, both ends agree in the end."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.activitypub.follow import (
    FOLLOWED,
    FOLLOWER,
    Effect,
    Event,
    FollowLife,
    FollowState,
    as_followed,
    as_follower,
    block,
    receive_follow,
)

NOBODY = FollowLife()
ONE, TWO = "https://hilltop.example/users/bo#follows/1", "https://hilltop.example/users/bo#follows/2"


def test_every_state_has_an_answer_to_every_event() -> None:
    """The tables are complete: nothing that arrives is unheard of."""
    mine = {Event.SENT, Event.ACCEPTED, Event.REJECTED, Event.UNDONE}
    theirs = {Event.RECEIVED, Event.ACCEPTED, Event.REJECTED, Event.UNDONE}

    assert set(FOLLOWER) == {(state, event) for state in FollowState for event in mine}
    assert set(FOLLOWED) == {(state, event) for state in FollowState for event in theirs}


def test_bo_follows_ana_and_stops() -> None:
    """The plain way, at both ends."""
    bo, sent = as_follower(NOBODY, Event.SENT, ONE)
    ana, answered = receive_follow(NOBODY, ONE, locked=False)
    bo, told = as_follower(bo, Event.ACCEPTED)

    assert sent == (Effect.SEND_FOLLOW,)
    assert answered == (Effect.SEND_ACCEPT, Effect.TELL)
    assert told == (Effect.TELL,)
    assert bo == ana == FollowLife(FollowState.ACCEPTED, ONE)

    bo, undo = as_follower(bo, Event.UNDONE)
    ana, told = as_followed(ana, Event.UNDONE, ONE)

    assert undo == (Effect.SEND_UNDO,)
    assert told == (Effect.TELL,)
    assert bo == ana == FollowLife(FollowState.UNDONE, ONE)


def test_a_locked_account_decides_itself() -> None:
    """The request waits, is told once, and may be refused."""
    ana, told = receive_follow(NOBODY, ONE, locked=True)
    assert (ana.state, told) == (FollowState.PENDING, (Effect.TELL,))

    ana, again = receive_follow(ana, ONE, locked=True)
    assert (ana.state, again) == (FollowState.PENDING, ())

    refused, effects = as_followed(ana, Event.REJECTED)
    assert (refused.state, effects) == (FollowState.REFUSED, (Effect.SEND_REJECT,))


def test_nobody_is_followed_because_somebody_says_so() -> None:
    """An Accept of a Follow that was never sent changes nothing."""
    assert as_follower(NOBODY, Event.ACCEPTED) == (NOBODY, ())
    assert as_follower(NOBODY, Event.REJECTED) == (NOBODY, ())


def test_an_undo_may_overtake_its_follow() -> None:
    """The Follow that comes after its own Undo is not taken; the next one is."""
    ana, told = as_followed(NOBODY, Event.UNDONE, ONE)
    assert told == ()

    ana, effects = receive_follow(ana, ONE, locked=False)
    assert (ana, effects) == (FollowLife(FollowState.UNDONE, ONE), ())

    ana, effects = receive_follow(ana, TWO, locked=False)
    assert ana == FollowLife(FollowState.ACCEPTED, TWO)
    assert Effect.SEND_ACCEPT in effects


def test_a_late_undo_of_an_older_follow_ends_nothing() -> None:
    """Bo left and came back; the old Undo arrives last."""
    ana = FollowLife(FollowState.ACCEPTED, TWO)

    assert as_followed(ana, Event.UNDONE, ONE) == (ana, ())
    assert as_followed(ana, Event.UNDONE, TWO)[0].state is FollowState.UNDONE
    assert as_followed(ana, Event.UNDONE, "")[0].state is FollowState.UNDONE


def test_a_follow_that_was_accepted_is_accepted_again() -> None:
    """They ask again because our answer was lost; they get it again, nobody else is told."""
    ana = FollowLife(FollowState.ACCEPTED, ONE)

    assert receive_follow(ana, TWO, locked=False) == (
        FollowLife(FollowState.ACCEPTED, TWO),
        (Effect.SEND_ACCEPT,),
    )


def test_an_accept_that_crosses_our_undo_is_undone_again() -> None:
    """They may believe that we follow; we say once more that we do not."""
    bo = FollowLife(FollowState.UNDONE, ONE)

    assert as_follower(bo, Event.ACCEPTED) == (bo, (Effect.SEND_UNDO,))


def test_who_was_removed_may_ask_again() -> None:
    """A Reject ends an accepted follow; a new Follow has a new id."""
    bo, told = as_follower(FollowLife(FollowState.ACCEPTED, ONE), Event.REJECTED)
    assert (bo.state, told) == (FollowState.REFUSED, (Effect.TELL,))

    assert as_follower(bo, Event.SENT, TWO) == (FollowLife(FollowState.PENDING, TWO), (Effect.SEND_FOLLOW,))


def test_asking_twice_is_asking_once() -> None:
    """A pending Follow keeps its id, so that its receiver takes it once."""
    bo = FollowLife(FollowState.PENDING, ONE)

    assert as_follower(bo, Event.SENT, TWO) == (bo, (Effect.SEND_FOLLOW,))
    assert as_follower(FollowLife(FollowState.ACCEPTED, ONE), Event.SENT, TWO)[1] == ()


def arrive(life: FollowLife, event: Event, follow_id: str) -> FollowLife:
    """What the followed's node does with one message."""
    if event is Event.RECEIVED:
        return receive_follow(life, follow_id, locked=False)[0]
    return as_followed(life, event, follow_id)[0]


@pytest.mark.parametrize("copies", [1, 2, 3])
def test_a_follow_and_its_undo_end_the_same_in_every_order(copies: int) -> None:
    """However often and in which order they come: undone."""
    messages = [Event.RECEIVED, Event.UNDONE] * copies

    for order in set(permutations(messages)):
        life = NOBODY
        for event in order:
            life = arrive(life, event, ONE)
        assert life == FollowLife(FollowState.UNDONE, ONE)


EVENTS = st.lists(st.tuples(st.sampled_from([Event.RECEIVED, Event.UNDONE]), st.sampled_from([ONE, TWO])))


@given(EVENTS)
def test_the_same_message_twice_is_the_message_once(events: list[tuple[Event, str]]) -> None:
    """A repeated delivery changes no state and tells nobody twice."""
    life = NOBODY
    for event, follow_id in events:
        life = arrive(life, event, follow_id)
        assert arrive(life, event, follow_id) == life


@given(st.lists(st.sampled_from([Event.SENT, Event.ACCEPTED, Event.REJECTED, Event.UNDONE])))
def test_a_follower_is_accepted_only_after_asking(events: list[Event]) -> None:
    """Whatever arrives, `accepted` means: we asked, and they said yes since."""
    life, asked, answered = NOBODY, False, False
    for event in events:
        life, _ = as_follower(life, event, ONE)
        if event is Event.UNDONE or event is Event.REJECTED:
            asked = answered = False
        asked = asked or event is Event.SENT
        answered = answered or (asked and event is Event.ACCEPTED)
        if life.state is FollowState.ACCEPTED:
            assert answered


def test_follows_without_a_name_are_still_follows() -> None:
    """Some software names no Follow, or no Follow in its Undo: it is about the one that there is."""
    for life, named in ((FollowLife(FollowState.ACCEPTED, ONE), ""), (FollowLife(FollowState.ACCEPTED), TWO)):
        assert as_followed(life, Event.UNDONE, named)[0].state is FollowState.UNDONE

    # After an Undo without a name the next Follow without one is a new one.
    again, _ = receive_follow(FollowLife(FollowState.UNDONE), "", locked=False)
    assert again.state is FollowState.ACCEPTED


def test_a_follow_that_stands_is_left_alone() -> None:
    """Asked for once more it keeps its name; sent once more it is accepted again, and nobody is asked."""
    life = FollowLife(FollowState.ACCEPTED, ONE)

    assert as_follower(life, Event.SENT, TWO) == (life, ())
    assert receive_follow(life, ONE, locked=True) == (life, (Effect.SEND_ACCEPT,))


# --- blocks -----------------------------------------------------------------------------------------
ACCEPTED = FollowLife(FollowState.ACCEPTED, ONE)
THEIRS = FollowLife(FollowState.ACCEPTED, TWO)


def test_a_block_that_arrives_ends_follows_both_ways_and_answers_nothing() -> None:
    """Bo blocks Ana: neither follows the other, and Bo hears nothing of it."""
    mine, theirs, effects = block(ACCEPTED, THEIRS, by_them=True)

    assert (mine.state, theirs.state) == (FollowState.REFUSED, FollowState.UNDONE)
    assert set(effects) == {Effect.TELL}
    assert block(mine, theirs, by_them=True) == (mine, theirs, ())


def test_an_own_block_takes_back_and_refuses() -> None:
    """Ana blocks Bo: her follow is undone, his is removed."""
    mine, theirs, effects = block(ACCEPTED, THEIRS, by_them=False)

    assert (mine.state, theirs.state) == (FollowState.UNDONE, FollowState.REFUSED)
    assert effects == (Effect.SEND_UNDO, Effect.SEND_REJECT)
    assert block(mine, theirs, by_them=False) == (mine, theirs, ())


def test_a_block_of_a_stranger_sends_nothing() -> None:
    """Who was not followed hears of no Undo or Reject."""
    assert block(NOBODY, NOBODY, by_them=False)[2] == ()
    assert block(NOBODY, NOBODY, by_them=True)[2] == ()


@pytest.mark.parametrize("locked", [True, False])
@pytest.mark.parametrize(
    "state", [FollowState.NONE, FollowState.PENDING, FollowState.ACCEPTED, FollowState.REFUSED]
)
def test_who_is_blocked_is_refused_at_once(state: FollowState, locked: object) -> None:
    """Nobody is asked; also not if they believe that they follow."""
    life, effects = receive_follow(FollowLife(state, ONE), TWO, locked=bool(locked), refused=True)

    assert (life.state, effects) == (FollowState.REFUSED, (Effect.SEND_REJECT,))


def test_a_refused_follow_that_was_undone_before_stays_undone() -> None:
    """Its Undo overtook it: there is nothing to refuse."""
    undone = FollowLife(FollowState.UNDONE, ONE)

    assert receive_follow(undone, ONE, locked=False, refused=True) == (undone, ())
