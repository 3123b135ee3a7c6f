"""Becoming a device of somebody who exists: by a code from their other device, or by the recovery phrase.

The keys of the new device are in its vault before anybody hears of them, so a restart in the middle goes on
with the same ones: the same command again. What must be believed is little. By code: the other device's hello
names the person, under a MAC that only the code makes, and the record that lists this device is signed by
that person. By phrase: the person is whoever the words say. The node decides nothing; it can only be silent.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from yurt.client.clock import Clock
from yurt.client.devices.linking import ANSWER, HELLO, OFFER
from yurt.client.errors import UsageError, VaultExists
from yurt.client.identity import login_device
from yurt.client.stream import Stream
from yurt.client.vault import accounts
from yurt.client.vault import open as vaults
from yurt.client.vault.accounts import Account, address_of
from yurt.client.vault.open import Vault
from yurt.identity.device import DeviceKeys
from yurt.identity.errors import LinkError, LocalIdentityError, RemoteIdentityError
from yurt.identity.identity_key import IdentityKey
from yurt.identity.link_code import LinkCode
from yurt.identity.linking import LINK_WINDOW_S, NewDevice
from yurt.identity.signed_record import SignedRecord, VerifiedRecord, next_record, verify_record
from yurt.wire.command import Done
from yurt.wire.device_commands import (
    LinkGet,
    LinkMail,
    LinkPut,
    OwnRecord,
    PublishedRecord,
    PublishRecord,
)
from yurt.wire.network_map import NetworkMap
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import DEVICE_LIFETIME_S

HELLO_WITHIN_S: Final = 20
"""How long a code is looked for that nobody has shown yet."""


class _Begun(msgspec.Struct, frozen=True, tag="linking"):
    """What an unfinished linking needs to go on; beside the keys, in the vault."""

    code: bytes
    hello: bytes
    begun_at: int


class _Restoring(msgspec.Struct, frozen=True, tag="restoring"):
    """What an unfinished restoring needs: the record to be published."""

    record: bytes
    before: bytes = b""
    """The record that stood until then; kept in the vault: the kit is judged by it (`record_before`)."""


Unfinished = _Begun | _Restoring
Proceed = Callable[[Stream, Vault, Account, int], Awaitable[Account]]
"""Goes on from what the vault holds; takes the node's time in seconds; gives the account, with its record."""


async def join_by_code(
    home: Path, node: str, code: str, passphrase: str, *, network: NetworkMap | None, clock: Clock
) -> Account:
    """Become the device for which another one of the person shows a code; then the vault can be opened.

    Raises:
        UsageError: The code is mistyped; says where.
        VaultExists: Somebody lives in this folder.
        ProblemError: The code is wrong, used or over; or the other device was not who it should be.
        Disconnected: The node cannot be reached.
    """
    try:
        link = LinkCode.parse(code)
    except LinkError as error:
        raise UsageError(str(error)) from None
    stream = await _greeted(node, network)
    try:
        unfinished = await _unfinished(home, node, passphrase)
        if unfinished is None:
            hello = await _mail(stream.value, link, HELLO, HELLO_WITHIN_S, clock)
            if not hello:
                raise _no_code()
            unfinished = await _begin(home, node, passphrase, link, hello, clock)
        return await _finish(stream, *unfinished, _linked(link, clock))
    finally:
        await stream.value.close()


async def restore(
    home: Path,
    node: str,
    identity: IdentityKey,
    passphrase: str,
    *,
    revoke: Callable[[VerifiedRecord], tuple[bytes, ...]],
    network: NetworkMap | None,
    clock: Clock,
) -> Account:
    """Become a new device of the person whose phrase this is; afterwards the vault can be opened.

    Args:
        home: Where the vault is made.
        node: Where the person lives.
        identity: From the phrase.
        passphrase: Will open the vault.
        revoke: Says which of the listed devices go in the same record: lost ones.
        network: The network map.
        clock: For the record's time.

    Raises:
        VaultExists: Somebody lives in this folder.
        ProblemError: This person does not live there, or the node refuses the record.
        Disconnected: The node cannot be reached.
    """
    stream = await _greeted(node, network)
    try:
        unfinished = await _unfinished(home, node, passphrase)
        if unfinished is None:
            newest = await stream.value.call(OwnRecord(identity.did), PublishedRecord)
            keys = DeviceKeys.generate()
            record = _restored(newest.record, identity, keys, revoke, clock.now_ms() // 1000)
            account = _account(node, identity.did, keys, _Restoring(record.encode(), newest.record))
            unfinished = await _kept(home, passphrase, account)
        elif unfinished[1].did != identity.did:
            await unfinished[0].close()
            raise VaultExists(home)
        return await _finish(stream, *unfinished, _restoring)
    finally:
        await stream.value.close()


def record_before(account: Account) -> VerifiedRecord | None:
    """Give the person record that stood before this device was restored; None if it was not."""
    begun = _read(account)
    if not isinstance(begun, _Restoring) or not begun.before:
        return None
    return verify_record(SignedRecord.decode(begun.before))


# --- one after the other ------------------------------------------------------------------------------------
class _Greeted:
    """An open stream, and the node's time."""

    def __init__(self, value: Stream, node_s: int) -> None:
        self.value = value
        self.node_s = node_s


async def _greeted(node: str, network: NetworkMap | None) -> _Greeted:
    stream = await Stream.open(node, network)
    try:
        greeting = await stream.hello()
    except BaseException:
        await stream.close()
        raise
    return _Greeted(stream, greeting.time // 1000)


async def _unfinished(home: Path, node: str, passphrase: str) -> tuple[Vault, Account] | None:
    """Open the vault of a linking or restoring that was cut off; None if there is none.

    Raises:
        VaultExists: It is a whole one, or of something else.
    """
    if not vaults.exists(home):
        return None
    vault = await asyncio.to_thread(Vault.open, home, passphrase)
    account = await vault.read(accounts.load)
    if account is None:
        await _discard(vault)
        return None
    if account.state == "joined" or account.node != node or _read(account) is None:
        await vault.close()
        raise VaultExists(home)
    return vault, account


async def _begin(
    home: Path, node: str, passphrase: str, code: LinkCode, hello: bytes, clock: Clock
) -> tuple[Vault, Account]:
    keys, now_s = DeviceKeys.generate(), clock.now_ms() // 1000
    try:
        new = NewDevice.join(code, hello, keys.public, now_s)
    except LinkError as error:
        raise _refused(error) from None
    return await _kept(home, passphrase, _account(node, new.did, keys, _Begun(code.secret, hello, now_s)))


async def _kept(home: Path, passphrase: str, account: Account) -> tuple[Vault, Account]:
    vault = await asyncio.to_thread(Vault.create, home, passphrase)
    await vault.write(lambda tx: accounts.save(tx, account))
    return vault, account


def _account(node: str, did: str, keys: DeviceKeys, unfinished: Unfinished) -> Account:
    return Account(
        state="joining",
        name="",
        node=node,
        did=did,
        device=keys,
        record=b"",
        actor_key=b"",  # the node has it; another device, or the kit, has its copy
        login_key=b"",  # it signs in by its own key
        join_request=msgspec.msgpack.encode(unfinished),
    )


async def _finish(stream: _Greeted, vault: Vault, account: Account, proceed: Proceed) -> Account:
    """Go on from what the vault holds until the device is signed in; a final refusal leaves nothing."""
    try:
        account = await proceed(stream.value, vault, account, stream.node_s)
        answer = await login_device(stream.value, account, stream.node_s)
        joined = _named(account).joined(answer.token, answer.expires_at)
        if isinstance(_read(account), _Restoring):
            joined = replace(joined, join_request=account.join_request)
        await vault.write(lambda tx: accounts.save(tx, joined))
    except ProblemError as error:
        if error.problem.kind.retry:
            await vault.close()
        else:
            await _discard(vault)
        raise
    except BaseException:
        await vault.close()
        raise
    await vault.close()
    return joined


def _linked(code: LinkCode, clock: Clock) -> Proceed:
    async def proceed(stream: Stream, vault: Vault, account: Account, node_s: int) -> Account:
        begun = _read(account)
        if not isinstance(begun, _Begun):
            raise VaultExists(vault.home)
        if account.record:
            return account
        link = LinkCode(begun.code)
        new = _again(link, begun, account)
        now_s = clock.now_ms() // 1000
        if now_s > begun.begun_at + LINK_WINDOW_S or link != code:
            return await _found_in_record(stream, vault, account, new, node_s)
        await _offer(stream, link, new)
        answer = await _mail(stream, link, ANSWER, begun.begun_at + LINK_WINDOW_S - now_s, clock)
        if not answer:
            return await _found_in_record(stream, vault, account, new, node_s)
        try:
            record = new.receive(answer, clock.now_ms() // 1000)
        except RemoteIdentityError as error:
            raise _refused(error) from None
        return await _with_record(vault, account, record)

    return proceed


def _again(link: LinkCode, begun: _Begun, account: Account) -> NewDevice:
    try:
        return NewDevice.join(link, begun.hello, account.device.public, begun.begun_at)
    except LinkError as error:
        raise _refused(error) from None


async def _offer(stream: Stream, link: LinkCode, new: NewDevice) -> None:
    try:
        await stream.call(LinkPut(mailbox=link.mailbox_id, step=OFFER, body=new.offer), Done)
    except ProblemError as error:
        if error.problem.detail.get("rule") == "linkUsed":
            raise refuse(
                "refused", "somebody else has used this code: make a new one", rule="linkUsed"
            ) from None
        raise


async def _found_in_record(
    stream: Stream, vault: Vault, account: Account, new: NewDevice, node_s: int
) -> Account:
    """Look whether the record lists this device though the answer was lost; the person signed it, no node.

    Raises:
        ProblemError: ``notFound``: it does not; make a new code.
    """
    try:
        answer = await login_device(stream, account, node_s)
        record = verify_record(SignedRecord.decode(answer.record))
    except ProblemError as error:
        if error.problem.code == "notAllowed":
            raise _no_code() from None
        raise
    except RemoteIdentityError as error:
        raise _refused(error) from None
    listed = {certificate.device for certificate in record.record.devices}
    if record.did != new.did or not {new.old, new.device} <= listed:
        raise refuse("refused", "the node shows a record that is not this person's", rule="linkRecord")
    return await _with_record(vault, account, record)


async def _restoring(stream: Stream, vault: Vault, account: Account, _node_s: int) -> Account:
    begun = _read(account)
    if not isinstance(begun, _Restoring):
        raise VaultExists(vault.home)
    await stream.call(PublishRecord(begun.record), PublishedRecord)
    return await _with_record(vault, account, verify_record(SignedRecord.decode(begun.record)))


async def _with_record(vault: Vault, account: Account, record: VerifiedRecord) -> Account:
    account = replace(account, record=record.signed.encode())
    await vault.write(lambda tx: accounts.save(tx, account))
    return account


async def _mail(stream: Stream, code: LinkCode, step: int, within_s: int, clock: Clock) -> bytes:
    """Wait for a message of the mailbox; empty if none comes in time."""
    end = clock.now_ms() // 1000 + within_s
    while True:
        mail = await stream.call(LinkGet(mailbox=code.mailbox_id, step=step), LinkMail)
        if mail.body or clock.now_ms() // 1000 >= end:
            return mail.body


def _restored(
    newest: bytes,
    identity: IdentityKey,
    keys: DeviceKeys,
    revoke: Callable[[VerifiedRecord], tuple[bytes, ...]],
    now_s: int,
) -> SignedRecord:
    try:
        record = verify_record(SignedRecord.decode(newest))
        if record.did != identity.did:
            raise refuse("refused", "the node shows a record of somebody else", rule="recordDid")
        added = [(keys.public, now_s + DEVICE_LIFETIME_S)]
        return next_record(record, identity, time=now_s, add=added, revoke=revoke(record))
    except (RemoteIdentityError, LocalIdentityError) as error:
        raise refuse("refused", str(error), rule=error.rule) from None


def _named(account: Account) -> Account:
    """Give the account its name, which the record says.

    Raises:
        ProblemError: The person lives elsewhere.
    """
    actor = verify_record(SignedRecord.decode(account.record)).record.actor
    name, _, node = address_of(actor).partition("@")
    if node != account.node:
        raise refuse("refused", f"this person lives elsewhere now: {address_of(actor)}", rule="recordActor")
    return replace(account, name=name)


def _read(account: Account) -> Unfinished | None:
    try:
        found: Unfinished = msgspec.msgpack.decode(account.join_request, type=Unfinished)
    except msgspec.DecodeError:
        return None
    return found


async def _discard(vault: Vault) -> None:
    await vault.close()
    vaults.remove(vault.home)


def _refused(error: RemoteIdentityError) -> ProblemError:
    return refuse("refused", f"{error}: make a new code", rule=error.rule)


def _no_code() -> ProblemError:
    """One answer for a code that is wrong, was used, or is over."""
    return refuse("notFound", "the code is wrong, was used, or its two minutes are over: make a new one")
