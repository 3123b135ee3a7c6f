"""Before a move each tie has a fate, a reason and a source; the table of peers is held to its form."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.portability.check import (
    DEAD_AFTER_S,
    Direction,
    Outcome,
    Reason,
    Situation,
    TieFacts,
    Verdict,
    expected,
    judge_tie,
)
from yurt.portability.errors import PeerTableError
from yurt.portability.peers import ANY, Limit, builtin_peers, decode_peers, parse_version
from yurt.portability.roster import Tie

TABLE = builtin_peers()
DID = "did:key:z6MkqSuFXbmD2w8UkTbbTVZV2faswTaKeTepTAjfsG24KCdd"
ALIVE = Situation()
DEAD = Situation(source_alive=False)
RESCUE = Situation(source_alive=False, kit=True)


def follower(software: str, version: str = "", *, did: str | None = None) -> TieFacts:
    return TieFacts(
        Tie(actor="https://b.example/users/bo", software=software, version=version, did=did, follower=True)
    )


def verdict(facts: TieFacts, situation: Situation = ALIVE) -> Verdict:
    (only,) = judge_tie(facts, situation, TABLE)
    return only


@pytest.mark.parametrize(
    ("software", "version", "situation", "outcome", "reason"),
    [
        ("mastodon", "4.5.1", ALIVE, Outcome.AUTOMATIC, Reason.FOLLOWS_MOVE),
        ("Mastodon", "4.6.0-alpha.1+glitch", RESCUE, Outcome.AUTOMATIC, Reason.HELD_KEY),
        ("mastodon", "4.5.1", DEAD, Outcome.LOST, Reason.NO_KIT),
        ("mastodon", "2.9", ALIVE, Outcome.ASK, Reason.OLD_VERSION),
        ("mastodon", "", ALIVE, Outcome.AUTOMATIC, Reason.FOLLOWS_MOVE),
        ("gotosocial", "0.20.1", RESCUE, Outcome.AUTOMATIC, Reason.HELD_KEY),
        ("snac", "2.94", RESCUE, Outcome.AUTOMATIC, Reason.HELD_KEY),
        ("misskey", "2025.1", ALIVE, Outcome.AUTOMATIC, Reason.FOLLOWS_MOVE),
        ("misskey", "2025.1", RESCUE, Outcome.ASK, Reason.DEAD_SOURCE),
        ("pixelfed", "0.12", ALIVE, Outcome.ASK, Reason.BROKEN_MOVE),
        ("lemmy", "0.19", RESCUE, Outcome.ASK, Reason.NO_MOVE),
        ("home-made", "1", ALIVE, Outcome.ASK, Reason.UNKNOWN_SOFTWARE),
        ("", "", ALIVE, Outcome.ASK, Reason.UNKNOWN_SOFTWARE),
        ("*", "", ALIVE, Outcome.ASK, Reason.UNKNOWN_SOFTWARE),
        ("yurt", "0.1", ALIVE, Outcome.OURS, Reason.RECORD),
        ("yurt", "0.1", RESCUE, Outcome.OURS, Reason.RECORD),
        ("yurt", "0.1", DEAD, Outcome.LOST, Reason.NO_KIT),
    ],
)
def test_fate_of_a_follower(
    software: str, version: str, situation: Situation, outcome: Outcome, reason: Reason
) -> None:
    """By what their software does, and whether the old node and a kit are there."""
    found = verdict(follower(software, version), situation)

    assert (found.outcome, found.reason) == (outcome, reason)
    assert found.text
    assert found.source


def test_did_counts_more_than_software() -> None:
    """Who is known by their did is ours, whatever their node calls itself."""
    assert verdict(follower("", did=DID), RESCUE).outcome is Outcome.OURS


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (replace(follower("mastodon"), gone=True), Reason.GONE),
        (replace(follower("yurt"), unreachable_s=DEAD_AFTER_S), Reason.HOST_DEAD),
        (replace(follower("mastodon"), suspends_us=True), Reason.SUSPENDED),
        (replace(follower("yurt"), blocks_destination=True), Reason.BLOCKS_DESTINATION),
    ],
)
def test_what_is_lost_is_named(facts: TieFacts, reason: Reason) -> None:
    """Nothing is expected of it."""
    found = verdict(facts)

    assert (found.outcome, found.reason, found.likely) == (Outcome.LOST, reason, (0.0, 0.0))


def test_who_is_gone_is_gone_both_ways() -> None:
    """A follow of one's own cannot be asked for again where nobody is; a move's own fate is no excuse."""
    both = Tie(actor="https://b.example/users/bo", software="mastodon", follower=True, following=True)

    for facts, reason in (
        (TieFacts(both, gone=True), Reason.GONE),
        (TieFacts(both, unreachable_s=DEAD_AFTER_S), Reason.HOST_DEAD),
    ):
        assert {found.reason for found in judge_tie(facts, ALIVE, TABLE)} == {reason}


def test_a_record_comes_from_the_new_node() -> None:
    """A node of ours that refuses the old one takes the record from the new one."""
    assert verdict(replace(follower("yurt"), suspends_us=True)).reason is Reason.RECORD


def test_a_silent_week_is_not_death() -> None:
    """A node that is down for a week comes back."""
    assert verdict(replace(follower("mastodon"), unreachable_s=7 * 86_400)).outcome is Outcome.AUTOMATIC


def test_own_follows_are_the_person_s() -> None:
    """Both directions of a tie have their own fate; who approves by hand may say no."""
    tie = Tie(
        actor="https://b.example/users/bo", software="lemmy", follower=True, following=True, locked=True
    )

    theirs, mine = judge_tie(TieFacts(tie, suspends_us=True), ALIVE, TABLE)
    open_door = msgspec.structs.replace(tie, locked=False, follower=False)

    assert (theirs.direction, theirs.reason) == (Direction.FOLLOWER, Reason.SUSPENDED)
    assert (mine.outcome, mine.reason) == (Outcome.YOURS, Reason.APPROVAL)
    assert verdict(TieFacts(open_door)).reason is Reason.FOLLOW_AGAIN
    assert judge_tie(TieFacts(msgspec.structs.replace(open_door, following=False)), ALIVE, TABLE) == ()


def test_newer_software_is_marked() -> None:
    """The rule is used, and it is said that nobody looked since."""
    assert verdict(follower("mastodon", "4.8.0")).newer_than_tested
    assert not verdict(follower("mastodon", "4.7.3")).newer_than_tested
    assert not verdict(follower("misskey", "9999")).newer_than_tested


def test_expectation_is_an_interval() -> None:
    """Between what is sure and what may be; certain ties have no width."""
    mastodon = [verdict(follower("mastodon"))] * 171
    asked = [verdict(follower("lemmy"))] * 22
    lost = [verdict(replace(follower("mastodon"), gone=True))] * 21

    found = expected([*mastodon, *asked, *lost])

    assert (found.count, found.outcomes[Outcome.AUTOMATIC], found.outcomes[Outcome.LOST]) == (214, 171, 21)
    assert 120 < found.low < 0.85 * 171 < 171 < found.high < 180
    assert expected(lost) == replace(expected(lost), low=0, high=0)
    assert expected([]).high == 0


@given(st.lists(st.sampled_from(["mastodon", "lemmy", "yurt", "x", "snac"]), max_size=50))
def test_interval_lies_within_the_ties(software: list[str]) -> None:
    """Never more than there are, and never upside down."""
    found = expected(verdict(follower(name)) for name in software)

    assert 0 <= found.low <= found.high <= found.count == len(software)


def test_every_rule_has_a_source_and_a_date() -> None:
    """The table that comes with the package is whole, and speaks of who must be in it."""
    assert {"yurt", "mastodon", "gotosocial", "snac", "misskey", ANY} <= set(TABLE.peers)
    for peer in TABLE.peers.values():
        assert peer.source
        assert peer.read >= "2026-08"
        assert peer.software == peer.software.lower()
        assert peer.read in peer.cited
    assert all(limit.source and limit.software in TABLE.peers for limit in TABLE.limits)


def test_limits_bite() -> None:
    """1,000 follows at 400 a day: two days after the first."""
    (follows,) = (limit for limit in TABLE.limits_of("Mastodon") if limit.name == "follows")

    assert [follows.seconds_for(n) // 86_400 for n in (0, 1, 400, 401, 1000)] == [0, 0, 0, 1, 2]
    assert TABLE.limits_of("yurt") == ()
    assert isinstance(follows, Limit)


PEER = b"""version = 1
[[peer]]
software = "*"
follows_move = "unknown"
dead_source = "unknown"
evidence = "unknown"
source = "x"
read = "2026-11"
likely = [0.0, 0.5]
"""


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"\xff", "malformedPeers"),
        (b"version = ", "malformedPeers"),
        (b"version = 1\npeer = 3", "malformedPeers"),
        (PEER.replace(b"version = 1", b"version = 2"), "malformedPeers"),
        (PEER.replace(b"0.0, 0.5", b"0.6, 0.5"), "malformedPeers"),
        (PEER.replace(b"0.0, 0.5", b"0.6, 1.5"), "malformedPeers"),
        (PEER.replace(b'source = "x"\n', b""), "malformedPeers"),
        (PEER.replace(b'read = "2026-11"', b'read = "lately"'), "malformedPeers"),
        (PEER.replace(b'"*"', b'"a"'), "peerRest"),
        (PEER + PEER.removeprefix(b"version = 1\n"), "peerTwice"),
        (b"#" * 2_000_000, "malformedPeers"),
    ],
)
def test_table_that_says_too_little_is_refused(data: bytes, rule: str) -> None:
    """A rule without source or date is none."""
    with pytest.raises(PeerTableError) as caught:
        decode_peers(data)

    assert caught.value.rule == rule
    assert decode_peers(PEER).peer("whatever").software == ANY


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("4.7.0-alpha.1+glitch", (4, 7)),
        ("v0.20.1", (0, 20, 1)),
        ("2.10", (2, 10)),
        ("git-1234", ()),
        ("", ()),
        ("9" * 5000, ()),
        ("1.2.3.4.5", (1, 2, 3, 4)),
    ],
)
def test_versions_are_numbers(text: str, numbers: tuple[int, ...]) -> None:
    """2.10 comes after 2.9."""
    if len(text) > 1000:
        assert len(parse_version(text)) <= 1
    else:
        assert parse_version(text) == numbers
