"""Whom a stock server knows: actors' documents as it kept them, and whose key signed what comes.

Signatures are verified with the key as it was kept, and no server asks the signer's own while that fits.
"""

from yurt.activitypub.actors import ActorDocument, parse_actor
from yurt.activitypub.errors import RemoteActivityPubError
from yurt.activitypub.http_signatures import policy
from yurt.activitypub.http_signatures.request import InboundRequest, SignatureIn
from yurt.activitypub.references import Json
from yurt.lab.migration.hosts import LabClock, Post
from yurt.wire.errors import GateError


class OtherActors:
    """Documents of actors elsewhere."""

    def __init__(self, post: Post, clock: LabClock, *, anew: bool) -> None:
        """Know nobody yet.

        Args:
            post: The way to other servers.
            clock: The lab's; signatures have a time.
            anew: Whether a key that does not fit is fetched again, of somebody who is known.
        """
        self._post = post
        self._clock = clock
        self._anew = anew
        self._kept = dict[str, ActorDocument]()

    def kept(self, actor: str) -> ActorDocument | None:
        """The document as it was seen last."""
        return self._kept.get(actor)

    def keep(self, document: Json | None, actor: str) -> bool:
        """Keep a document that the actor itself sent; False if it is none."""
        try:
            found = parse_actor(document, actor) if document else None
        except RemoteActivityPubError:
            found = None
        if found is not None:
            self._kept[actor] = found
        return found is not None

    def forget(self, actor: str) -> None:
        """Know an actor no longer."""
        self._kept.pop(actor, None)

    async def known(self, actor: str) -> ActorDocument | None:
        """The kept document, else the fetched one."""
        return self._kept.get(actor) or await self.fetch(actor)

    async def fetch(self, actor: str) -> ActorDocument | None:
        """Fetch an actor; what was kept stays if its server is gone, but is not what was asked for."""
        return self._kept[actor] if self.keep(await self._post.get(actor), actor) else None

    async def signer(self, request: InboundRequest) -> str:
        """Whose key signed it; empty if nobody's. What was kept is asked first, and mostly alone."""
        try:
            signed = policy.parse(request)
        except (RemoteActivityPubError, GateError):
            return ""
        owner = signed.key_id.partition("#")[0]
        known = self._kept.get(owner)
        found = self._owner_of(signed, known) if known else ""
        if found or (known and not self._anew):
            return found
        fetched = await self.fetch(owner)
        return self._owner_of(signed, fetched) if fetched else ""

    def _owner_of(self, signed: SignatureIn, document: ActorDocument) -> str:
        key = document.key(signed.key_id)
        if key is None:
            return ""
        try:
            policy.verify(signed, key, int(self._clock.now()))
        except RemoteActivityPubError:
            return ""
        return document.id
