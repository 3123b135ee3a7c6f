"""Key packages: a device leaves them here, others claim them (TRUST 6).

One-time ones go once. The last resort one, which says so itself, is handed out when none of those is left,
again and again; that it was used is marked, and its device replaces it.

The node checks that a package is the publishing device's own, so that nobody can be added through a leaf
that is not theirs; receivers check again. It never reveals how many are left to anybody but the owner.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from yurt.identity.errors import RemoteIdentityError
from yurt.identity.leaf import LeafUse, verify_leaf
from yurt.identity.record import PersonRecord
from yurt.identity.signed_record import SignedRecord
from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.errors import RemoteMlsError
from yurt.mls.extensions import ExtensionType, find_extension
from yurt.mls.framing import MLSMessage
from yurt.mls.key_package import KeyPackage
from yurt.node.clock import Clock
from yurt.node.dispatcher import Caller, Context, Handlers
from yurt.node.store import accounts, devices, key_packages, records
from yurt.node.store.types import ReadTx, Store, Tx
from yurt.node.work_pool import WorkPool
from yurt.wire.key_package_commands import KeyPackageCount, PublishKeyPackages
from yurt.wire.problems import refuse
from yurt.wire.registry import CIPHER_SUITE, LEAF_LIFETIME_S, MAX_KEY_PACKAGES

MAX_KEY_PACKAGE_SIZE: Final = 8 * 1024


@dataclass(frozen=True, slots=True)
class Checked:
    """A key package that is its publisher's."""

    hash: bytes
    """SHA-256 of the body."""
    body: bytes
    """The MLSMessage, verbatim."""
    not_after: int
    """Seconds since 1970."""
    record_seq: int
    """Number of the record that issued the device's certificate."""
    device_until: int
    """Until when its leaf holds, at most as long as its device's certificate; seconds since 1970."""
    last_resort: bool


class KeyPackages:
    """Takes key packages in."""

    def __init__(self, store: Store, clock: Clock, work: WorkPool) -> None:
        self._store = store
        self._clock = clock
        self._work = work

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {PublishKeyPackages.name: self.publish}

    async def publish(self, context: Context, command: PublishKeyPackages) -> KeyPackageCount:
        """Keep a device's key packages; with none given, only count."""
        who, now_s = context.who, self._clock.now_s()
        if len(command.key_packages) > MAX_KEY_PACKAGES:
            raise refuse("tooLarge", f"at most {MAX_KEY_PACKAGES} key packages", limit=MAX_KEY_PACKAGES)
        packages = await self._work.run(lambda: [check(body, who, now_s) for body in command.key_packages])
        if not packages:
            return await self._store.read(lambda tx: self._count(tx, who, now_s))
        return await self._store.write(lambda tx: self._keep(tx, who, packages, now_s))

    def _keep(self, tx: Tx, who: Caller, packages: list[Checked], now_s: int) -> KeyPackageCount:
        account = accounts.account_named(tx, who.account)
        if account is None:
            raise refuse("notSignedIn", "this account is gone")
        _check_certificates(tx, who, packages)
        for package in packages:
            if package.last_resort:
                devices.put_last_resort(tx, account.id, who.device_id, package.body, package.not_after)
        once = [(p.hash, p.body, p.not_after) for p in packages if not p.last_resort]
        room = MAX_KEY_PACKAGES - key_packages.count_key_packages(tx, account.id, who.device_id, now_s)
        key_packages.add_key_packages(tx, account.id, who.device_id, once[: max(0, room)])
        return self._count(tx, who, now_s)

    def _count(self, tx: ReadTx, who: Caller, now_s: int) -> KeyPackageCount:
        account = accounts.account_named(tx, who.account)
        if account is None:
            return KeyPackageCount(0)
        return KeyPackageCount(
            key_packages.count_key_packages(tx, account.id, who.device_id, now_s),
            devices.has_last_resort(tx, account.id, who.device_id, now_s),
        )


def _check_certificates(tx: ReadTx, who: Caller, packages: list[Checked]) -> None:
    """Take no package whose certificate a revocation has ended: nobody would believe it (TRUST 2).

    Raises:
        ProblemError: `badRequest`.
    """
    body = records.newest_record(tx, who.did)
    listed = PersonRecord.decode(SignedRecord.decode(body).record).device(who.device_id) if body else None
    if listed is None or any(package.record_seq != listed.record_seq for package in packages):
        raise refuse(
            "badRequest", "a key package's certificate is from before a revocation", rule="belowFloor"
        )
    if any(package.device_until > listed.not_after for package in packages):
        raise refuse("badRequest", "a key package's certificate is not that of the record", rule="leafOwner")


def check(body: bytes, owner: Caller, now_s: int) -> Checked:
    """Check that a key package is the owner's own device's, for a joining leaf, and not over.

    Raises:
        ProblemError: `badRequest` or `tooLarge`.
    """
    if len(body) > MAX_KEY_PACKAGE_SIZE:
        raise refuse("tooLarge", "a key package is too large", limit=MAX_KEY_PACKAGE_SIZE)
    try:
        package = MLSMessage.decode(body).expect(KeyPackage)
        if package.cipher_suite != CIPHER_SUITE:
            raise refuse("badRequest", "a key package of another cipher suite", rule="cipherSuite")
        suite = cipher_suite(CIPHER_SUITE)
        package.verify_signature(suite)
        leaf = verify_leaf(package.leaf_node)
    except (RemoteMlsError, RemoteIdentityError) as error:
        raise refuse("badRequest", f"a key package is not valid: {error}", rule=error.rule) from error
    if (leaf.did, leaf.device_id) != (owner.did, owner.device_id) or leaf.use is not LeafUse.JOINING:
        raise refuse("badRequest", "a key package is not this device's", rule="leafOwner")
    if leaf.not_after <= now_s:
        raise refuse("badRequest", "a key package is over: check this computer's clock", rule="leafExpired")
    last_resort = find_extension(package.extensions, ExtensionType.LAST_RESORT) is not None
    lifetime = package.leaf_node.lifetime
    # A person may sign any date for their own device: what is kept is a number that the database can hold.
    end = min(leaf.not_after, now_s + LEAF_LIFETIME_S)
    end = end if lifetime is None else min(end, lifetime.not_after)
    return Checked(hashlib.sha256(body).digest(), body, end, leaf.record_seq, leaf.not_after, last_resort)
