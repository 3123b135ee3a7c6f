"""The invariants of a migration, each shown a state that must never be: it says so, and says where."""

from dataclasses import replace

import pytest

from yurt.lab.migration.invariants import EndState, Moved, check, figures
from yurt.lab.migration.result import Mark, Share

OLD, NEW, THIEF = (f"https://{host}.example/users/ana" for host in ("source", "target", "thief"))
BO, CY, DEE = "https://n00.example/users/bo", "https://elm.example/users/cy", "https://n01.example/users/dee"
BOTH = Share(kept=2, count=2, share=1.0, low=0.34, high=1.0)
ANA = Moved(name="ana", old_actor=OLD, actor=NEW, followers=(BO, CY), told=(2, 1), seen=(2, 1))
GOOD = EndState(
    moved=(ANA,),
    views={"bo": {NEW: "accepted"}, "cy": {NEW: "accepted"}, "ana": {BO: "accepted"}},
    thief=THIEF,
    on_yurt=frozenset({"ana", "bo"}),
    marks=(Mark(name="1h", after_h=1.0, counted=2, followers=BOTH, all=BOTH),),
)


def broken(state: EndState) -> dict[str, str]:
    """Names of the invariants that do not hold, and what they say."""
    return {one.name: one.detail for one in check(state) if not one.holds}


def test_a_good_end_holds() -> None:
    """Everybody is there once, nobody was led away, nothing waits: all six hold."""
    assert broken(GOOD) == {}
    assert len(check(GOOD)) == 6
    assert figures(GOOD) == {"hijacked.yurt": 0.0, "hijacked.stock": 0.0, "blocks.lost": 0.0}


@pytest.mark.parametrize(
    ("state", "name", "says"),
    [
        (replace(GOOD, views=GOOD.views | {"bo": {THIEF: "pending"}}), "no hijack on Yurt", "bo"),
        (replace(GOOD, let_in=("dee follows ana",)), "no carried block is lost", "dee follows ana"),
        (
            replace(GOOD, views=GOOD.views | {"cy": {OLD: "accepted", NEW: "accepted"}}),
            "no duplicate follow",
            "cy follows both accounts of ana",
        ),
        (
            replace(GOOD, moved=(replace(ANA, followers=(BO, CY, BO)),)),
            "no duplicate follow",
            f"{BO} is listed twice at ana",
        ),
        (replace(GOOD, listed_twice=("bo",)), "no duplicate follow", "bo has somebody twice"),
        (
            replace(GOOD, waiting={"target.example -> elm.example": 3}),
            "queues are empty",
            "target.example -> elm.example: 3",
        ),
        (
            replace(GOOD, moved=(replace(ANA, told=(3, 1)),)),
            "receipts agree with what others see",
            "ana: the receipt says (3, 1), the others see (2, 1) (followers, followed)",
        ),
        (
            replace(GOOD, marks=(Mark(name="1h", after_h=1.0, counted=1, followers=BOTH, all=BOTH),)),
            "marks agree with what others see",
            "1h: the node counted 1, others see 2",
        ),
    ],
)
def test_a_broken_end_is_named(state: EndState, name: str, says: str) -> None:
    """Each broken state breaks one invariant, and that one says what it saw."""
    assert broken(state) == {name: says}


def test_a_thief_on_a_stock_peer_is_counted_and_no_fault_of_ours() -> None:
    """Whoever has the key is believed there: a figure that a scenario may forbid."""
    state = replace(GOOD, views=GOOD.views | {"cy": {THIEF: "accepted"}})

    assert broken(state) == {}
    assert figures(state)["hijacked.stock"] == 1.0


def test_blocks_need_a_way() -> None:
    """Where nothing can carry a block, its loss is told and no fault."""
    state = replace(GOOD, let_in=("dee follows ana",), is_carried=False)

    assert broken(state) == {}
    assert figures(state)["blocks.lost"] == 1.0
    assert "nothing was there to carry them in" in [one.detail for one in check(state)]
