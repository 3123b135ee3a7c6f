"""Whose turn it is: whoever answered lately, and nobody else has to wait for long."""

from yurt.node.people.delivery_turns import FEW, GIVE_WAY_S, MAX_LATELY, Turn, Turns

GOOD = [f"good{number}.example" for number in range(3)]
GONE = [f"gone{number}.example" for number in range(3 * FEW)]


def known(*hosts: str) -> Turns:
    """Turns in which these hosts answered lately."""
    turns = Turns()
    for host in hosts:
        turns.answered(host)
    return turns


def test_who_may_be_gone_gives_way() -> None:
    """Beside hosts that answered lately, no others are tried."""
    turns = known(*GOOD)

    assert turns.next([*GONE, *GOOD], (), 100.0) == Turn(GOOD, GIVE_WAY_S)


def test_nobody_gives_way_for_long() -> None:
    """However much goes to the others, a moment later everybody is tried; then they give way again."""
    turns = known(*GOOD)
    turns.next([*GONE, *GOOD], (), 100.0)

    assert turns.next([*GONE, *GOOD], GOOD, 100.0 + GIVE_WAY_S / 2) == Turn(GOOD, GIVE_WAY_S / 2)
    assert turns.next([*GONE, *GOOD], GOOD, 100.0 + GIVE_WAY_S) == Turn([*GOOD, *GONE])
    assert turns.next(["new.example", *GOOD], GOOD, 102.0) == Turn(GOOD, GIVE_WAY_S)


def test_who_may_be_gone_comes_a_few_at_a_time() -> None:
    """Whoever posts while bad hosts are tried waits for a few of them, not for all."""
    turns, under_way = known(*GOOD), set[str]()

    first = turns.next(GONE, under_way, 100.0)
    under_way |= set(first.hosts)
    second = turns.next(GONE, under_way, 100.01)
    under_way |= set(second.hosts)

    assert first == Turn(GONE[:FEW], 0.0)
    assert second == Turn(GONE[: 2 * FEW], 0.0)
    assert turns.next([*GONE, *GOOD], under_way, 100.02).hosts == [*GONE[: 2 * FEW], *GOOD]


def test_who_is_served_already_has_its_turn() -> None:
    """Something more came for it: whoever asks must hear of that, whatever goes to others."""
    turns = known(*GOOD)

    assert turns.next(["new.example", *GOOD], {"new.example"}, 100.0) == Turn(["new.example", *GOOD])
    assert turns.next(["new.example", *GONE, *GOOD], {"new.example"}, 100.0) == Turn(
        ["new.example", *GOOD], GIVE_WAY_S
    )


def test_the_last_who_is_served_lets_the_others_in() -> None:
    """They are told at once, and only if somebody waits."""
    turns = known(*GOOD)
    turns.next([*GOOD, *GONE], (), 100.0)

    assert [turns.ended(host) for host in GOOD] == [False, False, True]
    turns.next(GOOD, (), 101.0)
    assert not any(turns.ended(host) for host in GOOD)
    assert not turns.ended(GONE[0])


def test_who_failed_gives_way_like_a_stranger() -> None:
    """What counts is the last try."""
    turns = known(*GOOD)
    turns.failed(GOOD[0])

    assert turns.next(GOOD, (), 100.0) == Turn(GOOD[1:], GIVE_WAY_S)


def test_only_so_many_hosts_are_remembered() -> None:
    """Memory is bounded: who answered longest ago is forgotten first."""
    turns = known("old.example", *(f"h{number}.example" for number in range(MAX_LATELY)))

    assert turns.next(["old.example", "h0.example"], (), 100.0).hosts == ["h0.example"]
