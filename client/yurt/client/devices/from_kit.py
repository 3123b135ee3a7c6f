"""A restored device asks the kit for its rooms, and has a kit of its own from then on (TRUST 7, 9).

No device of this person is left that could add the new one. The kit's cards say which rooms there were and
who was in them; that opens no room by itself (`yurt.client.portability.entering`). What may seal a kit is
judged by the record that stood before the restoring: a restoring shuts lost devices out, and the kit that one
of them sealed last is the very one that is needed. A device that was shut out earlier has no say.
"""

import asyncio
from contextlib import suppress

from sqlcipher3.dbapi2 import Connection

from yurt.client.calls import EngineCalls
from yurt.client.core import Core
from yurt.client.devices.from_kit_calls import EnteredFromKit, EnterFromKit
from yurt.client.devices.linking import phrase_of
from yurt.client.devices.new_device import record_before
from yurt.client.devices.own_record import check_phrase_of, own_record
from yurt.client.moving.prepare import keys_of
from yurt.client.portability import key_changing
from yurt.client.portability.entering import enter_rooms
from yurt.client.portability.key_changing import NewKey
from yurt.client.portability.kit_fetch import fetch_kit
from yurt.client.rooms.heal import Healer
from yurt.client.vault import accounts, kits, rooms
from yurt.client.vault.kits import KitRow
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import VerifiedRecord
from yurt.portability.actor_key import fingerprint_of_private
from yurt.portability.kit import seal_keys
from yurt.portability.kit_file import OpenKit
from yurt.portability.kit_keys import kit_secrets
from yurt.wire.device_commands import Devices, DevicesSeen
from yurt.wire.problems import ProblemError

NO_GRAPH = "no copy of your kit was sealed by a device of yours"


class FromKit:
    """Brings a restored device back into its rooms."""

    def __init__(self, core: Core, healer: Healer) -> None:
        self._core = core
        self._healer = healer

    def calls(self) -> EngineCalls:
        """What is answered here."""
        return {EnterFromKit: self.enter}

    async def enter(self, call: EnterFromKit) -> EnteredFromKit:
        """Find the newest kit, and enter the rooms that it remembers.

        Raises:
            ProblemError: The words are mistyped or somebody else's, two people have them (``kitFrozen``), or
                the own node cannot be asked.
        """
        core, phrase = self._core, phrase_of(call.phrase)
        check_phrase_of(core, (await asyncio.to_thread(phrase.identity_key)).did)
        kit, problem = await self._kit(phrase, call)
        if kit is None or kit.graph is None:
            problem = problem or NO_GRAPH
        cards = kit.graph.rooms if kit and kit.graph else ()
        _, notes = await enter_rooms(core, self._healer, cards)
        await self._keep(phrase, kit)
        names = frozenset((await core.session.call(Devices(), DevicesSeen)).rooms)
        done = await core.vault.read(lambda tx: _active(tx, names))
        age = kit.graph_age(core.now_s) if kit else None
        return EnteredFromKit(
            age_s=-1 if age is None else age, problem=problem, done=done, left=len(names) - done, notes=notes
        )

    async def _kit(self, phrase: RecoveryPhrase, call: EnterFromKit) -> tuple[OpenKit | None, str]:
        """The best of all copies; or why there is none, for people."""
        core = self._core
        before = record_before(core.account) or own_record(core.account)
        nodes = dict.fromkeys((*before.record.buddies, *call.buddies, core.account.node))
        try:
            return await fetch_kit(core.session, phrase, nodes, call.files, core.now_s, known=before), ""
        except ProblemError as error:
            if error.problem.detail.get("rule") == "kitFrozen":
                raise
            return None, error.problem.message

    async def _keep(self, phrase: RecoveryPhrase, kit: OpenKit | None) -> None:
        """Go on with a kit that this device seals; without it the next loss would be for good."""
        core = self._core
        if await core.vault.read(kits.load) is not None:
            return
        record = own_record(core.account)

        def seal() -> KitRow:
            secrets, now_s = kit_secrets(phrase), core.now_s
            last = kit.graph_part.said.counter if kit and kit.graph_part else 0
            counter = max(now_s, last + 1)
            if kit is None or kit.keys is None:
                return KitRow(secrets.public.encode(), counter=counter)
            held = keys_of(kit, record.record.actor)
            part = seal_keys(
                kit.keys,
                secrets.public,
                core.account.device,
                record,
                phrase.identity_key(),
                counter=counter,
                time=now_s,
            )
            named = fingerprint_of_private(held[0].private) if held else b""
            return KitRow(secrets.public.encode(), keys=part, counter=counter, named=named)

        row = await asyncio.to_thread(seal)
        new = await self._new_key(phrase, record, kit)

        def unit(tx: Connection) -> None:
            account = accounts.load(tx)
            if kits.load(tx) is not None or account is None:
                return
            kits.save(tx, row)
            kits.set_buddies(tx, record.record.buddies)
            if new is not None:
                key_changing.keep(tx, account, new, core.clock.now_ms())

        await core.vault.write(unit)
        with suppress(ProblemError):  # it waits, and is handed over when the node is reached
            await key_changing.finish(core)

    async def _new_key(
        self, phrase: RecoveryPhrase, record: VerifiedRecord, kit: OpenKit | None
    ) -> NewKey | None:
        """A new actor key, if the restoring shut devices out: they may have had the one of now."""
        before = record_before(self._core.account)
        if before is None or before.record.revoked == record.record.revoked:
            return None
        known = kit.keys.actor_keys if kit and kit.keys else ()
        return await key_changing.make_key(self._core, phrase, known)


def _active(tx: Connection, names: frozenset[bytes]) -> int:
    return sum(room.state == "active" and room.room in names for room in rooms.every(tx))
