"""The engine's part that moves: each call does one step, and the vault knows which comes next.

The steps are the table of `yurt.client.moving.steps`, what each does is in
`yurt.client.moving.step_deeds`. It may be done twice; what it made is written with the step's name
in one transaction. A refusal leaves the move where it was.
"""

import asyncio
from functools import partial

import msgspec
from sqlcipher3.dbapi2 import Connection

from yurt.client.calls import EngineCalls, Nothing
from yurt.client.core import Core
from yurt.client.links import check_name, parse_invite
from yurt.client.moving import difference, forecast, receipts, steps
from yurt.client.moving.calls import (
    AskReceipt,
    CancelMove,
    CheckMove,
    CheckView,
    ConfirmMove,
    GoOnMove,
    MoveStanding,
    PrepareMove,
    ReceiptView,
    ShowMove,
)
from yurt.client.moving.home import visit
from yurt.client.moving.key_check import check_key
from yurt.client.moving.prepare import held_keys, prepare_move, read_phrase, seal_new_keys
from yurt.client.moving.step_deeds import StepDeeds, check_fresh
from yurt.client.portability import key_changing
from yurt.client.rooms.commit import Committer
from yurt.client.rooms.heal import Healer
from yurt.client.vault import kits, moves, rooms
from yurt.client.vault.moves import ForetoldTie, MoveRow
from yurt.wire.network_map import NetworkMap
from yurt.wire.problems import ProblemError, refuse


class Mover:
    """Moves this person."""

    def __init__(self, core: Core, network: NetworkMap | None, committer: Committer, healer: Healer) -> None:
        self._core = core
        self._network = network
        self._one = asyncio.Lock()
        self._deeds = StepDeeds(core, network, committer, healer)

    def calls(self) -> EngineCalls:
        """What a front end may ask here."""
        return {
            CheckMove: self.check,
            PrepareMove: self.prepare,
            GoOnMove: self.go_on,
            ConfirmMove: self.confirm,
            CancelMove: self.cancel,
            ShowMove: self.show,
            AskReceipt: self.receipt,
        }

    # --- what a front end asks ----------------------------------------------------------------------
    async def check(self, call: CheckMove) -> CheckView:
        """Tell what a move would do; a node that is named is asked whether it is there."""
        core = self._core
        view = await forecast.check(core, core.session.call, await self._kit(), call.to)
        key = await check_key(core, self._network, view.ties)
        view = msgspec.structs.replace(view, key=key)
        if not call.to or call.to == core.account.node:
            return view
        try:
            async with visit(call.to, self._network):
                return view
        except ProblemError as error:
            warning = f"{call.to} does not answer: {error.problem.message}"
            return msgspec.structs.replace(view, warnings=(*view.warnings, warning))

    async def prepare(self, call: PrepareMove) -> MoveStanding:
        """Sign everything that the phrase is needed for, and foretell; nobody hears of it."""
        async with self._one:
            core, account = self._core, self._core.account
            before = await core.vault.read(moves.load)
            if before is not None and steps.is_final(before.kind, before.step):
                raise refuse("refused", "you are moving already: `yurt move` goes on with it", rule="moving")
            invite = parse_invite(call.link)
            await key_changing.finish(core)  # the move takes the keys along that are in the kit
            phrase = await asyncio.to_thread(read_phrase, call.phrase, account.did)
            name = check_name(call.account or account.name)
            kit = await core.vault.read(kits.load)
            counter = kit.counter + 1 if kit else 1
            held = await asyncio.to_thread(held_keys, account, kit, phrase)
            row = await asyncio.to_thread(
                partial(prepare_move, account, invite, name, phrase.identity_key(), core.now_s, held=held)
            )
            view = await forecast.check(core, core.session.call, await self._kit(), invite.node)
            row = await core.vault.read(partial(_what_there_is, row=row))
            if before is not None and (before.node, before.name) == (row.node, name):
                row = _same_account(row, before)
            public, part = await asyncio.to_thread(
                seal_new_keys, phrase, account.device, row, counter, core.now_s
            )
            row = msgspec.structs.replace(
                row, keys_part=part, keys_counter=counter, kit_public=public.encode()
            )
            await core.write(partial(_begin, row=row, ties=list(view.ties)))
            return await self._standing(row)

    async def go_on(self, call: GoOnMove) -> MoveStanding:
        """Do the next step.

        Raises:
            ProblemError: What went wrong; the move stands where it stood.
        """
        del call
        async with self._one:
            row = await self._row()
            following = steps.after(row.kind, row.step)
            if following and not steps.waits(row.kind, row.step):
                row = await self._deeds.by_step[following](row)
                row = msgspec.structs.replace(row, step=following)
                await self._core.write(lambda tx: moves.save(tx, row))
            return await self._standing(row)

    async def confirm(self, call: ConfirmMove) -> MoveStanding:
        """Take the person's word that it may go on to what cannot be taken back."""
        async with self._one:
            row = await self._row()
            if not steps.waits(row.kind, row.step):
                if call.lend_key and not row.lend_key and row.kind == "move":
                    row = msgspec.structs.replace(row, lend_key=True)
                    await self._core.write(lambda tx: moves.save(tx, row))
                return await self._standing(row)
            check_fresh(self._core.account, row)
            row = msgspec.structs.replace(
                row, step=steps.CONFIRMED, confirmed=self._core.now_s, lend_key=call.lend_key
            )
            await self._core.write(lambda tx: moves.save(tx, row))
            return await self._standing(row)

    async def cancel(self, call: CancelMove) -> Nothing:
        """End a move that was not confirmed; what signs in to the new account is kept."""
        del call
        async with self._one:
            row = await self._row()
            if steps.is_final(row.kind, row.step) and steps.after(row.kind, row.step):
                raise refuse("refused", "the move was confirmed: it can only go on", rule="confirmed")
            cancelled = msgspec.structs.replace(row, step=steps.CANCELLED)
            await self._core.write(partial(_begin, row=cancelled, ties=[]))
            return Nothing()

    async def show(self, call: ShowMove) -> MoveStanding:
        """Tell where the move stands."""
        del call
        row = await self._core.vault.read(_under_way)
        return MoveStanding() if row is None else await self._standing(row)

    async def receipt(self, call: AskReceipt) -> ReceiptView:
        """Tell what arrived; with ``retry``, tell those once more who did not come."""
        row = await self._row()
        if not row.moved:
            raise refuse("notFound", "nothing was moved yet", rule="notMoved")
        view = await receipts.receipt(self._core, row)
        if call.retry:
            missing = {tie.actor for tie in view.ties if tie.state == receipts.MISSING}
            await self._deeds.tell_again(row, missing)
            view = await receipts.receipt(self._core, row)
        return view

    # --- small things -------------------------------------------------------------------------------
    async def _row(self) -> MoveRow:
        row = await self._core.vault.read(_under_way)
        if row is None:
            raise refuse("notFound", "you are not moving: `yurt move LINK` begins")
        return row

    async def _standing(self, row: MoveRow) -> MoveStanding:
        foretold = await self._core.vault.read(moves.foretold)
        return difference.standing(row, foretold)

    async def _kit(self) -> forecast.KitStanding:
        now_s, node = self._core.now_s, self._core.account.node
        return await self._core.vault.read(lambda tx: forecast.kit_standing(tx, now_s, node))


def _under_way(tx: Connection) -> MoveRow | None:
    row = moves.load(tx)
    return None if row is None or row.step == steps.CANCELLED else row


def _same_account(row: MoveRow, before: MoveRow) -> MoveRow:
    """Sign in with the keys of the try before: the account may be there already.

    A move that was cancelled has a new job: what its old one carried is found done.
    """
    job = row.job if before.step == steps.CANCELLED else before.job
    return msgspec.structs.replace(row, job=job, login_key=before.login_key, actor_key=before.actor_key)


def _begin(tx: Connection, row: MoveRow, ties: list[ForetoldTie]) -> None:
    moves.save(tx, row)
    moves.foretell(tx, ties)


def _what_there_is(tx: Connection, row: MoveRow) -> MoveRow:
    """Note the rooms and how many messages can be read, to be compared afterwards."""
    active = tuple(room.room for room in rooms.every(tx) if room.state == "active")
    return msgspec.structs.replace(row, rooms=active, messages=moves.count_messages(tx))
