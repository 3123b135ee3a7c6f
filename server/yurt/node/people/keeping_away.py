"""Blocks and mutes as they are asked for: of people who are known, and of addresses that nobody can look up.

Nobody may be out of reach of a block because their node is dead, slow, or says that there is no such person.
Until it is known who they are it holds by the address (`yurt.node.portability.refusals`); then it is done.
"""

from dataclasses import dataclass
from typing import Final

from yurt.node.people.block_ends import BlockEnds
from yurt.node.portability.row_sums import MAX_ROWS
from yurt.node.store import accounts, blocks, jobs, people, said
from yurt.node.store.accounts import AccountRow
from yurt.node.store.people import KnownPerson
from yurt.node.store.said import Said
from yurt.node.store.types import Tx
from yurt.wire.problems import refuse

_KINDS: Final = (said.BLOCK, said.MUTE)


@dataclass(frozen=True, slots=True)
class KeepingAway:
    """Blocks and mutes of accounts of this node, within one unit of work; a kind is one of `said`."""

    tx: Tx
    domain: str
    now_ms: int

    def intend(self, account: AccountRow, kind: str, address: str) -> None:
        """The account wants nothing of whoever is behind an address.

        Raises:
            ProblemError: `tooMany`: it keeps as many rows as it may.
        """
        if jobs.rows_of(self.tx, account.id) >= MAX_ROWS:
            raise refuse("tooMany", f"this node keeps at most {MAX_ROWS} rows of an account", limit=MAX_ROWS)
        said.put(self.tx, account.id, kind, Said(address))

    def begin(self, account: AccountRow, kind: str, person: KnownPerson, asked: str) -> None:
        """The account wants nothing of somebody, who was asked for by some address of theirs."""
        if kind == said.BLOCK:
            BlockEnds(self.tx, self.domain, self.now_ms).block(account, person)
        else:
            number = people.put_person(self.tx, person)
            blocks.put_block(self.tx, account.id, number, blocks.MUTE, "", self.now_ms // 1000)
        said.put(self.tx, account.id, kind, Said(person.address, met=True))
        said.met(self.tx, account.id, kind, asked, person.address)

    def end(self, account: AccountRow, kind: str, person: KnownPerson | None, asked: str) -> None:
        """The account minds them no longer, whether they were known or only meant."""
        said.drop(self.tx, account.id, kind, asked)
        if person is None:
            return
        said.drop(self.tx, account.id, kind, person.address)
        for one in people.everybody_called(self.tx, person.address.lower()):
            if kind == said.BLOCK:
                BlockEnds(self.tx, self.domain, self.now_ms).unblock(account, one)
            else:
                blocks.drop_block(self.tx, account.name, one.actor, blocks.MUTE)

    def learned(self, person: KnownPerson) -> None:
        """Do what was meant for an address, now that it is known who is behind it."""
        for kind in _KINDS:
            for name in said.who_intends(self.tx, kind, person.address):
                account = accounts.account_named(self.tx, name)
                if account is not None:
                    self.begin(account, kind, person, person.address)
