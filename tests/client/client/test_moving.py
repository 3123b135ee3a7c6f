"""What is foretold, counted and shown of a move, from facts alone."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.cli.commands.check import table
from yurt.client.moving import steps
from yurt.client.moving.calls import MoveStanding, Share, TieReceipt
from yurt.client.moving.difference import asking, standing
from yurt.client.moving.forecast import KitStanding, foresee
from yurt.client.moving.receipt_page import headline, page
from yurt.client.moving.receipts import explained, summary
from yurt.client.moving.rescue import without_key
from yurt.client.moving.rows import from_files, ranked
from yurt.client.moving.strength import Known, choose_strong, strengths
from yurt.client.vault.moves import ForetoldTie, MoveRow
from yurt.portability.check import Situation, TieFacts
from yurt.portability.csv_rows import CsvKind
from yurt.portability.roster import Tie
from yurt.wire.move_commands import MoveMark, MoveView, PeerReport

BO, CY, DEE = "did:key:zBo", "did:key:zCy", "did:key:zDee"
NOW = 1_795_000_000


def tie(
    name: str, software: str, *, did: str | None = None, follower: bool = True, following: bool = False
) -> Tie:
    """Somebody at a node of their own."""
    host = f"{name}.example"
    return Tie(
        actor=f"https://{host}/users/{name}",
        address=f"{name}@{host}",
        inbox=f"https://{host}/inbox",
        did=did,
        software=software,
        version="4.3.0",
        follower=follower,
        following=following,
    )


def row(kind: str = "move", step: str = "carried") -> MoveRow:
    """A move of ana."""
    return MoveRow(
        kind="rescue" if kind == "rescue" else "move",
        step=step,
        job=bytes(16),
        name="ana",
        node="new.example",
        code="CODE",
        secret=b"secret",
        previous="https://old.example/users/ana",
        records=(),
        record=b"",
        statement=b"",
        actor_key=b"a key",
        login_key=b"",
        started=NOW,
        moved=NOW,
        rooms=(b"one", b"two"),
        rooms_kept=(b"one",),
        messages=10,
    )


TIES = [
    tie("bo", "yurt", did=BO, following=True),
    tie("mo", "mastodon"),
    tie("pix", "pixelfed"),
    tie("who", "homemade"),
]


def test_closeness_is_small_rooms_and_lately() -> None:
    """Somebody from a room of three, heard of today, is closer than anybody in a crowd."""
    known = Known(
        (frozenset({BO, CY}), frozenset({BO, DEE, *(f"did:key:z{n}" for n in range(200))})),
        {BO: (60.0,), DEE: (90 * 86_400.0,)},
    )
    people = [tie("bo", "yurt", did=BO), tie("dee", "yurt", did=DEE), tie("mo", "mastodon")]

    found = strengths(people, known)

    bo, dee, mo = (found[one.actor] for one in people)
    assert bo > dee > mo
    assert choose_strong(found, people) == {people[0].actor}


def test_without_any_company_mutual_follows_are_strong() -> None:
    """Where nothing tells people apart, nobody is called strong who only follows."""
    people = [tie("mo", "mastodon"), tie("po", "mastodon")]

    assert choose_strong(strengths(people, Known((), {})), people) == frozenset()


def test_each_tie_has_a_reason_and_a_source() -> None:
    """On Yurt ours, on Mastodon automatic, and who must be asked is said with the reason."""
    view = foresee([TieFacts(one) for one in TIES], {}, Situation(), KitStanding())

    found = {(one.address, one.direction): one for one in view.ties}
    assert found["bo@bo.example", "follower"].outcome == "ours"
    assert found["mo@mo.example", "follower"].outcome == "automatic"
    assert found["pix@pix.example", "follower"].outcome == "ask"
    assert found["who@who.example", "follower"].reason == "unknownSoftware"
    assert all(one.text and one.source for one in view.ties)
    assert view.followers.count == 4
    assert view.readiness.kit_age_s == -1
    assert {limit.seconds for limit in view.limits} >= {7 * 86_400, 30 * 86_400}


def test_a_dead_node_without_a_kit_loses_everybody_but_says_so() -> None:
    """Without the old node and without a kit each tie is lost, by name."""
    view = foresee([TieFacts(one) for one in TIES], {}, Situation(source_alive=False), KitStanding())

    assert {one.reason for one in view.ties} == {"noKit"}


@pytest.mark.parametrize("kind", ["move", "rescue"])
def test_every_step_leads_to_the_end(kind: str) -> None:
    """Nobody is stuck: from each step the table leads to the last one, through no step twice."""
    table_of = steps.NEXT["rescue" if kind == "rescue" else "move"]
    for step in table_of:
        seen = [step]
        while following := table_of.get(seen[-1], ""):
            assert following not in seen
            seen.append(following)
        assert seen[-1] == steps.WATCHED
        assert all(name in steps.SAID for name in seen[1:])


def test_nothing_is_final_before_the_confirmation() -> None:
    """Every step before the confirmation can be taken back, and none after it."""
    before = [name for name in steps.NEXT["move"] if not steps.is_final("move", name)]

    assert before == [steps.PREPARED, steps.ARRIVED, steps.CARRIED]
    assert all(steps.is_final("rescue", name) for name in steps.NEXT["rescue"])


def test_the_confirmation_names_who_is_lost_and_what_the_key_may_do() -> None:
    """A person agrees to a difference that names people, and in a rescue to the lent key."""
    lost = ForetoldTie(
        actor="https://x.example/u/x", address="x@x.example", direction="follower", outcome="lost",
        reason="gone", text="their account is deleted",
    )  # fmt: skip

    shown = standing(row(), [lost])

    assert shown.needs_confirmation
    assert any("x@x.example" in line and "deleted" in line for line in shown.difference)
    assert "ana@new.example" in asking(["bo@bo.example"], row())
    assert not MoveStanding().next


def test_a_cell_runs_nowhere() -> None:
    """What other people are called is no formula in anybody's spreadsheet."""
    evil = ForetoldTie(
        actor="https://x.example/u/x",
        address='=HYPERLINK("evil")',
        direction="follower",
        outcome="ask",
        reason="noMove",
    )

    assert table((evil,)).splitlines()[1].startswith("\"'=HYPERLINK")


def receipts(*states: str) -> list[TieReceipt]:
    """One for each of `TIES`."""
    return [
        TieReceipt(
            actor=one.actor,
            address=one.address,
            direction="follower",
            foretold="ask",
            state=state,
            strong=number < 2,
            reason="<script>",
        )
        for number, (one, state) in enumerate(zip(TIES, states, strict=True))
    ]


def test_the_receipt_counts_what_is_here() -> None:
    """Shares, rooms, history and what is left to do follow from the ties that are here, and nothing else."""
    foretold = [
        ForetoldTie(
            actor=one.actor,
            address=one.address,
            direction="follower",
            outcome="ask",
            reason="noMove",
            low=0,
            high=1,
        )
        for one in TIES
    ]
    state = MoveView(waiting=1, marks=(MoveMark(3_600, NOW, 2), MoveMark(86_400)))

    view = summary(
        row(), foretold, tuple(receipts("arrived", "arrived", "pending", "missing")), state,
        (frozenset({b"one"}), 10), NOW,
    )  # fmt: skip

    assert (view.strong.kept, view.strong.count, view.strong.share) == (2, 2, 1.0)
    assert view.strong.low < 0.5  # two of two prove little (Wilson)
    assert (view.other.kept, view.all.kept, view.reach_loss) == (0, 2, 0.5)
    assert (view.rooms_kept, view.rooms, view.history) == (1, 2, 1.0)
    assert len(view.manual) == 2
    assert math.isclose(view.brier, 0.25)
    assert "other ties kept 0% (0% to 66%) · rooms kept 1/2 · reach -50%" in headline(view)
    assert "no other ties" in headline(
        msgspec.structs.replace(view, other=Share(kept=0, count=0, share=1.0, low=0.0, high=1.0))
    )
    assert "reach as before" in headline(msgspec.structs.replace(view, reach_loss=0.001))
    assert "<h2>Notes</h2>" not in page(msgspec.structs.replace(view, notes=()))
    assert "<script>" not in page(view)
    assert "http-equiv" in page(view)


def test_rows_of_a_kit_come_with_blocks_first_and_strong_follows_before_others() -> None:
    """Files of a kit become rows; one that is broken takes no other with it."""
    files = {
        CsvKind.FOLLOWING.value: (
            b"Account address,Show boosts,Notify on new posts,Languages\nbo@b.example,true,false,\n"
        ),
        CsvKind.BLOCKS.value: b"eve@e.example\n",
        CsvKind.MUTES.value: b"\xff\xfe",
    }

    items = ranked(from_files(files), lambda address: 0 if address.startswith("bo") else 9)

    assert [(item.kind, item.address, item.rank) for item in items] == [
        ("blocked_accounts", "eve@e.example", 0),
        ("following_accounts", "bo@b.example", 0),
    ]


@given(st.text(max_size=40))
def test_whatever_people_are_called_the_page_holds(name: str) -> None:
    """No name breaks out of the page."""
    receipt = TieReceipt(
        actor="a", address=name, direction="follower", foretold="ask", state="missing", reason=name
    )
    tie_ = ForetoldTie(actor="a", address=name, direction="follower", outcome="ask", reason="noMove")

    text = page(summary(row(), [tie_], (receipt,), MoveView(), (frozenset(), 0), NOW))

    assert text.count("<table>") == text.count("</table>") == 1
    assert "<script" not in text


def test_the_receipt_says_why_somebody_on_yurt_is_missing() -> None:
    """Whoever does not come has a reason that their own node gave."""
    one = TieReceipt(
        actor="https://b.example/users/bo",
        address="bo",
        direction="follower",
        foretold="ours",
        state="missing",
    )

    def why(report: PeerReport) -> str:
        return explained(one, {"b.example": report}, 2).reason

    assert "has not heard" in why(PeerReport(node="b.example", record_seq=1))
    assert "knows of your move" in why(PeerReport(node="b.example", record_seq=2))
    assert "on its way" in why(PeerReport(node="b.example", record_seq=2, followers=(one.actor,)))
    assert "does not answer" in why(PeerReport(node="b.example", problem="gone"))
    assert explained(one, {}, 2) == one


def test_without_the_key_only_yurt_comes_by_itself() -> None:
    """A kit that holds the ties and no key brings back whoever is on Yurt, and says who must be asked."""
    facts = [TieFacts(one) for one in TIES]

    view = without_key(foresee(facts, {}, Situation(source_alive=False, kit=True), KitStanding(0)))

    assert view.followers.outcomes == {"ours": 1, "ask": 3}
    assert view.followers.high < 4
    assert {one.reason for one in view.ties if one.address == "mo@mo.example"} == {"noKey"}
    assert {one.reason for one in view.ties if one.address == "mo@mo.example"} == {"noKey"}
