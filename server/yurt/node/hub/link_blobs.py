"""What lies behind links to rooms: a sealed blob by code, at the hub, for whoever holds the link (TRUST 6).

The policy is the law: a blob is kept for an invite that stands there, by whoever made it, and given out only
as long as it stands. A link that also brings an account lies at the node that gives the account; what is kept
there besides is an ordinary account invite, under the same code.
"""

from typing import Final

from yurt.identity.did import Did
from yurt.identity.location import MalformedLocation, check_node
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.hub.other_nodes import OtherNodes
from yurt.node.hub.problems import no_room
from yurt.node.hub.states import RoomStates
from yurt.node.limiter import Limiter, Rate
from yurt.node.peers.asks import Answerer, Asks
from yurt.node.store import join_requests
from yurt.node.store.join_requests import StoredLink
from yurt.node.store.types import Store, Tx
from yurt.rooms.common.errors import LinkRefused
from yurt.rooms.common.invite_link import MAX_BLOB_SIZE, check_blob, link_code
from yurt.rooms.common.policy import Invite
from yurt.rooms.hub.state import HubState
from yurt.wire.command import Done
from yurt.wire.link_commands import EndLink, FetchLink, KeepLink, LinkContent
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import HASH_SIZE

FETCH_RATE: Final = Rate(burst=20, every_s=10.0)
"""Links that one account looks behind."""


def no_link() -> ProblemError:
    """The one answer for a link that is unknown, used up, ended, forged, or not for you."""
    return refuse("notFound", "this link leads nowhere (any more): ask for a new one")


class LinkBlobs:
    """Keeps what lies behind links, and gives it out."""

    def __init__(
        self,
        domain: str,
        store: Store,
        states: RoomStates,
        clock: Clock,
        limiter: Limiter,
        others: OtherNodes,
        member_accounts: int,
    ) -> None:
        self._domain = domain
        self._store = store
        self._states = states
        self._clock = clock
        self._limiter = limiter
        self._others = others
        self._member_accounts = member_accounts

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {KeepLink.name: self.keep, EndLink.name: self.end, FetchLink.name: self.fetch}

    def asks(self) -> Asks:
        """What other nodes may ask."""
        return {
            KeepLink.name: Answerer(KeepLink, self._keep_asked),
            EndLink.name: Answerer(EndLink, self._end_asked),
            FetchLink.name: Answerer(FetchLink, self._fetch_asked),
        }

    async def keep(self, context: Context, command: KeepLink) -> Done:
        """Keep the blob of a link that the caller made: here, or at the room's hub."""
        who, state = context.who, await self._room(command.room)
        if who.did not in state.standing.people:
            raise no_room()
        if command.account or state.standing.policy.hub == self._domain:
            return await self._keep(state, (who.did,), command)
        return await self._others.ask(state.standing.policy.hub, KeepLink.name, who.actor, command, Done)

    async def end(self, context: Context, command: EndLink) -> Done:
        """Forget what is kept for a link of the caller: here, and at the room's hub."""
        who, state = context.who, await self._room(command.room)
        done = await self._end(command, (who.did,))
        if state.standing.policy.hub == self._domain or who.did not in state.standing.people:
            return done
        return await self._others.ask(state.standing.policy.hub, EndLink.name, who.actor, command, Done)

    async def fetch(self, context: Context, command: FetchLink) -> LinkContent:
        """Give what lies behind a link: here, or at the node that it names."""
        who = context.who
        self._limiter.take("link", who.did, FETCH_RATE)
        if command.node == self._domain:
            return await self._fetch(command.code)
        try:
            node = check_node(command.node)
        except MalformedLocation as error:
            raise refuse("badRequest", str(error)) from error
        return await self._others.ask(node, FetchLink.name, who.actor, command, LinkContent)

    # --- for other nodes ----------------------------------------------------------------------------
    async def _keep_asked(self, actor: str, command: KeepLink) -> Done:
        state = await self._room(command.room)
        if state.standing.policy.hub != self._domain or command.account:
            raise no_room()
        return await self._keep(state, state.standing.people.by_actor(actor), command)

    async def _end_asked(self, actor: str, command: EndLink) -> Done:
        state = await self._room(command.room)
        return await self._end(command, state.standing.people.by_actor(actor))

    async def _fetch_asked(self, actor: str, command: FetchLink) -> LinkContent:
        self._limiter.take("link", actor, FETCH_RATE)
        return await self._fetch(command.code)

    # --- here ---------------------------------------------------------------------------------------
    async def _room(self, room: bytes) -> HubState:
        state = await self._states.get(room)
        if state is None:
            raise no_room()
        return state

    async def _keep(self, state: HubState, dids: tuple[Did | str, ...], command: KeepLink) -> Done:
        invite = state.standing.policy.invite(command.invite_pub)
        if invite is None or invite.by not in dids:
            raise no_room()
        if not 0 < len(command.blob) <= MAX_BLOB_SIZE or len(command.account) not in (0, HASH_SIZE):
            raise refuse("badRequest", f"what lies behind a link has 1 to {MAX_BLOB_SIZE} bytes")
        try:
            # Anybody may write a key that they have seen into the policy of a room of their own.
            check_blob(command.invite_pub, command.room, command.blob, command.proof)
        except LinkRefused as error:
            raise refuse("badRequest", str(error), rule=error.code) from error
        code = link_code(command.invite_pub)
        link = StoredLink(code, command.room, command.invite_pub, invite.by, command.blob)
        uses = self._accounts(invite) if command.account else 0

        def unit(tx: Tx) -> None:
            if not join_requests.put_link(tx, link):
                raise no_room()
            if uses:
                join_requests.put_account_invite(tx, code, command.account, uses, invite.not_after)

        await self._store.write(unit)
        return Done()

    def _accounts(self, invite: Invite) -> int:
        """How many accounts a member's link may bring."""
        if not self._member_accounts:
            raise refuse("notAllowed", "on this node only its operator invites people to have an account")
        if invite.uses_left > self._member_accounts:
            raise refuse(
                "notAllowed", f"a link for accounts has at most {self._member_accounts} uses on this node"
            )
        return invite.uses_left

    async def _end(self, command: EndLink, dids: tuple[Did | str, ...]) -> Done:
        code = link_code(command.invite_pub)

        def unit(tx: Tx) -> None:
            found = join_requests.link(tx, code)
            if found is not None and found.did in dids:
                join_requests.end_link(tx, command.room, code)

        await self._store.write(unit)
        return Done()

    async def _fetch(self, code: str) -> LinkContent:
        found = await self._store.read(lambda tx: join_requests.link(tx, code))
        state = None if found is None else await self._states.get(found.room)
        if found is None or state is None:
            raise no_link()
        invite = state.standing.policy.invite(found.invite_pub)
        if invite is None:
            raise no_link()
        if invite.not_after < self._clock.now_s():
            raise refuse("refused", "this link has expired: ask for a new one", rule="inviteExpired")
        return LinkContent(found.blob)
