"""A device's word of what it saw travels past the hub, and tells when an entry is safe."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yurt.mls.leaf_node import LeafNode
from yurt.rooms.common.checkpoint import (
    Checkpoint,
    Seen,
    VerifiedCheckpoint,
    may_bring,
    passed_to,
)
from yurt.rooms.common.errors import CheckpointError
from yurt.rooms.common.participants import Participants, participants_of
from yurt.rooms.member.room_code import room_code
from yurt.rooms.member.settling import SIGN_EVERY_MS, Copies, Recent
from yurt.rooms.testing import ANA, BO, CY, DEE, EVE, HUB, ROOM_ID, Person
from yurt.wire.position import Position

HILL = "hilltop.example"
MILL = "mill.example"


def chain(seq: int) -> bytes:
    """Give the chain hash of the log in these stories."""
    return bytes([seq]) * 32


def seen(seq: int = 7, fork: bytes = b"") -> Seen:
    """Say where somebody stands."""
    return Seen(ROOM_ID, Position(1, seq), fork or chain(seq), 4, bytes([1]) * 32, bytes([2]) * 32)


class Leaves:
    """A tree with people on several nodes."""

    def __init__(self, *where: tuple[Person, str]) -> None:
        self._where = where

    def leaves(self) -> Iterator[tuple[int, LeafNode]]:
        """Give everybody's leaf."""
        for index, (person, node) in enumerate(self._where):
            yield index, person.leaf(actor=f"https://{node}/users/x")


def people(*where: tuple[Person, str]) -> Participants:
    """Give a room's people."""
    return participants_of(Leaves(*where))


def signed(person: Person, who: Participants, seq: int = 7, fork: bytes = b"") -> VerifiedCheckpoint:
    """Let somebody sign a checkpoint."""
    return Checkpoint.make(person.devices[0], person.did, seen(seq, fork)).verify(who)


TOWN = people((ANA, HUB), (BO, HILL), (CY, MILL))


# --- format ---
def test_checkpoint(golden: Callable[[str, bytes], None]) -> None:
    """What is signed is what arrives."""
    checkpoint = Checkpoint.make(BO.devices[0], BO.did, seen())

    verified = Checkpoint.decode(checkpoint.encode()).verify(TOWN)

    assert (verified.checkpoint, verified.node) == (checkpoint, HILL)
    golden("checkpoint.hex", checkpoint.encode())


def test_checkpoints_that_count_for_nothing() -> None:
    """Changed anywhere, by a stranger, by another device, for another room's people: named."""
    data = Checkpoint.make(BO.devices[0], BO.did, seen()).encode()
    for at in range(0, len(data), 3):
        with pytest.raises(CheckpointError):
            Checkpoint.decode(data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]).verify(TOWN)
    for broken in (b"", data[:-1], data + b"\0", bytes(600)):
        with pytest.raises(CheckpointError):
            Checkpoint.decode(broken)
    for checkpoint in (
        Checkpoint.make(EVE.devices[0], EVE.did, seen()),
        Checkpoint.make(BO.devices[1], BO.did, seen()),
        replace(Checkpoint.make(EVE.devices[0], BO.did, seen()), device_id=BO.devices[0].device_id),
    ):
        with pytest.raises(CheckpointError):
            checkpoint.verify(TOWN)


# --- passing ---
def test_checkpoints_go_past_the_hub() -> None:
    """From the device's node to all others, once; nobody passes on what came from elsewhere."""
    mine = signed(BO, TOWN)

    assert passed_to(mine, HILL, TOWN.nodes) == {HUB, MILL}
    assert passed_to(mine, HUB, TOWN.nodes) == frozenset()
    assert may_bring(mine, HILL)
    assert not may_bring(mine, HUB)


# --- settled ---
def copies(who: Participants, head: int = 9) -> Copies:
    """Give a room whose log is here up to `head`."""
    return Copies(HUB, who, lambda position: chain(position.seq) if position.seq <= head else None)


def test_settled_by_another_node() -> None:
    """A device on the hub's node is no second copy while somebody is elsewhere."""
    room = copies(TOWN)

    assert not room.settled(Position(1, 5), ANA.did, [])
    assert not room.settled(Position(1, 5), BO.did, [signed(ANA, TOWN), signed(BO, TOWN)])
    assert room.settled(Position(1, 5), ANA.did, [signed(BO, TOWN)])
    assert room.settled(Position(1, 7), BO.did, [signed(CY, TOWN)])
    assert not room.settled(Position(1, 8), ANA.did, [signed(BO, TOWN)])


def test_settled_on_one_node_and_alone() -> None:
    """Where all others live on the hub, any other person; alone, accepted is final."""
    village = people((ANA, HUB), (BO, HUB))
    mixed = people((ANA, HUB), (BO, HILL))

    assert copies(village).settled(Position(1, 5), ANA.did, [signed(BO, village)])
    assert not copies(village).settled(Position(1, 5), ANA.did, [signed(ANA, village)])
    assert copies(mixed).settled(Position(1, 5), BO.did, [signed(ANA, mixed)])
    assert copies(people((ANA, HUB))).settled(Position(1, 5), ANA.did, [])


def test_other_log_settles_nothing() -> None:
    """A checkpoint of another chain, or of what is not here yet, is no copy of this log."""
    room = copies(TOWN, head=7)

    assert not room.settled(Position(1, 5), ANA.did, [signed(BO, TOWN, fork=bytes(32))])
    assert not room.settled(Position(1, 5), ANA.did, [signed(BO, TOWN, 8)])


def test_who_signs() -> None:
    """Whoever settles something that nobody has settled; once a minute at most."""
    room, recent = copies(TOWN), [Recent(Position(1, 6), ANA.did)]

    assert room.should_sign(BO.did, recent, [], SIGN_EVERY_MS, 0)
    assert not room.should_sign(BO.did, recent, [], SIGN_EVERY_MS - 1, 0)
    assert not room.should_sign(BO.did, recent, [signed(CY, TOWN)], SIGN_EVERY_MS, 0)
    assert room.should_sign(BO.did, recent, [signed(ANA, TOWN)], SIGN_EVERY_MS, 0)
    assert not room.should_sign(ANA.did, recent, [], SIGN_EVERY_MS, 0)
    assert not room.should_sign(BO.did, [], [], SIGN_EVERY_MS, 0)


PEOPLE = st.lists(
    st.tuples(st.sampled_from([ANA, BO, CY, DEE]), st.sampled_from([HUB, HILL, MILL])),
    min_size=1,
    max_size=4,
    unique_by=lambda pair: id(pair[0]),
)


@settings(max_examples=60)
@given(PEOPLE, st.integers(0, 3))
def test_everything_settles_in_the_end(where: list[tuple[Person, str]], author: int) -> None:
    """Wherever people are: once all who should have signed did, an entry is settled; none of it too soon."""
    who = people(*where)
    room, by = copies(who), where[author % len(where)][0].did
    entry = Recent(Position(1, 6), by)
    checkpoints = list[VerifiedCheckpoint]()
    for person, _ in where:
        if room.should_sign(person.did, [entry], checkpoints, SIGN_EVERY_MS, 0):
            checkpoints.append(signed(person, who))

    assert room.settled(entry.position, by, checkpoints)
    assert len(checkpoints) <= 1
    assert all(c.checkpoint.did != by for c in checkpoints)


# --- the room code ---
def test_room_code() -> None:
    """Thirty digits that name their epoch and change with everything."""
    code = room_code(ROOM_ID, 4, bytes(32))

    assert code.epoch == 4
    assert code.digits == "73259 22612 61837 11255 89729 25295"
    assert len({code, room_code(ROOM_ID, 5, bytes(32)), room_code(bytes(32), 4, bytes(32))}) == 3
    assert room_code(ROOM_ID, 4, bytes([1]) * 32).digits != code.digits


def test_reach_says_the_same_as_settled() -> None:
    """Up to where, for each author; a checkpoint of another log counts for nobody."""
    who = people((ANA, HUB), (BO, HILL), (CY, MILL))
    copies = Copies(HUB, who, lambda place: chain(place.seq))
    words = copies.true(
        [signed(BO, who, 5), signed(CY, who, 7), signed(ANA, who, 9), signed(BO, who, 6, b"f" * 32)]
    )
    assert copies.reach(ANA.did, words) == Position(1, 7)
    assert copies.reach(CY.did, words) == Position(1, 5)
    assert copies.reach(BO.did, words) == Position(1, 7)
    for author in (ANA, BO, CY):
        reach = copies.reach(author.did, words)
        assert reach is not None
        assert copies.settled(reach, author.did, words)
        assert not copies.settled(Position(1, reach.seq + 1), author.did, words)
    alone = Copies(HUB, people((ANA, HUB)), lambda _: None)
    assert alone.reach(ANA.did, []) is None
    assert copies.voices(ANA.did) == 2
