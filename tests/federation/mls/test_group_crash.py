from collections.abc import Callable
from dataclasses import dataclass

import pytest

from yurt.mls.errors import RemoteMlsError
from yurt.mls.framing import MLSMessage, PrivateMessage
from yurt.mls.group import Group
from yurt.mls.group_store import EpochRows, MemoryGroupStore
from yurt.mls.member_epoch import MemberEpoch
from yurt.mls.message_epoch import ApplicationMessage
from yurt.mls.message_protection import open_sender_data
from yurt.mls.receiving import ReceivedCommit
from yurt.mls.rehearsal import GROUP_ID, SUITE, FailingStore, Member, PowerCut, add, everyone, room

Step = Callable[[Group], bytes | None]
"""One transaction of a device; gives the message that leaves it, if any."""


@dataclass
class Story:
    """A device's rows, and what it then goes through."""

    ana: MemoryGroupStore
    steps: list[Step]


def rows_of(member: Member) -> MemoryGroupStore:
    assert isinstance(member.store, MemoryGroupStore)
    return member.store


def story() -> Story:
    """Ana sends, receives, is overtaken by bo's commit, stages, restarts, merges, sends again."""
    ana, bo = room("ana", "bo")
    start = rows_of(ana).copy()
    from_bo = [bo.group.encrypt(b"one"), bo.group.encrypt(b"two")]
    commit_of_bo = bo.group.stage_commit(force_path=True).commit
    bo.group.merge()

    def say(group: Group) -> bytes:
        return group.encrypt(b"hello")

    def hear(message: bytes) -> Step:
        def step(group: Group) -> None:
            group.process(message, at=1)

        return step

    def follow(group: Group) -> None:
        received = group.process(commit_of_bo, at=2)
        assert isinstance(received, ReceivedCommit)
        group.merge_received(received)

    def stage(group: Group) -> None:
        group.stage_commit(force_path=True)

    def discard(group: Group) -> None:
        group.discard()

    def merge(group: Group) -> None:
        group.merge(at=3)

    steps = [
        say,
        hear(from_bo[1]),
        say,
        follow,
        say,
        hear(from_bo[0]),
        stage,
        say,
        discard,
        stage,
        merge,
        say,
    ]
    return Story(start, steps)


def run(store: MemoryGroupStore, step: Step, writes: int) -> bytes | None:
    """Do one step on a machine that stops after that many writes."""
    return step(Group.load(FailingStore(store, writes), GROUP_ID))


def writes_of(store: MemoryGroupStore, step: Step) -> int:
    """Count the writes that a step takes."""
    failing = FailingStore(store.copy(), 1000)
    step(Group.load(failing, GROUP_ID))
    return 1000 - failing.writes_left


def test_a_transaction_that_rolls_back_changes_nothing() -> None:
    """Crash at any write of any step: the rows are as before, and the step can be done again."""
    told = story()
    store, cuts = told.ana, 0

    for step in told.steps:
        for writes in range(writes_of(store, step)):
            attempt = store.copy()
            with pytest.raises(PowerCut):
                run(attempt, step, writes)
            cuts += 1
        run(store, step, 1000)

    assert Group.load(store, GROUP_ID).epoch == 3
    assert cuts > 40


def test_no_key_twice_wherever_the_power_goes() -> None:
    """Crash at any write, even without a rollback: no two messages share a key."""
    told = story()
    cuts = 0

    for step in told.steps:
        for writes in range(writes_of(told.ana, step)):
            used = keys_used_around(told.ana.copy(), step, writes)
            assert len(set(used)) == len(used) >= 2
            cuts += 1
        run(told.ana, step, 1000)

    assert cuts > 40


def keys_used_around(store: MemoryGroupStore, step: Step, writes: int) -> list[tuple[bytes, int]]:
    """Send, cut the power in a step, restart, send again; name the key of each message that left."""
    used = [send(store)]
    try:
        message = run(store, step, writes)
        used += [] if message is None else [key_of(store, message)]
    except PowerCut:
        pass
    return used + [send(store) for _ in range(3)]


def send(store: MemoryGroupStore) -> tuple[bytes, int]:
    return key_of(store, Group.load(store, GROUP_ID).encrypt(b"hello"))


def key_of(store: MemoryGroupStore, message: bytes) -> tuple[bytes, int]:
    """Name a message's key by its epoch's secret and the generation that its sender data tells."""
    private = MLSMessage.decode(message).expect(PrivateMessage)
    slots = {slot: value for epoch, slot, value in store.rows(GROUP_ID) if epoch == private.epoch}
    secret = MemberEpoch.load(EpochRows(store, GROUP_ID, private.epoch), slots).secrets.sender_data_secret
    return secret, open_sender_data(SUITE, private, secret).generation


def test_a_lost_ciphertext_skips_a_generation() -> None:
    """A device that crashed after encrypting goes on with the next key; the receiver minds no gap."""
    ana, bo = room("ana", "bo")
    ana.group.encrypt(b"never left the device")

    message = bo.group.process(ana.reload().group.encrypt(b"second"), at=0)

    assert isinstance(message, ApplicationMessage)
    assert (message.generation, message.plaintext) == (1, b"second")


def test_a_rolled_back_decryption_can_be_done_again() -> None:
    """A message whose transaction failed is read after the restart, once."""
    ana, bo = room("ana", "bo")
    message, before = ana.group.encrypt(b"hello"), rows_of(bo).copy()
    bo.group.process(message, at=0)

    bo.store = before
    again = bo.reload().group.process(message, at=0)

    assert isinstance(again, ApplicationMessage)
    with pytest.raises(RemoteMlsError):
        bo.reload().group.process(message, at=0)


def test_every_member_restarts_all_the_time() -> None:
    """A room whose members reload before everything they do works as one that never does."""
    members = room("ana", "bo", "cy")
    dee = Member("dee")
    add([member.reload() for member in members], [dee])
    everyone([member.reload() for member in (*members, dee)], dee.reload().group.stage_commit(removes=[1]))
    ana, _, cy = members

    for sender, reader in ((ana, cy), (cy, dee), (dee, ana)):
        message = reader.reload().group.process(sender.reload().group.encrypt(b"hi"), at=0)

        assert isinstance(message, ApplicationMessage)
        assert message.plaintext == b"hi"
