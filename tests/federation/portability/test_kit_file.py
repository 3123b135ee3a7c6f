"""Of many copies, old, damaged and lying ones among them, the phrase makes the newest kit."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.identity.device import DeviceKeys
from yurt.identity.identity_key import IdentityKey
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import VerifiedRecord, first_record, next_record, verify_first, verify_next
from yurt.portability.errors import KitError
from yurt.portability.kit import seal_graph, seal_keys
from yurt.portability.kit_contents import ActorKey, GraphContents, KeysContents
from yurt.portability.kit_file import MAX_KIT_SIZE, decode_kit, encode_kit, open_kit
from yurt.portability.kit_keys import KitSecrets, kit_secrets

NOW = 1_795_000_000
ACTOR = "https://harbour.example/users/ana"


@pytest.fixture
def secrets(ana_words: RecoveryPhrase) -> KitSecrets:
    return kit_secrets(ana_words)


@pytest.fixture
def keys(secrets: KitSecrets, ana: IdentityKey, ana_phone: DeviceKeys, record: VerifiedRecord) -> bytes:
    contents = KeysContents(ana.did, (ActorKey(ACTOR, f"{ACTOR}#main-key", b"secret"),))
    return seal_keys(contents, secrets.public, ana_phone, record, ana, counter=1, time=NOW)


@pytest.fixture
def graph(secrets: KitSecrets, ana_phone: DeviceKeys, record: VerifiedRecord) -> Callable[[int], bytes]:
    def seal(counter: int) -> bytes:
        contents = GraphContents(record.did, b"roster %d" % counter)
        return seal_graph(contents, secrets.public, ana_phone, record, counter=counter, time=NOW + counter)

    return seal


def test_newest_of_many_copies(
    record: VerifiedRecord, keys: bytes, graph: Callable[[int], bytes], secrets: KitSecrets
) -> None:
    """One buddy is behind, one sends noise, one lost the keys."""
    copies = [
        encode_kit(record, [keys, graph(4)]),
        b"noise",
        encode_kit(record, [graph(9)]),
        encode_kit(record, [b"{}", graph(7)]),
    ]

    for some in (copies, copies[::-1]):
        kit = open_kit(some, secrets)
        assert kit.graph is not None
        assert kit.keys is not None
        assert (kit.graph.roster, kit.keys.actor_keys[0].private) == (b"roster 9", b"secret")
        assert kit.graph_age(NOW + 60) == 51
    assert "secret" not in repr(open_kit(copies, secrets))


def test_copy_without_parts_still_says_who(record: VerifiedRecord, secrets: KitSecrets) -> None:
    """What is missing is missing by name."""
    kit = open_kit([encode_kit(record, [])], secrets)

    assert (kit.record, kit.keys, kit.graph, kit.graph_age(NOW)) == (record, None, None, None)


def test_newer_record_retires_a_stolen_device(
    record: VerifiedRecord,
    graph: Callable[[int], bytes],
    keys: bytes,
    secrets: KitSecrets,
    ana: IdentityKey,
    ana_phone: DeviceKeys,
    ana_laptop: DeviceKeys,
) -> None:
    """One buddy knows of the revocation: what the stolen phone sealed counts nowhere."""
    later = next_record(
        record, ana, time=NOW, add=[(ana_laptop.public, NOW + 500)], revoke=[ana_phone.device_id]
    )
    newer = verify_next(record, later)
    assert isinstance(newer, VerifiedRecord)
    fresh = seal_graph(
        GraphContents(ana.did, b"fresh"), secrets.public, ana_laptop, newer, counter=5, time=NOW
    )

    kit = open_kit([encode_kit(record, [keys, graph(2**40)]), encode_kit(newer, [fresh])], secrets)

    assert kit.record == newer
    assert kit.keys is None
    assert kit.graph is not None
    assert kit.graph.roster == b"fresh"


def test_two_records_at_one_number(
    record: VerifiedRecord, ana: IdentityKey, ana_laptop: DeviceKeys, secrets: KitSecrets
) -> None:
    """Somebody else has the words: nothing is opened, the person is told."""
    other = verify_first(first_record(ana, ACTOR, ana_laptop.public, not_after=NOW + 1, time=NOW))

    with pytest.raises(KitError) as caught:
        open_kit([encode_kit(record, []), encode_kit(other, [])], secrets)

    assert caught.value.rule == "kitFrozen"


def test_kit_of_somebody_else(
    record: VerifiedRecord, graph: Callable[[int], bytes], bo_words: RecoveryPhrase
) -> None:
    """Other words find nothing of theirs in it."""
    with pytest.raises(KitError) as caught:
        open_kit([encode_kit(record, [graph(1)])], kit_secrets(bo_words))

    assert caught.value.rule == "noKit"


def test_device_that_seals_to_itself_hides_nothing(
    record: VerifiedRecord,
    graph: Callable[[int], bytes],
    ana_phone: DeviceKeys,
    secrets: KitSecrets,
    bo_words: RecoveryPhrase,
) -> None:
    """What the words do not open is passed over, whatever its counter."""
    elsewhere = replace(secrets.public, seal=kit_secrets(bo_words).public.seal)
    lie = seal_graph(GraphContents(record.did, b"x"), elsewhere, ana_phone, record, counter=99, time=NOW)

    kit = open_kit([encode_kit(record, [lie]), encode_kit(record, [graph(3)])], secrets)

    assert kit.graph is not None
    assert kit.graph.roster == b"roster 3"


def test_file_that_is_none(record: VerifiedRecord, graph: Callable[[int], bytes]) -> None:
    """Cut off, too long, or with more parts than there are."""
    whole = encode_kit(record, [graph(1)])

    for data in (b"", whole[:-1], whole[: len(whole) // 2], b"{}\n", encode_kit(record, [b"a", b"b", b"c"])):
        with pytest.raises(KitError) as caught:
            decode_kit(data)
        assert caught.value.rule == "malformedKit"
    with pytest.raises(KitError) as caught:
        decode_kit(bytes(MAX_KIT_SIZE + 1))
    assert caught.value.rule == "kitTooLarge"


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(KitError):
        decode_kit(data)
