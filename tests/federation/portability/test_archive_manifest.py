"""A manifest is read one way or not at all, and speaks for one person only."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import rfc8785

from yurt.identity.device import DeviceKeys
from yurt.identity.identity_key import IdentityKey
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import VerifiedRecord, first_record, verify_first
from yurt.portability.archive_manifest import (
    FileEntry,
    ManifestIn,
    decode_manifest,
    make_manifest,
    sign_manifest,
    verify_manifest,
)
from yurt.portability.errors import ArchiveError, LocalPortabilityError

NOW = 1_795_000_000
SHA256 = "ab" * 32

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def manifest(ana_phone: DeviceKeys, record: VerifiedRecord) -> ManifestIn:
    files = [FileEntry.of(path, b"x") for path in ("activitypub/outbox.json", "yurt/rooms.jsonl")]
    return make_manifest(files, ana_phone, record, time=NOW)


def changed(manifest: ManifestIn, change: Change) -> bytes:
    said = json.loads(manifest.data)
    change(said)
    return rfc8785.dumps(said)


CHANGES: list[tuple[Change, str]] = [
    (lambda said: said["meta"]["yurt"].update(v=2), "archiveVersion"),
    (lambda said: said.update({"ubc-version": 0.2}), "archiveVersion"),
    (lambda said: said["meta"].update(created="2026-11-18T00:00:00Z"), "malformedManifest"),
    (lambda said: said["meta"].update(more=1), "malformedManifest"),
    (lambda said: said["meta"]["createdBy"]["client"].update(version="1"), "malformedManifest"),
    (lambda said: said["contents"]["yurt"].update(size=1), "malformedManifest"),
    (lambda said: said["contents"]["yurt"].update(sha256=SHA256), "malformedManifest"),
    (lambda said: said["contents"]["yurt"]["contents"].update(a={}), "malformedManifest"),
    (lambda said: said["contents"].update(a={"size": 1}), "malformedManifest"),
    (lambda said: said["contents"].update(a={"sha256": SHA256}), "malformedManifest"),
    (lambda said: said["contents"].update(a={"size": 1, "sha256": SHA256[1:]}), "malformedManifest"),
    (lambda said: said["contents"].update(a={"size": -1, "sha256": SHA256}), "malformedManifest"),
    (lambda said: said["contents"]["manifest.yml"].update(size=1), "malformedManifest"),
    (lambda said: said["contents"].update({"../a": {"size": 1, "sha256": SHA256}}), "archivePath"),
    (lambda said: said["contents"].update(YURT={"size": 1, "sha256": SHA256}), "archiveDouble"),
    (lambda said: said["contents"].update(a={"size": 2**23 + 1, "sha256": SHA256}), "archiveTooLarge"),
]


@pytest.mark.parametrize(("change", "rule"), CHANGES)
def test_a_manifest_is_read_one_way(manifest: ManifestIn, change: Change, rule: str) -> None:
    """Another version, a folder with a hash, a file without one, a field of no known meaning: by its rule."""
    with pytest.raises(ArchiveError) as caught:
        decode_manifest(changed(manifest, change))

    assert caught.value.rule == rule


def test_an_archive_has_an_end(manifest: ManifestIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many files, as many bytes together as allowed; and one more of either is too many."""
    for name, most in (("MAX_FILES", 2), ("MAX_TOTAL_SIZE", 2), ("MAX_FILE_SIZE", 1)):
        with monkeypatch.context() as smaller:
            smaller.setattr(f"yurt.portability.archive_manifest.{name}", most)
            assert decode_manifest(manifest.data) == manifest
            smaller.setattr(f"yurt.portability.archive_manifest.{name}", most - 1)
            with pytest.raises(ArchiveError) as caught:
                decode_manifest(manifest.data)
            assert caught.value.rule == "archiveTooLarge"


def test_a_manifest_speaks_for_its_person(
    manifest: ManifestIn,
    ana: IdentityKey,
    ana_phone: DeviceKeys,
    record: VerifiedRecord,
    bo_words: RecoveryPhrase,
) -> None:
    """Bo's record beside Ana's manifest, an actor who is neither, a signature of another version: refused."""
    bo = bo_words.identity_key()
    his = verify_first(first_record(bo, manifest.controller, ana_phone.public, not_after=NOW + 9, time=NOW))
    signature = sign_manifest(manifest, ana_phone, record)
    theirs = decode_manifest(
        changed(manifest, lambda said: said["meta"]["createdBy"].update(controller="https://e.example/eve"))
    )

    for said, signed, rule in (
        (manifest, sign_manifest(manifest, ana_phone, his), "archiveDid"),
        (manifest, signature.replace(b'"v":1', b'"v":2'), "archiveDid"),
        (manifest, signature.replace(b'"signature":"', b'"signature":"A'), "malformedSignature"),
        (theirs, sign_manifest(theirs, ana_phone, record), "archiveActor"),
    ):
        with pytest.raises(ArchiveError) as caught:
            verify_manifest(said, signed)
        assert caught.value.rule == rule
    with pytest.raises(ArchiveError) as caught:
        verify_manifest(manifest, signature, known=his)
    assert caught.value.rule == "archiveDid"
    assert verify_manifest(manifest, signature).record.did == ana.did


def test_no_file_is_a_folder(ana_phone: DeviceKeys, record: VerifiedRecord) -> None:
    """What no disk could hold is not packed: one name for two, or for a file and a folder."""
    for paths in (("a", "a/b"), ("a/b", "a/b"), ("a/b", "a/b/c")):
        entries = [FileEntry.of(path, b"") for path in paths]
        with pytest.raises(LocalPortabilityError) as caught:
            make_manifest(entries, ana_phone, record, time=NOW)
        assert caught.value.rule == "archiveDouble"
    with pytest.raises(LocalPortabilityError):
        make_manifest([replace(FileEntry.of("a", b""), size=2**23 + 1)], ana_phone, record, time=NOW)
