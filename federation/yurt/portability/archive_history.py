"""What was said, inside an archive: sealed to the phrase's key, so that the file alone tells nobody a word.

``history/rooms.sealed`` holds the rooms (`yurt.portability.kit_room`), ``history/000.sealed`` and so on the
messages, at most 2,000 and about 4 MiB each. A box is bound to its person and to its own name::

    for path, data in seal_history(public, rooms, messages): ...
    rooms, messages = open_rooms(data, secrets), open_messages(path, data, secrets)
"""

import os
import zlib
from collections.abc import Iterable, Iterator
from typing import Annotated, Final

import msgspec

from yurt.identity.device import KEY_SIZE
from yurt.identity.did import Did
from yurt.identity.errors import RemoteIdentityError
from yurt.mls.algorithms import Random
from yurt.mls.cipher_suite import X25519_AES128GCM_SHA256_ED25519 as SUITE
from yurt.mls.errors import RemoteMlsError
from yurt.portability.canonical import Integer
from yurt.portability.errors import ArchiveError
from yurt.portability.kit_keys import KitPublic, KitSecrets
from yurt.portability.kit_room import KitRoom, decode_rooms, encode_rooms
from yurt.portability.labels import LABEL_ARCHIVE_HISTORY
from yurt.wire.errors import GateError
from yurt.wire.gate import decode_msgpack
from yurt.wire.registry import MAX_CONTENT_SIZE

FOLDER: Final = "history/"
ROOMS: Final = f"{FOLDER}rooms.sealed"
MAX_MESSAGES: Final = 2_000
"""In one file."""
MAX_OPENED: Final = 8 * 1024 * 1024
"""Bytes of one file before it is packed and sealed."""
_CUT: Final = 4 * 1024 * 1024
_Text = Annotated[str, msgspec.Meta(max_length=MAX_CONTENT_SIZE)]
_Short = Annotated[str, msgspec.Meta(max_length=2_048)]
_Bytes = Annotated[bytes, msgspec.Meta(max_length=64)]


class OldMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message of a room, as its reader had it."""

    room: _Bytes
    did: _Short
    actor: _Short
    content_id: _Bytes
    text: _Text
    term: Integer
    seq: Integer
    accepted_at: Integer
    """Milliseconds since 1970 by the hub's clock."""
    reply_did: _Short = ""
    reply_id: _Bytes = b""
    edited: bool = False


def seal_history(
    public: KitPublic,
    rooms: Iterable[KitRoom],
    messages: Iterable[OldMessage],
    *,
    random: Random = os.urandom,
) -> Iterator[tuple[str, bytes]]:
    """Seal rooms and messages.

    Args:
        public: The kit's public keys: who has the phrase can open it.
        rooms: In any order.
        messages: In the order in which they are to be shown.
        random: Where the keys of the boxes come from.

    Yields:
        Path inside the archive, and the sealed file.
    """
    yield ROOMS, _seal(public, ROOMS, encode_rooms(rooms), random)
    for number, chunk in enumerate(_chunks(messages)):
        path = f"{FOLDER}{number:03}.sealed"
        yield path, _seal(public, path, b"".join(chunk), random)


def open_rooms(data: bytes, secrets: KitSecrets) -> tuple[KitRoom, ...]:
    """Open the list of rooms.

    Raises:
        ArchiveError: Sealed to another phrase (``archiveClosed``), or malformed (``archiveHistory``).
    """
    try:
        return decode_rooms(_open(data, ROOMS, secrets))
    except (GateError, RemoteIdentityError, ValueError):
        raise _malformed(ROOMS) from None


def open_messages(path: str, data: bytes, secrets: KitSecrets) -> list[OldMessage]:
    """Open one file of messages.

    Raises:
        ArchiveError: Sealed to another phrase (``archiveClosed``), or malformed (``archiveHistory``).
    """
    opened = _open(data, path, secrets)
    messages: list[OldMessage] = []
    at = 0
    try:
        while at < len(opened):
            size = int.from_bytes(opened[at : at + 4], "big")
            at += 4 + size
            messages.append(decode_msgpack(opened[at - size : at], OldMessage, limit=MAX_OPENED))
    except GateError:
        raise _malformed(path) from None
    if at != len(opened) or len(messages) > MAX_MESSAGES:
        raise _malformed(path)
    return messages


def _chunks(messages: Iterable[OldMessage]) -> Iterator[list[bytes]]:
    """Messages with their lengths before them, a file at a time."""
    chunk: list[bytes] = []
    size = 0
    for message in messages:
        packed = msgspec.msgpack.encode(message)
        if chunk and (len(chunk) == MAX_MESSAGES or size + len(packed) > _CUT):
            yield chunk
            chunk, size = [], 0
        chunk.append(len(packed).to_bytes(4, "big") + packed)
        size += len(packed) + 4
    if chunk:
        yield chunk


def _seal(public: KitPublic, path: str, opened: bytes, random: Random) -> bytes:
    packed = zlib.compress(opened, level=6)
    enc, sealed = SUITE.hpke.seal(
        public.seal, LABEL_ARCHIVE_HISTORY, _bound(public.did, path), packed, random=random
    )
    return enc + sealed


def _open(data: bytes, path: str, secrets: KitSecrets) -> bytes:
    try:
        packed = SUITE.hpke.open(
            secrets.seal_private,
            data[:KEY_SIZE],
            LABEL_ARCHIVE_HISTORY,
            _bound(secrets.did, path),
            data[KEY_SIZE:],
        )
    except RemoteMlsError:
        raise ArchiveError("archiveClosed", "these words do not open this history", path=path) from None
    unpack = zlib.decompressobj()
    try:
        opened = unpack.decompress(packed, MAX_OPENED)
    except zlib.error:
        raise _malformed(path) from None
    if not unpack.eof or unpack.unused_data:
        raise _malformed(path)
    return opened


def _bound(did: Did, path: str) -> bytes:
    return f"{did}\n{path}".encode()


def _malformed(path: str) -> ArchiveError:
    return ArchiveError("archiveHistory", "it was opened, and holds nothing that can be read", path=path)
