"""A small server that is not Yurt: found, followed and following, with the Move rules of one profile.

It remembers what it saw, so that a test asserts the peer's own view and not the sender's.
Signatures are verified with the key as it was kept; it is fetched only if it is unknown or does not fit, as
Mastodon, GoToSocial and snac do. What arrives is answered 202 before it is judged, as they do, too.
"""

import asyncio
import contextlib
import itertools
import json
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from yurt.activitypub.actors import ActorDocument, parse_actor
from yurt.activitypub.errors import RemoteActivityPubError
from yurt.activitypub.http_signatures import policy
from yurt.activitypub.http_signatures.keys import write_pem
from yurt.activitypub.http_signatures.request import InboundRequest
from yurt.activitypub.references import Json, id_of, object_of, text_of
from yurt.activitypub.vocabulary import ACTIVITY_TYPE, AS_CONTEXT, JRD_TYPE, SECURITY_CONTEXT
from yurt.lab.migration import stock_rules
from yurt.lab.migration.hosts import LabClock, Post, Signer
from yurt.lab.migration.stock_profiles import Profile
from yurt.wire.errors import GateError

PENDING: Final = "pending"
ACCEPTED: Final = "accepted"
_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
"""One for all people of all stock servers: what they prove is who signed, not that keys are made."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One delivery, as the peer judged it."""

    type: str
    actor: str
    signer: str
    """Empty if the signature was not believed."""
    outcome: str
    """``done``, ``ignored``, ``refused``, ``busy``."""
    rule: str = ""
    target: str = ""


@dataclass(slots=True)
class StockPerson:
    """Somebody there."""

    name: str
    aliases: tuple[str, ...] = ()
    following: dict[str, str] = field(default_factory=dict[str, str])
    """Actor to ``pending`` or ``accepted``."""
    followers: set[str] = field(default_factory=set[str])


@dataclass(frozen=True, slots=True)
class _Arrived:
    """An activity whose signer was verified."""

    activity: Json
    actor: str
    about: str
    cavage: bool


class StockPeer:
    """One server."""

    def __init__(self, host: str, profile: Profile, post: Post, clock: LabClock) -> None:
        self.host = host
        self.profile = profile
        self.people = dict[str, StockPerson]()
        self.seen = list[Seen]()
        self._post = post
        self._clock = clock
        self._kept = dict[str, ActorDocument]()
        self._signed = set[str]()
        self._gone = set[str]()
        self._attempts = dict[str, float]()
        self._successes = dict[str, float]()
        self._ids = set[str]()
        self._refusals = Counter[bytes]()
        self._tasks = set[asyncio.Task[None]]()
        self._numbers = itertools.count(1)

    # --- what a person does ------------------------------------------------------------------------
    def join(self, name: str, aliases: tuple[str, ...] = ()) -> StockPerson:
        """Let somebody live here."""
        person = self.people[name] = StockPerson(name, aliases)
        return person

    def actor(self, name: str) -> str:
        """Where somebody's document is."""
        return f"https://{self.host}/users/{name}"

    async def follow(self, name: str, actor: str) -> bool:
        """Ask to follow; False if the Follow could not be delivered."""
        found = await self._fetch(actor)
        if found is None:
            return False
        self.people[name].following.setdefault(actor, PENDING)
        return await self._send(name, found.inbox, "Follow", actor)

    async def introduce(self, name: str, inbox: str) -> bool:
        """Send somebody's Update to an inbox: nothing has changed, they are only to be seen."""
        return await self._send(name, inbox, "Update", self._document(self.people[name]))

    # --- what others ask ---------------------------------------------------------------------------
    async def answer(self, request: web.Request) -> web.Response:
        """Answer one request."""
        if request.method == "POST":
            return await self._inbox(request)
        match request.path.strip("/").split("/"):
            case [".well-known", "webfinger"]:
                return self._webfinger(request.query.get("resource", ""))
            case [".well-known", "nodeinfo"]:
                schema = "http://nodeinfo.diaspora.software/ns/schema/2.0"
                return _json({"links": [{"rel": schema, "href": f"https://{self.host}/nodeinfo/2.0"}]})
            case ["nodeinfo", "2.0"]:
                return _json(self._nodeinfo())
            case ["users", name] if name in self.people:
                return _json(self._document(self.people[name]), ACTIVITY_TYPE)
            case _:
                return web.Response(status=404)

    async def close(self) -> None:
        """End what is still being done."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def quiet(self) -> None:
        """Wait until everything that came was judged and answered."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def is_quiet(self) -> bool:
        """Whether everything that came was judged and answered."""
        return not self._tasks

    def _webfinger(self, resource: str) -> web.Response:
        name = resource.removeprefix("acct:").partition("@")[0]
        if name not in self.people:
            return web.Response(status=404)
        link = {"rel": "self", "type": ACTIVITY_TYPE, "href": self.actor(name)}
        return _json({"subject": f"acct:{name}@{self.host}", "links": [link]}, JRD_TYPE)

    def _nodeinfo(self) -> Json:
        return {
            "version": "2.0",
            "software": {"name": self.profile.software, "version": self.profile.release},
            "protocols": ["activitypub"],
            "services": {"inbound": [], "outbound": []},
            "openRegistrations": False,
            "usage": {"users": {"total": len(self.people)}},
            "metadata": {},
        }

    def _document(self, person: StockPerson) -> Json:
        actor = self.actor(person.name)
        return {
            "@context": [AS_CONTEXT, SECURITY_CONTEXT],
            "id": actor,
            "type": "Person",
            "preferredUsername": person.name,
            "inbox": f"{actor}/inbox",
            "outbox": f"{actor}/outbox",
            "followers": f"{actor}/followers",
            "following": f"{actor}/following",
            "endpoints": {"sharedInbox": f"https://{self.host}/inbox"},
            "alsoKnownAs": list(person.aliases),
            "publicKey": {
                "id": f"{actor}#main-key",
                "owner": actor,
                "publicKeyPem": write_pem(_KEY.public_key()),
            },
        }

    # --- what arrives ------------------------------------------------------------------------------
    async def _inbox(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.profile.delay_s:
            await asyncio.sleep(self.profile.delay_s)
        if self._refusals[body] < self.profile.refusals:
            self._refusals[body] += 1
            activity = _object(body)
            self.seen.append(Seen(text_of(activity, "type"), id_of(activity.get("actor")), "", "busy"))
            return web.Response(status=429, headers={"Retry-After": str(self.profile.retry_after_s)})
        inbound = InboundRequest(
            request.method,
            self.host,
            request.raw_path.partition("?")[0],
            None,
            tuple((name, value) for name, value in request.headers.items()),
            body,
        )
        self._later(self._take(inbound))
        return web.Response(status=202)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, request: InboundRequest) -> None:
        activity = _object(request.body)
        kind, actor = text_of(activity, "type"), id_of(activity.get("actor"))
        signer = await self._signer(request)
        target = id_of(activity.get("target")) if kind == "Move" else ""
        if signer != actor or not actor:
            self.seen.append(Seen(kind, actor, signer, "refused", "signature", target))
            return
        if (name := text_of(activity, "id")) and name in self._ids:
            self.seen.append(Seen(kind, actor, signer, "ignored", "repeated", target))
            return
        self._ids.add(name)
        cavage = not request.lines("signature-input")
        rule = await self._do(kind, _Arrived(activity, actor, id_of(activity.get("object")), cavage))
        self._signed.add(signer)
        self.seen.append(Seen(kind, actor, signer, _outcome(rule), rule, target))

    async def _signer(self, request: InboundRequest) -> str:
        """Whose key signed it, the key as it was kept if that fits; empty if nobody's."""
        try:
            signed = policy.parse(request)
        except (RemoteActivityPubError, GateError):
            return ""
        owner = signed.key_id.partition("#")[0]
        for fresh in (False, True):
            kept = await self._fetch(owner) if fresh else self._kept.get(owner)
            key = kept.key(signed.key_id) if kept else None
            if kept is None or key is None:
                continue
            with contextlib.suppress(RemoteActivityPubError):
                policy.verify(signed, key, int(self._clock.now()))
                return kept.id
        return ""

    async def _do(self, kind: str, arrived: _Arrived) -> str:
        """Do what an activity asks; the rule that it breaks, or empty."""
        does = {
            "Follow": self._follow_came,
            "Accept": self._accept_came,
            "Reject": self._reject_came,
            "Undo": self._undo_came,
            "Update": self._update_came,
            "Delete": self._delete_came,
            "Move": self._move,
        }.get(kind)
        return "" if does is None else await does(arrived)

    async def _follow_came(self, arrived: _Arrived) -> str:
        person, kept = self._local(arrived.about), await self._known(arrived.actor)
        if person is None or kept is None:
            return "nobody"
        person.followers.add(arrived.actor)
        await self._send(person.name, kept.inbox, "Accept", arrived.activity)
        return ""

    async def _accept_came(self, arrived: _Arrived) -> str:
        person = self._asked(arrived)
        if person is not None and arrived.actor in person.following:
            person.following[arrived.actor] = ACCEPTED
        return ""

    async def _reject_came(self, arrived: _Arrived) -> str:
        if person := self._asked(arrived):
            person.following.pop(arrived.actor, None)
        return ""

    async def _undo_came(self, arrived: _Arrived) -> str:
        inner = object_of(arrived.activity.get("object")) or {}
        if person := self._local(id_of(inner.get("object"))):
            person.followers.discard(arrived.actor)
        return ""

    async def _update_came(self, arrived: _Arrived) -> str:
        if arrived.about == arrived.actor:
            await self._fetch(arrived.actor)
        return ""

    async def _delete_came(self, arrived: _Arrived) -> str:
        if arrived.about == arrived.actor:
            self._gone.add(arrived.actor)
            for person in self.people.values():
                person.following.pop(arrived.actor, None)
                person.followers.discard(arrived.actor)
        return ""

    def _asked(self, arrived: _Arrived) -> StockPerson | None:
        """Who here had sent the Follow that is answered; some answer with its id alone."""
        inner = object_of(arrived.activity.get("object"))
        return self._local(id_of(inner.get("actor")) if inner else arrived.about.partition("#")[0])

    async def _move(self, arrived: _Arrived) -> str:
        if not self.profile.follows_move:
            return stock_rules.NO_MOVE
        old, to = arrived.about, id_of(arrived.activity.get("target"))
        asks = "targetThere" in self.profile.rules
        target = await self._fetch(to) if asks else self._kept.get(to)
        now = self._clock.now()
        case = stock_rules.Case(
            actor=arrived.actor,
            object=old,
            target_id=to,
            signer=arrived.actor,
            cavage=arrived.cavage,
            gone=arrived.actor in self._gone,
            target_seen=to in self._signed,
            target=stock_rules.Target(target.also_known_as, target.moved_to) if target else None,
            last_attempt=max(filter(None, map(self._attempts.get, (old, to))), default=None),
            last_success=max(filter(None, map(self._successes.get, (old, to))), default=None),
            now=now,
        )
        rule = stock_rules.judge(self.profile.rules, case)
        if rule not in stock_rules.BEFORE_ATTEMPT:
            self._attempts[old] = self._attempts[to] = now
        if rule:
            return rule
        self._successes[old] = self._successes[to] = now
        if not any(old in person.following for person in self.people.values()):
            return stock_rules.NOBODY_FOLLOWS
        for person in self.people.values():
            if person.following.pop(old, "") and await self.follow(person.name, to):
                # The old account hears that it is followed no longer; a dead one does not.
                self._later(self._undo(person.name, old))
        return ""

    async def _undo(self, name: str, followed: str) -> None:
        kept = await self._known(followed)
        if kept is not None:
            follow = {"type": "Follow", "actor": self.actor(name), "object": followed}
            await self._send(name, kept.inbox, "Undo", follow)

    def _local(self, actor: str) -> StockPerson | None:
        parts = urlsplit(actor)
        return self.people.get(parts.path.rpartition("/")[2]) if parts.hostname == self.host else None

    # --- what goes out -----------------------------------------------------------------------------
    async def _send(self, name: str, inbox: str, kind: str, about: object) -> bool:
        actor = self.actor(name)
        activity: Json = {
            "@context": AS_CONTEXT,
            "id": f"{actor}#{kind.lower()}s/{time.monotonic_ns()}-{next(self._numbers)}",
            "type": kind,
            "actor": actor,
            "object": about,
        }
        return await self._post.send(Signer(f"{actor}#main-key", _KEY), inbox, activity)

    async def _known(self, actor: str) -> ActorDocument | None:
        return self._kept.get(actor) or await self._fetch(actor)

    async def _fetch(self, actor: str) -> ActorDocument | None:
        """Fetch an actor; what was kept stays if its server is gone, but is not what was asked for."""
        document = await self._post.get(actor)
        try:
            found = parse_actor(document, actor) if document else None
        except RemoteActivityPubError:
            return None
        if found is not None:
            self._kept[actor] = found
        return found


def _outcome(rule: str) -> str:
    if not rule:
        return "done"
    return "ignored" if rule == stock_rules.NOBODY_FOLLOWS else "refused"


def _object(body: bytes) -> Json:
    try:
        found: object = json.loads(body)
    except ValueError:
        return {}
    return object_of(found) or {}


def _json(value: Json, kind: str = "application/json") -> web.Response:
    return web.Response(body=json.dumps(value).encode(), headers={"Content-Type": kind})
