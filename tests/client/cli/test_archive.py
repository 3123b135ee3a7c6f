"""`yurt archive verify`: a stranger without an account learns whose an archive is, and finds each edit."""

import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from yurt.cli import main as cli
from yurt.identity.device import DeviceKeys
from yurt.identity.identity_key import IdentityKey
from yurt.identity.signed_record import VerifiedRecord, first_record, next_record, verify_first, verify_record
from yurt.identity.statement import make_statement
from yurt.portability.archive import build_archive
from yurt.portability.archive_contents import read_contents
from yurt.portability.archive_manifest import MANIFEST, SIGNATURE
from yurt.portability.errors import ArchiveError
from yurt.portability.roster import Tie, sign_roster

NOW = 1_795_000_000
ACTOR = "https://harbour.example/users/ana"
REFUSED = 3
Edit = Callable[[str, bytes], bytes]


@pytest.fixture
def identity() -> IdentityKey:
    """Ana's."""
    return IdentityKey(os.urandom(32))


@pytest.fixture
def device() -> DeviceKeys:
    """Ana's laptop."""
    return DeviceKeys.generate()


@pytest.fixture
def record(identity: IdentityKey, device: DeviceKeys) -> VerifiedRecord:
    """The record that lists it."""
    return verify_first(first_record(identity, ACTOR, device.public, not_after=NOW + 9, time=NOW))


def files(identity: IdentityKey, device: DeviceKeys, record: VerifiedRecord) -> dict[str, bytes]:
    """A little of everything."""
    statement = json.loads(make_statement(identity, ACTOR, NOW))
    actor = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": ACTOR,
        "type": "Person",
        "preferredUsername": "ana",
        "inbox": f"{ACTOR}/inbox",
        "attachment": [statement],
    }
    ties = [Tie(actor="https://meadow.example/users/bo", follower=True)]
    return {
        "activitypub/actor.json": json.dumps(actor).encode(),
        "activitypub/outbox.json": b'{"type":"OrderedCollection","orderedItems":[{"id":1},{"id":2}]}',
        "activitypub/following_accounts.csv": b"Account address\nbo@meadow.example\ncy@meadow.example\n",
        "history/000.sealed": bytes(64),
        "yurt/roster.jsonl": sign_roster(ties, device, record, time=NOW),
    }


@pytest.fixture
def archive(identity: IdentityKey, device: DeviceKeys, record: VerifiedRecord, tmp_path: Path) -> Path:
    """Ana's archive, in a file."""
    path = tmp_path / "ana.tar"
    path.write_bytes(build_archive(files(identity, device, record), device, record, time=NOW))
    return path


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    """What a program is told."""
    code = cli.main(["archive", "verify", *words, "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out or err)


def test_a_stranger_learns_whose_it_is(
    archive: Path, record: VerifiedRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who, when, what; and what is not proved by it. Neither account nor vault is needed."""
    code, found = told(capsys, str(archive))

    assert code == 0
    assert (found["did"], found["actor"], found["actor_proved"]) == (record.did, ACTOR, True)
    assert (found["posts"], found["ties"], found["sealed_files"]) == (2, 1, 1)
    assert (found["rows"], found["unreadable"]) == ({"following_accounts": 2}, [])
    assert cli.main(["archive", "verify", str(archive), "--did", record.did]) == 0
    out = capsys.readouterr().out
    assert "It belongs to ana@harbour.example" in out
    assert "Not proved:" in out
    assert "revoked since" in out


def test_it_must_be_whose_it_should_be(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another person's archive is refused, and so is what is no archive."""
    code, found = told(capsys, str(archive), "--did", IdentityKey(bytes(32)).did)
    assert (code, found["error"]) == (REFUSED, "refused")
    archive.write_bytes(b"no archive" * 1000)
    assert told(capsys, str(archive))[0] == REFUSED
    assert told(capsys, str(archive.with_name("nothing")))[0] == 2


def test_a_device_that_was_revoked_since_has_no_say(
    archive: Path, identity: IdentityKey, record: VerifiedRecord, device: DeviceKeys
) -> None:
    """Whoever knows a newer record goes by that: the archive alone cannot tell."""
    other = DeviceKeys.generate()
    changed = next_record(
        record, identity, time=NOW, add=[(other.public, NOW + 9)], revoke=(device.device_id,)
    )
    with archive.open("rb") as stream, pytest.raises(ArchiveError) as refused:
        read_contents(stream, known=verify_record(changed))

    assert refused.value.rule == "archiveDevice"


def test_each_single_field_that_is_edited_is_found(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the manifest, in the signature with the person record, in each file: every one, by name."""
    whole, edits = archive.read_bytes(), 0
    for name, changed in every_edit(whole):
        archive.write_bytes(changed)
        code, found = told(capsys, str(archive))
        assert (code, "not as it was signed" in found["message"]) == (REFUSED, True), name
        edits += 1

    assert edits > 30


def every_edit(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """The archive with one field changed, packed again as it must be; each in its turn."""
    for name in contents(archive):
        for where, data in edited(name, contents(archive)[name]):
            yield f"{name}: {where}", repacked(contents(archive) | {name: data})


def edited(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    if name not in (MANIFEST, SIGNATURE):
        yield "first byte", bytes([data[0] ^ 1]) + data[1:]
        return
    value = json.loads(data)
    if name == SIGNATURE:
        inner = json.loads(value["record"])
        for where, changed in leaves(inner):
            yield f"record: {where}", canonical({**value, "record": canonical(changed).decode()})
    for where, changed in leaves(value):
        yield where, canonical(changed)


def leaves(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # any JSON
    """The value with one leaf changed, for each leaf."""
    for path in paths(value):
        changed = deepcopy(value)
        inside = changed
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = other(inside[path[-1]])
        yield ".".join(map(str, path)), changed


def paths(value: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401  # any JSON
    for key in value.keys() if isinstance(value, dict) else range(len(value)):  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # any JSON
        if isinstance(value[key], dict | list):
            yield from ((key, *rest) for rest in paths(value[key]))
        else:
            yield (key,)


def other(leaf: Any) -> Any:  # noqa: ANN401  # any JSON
    if isinstance(leaf, str):
        return leaf[:-1] + ("b" if leaf.endswith("a") else "a")
    return "something" if leaf is None else leaf + 1


def canonical(value: Any) -> bytes:  # noqa: ANN401  # any JSON
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def contents(archive: bytes) -> dict[str, bytes]:
    """Name to bytes, in their order."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {info.name: opened.read() for info in tar if (opened := tar.extractfile(info)) is not None}


def repacked(inside: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in inside.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(data), NOW, 0o644
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()
