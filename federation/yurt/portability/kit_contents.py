"""What stands inside the two parts of a kit, before it is sealed.

``keys``: the actor keys, with which stock peers believe a Move. ``graph``: the roster as its device signed
it, the rooms, and the person's lists, blocks and follows as Mastodon's CSV files: one format for the kit, the
archive and other people's servers. Both are RFC 8785 JSON; ``graph`` is compressed.

    GraphContents(did, time, roster, rooms, {CsvKind.BLOCKS: b"..."}).encode()
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec

from yurt.identity import base64url
from yurt.identity.did import Did, parse_did
from yurt.identity.errors import RemoteIdentityError
from yurt.portability.canonical import Integer, Short, decode, encode
from yurt.portability.csv_rows import CsvKind
from yurt.portability.errors import KitError
from yurt.portability.kit_room import KitRoom, decode_rooms, encode_rooms
from yurt.wire.errors import GateError

CONTENTS_VERSION: Final = 1
MAX_ACTOR_KEYS: Final = 16
MAX_PRIVATE_KEY_SIZE: Final = 4096
"""Bytes of a PKCS #8 key; RSA-2048 has 1,218."""
MAX_CONTENTS_SIZE: Final = 24 * 1024 * 1024
"""Bytes of ``graph`` before compression."""


@dataclass(frozen=True, slots=True)
class ActorKey:
    """The RSA key that signs for one actor."""

    actor: str
    key_id: str
    """As peers know it: ``https://NODE/users/ana#main-key``."""
    private: bytes = field(repr=False)
    """PKCS #8, DER."""
    created: int = 0
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class KeysContents:
    """The part ``keys``."""

    did: Did
    actor_keys: tuple[ActorKey, ...]

    def encode(self) -> bytes:
        """Write RFC 8785 JSON."""
        keys = [
            _ActorKeyJson(key.actor, key.key_id, base64url.encode(key.private), key.created)
            for key in self.actor_keys
        ]
        return encode(_KeysJson(CONTENTS_VERSION, self.did, keys))


@dataclass(frozen=True, slots=True)
class GraphContents:
    """The part ``graph``."""

    did: Did
    roster: bytes = field(repr=False)
    """As `yurt.portability.roster` signs it; verified again when it is used."""
    rooms: tuple[KitRoom, ...] = ()
    files: Mapping[CsvKind, bytes] = field(default_factory=dict[CsvKind, bytes], repr=False)
    """CSV files, as `encode_csv` writes them."""

    def encode(self) -> bytes:
        """Write RFC 8785 JSON, compressed (RFC 1950)."""
        files = {kind.file_name: data.decode() for kind, data in self.files.items()}
        rooms = encode_rooms(self.rooms).decode()
        value = _GraphJson(CONTENTS_VERSION, self.did, self.roster.decode(), rooms, files)
        return zlib.compress(encode(value), level=6)


class _ActorKeyJson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    actor: Short
    key_id: Short
    private: Annotated[str, msgspec.Meta(max_length=MAX_PRIVATE_KEY_SIZE * 4 // 3)]
    created: Integer


class _KeysJson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    did: Short
    actor_keys: Annotated[list[_ActorKeyJson], msgspec.Meta(max_length=MAX_ACTOR_KEYS)]


class _GraphJson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    did: Short
    roster: str
    rooms: str
    files: dict[str, str]


def decode_keys(data: bytes) -> KeysContents:
    """Read the opened part ``keys``.

    Raises:
        KitError: ``kitContents``.
    """
    try:
        value = decode(data, _KeysJson, limit=MAX_ACTOR_KEYS * 2 * MAX_PRIVATE_KEY_SIZE)
        _check_version(value.v)
        keys = tuple(
            ActorKey(key.actor, key.key_id, base64url.decode(key.private), key.created)
            for key in value.actor_keys
        )
        return KeysContents(parse_did(value.did), keys)
    except (GateError, RemoteIdentityError, ValueError):
        raise _malformed() from None


def decode_graph(data: bytes) -> GraphContents:
    """Read the opened part ``graph``.

    Raises:
        KitError: ``kitContents``, also for what would not stop growing while it is unpacked.
    """
    try:
        value = decode(_decompress(data), _GraphJson, limit=MAX_CONTENTS_SIZE)
        _check_version(value.v)
        files = {CsvKind(name.removesuffix(".csv")): text.encode() for name, text in value.files.items()}
        rooms = decode_rooms(value.rooms.encode())
        return GraphContents(parse_did(value.did), value.roster.encode(), rooms, files)
    except (GateError, RemoteIdentityError, ValueError, zlib.error):
        raise _malformed() from None


def _decompress(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    text = stream.decompress(data, MAX_CONTENTS_SIZE)
    if not stream.eof or stream.unused_data:
        raise _malformed()
    return text


def _check_version(version: int) -> None:
    if version != CONTENTS_VERSION:
        raise KitError("kitVersion", "the kit was written by a newer version")


def _malformed() -> KitError:
    return KitError("kitContents", "the kit's part was opened, and holds nothing that can be read")
