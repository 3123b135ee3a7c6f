"""A file that somebody wants to import: read whole, judged, and nothing of it written anywhere.

A CSV, a folder of them, a zip of them (another server's archive), or our signed archive. What kind of file it
is its bytes say, never its name.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Final

from yurt.identity.signed_record import VerifiedRecord
from yurt.portability.archive import ArchiveReader, verify_archive
from yurt.portability.csv_files import CsvFile, decode_csv, guess_kind
from yurt.portability.csv_rows import CsvKind
from yurt.portability.csv_text import MAX_CSV_SIZE
from yurt.portability.errors import CsvError, RemotePortabilityError
from yurt.portability.plan import ORDER
from yurt.portability.zip_read import read_zip
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.sanitise import clean_line

_TAR_MAGIC: Final = b"ustar"
_TAR_MAGIC_AT: Final = 257
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK"
CSV_FOLDER: Final = "activitypub/"
HISTORY_FOLDER: Final = "history/"
_FOLLOWERS: Final = "followers cannot be imported: they follow of their own accord (`yurt move` brings them)"


@dataclass(frozen=True, slots=True)
class Source:
    """What a file holds."""

    files: tuple[CsvFile, ...]
    digest: bytes
    """SHA-256 of what was read."""
    signed_by: VerifiedRecord | None = None
    """Whose archive it is."""
    sealed: int = 0
    """Sealed files of history in it."""
    names: tuple[str, ...] = field(default=())
    aside: tuple[str, ...] = ()
    """Files that are left out, each as one line with its reason."""


def read_source(path: Path, kind: CsvKind | None, local: str, known: VerifiedRecord) -> Source:
    """Read a file.

    Args:
        path: CSV, folder, zip or archive.
        kind: What the person says that a CSV is.
        local: Domain of names that have none.
        known: The own newest record: an archive must be one's own.

    Raises:
        ProblemError: `refused` with the rule, or `notFound`.
    """
    try:
        if path.is_dir():
            return _of_pairs(_folder(path), local)
        with path.open("rb") as stream:
            return _of_file(path, stream, kind, local, known)
    except OSError as error:
        raise refuse("notFound", f"{clean_line(str(path))} cannot be read: {error.strerror}") from None
    except RemotePortabilityError as error:
        raise _refused(error) from None


def sealed_history(path: Path, known: VerifiedRecord) -> Iterator[tuple[str, bytes]]:
    """Give the sealed files of an archive, after all of it was verified.

    Raises:
        ArchiveError: Not an archive, or not this person's, or changed.
    """
    with path.open("rb") as stream:
        verify_archive(stream, known=known)
        stream.seek(0)
        for entry, data in ArchiveReader(stream, known=known):
            if entry.path.startswith(HISTORY_FOLDER):
                yield entry.path, data


def _of_file(path: Path, stream: BinaryIO, kind: CsvKind | None, local: str, known: VerifiedRecord) -> Source:
    head = stream.read(_TAR_MAGIC_AT + len(_TAR_MAGIC))
    stream.seek(0)
    if head.startswith(_ZIP):
        return _of_pairs(_csvs(read_zip(stream)), local)
    if head.startswith(_GZIP) or head[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC):
        return _archive(stream, local, known)
    data = stream.read(MAX_CSV_SIZE + 1)
    file = decode_csv(data, kind=kind, file_name=path.name, local=local)
    if file.kind not in ORDER:
        raise CsvError("csvKind", _FOLLOWERS)
    return Source((file,), hashlib.sha256(data).digest(), names=(path.name,))


def _archive(stream: BinaryIO, local: str, known: VerifiedRecord) -> Source:
    # All of it first: a file that is handed over is as signed, and the archive may be cut off behind it.
    verified = verify_archive(stream, known=known)
    stream.seek(0)
    found: list[tuple[str, bytes]] = []
    sealed = 0
    for entry, data in ArchiveReader(stream, known=known):
        if entry.path.startswith(HISTORY_FOLDER):
            sealed += 1
        elif entry.path.startswith(CSV_FOLDER) and entry.path.endswith(".csv"):
            found.append((entry.path.removeprefix(CSV_FOLDER), data))
    source = _of_pairs(found, local)
    digest = hashlib.sha256(verified.manifest.data).digest()
    return replace(source, digest=digest, signed_by=verified.record, sealed=sealed)


def _of_pairs(pairs: Iterable[tuple[str, bytes]], local: str) -> Source:
    files: dict[CsvKind, CsvFile] = {}
    digest, names, aside = hashlib.sha256(), list[str](), list[str]()
    for name, data in pairs:
        kind = guess_kind((), name)
        if why := _left_out(kind, data):
            aside.append(f"{name}: {why}")
        if kind is None or why:
            continue
        digest.update(len(name).to_bytes(4, "big") + name.encode() + hashlib.sha256(data).digest())
        if kind in files:
            raise CsvError("csvDouble", f"two files hold {kind.value}")
        files[kind] = decode_csv(data, kind=kind, file_name=name, local=local)
        names.append(name)
    if not files and not names:
        raise CsvError("csvKind", "there is no CSV in it that can be imported")
    return Source(tuple(files.values()), digest.digest(), names=tuple(names), aside=tuple(aside))


def _left_out(kind: CsvKind | None, data: bytes) -> str:
    """Say why a file of several is left out; empty if it is not."""
    if kind is None:
        return "its name is not that of a file to import"
    if kind not in ORDER:
        return _FOLLOWERS
    return "" if data.strip() else "it is empty"


def _folder(path: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path.iterdir()):
        if file.suffix == ".csv" and file.is_file() and not file.is_symlink():
            with file.open("rb") as stream:
                yield file.name, stream.read(MAX_CSV_SIZE + 1)


def _csvs(pairs: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    for name, data in pairs:
        if name.endswith(".csv"):
            yield name.rpartition("/")[2], data


def _refused(error: RemotePortabilityError) -> ProblemError:
    return refuse("refused", str(error), rule=error.rule)


def refusing(error: RemotePortabilityError) -> ProblemError:
    """Say a refusal of the federation wing to whoever asked."""
    return _refused(error)
