"""The engine's part for a person's devices: answers the calls, and keeps every room as the record says."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.calls import EngineCalls, Nothing
from yurt.client.core import Core
from yurt.client.devices import each_room, revoking
from yurt.client.devices.calls import (
    AwaitLink,
    AwaitRooms,
    BeginLink,
    DeviceRevoked,
    DeviceView,
    DeviceViews,
    JudgeDevice,
    KeyStanding,
    LinkCodeView,
    LinkView,
    ListDevices,
    RevokeDevice,
    RoomsSettled,
    SettleRooms,
)
from yurt.client.devices.linking import Linking, publish
from yurt.client.devices.others import OthersRevocations
from yurt.client.devices.own_record import own_record
from yurt.client.errors import ClientError
from yurt.client.portability import key_changing
from yurt.client.portability.key_changing import KeyOutcome
from yurt.client.rooms.commit import Committer
from yurt.client.vault import rooms
from yurt.identity.record import FIRST_SEQ
from yurt.identity.signed_record import VerifiedRecord
from yurt.rooms.common.room import read_room
from yurt.wire.device_commands import Devices, DeviceSeen, DevicesSeen
from yurt.wire.problems import ProblemError

PACKAGES_S: Final = 0.3
"""Between two looks whether a new device has its key packages ready."""
AT_ONCE: Final = 8
"""Rooms that are settled side by side."""
AGAIN_S: Final = 20.0
"""Until the rooms that could not be settled are tried again."""
SOON_S: Final = (0.5, 3.0)


class DevicesPart:
    """A person's devices, as this one sees them."""

    def __init__(self, core: Core, committer: Committer) -> None:
        self._core = core
        self._committer = committer
        self._linking = Linking(core)
        self._published = b""
        """The own record that the node is known to have."""
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._others = OthersRevocations(core, committer)
        self.on_kit: Callable[[], None] = _nothing
        """Hears that the kit has another actor key."""

    def calls(self) -> EngineCalls:
        """What is answered here."""
        return {
            ListDevices: self.list,
            BeginLink: self.begin,
            AwaitLink: self.wait,
            SettleRooms: self.settle,
            JudgeDevice: self.judge,
            RevokeDevice: self.revoke,
            AwaitRooms: self.wait_rooms,
        }

    async def start(self) -> None:
        """Begin to look after the rooms."""
        await self._others.start()
        self._task = asyncio.create_task(self._run(), name="rooms of own devices")

    async def close(self) -> None:
        """End; what is left is seen again at the next start."""
        if self._timer is not None:
            self._timer.cancel()
        await self._linking.close()
        await self._others.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def look(self) -> None:
        """Look soon: the node was reached again, or the own record is a newer one.

        Not at once: the device on which a person did something is at it already.
        """
        delay = random.uniform(*SOON_S)  # noqa: S311  # spreads commits, keeps no secret
        self._timer = self._timer or asyncio.get_running_loop().call_later(delay, self._woken)

    def _woken(self) -> None:
        self._timer = None
        self._wake.set()

    def live(self, room: bytes | None) -> None:
        """Look at a room that was read to its head: it may be new to this device, and to the others."""
        if room is not None:
            self.look()

    def heard(self, record: VerifiedRecord) -> None:
        """Hear that somebody has a newer record."""
        if record.did == self._core.account.did:
            self.look()  # an older one of ours too: it costs a look
        else:
            self._others.heard(record.did)

    # --- calls --------------------------------------------------------------------------------------
    async def list(self, _call: ListDevices) -> DeviceViews:
        """List the devices of this person."""
        core, asked = self._core, True
        try:
            seen = (await core.session.call(Devices(), DevicesSeen)).devices
        except ProblemError:
            seen, asked = (), False
        return await core.vault.write(
            lambda tx: _views(core, tx, {one.device_id: one for one in seen}, asked)
        )

    async def begin(self, call: BeginLink) -> LinkCodeView:
        """Make a code for a new device."""
        return await self._linking.begin(call.phrase)

    async def wait(self, call: AwaitLink) -> LinkView:
        """Wait for the new device, a while."""
        return await self._linking.wait(call.within)

    async def judge(self, call: JudgeDevice) -> Nothing:
        """Refuse what could not be revoked."""
        await revoking.judge(self._core, call.device)
        return Nothing()

    async def revoke(self, call: RevokeDevice) -> DeviceRevoked:
        """Revoke a device, here and in every room, and have a new actor key."""
        is_new = await revoking.revoke(self._core, call.device, call.phrase)
        settled = await self._settle()
        standing: KeyStanding = "new" if is_new else "unchanged"
        try:
            outcome = await self._finish_key()
        except ProblemError:
            standing = "waiting"
        else:
            if outcome != "none":  # else it was said already: by `_run` just now, or when it was revoked
                standing = outcome
        return DeviceRevoked(
            done=settled.done, left=settled.left, problem=settled.problem, actor_key=standing
        )

    async def settle(self, call: SettleRooms) -> RoomsSettled:
        """Bring every room in line with the own record, now."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + call.within
        while True:
            settled = await self._settle()
            if not settled.left or loop.time() >= deadline:
                return settled
            await asyncio.sleep(PACKAGES_S)

    async def wait_rooms(self, call: AwaitRooms) -> RoomsSettled:
        """Wait until this device is in every room of its person."""
        core = self._core
        names = frozenset((await core.session.call(Devices(), DevicesSeen)).rooms)

        def joined(tx: Connection) -> int:
            return sum(room.state == "active" and room.room in names for room in rooms.every(tx))

        await core.until(lambda tx: joined(tx) >= len(names), call.within)
        done = await core.vault.read(joined)
        return RoomsSettled(done=done, left=len(names) - done)

    # --- the rooms ----------------------------------------------------------------------------------
    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._linking.finish()
                await self._publish()
                settled = await self._settle()
                await self._finish_key()
            except (ProblemError, ClientError):
                settled = RoomsSettled(done=0, left=1)
            if settled.left:
                with suppress(TimeoutError):
                    async with asyncio.timeout(AGAIN_S):
                        await self._wake.wait()
                self._wake.set()

    async def _publish(self) -> None:
        """Give the node the own record, once: a crash may have come between keeping and publishing it."""
        core, record = self._core, self._core.account.record
        if record != self._published and own_record(core.account).record.seq > FIRST_SEQ:
            await publish(core, record)
        self._published = record

    async def _finish_key(self) -> KeyOutcome:
        """Give the node an actor key that waits for it, and let the kit go to the buddies."""
        outcome = await key_changing.finish(self._core)
        if outcome == "new":
            self.on_kit()
        return outcome

    async def _settle(self) -> RoomsSettled:
        core = self._core
        todo = await core.write(lambda tx: each_room.unsettled(core, tx))
        if not todo:
            return RoomsSettled(done=await core.vault.read(_count), left=0)
        await self._publish()  # the node first: rooms learn nothing that it does not know
        slots, problems = asyncio.Semaphore(AT_ONCE), list[str]()

        async def one(room: bytes) -> None:
            async with slots:
                try:
                    await each_room.settle_room(core, self._committer, room)
                except ProblemError as error:
                    problems.append(error.problem.message)
                except ClientError as error:
                    problems.append(str(error))

        await asyncio.gather(*(one(room) for room in todo))
        left = len(problems)
        done = await core.vault.read(_count) - left
        return RoomsSettled(done=done, left=left, problem=problems[0] if problems else "")


def _nothing() -> None:
    """Hear of it in no way."""


def _count(tx: Connection) -> int:
    return sum(room.state == "active" for room in rooms.every(tx))


def _views(core: Core, tx: Connection, seen: dict[bytes, DeviceSeen], asked: bool) -> DeviceViews:  # noqa: FBT001  # of this module only
    record, own = own_record(core.account), core.account.device.device_id
    active = [room.room for room in rooms.every(tx) if room.state == "active"]
    groups = (core.groups.load(tx, room) for room in active)
    people = [read_room(group.context.extensions, group.tree).people for group in groups]
    views: list[DeviceView] = []
    for certificate in record.record.devices:
        device_id = certificate.device.device_id
        at_node = seen.get(device_id, DeviceSeen(device_id))
        views.append(
            DeviceView(
                device_id=device_id,
                own=device_id == own,
                since=at_node.first_seen,
                last_seen=at_node.last_seen,
                not_after=certificate.not_after,
                signed_in=at_node.signed_in,
                key_packages=at_node.key_packages,
                rooms=sum(each.device(record.did, device_id) is not None for each in people),
            )
        )
    views.sort(key=lambda view: not view.own)
    return DeviceViews(devices=tuple(views), rooms=len(active), asked=asked)
