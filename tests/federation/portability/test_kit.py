"""24 words and one node bring a network back; without the words a kit is noise."""

import os
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from yurt.identity import base64url
from yurt.identity.device import DeviceKeys
from yurt.identity.identity_key import IdentityKey
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import VerifiedRecord, next_record, verify_next
from yurt.portability.csv_rows import CsvKind
from yurt.portability.errors import KitError, LocalPortabilityError
from yurt.portability.kit import (
    SIZES,
    accept,
    newest,
    open_graph,
    open_keys,
    seal_graph,
    seal_keys,
    verify_part,
)
from yurt.portability.kit_contents import ActorKey, GraphContents, KeysContents, decode_graph, decode_keys
from yurt.portability.kit_keys import (
    KitPublic,
    KitSecrets,
    decode_kit_public,
    kit_secrets,
    verify_read,
)
from yurt.portability.kit_part import GRAPH, KEYS, MAX_PART_SIZE, decode_part, signed_bytes
from yurt.portability.kit_room import KitRoom, decode_rooms, encode_rooms
from yurt.portability.labels import LABEL_KIT
from yurt.portability.roster import Tie, sign_roster, verify_roster

NOW = 1_795_000_000
ACTOR = "https://harbour.example/users/ana"
TIES = [
    Tie(actor=f"https://b.example/users/{n}", address=f"u{n}@b.example", follower=True) for n in range(30)
]


@pytest.fixture
def secrets(ana_words: RecoveryPhrase) -> KitSecrets:
    return kit_secrets(ana_words)


@pytest.fixture
def keys_contents(ana: IdentityKey) -> KeysContents:
    return KeysContents(ana.did, (ActorKey(ACTOR, f"{ACTOR}#main-key", bytes(1218), NOW),))


@pytest.fixture
def graph_contents(ana: IdentityKey, ana_phone: DeviceKeys, record: VerifiedRecord) -> GraphContents:
    room = KitRoom(
        bytes(32), "c.example", ("d.example",), 1, 90, bytes([9]) * 32, 4, (ana.did,), "Cooks", "x"
    )
    files = {CsvKind.BLOCKS: b"mallory@m.example\n", CsvKind.LISTS: b"Friends,u1@b.example\n"}
    return GraphContents(ana.did, sign_roster(TIES, ana_phone, record, time=NOW), (room,), files)


@pytest.fixture
def keys_part(
    keys_contents: KeysContents,
    secrets: KitSecrets,
    ana_phone: DeviceKeys,
    record: VerifiedRecord,
    ana: IdentityKey,
) -> bytes:
    return seal_keys(
        keys_contents, secrets.public, ana_phone, record, ana, counter=1, time=NOW, random=bytes_of(7)
    )


@pytest.fixture
def graph_part(seal: Callable[..., bytes]) -> bytes:
    return seal(1)


@pytest.fixture
def seal(
    graph_contents: GraphContents, secrets: KitSecrets, ana_phone: DeviceKeys, record: VerifiedRecord
) -> Callable[..., bytes]:
    """Seal the graph on the phone, at a counter."""

    def seal(counter: int, *, time: int = NOW, public: KitPublic = secrets.public) -> bytes:
        return seal_graph(
            graph_contents, public, ana_phone, record, counter=counter, time=time, random=bytes_of(7)
        )

    return seal


def bytes_of(value: int) -> Callable[[int], bytes]:
    return lambda size: bytes([value]) * size


def after_theft(
    ana: IdentityKey, record: VerifiedRecord, phone: DeviceKeys, laptop: DeviceKeys
) -> VerifiedRecord:
    """The phone was stolen: the laptop is added, the phone is revoked."""
    signed = next_record(record, ana, time=NOW, add=[(laptop.public, NOW + 500)], revoke=[phone.device_id])
    newer = verify_next(record, signed)
    assert isinstance(newer, VerifiedRecord)
    return newer


def test_phrase_brings_everything_back(
    ana_words: RecoveryPhrase,
    keys_part: bytes,
    graph_part: bytes,
    record: VerifiedRecord,
    keys_contents: KeysContents,
    graph_contents: GraphContents,
    golden: Callable[[str, bytes], None],
) -> None:
    """Nothing but the words, the record and one copy of each part."""
    secrets = kit_secrets(RecoveryPhrase.parse(" ".join(ana_words.words)))

    keys = open_keys(newest([keys_part], KEYS, record), secrets)
    graph = open_graph(newest([graph_part], GRAPH, record), secrets)

    assert (keys, graph) == (keys_contents, graph_contents)
    assert verify_roster(graph.roster, record).ties == tuple(sorted(TIES, key=lambda tie: tie.actor))
    golden("kit_keys.json", keys_part)
    golden("kit_id.txt", secrets.kit_id.hex().encode())


def test_without_the_phrase_it_is_noise(
    keys_part: bytes, graph_part: bytes, record: VerifiedRecord, bo_words: RecoveryPhrase
) -> None:
    """Other words open nothing, and nothing of the contents shines through."""
    others = replace(kit_secrets(bo_words), did=record.did)

    with pytest.raises(KitError) as caught:
        open_keys(newest([keys_part], KEYS, record), others)
    assert caught.value.rule == "kitClosed"
    with pytest.raises(KitError):
        open_graph(newest([graph_part], GRAPH, record), others)
    for part in (keys_part, graph_part):
        box = decode_part(part).box
        assert b"b.example" not in box
        assert len(zlib.compress(box)) > len(box)


def test_length_says_little(
    secrets: KitSecrets, ana_phone: DeviceKeys, record: VerifiedRecord, graph_part: bytes
) -> None:
    """Thirty ties and none have one length; the sizes are few."""
    empty = GraphContents(record.did, b"")
    small = seal_graph(empty, secrets.public, ana_phone, record, counter=1, time=NOW)

    assert len(small) == len(graph_part)
    assert len(decode_part(small).box) == SIZES[GRAPH][0] + 32 + 16
    assert max(SIZES[GRAPH]) * 4 // 3 + max(SIZES[KEYS]) * 4 // 3 < 4 * 1024 * 1024
    assert max(SIZES[GRAPH]) * 4 // 3 < MAX_PART_SIZE


def test_thousands_of_ties_fit(ana_phone: DeviceKeys, record: VerifiedRecord, secrets: KitSecrets) -> None:
    """Also those of somebody whom many know."""
    ties = [
        Tie(
            actor=f"https://n{n % 90}.example/users/{n * 7919}",
            address=f"u{n * 7919}@n{n % 90}.example",
            inbox=f"https://n{n % 90}.example/users/{n * 7919}/inbox",
            software="mastodon",
        )
        for n in range(5_000)
    ]
    contents = GraphContents(record.did, sign_roster(ties, ana_phone, record, time=NOW))

    part = seal_graph(contents, secrets.public, ana_phone, record, counter=1, time=NOW)

    assert open_graph(newest([part], GRAPH, record), secrets) == contents
    assert len(part) < MAX_PART_SIZE


def test_highest_valid_counter_wins(seal: Callable[..., bytes], record: VerifiedRecord) -> None:
    """In whatever order the copies come, and beside noise."""
    copies = [seal(3), seal(9, time=NOW + 60), b"noise", seal(8)]

    for some in (copies, copies[::-1]):
        best = newest(some, GRAPH, record)
        assert (best.said.counter, best.age(NOW + 100)) == (9, 40)
    with pytest.raises(KitError) as caught:
        newest([b"noise", seal(2)], KEYS, record)
    assert caught.value.rule == "noKit"


def test_every_field_counts(keys_part: bytes, graph_part: bytes, record: VerifiedRecord) -> None:
    """A change anywhere is found, also where only a look at the field would tell."""
    for part in (keys_part, graph_part):
        step = 97 if part is graph_part else 31
        positions = {*range(0, len(part), step), *range(len(part) - 300, len(part)), *range(200)}
        positions |= {at + 9 for at in range(len(part) - 9) if part[at : at + 2] == b'":'}
        for at in positions:
            changed = part[:at] + bytes([part[at] ^ 1]) + part[at + 1 :]
            with pytest.raises(KitError):
                verify_part(decode_part(changed), record)


def test_stolen_device_cannot_refresh(
    seal: Callable[..., bytes],
    graph_contents: GraphContents,
    secrets: KitSecrets,
    ana: IdentityKey,
    record: VerifiedRecord,
    ana_phone: DeviceKeys,
    ana_laptop: DeviceKeys,
) -> None:
    """What it sealed is worth nothing after the revocation, and its huge counter blocks nobody."""
    stolen = seal(2**53 - 1)
    newer = after_theft(ana, record, ana_phone, ana_laptop)

    with pytest.raises(KitError) as caught:
        accept(stolen, newer, None, now=NOW)
    assert caught.value.rule == "kitDevice"
    fresh = seal_graph(graph_contents, secrets.public, ana_laptop, newer, counter=2, time=NOW)
    kept = accept(fresh, newer, decode_part(stolen), now=NOW)
    assert kept.said.counter == 2
    assert newest([stolen, fresh], GRAPH, newer).said.counter == 2


def test_buddy_keeps_the_newer(
    seal: Callable[..., bytes], record: VerifiedRecord, bo_words: RecoveryPhrase, secrets: KitSecrets
) -> None:
    """Not an old one, none from the future, none by an expired device, none that lets others fetch."""
    held = accept(seal(5), record, None, now=NOW).said
    thief = replace(secrets.public, reader=kit_secrets(bo_words).public.reader)

    assert accept(seal(6), record, held, now=NOW).said.counter == 6
    for part, now, rule in (
        (seal(5), NOW, "kitOld"),
        (seal(4), NOW, "kitOld"),
        (seal(6, time=NOW + 700), NOW, "kitTime"),
        (seal(6), NOW + 86_401, "kitDevice"),
        (seal(6, public=thief), NOW, "kitReader"),
        (b"x" * (MAX_PART_SIZE + 1), NOW, "kitTooLarge"),
        (b"{}", NOW, "malformedKit"),
        (seal(6).replace(b'"v":1', b'"v":2'), NOW, "kitVersion"),
    ):
        with pytest.raises(KitError) as caught:
            accept(part, record, held, now=now)
        assert caught.value.rule == rule


def test_parts_are_counted_apart_and_at_their_time(
    keys_part: bytes, seal: Callable[..., bytes], record: VerifiedRecord
) -> None:
    """A counter stands for one part only; ten minutes of a wrong clock are forgiven."""
    held = decode_part(seal(5))

    assert accept(keys_part, record, held, now=NOW).said.counter == 1
    assert accept(seal(6, time=NOW + 600), record, held, now=NOW).said.counter == 6
    with pytest.raises(KitError, match="future"):
        accept(seal(6, time=NOW + 601), record, held, now=NOW)
    assert accept(seal(6), record, held, now=NOW + 86_400).said.counter == 6


def test_device_needs_its_person_s_certificate(
    graph_part: bytes, record: VerifiedRecord, ana_phone: DeviceKeys
) -> None:
    """A listed device that writes another certificate beside its part is not believed, well signed or not."""
    said = decode_part(graph_part)
    for change in ({"signature": bytes(64)}, {"not_after": NOW + 10**8}):
        changed = replace(said, device=replace(said.device, **change))
        signed = replace(changed, signature=ana_phone.sign(LABEL_KIT, signed_bytes(changed)))

        with pytest.raises(KitError) as caught:
            verify_part(signed, record)
        assert caught.value.rule == "kitDevice"


def test_nothing_is_sealed_for_somebody_else(
    graph_contents: GraphContents,
    secrets: KitSecrets,
    ana_phone: DeviceKeys,
    ana_laptop: DeviceKeys,
    record: VerifiedRecord,
    bo_words: RecoveryPhrase,
) -> None:
    """Not by a device that is not listed, to another phrase, another's network, or too much."""
    bo = bo_words.identity_key().did

    other, big = replace(graph_contents, did=bo), {CsvKind.BLOCKS: os.urandom(2**21).hex().encode()}
    for contents, public, device, counter, rule in (
        (graph_contents, secrets.public, ana_laptop, 1, "notListed"),
        (graph_contents, kit_secrets(bo_words).public, ana_phone, 1, "otherPerson"),
        (graph_contents, secrets.public, ana_phone, 0, "otherPerson"),
        (other, secrets.public, ana_phone, 1, "otherPerson"),
        (replace(graph_contents, files=big), secrets.public, ana_phone, 1, "kitFull"),
    ):
        with pytest.raises(LocalPortabilityError) as caught:
            seal_graph(contents, public, device, record, counter=counter, time=NOW)
        assert caught.value.rule == rule


def test_keys_need_the_phrase(
    keys_contents: KeysContents,
    secrets: KitSecrets,
    ana_phone: DeviceKeys,
    record: VerifiedRecord,
    keys_part: bytes,
    bo_words: RecoveryPhrase,
) -> None:
    """A device alone cannot replace the actor keys, nor can another phrase."""
    other = bo_words.identity_key()
    with pytest.raises(LocalPortabilityError):
        seal_keys(keys_contents, secrets.public, ana_phone, record, other, counter=2, time=NOW)
    said = decode_part(keys_part)
    for signature in (None, bytes(64), said.signature):
        with pytest.raises(KitError) as caught:
            verify_part(replace(said, identity_signature=signature), record)
        assert caught.value.rule == "kitIdentity"


def test_keys_are_no_graph(keys_part: bytes, graph_part: bytes, record: VerifiedRecord) -> None:
    """One part under the other's name is refused."""
    keys, graph = decode_part(keys_part), decode_part(graph_part)

    for swapped in (replace(keys, part=GRAPH), replace(graph, part=KEYS)):
        with pytest.raises(KitError):
            verify_part(swapped, record)


def test_somebody_else_s_kit(graph_part: bytes, record: VerifiedRecord, bo_words: RecoveryPhrase) -> None:
    """Under another record it is another person's."""
    other = replace(record, record=replace(record.record, did=bo_words.identity_key().did))

    with pytest.raises(KitError) as caught:
        verify_part(decode_part(graph_part), other)

    assert caught.value.rule == "kitDid"


def test_kit_is_fetched_with_the_phrase(secrets: KitSecrets, bo_words: RecoveryPhrase) -> None:
    """The phrase's signature opens it at this node, now; everything else gets one and the same no."""
    public, nonce = secrets.public, bytes(16)
    request = secrets.sign_read("b.example", time=NOW, nonce=nonce)
    stranger = replace(kit_secrets(bo_words), kit_id=public.kit_id)

    def read(data: bytes, *, node: str = "b.example", now: int = NOW) -> bytes:
        return verify_read(data, kit_id=public.kit_id, reader=public.reader, node=node, now=now)

    assert read(request) == nonce
    attempts: list[Callable[[], bytes]] = [
        lambda: read(request, node="c.example"),
        lambda: read(request, now=NOW + 301),
        lambda: read(request[:-1]),
        lambda: read(request[:40] + b"\xff" + request[41:]),
        lambda: read(stranger.sign_read("b.example", time=NOW, nonce=nonce)),
        lambda: read(b""),
    ]
    for attempt in attempts:
        with pytest.raises(KitError, match="does not open") as caught:
            attempt()
        assert caught.value.rule == "kitRead"


def test_vault_keeps_only_public_keys(secrets: KitSecrets, ana: IdentityKey) -> None:
    """They come back from the vault, and show nothing in a log."""
    public = secrets.public

    assert decode_kit_public(public.encode(), ana.did) == public
    assert "private" not in repr(secrets)
    assert public.kit_id.hex() not in repr(public)
    with pytest.raises(LocalPortabilityError):
        decode_kit_public(public.encode()[:-1], ana.did)


def test_bomb_in_a_kit_is_refused() -> None:
    """A listed device that lies costs no memory."""
    for data in (zlib.compress(bytes(80_000_000)), b"", b"noise", zlib.compress(b"{}") + b"x"):
        with pytest.raises(KitError):
            decode_graph(data)
    for data in (b"", b"{}", b"[]", b'{"actor_keys":[],"did":"did:key:x","v":1}'):
        with pytest.raises(KitError):
            decode_keys(data)


def test_real_actor_keys_fit(
    secrets: KitSecrets, ana_phone: DeviceKeys, record: VerifiedRecord, ana: IdentityKey
) -> None:
    """RSA-2048, three of them."""
    key: RSAPrivateKey = generate_private_key(65537, 2048)
    raw = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    contents = KeysContents(ana.did, tuple(ActorKey(ACTOR, f"{ACTOR}#{n}", raw) for n in range(3)))

    part = seal_keys(contents, secrets.public, ana_phone, record, ana, counter=1, time=NOW)

    assert open_keys(newest([part], KEYS, record), secrets).actor_keys[2].private == raw
    assert base64url.encode(raw) not in repr(contents)
    assert "\\x" not in repr(contents)


def test_rooms_are_one_text(ana: IdentityKey) -> None:
    """Any order in, one order out; a room twice is refused."""
    one = KitRoom(bytes([1]) * 32, "c.example", (), 1, 2, bytes(32), 3, (ana.did,))
    two = replace(one, group_id=bytes(32), name="Köche", topic='"\n')

    assert encode_rooms([one, two]) == encode_rooms([two, one])
    assert decode_rooms(encode_rooms([one, two])) == (two, one)
    with pytest.raises(ValueError, match="twice"):
        decode_rooms(encode_rooms([one]) * 2)
