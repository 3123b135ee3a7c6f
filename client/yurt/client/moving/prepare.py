"""Getting a move or a rescue ready, while the phrase is at hand: everything is signed, nothing is sent.

The next person record names the new actor. A planned move keeps the device; a rescue adds this one and
revokes the others, which are lost (or are linked anew later): who has neither device nor old node has only
the phrase, and a lost device must not read on.
"""

import os
from collections.abc import Sequence
from typing import Final, TypedDict

from yurt.client.errors import UsageError
from yurt.client.identity import new_actor_key
from yurt.client.links import AccountInvite
from yurt.client.vault.accounts import Account, actor_url
from yurt.client.vault.kits import KitRow
from yurt.client.vault.moves import MoveRow
from yurt.identity.device import DeviceKeys
from yurt.identity.identity_key import IdentityKey
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import SignedRecord, next_record, verify_record
from yurt.identity.statement import make_statement
from yurt.portability.errors import KitError
from yurt.portability.kit import seal_keys
from yurt.portability.kit_contents import ActorKey, KeysContents
from yurt.portability.kit_file import OpenKit, encode_kit, open_kit
from yurt.portability.kit_keys import KitPublic, kit_secrets
from yurt.portability.kit_room import encode_rooms
from yurt.wire.problems import refuse
from yurt.wire.registry import DEVICE_LIFETIME_S

JOB_ID_SIZE: Final = 16
LOGIN_KEY_SIZE: Final = 32


def read_phrase(words: str, did: str) -> RecoveryPhrase:
    """Read the 24 words, and refuse those of somebody else.

    Raises:
        ProblemError: ``refused`` with the rule ``otherPerson``, or ``badRequest``.
    """
    from yurt.identity.errors import LocalIdentityError, RemoteIdentityError

    try:
        phrase = RecoveryPhrase.parse(words)
    except (LocalIdentityError, RemoteIdentityError) as error:
        raise refuse("badRequest", f"these are not 24 words of a recovery phrase: {error}") from None
    if did and phrase.identity_key().did != did:
        raise refuse("refused", "these are 24 words of somebody else", rule="otherPerson")
    return phrase


def held_keys(account: Account, kit: KitRow | None, phrase: RecoveryPhrase) -> tuple[ActorKey, ...]:
    """The actor key of an account: in its vault until a kit seals it, from then on in the kit alone.

    Returns:
        The newest, and the one before it if there is one: who has not heard of the newest believes that.
    """
    if account.actor_key:
        return (ActorKey(account.actor, f"{account.actor}#main-key", account.actor_key, 0),)
    if kit is None or not kit.keys:
        return ()
    copy = encode_kit(verify_record(SignedRecord.decode(account.record)), [kit.keys])
    try:
        return keys_of(open_kit([copy], kit_secrets(phrase)), account.actor)
    except KitError:
        return ()  # sealed by a device that is revoked by now: people on Yurt come all the same


def prepare_move(
    account: Account,
    invite: AccountInvite,
    name: str,
    identity: IdentityKey,
    now_s: int,
    *,
    held: Sequence[ActorKey],
) -> MoveRow:
    """Sign everything for a planned move; takes about half a second of computing.

    Args:
        account: The one that is left.
        invite: Of the new node.
        name: Of the new account.
        identity: From the phrase.
        now_s: Seconds since 1970.
        held: The old actor keys (`held_keys`): without one no new node can send the Move of a silent one.

    Raises:
        UsageError: The new home is the old one.
    """
    actor = actor_url(name, invite.node)
    if invite.node == account.node:
        raise UsageError(f"{invite.node} is where you are: a move goes to another node")
    record = next_record(
        verify_record(SignedRecord.decode(account.record)), identity, time=now_s, actor=actor
    )
    return MoveRow(
        kind="move",
        step="prepared",
        job=os.urandom(JOB_ID_SIZE),
        name=name,
        node=invite.node,
        code=invite.code,
        secret=invite.secret,
        previous=account.actor,
        records=(account.record,),
        record=record.encode(),
        statement=make_statement(identity, actor, now_s),
        actor_key=new_actor_key(),
        # No passphrase is behind it: this device alone has it, others sign in by their own keys.
        login_key=os.urandom(LOGIN_KEY_SIZE),
        started=now_s,
        old_name=account.name,
        old_node=account.node,
        old_login_key=account.login_key,
        old_token=account.token,
        **_old_keys(held),
    )


def prepare_rescue(
    kit: OpenKit, invite: AccountInvite, name: str, identity: IdentityKey, now_s: int, *, keep_devices: bool
) -> tuple[Account, MoveRow]:
    """Sign everything for a rescue, on a new device; takes about half a second of computing.

    Raises:
        UsageError: The new home is the old one.
    """
    old = kit.record.record
    name = name or old.actor.rpartition("/")[2]
    actor = actor_url(name, invite.node)
    if actor == old.actor:
        raise UsageError(f"{actor} is where you were: a rescue goes to another node")
    device = DeviceKeys.generate(os.urandom)
    lost = () if keep_devices else tuple(c.device.device_id for c in old.devices)
    add = ((device.public, now_s + DEVICE_LIFETIME_S),)
    record = next_record(kit.record, identity, time=now_s, actor=actor, add=add, revoke=lost)
    row = MoveRow(
        kind="rescue",
        step="confirmed",
        job=os.urandom(JOB_ID_SIZE),
        name=name,
        node=invite.node,
        code=invite.code,
        secret=invite.secret,
        previous=old.actor,
        records=(kit.record.signed.encode(), record.encode()),
        record=record.encode(),
        statement=make_statement(identity, actor, now_s),
        actor_key=new_actor_key(),
        login_key=os.urandom(LOGIN_KEY_SIZE),
        started=now_s,
        **_old_keys(keys_of(kit, old.actor)),
        files={kind.value: data for kind, data in kit.graph.files.items()} if kit.graph else {},
        confirmed=now_s,
        rooms=tuple(encode_rooms((room,)) for room in kit.graph.rooms) if kit.graph else (),
    )
    account = Account(
        state="joining",
        name=name,
        node=invite.node,
        did=identity.did,
        device=device,
        record=record.encode(),
        actor_key=row.actor_key,
        login_key=row.login_key,
    )
    return account, row


def seal_new_keys(
    phrase: RecoveryPhrase, device: DeviceKeys, row: MoveRow, counter: int, now_s: int
) -> tuple[KitPublic, bytes]:
    """Seal the new actor key, and the old one if it is here: whoever did not hear yet must be told still."""
    record = verify_record(SignedRecord.decode(row.record))
    actor = record.record.actor
    keys = [ActorKey(actor, f"{actor}#main-key", row.actor_key, now_s)]
    # The newer one counts, wherever only one is asked for.
    for created, key in ((1, row.old_key), (0, row.older_key)):
        if key:
            keys.append(ActorKey(row.previous, row.old_key_id, key, created))
    public = kit_secrets(phrase).public
    part = seal_keys(
        KeysContents(record.did, tuple(keys)),
        public,
        device,
        record,
        phrase.identity_key(),
        counter=counter,
        time=now_s,
    )
    return public, part


def keys_of(kit: OpenKit, actor: str) -> tuple[ActorKey, ...]:
    """The newest key of an actor, and the one before it, as far as a kit has them."""
    keys = [key for key in (kit.keys.actor_keys if kit.keys else ()) if key.actor == actor]
    return tuple(sorted(keys, key=lambda key: key.created, reverse=True)[:2])


class _OldKeys(TypedDict):
    old_key: bytes
    old_key_id: str
    older_key: bytes


def _old_keys(held: Sequence[ActorKey]) -> _OldKeys:
    return _OldKeys(
        old_key=held[0].private if held else b"",
        old_key_id=held[0].key_id if held else "",
        older_key=held[1].private if len(held) > 1 else b"",
    )
