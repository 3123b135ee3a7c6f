"""`restore`: a node's folder out of a backup, complete or not there at all.

Nothing of the archive is trusted: only the names that a backup has are taken, as regular files, once each,
and our own code writes them. The database is looked through and brought up to date (a newer one is refused),
then marked as restored: what its rooms lack must be asked of other nodes before they go on.
"""

import asyncio
import os
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import IO, Final, cast

import msgspec

from yurt.node import config as configuration
from yurt.node.admin.backup import FORMAT, MANIFEST_NAME, Manifest
from yurt.node.admin.opened import opened_store
from yurt.node.admin.sealed_file import MAGIC, SealedReader
from yurt.node.clock import Clock
from yurt.node.config import CONFIG_NAME, ConfigError
from yurt.node.keys import KEY_NAMES, KEYS_DIRECTORY
from yurt.node.store.copy import check_database
from yurt.node.store.figures import RESTORED_AT, set_fact
from yurt.node.store.schema import prepare
from yurt.node.store.sqlite import DATABASE_NAME
from yurt.node.store.steps import STEPS

_SMALL: Final = 64 * 1024
_KEYS: Final = tuple(f"{KEYS_DIRECTORY}/{name}" for name in KEY_NAMES)
_NAMES: Final = frozenset({MANIFEST_NAME, CONFIG_NAME, DATABASE_NAME, *_KEYS})


async def restore_node(source: Path, data: Path, clock: Clock, passphrase: str = "") -> Manifest:
    """Make a node's folder from a backup.

    Raises:
        ConfigError: the folder is not empty, the file is no backup, or the passphrase is wrong.
        NewerDatabase, StoreError: the database cannot be used by this release.
    """
    draft = await asyncio.to_thread(_draft_of, data)
    try:
        manifest = await asyncio.to_thread(_fill, source, draft, passphrase)
        async with opened_store(draft) as store:
            await store.write(lambda tx: set_fact(tx, RESTORED_AT, clock.now_s()))
        await asyncio.to_thread(draft.rename, data)
    except OSError as error:
        raise ConfigError(f"cannot restore {source}: {error.strerror}") from error
    finally:
        await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)
    return manifest


def _draft_of(data: Path) -> Path:
    data = data.absolute()
    try:
        if data.exists() and any(data.iterdir()):
            raise ConfigError(f"{data} is not empty; restore into a new directory")
        data.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{data.name}.", dir=data.parent))
    except OSError as error:
        raise ConfigError(f"cannot make {data}: {error.strerror}") from error


def _fill(source: Path, draft: Path, passphrase: str) -> Manifest:
    manifest = _unpack(source, draft, passphrase)
    check_database(draft / DATABASE_NAME)
    prepare(draft / DATABASE_NAME, STEPS)
    return manifest


def is_sealed(source: Path) -> bool:
    """Whether a backup needs a passphrase.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        with source.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise ConfigError(f"cannot read {source}: {error.strerror}") from error


def _unpack(source: Path, draft: Path, passphrase: str) -> Manifest:
    sealed = is_sealed(source)
    if sealed and not passphrase:
        raise ConfigError(f"{source} is sealed: it needs its passphrase")
    (draft / KEYS_DIRECTORY).mkdir(mode=0o700)
    with source.open("rb") as file:
        plain = cast("IO[bytes]", SealedReader(file, passphrase)) if sealed else file
        try:
            _extract(plain, draft)
        except tarfile.TarError as error:
            raise ConfigError(f"{source} is no backup of a node: {error}") from error
    return _checked(draft)


def _extract(plain: IO[bytes], draft: Path) -> None:
    seen: set[str] = set()
    with tarfile.open(fileobj=plain, mode="r|") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isreg() else None
            if file is None or member.name not in _NAMES or member.name in seen:
                raise ConfigError("this is no backup of a node: it holds what no backup does")
            if member.name != DATABASE_NAME and member.size > _SMALL:
                raise ConfigError(f"this is no backup of a node: its {member.name} is too large")
            seen.add(member.name)
            descriptor = os.open(draft / member.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                shutil.copyfileobj(file, out)
                out.flush()
                os.fsync(out.fileno())
    while plain.read(_SMALL):  # a sealed file proves itself only at its end
        pass
    if missing := _NAMES - seen:
        raise ConfigError(f"this backup lacks {', '.join(sorted(missing))}")


def _checked(draft: Path) -> Manifest:
    path = draft / MANIFEST_NAME
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise ConfigError(f"the backup's manifest cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise ConfigError("this backup was made by a newer release; install that one")
    if configuration.load(draft).domain != manifest.domain:
        raise ConfigError("this backup contradicts itself: its domain is not that of its node.toml")
    path.unlink()
    return manifest
