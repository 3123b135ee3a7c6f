"""A room's address as an actor (`Group`), shown to the nodes of its participants only.

Its name says nothing: it is a keyed hash of the room id, so it needs no table and nobody can guess it. To
everybody else, signed or not, the address does not exist.
"""

import hashlib
from typing import Final

from aiohttp import web

from yurt.activitypub.actor_documents import room_document
from yurt.activitypub.errors import RemoteActivityPubError
from yurt.activitypub.locations import ROOM_NAME_SIZE, room_name
from yurt.activitypub.references import host_of, write
from yurt.activitypub.vocabulary import ACTIVITY_TYPE
from yurt.node.fetch import FetchError
from yurt.node.http.inbound import inbound_request
from yurt.node.keys import NodeKeys
from yurt.node.people.signatures import Signatures
from yurt.node.store import rooms
from yurt.node.store.rooms import STILL
from yurt.node.store.types import Store
from yurt.wire.errors import GateError
from yurt.wire.problems import ProblemError, refuse

_PURPOSE: Final = b"room actor"


class RoomDocuments:
    """Serves the actor documents of rooms."""

    def __init__(self, domain: str, store: Store, keys: NodeKeys, signatures: Signatures) -> None:
        self._domain = domain
        self._store = store
        self._keys = keys
        self._signatures = signatures

    def routes(self) -> list[web.AbstractRouteDef]:
        """What this part answers."""
        return [web.get("/rooms/{name:[a-z2-7]{32}}", self.serve)]

    async def serve(self, request: web.Request) -> web.Response:
        """`GET /rooms/NAME`, signed by a node that has participants in that room."""
        try:
            _, owner = await self._signatures.verify(inbound_request(request, self._domain, b""))
        except (RemoteActivityPubError, GateError, FetchError) as error:
            raise _nothing() from error
        node, name = host_of(owner), request.match_info["name"]
        for room, end in await self._store.read(lambda tx: rooms.rooms_of_node(tx, node)):
            if end == STILL and name_of_room(self._keys, room) == name:
                headers = {"Content-Type": ACTIVITY_TYPE, "Cache-Control": "private", "Vary": "Signature"}
                return web.Response(body=write(room_document(self._domain, name)), headers=headers)
        raise _nothing()


def name_of_room(keys: NodeKeys, room: bytes) -> str:
    """The public name of a room at its hub, whose keys these are."""
    secret = keys.ed25519.private_bytes_raw()
    return room_name(hashlib.blake2b(room, digest_size=ROOM_NAME_SIZE, key=secret, person=_PURPOSE).digest())


def _nothing() -> ProblemError:
    return refuse("notFound", "there is nothing here")
