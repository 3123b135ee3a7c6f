"""NodeInfo (FEP-f1d5): which software runs a node. Versions 2.0 and 2.1 are served, and read."""

from dataclasses import dataclass
from typing import Final

from yurt.activitypub.errors import DocumentRefused
from yurt.activitypub.locations import node_actor
from yurt.activitypub.references import Json, host_of, object_of, objects_of, text_of
from yurt.wire.sanitise import clean_line

PATH: Final = "/.well-known/nodeinfo"
VERSIONS: Final = ("2.1", "2.0")
APPLICATION_REL: Final = "https://www.w3.org/ns/activitystreams#Application"
"""FEP-2677: from NodeInfo to the node's own actor."""
_SCHEMA: Final = "http://nodeinfo.diaspora.software/ns/schema/"


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """What a node tells about itself."""

    version: str
    """Of the software."""
    accounts: int
    name: str = ""
    description: str = ""
    open_registrations: bool = False


@dataclass(frozen=True, slots=True)
class Software:
    """What another node runs; both sanitised for one line, empty if not told."""

    name: str
    version: str


def discovery_document(node: str) -> Json:
    """Make the answer at ``/.well-known/nodeinfo``."""
    links: list[Json] = [
        {"rel": _SCHEMA + version, "href": f"https://{node}/nodeinfo/{version}"} for version in VERSIONS
    ]
    return {"links": [*links, {"rel": APPLICATION_REL, "href": node_actor(node)}]}


def nodeinfo_document(version: str, figures: NodeFigures) -> Json:
    """Make the document of a schema version.

    Args:
        version: One of ``VERSIONS``; another is our own bug.
        figures: What to tell.
    """
    if version not in VERSIONS:
        raise KeyError(version)
    return {
        "version": version,
        "software": {"name": "yurt", "version": figures.version},
        "protocols": ["activitypub"],
        "services": {"inbound": [], "outbound": []},
        "openRegistrations": figures.open_registrations,
        # How many are active is nobody's business in a house of twenty.
        "usage": {"users": {"total": figures.accounts}, "localPosts": 0},
        "metadata": {"nodeName": figures.name, "nodeDescription": figures.description},
    }


def content_type(version: str) -> str:
    """The Content-Type of a schema version."""
    return f'application/json; profile="{_SCHEMA}{version}#"'


def parse_discovery(document: Json, node: str) -> str:
    """Find the newest document that we can read.

    Raises:
        DocumentRefused: None, or on another host.
    """
    links = {text_of(link, "rel"): text_of(link, "href") for link in objects_of(document.get("links"))}
    for version in VERSIONS:
        href = links.get(_SCHEMA + version)
        if href and host_of(href) == node:
            return href
    raise DocumentRefused("noNodeInfo", f"{node} has no NodeInfo")


def parse_nodeinfo(document: Json) -> Software:
    """Read which software another node runs."""
    software = object_of(document.get("software")) or {}
    return Software(clean_line(text_of(software, "name", 128)), clean_line(text_of(software, "version", 128)))
