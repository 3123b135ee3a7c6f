"""An import is shown before it is done; blocks are never lost by it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.portability.address import Address
from yurt.portability.csv_files import CsvFile
from yurt.portability.csv_rows import (
    BlockRow,
    CsvKind,
    DomainBlockRow,
    FollowerRow,
    FollowRow,
    ListRow,
    MuteRow,
    Row,
)
from yurt.portability.errors import LocalPortabilityError
from yurt.portability.plan import (
    ORDER,
    Mode,
    Options,
    PlanPart,
    Skipped,
    State,
    Why,
    apply,
    item_key,
    plan_import,
)
from yurt.portability.successor import MAX_HOPS, BrokenChain, Successor, end_of_chain

ME = Address("ana", "harbour.example")
BO = Address("bo", "b.example")
CY = Address("cy", "c.example")
DI = Address("di", "sub.bad.example")


def follow(address: Address, *, notify: bool | None = None) -> FollowRow:
    return FollowRow(address, notify=notify)


def part(kind: CsvKind, state: State, *files: CsvFile, options: Options | None = None) -> PlanPart:
    plan = plan_import(state, files, options or Options(ME))
    return next(part for part in plan.parts if part.kind is kind)


def test_merge_adds_and_refreshes() -> None:
    """What the file says is new or newer; what it leaves open stays."""
    state = {CsvKind.FOLLOWING: (FollowRow(BO, show_boosts=False, notify=False), follow(CY))}
    file = CsvFile(CsvKind.FOLLOWING, (follow(BO, notify=True), follow(CY), follow(DI)))

    plan = part(CsvKind.FOLLOWING, state, file)

    assert plan.added == (follow(DI),)
    assert plan.refreshed == (FollowRow(BO, show_boosts=False, notify=True),)
    assert plan.unchanged == (follow(CY),)
    assert plan.removed == ()


def test_overwrite_removes_exactly_the_complement() -> None:
    """And shows it, and says that it wants a word."""
    state = {CsvKind.FOLLOWING: (follow(BO), follow(CY))}
    plan = plan_import(state, [CsvFile(CsvKind.FOLLOWING, (follow(CY),))], Options(ME, Mode.OVERWRITE))

    assert plan.parts[0].removed == (follow(BO),)
    assert plan.needs_confirmation
    assert apply(state, plan) == {CsvKind.FOLLOWING: (follow(CY),)}


def test_nothing_goes_that_no_file_is_about() -> None:
    """Merged, whoever stands and is in no file stays; overwritten, so does every kind without a file."""
    state: State = {
        CsvKind.FOLLOWING: (follow(BO), follow(CY)),
        CsvKind.MUTES: (MuteRow(BO),),
        CsvKind.LISTS: (ListRow("friends", BO),),
    }
    file = CsvFile(CsvKind.FOLLOWING, (follow(CY),))

    merged = plan_import(state, [file], Options(ME))
    assert not merged.needs_confirmation
    assert apply(state, merged) == {**state, CsvKind.FOLLOWING: (follow(BO), follow(CY))}
    overwritten = plan_import(state, [file], Options(ME, Mode.OVERWRITE))
    assert [part.kind for part in overwritten.parts] == [CsvKind.FOLLOWING]
    assert apply(state, overwritten) == {**state, CsvKind.FOLLOWING: (follow(CY),)}


def test_who_goes_goes_once() -> None:
    """Somebody who is blocked now, and is not in the file either, is shown once among those who go."""
    state: State = {CsvKind.FOLLOWING: (follow(BO),), CsvKind.BLOCKS: (BlockRow(BO),)}
    file = CsvFile(CsvKind.FOLLOWING, (follow(CY),))

    assert part(CsvKind.FOLLOWING, state, file, options=Options(ME, Mode.OVERWRITE)).removed == (follow(BO),)


def test_a_mute_that_leaves_it_open() -> None:
    """A file without the column does not show notifications again, one with it does."""
    state: State = {CsvKind.MUTES: (MuteRow(BO, hide_notifications=True),)}

    for said, hidden in ((None, True), (False, False), (True, True)):
        plan = plan_import(state, [CsvFile(CsvKind.MUTES, (MuteRow(BO, said),))], Options(ME))
        assert apply(state, plan)[CsvKind.MUTES] == (MuteRow(BO, hide_notifications=hidden),)


@pytest.mark.parametrize("asked", [False, True])
def test_blocks_are_lifted_only_when_asked(asked: bool) -> None:  # noqa: FBT001  # a parameter of the story
    """A short list of blocks, imported in haste, opens no door."""
    state: State = {
        CsvKind.BLOCKS: (BlockRow(BO),),
        CsvKind.DOMAIN_BLOCKS: (DomainBlockRow("bad.example"),),
    }
    files = [CsvFile(CsvKind.BLOCKS, (BlockRow(CY),)), CsvFile(CsvKind.DOMAIN_BLOCKS, ())]

    plan = plan_import(state, files, Options(ME, Mode.OVERWRITE, overwrite_blocks=asked))
    after = apply(state, plan)

    assert (BlockRow(BO) in after[CsvKind.BLOCKS]) is not asked
    assert [bool(part.withheld) for part in plan.parts] == [not asked] * 2
    assert [bool(part.removed) for part in plan.parts] == [asked] * 2


def test_block_beats_follow() -> None:
    """In whichever file or state it stands; a domain's block holds below it."""
    state: State = {CsvKind.FOLLOWING: (follow(BO),), CsvKind.DOMAIN_BLOCKS: (DomainBlockRow("bad.example"),)}
    files = [
        CsvFile(CsvKind.FOLLOWING, (follow(BO), follow(DI), follow(CY))),
        CsvFile(CsvKind.LISTS, (ListRow("Friends", BO),)),
        CsvFile(CsvKind.BLOCKS, (BlockRow(BO),)),
    ]

    plan = plan_import(state, files, Options(ME))
    blocks, follows, lists = plan.parts

    assert blocks.kind is CsvKind.BLOCKS
    assert blocks.added == (BlockRow(BO),)
    assert follows.removed == (follow(BO),)
    assert follows.added == (follow(CY),)
    assert follows.skipped == (Skipped(follow(BO), Why.BLOCKED), Skipped(follow(DI), Why.BLOCKED))
    assert lists.added == ()


def test_nobody_follows_themselves() -> None:
    """One's own address in an old file is passed over."""
    mine = follow(Address("ANA", "harbour.example"))

    assert part(CsvKind.FOLLOWING, {}, CsvFile(CsvKind.FOLLOWING, (mine,))).skipped == (
        Skipped(mine, Why.SELF),
    )


def test_two_addresses_of_one_actor_are_one() -> None:
    """After resolution the old and the new address of somebody are the same tie."""
    actors = {BO.key: "https://c.example/users/cy", CY.key: "https://c.example/users/cy"}
    file = CsvFile(CsvKind.FOLLOWING, (follow(BO), follow(Address("BO", "b.example")), follow(CY)))

    plan = part(CsvKind.FOLLOWING, {}, file, options=Options(ME, actors=actors))

    assert plan.added == (follow(CY),)
    assert [skipped.why for skipped in plan.skipped] == [Why.DOUBLE, Why.DOUBLE]


def test_block_of_an_actor_holds_for_its_other_address() -> None:
    """Moving does not open a door."""
    actors = {BO.key: "https://c.example/users/cy", CY.key: "https://c.example/users/cy"}
    state = {CsvKind.BLOCKS: (BlockRow(BO),)}
    file = CsvFile(CsvKind.FOLLOWING, (follow(CY),))

    assert part(CsvKind.FOLLOWING, state, file, options=Options(ME, actors=actors)).added == ()


def test_followers_are_not_imported() -> None:
    """Nobody can be made to follow."""
    with pytest.raises(LocalPortabilityError):
        plan_import({}, [CsvFile(CsvKind.FOLLOWERS, (FollowerRow(BO),))], Options(ME))


PEOPLE = st.sampled_from([ME, BO, CY, DI, Address("Bo", "b.example"), Address("ed", "e.example")])
NOTIFY = st.sampled_from([None, True, False])
ROWS: dict[CsvKind, st.SearchStrategy[Row]] = {
    CsvKind.FOLLOWING: st.builds(FollowRow, PEOPLE, notify=NOTIFY),
    CsvKind.MUTES: st.builds(MuteRow, PEOPLE, hide_notifications=NOTIFY),
    CsvKind.BLOCKS: st.builds(BlockRow, PEOPLE),
    CsvKind.DOMAIN_BLOCKS: st.builds(DomainBlockRow, st.sampled_from(["bad.example", "e.example"])),
    CsvKind.LISTS: st.builds(ListRow, st.sampled_from(["Friends", "Cats"]), PEOPLE),
}
FILES = st.fixed_dictionaries(
    {}, optional={kind: st.lists(rows, max_size=6).map(tuple) for kind, rows in ROWS.items()}
)


@given(FILES, FILES, st.sampled_from(Mode))
def test_import_is_idempotent_and_loses_no_block(
    state: dict[CsvKind, tuple[Row, ...]], incoming: dict[CsvKind, tuple[Row, ...]], mode: Mode
) -> None:
    """Done twice it is done once; no block goes; nobody blocked is followed or listed."""
    files, options = [CsvFile(kind, rows) for kind, rows in incoming.items()], Options(ME, mode)

    after = apply(state, plan_import(state, files, options))
    again = plan_import(after, files, options)

    assert not any(part.added or part.refreshed or part.removed for part in again.parts)
    for kind in (CsvKind.BLOCKS, CsvKind.DOMAIN_BLOCKS):
        assert {row.key for row in state.get(kind, ())} <= {row.key for row in after.get(kind, ())}
    if CsvKind.FOLLOWING in incoming:
        blocked = {row.key for row in after.get(CsvKind.BLOCKS, ())}
        assert not blocked & {row.key for row in after[CsvKind.FOLLOWING]}
    order = [part.kind for part in again.parts]
    assert order == sorted(order, key=ORDER.index)


def test_item_keys_are_one_for_one_thing() -> None:
    """The same thing has one key; nothing else has it."""
    keys = {
        item_key(CsvKind.FOLLOWING, "did:a", follow(BO)),
        item_key(CsvKind.FOLLOWING, "did:a", follow(Address("BO", "b.example"), notify=True)),
        item_key(CsvKind.FOLLOWING, "did:a", follow(BO), removal=True),
        item_key(CsvKind.FOLLOWING, "did:ab", follow(BO)),
        item_key(CsvKind.BLOCKS, "did:a", BlockRow(BO)),
    }

    assert len(keys) == 4


def test_chains_end() -> None:
    """Five steps are followed, six and circles are not."""
    names = [f"https://{letter}.example/u" for letter in "abcdefg"]
    moves = dict(pairwise(names))

    assert end_of_chain(names[6], moves) == Successor(names[6])
    assert end_of_chain(names[1], moves) == Successor(names[6], tuple(names[1:6]))
    assert end_of_chain(names[0], moves) == BrokenChain("moveChainTooLong", tuple(names[:6]))
    assert len(names[1:6]) == MAX_HOPS
    circle = {**moves, names[2]: names[0]}
    assert end_of_chain(names[0], circle) == BrokenChain("moveLoop", tuple(names[:3]))
    assert end_of_chain("x", {"x": "x"}) == BrokenChain("moveLoop", ("x",))
