"""What stands in an archive: FEP-6fcd's ``manifest.yml``, with hashes, and a device's word for it.

The manifest is RFC 8785 JSON, which every YAML 1.2 reader reads. Beside what the FEP asks (``ubc-version``,
``meta``, ``contents``) each file has its size and SHA-256, and ``meta.yurt`` says whose it is::

    {"contents": {"activitypub": {"contents": {"actor.json": {"sha256": "...", "size": 812, "url": "..."}}},
                  "manifest.yml": {"url": "..."}, "manifest.sig": {"url": "..."}},
     "meta": {"created": "2026-11-21T09:00:00Z", "createdBy": {"client": {"name": "Yurt"},
              "controller": "https://..."}, "yurt": {"device": "...", "did": "did:key:...",
              "time": 1795000000, "v": 1}}, "ubc-version": 0.1}

``manifest.sig`` holds the device's signature over these bytes and the newest person record, which lists
the device and is signed by the identity key: anybody can verify an archive with nothing else at hand.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

from yurt.identity import base64url
from yurt.identity.device import DeviceKeys
from yurt.identity.did import Did, parse_did
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.signed_record import MAX_SIGNED_RECORD_SIZE, SignedRecord, VerifiedRecord, verify_record
from yurt.identity.signing import SIGNATURE_SIZE
from yurt.portability.archive_path import check_path, check_paths
from yurt.portability.canonical import Integer, Short, decode, encode
from yurt.portability.csv_rows import CsvKind
from yurt.portability.device_signature import check_speaks_for, is_signed_by
from yurt.portability.errors import ArchiveError, LocalPortabilityError
from yurt.portability.labels import LABEL_ARCHIVE
from yurt.wire.errors import GateError
from yurt.wire.registry import DEVICE_ID_SIZE

MANIFEST: Final = "manifest.yml"
SIGNATURE: Final = "manifest.sig"
ARCHIVE_VERSION: Final = 1
UBC_VERSION: Final = 0.1
MAX_MANIFEST_SIZE: Final = 1024 * 1024
MAX_SIGNATURE_FILE_SIZE: Final = 2 * MAX_SIGNED_RECORD_SIZE + 1024
MAX_FILES: Final = 5_000
MAX_FILES_OF_FOLDER: Final = 1_000
"""What is larger is cut into numbered folders; the strict gate reads no longer map."""
MAX_FILE_SIZE: Final = 8 * 1024 * 1024
"""Bytes: a file is checked as a whole before anybody sees it, so it must fit into memory."""
MAX_TOTAL_SIZE: Final = 4 * 1024**3

_FEP: Final = "https://codeberg.org/fediverse/fep/src/branch/main/fep/6fcd/fep-6fcd.md"
_MOVING: Final = "https://docs.joinmastodon.org/user/moving/#export"
_URLS: Final = {
    MANIFEST: f"{_FEP}#manifest-file",
    SIGNATURE: "urn:yurt:archive-signature:1",
    "activitypub/actor.json": "https://www.w3.org/TR/activitypub/#actor-objects",
    "activitypub/outbox.json": "https://www.w3.org/TR/activitystreams-core/#collections",
    **{f"activitypub/{kind.file_name}": _MOVING for kind in CsvKind},
}
MAX_TIME: Final = 8**11 - 1
"""Seconds since 1970: what the header of a tar holds."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file, as the manifest names it."""

    path: str
    size: int
    """Bytes."""
    sha256: bytes

    @classmethod
    def of(cls, path: str, data: bytes) -> "FileEntry":
        """Describe a file."""
        return cls(path, len(data), hashlib.sha256(data).digest())


@dataclass(frozen=True, slots=True)
class ManifestIn:
    """A manifest as it arrived: well formed, and not yet believed."""

    did: Did
    device_id: bytes
    controller: str
    """The actor whose archive it is."""
    time: int
    """When it was made, in seconds since 1970."""
    files: tuple[FileEntry, ...]
    """In the order in which they stand in the archive."""
    data: bytes


@dataclass(frozen=True, slots=True)
class VerifiedManifest:
    """A manifest that a device of its person really signed."""

    manifest: ManifestIn
    record: VerifiedRecord
    """The person's record by which it was verified."""


class _Client(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Short


class _CreatedBy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    controller: Short
    client: _Client


class _Yurt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    did: Short
    device: Short
    time: Integer


class _Meta(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    created: Short
    created_by: _CreatedBy = msgspec.field(name="createdBy")
    yurt: _Yurt = msgspec.field()


class _Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A file (url; size and hash unless it is the manifest's own) or a folder (contents)."""

    url: Short | None = None
    size: Integer | None = None
    sha256: Short | None = None
    contents: "Annotated[dict[str, _Node], msgspec.Meta(max_length=MAX_FILES_OF_FOLDER)] | None" = None


class _ManifestJson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    meta: _Meta
    contents: Annotated[dict[str, _Node], msgspec.Meta(max_length=MAX_FILES_OF_FOLDER)]
    ubc_version: float = msgspec.field(name="ubc-version")


class _SignatureJson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    record: str
    signature: Short


def make_manifest(
    files: Iterable[FileEntry], keys: DeviceKeys, record: VerifiedRecord, *, time: int
) -> ManifestIn:
    """Describe an archive.

    Raises:
        LocalPortabilityError: The device is not listed, or a file that a reader would refuse.
    """
    check_speaks_for(keys, record)
    ordered = sorted(files, key=lambda entry: entry.path)
    yurt = _Yurt(ARCHIVE_VERSION, record.did, base64url.encode(keys.device_id), time)
    by = _CreatedBy(record.record.actor, _Client("Yurt"))
    value = _ManifestJson(_Meta(_created(time), by, yurt), _tree(ordered), UBC_VERSION)
    try:
        return decode_manifest(encode(value))
    except ArchiveError as error:
        raise LocalPortabilityError(error.rule, str(error)) from None


def decode_manifest(data: bytes) -> ManifestIn:
    """Read a manifest without believing it.

    Raises:
        ArchiveError: ``malformedManifest``, ``archiveVersion``, ``archivePath``, ``archiveDouble``, or too
            much of anything (``archiveTooLarge``).
    """
    try:
        value = decode(data, _ManifestJson, limit=MAX_MANIFEST_SIZE)
        yurt = value.meta.yurt
        did, device_id = parse_did(yurt.did), base64url.decode(yurt.device, DEVICE_ID_SIZE)
        created = _created(yurt.time)
    except (GateError, RemoteIdentityError, ValueError, OverflowError):
        raise _malformed() from None
    if yurt.time > MAX_TIME:
        raise _malformed()
    if yurt.v != ARCHIVE_VERSION or value.ubc_version != UBC_VERSION:
        raise ArchiveError("archiveVersion", "the archive is of a version that is not known here")
    if value.meta.created != created:
        raise _malformed()
    files = tuple(sorted(_files(value.contents, ""), key=lambda entry: entry.path))
    _check_files(files)
    return ManifestIn(did, device_id, value.meta.created_by.controller, yurt.time, files, data)


def sign_manifest(manifest: ManifestIn, keys: DeviceKeys, record: VerifiedRecord) -> bytes:
    """Write ``manifest.sig``."""
    signature = base64url.encode(keys.sign(LABEL_ARCHIVE, manifest.data))
    return encode(_SignatureJson(ARCHIVE_VERSION, record.signed.encode().decode(), signature))


def verify_manifest(
    manifest: ManifestIn, signature_file: bytes, known: VerifiedRecord | None = None
) -> VerifiedManifest:
    """Believe a manifest, or say why not.

    Args:
        manifest: As it arrived.
        signature_file: ``manifest.sig``.
        known: The newest record of this person that is known here; it outranks an older one inside.

    Raises:
        ArchiveError: ``malformedSignature``, another person's (``archiveDid``), a record that is not theirs
            (``archiveRecord``), an actor that the record does not name (``archiveActor``), a device that is
            not in it or had expired (``archiveDevice``), not signed by it (``archiveSignature``).
    """
    try:
        value = decode(signature_file, _SignatureJson, limit=MAX_SIGNATURE_FILE_SIZE)
        signature = base64url.decode(value.signature, SIGNATURE_SIZE)
    except (GateError, ValueError):
        raise ArchiveError("malformedSignature", "it is malformed", path=SIGNATURE) from None
    record = _record(value.record, known)
    if value.v != ARCHIVE_VERSION or manifest.did != record.did:
        raise ArchiveError("archiveDid", "the archive says that it is another person's")
    if manifest.controller not in (record.record.actor, *record.record.previous_actors):
        raise ArchiveError("archiveActor", "the archive's actor is not one of its person's")
    match is_signed_by(record, manifest.device_id, manifest.time, LABEL_ARCHIVE, manifest.data, signature):
        case "":
            return VerifiedManifest(manifest, record)
        case "device":
            raise ArchiveError("archiveDevice", "the archive's device is not in the person's record")
        case _:
            raise ArchiveError("archiveSignature", "the archive was not signed by its device, or was changed")


def _record(text: str, known: VerifiedRecord | None) -> VerifiedRecord:
    try:
        record = verify_record(SignedRecord.decode(text.encode()))
    except RemoteIdentityError:
        raise ArchiveError("archiveRecord", "the person record inside is not valid") from None
    if known is None:
        return record
    if known.did != record.did:
        raise ArchiveError("archiveDid", "the archive is another person's than was expected")
    return max(known, record, key=lambda one: one.record.seq)


def _created(time: int) -> str:
    return datetime.fromtimestamp(time, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _tree(files: Iterable[FileEntry]) -> dict[str, _Node]:
    root: dict[str, _Node] = {name: _Node(_URLS[name]) for name in (MANIFEST, SIGNATURE)}
    for entry in files:
        *folders, name = entry.path.split("/")
        here = root
        for folder in folders:
            inside = here.setdefault(folder, _Node(contents={})).contents
            if inside is None:
                raise LocalPortabilityError("archiveDouble", f"{entry.path}: a file and a folder at once")
            here = inside
        if name in here:
            raise LocalPortabilityError("archiveDouble", f"{entry.path}: named twice")
        here[name] = _Node(_URLS.get(entry.path), entry.size, entry.sha256.hex())
    return root


def _files(contents: dict[str, _Node], above: str) -> Iterator[FileEntry]:
    for name, node in contents.items():
        path = check_path(above + name)
        if path in (MANIFEST, SIGNATURE):
            if node != _Node(_URLS[path]):
                raise _malformed()
        elif node.contents is not None and node.size is None and node.sha256 is None:
            yield from _files(node.contents, f"{path}/")
        elif node.contents is None and node.size is not None and _SHA256.fullmatch(node.sha256 or ""):
            yield FileEntry(path, node.size, bytes.fromhex(node.sha256 or ""))
        else:
            raise _malformed()


def _check_files(files: tuple[FileEntry, ...]) -> None:
    check_paths((MANIFEST, SIGNATURE, *(entry.path for entry in files)))
    if len(files) > MAX_FILES or sum(entry.size for entry in files) > MAX_TOTAL_SIZE:
        raise ArchiveError("archiveTooLarge", "the archive holds too much")
    for entry in files:
        if entry.size > MAX_FILE_SIZE:
            raise ArchiveError("archiveTooLarge", f"more than {MAX_FILE_SIZE} bytes", path=entry.path)


def _malformed() -> ArchiveError:
    return ArchiveError("malformedManifest", "it is malformed", path=MANIFEST)
