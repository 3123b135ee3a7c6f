"""What Yurt nodes say of somebody who moved: who there follows the new actor, and which record they know.

A 202 proves nothing; an answer in an exchange is its node's own word. Only the node of an actor is told who
follows it: that node gets their Follows anyway.
"""

import asyncio
from typing import Final

from yurt.activitypub.follow import FollowState
from yurt.identity.record import PersonRecord
from yurt.identity.signed_record import SignedRecord
from yurt.node.dispatcher import Context, Handlers
from yurt.node.ids import actor_url
from yurt.node.limiter import Limiter, Rate
from yurt.node.peers.asks import Answerer, Asks
from yurt.node.peers.links import Links
from yurt.node.store import moving, people, records
from yurt.node.store.types import ReadTx, Store
from yurt.wire.move_commands import AskPeers, FollowersOf, PeerReport, PeerReports
from yurt.wire.problems import ProblemError, refuse

WHAT: Final = "followers_of"
MAX_NODES: Final = 50
MAX_FOLLOWERS: Final = 5_000
ASK_RATE: Final = Rate(burst=200, every_s=1.0)
"""Nodes that one account may have asked."""
NO_TIE: Final = "you have no tie with anybody there"
_ACCEPTED: Final = FollowState.ACCEPTED.value


class PeerFollowers:
    """Asks other nodes, and answers them."""

    def __init__(self, domain: str, store: Store, limiter: Limiter, links: Links) -> None:
        self._domain = domain
        self._store = store
        self._limiter = limiter
        self._links = links

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {AskPeers.name: self.ask_peers}

    def asks(self) -> Asks:
        """What other nodes ask here."""
        return {WHAT: Answerer(FollowersOf, self.asked)}

    async def ask_peers(self, context: Context, command: AskPeers) -> PeerReports:
        """Ask nodes, all at once; one that does not answer says so."""
        who = context.who
        if len(command.nodes) > MAX_NODES:
            raise refuse("tooLarge", f"at most {MAX_NODES} nodes at once", limit=MAX_NODES)
        self._limiter.take("ask peers", who.account, ASK_RATE, cost=len(command.nodes))
        wanted = set(command.nodes) - {self._domain}
        known = await self._store.read(lambda tx: _concerned(tx, who.account, wanted))
        nodes = sorted(wanted & known)
        strange = [PeerReport(node=node, problem=NO_TIE) for node in sorted(wanted - known)]
        reports = await asyncio.gather(*(self._ask(node, who.actor, who.did) for node in nodes))
        return PeerReports(tuple(sorted((*reports, *strange), key=lambda report: report.node)))

    async def asked(self, actor: str, asked: FollowersOf) -> PeerReport:
        """Answer the node of `actor`; that it is that node is checked by the door."""

        def query(tx: ReadTx) -> PeerReport:
            found = people.accounts_tied_to(tx, actor, people.FOLLOWING, _ACCEPTED)[:MAX_FOLLOWERS]
            body = records.newest_record(tx, asked.did)
            seq = PersonRecord.decode(SignedRecord.decode(body).record).seq if body else 0
            followers = tuple(actor_url(self._domain, name) for _, name in found)
            return PeerReport(node=self._domain, followers=followers, record_seq=seq)

        return await self._store.read(query)

    async def _ask(self, node: str, actor: str, did: str) -> PeerReport:
        try:
            return await self._links.ask(node, WHAT, actor, FollowersOf(did), PeerReport)
        except ProblemError as error:
            return PeerReport(node=node, problem=error.problem.message)


def _concerned(tx: ReadTx, account: str, nodes: set[str]) -> set[str]:
    """Nodes that an account may have asked: after a move all, as who did not come has no tie here yet."""
    return nodes if moving.is_watched(tx, account) else moving.hosts_with_tie(tx, account, nodes)
