"""What a row of a job does, as one unit of work: the deed and what the row has come to are on disk together.

Follows go the way of every other follow (`yurt.node.people.follow_ends` and its queue of deliveries).
"""

from dataclasses import dataclass

import msgspec

from yurt.node.people.block_ends import BlockEnds
from yurt.node.people.follow_ends import FollowEnds
from yurt.node.portability.refusals import refuses
from yurt.node.portability.rows import STAGES, host_of_row, row_of, said_of
from yurt.node.store import accounts, blocks, job_turns, jobs, lists, people, said
from yurt.node.store.accounts import AccountRow
from yurt.node.store.job_turns import RowToDo
from yurt.node.store.jobs import NewRow
from yurt.node.store.people import FOLLOWING, KnownPerson
from yurt.node.store.types import Tx
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
from yurt.portability.plan import item_key
from yurt.wire.portability_commands import JobItem


@dataclass(frozen=True, slots=True)
class Deed:
    """One row, within one unit of work."""

    tx: Tx
    domain: str
    now_ms: int
    todo: RowToDo
    account: AccountRow

    # --- without asking anybody ------------------------------------------------------------------------
    def at_home(self, row: Row) -> None:
        """Do what needs nobody else: domain blocks, lists, bookmarks, and everything that is undone."""
        if self.todo.said.removal:
            self._undo(row)
        else:
            self._put(row)
        self._came_to("accepted")

    def _put(self, row: Row) -> None:
        tx, account = self.tx, self.account
        match row:
            case DomainBlockRow(domain):
                lists.put_domain_block(tx, account.id, domain)
                for actor in lists.people_under(tx, account.id, domain):
                    if (person := people.person_at(tx, actor)) is not None:
                        FollowEnds(tx, self.domain, self.now_ms).end(account, person, by_them=False)
            case ListRow(name, address):
                here = job_turns.successor(tx, _item(account, CsvKind.FOLLOWING, FollowRow(address))) or str(
                    address
                )
                lists.put_member(tx, account.id, name, here)
            case BookmarkRow(uri):
                lists.put_bookmark(tx, account.id, uri)
            case _:
                pass

    def _undo(self, row: Row) -> None:
        tx, account = self.tx, self.account
        match row:
            case DomainBlockRow(domain):
                lists.drop_domain_block(tx, account.id, domain)
            case ListRow(name, address):
                lists.drop_member(tx, account.id, name, str(address))
            case BookmarkRow(uri):
                lists.drop_bookmark(tx, account.id, uri)
            case FollowRow() | MuteRow() | BlockRow():
                said.drop(tx, account.id, _SAID[type(row)], str(row.address))
                person = people.person_called(tx, row.key)
                if person is not None:
                    self._undo_person(row, person)
            case _:
                pass

    def _undo_person(self, row: Row, person: KnownPerson) -> None:
        match row:
            case FollowRow():
                FollowEnds(self.tx, self.domain, self.now_ms).unfollow(self.account, person)
            case BlockRow():
                BlockEnds(self.tx, self.domain, self.now_ms).unblock(self.account, person)
            case _:
                blocks.drop_block(self.tx, self.account.name, person.actor, blocks.MUTE)

    # --- with somebody who was found -------------------------------------------------------------------
    def with_person(self, row: FollowRow | MuteRow | BlockRow, person: KnownPerson) -> None:
        """Follow, mute or block somebody."""
        if person.actor == f"https://{self.domain}/users/{self.account.name}":
            self._came_to("skipped", "self")
            return
        kind = _SAID[type(row)]
        if not isinstance(row, FollowRow):
            self._keep_away(row, person)
        elif refuses(self.tx, self.account, person) or self._blocks_us(person):
            self._came_to("skipped", "blocked")
            return
        else:
            self._follow(person)
        said.put(self.tx, self.account.id, kind, said_of(row))
        said.met(self.tx, self.account.id, kind, str(row.address), person.address)

    def _keep_away(self, row: MuteRow | BlockRow, person: KnownPerson) -> None:
        if isinstance(row, BlockRow):
            BlockEnds(self.tx, self.domain, self.now_ms).block(self.account, person)
        else:
            number = people.put_person(self.tx, person)
            blocks.put_block(self.tx, self.account.id, number, blocks.MUTE, "", self.now_ms // 1000)
        self._came_to("accepted")

    def _follow(self, person: KnownPerson) -> None:
        """Follow somebody, unless that stands: whoever was asked already is not asked again."""
        tie = people.tie_with(self.tx, self.account.name, person.actor, FOLLOWING)
        if tie is None or tie.state not in ("pending", "accepted"):
            before = job_turns.newest_delivery(self.tx)
            FollowEnds(self.tx, self.domain, self.now_ms).follow(self.account, person)
            after = job_turns.newest_delivery(self.tx)
            tie = people.tie_with(self.tx, self.account.name, person.actor, FOLLOWING)
            if tie is not None and tie.state == "pending":
                job_turns.came_to(
                    self.tx, self.todo.id, "sent", "", person.actor, after if after > before else 0
                )
                return
        if tie is not None and tie.state == "pending":
            why = "locked" if person.locked else "asked"
            job_turns.came_to(self.tx, self.todo.id, "pending", why, person.actor)
        else:
            self._came_to("accepted")

    def _blocks_us(self, person: KnownPerson) -> bool:
        return blocks.block_of(self.tx, self.account.name, person.actor, blocks.BLOCKED_BY) is not None

    # --- with somebody who moved -----------------------------------------------------------------------
    def moved(self, asked: str, old: KnownPerson, new: KnownPerson) -> None:
        """Go on with whoever they are now: a row of its own, and their place in every list."""
        item = msgspec.structs.replace(self.todo.said, address=new.address)
        if refuses(self.tx, self.account, old):
            self._came_to("skipped", "blocked")
            return
        jobs.put_rows(self.tx, self.todo.job, [new_row(self.account, item)])
        lists.rename_member(self.tx, self.account.id, asked, new.address)
        said.met(self.tx, self.account.id, said.FOLLOW, asked, new.address)
        self._came_to("successor", new.address)

    def _came_to(self, state: str, reason: str = "") -> None:
        job_turns.came_to(self.tx, self.todo.id, state, reason)


_SAID = {FollowRow: said.FOLLOW, MuteRow: said.MUTE, BlockRow: said.BLOCK}


def open_deed(tx: Tx, domain: str, now_ms: int, todo: RowToDo) -> Deed | None:
    """Begin a deed; None if the row is done already, its job rests, or its account is gone."""
    account = accounts.account_named(tx, todo.account)
    if account is None or not job_turns.is_queued(tx, todo.id):
        return None
    return Deed(tx, domain, now_ms, todo, account)


def new_row(account: AccountRow, item: JobItem) -> NewRow:
    """Name a row of a job.

    Raises:
        ProblemError: `badRequest`: it cannot be imported.
    """
    row = row_of(item)
    kind = CsvKind(item.kind)
    return NewRow(
        _item(account, kind, row, removal=item.removal),
        replace_address(item, row),
        host_of_row(row, removal=item.removal),
        STAGES[kind],
    )


def _item(account: AccountRow, kind: CsvKind, row: Row, *, removal: bool = False) -> bytes:
    # Two accounts of one person on one node are two.
    return item_key(kind, f"{account.did} {account.id}", row, removal=removal)


def replace_address(item: JobItem, row: Row) -> JobItem:
    """Write an item as it was understood."""
    match row:
        case FollowRow(address) | MuteRow(address) | BlockRow(address) | ListRow(address=address):
            return msgspec.structs.replace(item, address=str(address))
        case DomainBlockRow(domain):
            return msgspec.structs.replace(item, address=domain)
        case _:
            return item


def intend(tx: Tx, account: AccountRow, items: list[JobItem]) -> None:
    """Keep what a job says before anybody is asked: blocks hold from now on, and the file's order stays."""
    for item in items:
        row = row_of(item)
        if item.removal:
            continue
        match row:
            case DomainBlockRow(domain):
                lists.put_domain_block(tx, account.id, domain)
            case FollowRow() | MuteRow() | BlockRow():
                said.put(tx, account.id, _SAID[type(row)], said_of(row))
            case _:
                pass
