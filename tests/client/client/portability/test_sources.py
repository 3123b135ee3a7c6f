"""What the import reads: nothing hostile costs much, and nothing of it is written anywhere."""

import gzip
import io
import os
import resource
import tarfile
import zipfile
from pathlib import Path

import pytest

from yurt.client.portability.sources import read_source
from yurt.identity.device import DeviceKeys
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import VerifiedRecord, first_record, verify_first
from yurt.portability.archive import build_archive
from yurt.portability.csv_rows import CsvKind
from yurt.wire.problems import ProblemError

NOW = 1_795_000_000
LOCAL = "harbour.example"
FOLLOWS = b"Account address,Show boosts,Notify on new posts,Languages\nbo@hilltop.example,true,false,\n"


class Person:
    """Somebody with a device and a record."""

    def __init__(self) -> None:
        phrase, self.device = RecoveryPhrase.generate(os.urandom), DeviceKeys.generate(os.urandom)
        actor = "https://harbour.example/users/ana"
        first = first_record(
            phrase.identity_key(), actor, self.device.public, not_after=NOW + 86_400, time=NOW
        )
        self.record: VerifiedRecord = verify_first(first)

    def archive(self, files: dict[str, bytes]) -> bytes:
        return build_archive(files, self.device, self.record, time=NOW)


@pytest.fixture
def ana() -> Person:
    return Person()


def rule_of(path: Path, ana: Person) -> str:
    """The rule by which a file is refused."""
    with pytest.raises(ProblemError) as refused:
        read_source(path, None, LOCAL, ana.record)
    assert "\n" not in refused.value.problem.message
    return str(refused.value.problem.detail.get("rule", refused.value.problem.code))


def test_a_csv_a_folder_a_zip_and_an_archive_say_the_same(tmp_path: Path, ana: Person) -> None:
    """However the files come, they are the same rows."""
    name = CsvKind.FOLLOWING.file_name
    (tmp_path / name).write_bytes(FOLLOWS)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / name).write_bytes(FOLLOWS)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as packed:
        packed.writestr(f"export/{name}", FOLLOWS)
    archive = ana.archive({f"activitypub/{name}": FOLLOWS, "history/rooms.sealed": b"x"})
    (tmp_path / "a.tar").write_bytes(archive)
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(archive))

    found = [
        read_source(tmp_path / one, None, LOCAL, ana.record)
        for one in (name, "folder", "z.zip", "a.tar", "a.tar.gz")
    ]

    assert len({source.files[0].rows for source in found}) == 1
    assert [source.signed_by is not None for source in found] == [False, False, False, True, True]
    assert found[-1].sealed == 1


def test_each_changed_byte_of_an_archive_is_found(tmp_path: Path, ana: Person) -> None:
    """A single edit of a field, wherever, is refused with a name."""
    whole = ana.archive({"activitypub/blocked_accounts.csv": b"eve@hilltop.example\n"})
    path = tmp_path / "changed.tar"
    for at in range(0, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert rule_of(path, ana)


def test_somebody_elses_archive_is_refused(tmp_path: Path, ana: Person) -> None:
    """Whoever signs well, but is not oneself, brings no blocks and no follows."""
    path = tmp_path / "bo.tar"
    path.write_bytes(Person().archive({"activitypub/blocked_accounts.csv": b"ana@harbour.example\n"}))

    assert rule_of(path, ana) == "archiveDid"


def test_bombs_and_ways_out_write_nothing_and_cost_little(tmp_path: Path, ana: Person) -> None:
    """Zip and tar bombs, links and paths that lead elsewhere: refused by name, within 32 MiB."""
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    with zipfile.ZipFile(inside / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("following_accounts.csv", b"\0" * (64 * 1024 * 1024))
    (inside / "bomb.tar.gz").write_bytes(gzip.compress(b"\0" * (64 * 1024 * 1024)))
    with zipfile.ZipFile(inside / "slip.zip", "w") as packed:
        packed.writestr("../out/following_accounts.csv", FOLLOWS)
    link = tarfile.TarInfo("manifest.yml")
    link.type, link.linkname = tarfile.SYMTYPE, str(outside / "x")
    with tarfile.open(inside / "link.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(link)
    slip = tarfile.TarInfo("../out/manifest.yml")
    slip.size = 2
    with tarfile.open(inside / "slip.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(slip, io.BytesIO(b"{}"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    rules = {path.name: rule_of(path, ana) for path in sorted(inside.iterdir())}

    assert set(rules) == {"bomb.zip", "bomb.tar.gz", "slip.zip", "link.tar", "slip.tar"}
    assert rules["slip.zip"] == rules["slip.tar"] == "archivePath"
    assert rules["link.tar"] == "archiveLink"
    assert rules["bomb.zip"] in ("archiveBomb", "archiveTooLarge")
    assert list(outside.iterdir()) == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before <= 32 * 1024


def test_what_is_no_file_of_ours_is_refused(tmp_path: Path, ana: Person) -> None:
    """Followers cannot be imported; an empty file and a photograph say nothing."""
    (tmp_path / "followers.csv").write_bytes(b"Account address,Actor,Inbox,Mutual,Since\n")
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff" + os.urandom(2_000))

    assert rule_of(tmp_path / "followers.csv", ana) == "csvKind"
    assert rule_of(tmp_path / "empty.csv", ana) == "csvEmpty"
    assert rule_of(tmp_path / "photo.jpg", ana).startswith("csv")
    assert rule_of(tmp_path / "missing.csv", ana) == "notFound"


def test_every_file_of_several_is_told_of(tmp_path: Path, ana: Person) -> None:
    """What is left out is named with its reason, so nobody believes that it was imported."""
    (tmp_path / CsvKind.FOLLOWING.file_name).write_bytes(FOLLOWS)
    (tmp_path / "followers.csv").write_bytes(b"Account address,Actor,Inbox,Mutual,Since\n")
    (tmp_path / "blocked_accounts.csv").write_bytes(b"")
    (tmp_path / "holidays.csv").write_bytes(b"a,b\n")

    source = read_source(tmp_path, None, LOCAL, ana.record)

    assert [file.kind for file in source.files] == [CsvKind.FOLLOWING]
    told = dict(line.split(": ", 1) for line in source.aside)
    assert set(told) == {"followers.csv", "blocked_accounts.csv", "holidays.csv"}
    assert told["blocked_accounts.csv"] == "it is empty"
    assert "of their own accord" in told["followers.csv"]
