from collections.abc import Callable
from typing import Any

import pytest

from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.errors import Replayed, TooFarAhead
from yurt.mls.group_store import EpochRows, GroupStore, MemoryGroupStore
from yurt.mls.message_protection import sender_data_key
from yurt.mls.rehearsal import FailingStore, PowerCut
from yurt.mls.secret_tree import MAX_FORWARD, MAX_SKIPPED, MessageKey, RatchetKind, SecretTree

Load = Callable[[str], list[dict[str, Any]]]
SUITE = cipher_suite(1)
GROUP = b"a room"
APPLICATION, HANDSHAKE = RatchetKind.APPLICATION, RatchetKind.HANDSHAKE


def plant(
    store: GroupStore, leaf_count: int = 8, secret: bytes = bytes(32), suite: CipherSuite = SUITE
) -> SecretTree:
    return SecretTree.plant(suite, leaf_count, secret, EpochRows(store, GROUP, 0))


def slots(store: GroupStore) -> dict[str, bytes]:
    return {slot: value for _, slot, value in store.rows(GROUP)}


def load(store: GroupStore, leaf_count: int = 8) -> SecretTree:
    return SecretTree.load(SUITE, leaf_count, EpochRows(store, GROUP, 0), slots(store))


def receive(tree: SecretTree, leaf: int, generation: int) -> MessageKey:
    step = tree.peek(leaf, APPLICATION, generation)
    tree.consume(step)
    return step.key


def test_official_vectors(of_suite: Load, suite: CipherSuite) -> None:
    """In every suite, every leaf's keys, in order and skipping ahead, are the standard's."""
    cases = of_suite("secret-tree")

    for case in cases:
        tree = plant(MemoryGroupStore(), len(case["leaves"]), bytes.fromhex(case["encryption_secret"]), suite)
        for leaf, generations in enumerate(case["leaves"]):
            for given in generations:
                for kind in RatchetKind:
                    key = tree.peek(leaf, kind, given["generation"]).key
                    assert key.key.hex() == given[f"{kind.value}_key"]
                    assert key.nonce.hex() == given[f"{kind.value}_nonce"]

    assert [len(case["leaves"]) for case in cases] == [1, 8, 32]


def test_official_sender_data(of_suite: Load, suite: CipherSuite) -> None:
    """In every suite, the key of the sender data comes from the ciphertext it precedes."""
    cases = of_suite("secret-tree")

    for case in cases:
        given = case["sender_data"]
        key, nonce = sender_data_key(
            suite, bytes.fromhex(given["sender_data_secret"]), bytes.fromhex(given["ciphertext"])
        )
        assert (key.hex(), nonce.hex()) == (given["key"], given["nonce"])

    assert len(cases) == 3


def test_descent_wipes_every_secret_on_the_way() -> None:
    """After one key of one leaf, neither the root nor any parent of that leaf is in the rows."""
    store = MemoryGroupStore()
    tree = plant(store)
    assert set(slots(store)) == {"node/7"}

    tree.next_key(0, APPLICATION)

    assert set(slots(store)) == {
        "node/11",
        "node/5",
        "node/2",
        "ratchet/0/application",
        "ratchet/0/handshake",
    }


def test_a_consumed_generation_is_gone_from_the_rows() -> None:
    """Nobody who takes the rows afterwards can derive the key of a message that was read."""
    store = MemoryGroupStore()
    tree = plant(store)
    overtaken_by = [receive(tree, 3, generation) for generation in (2, 1)]
    everything = b"".join(slots(store).values())

    for key in overtaken_by:
        assert key.key not in everything
    for generation in (1, 2):
        with pytest.raises(Replayed):
            load(store).peek(3, APPLICATION, generation)
    assert load(store).peek(3, APPLICATION, 0).key.generation == 0


@pytest.mark.parametrize("reload", [False, True])
def test_replay(reload: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A generation is good for one message, also after a restart."""
    store = MemoryGroupStore()
    tree = plant(store)
    receive(tree, 3, 5)
    tree = load(store) if reload else tree

    with pytest.raises(Replayed) as refused:
        tree.peek(3, APPLICATION, 5)

    assert (refused.value.leaf, refused.value.generation) == (3, 5)


def test_looking_does_not_consume() -> None:
    """A forged message that names a generation does not use it up."""
    store = MemoryGroupStore()
    tree = plant(store)
    first = tree.peek(3, APPLICATION, 700).key
    before = slots(store)

    assert tree.peek(3, APPLICATION, 700).key == first
    assert slots(store) == before
    assert tree.peek(3, APPLICATION, 0).key.generation == 0


def test_any_order_gives_the_same_keys() -> None:
    """Messages that overtake each other open with the keys they were sealed with."""
    sender, receiver = plant(MemoryGroupStore()), plant(MemoryGroupStore())
    sent = [sender.next_key(1, APPLICATION) for _ in range(6)]

    received = [receive(receiver, 1, generation) for generation in (4, 0, 5, 3, 1, 2)]

    assert sorted(received, key=lambda key: key.generation) == sent
    assert len({(key.key, key.nonce) for key in sent}) == 6


def test_ratchets_do_not_meet() -> None:
    """Two leaves, and the two kinds of one leaf, share no key."""
    tree = plant(MemoryGroupStore())

    keys = {tree.next_key(leaf, kind).key for leaf in range(8) for kind in RatchetKind}

    assert len(keys) == 16


def test_skipped_keys_are_bounded() -> None:
    """A gap costs at most `MAX_SKIPPED` rows; the oldest keys of a larger gap are dropped."""
    store = MemoryGroupStore()
    tree = plant(store)

    receive(tree, 2, 900)
    receive(tree, 2, 1000)

    waiting = [slot for slot in slots(store) if slot.startswith("skipped/2/")]
    assert len(waiting) == MAX_SKIPPED
    with pytest.raises(Replayed):
        tree.peek(2, APPLICATION, 900 - MAX_SKIPPED + 90)
    assert receive(load(store), 2, 999).generation == 999


def test_too_far_ahead() -> None:
    """One message cannot make a receiver step a ratchet for long."""
    tree = plant(MemoryGroupStore())

    assert tree.peek(2, APPLICATION, MAX_FORWARD).key.generation == MAX_FORWARD
    with pytest.raises(TooFarAhead):
        tree.peek(2, APPLICATION, MAX_FORWARD + 1)


@pytest.mark.parametrize("writes", range(12))
def test_power_cut_at_every_write(writes: int) -> None:
    """Wherever the power goes, even within a transaction, no key is given out twice."""
    rows = MemoryGroupStore()
    plant(rows)
    given_out: list[MessageKey] = []
    tree = load(FailingStore(rows, writes))
    try:
        for _ in range(4):
            given_out.append(tree.next_key(0, APPLICATION))
            given_out.append(tree.next_key(0, HANDSHAKE))
    except PowerCut:
        pass

    tree = load(rows)
    given_out += [tree.next_key(0, kind) for _ in range(3) for kind in RatchetKind]

    assert len({(key.key, key.nonce) for key in given_out}) == len(given_out)
