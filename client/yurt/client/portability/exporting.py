"""Exporting: Mastodon's files, our followers, the signed archive, and the ego network for other programs."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.portability.calls import Export, ExportedFile, ExportView
from yurt.client.portability.gathering import gather, kit_rooms
from yurt.client.portability.importing import own_record
from yurt.client.portability.writing import check_new, write_new
from yurt.client.vault import kits, timeline
from yurt.portability.archive import write_archive
from yurt.portability.archive_history import OldMessage, seal_history
from yurt.portability.archive_manifest import FileEntry
from yurt.portability.ego_network import Pseudonyms, encode_edges, encode_graphml
from yurt.portability.kit_keys import decode_kit_public
from yurt.portability.roster import Tie, sign_roster
from yurt.wire.portability_commands import MyDocuments, OwnDocuments
from yurt.wire.problems import refuse

PAGE: Final = 2_000
_FOLDER_MODE: Final = 0o700
_MAX_POST_PAGES: Final = 1_000


class Exporting:
    """Writes this person's network into files."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def export(self, call: Export) -> ExportView:
        """Write one kind of export."""
        path = Path(call.path)
        match call.kind:
            case "csv":
                return await self._csv(path)
            case "archive":
                return await self._archive(path)
            case _:
                return await self._graph(call, path)

    async def _csv(self, folder: Path) -> ExportView:
        network = await gather(self._core.session, self._core.now_s)
        files = network.csv_files()

        def write() -> tuple[ExportedFile, ...]:
            try:
                folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            except OSError as error:
                raise refuse("refused", f"the folder cannot be made: {error.strerror}") from None
            for kind in files:
                if (folder / kind.file_name).exists():
                    raise refuse(
                        "refused",
                        f"{kind.file_name} is in that folder already: name a new one",
                        rule="fileExists",
                    )
            for kind, data in files.items():
                write_new(folder / kind.file_name, [data])
            return tuple(
                ExportedFile(path=str(folder / kind.file_name), rows=len(network.rows[kind]))
                for kind in files
            )

        return ExportView(files=await asyncio.to_thread(write))

    async def _graph(self, call: Export, path: Path) -> ExportView:
        network, account = await gather(self._core.session, self._core.now_s), self._core.account
        me = Tie(actor=account.actor, address=account.address, software="yurt")
        pseudonyms = Pseudonyms(os.urandom(32)) if call.pseudonyms else None
        encode = encode_graphml if call.kind == "graphml" else encode_edges
        data = encode(me, network.ties, pseudonyms=pseudonyms)
        await asyncio.to_thread(write_new, path, [data])
        return ExportView(files=(ExportedFile(path=str(path), rows=len(network.ties)),))

    async def _archive(self, path: Path) -> ExportView:
        core = self._core
        await asyncio.to_thread(check_new, path)
        kit = await core.vault.read(kits.load)
        if kit is None:
            raise refuse(
                "refused", "your history cannot be sealed yet: run `yurt kit save FILE` once", rule="noKit"
            )
        network = await gather(core.session, core.now_s)
        documents = await self._documents()
        rooms = await core.vault.write(lambda tx: kit_rooms(tx, core.groups))
        messages = await core.vault.read(_messages)
        public = decode_kit_public(kit.public, own_record(core).did)
        record, keys, now_s = own_record(core), core.device.keys, core.now_s

        def write() -> ExportView:
            with tempfile.TemporaryDirectory(prefix=".yurt-export-", dir=path.parent) as name:
                room = _Room(Path(name))
                for inside, data in documents.items():
                    room.put(inside, data)
                for kind, data in network.csv_files().items():
                    room.put(f"activitypub/{kind.file_name}", data)
                room.put("yurt/roster.jsonl", sign_roster(network.ties, keys, record, time=now_s))
                for inside, data in seal_history(public, rooms, messages):
                    room.put(inside, data)
                write_new(path, write_archive(room.entries, room.read, keys, record, time=now_s))
                files = ExportedFile(path=str(path), rows=len(network.ties))
                return ExportView(files=(files,), messages=len(messages))

        try:
            return await asyncio.to_thread(write)
        except OSError as error:
            raise refuse("refused", f"the archive cannot be written: {error.strerror}") from None

    async def _documents(self) -> dict[str, bytes]:
        """The actor, and the outbox as one collection."""
        posts: list[bytes] = []
        before = 0
        actor = b""
        for _ in range(_MAX_POST_PAGES):
            page = await self._core.session.call(MyDocuments(before), OwnDocuments)
            actor, before = page.actor, page.next
            posts += page.posts
            if not before:
                break
        return {"activitypub/actor.json": actor, **_outbox(self._core.account.actor, posts)}


class _Room:
    """Room on the disk for what an archive holds: sizes and hashes stand at its beginning."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.entries: list[FileEntry] = []

    def put(self, inside: str, data: bytes) -> None:
        self.entries.append(FileEntry.of(inside, data))
        self._place(inside).write_bytes(data)

    def read(self, inside: str) -> bytes:
        return self._place(inside).read_bytes()

    def _place(self, inside: str) -> Path:
        return self._folder / hashlib.sha256(inside.encode()).hexdigest()


def _messages(tx: Connection) -> list[OldMessage]:
    """Every message of the vault that was not taken back, in the order in which they came."""
    return list(_every_message(tx))


def _every_message(tx: Connection) -> Iterator[OldMessage]:
    after = 0
    while page := timeline.page(tx, None, after, PAGE):
        after = page[-1].item
        for item in page:
            if item.kind == "message" and item.position is not None and not item.deleted_by:
                yield OldMessage(
                    item.room,
                    item.did,
                    item.address,
                    item.content_id,
                    item.text,
                    item.position.term,
                    item.position.seq,
                    item.accepted_at,
                    item.reply_did,
                    item.reply_id,
                    item.edited,
                )


def _outbox(actor: str, posts: list[bytes]) -> dict[str, bytes]:
    """ActivityStreams collections of at most 4 MiB, the first one under the FEP's name."""
    files: dict[str, bytes] = {}
    chunk: list[bytes] = []
    size = 0
    for post in [*posts, None]:
        if post is None or size + len(post) > 4 * 1024 * 1024:
            number = len(files)
            name = "outbox" if number == 0 else f"outbox-{number:03}"
            head = (
                f'{{"@context":"https://www.w3.org/ns/activitystreams","id":"{actor}/outbox",'
                f'"type":"OrderedCollection","totalItems":{len(posts)},"orderedItems":['
            )
            files[f"activitypub/{name}.json"] = head.encode() + b",".join(chunk) + b"]}"
            chunk, size = [], 0
        if post is not None:
            chunk.append(post)
            size += len(post)
    return files
