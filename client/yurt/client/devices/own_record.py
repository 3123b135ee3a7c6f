"""The own person record as it grows: made here, or by another device of the same person.

A newer record may bring a new certificate for this device (TRUST 2: a revocation issues the others anew), so
what leaves are made from changes with it, at once and everywhere: `Core.device`. A record that revokes this
device is not kept: there is nothing more to sign with it, and the reason is told.
"""

from dataclasses import replace

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.identity import device_of
from yurt.client.vault import accounts, key_changes, link_answers, rooms, timeline
from yurt.client.vault.accounts import Account
from yurt.client.vault.timeline import NewItem
from yurt.identity.errors import RecordError, RemoteIdentityError
from yurt.identity.signed_record import Frozen, SignedRecord, VerifiedRecord, verify_next, verify_record
from yurt.wire.problems import refuse

REVOKED = "deviceRevoked"


def own_record(account: Account) -> VerifiedRecord:
    """Give the newest own record that is known here."""
    return verify_record(SignedRecord.decode(account.record))


def keep(tx: Connection, body: bytes) -> Account | None:
    """Keep a newer own record; None if nothing changes: it is old, broken, or revokes this device."""
    account = accounts.load(tx)
    if account is None:
        return None
    try:
        record = _newer(own_record(account), SignedRecord.decode(body))
    except RemoteIdentityError:
        return None
    if record is None:
        return None
    if record.device(account.device.device_id) is None:
        _tell_revoked(tx)
        return None
    account = replace(account, record=body)
    accounts.save(tx, account)
    return account


def enter(core: Core, account: Account) -> None:
    """Go on with a record that was kept."""
    core.account = replace(core.account, record=account.record)
    core.device = device_of(core.account)


async def take_over(core: Core) -> None:
    """Go on with the record that is in the vault."""
    account = await core.vault.read(accounts.load)
    if account is not None and account.record != core.account.record:
        enter(core, account)


async def learn(core: Core, body: bytes) -> bool:
    """Keep a newer own record and go on with it; whether anything changed."""
    account = await core.write(lambda tx: keep(tx, body))
    if account is not None:
        enter(core, account)
    return account is not None


async def give_way(core: Core, beaten: bytes, body: bytes) -> bool:
    """Go on with the record that the node has, instead of an own one that it refused and nobody has seen.

    Two devices of one person that make the next record at the same moment make two with one number. The
    node takes the first; whoever was second must not hold on to theirs, or it follows no later one.
    """
    account = await core.write(lambda tx: _give_way(tx, beaten, body))
    await take_over(core)
    return account is not None


def _give_way(tx: Connection, beaten: bytes, body: bytes) -> Account | None:
    account = accounts.load(tx)
    if account is None or account.record != beaten:
        return account  # somebody else here was quicker to see it
    own = own_record(account)
    try:
        record = verify_record(SignedRecord.decode(body))
    except RemoteIdentityError:
        return None
    if record.did != own.did or record.record.seq < own.record.seq or record.hash == own.hash:
        return None
    if record.device(account.device.device_id) is None:
        _tell_revoked(tx)
        return None
    account = replace(account, record=body)
    accounts.save(tx, account)
    for answer in link_answers.every(tx):  # they tell of the record that was refused
        link_answers.drop(tx, answer.mailbox)
    key_changes.drop(tx)  # made for that record as well
    return account


def _newer(known: VerifiedRecord, signed: SignedRecord) -> VerifiedRecord | None:
    try:
        outcome = verify_next(known, signed)
    except RecordError as error:
        if error.rule != "recordGap":
            raise
        # The records between are not needed: the identity key, which is ours, signed this one all the same.
        return verify_record(signed)
    if isinstance(outcome, Frozen):
        raise RecordError("recordFrozen", "two records with one number: somebody else has the phrase")
    return None if outcome is known else outcome


def _tell_revoked(tx: Connection) -> None:
    text = "this device was revoked by another device of yours: nothing goes in or out any more"
    for room in rooms.every(tx):
        if room.state == "active":
            timeline.add(tx, NewItem(room=room.room, kind="notice", text=text, reason=REVOKED))
            rooms.update(tx, rooms.stopped(room, REVOKED))


def check_phrase_of(core: Core, did: str) -> None:
    """Refuse the phrase of somebody else.

    Raises:
        ProblemError: ``refused`` with the rule ``otherPerson``.
    """
    if did != core.account.did:
        raise refuse("refused", "these are 24 words of somebody else", rule="otherPerson")
