"""A kit must know what the nodes of one's ties run before the own node dies: who has it, hears it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from yurt.lab.world.network import Network
from yurt.node.store import accounts, moving, people
from yurt.node.store.people import KnownPerson
from yurt.node.store.types import Tx
from yurt.node.testing import Client, Town, open_town, served
from yurt.portability.csv_rows import CsvKind
from yurt.wire.move_commands import MoveTies, MoveTiesPage
from yurt.wire.portability_commands import Portable, PortableRow

HARBOUR, STOCK, QUIET, STRANGE = "harbour.example", "stock.example", "quiet.example", "strange.example"
SCHEMA = "http://nodeinfo.diaspora.software/ns/schema/2.0"


@dataclass
class NodeInfo:
    """A server that tells what it runs, and counts who asked."""

    asked: list[str] = field(default_factory=list[str])

    async def discovery(self, request: web.Request) -> web.Response:
        """`GET /.well-known/nodeinfo`."""
        self.asked.append(request.host)
        return web.json_response({"links": [{"rel": SCHEMA, "href": f"https://{request.host}/nodeinfo/2.0"}]})

    async def document(self, request: web.Request) -> web.Response:
        """`GET /nodeinfo/2.0`."""
        del request
        return web.json_response({"software": {"name": "Mastodon", "version": "4.5.1"}})


@dataclass
class Place:
    """A node, a server of other software beside it, and ana with her ties."""

    town: Town
    info: NodeInfo
    ana: Client

    async def tie(self, host: str, direction: str, state: str = "accepted", **more: object) -> None:
        """Let ana have a tie with somebody at a host."""
        actor = f"https://{host}/users/{direction}"

        def unit(tx: Tx) -> None:
            account = accounts.account_named(tx, "ana")
            assert account is not None
            person = KnownPerson(actor, f"{direction}@{host}", inbox=f"{actor}/inbox", **more)  # type: ignore[arg-type]  # columns
            number = people.put_person(tx, person)
            people.put_tie(tx, account.id, number, direction, (state, f"{actor}#follow", 1))

        await self.town.nodes[HARBOUR].store.write(unit)

    async def rows(self, kind: CsvKind) -> tuple[PortableRow, ...]:
        """What goes into ana's kit."""
        rows: tuple[PortableRow, ...] = (await self.ana.call(Portable(kind.value))).rows
        return rows


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A node beside a server of other software; nobody listens at the other names."""
    names = (HARBOUR, STOCK, QUIET, STRANGE)
    network = Network.make(tmp_path / "network", names)
    for name in names:
        network.write_map(name)
    info, app = NodeInfo(), web.Application()
    app.router.add_get("/.well-known/nodeinfo", info.discovery)
    app.router.add_get("/nodeinfo/2.0", info.document)
    async with served(network, STOCK, app), open_town(tmp_path, network, HARBOUR) as town:
        yield Place(town, info, await town.join("ana", HARBOUR))


async def test_what_goes_into_a_kit_says_what_others_run(place: Place) -> None:
    """A new tie's node is asked once; silence, manners and ends are told as `check` is told them."""
    await place.tie(STOCK, people.FOLLOWER, locked=True)
    await place.tie(QUIET, people.FOLLOWER, gone_at=7)
    await place.tie(STOCK, people.FOLLOWING)
    store = place.town.nodes[HARBOUR].store

    following = await place.rows(CsvKind.FOLLOWING)
    stock, quiet = await place.rows(CsvKind.FOLLOWERS)

    assert (following[0].software, following[0].version) == ("mastodon", "4.5.1")
    assert (stock.software, stock.version, stock.locked, stock.gone) == ("mastodon", "4.5.1", True, False)
    assert (quiet.software, quiet.gone) == ("", True)
    known = await store.read(lambda tx: moving.software_of(tx, [QUIET]))
    assert known[QUIET].silent_since > 0
    page: MoveTiesPage = await place.ana.call(MoveTies())
    told = {tie.actor: (tie.software, tie.version, tie.locked, tie.gone) for tie in page.ties}
    assert {row.actor: (row.software, row.version, row.locked, row.gone) for row in (stock, quiet)} == {
        actor: facts for actor, facts in told.items() if actor.endswith(people.FOLLOWER)
    }
    assert place.info.asked == [STOCK]


async def test_strangers_cost_nothing(place: Place) -> None:
    """Whoever only asks to follow, or is blocked, makes this node ask nobody anything."""
    await place.tie(STRANGE, people.FOLLOWING, state="pending")
    await place.tie(STOCK, people.FOLLOWER, state="pending")

    for kind in CsvKind:
        await place.rows(kind)

    hosts = await place.town.nodes[HARBOUR].store.read(lambda tx: tx.rows("SELECT host FROM peer_software"))
    assert (hosts, place.info.asked) == ([], [])
