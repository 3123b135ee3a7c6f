"""The engine's part for clients of other software: it shows them a key package, and says who used it.

One last-resort package of this device is shown in the actor's ``keyPackages`` (DESIGN 5). It is made anew
when somebody used it, when three quarters of its time are over, and when the device's certificate or address
changed (TRUST 6). Its private half lies apart from those of rooms: no Welcome to a room finds it.
"""

from functools import partial
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.calls import EngineCalls
from yurt.client.conversations.calls import ListTried, TriedView, TriedViews
from yurt.client.core import Core
from yurt.client.soon import Soon
from yurt.client.vault import conversations
from yurt.client.vault.conversations import PublicPackage
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.leaf import verify_leaf
from yurt.mls.framing import MLSMessage
from yurt.mls.key_package_bundle import KeyPackageBundle
from yurt.wire.command import Done
from yurt.wire.registry import KEY_PACKAGE_LIFETIME_S
from yurt.wire.swicg_commands import PublishPublicKeyPackage

RENEW_S: Final = KEY_PACKAGE_LIFETIME_S * 3 // 4
"""Early enough for somebody whose computer is off for days."""
APART_S: Final = 3600
"""Between two packages that were used: whoever uses them up costs one an hour (TRUST 6 asks for 24)."""
SHOW_AGAIN_S: Final = 86_400
"""How often the node is shown what it should have: it may have been restored from a copy."""
_NO_ROOM: Final = b""


class Conversations:
    """Shows a key package, and tells who tried to use it."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._soon = Soon("public key package", self._supply)

    def calls(self) -> EngineCalls:
        """What is answered here."""
        return {ListTried: self.tried}

    def live(self, room: bytes | None) -> None:
        """Hear that the inbox has been read: somebody may have used the package."""
        if room is None:
            self._soon.look(_NO_ROOM)

    async def close(self) -> None:
        """End."""
        await self._soon.close()

    async def tried(self, _call: ListTried) -> TriedViews:
        """List who tried since the last time."""
        found = await self._core.vault.write(conversations.take_tries)
        return TriedViews(
            tuple(TriedView(address=one.address, actor=one.actor, since=one.first_at) for one in found)
        )

    async def _supply(self, _room: bytes) -> float:
        """Show the node a package that holds; gives the seconds until a used one may be replaced."""
        core = self._core
        package = await core.vault.write(self._current)
        if core.now_s - package.shown_at >= SHOW_AGAIN_S:
            message = MLSMessage(KeyPackageBundle.decode(package.bundle).key_package).encode()
            await core.session.call(PublishPublicKeyPackage(message), Done)
            await core.vault.write(partial(conversations.mark_shown, ref=package.ref, now_s=core.now_s))
        return float(max(1, package.made_at + APART_S - core.now_s)) if package.used_at else 0.0

    def _current(self, tx: Connection) -> PublicPackage:
        """The package to be shown: the newest, or a new one."""
        newest, now_s = conversations.newest_package(tx), self._core.now_s
        if newest is not None and self._still_holds(newest, now_s):
            return newest
        conversations.drop_expired(tx, now_s)
        bundle = self._core.device.public_package(now_s)
        package = PublicPackage(bundle.ref, bundle.encode(), now_s, now_s + KEY_PACKAGE_LIFETIME_S)
        conversations.add_package(tx, package)
        return package

    def _still_holds(self, package: PublicPackage, now_s: int) -> bool:
        age, device = now_s - package.made_at, self._core.device
        if age >= RENEW_S or (package.used_at and age >= APART_S):
            return False
        try:
            leaf = verify_leaf(KeyPackageBundle.decode(package.bundle).key_package.leaf_node)
        except RemoteIdentityError:
            return False
        return (leaf.record_seq, leaf.actor) == (device.certificate.record_seq, device.actor)
