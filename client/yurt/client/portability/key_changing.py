"""Another actor key: made while the phrase is at hand, handed to the node, sealed into the kit (TRUST 9).

========= ============================================ ===================================================
state     what moves it                                to
========= ============================================ ===================================================
(nothing) a device is revoked, or the person wants it  waits: key and sealed part are kept, in the very
                                                       transaction that keeps the record of the revocation
waits     the node takes the key                       the kit has the part; the key goes from the vault
waits     another device's key came later              forgotten: theirs counts, here and at the buddies
========= ============================================ ===================================================

A crash anywhere leaves one of these; whoever reaches the node next goes on (`finish`). The node comes first:
a kit with a key that nobody was told of would bring nobody along. The key before it stays in the kit beside
the new one, for those who have not heard of that when the node dies.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.devices.own_record import own_record
from yurt.client.identity import new_actor_key
from yurt.client.moving import steps
from yurt.client.portability.kit_fetch import fetch_kit
from yurt.client.vault import accounts, key_changes, kits, moves
from yurt.client.vault.accounts import Account
from yurt.client.vault.key_changes import KeyChangeRow
from yurt.client.vault.kits import KitRow
from yurt.identity.identity_key import IdentityKey
from yurt.identity.phrase import RecoveryPhrase
from yurt.portability.actor_key import fingerprint_of_private, sign_change
from yurt.portability.errors import KitError
from yurt.portability.kit import seal_keys
from yurt.portability.kit_contents import MAX_ACTOR_KEYS, ActorKey, KeysContents
from yurt.portability.kit_file import OpenKit, encode_kit, open_kit
from yurt.portability.kit_keys import KitPublic, KitSecrets, kit_secrets
from yurt.wire.actor_key_commands import ChangeActorKey
from yurt.wire.command import Done
from yurt.wire.problems import ProblemError, refuse

KeyOutcome = Literal["none", "new", "other"]
"""Nothing waited; the node signs with the new key; another device of the person made a later one."""
FETCH_S: Final = 5.0
"""How long buddies are asked for the keys so far, if this device has no kit: a stolen device must go soon."""
_LATER: Final = "keyOld"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new actor key, and what the phrase gave to seal it."""

    identity: IdentityKey
    public: KitPublic
    key: bytes = field(repr=False)
    named: bytes
    """Its fingerprint."""
    before: tuple[ActorKey, ...]
    """The actor keys in the kit so far, the newest first."""


async def make_key(core: Core, phrase: RecoveryPhrase, before: Sequence[ActorKey] | None = None) -> NewKey:
    """Make a key; takes a tenth of a second, and longer where buddies must be asked for the ones before.

    Args:
        core: The engine's ground.
        phrase: The person's.
        before: The actor keys in the kit so far, if they are known.
    """
    secrets = await asyncio.to_thread(kit_secrets, phrase)
    key = await asyncio.to_thread(new_actor_key)
    if before is None:
        before = await _before(core, phrase, secrets)
    newest_first = tuple(sorted(before, key=lambda one: one.created, reverse=True))
    return NewKey(phrase.identity_key(), secrets.public, key, fingerprint_of_private(key), newest_first)


def keep(tx: Connection, account: Account, new: NewKey, now_ms: int) -> None:
    """Keep a new key until the node has it, sealed under the newest own record.

    Args:
        tx: The transaction that keeps what it is made for.
        account: As it stands in the vault now.
        new: From `make_key`.
        now_ms: Milliseconds since 1970.
    """
    now_s, kit, record = now_ms // 1000, kits.load(tx), own_record(account)
    counter = max(now_s, kit.counter + 1 if kit else 1)
    created = max([now_s, *(key.created + 1 for key in new.before)])
    keys = (ActorKey(account.actor, f"{account.actor}#main-key", new.key, created), *_carried(account, new))
    part = seal_keys(
        KeysContents(record.did, keys),
        new.public,
        account.device,
        record,
        new.identity,
        counter=counter,
        time=now_s,
    )
    change = sign_change(new.identity, account.actor, new.named, time=now_ms)
    public = new.public.encode()
    key_changes.save(tx, KeyChangeRow(account.actor, new.key, change, public, part, counter, new.named))


async def finish(core: Core) -> KeyOutcome:
    """Give the node a key that waits, then the kit; again is no error.

    Raises:
        ProblemError: The node cannot be reached, or refuses it: it waits still.
    """
    waiting = await core.vault.read(key_changes.load)
    if waiting is None:
        return "none"
    outcome: KeyOutcome = "new"
    try:
        if waiting.actor == core.account.actor:
            await core.session.call(ChangeActorKey(change=waiting.change, key=waiting.key), Done)
        else:
            outcome = "other"  # moved meanwhile: the actor is another one
    except ProblemError as error:
        if error.problem.detail.get("rule") != _LATER:
            raise
        outcome = "other"
    account = await core.write(lambda tx: _end(tx, waiting, outcome))
    if account is not None:
        core.account = replace(core.account, actor_key=account.actor_key)
    return outcome


def check_not_moving(tx: Connection, *, prepared_too: bool = False) -> None:
    """Refuse while a move goes on that was begun with the record and the actor key of now.

    Args:
        tx: A transaction.
        prepared_too: Also if it was not confirmed: it holds the key, and would not notice another one.

    Raises:
        ProblemError: ``refused`` with the rule ``moving``.
    """
    row = moves.load(tx)
    if row is None or row.kind != "move" or not steps.after(row.kind, row.step):
        return
    if steps.is_final(row.kind, row.step):
        raise refuse("refused", "you are moving: `yurt move` first brings that to its end", rule="moving")
    if prepared_too:
        raise refuse(
            "refused", "a move is prepared: confirm it, or `yurt move --cancel` first", rule="moving"
        )


async def _before(core: Core, phrase: RecoveryPhrase, secrets: KitSecrets) -> tuple[ActorKey, ...]:
    account, record = core.account, own_record(core.account)
    if account.actor_key:
        return (ActorKey(account.actor, f"{account.actor}#main-key", account.actor_key),)
    kit = await core.vault.read(kits.load)
    opened: OpenKit | None = None
    if kit is not None and kit.keys:
        with suppress(KitError):
            opened = await asyncio.to_thread(open_kit, [encode_kit(record, [kit.keys])], secrets)
    if opened is None or opened.keys is None:
        with suppress(ProblemError, TimeoutError):
            async with asyncio.timeout(FETCH_S):
                nodes = dict.fromkeys((*record.record.buddies, account.node))
                opened = await fetch_kit(core.session, phrase, nodes, (), core.now_s, known=record)
    return opened.keys.actor_keys if opened and opened.keys else ()


def _carried(account: Account, new: NewKey) -> tuple[ActorKey, ...]:
    """The key before this one, and those of actors that were left."""
    last = [key for key in new.before if key.actor == account.actor][:1]
    others = [key for key in new.before if key.actor != account.actor]
    return (*last, *others)[: MAX_ACTOR_KEYS - 1]


def _end(tx: Connection, waiting: KeyChangeRow, outcome: KeyOutcome) -> Account | None:
    """Write down what came of a key; None if somebody else here did."""
    account = accounts.load(tx)
    if key_changes.load(tx) != waiting or account is None:
        return None
    key_changes.drop(tx)
    if outcome != "new":
        return account
    kit = kits.load(tx)
    if kit is None:
        kit = KitRow(waiting.public)
        kits.set_buddies(tx, own_record(account).record.buddies)
    counter = max(kit.counter, waiting.counter)
    kits.save(tx, replace(kit, keys=waiting.part, named=waiting.named, counter=counter, stale=True))
    if account.actor_key:
        account = replace(account, actor_key=b"")  # the one before; it is in the kit now
        accounts.save(tx, account)
    return account
