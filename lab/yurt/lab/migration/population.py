"""Who lives where and who knows whom: made from a scenario and its seed, before anything runs.

Communities are small worlds (Watts and Strogatz, "Collective dynamics of 'small-world' networks", 1998):
inside, everybody follows a few who follow back; those are the strong ties. Between communities there are
one-way follows: the weak ties, which Granovetter ("The strength of weak ties", 1973) calls bridges. Servers
cut across communities, as people's do.

A tie is directed: one person follows another. It is the same tie when the same two people are connected
again, whatever their actors are called then.
"""

import itertools
import random
from dataclasses import asdict, dataclass
from typing import Final

import msgspec

from yurt.lab.migration.libraries import networkx
from yurt.lab.migration.scenario import SOURCE, TARGET, Scenario
from yurt.portability.metrics import neighbourhood_overlap, shared_rooms_score, tie_strength

YURT: Final = "yurt"


@dataclass(frozen=True, slots=True)
class Somebody:
    """One person."""

    name: str
    """Unique in the whole population."""
    server: str
    profile: str = YURT
    community: int = 0
    moves: bool = False

    @property
    def address(self) -> str:
        """``name@server``."""
        return f"{self.name}@{self.server}"


@dataclass(frozen=True, slots=True)
class Tie:
    """One person follows another, by their names."""

    follower: str
    followed: str


@dataclass(frozen=True, slots=True)
class People:
    """A population."""

    everybody: dict[str, Somebody]
    ties: tuple[Tie, ...]
    rooms: dict[str, tuple[str, ...]]
    """By name of who moves: who is in the room with them; the first one opens it."""
    blocks: dict[str, tuple[str, ...]]
    """By name of who moves: whom they block."""
    strengths: dict[Tie, float]
    """0 to 1, from `yurt.portability.metrics.tie_strength`; nobody has spoken yet, so recency is 0."""

    @property
    def movers(self) -> list[Somebody]:
        """Who leaves the source."""
        return [one for one in self.everybody.values() if one.moves]

    def is_strong(self, tie: Tie) -> bool:
        """Tell whether both follow each other."""
        return Tie(tie.followed, tie.follower) in self.strengths

    def of(self, name: str) -> list[Tie]:
        """The ties of somebody, both directions."""
        return [tie for tie in self.ties if name in (tie.follower, tie.followed)]


def node_names(scenario: Scenario) -> list[str]:
    """Name the Yurt nodes: the source, the target, and the others."""
    return [SOURCE, TARGET, *(f"n{number:02}.example" for number in range(scenario.servers.nodes - 2))]


def plan(scenario: Scenario) -> bytes:
    """Write down what will be played, before anything runs: the same bytes for the same scenario.

    ``plan.json``: nodes, people, ties with class and strength, rooms, blocks, and the events in their order.
    """
    people = populate(scenario)
    ties = [
        {
            "follower": tie.follower,
            "followed": tie.followed,
            "class": "strong" if people.is_strong(tie) else "weak",
            "strength": round(people.strengths[tie], 6),
        }
        for tie in people.ties
    ]
    whole = {
        "scenario": scenario.name,
        "seed": scenario.seed,
        "nodes": node_names(scenario),
        "people": [asdict(one) for one in people.everybody.values()],
        "ties": ties,
        "rooms": people.rooms,
        "blocks": people.blocks,
        "events": scenario.events,
    }
    return msgspec.json.format(msgspec.json.encode(whole, order="deterministic"), indent=1) + b"\n"


def populate(scenario: Scenario) -> People:
    """Make the population of a scenario; the same one each time."""
    chance = random.Random(scenario.seed)  # noqa: S311  # a seeded experiment, no secret
    everybody = _settle(scenario, chance)
    ties = _ties(scenario, everybody, chance)
    blocks = _blocks(scenario, everybody, ties, chance)
    shut = {frozenset((mover, other)) for mover, others in blocks.items() for other in others}
    kept = tuple(sorted((t for t in ties if frozenset((t.follower, t.followed)) not in shut), key=_order))
    rooms = _rooms(scenario, everybody, kept)
    return People(everybody, kept, rooms, blocks, _strengths(kept, rooms))


def _order(tie: Tie) -> tuple[str, str]:
    return tie.follower, tie.followed


def _settle(scenario: Scenario, chance: random.Random) -> dict[str, Somebody]:
    """Nobody but those who move lives on the source, so that its death is theirs alone."""
    communities = scenario.population.communities
    found = [
        Somebody(f"ego{number}", SOURCE, community=number % communities, moves=True)
        for number in range(scenario.movers.people)
    ]
    homes = itertools.cycle(node_names(scenario)[1:])
    found += [
        Somebody(f"p{number:02}", next(homes), community=number % communities)
        for number in range(scenario.population.people)
    ]
    found += [
        Somebody(f"s{place}x{number}", stock.host, stock.profile, chance.randrange(communities))
        for place, stock in enumerate(scenario.servers.stock)
        for number in range(stock.people)
    ]
    return {one.name: one for one in found}


def _ties(scenario: Scenario, everybody: dict[str, Somebody], chance: random.Random) -> set[Tie]:
    graph, wanted = networkx(), scenario.population
    ties = set[Tie]()
    for community in range(wanted.communities):
        people = [one for one in everybody.values() if one.community == community and one.profile == YURT]
        chance.shuffle(people)
        seed = chance.randrange(2**31)
        small_world = graph.watts_strogatz_graph(len(people), wanted.neighbours, wanted.rewired, seed=seed)
        edges: list[tuple[int, int]] = list(small_world.edges())
        for a, b in edges:
            ties |= {Tie(people[a].name, people[b].name), Tie(people[b].name, people[a].name)}
    _bridges(everybody, ties, wanted.weak_ties, chance)
    for mover in [one for one in everybody.values() if one.moves]:
        ties |= _stock_ties(mover, everybody)
        _weak_ties(mover, everybody, ties, scenario.movers.weak_ties, chance)
    return ties


def _bridges(everybody: dict[str, Somebody], ties: set[Tie], count: int, chance: random.Random) -> None:
    people = [one for one in everybody.values() if one.profile == YURT]
    pairs = [(a, b) for a in people for b in people if a.community != b.community and not a.moves]
    pairs = [(a, b) for a, b in pairs if not b.moves]
    for a, b in chance.sample(pairs, min(count, len(pairs))):
        if Tie(b.name, a.name) not in ties:  # both ways would be a strong tie
            ties.add(Tie(a.name, b.name))


def _stock_ties(mover: Somebody, everybody: dict[str, Somebody]) -> set[Tie]:
    """Everybody on a stock server follows; every other one is followed back, and so a strong tie."""
    found = set[Tie]()
    for number, one in enumerate(one for one in everybody.values() if one.profile != YURT):
        found.add(Tie(one.name, mover.name))
        if number % 2 == 0:
            found.add(Tie(mover.name, one.name))
    return found


def _weak_ties(
    mover: Somebody, everybody: dict[str, Somebody], ties: set[Tie], count: int, chance: random.Random
) -> None:
    strangers = [
        one
        for one in everybody.values()
        if one.profile == YURT and not one.moves and Tie(one.name, mover.name) not in ties
    ]
    for number, one in enumerate(chance.sample(strangers, min(count, len(strangers)))):
        ties.add(Tie(mover.name, one.name) if number % 2 else Tie(one.name, mover.name))


def _blocks(
    scenario: Scenario, everybody: dict[str, Somebody], ties: set[Tie], chance: random.Random
) -> dict[str, tuple[str, ...]]:
    found = dict[str, tuple[str, ...]]()
    for mover in [one for one in everybody.values() if one.moves]:
        strangers = [
            one.name
            for one in everybody.values()
            if one.profile == YURT
            and not one.moves
            and not {Tie(one.name, mover.name), Tie(mover.name, one.name)} & ties
        ]
        found[mover.name] = tuple(chance.sample(strangers, min(scenario.movers.blocks, len(strangers))))
    return found


def _rooms(
    scenario: Scenario, everybody: dict[str, Somebody], ties: tuple[Tie, ...]
) -> dict[str, tuple[str, ...]]:
    """The strong ties on Yurt; who opens the room does not live on the source, so its hub is elsewhere."""
    found = dict[str, tuple[str, ...]]()
    if not scenario.movers.rooms:
        return found
    known = set(ties)
    for mover in [one for one in everybody.values() if one.moves]:
        close = [
            one.name
            for one in everybody.values()
            if one.profile == YURT
            and not one.moves
            and {Tie(one.name, mover.name), Tie(mover.name, one.name)} <= known
        ]
        # Whoever follows the host may be invited without being asked first.
        guests = [name for name in close[1:] if Tie(name, close[0]) in known]
        if close:
            found[mover.name] = (close[0], *guests[: scenario.movers.room_size - 2])
    return found


def _strengths(ties: tuple[Tie, ...], rooms: dict[str, tuple[str, ...]]) -> dict[Tie, float]:
    known, near = set(ties), dict[str, set[str]]()
    for tie in ties:
        near.setdefault(tie.follower, set()).add(tie.followed)
        near.setdefault(tie.followed, set()).add(tie.follower)
    together = [{mover, *others} for mover, others in rooms.items()]
    return {
        tie: tie_strength(
            mutual=Tie(tie.followed, tie.follower) in known,
            rooms=shared_rooms_score(len(r) for r in together if {tie.follower, tie.followed} <= r),
            recency=0.0,
            overlap=neighbourhood_overlap(
                near[tie.follower] - {tie.followed}, near[tie.followed] - {tie.follower}
            ),
        )
        for tie in ties
    }
