"""What both a move away and a rescue stand on: the person's newest record, the Move's one id, its order.

Nobody's word is enough but the person's own: the newest record must name the new actor, and be the only one
at its number (TRUST 9).
"""

import hashlib

from yurt.identity.record import PersonRecord
from yurt.identity.signed_record import SignedRecord
from yurt.node.store import accounts, moving, records
from yurt.node.store.accounts import AccountRow
from yurt.node.store.types import ReadTx, Tx
from yurt.wire.problems import ProblemError, refuse


def account_of(tx: ReadTx, name: str) -> AccountRow:
    """The account that asks.

    Raises:
        ProblemError: `notFound`: it was deleted meanwhile.
    """
    account = accounts.account_named(tx, name)
    if account is None:
        raise refuse("notFound", "this account does not exist any more")
    return account


def check_named(tx: ReadTx, did: str, target: str, *previous: str) -> None:
    """The newest person record must say that the person is at `target`, and left the others.

    Raises:
        ProblemError: `refused` with the rule.
    """
    body = records.newest_record(tx, did)
    record = PersonRecord.decode(SignedRecord.decode(body).record) if body else None
    if records.is_frozen(tx, did):
        raise refuse("refused", "two person records compete: nobody moves on either", rule="recordFrozen")
    if record is None or record.actor != target or not set(previous) <= set(record.previous_actors):
        raise _no_record(target)


def move_id_of(actor: str, target: str) -> str:
    """One Move from here to there has one id, however often it is sent: receivers take it once."""
    return f"{actor}#moves/{hashlib.sha256(target.encode()).hexdigest()[:16]}"


def put_in_order(tx: Tx, sender: str, inbox: str, before: int) -> None:
    """Let the newest delivery to an inbox go after another one."""
    newest = moving.newest_delivery(tx, sender, inbox)
    if before and newest != before:
        moving.go_after(tx, newest, before)


def _no_record(target: str) -> ProblemError:
    return refuse("refused", f"the newest person record does not lead to {target}", rule="noRecord")
