"""Looking at another node from outside, when that node asks: the friend's half of `yurt node doctor`.

Safe to offer: only `https://DOMAIN/actor` of the domain whose signature was verified, through the one fetch
that refuses private addresses; no redirect is followed, nothing of the answer is passed on but a key and a
status; and seldom.
"""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from yurt.activitypub.actors import read_actor
from yurt.activitypub.errors import RemoteActivityPubError
from yurt.identity.location import node_of
from yurt.node.fetch import FetchError, SafeFetch
from yurt.node.ids import exchange_key_id, node_actor
from yurt.node.limiter import Limiter, Rate
from yurt.node.peers.asks import Answerer, Asks
from yurt.wire.command import Answer
from yurt.wire.errors import GateError
from yurt.wire.look import LOOK, Look, Looked

LOOK_RATE: Final = Rate(burst=5, every_s=60.0)
"""Of one node."""
_DOCUMENT: Final = 64 * 1024
_OK: Final = 200


class Looking:
    """Looks at nodes that ask for it."""

    def __init__(self, fetch: SafeFetch, limiter: Limiter) -> None:
        self._fetch = fetch
        self._limiter = limiter

    def asks(self) -> Asks:
        """What other nodes ask here."""
        return {LOOK: Answerer(Look, self.looked)}

    async def looked(self, actor: str, asked: Look) -> Answer:
        """Look at the node of `actor`; that it is the one who asks is checked by the door."""
        del asked
        node = node_of(actor)
        self._limiter.take("look", node, LOOK_RATE)
        url = node_actor(node)
        try:
            found = await self._fetch.get(
                url, headers={"Accept": "application/activity+json"}, limit=_DOCUMENT, redirects=False
            )
            if found.status != _OK:
                return Looked(found.status)
            key = read_actor(found.body, found.headers.get("content-type", ""), url).key(
                exchange_key_id(node)
            )
        except FetchError as error:
            return Looked(problem=str(error))
        except (RemoteActivityPubError, GateError) as error:
            return Looked(_OK, problem=str(error))
        return Looked(_OK, key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else b"")
