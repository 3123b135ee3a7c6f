"""`backup`: everything that makes a node, in one file (mode 0600), while the node runs.

The file is a tar archive of `manifest.json`, `node.toml`, the keys and a `VACUUM INTO` copy of the database,
sealed under a passphrase if one is given (`sealed_file`). It is written beside its name and renamed when it
is whole and on the disk; a file that stands is never replaced.
"""

import asyncio
import os
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

import msgspec

from yurt.node import config as configuration
from yurt.node.admin.opened import opened_store
from yurt.node.admin.sealed_file import SealedWriter
from yurt.node.clock import Clock
from yurt.node.config import CONFIG_NAME, ConfigError
from yurt.node.keys import KEYS_DIRECTORY
from yurt.node.store.copy import copy_database
from yurt.node.store.figures import BACKUP_AT, set_fact
from yurt.node.store.sqlite import DATABASE_NAME

MANIFEST_NAME: Final = "manifest.json"
FORMAT: Final = 1


class Manifest(msgspec.Struct, frozen=True):
    """What a backup says about itself."""

    format: int
    domain: str
    made_at: int
    """Seconds since 1970."""


async def back_up(data: Path, clock: Clock, out: Path, passphrase: str = "") -> Manifest:
    """Write a backup of a node; it may run meanwhile.

    Raises:
        ConfigError: there is no node, or the file stands already or cannot be written.
        StoreError: the database cannot be copied.
    """
    config = configuration.load(data)
    manifest = Manifest(FORMAT, config.domain, clock.now_s())
    await asyncio.to_thread(_write, data, manifest, out, passphrase)
    async with opened_store(data) as store:
        await store.write(lambda tx: set_fact(tx, BACKUP_AT, manifest.made_at))
    return manifest


def _write(data: Path, manifest: Manifest, out: Path, passphrase: str) -> None:
    out = out.absolute()
    if out.exists():
        raise ConfigError(f"{out} exists; a backup never replaces another file")
    try:
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
            draft, copy = Path(folder) / "draft", Path(folder) / DATABASE_NAME
            copy_database(data / DATABASE_NAME, copy)
            _durably(draft, lambda file: _seal(file, data, copy, manifest, passphrase))
            os.link(draft, out)  # unlike a rename, this never replaces
            _sync_folder(out.parent)
    except OSError as error:
        raise ConfigError(f"cannot write {out}: {error.strerror}") from error


def _durably(path: Path, fill: Callable[[BinaryIO], None]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        fill(file)
        file.flush()
        os.fsync(file.fileno())


def _seal(file: BinaryIO, data: Path, copy: Path, manifest: Manifest, passphrase: str) -> None:
    if not passphrase:
        _archive(file, data, copy, manifest)
        return
    sealed = SealedWriter(file, passphrase)
    _archive(cast("IO[bytes]", sealed), data, copy, manifest)
    sealed.finish()


def _archive(file: IO[bytes], data: Path, copy: Path, manifest: Manifest) -> None:
    with tempfile.NamedTemporaryFile(dir=copy.parent) as about:
        about.write(msgspec.json.encode(manifest))
        about.flush()
        with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            archive.add(about.name, MANIFEST_NAME)
            archive.add(data / CONFIG_NAME, CONFIG_NAME)
            for key in sorted((data / KEYS_DIRECTORY).glob("*.pem")):
                archive.add(key, f"{KEYS_DIRECTORY}/{key.name}")
            archive.add(copy, DATABASE_NAME)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
