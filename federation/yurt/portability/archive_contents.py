"""What a stranger learns of somebody's archive: whose it is, what is in it, and what nothing in it proves.

The archive is verified as a whole; then its files are looked into, one after the other, and nothing is kept
of them. What is in there is its person's own word: a device of theirs signed it. The other ends of ties, and
whoever is answered in posts, have signed nothing::

    contents = read_contents(stream)               # or, with the newest record that is known: known=record
    contents.verified.record.did, contents.is_actor_proved, contents.posts, contents.rows
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

import msgspec

from yurt.activitypub.actors import parse_actor
from yurt.activitypub.errors import RemoteActivityPubError
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.signed_record import VerifiedRecord
from yurt.identity.statement import verify_statement
from yurt.portability.archive import ArchiveReader, verify_archive
from yurt.portability.archive_history import FOLDER
from yurt.portability.archive_manifest import MAX_FILE_SIZE, VerifiedManifest
from yurt.portability.csv_files import decode_csv
from yurt.portability.csv_rows import CsvKind
from yurt.portability.errors import CsvError, RosterError
from yurt.portability.roster import verify_roster
from yurt.wire.errors import GateError
from yurt.wire.gate import decode_json, parse_object

ACTOR: Final = "activitypub/actor.json"
OUTBOX: Final = "activitypub/outbox"
"""How the names of the outbox's files begin."""
ROSTER: Final = "yurt/roster.jsonl"


@dataclass(frozen=True, slots=True)
class ArchiveContents:
    """An archive that is as a device of its person signed it."""

    verified: VerifiedManifest
    rows: Mapping[CsvKind, int]
    """Rows of each CSV in it."""
    posts: int
    ties: int
    """In the roster, which the device signed as well."""
    sealed: int
    """Files of history, which only the phrase opens."""
    is_actor_proved: bool
    """Whether the actor's document in it holds the identity key's statement that it is theirs (FEP-c390)."""
    unreadable: tuple[str, ...]
    """Files that are as they were signed, and hold nothing that can be read."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.verified.manifest.files)


class _Outbox(msgspec.Struct, frozen=True):
    ordered_items: list[msgspec.Raw] = msgspec.field(name="orderedItems")


def read_contents(stream: BinaryIO, *, known: VerifiedRecord | None = None) -> ArchiveContents:
    """Verify an archive and look into it.

    Args:
        stream: Seekable: it is read twice, since a file that is handed over is as signed, and the archive may
            be cut off behind it.
        known: The newest record known of its person: devices that it shuts out count no more.

    Raises:
        ArchiveError: See `yurt.portability.archive.ArchiveReader`.
    """
    verified = verify_archive(stream, known=known)
    stream.seek(0)
    look = _Look(verified)
    for entry, data in ArchiveReader(stream, known=known):
        look.into(entry.path, data)
    return ArchiveContents(
        verified=verified,
        rows=look.rows,
        posts=look.posts,
        ties=look.ties,
        sealed=look.sealed,
        is_actor_proved=look.is_actor_proved,
        unreadable=tuple(look.unreadable),
    )


class _Look:
    """Counts, file by file."""

    def __init__(self, verified: VerifiedManifest) -> None:
        self._verified = verified
        self.rows: dict[CsvKind, int] = {}
        self.posts = self.ties = self.sealed = 0
        self.is_actor_proved = False
        self.unreadable: list[str] = []

    def into(self, path: str, data: bytes) -> None:
        """Look into one file; one that cannot be read proves as much as any other."""
        try:
            if path == ACTOR:
                self.is_actor_proved = self._proves_actor(data)
            elif path == ROSTER:
                self.ties = len(verify_roster(data, self._verified.record).ties)
            elif path.startswith(FOLDER):
                self.sealed += 1
            elif path.startswith(OUTBOX):
                self.posts += len(decode_json(data, _Outbox, limit=MAX_FILE_SIZE).ordered_items)
            elif (kind := _kind(path)) is not None:
                self.rows[kind] = len(decode_csv(data, kind=kind).rows) if data else 0
        except (GateError, CsvError, RosterError, RemoteActivityPubError):
            self.unreadable.append(path)

    def _proves_actor(self, data: bytes) -> bool:
        manifest = self._verified.manifest
        actor = parse_actor(parse_object(data, limit=MAX_FILE_SIZE), manifest.controller)
        try:
            return verify_statement(actor.statement, actor.id) == manifest.did
        except RemoteIdentityError:
            return False


def _kind(path: str) -> CsvKind | None:
    return next((kind for kind in CsvKind if path == f"activitypub/{kind.file_name}"), None)
