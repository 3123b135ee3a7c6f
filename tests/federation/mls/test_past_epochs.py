from yurt.mls.past_epochs import KEEP_MS, MAX_PAST, expired

DAY = KEEP_MS


def test_recent_epochs_stay_however_old() -> None:
    """In a quiet room the last three epochs stay readable after any time."""
    ended: dict[int, int | None] = {6: 0, 7: 0, 8: 0, 9: 0}

    assert expired(ended, current=10, now_ms=100 * DAY) == [6]


def test_young_epochs_stay_however_many() -> None:
    """In a busy room every epoch of the last day stays readable."""
    ended: dict[int, int | None] = {epoch: epoch * 1000 for epoch in range(20)}

    assert expired(ended, current=20, now_ms=DAY) == []
    assert expired(ended, current=20, now_ms=DAY + 5000) == [0, 1, 2, 3, 4]


def test_never_more_than_a_fixed_number() -> None:
    """A storm of commits cannot make a member keep secrets without end."""
    ended: dict[int, int | None] = dict.fromkeys(range(100), 0)

    assert expired(ended, current=100, now_ms=0) == list(range(100 - MAX_PAST))


def test_unknown_end() -> None:
    """An epoch whose end has no log time yet stays until it has one."""
    assert expired({0: None}, current=10, now_ms=100 * DAY) == []
