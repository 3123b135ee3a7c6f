"""The commands about lists."""

from collections.abc import Callable
from typing import Final

from yurt.node.dispatcher import Context, Handlers
from yurt.node.portability.row_sums import RowSums
from yurt.node.portability.rows import check_list_name
from yurt.node.store import accounts, lists
from yurt.node.store.accounts import AccountRow
from yurt.node.store.types import ReadTx, Store, Tx
from yurt.portability.address import parse_address
from yurt.portability.errors import MalformedAddress
from yurt.wire.command import Done
from yurt.wire.list_commands import (
    AddToList,
    CreateList,
    DropList,
    ListInfo,
    ListMember,
    ListMembers,
    ListPage,
    Lists,
    RemoveFromList,
    ShowList,
)
from yurt.wire.problems import ProblemError, refuse

PAGE: Final = 500
MAX_LISTS: Final = 500


class ListCommands:
    """Answers what a client asks about its lists."""

    def __init__(self, store: Store, sums: RowSums) -> None:
        self._store = store
        self._sums = sums

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {
            Lists.name: self.lists,
            ShowList.name: self.show,
            CreateList.name: self.create,
            DropList.name: self.drop,
            AddToList.name: self.add,
            RemoveFromList.name: self.remove,
        }

    async def lists(self, context: Context, command: Lists) -> ListPage:
        """Every list."""
        del command
        name = context.who.account

        def query(tx: ReadTx) -> ListPage:
            found = lists.lists_of(tx, _account(tx, name).id)
            return ListPage(tuple(ListInfo(one, there, every - there) for one, there, every in found))

        return await self._store.read(query)

    async def show(self, context: Context, command: ShowList) -> ListMembers:
        """A page of one list."""
        name, after = context.who.account, number(command.after)

        def query(tx: ReadTx) -> ListMembers:
            account = _account(tx, name)
            if not lists.has_list(tx, account.id, command.list):
                raise _no_list()
            rows = lists.members(tx, account.id, command.list, after, PAGE)
            people = tuple(ListMember(row.address, bool(row.actor), row.actor) for row in rows)
            return ListMembers(people, str(rows[-1].id) if len(rows) == PAGE else "")

        return await self._store.read(query)

    async def create(self, context: Context, command: CreateList) -> Done:
        """Make a list."""
        name = check_list_name(command.list)

        def change(tx: Tx, account: AccountRow) -> None:
            _check_count(tx, account, name)
            lists.put_list(tx, account.id, name)

        return await self._change(context, change)

    async def drop(self, context: Context, command: DropList) -> Done:
        """Forget a list."""

        def change(tx: Tx, account: AccountRow) -> None:
            if not lists.drop_list(tx, account.id, command.list):
                raise _no_list()

        return await self._change(context, change)

    async def add(self, context: Context, command: AddToList) -> Done:
        """Put somebody into a list."""
        name, address = check_list_name(command.list), _address(command.address)
        await self._sums.take(context.who.account, 1)

        def change(tx: Tx, account: AccountRow) -> None:
            _check_count(tx, account, name)
            lists.put_member(tx, account.id, name, address)

        return await self._change(context, change)

    async def remove(self, context: Context, command: RemoveFromList) -> Done:
        """Take somebody out of a list."""
        address = _address(command.address)

        def change(tx: Tx, account: AccountRow) -> None:
            if not lists.drop_member(tx, account.id, command.list, address):
                raise refuse("notFound", f"{address} is not in that list")

        return await self._change(context, change)

    async def _change(self, context: Context, change: Callable[[Tx, AccountRow], None]) -> Done:
        name = context.who.account
        await self._store.write(lambda tx: change(tx, _account(tx, name)))
        return Done()


def number(after: str) -> int:
    """Read what an earlier page gave as next.

    Raises:
        ProblemError: `badRequest`.
    """
    if not after:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) <= 18):
        raise refuse("badRequest", "after is what an earlier page gave as next")
    return int(after)


def _account(tx: ReadTx, name: str) -> AccountRow:
    account = accounts.account_named(tx, name)
    if account is None:
        raise refuse("notFound", "the account is gone")
    return account


def _check_count(tx: ReadTx, account: AccountRow, name: str) -> None:
    """Let a new list be made only within the bound."""
    if not lists.has_list(tx, account.id, name) and lists.count_lists(tx, account.id) >= MAX_LISTS:
        raise refuse("tooMany", f"at most {MAX_LISTS} lists", limit=MAX_LISTS)


def _address(text: str) -> str:
    try:
        return str(parse_address(text))
    except MalformedAddress as error:
        raise refuse("badRequest", str(error), rule=error.rule) from None


def _no_list() -> ProblemError:
    return refuse("notFound", "there is no such list: `yurt list` shows yours")
