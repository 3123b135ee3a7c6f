"""An archive proves itself to anybody; a changed or hostile one is refused by name, at small cost."""

import gzip
import io
import os
import re
import tarfile
import tracemalloc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yurt.identity.device import DeviceKeys
from yurt.identity.identity_key import IdentityKey
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import VerifiedRecord, first_record, next_record, verify_first, verify_next
from yurt.portability.archive import ArchiveReader, build_archive, verify_archive, write_archive
from yurt.portability.archive_manifest import MANIFEST, SIGNATURE, FileEntry, decode_manifest, make_manifest
from yurt.portability.archive_path import check_path, check_paths
from yurt.portability.errors import ArchiveError, LocalPortabilityError

NOW = 1_795_000_000
MIB = 1024 * 1024
FILES = {
    "activitypub/actor.json": b'{"type": "Person"}',
    "activitypub/blocked_accounts.csv": b"mallory@m.example\n",
    "activitypub/outbox.json": b"{}" * 400,
    "yurt/history/000001.bin": bytes(range(256)) * 3,
    "yurt/rooms.jsonl": b"",
}


@pytest.fixture
def archive(ana_phone: DeviceKeys, record: VerifiedRecord) -> bytes:
    return build_archive(FILES, ana_phone, record, time=NOW)


@contextmanager
def at_most(limit: int) -> Generator[None]:
    """Measure what is allocated inside."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= limit


def refusal(data: bytes, known: VerifiedRecord | None = None) -> str:
    with pytest.raises(ArchiveError) as caught:
        verify_archive(io.BytesIO(data), known=known)
    return caught.value.rule


def test_anybody_can_verify(
    archive: bytes, record: VerifiedRecord, golden: Callable[[str, bytes], None]
) -> None:
    """With nothing else at hand: who, when, what; and every file is as it was."""
    reader = ArchiveReader(io.BytesIO(archive))
    files = {entry.path: data for entry, data in reader}

    assert files == FILES
    assert (reader.verified.record, reader.verified.manifest.time) == (record, NOW)
    assert reader.verified.manifest.controller == record.record.actor
    golden("archive.tar", archive)


def test_it_is_a_tar_like_any_other(archive: bytes) -> None:
    """`tar -tf` lists it, the manifest first, as FEP-6fcd says; it is YAML, because it is JSON."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        names = tar.getnames()
        manifest = tar.extractfile(MANIFEST)
        assert manifest is not None
        text = manifest.read()

    assert names == [MANIFEST, SIGNATURE, *sorted(FILES)]
    assert text.endswith(b'"ubc-version":0.1}')
    assert b'"actor.json":{"sha256":' in text


def test_gzip_is_another_layer(archive: bytes) -> None:
    """Around it, from any tool."""
    assert verify_archive(io.BytesIO(gzip.compress(archive))) == verify_archive(io.BytesIO(archive))


def test_every_byte_counts(archive: bytes) -> None:
    """Headers, padding, contents, manifest, signature, end: a changed bit anywhere is found."""
    for at in range(0, len(archive), 7):
        changed = archive[:at] + bytes([archive[at] ^ 1]) + archive[at + 1 :]
        refusal(changed)


def test_cut_or_longer_archive(archive: bytes) -> None:
    """Every end but the right one is refused."""
    for end in range(0, len(archive), 211):
        assert refusal(archive[:end]) == "archiveTruncated"
    assert refusal(archive + b"\0") == "archiveTrailing"
    assert refusal(archive + archive) == "archiveTrailing"
    assert refusal(gzip.compress(archive) + b"x") == "archiveTrailing"
    assert refusal(gzip.compress(archive)[:-9]) == "archiveTruncated"
    assert refusal(gzip.compress(archive) + gzip.compress(b"")) == "archiveTrailing"


Change = Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None]


def repacked(archive: bytes, change: Change, *, more: tarfile.TarInfo | None = None) -> bytes:
    """Pack it again with another tool, after somebody's change."""
    out = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as tar,
        tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as new,
    ):
        for info in tar:
            file = tar.extractfile(info)
            assert file is not None
            changed = change(info, file.read())
            if changed is not None:
                changed[0].size = len(changed[1])
                new.addfile(changed[0], io.BytesIO(changed[1]))
        if more is not None:
            new.addfile(more)
    return out.getvalue()


def with_name(name: str) -> Change:
    def change(info: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
        return (info.replace(name=name) if info.name.endswith("outbox.json") else info), data

    return change


def test_packed_again_it_is_the_same(archive: bytes) -> None:
    """The changes below are found, not the tool."""
    assert repacked(archive, lambda info, data: (info, data)) == archive


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("../../etc/passwd", "archivePath"),
        ("/etc/passwd", "archivePath"),
        ("activitypub/../../x", "archivePath"),
        ("C:\\x", "archivePath"),
        (".ssh/config", "archivePath"),
        ("a\x1b[2Jb", "archivePath"),
        ("activitypub/outbox2.json", "archiveUnlisted"),
    ],
)
def test_names_that_lead_elsewhere(archive: bytes, name: str, rule: str) -> None:
    """Refused by name; and the name is shown without its teeth."""
    with pytest.raises(ArchiveError) as caught:
        verify_archive(io.BytesIO(repacked(archive, with_name(name))))

    assert caught.value.rule == rule
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (tarfile.SYMTYPE, "archiveLink"),
        (tarfile.LNKTYPE, "archiveLink"),
        (tarfile.CHRTYPE, "archiveSpecial"),
        (tarfile.FIFOTYPE, "archiveSpecial"),
        (tarfile.DIRTYPE, "archiveSpecial"),
        (tarfile.XHDTYPE, "archiveSpecial"),
        (tarfile.GNUTYPE_LONGNAME, "archiveSpecial"),
        (tarfile.GNUTYPE_SPARSE, "archiveSpecial"),
        (tarfile.CONTTYPE, "archiveSpecial"),
    ],
)
def test_only_files(archive: bytes, kind: bytes, rule: str) -> None:
    """Links, devices, folders and the headers of later tars have no place, in the middle or at the end."""
    at = archive.index(b"activitypub/outbox.json\0")
    info = tarfile.TarInfo("activitypub/outbox.json")
    info.type, info.linkname = kind, "/etc/passwd"
    header = info.tobuf(tarfile.USTAR_FORMAT)

    assert refusal(archive[:at] + header + archive[at + 512 :]) == rule
    end = archive.index(b"yurt/rooms.jsonl\0") + 512
    assert refusal(archive[:end] + header + archive[end + 512 :]) == rule


CHANGES: list[tuple[Change, str]] = [
    (lambda info, data: (info, data.replace(b"mallory", b"MALLORY")), "archiveHash"),
    (lambda info, data: (info, data + b" " if "outbox" in info.name else data), "archiveSize"),
    (lambda info, data: None if "outbox" in info.name else (info, data), "archiveUnlisted"),
    (lambda info, data: (info.replace(mtime=1), data), "archiveHeader"),
    (lambda info, data: (info.replace(uname="root"), data), "archiveHeader"),
    (
        lambda info, data: (info, data.replace(b'"time":1795000000', b'"time":1795000001')),
        "malformedManifest",
    ),
    (lambda info, data: (info, data.replace(b'"name":"Yurt"', b'"name":"Jurt"')), "archiveSignature"),
    (
        lambda info, data: (
            info,
            data.replace(b"harbour.example/users/ana", b"harbour.example/users/bob"),
        ),
        "archiveRecord",
    ),
]


@pytest.mark.parametrize(("change", "rule"), CHANGES)
def test_changes_are_named(archive: bytes, change: Change, rule: str) -> None:
    """Each edit by what it is."""
    assert refusal(repacked(archive, change)) == rule


def test_each_header_counts(archive: bytes) -> None:
    """Whichever file's header another hand wrote, the manifest's and its signature's among them."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        names = tar.getnames()
    for name in names:
        assert refusal(repacked(archive, partial(_open_to_all, name))) == "archiveHeader", name


def _open_to_all(name: str, info: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
    return info.replace(mode=0o777) if info.name == name else info, data


def test_additional_file(archive: bytes) -> None:
    """Behind the last one nothing may stand."""
    same: Change = lambda info, data: (info, data)  # noqa: E731  # a change that changes nothing

    assert refusal(repacked(archive, same, more=tarfile.TarInfo("yurt/more"))) == "archiveUnlisted"


def test_negative_size(archive: bytes) -> None:
    """A header that says less than nothing reads nothing."""
    info = tarfile.TarInfo(MANIFEST)
    info.size = -512
    header = info.tobuf(tarfile.GNU_FORMAT)

    assert refusal(header + archive[512:]) == "malformedArchive"


def test_stolen_and_foreign_devices(
    archive: bytes,
    ana: IdentityKey,
    record: VerifiedRecord,
    ana_phone: DeviceKeys,
    ana_laptop: DeviceKeys,
    bo_words: RecoveryPhrase,
) -> None:
    """A newer record here outranks the one inside; another person's archive is not this person's."""
    later = next_record(
        record, ana, time=NOW, add=[(ana_laptop.public, NOW + 99)], revoke=[ana_phone.device_id]
    )
    newer = verify_next(record, later)
    assert isinstance(newer, VerifiedRecord)
    bo = bo_words.identity_key()
    his = verify_first(
        first_record(bo, "https://b.example/u", ana_laptop.public, not_after=NOW + 9, time=NOW)
    )

    assert verify_archive(io.BytesIO(archive), known=record).record == record
    assert refusal(archive, newer) == "archiveDevice"
    assert refusal(archive, his) == "archiveDid"
    assert refusal(build_archive({}, ana_phone, record, time=NOW + 86_401)) == "archiveDevice"
    moved = replace(record, record=replace(record.record, actor="https://evil.example/users/ana"))
    assert refusal(build_archive({}, ana_phone, moved, time=NOW)) == "archiveActor"
    with pytest.raises(LocalPortabilityError):
        build_archive({}, ana_phone, newer, time=NOW)


def test_file_that_changes_while_it_is_packed(ana_phone: DeviceKeys, record: VerifiedRecord) -> None:
    """We never sign what we did not read."""
    entries = [FileEntry.of("a", b"one")]

    with pytest.raises(LocalPortabilityError):
        list(write_archive(entries, lambda _path: b"two", ana_phone, record, time=NOW))


@pytest.mark.parametrize(
    "paths",
    [
        *(["manifest.yml"], ["a/b/c/d/e/f/g/h"], [""], ["a", "A"], ["a/b", "A"], ["../a"], ["a/"], ["/a"]),
        *(["a//b"], ["a\\b"], ["."], ["a."], ["é"], ["x" * 101]),
    ],
)
def test_archive_that_others_would_refuse_is_not_written(
    paths: list[str], ana_phone: DeviceKeys, record: VerifiedRecord
) -> None:
    """Names that are two on one disk and one on another, and names that lead elsewhere."""
    with pytest.raises((LocalPortabilityError, ArchiveError)):
        build_archive(dict.fromkeys(paths, b""), ana_phone, record, time=NOW)


def test_bombs_cost_little(archive: bytes, ana_phone: DeviceKeys, record: VerifiedRecord) -> None:
    """A gigabyte of zeros in a megabyte, huge sizes, a manifest without end: refused in little memory."""
    zeros = gzip.compress(bytes(200 * MIB), 9)
    names = b'{"contents":{' + b",".join(b'"%d":{"size":1}' % n for n in range(50_000)) + b"}"
    huge = tarfile.TarInfo(MANIFEST)
    huge.size = 8**11 - 1
    deep = b'{"contents":' * 100_000
    signed = build_archive({f"{n}": bytes(8 * MIB) for n in range(6)}, ana_phone, record, time=NOW)
    inflated = gzip.compress(signed, 9)
    del signed

    def as_manifest(text: bytes) -> bytes:
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(text)
        return info.tobuf() + text + bytes(-len(text) % 512)

    with at_most(32 * MIB):
        assert refusal(zeros) in ("archiveBomb", "malformedArchive")
        assert refusal(huge.tobuf() + archive) == "archiveTooLarge"
        assert refusal(as_manifest(names)) == "malformedManifest"
        assert refusal(as_manifest(deep)) in ("malformedManifest", "archiveTooLarge")
        assert refusal(inflated) == "archiveBomb"


def test_large_archive_in_little_memory(ana_phone: DeviceKeys, record: VerifiedRecord) -> None:
    """Forty files of the largest size pass one by one."""
    chunk = os.urandom(8 * MIB)
    entries = [FileEntry.of(f"yurt/history/{n:06}.bin", chunk) for n in range(8)]
    whole = b"".join(write_archive(entries, lambda _path: chunk, ana_phone, record, time=NOW))

    with at_most(32 * MIB):
        assert len(verify_archive(io.BytesIO(whole)).manifest.files) == 8


def test_nothing_is_written(
    archive: bytes, tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not where it runs either."""
    monkeypatch.chdir(tmp_path)
    verify_archive(io.BytesIO(archive))
    refusal(repacked(archive, with_name("evil")))

    assert os.listdir(tmp_path) == []  # noqa: PTH208  # the protocol, not the class


@given(st.binary(max_size=2000))
def test_any_bytes_are_refused(data: bytes) -> None:
    """And with our own error."""
    for stream in (data, b"\x1f\x8b" + data, gzip.compress(data), b"manifest.yml".ljust(124, b"\0") + data):
        refusal(stream)


@given(st.binary(max_size=500))
def test_any_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(ArchiveError):
        decode_manifest(data)


@settings(max_examples=25)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z0-9]{1,6}(/[a-z0-9_.]{1,5}[a-z]){0,2}", fullmatch=True), st.binary(max_size=700)
    )
)
def test_whatever_is_packed_is_unpacked(files: dict[str, bytes]) -> None:
    """Any files with plain names come back; others are refused before they are packed."""
    ana = RecoveryPhrase.generate(bytes).identity_key()
    phone = DeviceKeys(bytes([1]) * 16, bytes([2]) * 32, bytes([3]) * 32)
    record = verify_first(first_record(ana, "https://a.example/u", phone.public, not_after=9, time=9))
    try:
        check_paths(files)
    except ArchiveError:
        return

    packed = build_archive(files, phone, record, time=9)

    assert {entry.path: data for entry, data in ArchiveReader(io.BytesIO(packed))} == files


@pytest.mark.parametrize("time", [20_000_000_000, 253_402_300_799, 2**53 - 1])
def test_a_time_that_no_tar_holds(ana_phone: DeviceKeys, record: VerifiedRecord, time: int) -> None:
    """The year 2603 is a refusal like any other; nobody needs to have signed it to try."""
    said = make_manifest([FileEntry.of("x.csv", b"")], ana_phone, record, time=NOW).data
    later = said.replace(str(NOW).encode(), str(time).encode())
    for created in (b"2603-10-11T11:33:20Z", b"9999-12-31T23:59:59Z"):
        with pytest.raises(ArchiveError, match="malformed"):
            decode_manifest(re.sub(rb"20\d\d-\d\d-\d\dT[0-9:]{8}Z", created, later))


def test_manifest_is_reproducible(ana_phone: DeviceKeys, record: VerifiedRecord) -> None:
    """The order in which files are named does not matter."""
    entries = [FileEntry.of(path, data) for path, data in FILES.items()]

    one, other = (make_manifest(e, ana_phone, record, time=NOW) for e in (entries, entries[::-1]))

    assert one == other
    assert check_path(one.files[0].path) == "activitypub/actor.json"
