"""Mastodon's CSV files and our ``followers.csv``, both ways (Mastodon `export.rb`, `form/import.rb`).

What is written equals Mastodon's own bytes. What is read may lack its header, begin with a mark, hold
blank lines, ``@ana@...``, names without a domain, and columns that nobody knows; a row that cannot be
read is refused by itself, by line, and the others stand.

    text = encode_csv(CsvKind.FOLLOWING, rows)
    file = decode_csv(text, file_name="following_accounts.csv", local="home.example")
    file.kind, file.rows, file.refused
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from yurt.portability.address import is_web_address, parse_address, parse_domain
from yurt.portability.csv_rows import (
    BlockRow,
    BookmarkRow,
    CsvKind,
    DomainBlockRow,
    FollowerRow,
    FollowRow,
    ListRow,
    MuteRow,
    Row,
)
from yurt.portability.csv_text import MAX_CSV_ROWS, Fields, decode_rows, encode_rows, encode_viewer_rows
from yurt.portability.errors import CsvError, LocalPortabilityError, MalformedAddress
from yurt.wire.portability_commands import MAX_LANGUAGE, MAX_LANGUAGES

MAX_LIST_NAME: Final = 256
"""Characters; Mastodon's cap of a list's title."""
_ACCOUNT: Final = "Account address"
_COLUMNS: Final[dict[CsvKind, tuple[str, ...]]] = {
    CsvKind.FOLLOWING: (_ACCOUNT, "Show boosts", "Notify on new posts", "Languages"),
    CsvKind.MUTES: (_ACCOUNT, "Hide notifications"),
    CsvKind.BLOCKS: (_ACCOUNT,),
    CsvKind.DOMAIN_BLOCKS: ("#domain",),
    CsvKind.LISTS: ("List name", _ACCOUNT),
    CsvKind.BOOKMARKS: ("#uri",),
    CsvKind.FOLLOWERS: (_ACCOUNT, "Actor", "Inbox", "Mutual", "Since"),
}
_WITH_HEADER: Final = frozenset({CsvKind.FOLLOWING, CsvKind.MUTES, CsvKind.FOLLOWERS})
"""Mastodon writes no header into the others (`export.rb`)."""
_FIRST_HEADERS: Final = frozenset(columns[0].lower() for columns in _COLUMNS.values())
"""A first line is a header iff it begins with one of these (`KNOWN_FIRST_HEADERS`)."""
_TELLING_HEADERS: Final = {
    "hide notifications": CsvKind.MUTES,
    "actor": CsvKind.FOLLOWERS,
    "inbox": CsvKind.FOLLOWERS,
    "mutual": CsvKind.FOLLOWERS,
    "show boosts": CsvKind.FOLLOWING,
    "notify on new posts": CsvKind.FOLLOWING,
    "languages": CsvKind.FOLLOWING,
    "list name": CsvKind.LISTS,
    "#domain": CsvKind.DOMAIN_BLOCKS,
    "#uri": CsvKind.BOOKMARKS,
}
_TELLING_NAMES: Final = (
    # The beginning of a file's name (`guessed_type`); `followers` before `follows`, of which it is none.
    ("followers", CsvKind.FOLLOWERS),
    ("mutes", CsvKind.MUTES),
    ("muted_accounts", CsvKind.MUTES),
    ("follows", CsvKind.FOLLOWING),
    ("following", CsvKind.FOLLOWING),
    ("blocks", CsvKind.BLOCKS),
    ("blocked_accounts", CsvKind.BLOCKS),
    ("domain_blocks", CsvKind.DOMAIN_BLOCKS),
    ("blocked_domains", CsvKind.DOMAIN_BLOCKS),
    ("bookmarks", CsvKind.BOOKMARKS),
    ("lists", CsvKind.LISTS),
)
_FALSE: Final = frozenset({"false", "f", "0", "off"})
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that could not be read; the others of its file stand."""

    line: int
    """Number of its last line, from 1."""
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class CsvFile:
    """What a file says."""

    kind: CsvKind
    rows: tuple[Row, ...]
    """In the order of the file; doubles are still there."""
    refused: tuple[RefusedRow, ...] = ()


def encode_csv(kind: CsvKind, rows: Iterable[Row]) -> bytes:
    """Write a file as Mastodon writes it.

    Raises:
        LocalPortabilityError: A row of another kind.
    """
    return encode_rows(_cells_with_header(kind, rows))


def encode_viewer_csv(kind: CsvKind, rows: Iterable[Row]) -> bytes:
    """Write a file for a spreadsheet, where cells must not be formulas; not for importing."""
    return encode_viewer_rows(_cells_with_header(kind, rows))


def decode_csv(data: bytes, *, kind: CsvKind | None = None, file_name: str = "", local: str = "") -> CsvFile:
    """Read a file.

    Args:
        data: At most 20 MB and 20,000 rows.
        kind: What the person says that it is; else it is guessed.
        file_name: What the file is called; helps to guess.
        local: Domain of names that have none: the node from which the file comes.

    Raises:
        CsvError: ``csvEmpty``, ``csvKind`` (nobody can tell what it is), ``csvColumns`` (it has not the
            columns of `kind`), ``csvTooManyRows`` and what `decode_rows` says.
    """
    rows = decode_rows(data)
    first = next(rows, None)
    if first is None:
        raise CsvError("csvEmpty", "the file is empty")
    header = _header(first[1])
    kind = kind or guess_kind(header or (), file_name)
    if kind is None:
        raise CsvError(
            "csvKind",
            "neither its header nor its name tells what this CSV holds: name it as Mastodon does, such as "
            "following_accounts.csv, or say --as following_accounts",
        )
    columns = _positions(kind, header)
    reader = _Rows(kind, columns, local)
    if header is None:
        reader.take(*first)
    for number, fields in rows:
        reader.take(number, fields)
    return CsvFile(kind, tuple(reader.rows), tuple(reader.refused))


def guess_kind(header: Iterable[str], file_name: str = "") -> CsvKind | None:
    """Tell what a file holds, by its header first, then by how its name begins."""
    for name in header:
        if kind := _TELLING_HEADERS.get(name.strip().lower()):
            return kind
    base = re.split(r"[/\\]", file_name)[-1].lower()
    return next((kind for prefix, kind in _TELLING_NAMES if base.startswith(prefix)), None)


class _Rows:
    """Takes rows of one kind, and keeps what was wrong with the others."""

    def __init__(self, kind: CsvKind, columns: Sequence[int | None], local: str) -> None:
        self._columns = columns
        self._parse = _PARSERS[kind]
        self._local = local
        self._count = 0
        self.rows: list[Row] = []
        self.refused: list[RefusedRow] = []

    def take(self, line: int, fields: list[str]) -> None:
        self._count += 1
        if self._count > MAX_CSV_ROWS:
            raise CsvError("csvTooManyRows", f"a CSV has at most {MAX_CSV_ROWS} rows")
        cells = [None if at is None or at >= len(fields) else fields[at] for at in self._columns]
        try:
            self.rows.append(self._parse(cells, self._local))
        except (MalformedAddress, _Refused) as error:
            self.refused.append(RefusedRow(line, error.rule, str(error)))


class _Refused(CsvError):
    """One row says nothing that can be used."""


def _header(fields: list[str]) -> tuple[str, ...] | None:
    names = tuple(field.strip().lower() for field in fields)
    return names if names[0] in _FIRST_HEADERS else None


def _positions(kind: CsvKind, header: tuple[str, ...] | None) -> list[int | None]:
    """Where each column of the kind stands in this file."""
    columns = _COLUMNS[kind]
    if header is None:
        # Without a header Mastodon reads only the first column, and two of lists; ours reads them all.
        return list(range(len(columns)))
    found = [header.index(name.lower()) if name.lower() in header else None for name in columns]
    needed = 2 if kind is CsvKind.LISTS else 1
    if None in found[:needed]:
        raise CsvError("csvColumns", f"a file of {kind.value} has the columns {', '.join(columns[:needed])}")
    return found


_Cells = list[str | None]


def _follow(cells: _Cells, local: str) -> FollowRow:
    address, boosts, notify, languages = cells
    return FollowRow(
        parse_address(address or "", local=local), _bool(boosts), _bool(notify), _languages(languages)
    )


def _mute(cells: _Cells, local: str) -> MuteRow:
    return MuteRow(parse_address(cells[0] or "", local=local), _bool(cells[1]))


def _block(cells: _Cells, local: str) -> BlockRow:
    return BlockRow(parse_address(cells[0] or "", local=local))


def _domain_block(cells: _Cells, _local: str) -> DomainBlockRow:
    return DomainBlockRow(parse_domain(cells[0] or ""))


def _list(cells: _Cells, local: str) -> ListRow:
    name = (cells[0] or "").strip()
    if not name or len(name) > MAX_LIST_NAME or _CONTROL.search(name):
        raise _Refused("listName", f"a list's name has 1 to {MAX_LIST_NAME} characters on one line")
    return ListRow(name, parse_address(cells[1] or "", local=local))


def _bookmark(cells: _Cells, _local: str) -> BookmarkRow:
    return BookmarkRow(_url(cells[0]))


def _follower(cells: _Cells, local: str) -> FollowerRow:
    address, actor, inbox, mutual, since = cells
    since = (since or "").strip()
    if since and not _TIME.fullmatch(since):
        raise _Refused("malformedTime", "a time is written 2026-11-21T09:00:00Z")
    return FollowerRow(
        parse_address(address or "", local=local),
        _url(actor) if (actor or "").strip() else "",
        _url(inbox) if (inbox or "").strip() else "",
        _bool(mutual),
        since,
    )


_PARSERS: Final[dict[CsvKind, Callable[[_Cells, str], Row]]] = {
    CsvKind.FOLLOWING: _follow,
    CsvKind.MUTES: _mute,
    CsvKind.BLOCKS: _block,
    CsvKind.DOMAIN_BLOCKS: _domain_block,
    CsvKind.LISTS: _list,
    CsvKind.BOOKMARKS: _bookmark,
    CsvKind.FOLLOWERS: _follower,
}


def _bool(cell: str | None) -> bool | None:
    """Read as Mastodon reads (ActiveModel's Boolean): empty says nothing, what is not false is true."""
    word = (cell or "").strip().lower()
    return None if not word else word not in _FALSE


def _languages(cell: str | None) -> tuple[str, ...] | None:
    """None if the file does not say; empty means all languages.

    A code that is none is passed over: nobody should lose a follow to it.
    """
    if cell is None:
        return None
    said = [code.strip() for code in cell.split(",") if code.strip()]
    short = [code for code in said if len(code) <= MAX_LANGUAGE]
    codes = tuple(filter(_LANGUAGE.fullmatch, short[:MAX_LANGUAGES]))
    return None if said and not codes else codes


def _url(cell: str | None) -> str:
    url = (cell or "").strip()
    if not is_web_address(url):
        raise _Refused("malformedUrl", "not a web address")
    return url


def _cells_with_header(kind: CsvKind, rows: Iterable[Row]) -> Iterable[Fields]:
    if kind in _WITH_HEADER:
        yield _COLUMNS[kind]
    for row in rows:
        if not isinstance(row, _CLASSES[kind]):
            raise LocalPortabilityError(
                "rowKind", f"a {type(row).__name__} does not belong in {kind.file_name}"
            )
        yield _cells(row)


_CLASSES: Final[dict[CsvKind, type[Row]]] = {
    CsvKind.FOLLOWING: FollowRow,
    CsvKind.MUTES: MuteRow,
    CsvKind.BLOCKS: BlockRow,
    CsvKind.DOMAIN_BLOCKS: DomainBlockRow,
    CsvKind.LISTS: ListRow,
    CsvKind.BOOKMARKS: BookmarkRow,
    CsvKind.FOLLOWERS: FollowerRow,
}


def _cells(row: Row) -> Fields:
    match row:
        case FollowRow(address, boosts, notify, languages):
            # What was never said is what Mastodon gives a new follow: boosts, no notices, all languages.
            shown = ", ".join(languages) if languages else None
            return str(address), _word(said=boosts, default=True), _word(said=notify, default=False), shown
        case MuteRow(address, hide):
            return str(address), _word(said=hide, default=True)
        case BlockRow(address):
            return (str(address),)
        case DomainBlockRow(domain):
            return (domain,)
        case ListRow(name, address):
            return name, str(address)
        case BookmarkRow(uri):
            return (uri,)
        case FollowerRow():
            mutual = _word(said=row.mutual, default=False)
            return str(row.address), row.actor or None, row.inbox or None, mutual, row.since or None


def _word(*, said: bool | None, default: bool) -> str:
    return "true" if (default if said is None else said) else "false"
