"""``yurt archive verify FILE``: whose archive it is, and that nobody changed it. No account is needed."""

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from yurt.cli.output import Output
from yurt.client.counted import counted
from yurt.client.errors import UsageError
from yurt.wire.problems import refuse

if TYPE_CHECKING:
    from yurt.identity.signed_record import VerifiedRecord
    from yurt.portability.archive_contents import ArchiveContents

_ID_SHOWN = 8
_KIB = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    verify = actions.add_parser("verify", help="say whose it is, and whether it is as they signed it")
    verify.add_argument("file", metavar="FILE", type=Path, help="what `yurt export --archive FILE` wrote")
    verify.add_argument("--did", metavar="DID", default="", help="whose it must be")
    verify.add_argument(
        "--ask", action="store_true", help="ask their node for their newest person record, and go by that"
    )


def run(args: argparse.Namespace, output: Output) -> int:
    """Verify it."""
    found = _read(args.file, None)
    record = asyncio.run(_newest(found.verified.record)) if args.ask else None
    if record is not None:
        found = _read(args.file, record)
    if args.did and found.verified.record.did != args.did:
        raise refuse("refused", f"it belongs to {found.verified.record.did}", rule="archiveDid")
    output.show(as_json(found, asked=args.ask), "\n".join(lines(found, asked=args.ask)))
    return 0


def _read(path: Path, known: "VerifiedRecord | None") -> "ArchiveContents":
    from yurt.portability.archive_contents import read_contents
    from yurt.portability.errors import ArchiveError

    try:
        with path.expanduser().open("rb") as stream:
            return read_contents(stream, known=known)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except ArchiveError as error:
        raise refuse("refused", f"not as it was signed: {error}", rule=error.rule) from None


async def _newest(record: "VerifiedRecord") -> "VerifiedRecord":
    """Ask the node where the person lives, as far as the archive knows."""
    from yurt.client import paths
    from yurt.client.moving.home import visit
    from yurt.identity.errors import RemoteIdentityError
    from yurt.identity.location import node_of
    from yurt.identity.signed_record import SignedRecord, verify_record
    from yurt.wire.device_commands import OwnRecord, PublishedRecord

    node = node_of(record.record.actor)
    async with visit(node, paths.load_network(paths.network_path())) as ask:
        answer = await ask(OwnRecord(record.did), PublishedRecord)
    try:
        return verify_record(SignedRecord.decode(answer.record))
    except RemoteIdentityError as error:
        raise refuse("peerRefused", f"{node}: {error}", rule=error.rule) from None


def lines(found: "ArchiveContents", *, asked: bool) -> list[str]:
    """Say it for people."""
    from yurt.client.vault.accounts import address_of

    manifest, record = found.verified.manifest, found.verified.record
    made = f"{datetime.fromtimestamp(manifest.time, UTC):%Y-%m-%d %H:%M} UTC"
    told = [
        f"As it was signed: every byte of {counted(len(manifest.files), 'file')}, {_size(found.size)}.",
        f"It belongs to {address_of(manifest.controller)}, {record.did}.",
        f"Signed by their device {manifest.device_id.hex()[:_ID_SHOWN]} on {made}, "
        f"which their person record {record.record.seq} lists.",
        f"  {counted(found.posts, 'post')}, {counted(found.ties, 'tie')}",
        *(f"  {kind.file_name}: {counted(rows, 'row')}" for kind, rows in sorted(found.rows.items())),
    ]
    if found.sealed:
        told.append(f"  history: {counted(found.sealed, 'sealed file')}")
    told += [f"  {path}: as it was signed, and cannot be read" for path in found.unreadable]
    return [*told, "Not proved:", *(f"  {one}" for one in not_proved(found, asked=asked))]


def not_proved(found: "ArchiveContents", *, asked: bool) -> list[str]:
    """Say what whoever reads it must not take from it."""
    told = ["when it was made: that is the device's own word"]
    if not asked:
        told.append("that the device has not been revoked since (--ask asks their node)")
    if not found.is_actor_proved:
        told.append(
            f"that {found.verified.manifest.controller} is theirs: the archive shows no statement of it"
        )
    told.append(
        "that others agree: ties and posts are its person's word alone, and something may be left out"
    )
    if found.sealed:
        told.append("what was said in rooms: only their 24 words open the history")
    return told


def as_json(found: "ArchiveContents", *, asked: bool) -> dict[str, object]:
    """Say it for programs."""
    manifest, record = found.verified.manifest, found.verified.record
    return {
        "did": record.did,
        "actor": manifest.controller,
        "actor_proved": found.is_actor_proved,
        "device": manifest.device_id,
        "time": manifest.time,
        "record_seq": record.record.seq,
        "asked": asked,
        "files": len(manifest.files),
        "bytes": found.size,
        "posts": found.posts,
        "ties": found.ties,
        "rows": {kind.value: rows for kind, rows in sorted(found.rows.items())},
        "sealed_files": found.sealed,
        "unreadable": list(found.unreadable),
        "not_proved": not_proved(found, asked=asked),
    }


def _size(size: int) -> str:
    return counted(size, "byte") if size < _KIB else f"{size / _KIB:,.0f} KiB"
