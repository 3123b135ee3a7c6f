"""WebFinger (RFC 7033) as the fediverse uses it: from ``name@node`` to an actor and back.

A node answers for its accounts; about others, the answer and the actor document must say the same of each
other before an address is believed:

    answer = parse_answer(document, address)
    actor = read_actor(...)                       # fetched at answer.actor
    confirm(answer, actor.id, actor.address)      # else: the address is not theirs
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from typing_extensions import override

from yurt.activitypub.errors import DocumentRefused
from yurt.activitypub.locations import PersonLocations, node_actor
from yurt.activitypub.references import Json, host_of, objects_of, text_of
from yurt.activitypub.vocabulary import ACTIVITY_TYPE, LD_TYPE
from yurt.identity.location import MalformedLocation, check_node

PATH: Final = "/.well-known/webfinger"
SERVICE_REL: Final = "https://www.w3.org/ns/activitystreams#Service"
"""FEP-d556: from a node's origin to its own actor."""

_NAME: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,126}[A-Za-z0-9_])?")
_ACTOR_PATH: Final = re.compile(r"/users/([a-z0-9_]{1,30})")


@dataclass(frozen=True, slots=True)
class Address:
    """``name@node``: how people write where somebody is."""

    name: str
    node: str

    @override
    def __str__(self) -> str:
        return f"{self.name}@{self.node}"

    @property
    def folded(self) -> tuple[str, str]:
        """For comparing: names of accounts do not differ by case."""
        return self.name.lower(), self.node


@dataclass(frozen=True, slots=True)
class WebFingerAnswer:
    """What a node says about an address."""

    subject: Address
    """The address that it is really called by."""
    actor: str


def parse_address(text: str) -> Address:
    """Read ``name@node``, also with ``@`` or ``acct:`` before it.

    Raises:
        DocumentRefused: It is no address.
    """
    name, at, node = text.removeprefix("acct:").removeprefix("@").partition("@")
    try:
        if at and _NAME.fullmatch(name):
            return Address(name, check_node(node.lower()))
    except MalformedLocation:
        pass
    raise DocumentRefused("badAddress", "an address is name@node")


def query_url(address: Address) -> str:
    """The URL that tells who an address is."""
    return f"https://{address.node}{PATH}?resource={quote(f'acct:{address}', safe='')}"


# --- what this node answers -------------------------------------------------------------------------
def account_asked(resource: str, node: str) -> str:
    """Read which account a query is about.

    Args:
        resource: The query's ``resource``: ``acct:name@node`` or an actor URL.
        node: This node.

    Returns:
        The account's name; empty if it is about nobody who could be here (404); the node's own name for
        the node's actor.

    Raises:
        DocumentRefused: It is neither form (400).
    """
    if resource in (f"https://{node}", f"https://{node}/", node_actor(node)):
        return node
    if resource.startswith("https://"):
        if host_of(resource) != node:
            return ""
        match = _ACTOR_PATH.fullmatch(resource.removeprefix(f"https://{node}"))
        return match[1] if match else ""
    address = parse_address(resource)
    return address.name.lower() if address.node == node else ""


def person_answer(places: PersonLocations) -> Json:
    """Make the answer about an account."""
    return {
        "subject": f"acct:{places.address}",
        "aliases": [places.actor],
        "links": [
            {"rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": places.actor},
            {"rel": "self", "type": ACTIVITY_TYPE, "href": places.actor},
        ],
    }


def node_answer(node: str) -> Json:
    """Make the answer about the node's own actor."""
    actor = node_actor(node)
    return {
        "subject": f"acct:{node}@{node}",
        "aliases": [actor],
        "links": [
            {"rel": "self", "type": ACTIVITY_TYPE, "href": actor},
            {"rel": SERVICE_REL, "type": ACTIVITY_TYPE, "href": actor},
        ],
    }


# --- what others answer -----------------------------------------------------------------------------
def parse_answer(document: Json, asked: Address) -> WebFingerAnswer:
    """Read another node's answer.

    If the subject is another address than asked, ask once more for that one; the second answer must name
    itself (`settled`).

    Raises:
        DocumentRefused: No subject, or no link to an actor.
    """
    subject = parse_address(text_of(document, "subject"))
    actors = [
        text_of(link, "href")
        for link in objects_of(document.get("links"))
        if link.get("rel") == "self" and link.get("type") in (ACTIVITY_TYPE, LD_TYPE)
    ]
    if len(set(actors)) != 1:
        raise DocumentRefused("noActor", f"{asked} has no single actor")
    host_of(actors[0])
    return WebFingerAnswer(subject, actors[0])


def settled(answer: WebFingerAnswer, asked: Address) -> bool:
    """Tell whether an answer is about the very address that was asked for."""
    return answer.subject.folded == asked.folded


def confirm(answer: WebFingerAnswer, actor: str, claimed: Address) -> Address:
    """Close the circle: the address names the actor, and the actor claims the address.

    Returns:
        The address, confirmed.

    Raises:
        DocumentRefused: They do not agree.
    """
    if answer.actor != actor or answer.subject.folded != claimed.folded:
        raise DocumentRefused("webfingerMismatch", f"{claimed} and its actor do not name each other")
    return answer.subject
