"""`rescue`: the old node is dead or hostile, and there are 24 words, a kit somewhere, and an invite.

Until the confirmation nothing is stored and nobody is told; a kit is fetched on the strength of the invite.
Then a new vault is made, with the request for the account in it, and the engine's part goes on step by step
(`yurt.client.moving.mover`). Who is stopped opens the vault again, and goes on.

    prepared = await prepare(link, "", words, buddies=("meadow.example",), ...)
    show(prepared.difference)
    engine = await begin(home, passphrase, prepared, ...)
    while (standing := await engine.call(GoOnMove(), MoveStanding)).next: ...
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from sqlcipher3.dbapi2 import Connection

from yurt.client.clock import Clock
from yurt.client.engine import Engine
from yurt.client.errors import NoVault, VaultExists, VaultHeld
from yurt.client.links import check_name, parse_invite
from yurt.client.moving import difference, forecast, steps
from yurt.client.moving.calls import CheckView
from yurt.client.moving.home import Ask, visit
from yurt.client.moving.prepare import prepare_rescue, read_phrase, seal_new_keys
from yurt.client.moving.step_deeds import arrival, keep_keys
from yurt.client.moving.strength import Known, strengths
from yurt.client.portability.kit_fetch import fetch_kit
from yurt.client.service.lock import VaultLock
from yurt.client.stream import A
from yurt.client.vault import accounts, kits, moves
from yurt.client.vault import open as vaults
from yurt.client.vault.accounts import Account
from yurt.client.vault.moves import MoveRow
from yurt.client.vault.open import Vault
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.signed_record import SignedRecord, VerifiedRecord, verify_record
from yurt.portability.check import Reason, Situation, TieFacts, remembered
from yurt.portability.errors import PortabilityError
from yurt.portability.kit_file import OpenKit
from yurt.portability.roster import verify_roster
from yurt.wire.account_commands import SignedIn
from yurt.wire.command import Command
from yurt.wire.device_commands import OwnRecord, PublishedRecord
from yurt.wire.move_commands import RescueKit
from yurt.wire.network_map import NetworkMap
from yurt.wire.portability_commands import FetchKit
from yurt.wire.problems import ProblemError, refuse

_FINAL: Final = frozenset({"badRecord", "badName", "nameTaken", "wrongInvite"})
"""Refusals of the new node that asking again does not change: what was signed for it is of no use."""


@dataclass(frozen=True, slots=True)
class PreparedRescue:
    """A rescue that waits for its confirmation; nothing of it was sent or stored."""

    account: Account
    row: MoveRow
    check: CheckView
    difference: tuple[str, ...]
    """What changes with the confirmation, line by line; the last one is about the lent key."""
    kit_age_s: int
    """-1: nobody remembers the ties."""
    buddies: tuple[str, ...] = field(default=())


class _Guest:
    """Asks for a kit on the strength of an invite, in the place of somebody with an account."""

    def __init__(self, ask: Ask, code: str, secret: bytes) -> None:
        self._ask = ask
        self._code = code
        self._secret = secret

    async def call(self, command: Command, shape: type[A]) -> A:
        """Ask; of a person without an account only this one thing."""
        if not isinstance(command, FetchKit):
            raise refuse("notSignedIn", "without an account only a kit can be fetched")
        guest = RescueKit(code=self._code, secret=self._secret, buddy=command.buddy, request=command.request)
        return await self._ask(guest, shape)


async def prepare(
    link: str,
    name: str,
    words: str,
    *,
    buddies: Iterable[str] = (),
    files: Iterable[bytes] = (),
    network: NetworkMap | None,
    clock: Clock,
    keep_devices: bool = False,
) -> PreparedRescue:
    """Fetch and open the kit, sign everything, and foretell.

    Args:
        link: Account invite of the new node.
        name: Of the new account; empty: the old one's.
        words: The recovery phrase.
        buddies: Nodes that may keep the kit; the new node may be one.
        files: Kit files from a disk.
        network: The network map.
        clock: Tells the time.
        keep_devices: Do not revoke the devices that the record lists.

    Raises:
        ProblemError: No kit that these words open, two competing records (``kitFrozen``), no node.
        UsageError: No invite, or the new home is the old one.
    """
    invite = parse_invite(link)
    phrase = await asyncio.to_thread(read_phrase, words, "")
    now_s = clock.now_ms() // 1000
    async with visit(invite.node, network) as ask:
        guest, nodes = _Guest(ask, invite.code, invite.secret), (*buddies, invite.node)
        known = await _known(ask, phrase.identity_key().did)
        kit = await fetch_kit(guest, phrase, nodes, tuple(files), now_s, known=known)
    account, row = await asyncio.to_thread(
        prepare_rescue,
        kit,
        invite,
        check_name(name) if name else "",
        phrase.identity_key(),
        now_s,
        keep_devices=keep_devices,
    )
    counter = 1 + max(2**20, kit.graph_part.said.counter if kit.graph_part else 0)
    public, part = await asyncio.to_thread(seal_new_keys, phrase, account.device, row, counter, now_s)
    row = msgspec.structs.replace(
        row, keys_part=part, keys_counter=counter, kit_public=public.encode(), lend_key=True
    )
    age = kit.graph_age(now_s)
    check = _foresee(kit, invite.node, -1 if age is None else age)
    lines = difference.rescue_difference(row, list(check.ties), age)
    return PreparedRescue(account, row, check, lines, -1 if age is None else age, kit.record.record.buddies)


async def _known(ask: Ask, did: str) -> VerifiedRecord | None:
    """The newest record that a node has of somebody: theirs may be newer than what a kit was sealed with."""
    try:
        answer = await ask(OwnRecord(did), PublishedRecord)
        record = verify_record(SignedRecord.decode(answer.record))
    except (ProblemError, RemoteIdentityError):
        return None
    return record if record.did == did else None


async def begin(
    home: Path,
    passphrase: str,
    prepared: PreparedRescue,
    *,
    network: NetworkMap | None,
    clock: Clock,
) -> Engine:
    """After the confirmation: make the vault, then the account; the engine that runs on it.

    Raises:
        VaultExists: Somebody lives in this folder.
        ProblemError: The new node refuses: `resume` tries again, after what it says.
    """
    if vaults.exists(home):
        raise VaultExists(home)
    vault = await asyncio.to_thread(Vault.create, home, passphrase)
    try:
        await vault.write(lambda tx: _write(tx, prepared))
    finally:
        await vault.close()
    return await resume(home, passphrase, network=network, clock=clock)


async def resume(home: Path, passphrase: str, *, network: NetworkMap | None, clock: Clock) -> Engine:
    """Go on with a rescue: make the account if it is not there yet, and run the engine.

    Raises:
        NoVault: There is no rescue in this folder.
        VaultHeld: Another process goes on with it.
        ProblemError: The new node refuses or cannot be reached.
    """
    lock = VaultLock.acquire(home)
    if lock is None:
        raise VaultHeld
    try:
        vault = await asyncio.to_thread(Vault.open, home, passphrase)
        try:
            account, row = await vault.read(lambda tx: (accounts.load(tx), moves.load(tx)))
            if account is None or row is None:
                raise NoVault(home)
            if account.state == "joining":
                await _arrive(vault, account, row, network)
        finally:
            await vault.close()
    finally:
        lock.release()
    return await Engine.open(home, passphrase, network=network, clock=clock)


async def _arrive(vault: Vault, account: Account, row: MoveRow, network: NetworkMap | None) -> None:
    async with visit(row.node, network) as ask:
        try:
            answer = await ask(arrival(row, account), SignedIn)
        except ProblemError as error:
            if error.problem.detail.get("rule") == "recordFrozen":
                why = "somebody else has published a person record with your words"
                raise refuse("badRecord", f"{why}: {error.problem.message}", rule="recordFrozen") from None
            if error.problem.code in _FINAL:
                told = f"{error.problem.message}. Begin again in a new YURT_HOME"
                raise refuse(error.problem.code, told) from None
            raise
    joined = account.joined(answer.token, answer.expires_at)
    arrived = msgspec.structs.replace(row, step=steps.ARRIVED)

    def unit(tx: Connection) -> None:
        accounts.save(tx, joined)
        moves.save(tx, arrived)

    await vault.write(unit)


def _write(tx: Connection, prepared: PreparedRescue) -> None:
    accounts.save(tx, prepared.account)
    moves.save(tx, prepared.row)
    moves.foretell(tx, list(prepared.check.ties))
    keep_keys(tx, prepared.row)
    kits.set_buddies(tx, prepared.buddies)


def _foresee(kit: OpenKit, to: str, age_s: int) -> CheckView:
    """Foretell from the kit's roster; a tie whose did is known is on Yurt."""
    facts = remembered_ties(kit)
    rooms = kit.graph.rooms if kit.graph else ()
    me = kit.record.did
    together = tuple(frozenset(str(did) for did in room.dids if did != me) for room in rooms)
    found = strengths((one.tie for one in facts), Known(together, {}))
    situation = Situation(source_alive=False, kit=kit.graph is not None)
    view = forecast.foresee(facts, found, situation, forecast.KitStanding(age_s))
    if kit.keys is None:
        view = without_key(view)
    return msgspec.structs.replace(view, to=to)


def without_key(view: CheckView) -> CheckView:
    """Foretell without the old actor key: who is on Yurt comes by the record, the others must be asked."""
    ties = tuple(
        msgspec.structs.replace(
            tie,
            outcome="ask",
            reason="noKey",
            text="the kit holds no key that they would believe",
            low=0.0,
            high=0.0,
        )
        if tie.reason == Reason.HELD_KEY
        else tie
        for tie in view.ties
    )
    followers = [tie for tie in ties if tie.direction == "follower"]
    outcomes = {
        name: sum(tie.outcome == name for tie in followers) for name in {tie.outcome for tie in followers}
    }
    sure = sum(tie.high > 0 for tie in followers)
    expected = msgspec.structs.replace(
        view.followers,
        outcomes=outcomes,
        low=min(view.followers.low, sure),
        high=min(view.followers.high, sure),
    )
    return msgspec.structs.replace(view, ties=ties, followers=expected)


def remembered_ties(kit: OpenKit) -> list[TieFacts]:
    """The ties that the kit remembers, as they stood when it was sealed.

    Raises:
        ProblemError: The roster in it is not this person's.
    """
    if kit.graph is None:
        return []
    try:
        roster = verify_roster(kit.graph.roster, kit.record)
    except PortabilityError as error:
        raise refuse("refused", f"the kit's roster cannot be believed: {error}", rule=error.rule) from None
    return [remembered(tie, roster.time) for tie in roster.ties]
