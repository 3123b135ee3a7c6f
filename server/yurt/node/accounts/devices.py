"""Devices of the people who live here: what their newest record lists, and nothing else, is let in.

A record needs no sign-in: the identity key signed it, and it must continue what is known here. When it
comes, by whatever door, devices that it does not list lose their token, their key packages and their open
streams; after a revocation every other device's key packages go too, because their certificates were issued
anew (TRUST 2) and nobody would take them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

from yurt.identity.device_login import decode_device_login, verify_device_login
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.leaf import verify_leaf
from yurt.identity.signed_record import SignedRecord, VerifiedRecord, verify_record
from yurt.mls.errors import RemoteMlsError
from yurt.mls.framing import MLSMessage
from yurt.mls.key_package import KeyPackage
from yurt.node.accounts.sessions import Sessions
from yurt.node.clock import Clock
from yurt.node.dispatcher import Caller, Context, Handlers
from yurt.node.limiter import LOGIN_RATE, Limiter, Rate, limited_address
from yurt.node.people.record_book import RecordBook
from yurt.node.store import accounts, devices, records, replay
from yurt.node.store.accounts import AccountRow
from yurt.node.store.types import ReadTx, Store, Tx
from yurt.wire.device_commands import (
    MAX_OWN_KEY_PACKAGES,
    Devices,
    DeviceSeen,
    DeviceSignedIn,
    DevicesSeen,
    LoginDevice,
    OwnKeyPackages,
    OwnRecord,
    PublishedRecord,
    PublishRecord,
    TakeOwnKeyPackages,
)
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import CLAIM_WINDOW_S

PUBLISH_RATE: Final = Rate(burst=10, every_s=30.0)
"""Records published for one did, and asked for from one address."""
SEEN_EVERY_S: Final = 600
"""How exactly the node knows when a device was last here."""
_AT_ONCE: Final = 100
"""Devices that are noted with one unit of work: other writers wait no longer than for that."""

EndStreams = Callable[[str], Awaitable[None]]
"""Ends the open streams of a did whose device may not be here any more."""


class AccountDevices:
    """Takes records of local people in, and keeps what the node has in line with them."""

    def __init__(
        self, domain: str, store: Store, clock: Clock, limiter: Limiter, sessions: Sessions, book: RecordBook
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._limiter = limiter
        self._sessions = sessions
        self._book = book
        self._seen: dict[tuple[str, bytes], int] = {}
        self.end_streams: EndStreams = _end_none

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {
            PublishRecord.name: self.publish,
            OwnRecord.name: self.own_record,
            LoginDevice.name: self.login,
            Devices.name: self.list,
            TakeOwnKeyPackages.name: self.take,
        }

    # --- records ------------------------------------------------------------------------------------
    async def publish(self, context: Context, command: PublishRecord) -> PublishedRecord:
        """Take the next record of somebody who lives here in; the same one again changes nothing."""
        self._limiter.take("publish address", limited_address(context.address), PUBLISH_RATE)
        try:
            record = verify_record(SignedRecord.decode(command.record))
            self._limiter.take("publish", record.did, PUBLISH_RATE)
            await self._account(record.did)
            newest = await self._book.take(command.record, evidence=False)
        except RemoteIdentityError as error:
            raise refuse("badRecord", str(error), rule=error.rule) from error
        if newest.hash != record.hash:
            raise refuse(
                "badRecord",
                f"record {newest.record.seq} is the newest here, and this one does not follow it",
                rule="recordOld" if newest.record.seq > record.record.seq else "recordFrozen",
            )
        # Once more, for a record that was kept and whose consequences a crash has cut off.
        await self.heard(newest)
        return PublishedRecord(newest.signed.encode())

    async def heard(self, record: VerifiedRecord) -> None:
        """Bring what is kept of a person's devices in line with a newer record."""
        account = await self._store.read(lambda tx: accounts.account_of(tx, record.did))
        if account is not None:
            await self._store.write(lambda tx: _settle(tx, account.id, record))
            await self.end_streams(record.did)

    async def own_record(self, context: Context, command: OwnRecord) -> PublishedRecord:
        """Give the newest record of somebody who lives here, or is known; it is public."""
        self._limiter.take("publish address", limited_address(context.address), PUBLISH_RATE)
        record = await self._store.read(lambda tx: records.newest_record(tx, command.did))
        if not record:
            raise refuse("notFound", f"nobody with this identity is known at {self._domain}")
        return PublishedRecord(record)

    async def _account(self, did: str) -> AccountRow:
        account = await self._store.read(lambda tx: accounts.account_of(tx, did))
        if account is None:
            raise refuse("notFound", f"nobody with this identity lives at {self._domain}")
        return account

    # --- signing in ---------------------------------------------------------------------------------
    async def login(self, context: Context, command: LoginDevice) -> DeviceSignedIn:
        """Sign a device in by its own key."""
        self._limiter.take("login address", limited_address(context.address), LOGIN_RATE)
        now_s = self._clock.now_s()
        try:
            login = decode_device_login(command.proof)
            account, body = await self._store.read(lambda tx: _who(tx, login.did))
            if account is None:
                raise _not_listed()
            record = verify_record(SignedRecord.decode(body))
            verify_device_login(login, record, node=self._domain, now=now_s)
        except RemoteIdentityError as error:
            if error.rule == "loginDevice":
                raise _not_listed() from error
            raise refuse("badSignature", str(error), rule=error.rule) from error
        once, until = b"login/" + login.nonce + login.device_id, now_s + 2 * CLAIM_WINDOW_S
        if not await self._store.write(lambda tx: replay.first_time(tx, once, now_s, until)):
            raise refuse("badSignature", "this proof was used already; make a new one", rule="loginReplay")
        signed_in = await self._sessions.sign_in(account, login.device_id)
        await self._note([(account.name, login.device_id)])
        return DeviceSignedIn(
            account=signed_in.account,
            actor=signed_in.actor,
            token=signed_in.token,
            expires_at=signed_in.expires_at,
            record=body,
        )

    async def authenticate(self, token: str) -> Caller:
        """Say whose token it is, and note that the device was here.

        Raises:
            ProblemError: `notSignedIn` for an unknown token, `tokenExpired` for an old one.
        """
        caller = await self._sessions.authenticate(token)
        await self._note([(caller.account, caller.device_id)])
        return caller

    async def ended(self, shown: Mapping[str, Caller]) -> dict[str, str]:
        """As `Sessions.ended`; note that the others' devices are here still."""
        over = await self._sessions.ended(shown)
        await self._note([(who.account, who.device_id) for token, who in shown.items() if token not in over])
        return over

    async def _note(self, here: Sequence[tuple[str, bytes]]) -> None:
        """Note that devices, each of an account, are here."""
        now_s = self._clock.now_s()
        due = [one for one in here if now_s - self._seen.get(one, 0) >= SEEN_EVERY_S]
        self._seen |= dict.fromkeys(due, now_s)
        for start in range(0, len(due), _AT_ONCE):
            part = due[start : start + _AT_ONCE]
            await self._store.write(partial(devices.note_seen, here=part, now_s=now_s))

    # --- what is here -------------------------------------------------------------------------------
    async def list(self, context: Context, command: Devices) -> DevicesSeen:  # noqa: ARG002  # the handlers' shape
        """Say what is known of the caller's devices."""
        who, now_s = context.who, self._clock.now_s()
        seen = await self._store.read(lambda tx: _list(tx, who.did, now_s))
        rooms = await self._store.read(lambda tx: devices.rooms_of(tx, who.did))
        return DevicesSeen(seen, tuple(rooms))

    async def take(self, context: Context, command: TakeOwnKeyPackages) -> OwnKeyPackages:
        """Hand out key packages of another device of the caller's."""
        who, now_s = context.who, self._clock.now_s()
        count = min(max(command.count, 1), MAX_OWN_KEY_PACKAGES)

        def unit(tx: Tx) -> list[bytes]:
            account = accounts.account_of(tx, who.did)
            if account is None or command.device_id == who.device_id:
                raise refuse("badRequest", "key packages of another device of yours can be taken")
            return devices.take_of_device(tx, account.id, command.device_id, count, now_s)

        taken = await self._store.write(unit)
        if not taken:
            raise refuse("noKeyPackages", "that device has no key packages left: it must come online once")
        return OwnKeyPackages(tuple(taken))


async def _end_none(_did: str) -> None:
    """There are no streams before the door is made."""


def _settle(tx: Tx, account_id: int, record: VerifiedRecord) -> None:
    """End the devices that a record does not list, and packages of certificates that were issued anew."""
    for device_id in devices.known_devices(tx, account_id):
        listed = record.device(device_id)
        if listed is None:
            devices.end_device(tx, account_id, device_id)
        elif any(
            _issued_by(body) != listed.record_seq
            for body in devices.own_key_packages(tx, account_id, device_id)
        ):
            devices.drop_key_packages(tx, account_id, device_id)


def _issued_by(body: bytes) -> int:
    """Give the number of the record that issued the certificate in a kept key package."""
    try:
        return verify_leaf(MLSMessage.decode(body).expect(KeyPackage).leaf_node).record_seq
    except (RemoteMlsError, RemoteIdentityError):
        return -1


def _who(tx: ReadTx, did: str) -> tuple[AccountRow | None, bytes]:
    return accounts.account_of(tx, did), records.newest_record(tx, did)


def _list(tx: ReadTx, did: str, now_s: int) -> tuple[DeviceSeen, ...]:
    account = accounts.account_of(tx, did)
    if account is None:
        return ()
    found = (
        devices.seen_device(tx, account.id, each, now_s) for each in devices.known_devices(tx, account.id)
    )
    return tuple(
        DeviceSeen(
            device_id=one.device_id,
            signed_in=one.signed_in,
            key_packages=one.key_packages,
            first_seen=one.first_seen,
            last_seen=one.last_seen,
        )
        for one in found
    )


def _not_listed() -> ProblemError:
    """One answer for a did that does not live here and for a device that its record does not list."""
    return refuse("notAllowed", "this device is not in the newest person record of an account of this node")
