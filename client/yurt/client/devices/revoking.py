"""Revoking a device: the next record without it, told to the node first, then to every room.

The node ends its token, its stream and its key packages with the record; each room ends its leaf with one
commit. What a restart cuts off is finished by `each_room`, which reads it from record and rooms. With the
record a new actor key is kept, since the phrase is at hand: the device may have had the one of now, or have
sealed the kit, which counts no longer (`yurt.client.portability.key_changing`).
"""

import asyncio
from dataclasses import replace

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.devices import own_record
from yurt.client.devices.linking import BEATEN, TRIES, phrase_of, publish, refresh
from yurt.client.portability import key_changing
from yurt.client.portability.key_changing import NewKey
from yurt.client.vault import accounts
from yurt.client.vault.accounts import Account
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.record import PersonRecord
from yurt.identity.signed_record import next_record
from yurt.wire.problems import ProblemError, refuse

LEAST_PREFIX = 4
"""Characters of an id that must be given at least."""


async def revoke(core: Core, device: str, phrase: str) -> bool:
    """Make and publish the record that revokes a device.

    Returns:
        Whether it was revoked now; False if it had been before.

    Raises:
        ProblemError: No such device, this very one, a mistyped phrase, or the node cannot be reached.
    """
    words = await asyncio.to_thread(phrase_of, phrase)
    own_record.check_phrase_of(core, words.identity_key().did)
    device_id = await judge(core, device)
    new, is_new = await key_changing.make_key(core, words), False
    for _ in range(TRIES):
        account = await core.write(lambda tx: _revoke(tx, new, device_id, core.clock.now_ms()))
        if account is not None:
            own_record.enter(core, account)
        is_new = is_new or account is not None
        try:
            await publish(core, core.account.record)
        except ProblemError as error:
            if error.problem.detail.get("rule") != BEATEN:
                raise
        # Whoever published it for us may have seen that another device was quicker.
        await own_record.take_over(core)
        if device_id in own_record.own_record(core.account).record.revoked:
            return is_new
    raise refuse("overloaded", "other devices of yours change the list all the time: try again")


async def judge(core: Core, device: str) -> bytes:
    """Find the device that is to be revoked.

    Raises:
        ProblemError: No such device, this very one, a move goes on, or the node cannot be reached.
    """
    await core.vault.read(key_changing.check_not_moving)
    await refresh(core)
    device_id = find_device(own_record.own_record(core.account).record, device)
    if device_id == core.account.device.device_id:
        raise refuse("badRequest", "that is this device: revoke it from another one")
    return device_id


def find_device(record: PersonRecord, text: str) -> bytes:
    """Find the device that a person means, by the beginning of its id.

    Raises:
        ProblemError: ``notFound``, or ``badRequest``: it could be several.
    """
    wanted = text.strip().lower()
    ids = [certificate.device.device_id for certificate in record.devices] + list(record.revoked)
    found = [each for each in ids if each.hex().startswith(wanted)]
    if len(wanted) < LEAST_PREFIX:
        raise refuse("badRequest", f"give at least {LEAST_PREFIX} characters of the device's id")
    if not found:
        raise refuse("notFound", "you have no such device: `yurt devices` lists them")
    if len(found) > 1:
        raise refuse("badRequest", "several of your devices begin like this: give more of the id")
    return found[0]


def _revoke(tx: Connection, new: NewKey, device_id: bytes, now_ms: int) -> Account | None:
    account = accounts.load(tx)
    if account is None:
        raise refuse("internal", "there is no account in this vault")
    known = own_record.own_record(account)
    if device_id in known.record.revoked:
        return None
    try:
        signed = next_record(known, new.identity, time=now_ms // 1000, revoke=(device_id,))
    except RemoteIdentityError as error:
        raise refuse("refused", str(error), rule=error.rule) from None
    account = replace(account, record=signed.encode())
    accounts.save(tx, account)
    key_changing.keep(tx, account, new, now_ms)
    return account
