"""One-time key packages: a device leaves them here, others claim them (TRUST 6).

The node checks that a package is the publishing device's own, so that nobody can be added through a leaf
that is not theirs; receivers check again. It never reveals how many are left to anybody but the owner.
"""

import hashlib
from typing import Final

from yurt.identity.errors import RemoteIdentityError
from yurt.identity.leaf import LeafUse, verify_leaf
from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.errors import RemoteMlsError
from yurt.mls.framing import MLSMessage
from yurt.mls.key_package import KeyPackage
from yurt.node.clock import Clock
from yurt.node.dispatcher import Caller, Context, Handlers
from yurt.node.store import accounts, key_packages
from yurt.node.store.types import ReadTx, Store, Tx
from yurt.node.work_pool import WorkPool
from yurt.wire.key_package_commands import KeyPackageCount, PublishKeyPackages
from yurt.wire.problems import refuse
from yurt.wire.registry import CIPHER_SUITE, MAX_KEY_PACKAGES

MAX_KEY_PACKAGE_SIZE: Final = 8 * 1024
Checked = tuple[bytes, bytes, int]
"""SHA-256, the MLSMessage's bytes, and when it ends (seconds)."""


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
            return KeyPackageCount(await self._store.read(lambda tx: self._count(tx, who, now_s)))
        return KeyPackageCount(await self._store.write(lambda tx: self._keep(tx, who, packages, now_s)))

    def _keep(self, tx: Tx, who: Caller, packages: list[Checked], now_s: int) -> int:
        account = accounts.account_named(tx, who.account)
        if account is None:
            raise refuse("notSignedIn", "this account is gone")
        room = MAX_KEY_PACKAGES - key_packages.count_key_packages(tx, account.id, who.device_id, now_s)
        key_packages.add_key_packages(tx, account.id, who.device_id, packages[: max(0, room)])
        return key_packages.count_key_packages(tx, account.id, who.device_id, now_s)

    def _count(self, tx: ReadTx, who: Caller, now_s: int) -> int:
        account = accounts.account_named(tx, who.account)
        return key_packages.count_key_packages(tx, account.id, who.device_id, now_s) if account else 0


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
    return hashlib.sha256(body).digest(), body, leaf.not_after
