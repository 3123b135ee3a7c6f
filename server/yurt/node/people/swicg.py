"""Key packages that clients of other software may see (SWICG), and the polite no to what they send.

A device shows one last-resort package; it never lists the room policy's extension, so that nobody can use it
for a room (TRUST 6). Encrypted conversations with such clients come later: whoever sends a Welcome now gets
a Reject that says so, the person is told who tried, once, and nothing else is kept.
"""

import hashlib
import uuid
from collections.abc import Callable
from typing import Final

import msgspec
from aiohttp import web

from yurt.activitypub.delivery import Recipient
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.mls_objects import (
    MlsKind,
    MlsObject,
    key_packages_document,
    mls_object_document,
    refuse_document,
)
from yurt.activitypub.posts import Create
from yurt.activitypub.references import Json, write
from yurt.activitypub.vocabulary import ACTIVITY_TYPE, AS_CONTEXT, MLS_CONTEXT
from yurt.mls.framing import MLSMessage
from yurt.mls.key_package import KeyPackage
from yurt.node.accounts import key_packages
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.ids import account_at
from yurt.node.people.post_ends import PostEnds
from yurt.node.people.profiles import tell_change
from yurt.node.portability.refusals import refuses
from yurt.node.store import accounts, logs, moving, people, replay
from yurt.node.store.logs import NewRow
from yurt.node.store.people import KnownPerson
from yurt.node.store.public_key_packages import drop_public, public_packages, put_public
from yurt.node.store.types import Store, Tx
from yurt.wire.command import Done
from yurt.wire.problems import refuse
from yurt.wire.registry import ROOM_POLICY_EXTENSION, InboxKind
from yurt.wire.swicg_commands import ConversationTried, PublishPublicKeyPackage

_NAME: Final = "{name:[a-z0-9_]{1,30}}"
MAX_ANSWERS: Final = 5
"""Accounts that one message makes us answer for."""
MAX_TOLD_A_DAY: Final = 20
"""Strangers of whom an account is told in a day: they fill no inbox."""
TOLD_AGAIN_S: Final = 30 * 86_400
"""When whoever tries again is told of again."""
_DAY_S: Final = 86_400
MAX_WAITING: Final = 5
"""What waits of an account for one inbox: beyond that nobody gets an answer."""


class PublicKeyPackages:
    """Takes public key packages from devices, and serves them."""

    def __init__(self, domain: str, store: Store, clock: Clock, wake_delivery: Callable[[], None]) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._wake_delivery = wake_delivery

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {PublishPublicKeyPackage.name: self.publish}

    def routes(self) -> list[web.AbstractRouteDef]:
        """What this part answers."""
        collection = f"/users/{_NAME}/keyPackages"
        return [
            web.get(collection, self.collection),
            web.get(collection + "/{unique:[0-9a-f]{32}}", self.one),
        ]

    async def publish(self, context: Context, command: PublishPublicKeyPackage) -> Done:
        """Show a device's package, or none any more."""
        who, now_ms = context.who, self._clock.now_ms()
        package = None
        if command.key_package:
            checked = key_packages.check(command.key_package, who, now_ms // 1000)
            _check_public(command.key_package, last_resort=checked.last_resort)
            name = hashlib.sha256(checked.body).hexdigest()[:32]
            package = (name, checked.body, checked.not_after)

        def unit(tx: Tx) -> None:
            account = accounts.account_named(tx, who.account)
            if account is None:
                raise refuse("notSignedIn", "this account is gone")
            before = bool(public_packages(tx, who.account, now_ms // 1000))
            if package is None:
                drop_public(tx, account.id, who.device_id)
            else:
                put_public(tx, account.id, who.device_id, package)
            if before != bool(public_packages(tx, who.account, now_ms // 1000)):
                tell_change(tx, self._domain, account, now_ms)

        await self._store.write(unit)
        self._wake_delivery()
        return Done()

    async def collection(self, request: web.Request) -> web.Response:
        """`GET /users/NAME/keyPackages`: the ids of what the devices show."""
        places, found = await self._found(request)
        items = [places.key_package(name) for name in found]
        return _json(key_packages_document(places.actor, places.key_packages, items))

    async def one(self, request: web.Request) -> web.Response:
        """`GET /users/NAME/keyPackages/ID`: one of them."""
        places, found = await self._found(request)
        name = request.match_info["unique"]
        if name not in found:
            raise refuse("notFound", "there is no such key package")
        message = MlsObject(places.key_package(name), MlsKind.KEY_PACKAGE, places.actor, (), found[name])
        return _json({"@context": [AS_CONTEXT, MLS_CONTEXT], **mls_object_document(message)})

    async def _found(self, request: web.Request) -> tuple[PersonLocations, dict[str, bytes]]:
        name, now_s = request.match_info["name"], self._clock.now_s()
        if await self._store.read(lambda tx: accounts.account_named(tx, name)) is None:
            raise refuse("notFound", "nobody of that name lives here")
        found = await self._store.read(lambda tx: public_packages(tx, name, now_s))
        return PersonLocations(self._domain, name), found


def refuse_politely(tx: Tx, domain: str, activity: Create, now_ms: int) -> None:
    """Answer an MLS message of a foreign client: not yet possible here. A KeyPackage needs no answer."""
    message, sender = activity.content, people.person_at(tx, activity.actor)
    if not isinstance(message, MlsObject) or message.kind is MlsKind.KEY_PACKAGE or sender is None:
        return
    here = [name for actor in message.recipients if (name := account_at(domain, actor))]
    for name in here[:MAX_ANSWERS]:
        account = accounts.account_named(tx, name)
        if account is None or refuses(tx, account, sender):
            continue
        _tell(tx, name, sender, message.kind, now_ms)
        if _is_full(tx, name, sender):
            continue
        places = PersonLocations(domain, name)
        answer = places.activity("rejects", str(uuid.uuid4()))
        document = refuse_document(answer, places.actor, activity.id, sender.actor)
        recipient = Recipient(sender.actor, sender.inbox, sender.shared_inbox)
        PostEnds(tx, domain, now_ms).send(name, document, [recipient], repair=False)


def _tell(tx: Tx, name: str, sender: KnownPerson, kind: MlsKind, now_ms: int) -> None:
    """Tell an account's devices who tried: each person once a month, and so many a day."""
    now_s, base = now_ms // 1000, f"conversation/{name}/"
    until = now_s + TOLD_AGAIN_S
    key = hashlib.sha256((base + sender.actor).encode()).digest()
    day = f"{base}{now_s // _DAY_S}"
    if replay.was_seen(tx, key, now_s) or not replay.take_place(
        tx, day, MAX_TOLD_A_DAY, now_s, now_s + _DAY_S
    ):
        return
    replay.first_time(tx, key, now_s, until)
    body = msgspec.msgpack.encode(
        ConversationTried(actor=sender.actor, address=sender.address, kind=kind.value)
    )
    row = NewRow(InboxKind.CONVERSATION, now_ms, hashlib.sha256(body).digest(), body)
    logs.post(tx, logs.inbox_log(name), row)


def _is_full(tx: Tx, name: str, sender: KnownPerson) -> bool:
    """Whether enough waits for an inbox: any actor may name any, also one of somebody else."""
    inboxes = {sender.inbox, sender.shared_inbox} - {""}
    return any(moving.count_waiting(tx, name, inbox) >= MAX_WAITING for inbox in inboxes)


def _check_public(body: bytes, *, last_resort: bool) -> None:
    package = MLSMessage.decode(body).expect(KeyPackage)
    if not last_resort:
        raise refuse("badRequest", "a public key package is a last resort", rule="notLastResort")
    if package.leaf_node.capabilities.supports_extension(ROOM_POLICY_EXTENSION):
        raise refuse("badRequest", "a public key package must not do for a room", rule="roomPackage")


def _json(document: Json) -> web.Response:
    return web.Response(
        body=write(document), headers={"Content-Type": ACTIVITY_TYPE, "Cache-Control": "max-age=60"}
    )
