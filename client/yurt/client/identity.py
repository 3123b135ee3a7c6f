"""Becoming somebody: phrase, identity key, device, record, statement, actor key, and an account on a node.

All or nothing. A join that the node refuses leaves no vault. If the answer is lost, the vault stays, marked
``joining``, with the very request in it: the same join again repeats it byte for byte, and the node signs
the device in (`yurt.wire.account_commands`). The identity key is in memory only while the request is made;
the phrase is handed to its keeper *before* the request goes, because afterwards it could be lost.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec
from sqlcipher3.dbapi2 import Connection

from yurt.client.clock import Clock
from yurt.client.errors import Disconnected, VaultExists
from yurt.client.links import AccountInvite
from yurt.client.portability.new_kit import new_kit
from yurt.client.rooms.leaves import Device
from yurt.client.stream import Stream
from yurt.client.vault import accounts, kits
from yurt.client.vault import open as vaults
from yurt.client.vault.accounts import Account, actor_url
from yurt.client.vault.kits import KitRow
from yurt.client.vault.open import Vault
from yurt.client.vault.passphrase import login_key
from yurt.identity.device import DeviceKeys
from yurt.identity.device_login import make_device_login
from yurt.identity.errors import LocalIdentityError
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import SignedRecord, first_record, verify_record
from yurt.identity.statement import make_statement
from yurt.wire.account_commands import Join, Login, SignedIn
from yurt.wire.device_commands import DeviceSignedIn, LoginDevice
from yurt.wire.network_map import NetworkMap
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import DEVICE_LIFETIME_S

ACTOR_KEY_BITS: Final = 2048
_RSA_EXPONENT: Final = 65537
_UNDECIDED: Final = frozenset({"internal"})
"""Answers after which it is not known whether the account was made."""

KeepPhrase = Callable[[RecoveryPhrase], None]
"""Shows or stores the phrase; if it raises, nobody joins."""


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody who does not exist anywhere else yet."""

    phrase: RecoveryPhrase = field(repr=False)
    account: Account
    kit: KitRow
    """The continuity kit: from here on the only place of the actor key on this device, sealed."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A person with an account, on an open and signed-in stream."""

    vault: Vault
    account: Account
    stream: Stream


def make_person(invite: AccountInvite, name: str, passphrase: str, now_s: int) -> NewPerson:
    """Make a person and the request for an account; takes about half a second of computing."""
    phrase = RecoveryPhrase.generate(os.urandom)
    identity, device = phrase.identity_key(), DeviceKeys.generate(os.urandom)
    actor = actor_url(name, invite.node)
    record = first_record(
        identity, actor, device.public, not_after=now_s + DEVICE_LIFETIME_S, time=now_s
    ).encode()
    actor_key, stretched = new_actor_key(), login_key(passphrase, name, invite.node)
    request = Join(
        code=invite.code,
        secret=invite.secret,
        account=name,
        login_key=stretched,
        device_id=device.device_id,
        record=record,
        statement=make_statement(identity, actor, now_s),
        actor_key=actor_key,
    )
    account = Account(
        state="joining",
        name=name,
        node=invite.node,
        did=identity.did,
        device=device,
        record=record,
        actor_key=actor_key,
        login_key=stretched,
        join_request=msgspec.msgpack.encode(request),
    )
    kit = new_kit(phrase, account, verify_record(SignedRecord.decode(record)), now_s)
    return NewPerson(phrase, replace(account, actor_key=b""), kit)


def device_of(account: Account) -> Device:
    """Give what this account's leaves are made from.

    Raises:
        LocalIdentityError: The own record does not list this device.
    """
    record = verify_record(SignedRecord.decode(account.record))
    certificate = record.device(account.device.device_id)
    if certificate is None:
        raise LocalIdentityError("deviceUnlisted", "the own person record does not list this device")
    return Device(account.device, certificate, account.actor)


async def join(
    home: Path,
    invite: AccountInvite,
    name: str,
    passphrase: str,
    *,
    network: NetworkMap | None,
    clock: Clock,
    keep_phrase: KeepPhrase,
) -> Joined:
    """Join a node, or finish a join whose answer was lost.

    Raises:
        VaultExists: Somebody else lives in this folder.
        WrongPassphrase: An unfinished join was begun with another one.
        Disconnected: The node cannot be reached; nothing was made.
        ProblemError: The node refuses; nothing is left. ``peerUnreachable``: its answer was lost, repeat.
    """
    if vaults.exists(home):
        vault, account = await _unfinished(home, invite, name, passphrase)
        stream = await _greet(invite.node, network, vault)
    else:
        stream = await _greet(invite.node, network, None)
        try:
            vault, account = await _begin(home, invite, name, passphrase, clock, keep_phrase)
        except BaseException:
            await stream.close()
            raise
    try:
        account = await _request(vault, account, stream)
    except BaseException:
        await stream.close()
        raise
    return Joined(vault, account, stream)


async def sign_in(stream: Stream, vault: Vault, account: Account) -> Account:
    """Say hello with the token; get a new one if it is over.

    Raises:
        ProblemError: The node lets this device in no more.
        Disconnected: The stream ended.
    """
    try:
        await stream.hello(account.token)
    except ProblemError as error:
        if error.problem.code not in ("tokenExpired", "notSignedIn"):
            raise
        greeting = await stream.hello()  # the refused one does not count as a greeting
        answer = await _login(stream, account, greeting.time // 1000)
        account = await _signed_in(vault, account, answer)
        await stream.hello(account.token)
    return account


async def login_device(stream: Stream, account: Account, node_s: int) -> DeviceSignedIn:
    """Sign this device in by its own key.

    Args:
        stream: Open and greeted.
        account: Whose device; its name need not be known.
        node_s: The node's time, in seconds since 1970: the proof is for now, by the node's clock.

    Raises:
        ProblemError: ``notAllowed``: the newest record of the person does not list this device.
        Disconnected: The stream ended.
    """
    proof = make_device_login(account.device, did=account.did, node=account.node, time=node_s)
    return await stream.call(LoginDevice(proof), DeviceSignedIn)


async def _login(stream: Stream, account: Account, node_s: int) -> SignedIn:
    if not account.login_key:  # linked, or made from the phrase: the passphrase is this vault's alone
        return await login_device(stream, account, node_s)
    request = Login(account=account.name, login_key=account.login_key, device_id=account.device.device_id)
    return await stream.call(request, SignedIn)


async def _greet(node: str, network: NetworkMap | None, vault: Vault | None) -> Stream:
    try:
        stream = await Stream.open(node, network)
        await stream.hello()
    except BaseException:
        if vault is not None:
            await vault.close()
        raise
    return stream


async def _unfinished(home: Path, invite: AccountInvite, name: str, passphrase: str) -> tuple[Vault, Account]:
    """Open the vault of a join whose answer was lost."""
    vault = await asyncio.to_thread(Vault.open, home, passphrase)
    account = await vault.read(accounts.load)
    if account is None or account.state == "joined" or (account.name, account.node) != (name, invite.node):
        await vault.close()
        raise VaultExists(home)
    return vault, account


async def _begin(
    home: Path, invite: AccountInvite, name: str, passphrase: str, clock: Clock, keep_phrase: KeepPhrase
) -> tuple[Vault, Account]:
    """Make person and vault, side by side: both are slow."""
    now_s = clock.now_ms() // 1000
    made, vault = await asyncio.gather(
        asyncio.to_thread(make_person, invite, name, passphrase, now_s),
        asyncio.to_thread(Vault.create, home, passphrase),
    )
    try:
        keep_phrase(made.phrase)
        await vault.write(lambda tx: _save(tx, made))
    except BaseException:
        await _discard(vault)
        raise
    return vault, made.account


def _save(tx: Connection, made: NewPerson) -> None:
    accounts.save(tx, made.account)
    kits.save(tx, made.kit)


async def _request(vault: Vault, account: Account, stream: Stream) -> Account:
    request = msgspec.msgpack.decode(account.join_request, type=Join)
    try:
        answer = await stream.call(request, SignedIn)
    except ProblemError as error:
        if error.problem.code in _UNDECIDED:
            await vault.close()
        else:
            await _discard(vault)
        raise
    except Disconnected as error:
        await vault.close()
        raise refuse(
            "peerUnreachable", f"{error}; it may have made the account: run the same join again"
        ) from None
    account = await _signed_in(vault, account, answer)
    await stream.hello(account.token)
    return account


async def _signed_in(vault: Vault, account: Account, answer: SignedIn) -> Account:
    def unit(tx: Connection) -> Account:
        # The own record may have grown meanwhile: only the token is news.
        joined = (accounts.load(tx) or account).joined(answer.token, answer.expires_at)
        accounts.save(tx, joined)
        return joined

    return await vault.write(unit)


async def _discard(vault: Vault) -> None:
    await vault.close()
    vaults.remove(vault.home)


def new_actor_key() -> bytes:
    """Make the key that signs for an actor: RSA-2048, PKCS #8 DER; takes a tenth of a second."""
    from cryptography.hazmat.primitives.asymmetric import rsa  # only who joins needs it
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=_RSA_EXPONENT, key_size=ACTOR_KEY_BITS)
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
