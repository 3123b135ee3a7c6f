"""What an account has, for whoever carries it elsewhere: rows of every kind, and its own documents.

Ties are told with what is known of their nodes: a kit must know it before the node dies that could ask.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from yurt.activitypub.actor_documents import person_document
from yurt.activitypub.audience import Visibility
from yurt.activitypub.follow import FollowState
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.posts import create_document
from yurt.activitypub.references import write
from yurt.node.dispatcher import Context, Handlers
from yurt.node.people.host_facts import HostFacts, Hosts, host_of_actor
from yurt.node.people.profiles import profile_of
from yurt.node.portability.list_commands import number
from yurt.node.portability.rows import kind_of
from yurt.node.store import accounts, lists, posts, said
from yurt.node.store.said import SaidTie
from yurt.node.store.types import ReadTx, Store
from yurt.portability.csv_rows import CsvKind
from yurt.wire.portability_commands import MyDocuments, OwnDocuments, Portable, PortableRow, PortableRows
from yurt.wire.problems import refuse

PAGE: Final = 2_000
POSTS: Final = 100
PATIENCE_S: Final = 2.0
"""How long a page waits for nodes that were never asked; what comes later is in the next kit."""
_NEWEST: Final = 2**53 - 1


class PortableCommands:
    """Answers what a client asks to carry away."""

    def __init__(self, domain: str, store: Store, hosts: Hosts) -> None:
        self._domain = domain
        self._store = store
        self._hosts = hosts

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {Portable.name: self.portable, MyDocuments.name: self.documents}

    async def portable(self, context: Context, command: Portable) -> PortableRows:
        """A page of rows of one kind."""
        name, kind, after = context.who.account, kind_of(command.kind), number(command.after)

        def query(tx: ReadTx) -> PortableRows:
            account = accounts.account_named(tx, name)
            if account is None:
                raise refuse("notFound", "the account is gone")
            found = _rows(tx, account.id, kind, after)
            more = str(found[-1][0]) if len(found) == PAGE else ""
            return PortableRows(tuple(row for _, row in found), more)

        page = await self._store.read(query)
        if kind not in _TIES:
            return page
        hosts = {host_of_actor(row.actor) for row in page.rows if row.state == FollowState.ACCEPTED.value}
        known = await self._hosts.facts(hosts, PATIENCE_S)
        return PortableRows(tuple(_with_host(row, known) for row in page.rows), page.next)

    async def documents(self, context: Context, command: MyDocuments) -> OwnDocuments:
        """The actor, and a page of posts of every visibility: they are the asker's own."""
        name, before = context.who.account, command.before or _NEWEST
        places = PersonLocations(self._domain, name)

        def query(tx: ReadTx) -> OwnDocuments:
            account = accounts.account_named(tx, name)
            if account is None:
                raise refuse("notFound", "the account is gone")
            page = posts.posts_of(tx, places.actor, min(Visibility), before, POSTS)
            bodies = tuple(
                write(create_document(f"{note.id}#create", note, places.followers)) for _, note in page
            )
            actor = write(person_document(profile_of(tx, self._domain, account)))
            return OwnDocuments(actor, bodies, page[-1][0] if len(page) == POSTS else 0)

        return await self._store.read(query)


_Rows = list[tuple[int, PortableRow]]
_TIES: Final = frozenset({CsvKind.FOLLOWING, CsvKind.FOLLOWERS})


def _rows(tx: ReadTx, account: int, kind: CsvKind, after: int) -> _Rows:
    match kind:
        case CsvKind.FOLLOWING:
            return [(one.place, _tie(one)) for one in said.follows(tx, account, after, PAGE)]
        case CsvKind.FOLLOWERS:
            return [(one.place, _tie(one)) for one in said.followers(tx, account, after, PAGE)]
        case CsvKind.MUTES:
            return [(one.place, _tie(one)) for one in said.blocked(tx, account, said.MUTE, after, PAGE)]
        case CsvKind.BLOCKS:
            return [(one.place, _tie(one)) for one in said.blocked(tx, account, said.BLOCK, after, PAGE)]
        case CsvKind.DOMAIN_BLOCKS:
            return [(n, PortableRow(text)) for n, text in lists.domain_blocks(tx, account, after, PAGE)]
        case CsvKind.BOOKMARKS:
            return [(n, PortableRow(text)) for n, text in lists.bookmarks(tx, account, after, PAGE)]
        case CsvKind.LISTS:
            found = lists.members(tx, account, None, after, PAGE)
            return [(row.id, PortableRow(row.address, row.list, actor=row.actor)) for row in found]


def _tie(one: SaidTie) -> PortableRow:
    about = one.said
    return PortableRow(
        about.address,
        show_boosts=about.show_boosts,
        notify=about.notify,
        languages=about.languages,
        hide=about.hide,
        actor=one.actor,
        inbox=one.inbox,
        shared_inbox=one.shared_inbox,
        did=one.did,
        state=one.state,
        mutual=one.mutual,
        since=one.since,
        locked=one.locked,
        gone=one.gone,
    )


def _with_host(row: PortableRow, known: Mapping[str, HostFacts]) -> PortableRow:
    host = known.get(host_of_actor(row.actor))
    if host is None:
        return row
    return msgspec.structs.replace(row, software=host.software, version=host.version, silent_s=host.silent_s)
