"""The continuity kit: what a move needs when the old node is dead (TRUST 9).

Two parts, each ``{did, part, counter, time, reader, device, box, signature}``: ``keys``, which also the
identity key signs, and ``graph``, which any device of the newest record refreshes without the phrase. The
box is HPKE to a key of the phrase, padded to one of few sizes: to a buddy it is noise of a length that
says nothing. Of several copies the highest valid counter wins::

    part = seal_graph(contents, public, keys, record, counter=8, time=now)
    held = accept(part, record, held, now=now)              # at a buddy
    best = newest([*from_buddies, on_disk], GRAPH, record)  # with the phrase
    open_graph(best, secrets)
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from yurt.identity import base64url
from yurt.identity.device import KEY_SIZE, DeviceKeys
from yurt.identity.did import Did, public_of
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.identity_key import IdentityKey
from yurt.identity.signed_record import VerifiedRecord
from yurt.identity.signing import verify
from yurt.mls.algorithms import Random
from yurt.mls.cipher_suite import X25519_AES128GCM_SHA256_ED25519 as SUITE
from yurt.mls.errors import RemoteMlsError
from yurt.portability.canonical import encode
from yurt.portability.device_signature import check_speaks_for, is_signed_by
from yurt.portability.errors import KitError, LocalPortabilityError
from yurt.portability.kit_contents import GraphContents, KeysContents, decode_graph, decode_keys
from yurt.portability.kit_keys import KitPublic, KitSecrets
from yurt.portability.kit_part import (
    GRAPH,
    KEYS,
    KIT_VERSION,
    HeadJson,
    KitPartIn,
    PartJson,
    PartName,
    SaidJson,
    decode_part,
    device_json,
    head_of,
    signed_bytes,
)
from yurt.portability.labels import LABEL_KIT, LABEL_KIT_KEYS, LABEL_KIT_SEAL

SIZES: Final[dict[PartName, tuple[int, ...]]] = {
    KEYS: (16 * 1024, 96 * 1024),
    GRAPH: tuple(1 << power for power in range(16, 22)),
}
"""What a part's plaintext is padded to, in bytes: 64 KiB to 2 MiB for ``graph``."""
_LENGTH_SIZE: Final = 4


@dataclass(frozen=True, slots=True)
class KitPart:
    """A part that a device of its person's newest record really sealed."""

    said: KitPartIn

    @property
    def rank(self) -> tuple[int, int, bytes]:
        """What decides between two: counter, then time, then something that everybody sees alike."""
        return self.said.counter, self.said.time, self.said.signature

    def age(self, now: int) -> int:
        """How old its contents are, in seconds."""
        return max(0, now - self.said.time)


def seal_keys(
    contents: KeysContents,
    public: KitPublic,
    keys: DeviceKeys,
    record: VerifiedRecord,
    identity: IdentityKey,
    *,
    counter: int,
    time: int,
    random: Random = os.urandom,
) -> bytes:
    """Seal the actor keys, while the phrase is at hand; afterwards the device erases them.

    Raises:
        LocalPortabilityError: Not this person's, the device is not listed, or it does not fit.
    """
    if identity.did != record.did:
        raise LocalPortabilityError("otherPerson", "the phrase belongs to another person")
    head = _head(KEYS, public, keys, record, counter, time)
    return _seal(head, contents.did, contents.encode(), public, keys, identity, random)


def seal_graph(
    contents: GraphContents,
    public: KitPublic,
    keys: DeviceKeys,
    record: VerifiedRecord,
    *,
    counter: int,
    time: int,
    random: Random = os.urandom,
) -> bytes:
    """Seal the graph after a change, without the phrase.

    Args:
        contents: What is known now.
        public: The kit's public keys, from the vault.
        keys: This device.
        record: The person's newest record, which lists it.
        counter: One more than the highest that is known.
        time: Now, in seconds since 1970.
        random: Where the key of the box comes from.

    Raises:
        LocalPortabilityError: Not this person's, the device is not listed, or it does not fit (``kitFull``).
    """
    head = _head(GRAPH, public, keys, record, counter, time)
    return _seal(head, contents.did, contents.encode(), public, keys, None, random)


def verify_part(said: KitPartIn, record: VerifiedRecord) -> KitPart:
    """Believe a part, or say why not.

    Args:
        said: As it arrived.
        record: The newest record known of the person: a kit is no better than that.

    Raises:
        KitError: Another person's (``kitDid``), sealed by a device that is not in the record, or that had
            expired (``kitDevice``), not signed by it (``kitSignature``), or ``keys`` without the identity
            key's signature (``kitIdentity``).
    """
    if said.did != record.did:
        raise KitError("kitDid", "the kit is another person's")
    signed = signed_bytes(said)
    device = said.device.device
    listed = record.device(device.device_id)
    match is_signed_by(record, device.device_id, said.time, LABEL_KIT, signed, said.signature):
        case "" if listed is not None and listed.device == device:
            pass
        case "signature":
            raise KitError("kitSignature", "the kit was not signed by its device, or was changed")
        case _:
            raise KitError("kitDevice", "the kit's device is not in the person's newest record")
    _check_certificate(said)
    _check_identity(said, signed)
    return KitPart(said)


def accept(data: bytes, record: VerifiedRecord, held: KitPartIn | None, *, now: int) -> KitPart:
    """Judge a new part, as the node that keeps it.

    Args:
        data: As it arrived.
        record: The newest record known of the person.
        held: What is kept of this part until now.
        now: Seconds since 1970.

    Raises:
        KitError: See `decode_part` and `verify_part`; from the future (``kitTime``), by a device that has
            expired now (``kitDevice``), not newer than what is held (``kitOld``), or with another reader
            key than it (``kitReader``).
    """
    part = verify_part(decode_part(data), record)
    said = part.said
    listed = record.device(said.device.device.device_id)
    if listed is None or now > listed.not_after:
        raise KitError("kitDevice", "the kit's device has expired")
    if said.time > now + 600:
        raise KitError("kitTime", "the kit comes from the future: check the clock")
    # A device that was revoked may have left a counter that nobody can reach: it holds nothing up.
    if held is None or said.part != held.part or not _is_valid(held, record):
        return part
    if said.counter <= held.counter:
        raise KitError("kitOld", "a newer part of this kit is kept already")
    if said.reader != held.reader:
        raise KitError("kitReader", "the kit names another key for fetching it")
    return part


def ranked(copies: Iterable[bytes], part: PartName, record: VerifiedRecord) -> list[KitPart]:
    """Put the valid ones of many copies in order, the highest counter first; the others do not count."""
    valid: list[KitPart] = []
    for copy in copies:
        try:
            found = verify_part(decode_part(copy), record)
        except KitError:
            continue
        if found.said.part == part:
            valid.append(found)
    return sorted(valid, key=lambda found: found.rank, reverse=True)


def newest(copies: Iterable[bytes], part: PartName, record: VerifiedRecord) -> KitPart:
    """Choose among copies from anywhere: the highest valid counter wins.

    Raises:
        KitError: No copy is valid (``noKit``).
    """
    found = ranked(copies, part, record)
    if not found:
        raise KitError("noKit", f"no copy of the kit has a valid part {part}")
    return found[0]


def open_keys(part: KitPart, secrets: KitSecrets) -> KeysContents:
    """Open the part ``keys`` with the phrase.

    Raises:
        KitError: Sealed to another phrase (``kitClosed``), or ``kitContents``.
    """
    return _of_person(decode_keys(_open(part.said, KEYS, secrets)), secrets)


def open_graph(part: KitPart, secrets: KitSecrets) -> GraphContents:
    """Open the part ``graph`` with the phrase.

    Raises:
        KitError: Sealed to another phrase (``kitClosed``), or ``kitContents``.
    """
    return _of_person(decode_graph(_open(part.said, GRAPH, secrets)), secrets)


_C = TypeVar("_C", KeysContents, GraphContents)


def _of_person(contents: _C, secrets: KitSecrets) -> _C:
    if contents.did != secrets.did:
        raise KitError("kitContents", "the kit holds another person's things")
    return contents


def _head(
    part: PartName, public: KitPublic, keys: DeviceKeys, record: VerifiedRecord, counter: int, time: int
) -> HeadJson:
    check_speaks_for(keys, record)
    certificate = record.device(keys.device_id)
    if certificate is None or public.did != record.did or counter < 1:
        raise LocalPortabilityError("otherPerson", "the kit belongs to another person, or has no counter")
    return HeadJson(
        v=KIT_VERSION,
        did=record.did,
        part=part,
        counter=counter,
        time=time,
        reader=base64url.encode(public.reader),
        device=device_json(certificate),
    )


def _seal(
    head: HeadJson,
    did: Did,
    contents: bytes,
    public: KitPublic,
    keys: DeviceKeys,
    identity: IdentityKey | None,
    random: Random,
) -> bytes:
    if did != head.did:
        raise LocalPortabilityError("otherPerson", "the contents belong to another person")
    plaintext = _padded(contents, SIZES[head.part])
    enc, sealed = SUITE.hpke.seal(public.seal, LABEL_KIT_SEAL, encode(head), plaintext, random=random)
    fields = msgspec.structs.asdict(head)
    box = base64url.encode(enc + sealed)
    signed = encode(SaidJson(**fields, box=box))
    by_identity = None if identity is None else base64url.encode(identity.sign(LABEL_KIT_KEYS, signed))
    by_device = base64url.encode(keys.sign(LABEL_KIT, signed))
    return encode(PartJson(**fields, box=box, signature=by_device, identity_signature=by_identity))


def _padded(contents: bytes, sizes: tuple[int, ...]) -> bytes:
    whole = len(contents).to_bytes(_LENGTH_SIZE, "big") + contents
    size = next((size for size in sizes if size >= len(whole)), None)
    if size is None:
        raise LocalPortabilityError("kitFull", "this does not fit into a kit")
    return whole.ljust(size, b"\0")


def _open(said: KitPartIn, part: PartName, secrets: KitSecrets) -> bytes:
    if said.part != part:
        raise LocalPortabilityError("kitPart", f"this is the part {said.part}, not {part}")
    enc, sealed = said.box[:KEY_SIZE], said.box[KEY_SIZE:]
    try:
        padded = SUITE.hpke.open(secrets.seal_private, enc, LABEL_KIT_SEAL, encode(head_of(said)), sealed)
    except RemoteMlsError:
        raise KitError("kitClosed", "these words do not open this kit") from None
    length = int.from_bytes(padded[:_LENGTH_SIZE], "big")
    contents = padded[_LENGTH_SIZE : _LENGTH_SIZE + length]
    if len(padded) not in SIZES[part] or len(contents) != length or any(padded[_LENGTH_SIZE + length :]):
        raise KitError("kitContents", "the kit's padding is not as it must be")
    return contents


def _check_certificate(said: KitPartIn) -> None:
    try:
        said.device.verify()
    except RemoteIdentityError:
        raise KitError("kitDevice", "the kit's device is not certified by its person") from None


def _check_identity(said: KitPartIn, signed: bytes) -> None:
    if said.part != KEYS:
        return
    try:
        verify(public_of(said.did), LABEL_KIT_KEYS, signed, said.identity_signature or b"")
    except RemoteIdentityError:
        raise KitError("kitIdentity", "the keys in the kit were not sealed with the phrase") from None


def _is_valid(said: KitPartIn, record: VerifiedRecord) -> bool:
    try:
        verify_part(said, record)
    except KitError:
        return False
    return True
