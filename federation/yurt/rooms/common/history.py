"""What was said before somebody joined, given on by a member who vouches for it (TRUST 6).

A bundle is a MessagePack map, encrypted for one device; the node that keeps it sees its size and its hash::

    {"v": 1, "room": <32>, "items": [{"position", "accepted_at", "did", "bucket", "content", "actor"?}, ...]}
    blob = nonce[12] || AES-256-GCM(key, bundle, aad = LABEL_HISTORY || 0 || room)
    sealed key = HPKE(device X25519, key, info = LABEL_HISTORY || 0 || room, blob hash, device id)

``content`` is verbatim, so an item keeps position, did and content id, and is dropped where it is known.

    since = oldest_allowed(policy, joined_at, invite)         # own devices: 0
    blob, offer = make_bundle(room, chosen_items(items, since, before, now_ms), to=did, device=public)
    items = open_bundle(room, offer, blob, keys)              # by whoever got the offer, from its author
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from typing import Annotated, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from yurt.identity.device import DeviceKeys, DevicePublic
from yurt.mls.algorithms import Random
from yurt.mls.cipher_suite import X25519_AES128GCM_SHA256_ED25519 as SUITE
from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import RemoteMlsError
from yurt.rooms.common.content import Bucket, DidText
from yurt.rooms.common.errors import BundleError
from yurt.rooms.common.labels import LABEL_HISTORY
from yurt.rooms.common.policy import Invite, RoomPolicy
from yurt.rooms.common.said import OfferedHistory
from yurt.wire.errors import GateError
from yurt.wire.gate import decode_msgpack
from yurt.wire.limits import MAX_URL
from yurt.wire.position import Position
from yurt.wire.registry import MAX_CONTENT_SIZE, ROOM_ID_SIZE

BUNDLE_VERSION: Final = 1
MAX_BUNDLE_SIZE: Final = 8 * 1024 * 1024
MAX_ITEMS: Final = 20_000
ALL: Final = 100 * 365 * 86_400
"""Seconds: a room's maximum that leaves the choice to whoever invites."""
OFFER_WITHIN_MS: Final = 60_000
"""How long a joiner waits for the adder's offer before it asks all."""
MAX_ANSWER_DELAY_MS: Final = 10_000
"""Whoever may answer waits a random part of this, and answers only if nobody did."""
_KEY_SIZE: Final = 32
_NONCE_SIZE: Final = 12
_ITEM_OVERHEAD: Final = 256
"""More than an item's MessagePack needs beside its content."""


class HistoryItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that was said, where it stood, by whom."""

    position: Position
    accepted_at: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
    did: DidText
    bucket: Annotated[int, msgspec.Meta(ge=0, le=4)]
    """`Bucket`: when it expires, counted from ``accepted_at``."""
    content: Annotated[bytes, msgspec.Meta(max_length=MAX_CONTENT_SIZE)]
    """Verbatim; `said.decode_said` reads it."""
    actor: Annotated[str, msgspec.Meta(max_length=MAX_URL)] = ""
    """Where its author lived, by the voucher's word: a name to show, no more."""

    def expired(self, now_ms: int) -> bool:
        """Tell whether it should be gone by now."""
        seconds = Bucket(self.bucket).seconds
        return seconds is not None and now_ms >= self.accepted_at + seconds * 1000


class _Bundle(msgspec.Struct, frozen=True):
    v: int
    room: Annotated[bytes, msgspec.Meta(min_length=ROOM_ID_SIZE, max_length=ROOM_ID_SIZE)]
    items: Annotated[tuple[HistoryItem, ...], msgspec.Meta(max_length=MAX_ITEMS)]


def oldest_allowed(policy: RoomPolicy, joined_at: int, invite: Invite | None = None) -> int:
    """Give the time before which a joiner is given nothing.

    A person's own new device is exempt: there the answer is 0, without asking.

    Args:
        policy: The room's, in the epoch that the joiner entered.
        joined_at: ``accepted_at`` of the commit that added it, in milliseconds.
        invite: The link that it came by, which may allow less.
    """
    seconds = policy.history if invite is None else min(policy.history, invite.history)
    return max(joined_at - seconds * 1000, 0)


def chosen_items(
    items: Iterable[HistoryItem], since: int, before: Position, now_ms: int
) -> tuple[HistoryItem, ...]:
    """Choose what is given: in time, not expired, from before the joiner; the newest if it is too much.

    Args:
        items: What this device has of the room.
        since: From `oldest_allowed`.
        before: The position of the commit that added the joiner.
        now_ms: Milliseconds since 1970.
    """
    fits = [i for i in items if i.accepted_at >= since and i.position < before and not i.expired(now_ms)]
    fits.sort(key=lambda item: item.position)
    size, first = 0, len(fits)
    while first > 0 and len(fits) - first < MAX_ITEMS:
        size += len(fits[first - 1].content) + _ITEM_OVERHEAD
        if size > MAX_BUNDLE_SIZE - _ITEM_OVERHEAD:
            break
        first -= 1
    return tuple(fits[first:])


def make_bundle(
    room: bytes, items: Sequence[HistoryItem], *, to: str, device: DevicePublic, random: Random = os.urandom
) -> tuple[bytes, OfferedHistory]:
    """Encrypt items for one device.

    Args:
        room: The room's id.
        items: From `chosen_items`; at least one.
        to: Whose device it is.
        device: The device, as its leaf certifies it.
        random: Source of key and nonce.

    Returns:
        The blob, and what the offer says of it.
    """
    key, nonce = random(_KEY_SIZE), random(_NONCE_SIZE)
    bundle = msgspec.msgpack.encode(_Bundle(BUNDLE_VERSION, room, tuple(items)))
    blob = nonce + AESGCM(key).encrypt(nonce, bundle, LABEL_HISTORY + b"\0" + room)
    digest = hashlib.sha256(blob).digest()
    info = _info(room, digest, device.device_id)
    encapsulation, sealed = SUITE.hpke.seal(device.x25519, info, b"", key, random=random)
    first, last = items[0].position, items[-1].position
    sealed_key = Writer().opaque(encapsulation).opaque(sealed).bytes()
    return blob, OfferedHistory(to, device.device_id, first, last, len(items), digest, sealed_key)


def open_bundle(
    room: bytes, offer: OfferedHistory, blob: bytes, keys: DeviceKeys, *, since: int = 0
) -> tuple[HistoryItem, ...]:
    """Decrypt a bundle, and hold it against its offer.

    Args:
        room: The room in which the offer was made.
        offer: What its author said of it.
        blob: From the node.
        keys: This device's.
        since: Items from before are beyond the room's maximum and are dropped (`oldest_allowed`).

    Returns:
        In the order of the log; to be labelled with the offer's author, who vouches for them.

    Raises:
        BundleError: ``bundleHash``, ``bundleKey`` (not for this device or room), ``malformedBundle``,
            ``bundleVersion``, or not what the offer says (``bundleRange``).
    """
    if len(blob) > MAX_BUNDLE_SIZE + _ITEM_OVERHEAD or hashlib.sha256(blob).digest() != offer.blob_hash:
        raise BundleError("bundleHash", "the node has another bundle than was offered")
    bundle = _read(_decrypt(room, offer, blob, keys))
    positions = [item.position for item in bundle.items]
    ends = (positions[0], positions[-1]) if positions else None
    fits = (
        bundle.room == room
        and len(positions) == offer.count
        and ends == (offer.first, offer.last)
        and positions == sorted(set(positions))
    )
    if not fits:
        raise BundleError("bundleRange", "the bundle is not what its offer says")
    return tuple(item for item in bundle.items if item.accepted_at >= since)


def should_ask(joined_at: int, now_ms: int, *, offered: bool) -> bool:
    """Tell whether a joiner posts ``HistoryWanted`` now."""
    return not offered and now_ms - joined_at >= OFFER_WITHIN_MS


def _info(room: bytes, digest: bytes, device_id: bytes) -> bytes:
    return LABEL_HISTORY + b"\0" + room + digest + device_id


def _decrypt(room: bytes, offer: OfferedHistory, blob: bytes, keys: DeviceKeys) -> bytes:
    info = _info(room, offer.blob_hash, keys.device_id)
    try:
        r = Reader(offer.sealed_key)
        encapsulation, sealed = r.opaque(), r.opaque()
        r.finish()
        key = SUITE.hpke.open(keys.x25519_private, encapsulation, info, b"", sealed)
        return AESGCM(key).decrypt(blob[:_NONCE_SIZE], blob[_NONCE_SIZE:], LABEL_HISTORY + b"\0" + room)
    except (RemoteMlsError, InvalidTag, ValueError):
        raise BundleError("bundleKey", "the bundle is not for this device") from None


def _read(data: bytes) -> _Bundle:
    try:
        bundle = decode_msgpack(data, _Bundle, limit=MAX_BUNDLE_SIZE)
    except GateError:
        raise BundleError("malformedBundle", "the bundle is malformed") from None
    if bundle.v != BUNDLE_VERSION:
        raise BundleError("bundleVersion", "the bundle was made by a newer release")
    return bundle
