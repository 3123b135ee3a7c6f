"""Zips of other servers are read within bounds; bombs and tricks are refused by name."""

import io
import os
import stat
import struct
import tracemalloc
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.portability.errors import ArchiveError
from yurt.portability.zip_read import ZipCaps, read_zip

MIB = 1024 * 1024


def packed(files: dict[str, bytes], *, comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in files.items():
            new.writestr(name, data)
        new.comment = comment
    return out.getvalue()


def refusal(data: bytes, caps: ZipCaps | None = None) -> str:
    with pytest.raises(ArchiveError) as caught:
        list(read_zip(io.BytesIO(data), caps=caps))
    return caught.value.rule


def test_zip_of_a_server_is_read() -> None:
    """Folders are passed over; a comment does not confuse."""
    files = {"actor.json": b"{}", "media_attachments/files/1/a b.png": b"\x89PNG" * 100}

    for comment in (b"", b"made by a server"):
        found = dict(read_zip(io.BytesIO(packed({"media_attachments/": b"", **files}, comment=comment))))
        assert found == files


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/../../x", "C:\\x", "a\\..\\x", "a//b", "x" * 300, "a\x07"]
)
def test_names_that_lead_elsewhere(name: str) -> None:
    """None is read."""
    assert refusal(packed({name: b"x"})) == "archivePath"


def test_links_and_encryption() -> None:
    """Nothing but plain files."""
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    pipe = zipfile.ZipInfo("pipe")
    pipe.external_attr = (stat.S_IFIFO | 0o777) << 16
    for info, rule in ((link, "archiveLink"), (pipe, "archiveSpecial")):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as new:
            new.writestr(info, b"/etc/passwd")
        assert refusal(out.getvalue()) == rule
    data = bytearray(packed({"a": b"x"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert refusal(bytes(data)) == "archiveEncrypted"


def test_doubles_and_overlaps() -> None:
    """Two names that are one on many disks; two files in the same bytes."""
    assert refusal(packed({"A.json": b"1", "a.json": b"2"})) == "archiveDouble"
    data = bytearray(packed({"a": b"x" * 100, "b": b"y" * 100}))
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = bytes(4)
    assert refusal(bytes(data)) == "archiveBomb"


def test_bombs_cost_little() -> None:
    """Zeros without end, a directory without end, the 64-bit form, lies about sizes."""
    zeros = packed({"zeros": bytes(7 * MIB)})
    big = packed({"big": bytes(9 * MIB)})
    many = packed({f"{n}": b"" for n in range(6_000)})
    plain = packed({"a": b"x" * 100})
    end = plain.rindex(b"PK\x05\x06")
    lying = plain[: end + 12] + struct.pack("<I", 2**31) + plain[end + 16 :]
    wide = plain[:end] + b"PK\x06\x07" + bytes(16) + plain[end:]
    tracemalloc.start()
    try:
        assert refusal(zeros) == "archiveBomb"
        assert refusal(big) == "archiveTooLarge"
        assert refusal(many) == "archiveTooLarge"
        assert refusal(lying) == "archiveTooLarge"
        assert refusal(wide) == "archiveTooLarge"
        assert refusal(packed({"a": b"12", "b": b"34"}), ZipCaps(total=3)) == "archiveTooLarge"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 * MIB


def test_damage_is_noticed() -> None:
    """Contents, checksum, end: no zip, and no traceback of the library."""
    data = packed({"a": b"hello, hello, hello" * 9})
    for changed in (
        data.replace(b"PK\x05\x06", b"PK\x05\x07"),
        data[:40],
        b"",
        b"PK\x05\x06",
        data[:35] + b"\xff\xff" + data[37:],
    ):
        assert refusal(changed) == "malformedArchive"


def test_file_without_a_name() -> None:
    """A name of no letters leads nowhere."""
    assert refusal(packed({"a": b"x"}).replace(b"a", b"\0")) == "archivePath"


@given(st.binary(max_size=300), st.integers(0, 200), st.integers(0, 255))
def test_any_bytes_are_read_or_refused(data: bytes, at: int, value: int) -> None:
    """Only our own error comes out."""
    whole = bytearray(packed({"a": b"x" * 50, "b": b"y"}))
    whole[at % len(whole)] = value
    for stream in (data, bytes(whole), data + bytes(whole)):
        try:
            list(read_zip(io.BytesIO(stream)))
        except ArchiveError:
            continue


def test_each_bound_is_where_it_says() -> None:
    """As many files, as large ones, as much together as allowed: read; one more of each: refused."""
    files = {name: os.urandom(50) for name in "abc"}
    data = packed(files)

    for caps in (ZipCaps(files=3), ZipCaps(file=50), ZipCaps(total=150)):
        assert dict(read_zip(io.BytesIO(data), caps=caps)) == files
    for caps in (ZipCaps(files=2), ZipCaps(file=49), ZipCaps(total=149)):
        assert refusal(data, caps) == "archiveTooLarge"
    few = bytearray(data)
    end = data.rindex(b"PK\x05\x06")
    few[end + 8 : end + 12] = struct.pack("<HH", 1, 1)  # the end record says: one file
    assert refusal(bytes(few), ZipCaps(files=2)) == "archiveTooLarge"


def test_a_file_is_as_long_as_its_zip_says() -> None:
    """A longer announcement than content is no harmless slip: something was taken away."""
    data = bytearray(packed({"a": b"hello, hello, hello" * 9}))
    entry = data.index(b"PK\x01\x02")
    (size,) = struct.unpack_from("<I", data, entry + 24)
    struct.pack_into("<I", data, entry + 24, size + 1)

    assert refusal(bytes(data)) == "archiveHash"


def test_a_name_ends_where_it_ends() -> None:
    """Who stops reading at a zero byte reads another name than who does not."""
    assert refusal(packed({"good#..#x": b"x"}).replace(b"#", b"\0")) == "archivePath"
