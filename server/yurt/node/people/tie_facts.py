"""What is known of an account's ties and of their nodes: what `check` and a move begin with."""

from collections.abc import Mapping
from typing import Final

from yurt.node.dispatcher import Context, Handlers
from yurt.node.people.host_facts import HostFacts, Hosts, host_of_actor
from yurt.node.store import moving, people
from yurt.node.store.moving import TiedPerson
from yurt.node.store.types import ReadTx, Store
from yurt.wire.move_commands import MoveTie, MoveTies, MoveTiesPage
from yurt.wire.problems import refuse

MAX_PAGE: Final = 500
_MAX_DIGITS: Final = 18


class TieFacts:
    """Tells what is known of ties."""

    def __init__(self, store: Store, hosts: Hosts) -> None:
        self._store = store
        self._hosts = hosts

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {MoveTies.name: self.move_ties}

    async def move_ties(self, context: Context, command: MoveTies) -> MoveTiesPage:
        """Answer a page of ties, with what their nodes are."""
        name, after = context.who.account, _number(command.after)
        limit = max(1, min(command.limit, MAX_PAGE))
        found = await self._store.read(lambda tx: moving.tied_people(tx, name, after, limit))
        known = await self._hosts.facts({host_of_actor(person.actor) for person in found})
        ties = await self._store.read(lambda tx: tuple(_tie(tx, person, known) for person in found))
        return MoveTiesPage(ties, str(found[-1].number) if len(found) == limit else "")


def _tie(tx: ReadTx, person: TiedPerson, known: Mapping[str, HostFacts]) -> MoveTie:
    host = known.get(host_of_actor(person.actor), HostFacts())
    kept = people.person_at(tx, person.actor)
    return MoveTie(
        actor=person.actor,
        address=person.address,
        did=person.did,
        inbox=person.inbox,
        shared_inbox=person.shared_inbox,
        follower=person.follower,
        following=person.following,
        locked=kept is not None and kept.locked,
        since=person.since,
        software=host.software,
        version=host.version,
        unreachable_s=host.silent_s,
        gone=kept is not None and kept.gone_at > 0,
    )


def _number(after: str) -> int:
    if after and not (after.isascii() and after.isdigit() and len(after) <= _MAX_DIGITS):
        raise refuse("badRequest", "after is what an earlier page gave as next")
    return int(after or 0)
