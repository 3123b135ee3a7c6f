"""Reads a zip from outside (other servers' archives), bounded, and writes nothing anywhere.

Everything is judged by the central directory before a byte is unpacked: number, names, kinds, sizes,
ratios, overlaps (the way of the smallest bombs). The directory itself is measured before the library
reads it. Nothing in a zip is signed, so nothing that is read here proves anything.

    for path, data in read_zip(stream): ...
"""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO, Final

from yurt.portability.archive_path import MAX_PATH, shown
from yurt.portability.errors import ArchiveError

_END: Final = b"PK\x05\x06"
_END_SIZE: Final = 22
_END_64: Final = b"PK\x06\x07"
_END_64_SIZE: Final = 20
_MAX_COMMENT: Final = 0xFFFF
_CHUNK: Final = 64 * 1024
_ENCRYPTED: Final = 0x1
_LOCAL_HEADER: Final = 30


@dataclass(frozen=True, slots=True)
class ZipCaps:
    """How much of a zip is read."""

    files: int = 5_000
    directory: int = 1024 * 1024
    """Bytes of the central directory; the library needs ten times as much for it."""
    file: int = 8 * 1024 * 1024
    """Bytes of one file, unpacked: what is handed over at once."""
    total: int = 2 * 1024**3
    ratio: int = 200
    """Bytes out for each byte in, of any file over 1 MiB."""


def read_zip(stream: BinaryIO, *, caps: ZipCaps | None = None) -> Iterator[tuple[str, bytes]]:
    """Read the files of a zip, in the order of its directory; folders are passed over.

    Args:
        stream: Seekable.
        caps: How much is read.

    Raises:
        ArchiveError: ``malformedArchive``, ``archiveTooLarge``, ``archiveBomb``, ``archivePath``,
            ``archiveDouble``, ``archiveLink``, ``archiveSpecial``, ``archiveEncrypted`` or ``archiveHash``.
    """
    caps = caps or ZipCaps()
    _check_directory_size(stream, caps)
    try:
        with zipfile.ZipFile(stream) as opened:
            # Not `is_dir`, which fails at an empty name; `_check_one` refuses that.
            infos = [info for info in opened.infolist() if not info.filename.endswith("/")]
            _check_all(infos, caps)
            for info in infos:
                yield info.filename, _read(opened, info)
    except (zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, EOFError, ValueError, OSError):
        raise ArchiveError("malformedArchive", "not a zip, or a damaged one") from None


def _check_directory_size(stream: BinaryIO, caps: ZipCaps) -> None:
    """Find the end record where `zipfile` will find it, and measure what it announces."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - _END_SIZE - _MAX_COMMENT - _END_64_SIZE))
    tail = stream.read()
    at = len(tail) - _END_SIZE
    if at < 0 or not (tail[at:].startswith(_END) and tail.endswith(b"\0\0")):
        at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        raise ArchiveError("malformedArchive", "not a zip, or a damaged one")
    # A zip64 locator would take the library elsewhere; nothing that is allowed here needs it.
    if tail[max(0, at - _END_64_SIZE) : at].startswith(_END_64):
        raise ArchiveError("archiveTooLarge", "a zip in the 64-bit form")
    count = int.from_bytes(tail[at + 10 : at + 12], "little")
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    if count > caps.files or directory > caps.directory:
        raise ArchiveError("archiveTooLarge", f"more than {caps.files} files, or a directory without end")
    stream.seek(0)


def _check_all(infos: list[zipfile.ZipInfo], caps: ZipCaps) -> None:
    names: set[str] = set()
    for info in infos:
        _check_one(info, caps)
        if info.filename.lower() in names:
            raise ArchiveError("archiveDouble", "named twice", path=shown(info.filename))
        names.add(info.filename.lower())
    if len(infos) > caps.files or sum(info.file_size for info in infos) > caps.total:
        raise ArchiveError("archiveTooLarge", "the zip holds too much")
    ordered = sorted(infos, key=lambda info: info.header_offset)
    for one, other in pairwise(ordered):
        if one.header_offset + _LOCAL_HEADER + one.compress_size > other.header_offset:
            raise ArchiveError("archiveBomb", "two files share their bytes", path=shown(one.filename))


def _check_one(info: zipfile.ZipInfo, caps: ZipCaps) -> None:
    path = shown(info.filename)
    if _leads_elsewhere(info.filename) or _leads_elsewhere(info.orig_filename):
        raise ArchiveError("archivePath", "a name that leads elsewhere", path=path)
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise ArchiveError("archiveLink", "a link has no place in an archive", path=path)
    if kind not in (0, stat.S_IFREG):
        raise ArchiveError("archiveSpecial", "not a plain file", path=path)
    if info.flag_bits & _ENCRYPTED:
        raise ArchiveError("archiveEncrypted", "it is encrypted", path=path)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArchiveError("malformedArchive", "packed in a way that is not read here", path=path)
    if info.file_size > caps.file:
        raise ArchiveError("archiveTooLarge", f"more than {caps.file} bytes", path=path)
    if info.file_size > max(1024 * 1024, caps.ratio * info.compress_size):
        raise ArchiveError("archiveBomb", "it would unpack to far more than it is", path=path)


def _leads_elsewhere(name: str) -> bool:
    parts = name.split("/")
    return (
        len(name) > 2 * MAX_PATH
        or not name.isprintable()
        or any(character in name for character in '\\:*?"<>|')
        or any(part in ("", ".", "..") for part in parts)
    )


def _read(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    pieces: list[bytes] = []
    size = 0
    with opened.open(info) as file:
        # The library stops at the announced size, and compares the checksum at the end.
        while piece := file.read(_CHUNK):
            size += len(piece)
            pieces.append(piece)
    if size != info.file_size:
        raise ArchiveError("archiveHash", "it has another size than its zip says", path=shown(info.filename))
    return b"".join(pieces)
