"""History on its way: a node keeps blobs that a member made for a joiner, and reads none of them (TRUST 6).

Who is in a room may put a blob for it, in pieces, at the own node; whoever is in the room, on this node or
another, may fetch it for a week. What it holds opens only on the device that its offer names.
"""

from typing import Final

from yurt.identity.errors import RemoteIdentityError
from yurt.identity.location import MalformedLocation, check_node
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.hub.other_nodes import OtherNodes
from yurt.node.hub.problems import no_room
from yurt.node.hub.states import RoomStates
from yurt.node.limiter import Limiter, Rate
from yurt.node.peers.asks import Answerer, Asks
from yurt.node.store import history_blobs
from yurt.node.store.history_blobs import BlobRow
from yurt.node.store.types import ReadTx, Store, Tx
from yurt.wire.history_commands import PIECE, GetHistory, HistoryPiece, HistoryStands, PutHistory
from yurt.wire.problems import ProblemError, refuse

KEPT_MS: Final = 7 * 86_400_000
"""How long a blob stays, from its first piece on."""
QUOTA: Final = 64 * 1024 * 1024
"""Bytes that one person's blobs take together."""
GET_RATE: Final = Rate(burst=500, every_s=0.2)
"""Pieces that one person fetches."""


class HistoryBlobs:
    """Keeps blobs and gives them out."""

    def __init__(
        self,
        domain: str,
        store: Store,
        states: RoomStates,
        clock: Clock,
        limiter: Limiter,
        others: OtherNodes,
        quota: int = QUOTA,
    ) -> None:
        self._domain = domain
        self._store = store
        self._states = states
        self._clock = clock
        self._limiter = limiter
        self._others = others
        self._quota = quota

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {PutHistory.name: self.put, GetHistory.name: self.get}

    def asks(self) -> Asks:
        """What other nodes may ask."""
        return {GetHistory.name: Answerer(GetHistory, self._asked)}

    async def put(self, context: Context, command: PutHistory) -> HistoryStands:
        """Put the next piece, or tell how much stands."""
        who, state = context.who, await self._states.get(command.room)
        if state is None or who.did not in state.standing.people:
            raise no_room()
        now_ms = self._clock.now_ms()
        whole = await self._store.write(lambda tx: self._put(tx, who.did, command, now_ms))
        if whole is None:
            raise refuse("badRequest", "the pieces are not the blob that was named", rule="historyHash")
        return HistoryStands(whole.have, whole.until)

    async def get(self, context: Context, command: GetHistory) -> HistoryPiece:
        """Give a piece that lies here, or at another node."""
        who, state = context.who, await self._states.get(command.room)
        if state is None or who.did not in state.standing.people:
            raise no_room()
        self._limiter.take("history", who.did, GET_RATE)
        if command.node == self._domain:
            return await self._piece(command)
        try:
            node = check_node(command.node)
        except MalformedLocation:
            raise _nothing() from None
        if node not in state.standing.people.nodes:
            raise _nothing()  # nobody there has offered anything
        return await self._others.ask(node, GetHistory.name, who.actor, command, HistoryPiece)

    async def _asked(self, actor: str, command: GetHistory) -> HistoryPiece:
        state = await self._states.get(command.room)
        try:
            known = state is not None and bool(state.standing.people.by_actor(actor))
        except RemoteIdentityError:
            known = False
        if not known:
            raise no_room()
        self._limiter.take("history", actor, GET_RATE)
        return await self._piece(command)

    async def _piece(self, command: GetHistory) -> HistoryPiece:
        now_ms = self._clock.now_ms()

        def look(tx: ReadTx) -> HistoryPiece | None:
            blob = history_blobs.find(tx, command.room, command.hash, now_ms)
            if blob is None or blob.have < blob.size:
                return None
            data = history_blobs.piece(tx, command.room, command.hash, command.offset)
            return None if data is None else HistoryPiece(data, blob.size)

        found = await self._store.read(look)
        if found is None:
            raise _nothing()
        return found

    def _put(self, tx: Tx, did: str, command: PutHistory, now_ms: int) -> BlobRow | None:
        """Put a piece; None if the whole is not what was named (it is gone then)."""
        history_blobs.forget_old(tx, now_ms)
        room, digest = command.room, command.hash
        blob = history_blobs.find(tx, room, digest, now_ms)
        if blob is None:
            if not command.size or history_blobs.promised(tx, did) + command.size > self._quota:
                raise refuse("tooLarge", "too much history waits here to be fetched: try again in some days")
            blob = BlobRow(did, command.size, 0, now_ms + KEPT_MS)
            history_blobs.begin(tx, room, digest, blob)
        if blob.did != did or blob.size != command.size:
            raise _nothing()
        if command.offset != blob.have or not command.data:
            return blob  # a piece again, or a question: the answer says where to go on
        wanted = min(PIECE, blob.size - blob.have)
        if len(command.data) != wanted:
            raise refuse("badRequest", f"the next piece has {wanted} bytes", rule="historyPiece")
        history_blobs.add_piece(tx, room, digest, blob.have, command.data)
        after = BlobRow(did, blob.size, blob.have + wanted, blob.until)
        if after.have == after.size and not history_blobs.is_whole(tx, room, digest):
            history_blobs.drop(tx, room, digest)
            return None
        return after


def _nothing() -> ProblemError:
    """The one answer for a blob that is unknown, not whole, over, or not yours."""
    return refuse("notFound", "this history is not here (any more)")
