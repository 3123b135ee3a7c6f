"""The continuity kit on this device: sealed at sign-up, refreshed after each change, copied to buddies.

The device holds only public keys of the kit: it seals ``graph`` without the phrase, and can open nothing. A
change is whatever changes the answer to "whom do I know, and where": follows, blocks, lists, rooms, epochs.
Each refresh takes a higher counter, and never one below the clock's, so that two devices that know nothing of
each other agree whose is newer. A buddy takes one write a minute: a burst goes there as one (TRUST 9).
"""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.errors import ClientError
from yurt.client.portability.gathering import Network, gather, kit_rooms
from yurt.client.portability.importing import own_record
from yurt.client.portability.new_kit import new_kit
from yurt.client.vault import accounts, kits
from yurt.client.vault.kits import BuddyRow, KitRow
from yurt.identity.device import DeviceKeys
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import VerifiedRecord
from yurt.portability.errors import PortabilityError
from yurt.portability.kit import seal_graph
from yurt.portability.kit_contents import GraphContents
from yurt.portability.kit_file import encode_kit
from yurt.portability.kit_keys import decode_kit_public
from yurt.portability.kit_part import decode_part
from yurt.portability.kit_room import KitRoom
from yurt.portability.roster import sign_roster
from yurt.wire.command import Command
from yurt.wire.list_commands import AddToList, CreateList, DropList, RemoveFromList
from yurt.wire.people_commands import Accept, Block, Mute, Reject, Unblock, Unmute
from yurt.wire.portability_commands import KeepKit, KitKept
from yurt.wire.problems import ProblemError, refuse

SOON_S: Final = 0.5
"""Changes come in bursts: so long is waited for the next one."""
RETRY_S: Final = 60.0
"""Until a buddy, or the own node, is asked again."""
CHANGES: Final[frozenset[type[Command]]] = frozenset(
    (Accept, Reject, Block, Unblock, Mute, Unmute, CreateList, DropList, AddToList, RemoveFromList)
)
"""What changes the graph without a word in the inbox."""
_SHARE: Final = 20
_NEWER_THERE: Final = "kitOld"
MAX_REST_S: Final = 20.0
"""The node may have waited for others who do not answer: that is no work, and no reason to rest for long."""
HOURLY_S: Final = 3600.0
"""Room cards change with every message; they are refreshed once an hour at least."""


def refreshed(
    kit: KitRow,
    network: Network,
    rooms: tuple[KitRoom, ...],
    keys: DeviceKeys,
    record: VerifiedRecord,
    now_s: int,
) -> KitRow:
    """Seal the graph anew."""
    public = decode_kit_public(kit.public, record.did)
    roster = sign_roster(network.ties, keys, record, time=now_s)
    contents = GraphContents(record.did, roster, rooms, network.csv_files())
    counter = max(kit.counter + 1, now_s)
    part = seal_graph(contents, public, keys, record, counter=counter, time=now_s)
    return replace(
        kit,
        graph=part,
        counter=counter,
        graph_at=now_s,
        ties=len(network.ties),
        rooms=len(rooms),
        stale=False,
    )


class KitKeeper:
    """Keeps the kit as it should be."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._rest_until = 0.0
        self.problem = ""
        """Why the graph could not be refreshed, for people; empty if it could."""

    def start(self) -> None:
        """Begin to look after the kit."""
        self._task = asyncio.create_task(self._run(), name="continuity kit")
        self._watch = asyncio.create_task(self._look_at_rooms(), name="changes for the kit")

    async def close(self) -> None:
        """End; what was not sealed is sealed at the next start."""
        tasks = [task for task in (self._task, self._watch) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def touched(self) -> None:
        """Hear that something changed that a kit should hold."""
        self._changed.set()

    def asked(self, command: Command) -> None:
        """Hear what the own node was asked to do."""
        if type(command) in CHANGES:
            self.touched()

    async def refresh(self) -> KitRow | None:
        """Seal the graph as it is now; None without a kit.

        Raises:
            ProblemError: The own node cannot be asked.
        """
        core = self._core
        async with self._lock:
            kit = await core.vault.read(kits.load)
            if kit is None:
                return None
            network = await gather(core.session, core.now_s)
            rooms = await core.vault.write(lambda tx: kit_rooms(tx, core.groups))
            record, device, now_s = own_record(core), core.device.keys, core.now_s
            fresh = await asyncio.to_thread(refreshed, kit, network, rooms, device, record, now_s)
            return await core.vault.write(lambda tx: _keep(tx, fresh))

    async def hand_out(self) -> None:
        """Bring the newest parts to each buddy that lacks them, and may take them now."""
        core = self._core
        kit = await core.vault.read(kits.load)
        if kit is None:
            return
        for buddy in await core.vault.read(kits.buddies):
            if buddy.try_at <= core.now_s:
                after = await self._hand_to(buddy, kit)
                if after != buddy:
                    await core.vault.write(partial(kits.save_buddy, buddy=after))

    async def _hand_to(self, buddy: BuddyRow, kit: KitRow) -> BuddyRow:
        core = self._core
        record = own_record(core)
        parts = [
            part
            for part, has in ((kit.keys, buddy.keys), (kit.graph, buddy.graph))
            if part and decode_part(part).counter > has
        ]
        if not parts:
            return buddy
        kit_id = decode_kit_public(kit.public, record.did).kit_id
        try:
            kept = await core.session.call(
                KeepKit(buddy.node, kit_id, record.signed.encode(), tuple(parts)), KitKept
            )
        except ProblemError as error:
            if error.problem.detail.get("rule") == _NEWER_THERE and len(parts) > 1:
                # Another device of this person sealed its keys later: the graph goes alone.
                return await self._hand_to(replace(buddy, keys=decode_part(kit.keys).counter), kit)
            wait = error.problem.retry_after or RETRY_S
            return replace(buddy, try_at=core.now_s + int(wait) + 1, problem=error.problem.message)
        return replace(
            buddy, keys=kept.keys, graph=kept.graph, kept_at=kept.kept_at, try_at=0, problem="", drops_at=0
        )

    async def _run(self) -> None:
        kit = await self._core.vault.read(kits.load)
        if kit is not None and kit.stale:
            self._changed.set()
        while True:
            wait = await self._wait_s()
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                pass
            else:
                await self._soon()
            await self._once()

    async def _soon(self) -> None:
        """Let a burst of changes be one."""
        while self._changed.is_set():
            self._changed.clear()
            # Each time: somebody may have sealed the graph between two changes.
            await self._core.vault.write(kits.mark_stale)
            # While somebody imports thousands, sealing takes a twentieth of the time and no more.
            rest = self._rest_until - asyncio.get_running_loop().time()
            await asyncio.sleep(max(SOON_S, rest))

    async def _once(self) -> None:
        kit = await self._core.vault.read(kits.load)
        if kit is None:
            return
        try:
            if kit.stale or self._core.now_s - kit.graph_at >= HOURLY_S:
                loop = asyncio.get_running_loop()
                began = loop.time()
                await self.refresh()
                self._rest_until = loop.time() + min(MAX_REST_S, _SHARE * (loop.time() - began))
            await self.hand_out()
            self.problem = ""
        except ProblemError as error:
            self.problem = error.problem.message
        except (ClientError, PortabilityError) as error:
            self.problem = str(error)

    async def _wait_s(self) -> float:
        """How long nothing needs to be done, unless something changes."""
        core = self._core
        kit = await core.vault.read(kits.load)
        if kit is None:
            return HOURLY_S
        if kit.stale:
            return RETRY_S
        due = [HOURLY_S - (core.now_s - kit.graph_at)]
        newest = decode_part(kit.graph).counter if kit.graph else 0
        buddies = await core.vault.read(kits.buddies)
        due += [one.try_at - core.now_s for one in buddies if one.graph < newest or one.problem]
        return max(1.0, min(due))

    async def _look_at_rooms(self) -> None:
        """Notice that rooms, their people or the inbox changed."""
        core = self._core
        last = await core.vault.read(_fingerprint)
        while True:
            ring = core.bell.next()
            found = await core.vault.read(_fingerprint)
            if found != last:
                last = found
                self.touched()
            await ring.wait()


def _fingerprint(tx: Connection) -> list[tuple[object, ...]]:
    """What tells that the graph changed; messages alone do not."""
    rooms = tx.execute("SELECT room, name, topic, hub, state, epoch, people FROM room ORDER BY id").fetchall()
    inbox = tx.execute("SELECT 'inbox', seq FROM cursor WHERE log = 'inbox'").fetchall()
    return [*rooms, *inbox]


def _keep(tx: Connection, fresh: KitRow) -> KitRow:
    now = kits.load(tx)
    if now is None or now.public != fresh.public:
        raise refuse("internal", "the kit was replaced meanwhile")
    kept = replace(fresh, keys=now.keys, named=now.named, counter=max(fresh.counter, now.counter))
    kits.save(tx, kept)
    return kept


async def make_kit(core: Core, phrase: str) -> KitRow:
    """Have a kit, in a vault that is older than kits; the actor key is sealed, and goes from the vault.

    Raises:
        ProblemError: The words are mistyped, or somebody else's.
    """
    from yurt.client.devices.own_record import check_phrase_of  # a cycle otherwise
    from yurt.identity.errors import PhraseError

    try:
        words = await asyncio.to_thread(RecoveryPhrase.parse, phrase)
    except PhraseError as error:
        raise refuse("badRequest", str(error), rule=error.rule) from None
    check_phrase_of(core, words.identity_key().did)
    kit = await core.vault.read(kits.load)
    if kit is not None:
        return kit
    made = await asyncio.to_thread(new_kit, words, core.account, own_record(core), core.now_s)
    account = replace(core.account, actor_key=b"")

    def unit(tx: Connection) -> None:
        kits.save(tx, made)
        if made.keys:
            accounts.save(tx, account)

    await core.vault.write(unit)
    if made.keys:
        core.account = account
    return made


def kit_bytes(kit: KitRow, record: VerifiedRecord) -> bytes:
    """Write the kit's file."""
    return encode_kit(record, [part for part in (kit.keys, kit.graph) if part])
