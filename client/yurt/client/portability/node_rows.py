"""Rows of the own node as values of the federation wing, and back."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, Protocol, TypeVar

import msgspec

from yurt.portability.address import parse_address, parse_domain
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
from yurt.portability.errors import MalformedAddress
from yurt.portability.roster import Tie
from yurt.wire.command import Answer, Command
from yurt.wire.portability_commands import JobItem, Portable, PortableRow, PortableRows

A = TypeVar("A", bound=Answer)
MAX_PAGES: Final = 200


class Asks(Protocol):
    """Asks the own node (`yurt.client.session.Session`)."""

    async def call(self, command: Command, shape: type[A]) -> A:
        """Ask; raises ProblemError."""
        ...


async def fetch_rows(node: Asks, kind: CsvKind) -> list[PortableRow]:
    """Fetch everything of one kind.

    Raises:
        ProblemError: The node cannot be reached, or refuses.
    """
    found: list[PortableRow] = []
    after = ""
    for _ in range(MAX_PAGES):
        page = await node.call(Portable(kind.value, after), PortableRows)
        found += page.rows
        after = page.next
        if not after:
            break
    return found


def to_rows(kind: CsvKind, rows: Iterable[PortableRow]) -> tuple[Row, ...]:
    """Give rows of a CSV; an address that no CSV can hold is left out."""
    found: list[Row] = []
    for row in rows:
        try:
            found.append(_row(kind, row))
        except MalformedAddress:
            continue  # an actor of a server with names that Mastodon does not know
    return tuple(found)


def to_ties(
    following: Iterable[PortableRow], followers: Iterable[PortableRow], now_s: int
) -> tuple[Tie, ...]:
    """Give ties as a roster holds them, one for each actor; ``now_s`` is when the node was asked."""
    ties: dict[str, Tie] = {}
    for row in following:
        if row.actor and row.state == "accepted":
            ties[row.actor] = _tie(row, now_s, following=True, follower=row.mutual)
    for row in followers:
        if row.actor:
            ties[row.actor] = _tie(row, now_s, following=row.mutual or row.actor in ties, follower=True)
    return tuple(ties.values())


def to_item(row: Row, kind: CsvKind, *, rank: int = 0, removal: bool = False) -> JobItem:
    """Give a row of a job."""
    match row:
        case FollowRow(address, boosts, notify, languages):
            return JobItem(
                kind.value,
                str(address),
                removal,
                show_boosts=boosts,
                notify=notify,
                languages=languages,
                rank=rank,
            )
        case MuteRow(address, hide):
            return JobItem(kind.value, str(address), removal, hide=hide, rank=rank)
        case ListRow(name, address):
            return JobItem(kind.value, str(address), removal, list=name, rank=rank)
        case DomainBlockRow(domain):
            return JobItem(kind.value, domain, removal, rank=rank)
        case BookmarkRow(uri):
            return JobItem(kind.value, uri, removal, rank=rank)
        case BlockRow(address) | FollowerRow(address=address):
            return JobItem(kind.value, str(address), removal, rank=rank)


def shown(row: Row) -> str:
    """Name a row for people."""
    match row:
        case ListRow(name, address):
            return f"{address} from the list {name}"
        case DomainBlockRow(domain):
            return domain
        case BookmarkRow(uri):
            return uri
        case _:
            return str(row.address)


def _row(kind: CsvKind, row: PortableRow) -> Row:
    match kind:
        case CsvKind.DOMAIN_BLOCKS:
            return DomainBlockRow(parse_domain(row.address))
        case CsvKind.BOOKMARKS:
            return BookmarkRow(row.address)
        case _:
            pass
    address = parse_address(row.address)
    match kind:
        case CsvKind.FOLLOWING:
            return FollowRow(address, row.show_boosts, row.notify, row.languages)
        case CsvKind.MUTES:
            return MuteRow(address, row.hide)
        case CsvKind.BLOCKS:
            return BlockRow(address)
        case CsvKind.LISTS:
            return ListRow(row.list, address)
        case _:
            return FollowerRow(address, row.actor, row.inbox, row.mutual, _time(row.since))


def _time(since: int) -> str:
    return datetime.fromtimestamp(since, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if since else ""


def _tie(row: PortableRow, now_s: int, *, following: bool, follower: bool) -> Tie:
    return Tie(
        actor=row.actor,
        address=_address(row.address),
        inbox=row.inbox,
        shared_inbox=row.shared_inbox,
        did=row.did or None,
        following=following,
        follower=follower,
        since=row.since,
        software=row.software,
        version=row.version,
        locked=row.locked,
        seen=max(0, now_s - row.silent_s) if row.silent_s else 0,
        gone=True if row.gone else msgspec.UNSET,
    )


def _address(text: str) -> str:
    try:
        return str(parse_address(text))
    except MalformedAddress:
        return ""
