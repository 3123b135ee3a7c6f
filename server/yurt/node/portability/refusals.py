"""Whom an account wants to have nothing to do with: by actor, by address, by the name of their node."""

from yurt.node.store import blocks, lists, said
from yurt.node.store.accounts import AccountRow
from yurt.node.store.people import KnownPerson
from yurt.node.store.types import ReadTx
from yurt.portability.address import parse_domain
from yurt.portability.errors import MalformedAddress


def refuses(tx: ReadTx, account: AccountRow, person: KnownPerson) -> bool:
    """Whether an account blocks somebody, also if the block was imported before they were known."""
    return (
        blocks.block_of(tx, account.name, person.actor, blocks.BLOCK) is not None
        or refuses_address(tx, account, person.address)
        or _is_host_blocked(tx, account.name, person.actor.removeprefix("https://").partition("/")[0])
    )


def refuses_address(tx: ReadTx, account: AccountRow, address: str) -> bool:
    """Whether an address is blocked, or a node by its name.

    Also if somebody was found there and is blocked as an actor: their node may show another one by that name.
    """
    return said.is_said(tx, account.id, said.BLOCK, address) or _is_host_blocked(
        tx, account.name, address.rpartition("@")[2]
    )


def _is_host_blocked(tx: ReadTx, account: str, host: str) -> bool:
    try:
        return lists.is_domain_blocked(tx, account, parse_domain(host))
    except MalformedAddress:
        return False
