"""The engine's part that carries a network: answers `calls`, keeps the kit; holds no rule."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from yurt.client.calls import EngineCalls
from yurt.client.core import Core
from yurt.client.devices import own_record as records
from yurt.client.devices.linking import identity_of, phrase_of, publish, refresh
from yurt.client.portability import key_changing
from yurt.client.portability.calls import (
    BuddyView,
    ChangeKey,
    Export,
    ExportView,
    HistoryView,
    ImportHistory,
    KitStatus,
    KitView,
    PlanImport,
    SaveKit,
    SetBuddy,
    StartImport,
)
from yurt.client.portability.exporting import Exporting
from yurt.client.portability.importing import Importing, own_record
from yurt.client.portability.kit_keeper import KitKeeper, kit_bytes, make_kit
from yurt.client.portability.old_history import import_history
from yurt.client.portability.writing import write_new
from yurt.client.vault import kits
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.location import check_node
from yurt.identity.signed_record import next_record
from yurt.portability.kit_part import decode_part
from yurt.wire.portability_commands import JobView
from yurt.wire.problems import ProblemError, refuse

MAX_BUDDIES: Final = 5


class PortabilityPart:
    """Export, import, kit."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._importing = Importing(core)
        self._exporting = Exporting(core)
        self.keeper = KitKeeper(core)

    def calls(self) -> EngineCalls:
        """What is answered here."""
        return {
            PlanImport: self._importing.plan,
            StartImport: self._start,
            ImportHistory: self._history,
            Export: self._export,
            KitStatus: self._status,
            SaveKit: self._save,
            SetBuddy: self._set_buddy,
            ChangeKey: self._change_key,
        }

    def start(self) -> None:
        """Begin to look after the kit."""
        self.keeper.start()

    async def close(self) -> None:
        """End."""
        await self.keeper.close()

    async def _start(self, call: StartImport) -> JobView:
        job = await self._importing.start(call)
        self.keeper.touched()
        return job

    async def _history(self, call: ImportHistory) -> HistoryView:
        return await import_history(self._core, call)

    async def _export(self, call: Export) -> ExportView:
        return await self._exporting.export(call)

    async def _status(self, call: KitStatus) -> KitView:
        del call
        core = self._core
        kit = await core.vault.read(kits.load)
        if kit is None:
            return KitView(exists=False)
        buddies = await core.vault.read(kits.buddies)
        return KitView(
            exists=True,
            has_keys=bool(kit.keys),
            counter=kit.counter,
            graph_at=kit.graph_at,
            ties=kit.ties,
            rooms=kit.rooms,
            size=len(kit.keys) + len(kit.graph),
            is_stale=kit.stale,
            problem=self.keeper.problem,
            now=core.now_s,
            buddies=tuple(
                BuddyView(
                    node=one.node,
                    graph=one.graph,
                    has_keys=bool(kit.keys) and one.keys >= decode_part(kit.keys).counter,
                    kept_at=one.kept_at,
                    problem=one.problem,
                    drops_at=one.drops_at,
                    dropped_at=one.dropped_at,
                )
                for one in buddies
            ),
        )

    async def _save(self, call: SaveKit) -> KitView:
        core = self._core
        if await core.vault.read(kits.load) is None:
            if not call.phrase:
                raise refuse("refused", "there is no kit yet: it takes your 24 words once", rule="noKit")
            await make_kit(core, call.phrase)
        with suppress(ProblemError):  # the node may be dead: the newest that was sealed is what there is
            await self.keeper.refresh()
        kit = await core.vault.read(kits.load)
        if kit is None or not kit.graph:
            raise refuse("peerUnreachable", "nothing was sealed yet, and your node cannot be asked")
        data = kit_bytes(kit, own_record(core))
        await asyncio.to_thread(write_new, Path(call.path), [data])
        return await self._status(KitStatus())

    async def _set_buddy(self, call: SetBuddy) -> KitView:
        core, node = self._core, _node(call.node)
        if node == core.account.node and not call.remove:
            raise refuse(
                "refused",
                f"{node} is your own node: when it dies, so does the copy. Name a friend's",
                rule="ownNode",
            )
        identity = await asyncio.to_thread(identity_of, call.phrase)
        records.check_phrase_of(core, identity.did)
        await make_kit(core, call.phrase)
        await refresh(core)
        record = own_record(core)
        nodes = _buddies(record.record.buddies, node, remove=call.remove)
        if nodes != record.record.buddies:
            signed = next_record(record, identity, time=core.now_s, buddies=nodes)
            await publish(core, signed.encode())
            await records.learn(core, signed.encode())
        await core.vault.write(lambda tx: kits.set_buddies(tx, tuple(nodes)))
        await self.keeper.refresh()
        await self.keeper.hand_out()
        return await self._status(KitStatus())

    async def _change_key(self, call: ChangeKey) -> KitView:
        core = self._core
        await core.vault.read(lambda tx: key_changing.check_not_moving(tx, prepared_too=True))
        if not call.phrase:
            return await self._status(KitStatus())
        words = await asyncio.to_thread(phrase_of, call.phrase)
        records.check_phrase_of(core, words.identity_key().did)
        new = await key_changing.make_key(core, words)
        await core.write(lambda tx: key_changing.keep(tx, core.account, new, core.clock.now_ms()))
        if await key_changing.finish(core) == "other":
            raise refuse("refused", "another device of yours made a new key just now", rule="keyOld")
        await self.keeper.refresh()
        await self.keeper.hand_out()
        return await self._status(KitStatus())


def _buddies(now: Sequence[str], node: str, *, remove: bool) -> tuple[str, ...]:
    if remove:
        if node not in now:
            raise refuse("notFound", f"{node} is no buddy of yours")
        return tuple(one for one in now if one != node)
    if node in now:
        return tuple(now)
    if len(now) >= MAX_BUDDIES:
        raise refuse("refused", f"{MAX_BUDDIES} buddies are the most: remove one first", rule="buddiesFull")
    return (*now, node)


def _node(text: str) -> str:
    try:
        return check_node(text.strip().lower())
    except RemoteIdentityError:
        raise refuse("badRequest", "a buddy is a node: name it like hilltop.example") from None
