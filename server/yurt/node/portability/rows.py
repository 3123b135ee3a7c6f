"""Rows of a job as the values that the federation wing knows, and what follows from their kinds."""

from typing import Final

from yurt.node.store.said import Said
from yurt.portability.address import is_web_address, parse_address, parse_domain
from yurt.portability.csv_files import MAX_LIST_NAME
from yurt.portability.csv_rows import (
    BlockRow,
    BookmarkRow,
    CsvKind,
    DomainBlockRow,
    FollowRow,
    ListRow,
    MuteRow,
    Row,
)
from yurt.portability.errors import MalformedAddress
from yurt.portability.plan import ORDER
from yurt.wire.portability_commands import JobItem
from yurt.wire.problems import refuse
from yurt.wire.sanitise import clean_line

STAGES: Final = {kind: stage for stage, kind in enumerate(ORDER)}
"""Blocks first: nobody regains contact for a moment."""
_ASKS: Final = frozenset({CsvKind.FOLLOWING, CsvKind.BLOCKS, CsvKind.MUTES})
"""Kinds for which somebody's node is asked who they are."""


def kind_of(text: str) -> CsvKind:
    """Read a kind.

    Raises:
        ProblemError: `badRequest`.
    """
    try:
        return CsvKind(text)
    except ValueError:
        raise refuse("badRequest", "there is no such kind of rows") from None


def row_of(item: JobItem) -> Row:
    """Read a row of a job.

    Raises:
        ProblemError: `badRequest`: it is none, or cannot be imported.
    """
    try:
        return _row(kind_of(item.kind), item)
    except MalformedAddress as error:
        raise refuse("badRequest", str(error), rule=error.rule) from None


def host_of_row(row: Row, *, removal: bool) -> str:
    """The host that is asked about a row; empty if nobody is."""
    if removal:
        return ""
    match row:
        case FollowRow(address) | BlockRow(address) | MuteRow(address):
            return address.domain
        case _:
            return ""


def said_of(row: FollowRow | MuteRow | BlockRow) -> Said:
    """What a row says about its person."""
    match row:
        case FollowRow(address, boosts, notify, languages):
            return Said(str(address), boosts, notify, languages)
        case MuteRow(address, hide):
            return Said(str(address), hide=hide)
        case BlockRow(address):
            return Said(str(address))


def check_list_name(name: str) -> str:
    """Return a list's name without blanks around it.

    Raises:
        ProblemError: `badRequest`.
    """
    name = name.strip()
    if not name or len(name) > MAX_LIST_NAME or clean_line(name) != name:
        raise refuse("badRequest", f"a list's name has 1 to {MAX_LIST_NAME} characters on one line")
    return name


def _row(kind: CsvKind, item: JobItem) -> Row:
    match kind:
        case CsvKind.FOLLOWING:
            return FollowRow(parse_address(item.address), item.show_boosts, item.notify, _languages(item))
        case CsvKind.MUTES:
            return MuteRow(parse_address(item.address), item.hide)
        case CsvKind.BLOCKS:
            return BlockRow(parse_address(item.address))
        case CsvKind.DOMAIN_BLOCKS:
            return DomainBlockRow(parse_domain(item.address))
        case CsvKind.LISTS:
            return ListRow(check_list_name(item.list), parse_address(item.address))
        case CsvKind.BOOKMARKS if is_web_address(item.address):
            return BookmarkRow(item.address)
        case _:
            raise refuse("badRequest", "such a row cannot be imported")


def _languages(item: JobItem) -> tuple[str, ...] | None:
    """Codes without blanks; the columns of the store hold them with blanks between."""
    if item.languages is None:
        return None
    return tuple(code for code in item.languages if code and code.isascii() and not code.isspace())
