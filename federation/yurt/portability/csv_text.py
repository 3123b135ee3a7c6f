r"""Commas, quotes and lines, exactly as Mastodon's exports have them, and read with care.

Written as Ruby's CSV writes: UTF-8 without mark, LF, a field in quotes only if it holds a comma, a quote
or a line break, or is a text of length 0 (an absent value is nothing at all). Read with all the freedom
that people's files need (byte order mark, CR LF, blank lines), and bounded: a hostile file costs its own
size, not a multiple of it.

    encode_rows([("a@b.example", "true", None)])      # b"a@b.example,true,\n"
    for number, fields in decode_rows(data): ...
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from yurt.portability.errors import CsvError

MAX_CSV_SIZE: Final = 20 * 1024 * 1024
"""Bytes; Mastodon's own cap (`FILE_SIZE_LIMIT`)."""
MAX_CSV_ROWS: Final = 20_000
"""Rows without the header; Mastodon's own cap (`ROWS_PROCESSING_LIMIT`)."""
MAX_LINE: Final = 64 * 1024
"""Characters of one line."""
MAX_LINES_OF_ROW: Final = 64
"""Lines over which the quoted fields of one row may stretch."""
MAX_LINES: Final = 200_000
"""Lines of a file, blank ones counted."""
_QUOTABLE: Final = re.compile('[\r\n,"]')
_FORMULA: Final = re.compile(r"\s*[=+\-@\t\r|%]")

Fields = Sequence[str | None]


def encode_rows(rows: Iterable[Fields]) -> bytes:
    """Write rows, byte for byte as Mastodon does."""
    return "".join(",".join(map(_field, row)) + "\n" for row in rows).encode()


def encode_viewer_rows(rows: Iterable[Fields]) -> bytes:
    """Write rows for a spreadsheet: no cell is a formula there (OWASP, CSV injection).

    A cell that a spreadsheet would run gets an apostrophe in front, so this is for looking only; Mastodon
    and `decode_rows` would take the apostrophe for a part of the text.
    """
    return encode_rows([inert(cell) for cell in row] for row in rows)


def inert(cell: str | None) -> str | None:
    """Make one cell a plain text for a spreadsheet."""
    return f"'{cell}" if cell and _FORMULA.match(cell) else cell


def decode_rows(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Read rows one by one; blank lines are skipped.

    Yields:
        The number of the row's last line, from 1, and its fields.

    Raises:
        CsvError: ``csvTooLarge``, ``csvTooManyRows``, ``csvLine`` (a line or row without end),
            ``csvNotText`` or ``malformedCsv``.
    """
    if len(data) > MAX_CSV_SIZE:
        raise CsvError("csvTooLarge", f"a CSV has at most {MAX_CSV_SIZE // 2**20} MB")
    lines = _Lines(data)
    reader = csv.reader(lines, strict=True)
    count = 0
    try:
        for fields in reader:
            lines.of_row = 0
            if reader.line_num > MAX_LINES:
                raise CsvError("csvTooManyRows", "the CSV has too many lines")
            if not any(field.strip() for field in fields):
                continue
            count += 1
            # One more than the rows, for the header.
            if count > MAX_CSV_ROWS + 1:
                raise CsvError("csvTooManyRows", f"a CSV has at most {MAX_CSV_ROWS} rows")
            yield reader.line_num, fields
    except csv.Error:
        raise CsvError("malformedCsv", f"line {reader.line_num} is no CSV: check its quotes") from None
    except UnicodeDecodeError:
        raise CsvError("csvNotText", "the file is not UTF-8 text") from None


class _Lines:
    """Lines of a file, none longer than ``MAX_LINE``; a row may take only some of them."""

    def __init__(self, data: bytes) -> None:
        self._text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
        self.of_row = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_LINE + 1)
        if not line:
            raise StopIteration
        self.of_row += 1
        if len(line) > MAX_LINE or self.of_row > MAX_LINES_OF_ROW:
            raise CsvError("csvLine", "the CSV has a row without end: a quote is missing, or it is no CSV")
        if "\0" in line:
            raise CsvError("csvNotText", "the file is not text")
        return line


def _field(value: str | None) -> str:
    if value is None:
        return ""
    if value == "" or _QUOTABLE.search(value):
        return '"' + value.replace('"', '""') + '"'
    return value
