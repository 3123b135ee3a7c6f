"""The archive: everything of a person in one file that anybody can verify (FEP-6fcd).

A tar of ``manifest.yml``, ``manifest.sig`` and then the files in the order of their names. The manifest
decides every byte after it, headers included; so reading is comparing, nothing of a hostile header is
ever obeyed, and an edit anywhere is found. gzip around it is another layer, and bounded too.

    for chunk in write_archive(entries, read, keys, record, time=now): ...
    reader = ArchiveReader(stream, known=record)      # the manifest is verified here
    for entry, data in reader: ...                    # each file before it is handed over
    verify_archive(stream)                            # all of it, keeping nothing

Whoever imports verifies the whole first, and reads it a second time: a file that is handed over is as its
device signed it, and still the archive may be cut off behind it.
"""

import hashlib
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import BinaryIO, Final, Protocol

from yurt.identity.device import DeviceKeys
from yurt.identity.signed_record import VerifiedRecord
from yurt.portability.archive_manifest import (
    MANIFEST,
    MAX_MANIFEST_SIZE,
    MAX_SIGNATURE_FILE_SIZE,
    SIGNATURE,
    FileEntry,
    ManifestIn,
    VerifiedManifest,
    decode_manifest,
    make_manifest,
    sign_manifest,
    verify_manifest,
)
from yurt.portability.archive_path import check_path, shown
from yurt.portability.errors import ArchiveError, LocalPortabilityError

MAX_RATIO: Final = 100
"""gzip: bytes out for each byte in; text has 5 to 10."""
_BLOCK: Final = tarfile.BLOCKSIZE
_RECORD: Final = tarfile.RECORDSIZE
_CHUNK: Final = 64 * 1024
_FREE: Final = 1024 * 1024
"""Bytes out before the ratio counts."""
_GZIP: Final = b"\x1f\x8b"
_MODE: Final = 0o644


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def write_archive(
    entries: Sequence[FileEntry],
    read: Callable[[str], bytes],
    keys: DeviceKeys,
    record: VerifiedRecord,
    *,
    time: int,
) -> Iterator[bytes]:
    """Write an archive, file by file.

    Args:
        entries: What stands in it; sizes and hashes stand at its beginning, so they must be known.
        read: Gives the bytes of a file by its path; called once for each, in order.
        keys: The device that signs.
        record: The person's newest record, which lists the device.
        time: Now, in seconds since 1970.

    Yields:
        The tar, in pieces.

    Raises:
        LocalPortabilityError: A file that a reader would refuse, or that changed since it was hashed.
    """
    manifest = make_manifest(entries, keys, record, time=time)
    written = 0
    for path, data in _contents(manifest, read, sign_manifest(manifest, keys, record)):
        piece = _header(path, len(data), time) + data + bytes(-len(data) % _BLOCK)
        written += len(piece)
        yield piece
    yield bytes(_end_size(written))


def build_archive(
    files: Mapping[str, bytes], keys: DeviceKeys, record: VerifiedRecord, *, time: int
) -> bytes:
    """Write a small archive at once; see `write_archive`."""
    entries = [FileEntry.of(path, data) for path, data in files.items()]
    return b"".join(write_archive(entries, files.__getitem__, keys, record, time=time))


class ArchiveReader:
    """Reads an archive from a stream, once, and writes nothing anywhere.

    Memory is bounded by the largest file that an archive may hold (8 MiB), whatever the stream says.
    """

    def __init__(self, stream: BinaryIO, *, known: VerifiedRecord | None = None) -> None:
        """Verify the manifest.

        Args:
            stream: The tar, or its gzip; need not be seekable.
            known: The newest record known here of the person whose archive it should be.

        Raises:
            ArchiveError: See `decode_manifest`, `verify_manifest`; or not a tar that begins with a manifest
                (``malformedArchive``), cut off (``archiveTruncated``), or a bomb (``archiveBomb``).
        """
        self._tar = _opened(stream)
        manifest_block = self._read(_BLOCK)
        manifest = decode_manifest(self._data(manifest_block, MANIFEST, MAX_MANIFEST_SIZE))
        self._check_header(manifest_block, MANIFEST, len(manifest.data), manifest.time)
        block = self._read(_BLOCK)
        signature = self._data(block, SIGNATURE, MAX_SIGNATURE_FILE_SIZE)
        self._check_header(block, SIGNATURE, len(signature), manifest.time)
        self._verified = verify_manifest(manifest, signature, known)

    @property
    def verified(self) -> VerifiedManifest:
        """Whose archive this is, and what is in it."""
        return self._verified

    def __iter__(self) -> Iterator[tuple[FileEntry, bytes]]:
        """Hand over each file after it was compared with its hash; at the end, check the end.

        Raises:
            ArchiveError: A name that is not plain (``archivePath``), a link (``archiveLink``), something
                that is no file (``archiveSpecial``), a file that the manifest does not name or that stands
                elsewhere (``archiveUnlisted``), of another size (``archiveSize``), changed
                (``archiveHash``), another header (``archiveHeader``), bytes behind the end
                (``archiveTrailing``), or cut off (``archiveTruncated``).
        """
        manifest = self._verified.manifest
        for entry in manifest.files:
            block = self._read(_BLOCK)
            self._check_header(block, entry.path, entry.size, manifest.time)
            data = self._padded(entry.size, entry.path)
            if hashlib.sha256(data).digest() != entry.sha256:
                raise ArchiveError("archiveHash", "it was changed", path=entry.path)
            yield entry, data
        self._check_end()

    def _data(self, block: bytes, path: str, limit: int) -> bytes:
        """Read one of the two files whose size only their header tells."""
        size = _described(block, path).size
        if size > limit:
            raise ArchiveError("archiveTooLarge", f"more than {limit} bytes", path=path)
        return self._padded(size, path)

    def _padded(self, size: int, path: str) -> bytes:
        data = self._read(size)
        if any(self._read(-size % _BLOCK)):
            raise ArchiveError("archiveHeader", "something hides behind it", path=path)
        return data

    def _check_header(self, block: bytes, path: str, size: int, time: int) -> None:
        if block == _header(path, size, time):
            return
        described = _described(block, path)
        if described.size != size:
            raise ArchiveError("archiveSize", "it has another size than the manifest says", path=path)
        raise ArchiveError("archiveHeader", "its header was changed", path=path)

    def _check_end(self) -> None:
        rest = self._read(_end_size(self._tar.count))
        if any(rest[:_BLOCK]):
            path = _described(rest[:_BLOCK], "").name
            raise ArchiveError("archiveUnlisted", "the manifest does not name it", path=shown(path))
        if any(rest) or self._tar.read(1):
            raise ArchiveError("archiveTrailing", "something stands behind the archive's end")

    def _read(self, size: int) -> bytes:
        data = self._tar.read(size)
        if len(data) != size:
            raise ArchiveError("archiveTruncated", "the archive ends too early")
        return data


def verify_archive(stream: BinaryIO, *, known: VerifiedRecord | None = None) -> VerifiedManifest:
    """Read a whole archive and keep nothing; what comes back is true of all of it.

    Raises:
        ArchiveError: See `ArchiveReader`.
    """
    reader = ArchiveReader(stream, known=known)
    for _ in reader:
        pass
    return reader.verified


class _Plain:
    """A stream that gives what is asked for, if it has it, and counts."""

    def __init__(self, stream: _Readable, ahead: bytes = b"") -> None:
        self._stream = stream
        self._ahead = ahead
        self.count = 0

    def read(self, size: int) -> bytes:
        pieces = [self._ahead[:size]]
        self._ahead = self._ahead[size:]
        missing = size - len(pieces[0])
        while missing and (piece := self._stream.read(min(missing, _CHUNK))):
            pieces.append(piece)
            missing -= len(piece)
        self.count += size - missing
        return b"".join(pieces)


class _Gunzip:
    """One gzip member, unpacked in small steps; a bomb is noticed on the way."""

    def __init__(self, stream: _Readable) -> None:
        self._stream = stream
        self._unpack = zlib.decompressobj(wbits=31)
        self._in = self._out = 0

    def read(self, size: int) -> bytes:
        while not self._unpack.eof:
            packed = self._unpack.unconsumed_tail or self._stream.read(_CHUNK)
            if not packed:
                raise ArchiveError("archiveTruncated", "the archive ends too early")
            self._in += 0 if self._unpack.unconsumed_tail else len(packed)
            try:
                data = self._unpack.decompress(packed, size)
            except zlib.error:
                raise ArchiveError("malformedArchive", "the gzip around the archive is damaged") from None
            self._out += len(data)
            if self._out > _FREE + MAX_RATIO * self._in:
                raise ArchiveError("archiveBomb", "it would unpack to far more than it is")
            if data:
                return data
        if self._unpack.unused_data or self._stream.read(1):
            raise ArchiveError("archiveTrailing", "something stands behind the archive's end")
        return b""


def _opened(stream: BinaryIO) -> _Plain:
    plain = _Plain(stream)
    start = plain.read(len(_GZIP))
    ahead = _Plain(stream, start)
    return _Plain(_Gunzip(ahead)) if start == _GZIP else ahead


def _contents(
    manifest: ManifestIn, read: Callable[[str], bytes], signature: bytes
) -> Iterator[tuple[str, bytes]]:
    yield MANIFEST, manifest.data
    yield SIGNATURE, signature
    for entry in manifest.files:
        data = read(entry.path)
        if FileEntry.of(entry.path, data) != entry:
            raise LocalPortabilityError("archiveHash", f"{entry.path} changed while it was packed")
        yield entry.path, data


def _header(path: str, size: int, time: int) -> bytes:
    """The one header that a file may have (POSIX ustar)."""
    info = tarfile.TarInfo(path)
    info.size, info.mtime, info.mode = size, time, _MODE
    return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


def _end_size(written: int) -> int:
    """Zeros at the end: two blocks, then up to a whole record, as tar does."""
    return 2 * _BLOCK + -(written + 2 * _BLOCK) % _RECORD


def _described(block: bytes, path: str) -> tarfile.TarInfo:
    """Read a header only to say what is wrong with it.

    Raises:
        ArchiveError: Anything but a plain file of this name.
    """
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        raise ArchiveError("malformedArchive", "not a tar, or a damaged one", path=path) from None
    name = shown(info.name)
    if info.issym() or info.islnk():
        raise ArchiveError("archiveLink", "a link has no place in an archive", path=name)
    if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
        raise ArchiveError("archiveSpecial", "not a plain file", path=name)
    if info.size < 0:
        raise ArchiveError("malformedArchive", "less than nothing", path=name)
    check_path(info.name)
    if path and info.name != path:
        raise ArchiveError("archiveUnlisted", f"{path} should stand here", path=name)
    return info
