"""A scenario: who lives where, who moves, what happens, what is expected; one TOML file.

    scenario = load("dead-source-kit")             # one of the package
    scenario = decode(path.read_bytes())           # or a file; ScenarioError names the key

Everything that is left out has a default, and the same seed gives the same people with the same ties.
"""

import re
from importlib.resources import files
from typing import Annotated, Final, Literal

import msgspec

from yurt.lab.migration.errors import ScenarioError
from yurt.lab.migration.scenario_text import line_of, parse
from yurt.lab.migration.stock_profiles import profile

VERSION: Final = 1
SOURCE: Final = "source.example"
TARGET: Final = "target.example"
SMALL_NODES: Final = 8
SMALL_PEOPLE: Final = 8
_FOLDER: Final = "scenarios"
_PATH: Final = re.compile(r" - at `\$\.?(.*)`$")
_UNKNOWN: Final = re.compile(r"unknown field `([^`]*)`")

_Count = Annotated[int, msgspec.Meta(ge=0, le=1_000)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=3_600)]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
_Bound = Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]
_Host = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,40}\.example$")]

Deed = Literal[
    "export",
    "kill_source",
    "hostile_source",
    "new_key",
    "move",
    "rescue",
    "join_anew",
    "import",
    "own_move",
    "delete",
    "later",
]
"""What can happen; `yurt.lab.migration.deeds` does it."""

_NEEDS: Final[dict[str, frozenset[str]]] = {
    "import": frozenset({"export", "join_anew"}),
    "own_move": frozenset({"hostile_source"}),
    "delete": frozenset({"hostile_source"}),
}


MOVES: Final = frozenset({"move", "rescue", "join_anew"})
"""With these, people leave the source for the target."""
_END_SOURCE: Final = frozenset({"kill_source", "hostile_source"})
_NEED_SOURCE: Final = _END_SOURCE | {"move", "export", "new_key"}
_TAKEN: Final = re.compile(r"^(source|target|thief|n\d\d)\.example$")


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file: what it does not know is a mistake of whoever wrote it."""


class Stock(_Table, frozen=True, kw_only=True):
    """One server that is not Yurt."""

    host: _Host
    profile: _Text
    """A name of ``profiles.toml``."""
    people: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1


class Servers(_Table, frozen=True, kw_only=True):
    """Where people live."""

    nodes: Annotated[int, msgspec.Meta(ge=3, le=100)] = 24
    """Yurt nodes, source and target among them."""
    at_once: Annotated[int, msgspec.Meta(ge=1, le=100)] = 4
    """So many are started at the same time."""
    stock: Annotated[tuple[Stock, ...], msgspec.Meta(max_length=50)] = ()


class Population(_Table, frozen=True, kw_only=True):
    """Who lives on the Yurt nodes, and who knows whom."""

    people: Annotated[int, msgspec.Meta(ge=3, le=1_000)] = 48
    """On Yurt nodes, besides those who move."""
    communities: Annotated[int, msgspec.Meta(ge=1, le=100)] = 4
    neighbours: Annotated[int, msgspec.Meta(ge=2, le=20)] = 4
    """Of each person within the community, before rewiring: k of Watts and Strogatz."""
    rewired: _Share = 0.1
    """p of Watts and Strogatz."""
    weak_ties: _Count = 24
    """One-way follows between communities."""


class Movers(_Table, frozen=True, kw_only=True):
    """Who leaves the source for the target."""

    people: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    weak_ties: _Count = 4
    """More one-way follows, to and fro, of each of them; besides those of the population."""
    blocks: _Count = 1
    rooms: Literal[0, 1] = 1
    """Whether each has a room with the strong ties on Yurt; its hub is not the source."""
    room_size: Annotated[int, msgspec.Meta(ge=2, le=50)] = 4


class Kit(_Table, frozen=True, kw_only=True):
    """The continuity kit."""

    buddies: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0
    """Nodes that keep a copy; 0: there is no kit but the one on the lost device."""


class Event(_Table, frozen=True, kw_only=True):
    """Something that happens."""

    do: Deed
    to: Literal["yurt", "stock", "all"] = "all"
    """Whom a hostile source tells it."""
    hours: Annotated[float, msgspec.Meta(ge=0, le=24 * 400)] = 0
    """For ``later``: so much time goes by."""
    dies: bool = False
    """For ``move``: the source dies when it was confirmed; the target sends the Move with the lent key."""


class Measures(_Table, frozen=True, kw_only=True):
    """How long and how often it is looked."""

    within_s: _Seconds = 60.0
    """Real seconds until whoever has not arrived is counted as lost."""
    hour_s: _Seconds = 0.0
    """Real seconds that an hour takes while it is waited; 0: as long as it takes everywhere."""
    settle_s: _Seconds = 2.0
    """Real seconds without a change after which it is looked no longer, when nothing waits."""
    marks: bool = False
    """Whether the clock then goes on to 1 h, 1 d, 7 d and 30 d after the move, and it is counted at each."""


class Expectation(_Table, frozen=True, kw_only=True):
    """What a measure must be."""

    measure: _Text
    """A name of `yurt.lab.migration.result`, as ``retention.yurt``."""
    at_least: _Bound | None = None
    at_most: _Bound | None = None


class Scenario(_Table, frozen=True, kw_only=True):
    """The whole file."""

    version: int
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,40}$")]
    tells: _Text
    """What this scenario shows, in a sentence."""
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 1
    servers: Servers = msgspec.field(default_factory=Servers)
    population: Population = msgspec.field(default_factory=Population)
    movers: Movers = msgspec.field(default_factory=Movers)
    kit: Kit = msgspec.field(default_factory=Kit)
    events: Annotated[tuple[Event, ...], msgspec.Meta(min_length=1, max_length=50)]
    measures: Measures = msgspec.field(default_factory=Measures)
    expectations: Annotated[tuple[Expectation, ...], msgspec.Meta(max_length=100)] = ()


def decode(data: bytes) -> Scenario:
    """Read a scenario.

    Raises:
        ScenarioError: Not TOML, not of this shape, or something that cannot be played; names key and line.
    """
    try:
        return _read(parse(data))
    except ScenarioError as error:
        if not error.where:
            raise
        raise ScenarioError(error.where, error.what, line_of(data, error.where)) from None


def _read(value: dict[str, object]) -> Scenario:
    try:
        scenario = msgspec.convert(value, Scenario)
    except msgspec.ValidationError as error:
        text = str(error)
        path, unknown = _PATH.search(text), _UNKNOWN.search(text)
        where = ".".join(filter(None, (path[1] if path else "", unknown[1] if unknown else "")))
        raise ScenarioError(where, _PATH.sub("", text)) from None
    _check(scenario)
    return scenario


def _check(scenario: Scenario) -> None:
    _check_sizes(scenario)
    for number, stock in enumerate(scenario.servers.stock):
        try:
            profile(stock.profile)
        except ScenarioError as error:
            raise ScenarioError(f"servers.stock[{number}].profile", error.what) from None
        if _TAKEN.match(stock.host):
            raise ScenarioError(f"servers.stock[{number}].host", f"{stock.host} is a name of the lab's own")
    hosts = [stock.host for stock in scenario.servers.stock]
    if len(set(hosts)) != len(hosts):
        raise ScenarioError("servers.stock", "a host twice")
    _check_events(scenario)


def _check_events(scenario: Scenario) -> None:
    for number, event in enumerate(scenario.events):
        before = {one.do for one in scenario.events[:number]}
        where = f"events[{number}].do"
        missing = sorted(_NEEDS.get(event.do, frozenset()) - before)
        if missing:
            raise ScenarioError(where, f"{event.do} comes after {', '.join(missing)}")
        if event.do in _NEED_SOURCE and (gone := sorted(before & _END_SOURCE)):
            raise ScenarioError(where, f"{event.do} needs the source, which is gone after {gone[0]}")
        if event.do in MOVES and before & MOVES:
            raise ScenarioError(where, "people move once")
        if event.dies and event.do != "move":
            raise ScenarioError(f"events[{number}].dies", "the source dies in a move")
        if event.do in ("rescue", "hostile_source") and not scenario.kit.buddies:
            raise ScenarioError(where, "nobody keeps a kit to read the old key from: kit.buddies")
    if not MOVES & {event.do for event in scenario.events}:
        raise ScenarioError("events", f"nobody moves: one of {', '.join(sorted(MOVES))}")


def _check_sizes(scenario: Scenario) -> None:
    if scenario.version != VERSION:
        raise ScenarioError("version", f"only version {VERSION} can be played")
    if scenario.kit.buddies > scenario.servers.nodes - 2:
        raise ScenarioError("kit.buddies", "more buddies than other nodes")
    community = scenario.population.people // scenario.population.communities
    if community <= scenario.population.neighbours:
        raise ScenarioError(
            "population.neighbours", f"a community of {community} has not so many neighbours for each"
        )


def load(name: str) -> Scenario:
    """Read a scenario that comes with the package.

    Raises:
        ScenarioError: There is none of that name.
    """
    if name not in names():
        raise ScenarioError("", f"no scenario is called {name!r}; there are {', '.join(names())}")
    return decode(files("yurt.lab").joinpath(_FOLDER, f"{name}.toml").read_bytes())


def small(scenario: Scenario) -> Scenario:
    """Make the same story with 8 nodes and few people, for a test or a first look."""
    stock = tuple(msgspec.structs.replace(one, people=min(2, one.people)) for one in scenario.servers.stock)
    nodes = min(SMALL_NODES, scenario.servers.nodes)
    return msgspec.structs.replace(
        scenario,
        servers=msgspec.structs.replace(scenario.servers, nodes=nodes, stock=stock),
        population=Population(people=SMALL_PEOPLE, communities=2, neighbours=2, rewired=0.0, weak_ties=3),
        movers=msgspec.structs.replace(scenario.movers, people=1, weak_ties=2),
    )


def names() -> list[str]:
    """Name the scenarios of the package."""
    found = (one.name for one in files("yurt.lab").joinpath(_FOLDER).iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))
