"""What other software makes of a Move, rule by rule, as its source says."""

from dataclasses import replace

import pytest

from yurt.lab.migration.stock_profiles import profile, profiles
from yurt.lab.migration.stock_rules import RULES, WEEK_S, Case, Target, Times, judge, text_of
from yurt.portability.peers import builtin_peers

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
        (replace(HONEST, cavage=False), "", "cavageOnly", "cavageOnly"),
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
