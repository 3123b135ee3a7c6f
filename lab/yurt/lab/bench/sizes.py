"""How many bytes things have: made by the same functions as in a client, with nobody's server in between."""

import hashlib
import os
from dataclasses import dataclass
from typing import Final

import msgspec

from yurt.client.clock import SystemClock
from yurt.client.rooms.leaves import SUITE, Device
from yurt.identity.device import DeviceKeys
from yurt.identity.did import Did
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import first_record, verify_record
from yurt.mls.extensions import Extension
from yurt.mls.framing import MLSMessage
from yurt.mls.group import Group
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.staging import StagedCommit
from yurt.rooms.common.card import RoomCard
from yurt.rooms.common.content import Create, Note, Plaintext, encode_aad, encode_content
from yurt.rooms.common.padding import padded_length
from yurt.rooms.common.policy import RoomPolicy
from yurt.rooms.common.room import room_extensions
from yurt.rooms.member.sending import SenderState, number
from yurt.wire.frames import Entries, room_log
from yurt.wire.position import LogRow, Position
from yurt.wire.registry import (
    DEVICE_LIFETIME_S,
    LEAF_EXTENSION,
    ROOM_CARD_EXTENSION,
    ROOM_ID_SIZE,
    EntryKind,
)
from yurt.wire.room_commands import Append

ROOM_SIZES: Final = (2, 15, 50)
"""Members after the commit whose Welcome is measured."""
TEXT: Final = "x" * 256
NODE: Final = "harbour.example"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes."""

    leaf_extension: int
    key_package: int
    welcomes: dict[int, int]
    """By members of the room."""
    message_entry: int
    """A 256-character message as the hub stores it."""
    message_sent: int
    """The same as the author's call on the stream."""
    message_received: int
    """The same as a frame with one row."""


def measure() -> Sizes:
    """Make a room of fifty and measure on the way."""
    now_s = SystemClock().now_ms() // 1000
    ana, room = _device("ana", now_s), os.urandom(ROOM_ID_SIZE)
    policy = RoomPolicy.first(NODE, room, Did(ana.did))
    group = Group.create(
        MemoryGroupStore(), SUITE, room, ana.joining_leaf(now_s), extensions=room_extensions(policy)
    )
    welcomes: dict[int, int] = {}
    for members in range(2, max(ROOM_SIZES) + 1):
        welcome = _add(group, _device(f"person{members}", now_s), now_s)
        if members in ROOM_SIZES:
            welcomes[members] = welcome
    entry = _message(group)
    return Sizes(
        leaf_extension=_leaf_extension(ana, room, now_s),
        key_package=len(MLSMessage(ana.key_package(now_s).key_package).encode()),
        welcomes=welcomes,
        message_entry=len(entry),
        message_sent=len(msgspec.msgpack.encode(Append(room=room, kind=EntryKind.MESSAGE, entry=entry))),
        message_received=len(_frame(room, entry)),
    )


def _device(name: str, now_s: int) -> Device:
    identity, keys = RecoveryPhrase.generate(os.urandom).identity_key(), DeviceKeys.generate(os.urandom)
    actor = f"https://{NODE}/users/{name}"
    signed = first_record(identity, actor, keys.public, not_after=now_s + DEVICE_LIFETIME_S, time=now_s)
    certificate = verify_record(signed).device(keys.device_id)
    if certificate is None:
        raise LookupError("a first record lists its device")
    return Device(keys, certificate, actor)


def _add(group: Group, device: Device, now_s: int) -> int:
    card = Extension(ROOM_CARD_EXTENSION, RoomCard("harbour watch").encode())
    staged: StagedCommit = group.stage_commit(
        adds=[device.key_package(now_s).key_package], force_path=True, welcome_extensions=(card,)
    )
    group.merge()
    return len(staged.welcome or b"")


def _leaf_extension(device: Device, room: bytes, now_s: int) -> int:
    leaf = device.room_leaf(room, now_s)
    return next(len(one.extension_data) for one in leaf.extensions if one.extension_type == LEAF_EXTENSION)


def _message(group: Group) -> bytes:
    content = encode_content(Create(os.urandom(16), Note(TEXT)))
    numbered, _ = number(SenderState(41, hashlib.sha256(b"before").digest()), content)
    plaintext = Plaintext(numbered.header(Position(1, 1_000), hashlib.sha256(b"chain").digest()), content)
    return group.encrypt(plaintext.encode(), authenticated_data=encode_aad(), padding=padded_length)


def _frame(room: bytes, entry: bytes) -> bytes:
    position, digest = Position(1, 1_000), hashlib.sha256(entry).digest()
    row = LogRow(position, EntryKind.MESSAGE, SystemClock().now_ms(), digest, entry, digest)
    return msgspec.msgpack.encode(Entries(room_log(room), (row,), position))
