"""Moves: a follow goes along when both ends say so, and a person's only when the person says so."""

from dataclasses import replace
from itertools import permutations

import pytest

from yurt.activitypub.moves import (
    COOLDOWN_S,
    MOVE_RULES,
    TIES,
    GoneEffect,
    Move,
    MoveDecision,
    MoveEffect,
    MoveLife,
    Origin,
    Target,
    TieEffect,
    TieEvent,
    TieState,
    Verdict,
    after_move,
    after_self_delete,
    decide_move,
    refollow,
)

OLD = "https://harbour.example/users/ana"
NEW = "https://meadow.example/users/ana"
EVE = "https://evil.example/users/eve"
DID, OTHER_DID = "did:key:z6MkAna", "did:key:z6MkEve"
NOW = 1_795_244_862
CHAIN = tuple(f"https://{name}.example/users/ana" for name in ("a", "b", "c", "d", "e"))

PUSH = Move(f"{OLD}#moves/1", OLD, OLD, NEW)
PULL = Move(f"{NEW}#moves/1", NEW, OLD, NEW)
STOCK = Origin(OLD, moved_to=NEW)
DEAD = Origin(OLD)
PERSON = Origin(OLD, did=DID, record_actor=NEW)
ALIASED = Target(NEW, also_known_as=(OLD,))
AT_HOME = Target(NEW, also_known_as=(OLD,), did=DID)


def decided(move: Move, origin: Origin, target: Target, *, signer: str = "", now: int = NOW) -> MoveDecision:
    return decide_move(move, signer or move.actor, origin, target, now)


GOES: list[tuple[str, Move, Origin, Target]] = [
    ("a stock server's Move", PUSH, STOCK, ALIASED),
    ("from a dead server, signed with the old key", PUSH, DEAD, ALIASED),
    ("from a server that does not say movedTo", PUSH, Origin(OLD, moved_to=""), ALIASED),
    ("pulled by the new actor, aliases both ways", PULL, Origin(OLD, also_known_as=(NEW,)), ALIASED),
    ("after the cooldown", PUSH, Origin(OLD, last_move=NOW - COOLDOWN_S, followed_to=EVE), ALIASED),
    ("a person, with record and statement", PUSH, PERSON, AT_HOME),
    ("a person who moved yesterday too", PUSH, replace(PERSON, last_move=NOW - 1, followed_to=EVE), AT_HOME),
    ("a person whose old node is dead, told by the new one", PULL, PERSON, AT_HOME),
    ("a person who comes back home", PUSH, replace(PERSON, came_by=(NEW,)), AT_HOME),
    ("the fifth link of a chain", PUSH, replace(STOCK, came_by=CHAIN[:4]), ALIASED),
    ("to a person who was not one yet", PUSH, STOCK, AT_HOME),
]
STOPS: list[tuple[str, Verdict, Move, Origin, Target]] = [
    ("notTheirs", Verdict.REFUSE, Move("", EVE, OLD, NEW), STOCK, ALIASED),
    ("otherActors", Verdict.REFUSE, PUSH, Origin(EVE), ALIASED),
    ("otherActors", Verdict.REFUSE, PUSH, STOCK, Target(EVE, also_known_as=(OLD,))),
    ("selfMove", Verdict.REFUSE, Move("", OLD, OLD, OLD), STOCK, Target(OLD, also_known_as=(OLD,))),
    ("repeated", Verdict.IGNORE, PUSH, replace(STOCK, followed_to=NEW), ALIASED),
    ("repeated", Verdict.IGNORE, PUSH, replace(PERSON, followed_to=NEW), AT_HOME),
    ("circle", Verdict.REFUSE, PUSH, replace(STOCK, came_by=(EVE, NEW)), ALIASED),
    ("chain", Verdict.REFUSE, PUSH, replace(STOCK, came_by=CHAIN), ALIASED),
    ("targetBlocked", Verdict.REFUSE, PUSH, STOCK, replace(ALIASED, is_blocked=True)),
    ("targetMoved", Verdict.REFUSE, PUSH, STOCK, replace(ALIASED, moved_to=EVE)),
    ("noAlias", Verdict.REFUSE, PUSH, STOCK, Target(NEW)),
    ("noAlias", Verdict.REFUSE, PUSH, STOCK, Target(NEW, also_known_as=(EVE, OLD + "x"))),
    ("noAlias", Verdict.REFUSE, PUSH, PERSON, Target(NEW, did=DID)),
    ("noAliasBack", Verdict.REFUSE, PULL, DEAD, ALIASED),
    ("noAliasBack", Verdict.REFUSE, PULL, Origin(OLD, also_known_as=(EVE,)), ALIASED),
    ("movedElsewhere", Verdict.REFUSE, PUSH, Origin(OLD, moved_to=EVE), ALIASED),
    ("cooldown", Verdict.REFUSE, PUSH, Origin(OLD, last_move=NOW - COOLDOWN_S + 1), ALIASED),
    ("otherPerson", Verdict.REFUSE, PUSH, PERSON, replace(AT_HOME, did=OTHER_DID)),
    ("frozen", Verdict.WAIT, PUSH, replace(PERSON, record_frozen=True), AT_HOME),
    ("noRecord", Verdict.WAIT, PUSH, Origin(OLD, did=DID), AT_HOME),
    ("noRecord", Verdict.WAIT, PUSH, replace(PERSON, record_actor=OLD), AT_HOME),
    ("noStatement", Verdict.WAIT, PUSH, PERSON, ALIASED),
]  # fmt: skip


@pytest.mark.parametrize(
    ("move", "origin", "target"), [row[1:] for row in GOES], ids=[row[0] for row in GOES]
)
def test_moves_that_go(move: Move, origin: Origin, target: Target) -> None:
    """Stock servers, dead servers, pulls with both aliases, people with their record."""
    assert decided(move, origin, target) == MoveDecision(Verdict.GO, "moved")


@pytest.mark.parametrize(("rule", "verdict", "move", "origin", "target"), STOPS)
def test_moves_that_do_not(rule: str, verdict: Verdict, move: Move, origin: Origin, target: Target) -> None:
    """Each rule of the table has its case."""
    assert decided(move, origin, target) == MoveDecision(verdict, rule)


def test_every_rule_has_a_case() -> None:
    """No rule of the table is untested."""
    assert {rule for rule, _, _ in MOVE_RULES} == {rule for rule, *_ in STOPS}


def test_somebody_elses_signature_moves_nobody() -> None:
    """The key that signed must be of the actor of the Move."""
    assert decided(PUSH, STOCK, ALIASED, signer=EVE).rule == "notTheirs"
    assert decided(PULL, Origin(OLD, also_known_as=(NEW,)), ALIASED, signer=OLD).rule == "notTheirs"


def test_an_old_node_cannot_take_a_person_along() -> None:
    """The hostile old node signs a Move to Eve: no record, so it waits; then the person really moves."""
    to_eve = Move(f"{OLD}#moves/1", OLD, OLD, EVE)
    eve = Target(EVE, also_known_as=(OLD,))

    hostile = decided(to_eve, replace(PERSON, moved_to=EVE, record_actor=OLD), eve)
    life, told = after_move(MoveLife(), hostile, EVE, NOW)
    assert (life, told) == (MoveLife(waiting=EVE), (MoveEffect.TELL_UNCONFIRMED,))
    assert after_move(life, hostile, EVE, NOW + 1) == (life, ())

    # No cooldown was burnt; the rescue is signed with the old key, while the old node still says movedTo Eve.
    honest = decided(PUSH, replace(PERSON, moved_to=EVE), AT_HOME)
    life, effects = after_move(life, honest, NEW, NOW + 2)
    assert (life, effects) == (MoveLife(NEW, NOW + 2), (MoveEffect.REFOLLOW,))


def test_a_waiting_move_completes_when_the_record_comes() -> None:
    """The same Move, decided again with the record: no second Move is needed."""
    waiting, _ = after_move(MoveLife(), decided(PUSH, Origin(OLD, did=DID), AT_HOME), NEW, NOW)
    assert waiting.waiting == NEW

    later = decided(PUSH, PERSON, AT_HOME, now=NOW + 86_400)

    assert after_move(waiting, later, NEW, NOW + 86_400) == (
        MoveLife(NEW, NOW + 86_400),
        (MoveEffect.REFOLLOW,),
    )


def test_a_move_that_failed_burns_no_cooldown() -> None:
    """Refused, mended, sent again: it goes."""
    life, effects = after_move(MoveLife(), decided(PUSH, STOCK, Target(NEW)), NEW, NOW)
    assert (life, effects) == (MoveLife(), ())

    assert decided(PUSH, replace(STOCK, last_move=life.moved_at), ALIASED).verdict is Verdict.GO


def test_the_same_move_twice_does_nothing_more() -> None:
    """A replay finds that everybody went already."""
    life, _ = after_move(MoveLife(), decided(PUSH, STOCK, ALIASED), NEW, NOW)

    again = decided(PUSH, replace(STOCK, last_move=life.moved_at, followed_to=life.moved_to), ALIASED)

    assert after_move(life, again, NEW, NOW + 5) == (life, ())


def test_a_chain_is_followed_link_by_link() -> None:
    """A to B is refused once B has moved to C; B's own Move brings those who follow B."""
    third = "https://third.example/users/ana"

    assert decided(PUSH, STOCK, replace(ALIASED, moved_to=third)).rule == "targetMoved"
    onward = Move(f"{NEW}#moves/1", NEW, NEW, third)
    assert decided(onward, Origin(NEW), Target(third, also_known_as=(NEW,))).verdict is Verdict.GO


# --- ties -------------------------------------------------------------------------------------------
def test_every_tie_has_an_answer_to_every_event() -> None:
    """The table is complete."""
    assert set(TIES) == {(state, event) for state in TieState for event in TieEvent}


def test_refollow_then_unfollow() -> None:
    """The old tie ends only when the new one is asked for and arrived."""
    state, first = refollow(TieState.STAYS, TieEvent.MOVED)
    state, then = refollow(state, TieEvent.DELIVERED)

    assert first == (TieEffect.FOLLOW_NEW,)
    assert then == (TieEffect.UNDO_OLD, TieEffect.TELL)
    assert state is TieState.LEFT


def test_whoever_follows_the_new_actor_already_only_unfollows() -> None:
    """No second Follow is sent."""
    assert refollow(TieState.STAYS, TieEvent.ALREADY_FOLLOWS)[1] == (TieEffect.UNDO_OLD, TieEffect.TELL)


def test_a_person_may_stay() -> None:
    """A veto takes the new follow back and keeps the old; so does a Follow that cannot be delivered."""
    asked, _ = refollow(TieState.STAYS, TieEvent.MOVED)

    assert refollow(asked, TieEvent.VETOED) == (TieState.STAYS, (TieEffect.UNDO_NEW,))
    assert refollow(asked, TieEvent.FAILED) == (TieState.STAYS, (TieEffect.TELL,))


def test_the_old_tie_is_never_given_up_for_nothing() -> None:
    """In every order of events, an Undo of the old follow comes after a new one that is there."""
    events = [TieEvent.MOVED, TieEvent.MOVED, TieEvent.DELIVERED, TieEvent.FAILED, TieEvent.VETOED]
    for order in permutations(events):
        state = TieState.STAYS
        done: list[TieEffect] = []
        for event in order:
            state, effects = refollow(state, event)
            done.extend(effects)
        ends = [at for at, effect in enumerate(done) if effect is TieEffect.UNDO_OLD]

        assert len(ends) == (state is TieState.LEFT)
        for at in ends:
            assert done[:at].count(TieEffect.FOLLOW_NEW) > done[:at].count(TieEffect.UNDO_NEW)


def test_a_delete_ends_the_ties_of_nobody_with_a_did() -> None:
    """The posts go; the person may be elsewhere."""
    assert after_self_delete(DID) == (GoneEffect.HIDE_POSTS,)
    assert after_self_delete("") == (GoneEffect.HIDE_POSTS, GoneEffect.END_TIES)
