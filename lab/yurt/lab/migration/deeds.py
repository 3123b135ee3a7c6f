"""What happens in a scenario: each deed one function over the stage, called by its name in the file.

They call what a front end calls (`yurt.client.moving`, `yurt.client.portability`): nothing here knows how a
move works.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

import msgspec
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from yurt.activitypub.references import Json
from yurt.activitypub.vocabulary import ACCEPT_ACTIVITY, ACTIVITY_TYPE, AS_CONTEXT, JRD_TYPE
from yurt.client.api import EngineApi
from yurt.client.clock import SystemClock
from yurt.client.moving import rescue
from yurt.client.moving.calls import CheckMove, CheckView, ConfirmMove, GoOnMove, MoveStanding, PrepareMove
from yurt.client.paths import load_network
from yurt.client.portability.calls import (
    ChangeKey,
    Export,
    ExportView,
    KitStatus,
    KitView,
    PlanImport,
    PlanView,
    StartImport,
)
from yurt.lab.migration.errors import ScenarioError
from yurt.lab.migration.hosts import Signer
from yurt.lab.migration.population import YURT
from yurt.lab.migration.scenario import SOURCE, TARGET, Event
from yurt.lab.migration.stage import THIEF, THIEF_HOST, Ego, Stage, actor_at, alive, patiently
from yurt.lab.world.people import PASSPHRASE, Person, until
from yurt.wire.portability_commands import JobStatus, JobView

Deed = Callable[[Stage, Event], Awaitable[None]]
_HOUR_S: Final = 3_600
_BUDDY_TAKES_H: Final = 0.05
"""A buddy takes one write a minute: so long after the first one it takes the next at once."""


# --- what people do ---------------------------------------------------------------------------------
async def export(stage: Stage, event: Event) -> None:
    """Write the CSVs, as Mastodon has them."""
    del event
    for ego in stage.egos.values():
        folder = stage.world.folder / f"csv of {ego.who.name}"
        await alive(ego).engine.call(Export(kind="csv", path=str(folder)), ExportView)


async def new_key(stage: Stage, event: Event) -> None:
    """Make a new actor key, as a revocation does; everybody hears of it, and the kit has it."""
    await later(stage, msgspec.structs.replace(event, hours=_BUDDY_TAKES_H))
    for ego in stage.egos.values():
        engine = alive(ego).engine
        await engine.call(ChangeKey(phrase=ego.phrase), KitView)

        async def everywhere(engine: EngineApi = engine) -> bool:
            view = await engine.call(KitStatus(), KitView)
            return not await stage.waiting() and all(one.has_keys for one in view.buddies)

        await until(everywhere, "the new key is everywhere", within=2 * stage.scenario.measures.within_s)


async def move(stage: Stage, event: Event) -> None:
    """Move step by step, and confirm when asked."""
    for ego in stage.egos.values():
        person = alive(ego)
        _foretold(stage, ego, await person.engine.call(CheckMove(to=TARGET), CheckView))
        call = PrepareMove(link=stage.world.invites[TARGET], account=ego.who.name, phrase=ego.phrase)
        standing = await person.engine.call(call, MoveStanding)
        while standing.next:
            if standing.needs_confirmation:
                standing = await person.engine.call(ConfirmMove(lend_key=event.dies), MoveStanding)
                if event.dies and stage.world.nodes[SOURCE].running:
                    await stage.world.nodes[SOURCE].kill()
            else:
                standing = await patiently(partial(person.engine.call, GoOnMove(), MoveStanding))
        ego.notes += standing.notes
        _lives_at_target(ego, person)


async def come_back(stage: Stage, event: Event) -> None:
    """Rescue: 24 words, a buddy and an invite, in a new vault."""
    del event
    for ego in stage.egos.values():
        await _lose_device(ego)
        name = f"{ego.who.name} anew"
        map_file = stage.world.network.write_map(name)
        stage.world.network.shift_clock(name, stage.clock.offset_s)
        network, clock = load_network(map_file), SystemClock(map_file)
        prepare = partial(
            rescue.prepare,
            stage.world.invites[TARGET],
            ego.who.name,
            ego.phrase,
            buddies=stage.buddies(),
            network=network,
            clock=clock,
        )
        prepared = await patiently(prepare)
        _foretold(stage, ego, prepared.check)
        home = stage.world.folder / "people" / name
        engine = await rescue.begin(home, PASSPHRASE, prepared, network=network, clock=clock)
        person = Person(ego.who.name, home, map_file, engine, ego.phrase)
        stage.world.people.append(person)
        standing = MoveStanding(next="begin")
        while standing.next:
            standing = await patiently(partial(engine.call, GoOnMove(), MoveStanding))
        ego.notes += standing.notes
        _lives_at_target(ego, person)


async def join_anew(stage: Stage, event: Event) -> None:
    """Begin again as somebody new: without kit and phrase nobody can prove who they were."""
    del event
    for ego in stage.egos.values():
        await _lose_device(ego)
        _lives_at_target(ego, await stage.world.person(ego.who.name, TARGET))


async def import_files(stage: Stage, event: Event) -> None:
    """Import the CSVs that were exported, and wait until the job is done."""
    del event
    for ego in stage.egos.values():
        engine, path = alive(ego).engine, str(stage.world.folder / f"csv of {ego.who.name}")
        plan = await engine.call(PlanImport(path=path), PlanView)
        job = await engine.call(StartImport(path=path, digest=plan.digest), JobView)

        async def done(job: JobView = job, ego: Ego = ego) -> bool:
            view = await patiently(lambda: alive(ego).engine.ask_node(JobStatus(job.job), JobView))
            return view.state == "done"

        await until(done, "the import is done", within=stage.scenario.measures.within_s)


async def later(stage: Stage, event: Event) -> None:
    """Let hours go by."""
    stage.later(event.hours * _HOUR_S)
    await asyncio.sleep(1.5)  # everybody reads the clock of the map once a second


# --- what becomes of the source ---------------------------------------------------------------------
async def kill_source(stage: Stage, event: Event) -> None:
    """The source is gone, as after a fire."""
    del event
    await stage.world.nodes[SOURCE].kill()


class HostileSource:
    """The source in the hands of somebody else: it refuses everything, and serves actors as they were."""

    def __init__(self, documents: Mapping[str, bytes], fingers: Mapping[str, bytes]) -> None:
        self._documents = documents
        self._fingers = fingers
        self.refused = 0

    async def answer(self, request: web.Request) -> web.Response:
        """Answer with what was true once, or not at all."""
        if body := self._documents.get(request.path):
            return web.Response(body=body, headers={"Content-Type": ACTIVITY_TYPE})
        if body := self._fingers.get(request.query.get("resource", "")):
            return web.Response(body=body, headers={"Content-Type": JRD_TYPE})
        if request.method == "POST" and request.path.endswith("inbox"):
            await request.read()
            return web.Response(status=202)  # taken, and dropped
        self.refused += 1
        return web.Response(status=403)


async def hostile_source(stage: Stage, event: Event) -> None:
    """Somebody takes the source over, its actor keys as well."""
    del event
    node, documents, fingers = stage.world.nodes[SOURCE], dict[str, bytes](), dict[str, bytes]()
    for ego in stage.egos.values():
        path = f"/users/{ego.who.name}"
        documents[path] = (await node.ask("GET", path, Accept=ACCEPT_ACTIVITY)).body
        resource = f"acct:{ego.old_address}"
        fingers[resource] = (await node.ask("GET", f"/.well-known/webfinger?resource={resource}")).body
        stage.keys[ego.who.name] = await _stolen_key(stage, ego)
    await node.kill()
    await stage.hosts.listen(SOURCE, HostileSource(documents, fingers))


async def _stolen_key(stage: Stage, ego: Ego) -> Signer:
    """The old actor's key, which every node has of its own accounts; here it is read from the kit."""
    kit = await patiently(partial(stage.open_kit, ego))
    if kit.keys is None:
        raise ScenarioError("events", "a hostile source needs a kit, which tells the lab its actor key")
    found = kit.keys.actor_keys[0]
    key = load_der_private_key(found.private, None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("the actor key is not RSA")
    return Signer(found.key_id, key)


async def own_move(stage: Stage, event: Event) -> None:
    """The hostile source says that its people moved: to the thief, who names them as aliases."""
    thief = actor_at(THIEF, THIEF_HOST)
    for peer in stage.peers.values():
        # As an honest rescue does: some software follows only whom it has seen.
        await stage.peers[THIEF_HOST].introduce(THIEF, f"https://{peer.host}/inbox")
        await peer.quiet()
    for ego in stage.egos.values():
        await _tell(stage, event, ego, {"type": "Move", "object": ego.old_actor, "target": thief})


async def delete(stage: Stage, event: Event) -> None:
    """The hostile source says that its people have deleted themselves."""
    for ego in stage.egos.values():
        await _tell(stage, event, ego, {"type": "Delete", "object": ego.old_actor})


async def _tell(stage: Stage, event: Event, ego: Ego, what: Json) -> None:
    stage.lies += 1
    activity: Json = {
        "@context": AS_CONTEXT,
        "id": f"{ego.old_actor}#lies/{stage.lies}",
        "actor": ego.old_actor,
        **what,
    }
    concerned = {tie.follower for tie in stage.people.of(ego.who.name)} - {ego.who.name}
    servers = dict[str, str]()
    for name in concerned:
        one = stage.people.everybody[name]
        servers[one.server] = one.profile
    told = [
        host
        for host, profile in servers.items()
        if event.to == "all" or (profile == YURT) == (event.to == "yurt")
    ]
    signer = stage.keys[ego.who.name]
    await asyncio.gather(*(stage.post.send(signer, f"https://{host}/inbox", activity) for host in told))
    for host in told:
        if host in stage.peers:
            await stage.peers[host].quiet()


# --- small things -----------------------------------------------------------------------------------
async def _lose_device(ego: Ego) -> None:
    if ego.person is not None:
        await ego.person.close()
    ego.person = None


def _foretold(stage: Stage, ego: Ego, check: CheckView) -> None:
    """Keep what was foretold, by people's names in the population."""
    names = {stage.actor_of(name): name for name in stage.people.everybody}
    ego.foretold = {(names[tie.actor], tie.direction): tie for tie in check.ties if tie.actor in names}


def _lives_at_target(ego: Ego, person: Person) -> None:
    ego.person = person
    ego.actor, ego.address = actor_at(ego.who.name, TARGET), f"{ego.who.name}@{TARGET}"


DEEDS: Final[Mapping[str, Deed]] = {
    "export": export,
    "new_key": new_key,
    "kill_source": kill_source,
    "hostile_source": hostile_source,
    "move": move,
    "rescue": come_back,
    "join_anew": join_anew,
    "import": import_files,
    "own_move": own_move,
    "delete": delete,
    "later": later,
}
