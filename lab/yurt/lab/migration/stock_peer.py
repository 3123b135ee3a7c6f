"""A small server that is not Yurt: found, followed and following, with the Move rules of one profile.

It remembers what it saw, so that a test asserts the peer's own view and not the sender's.
Whom it knows, and whose key signed what comes, is told by `yurt.lab.migration.stock_actors`.
What else it does, from its answers to what a Delete means, are the habits of its profile.
"""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from yurt.activitypub.http_signatures.request import InboundRequest
from yurt.activitypub.references import Json, id_of, ids_of, object_of, text_of
from yurt.activitypub.vocabulary import ACTIVITY_TYPE, AS_CONTEXT, JRD_TYPE, PUBLIC
from yurt.lab.migration import stock_documents as documents
from yurt.lab.migration import stock_rules
from yurt.lab.migration.hosts import LabClock, Post, Signer
from yurt.lab.migration.stock_actors import OtherActors
from yurt.lab.migration.stock_moves import MoveBook
from yurt.lab.migration.stock_profiles import Profile

PENDING: Final = "pending"
ACCEPTED: Final = "accepted"
_ACCEPTED, _UNAUTHORIZED, _BUSY = 202, 401, 429
_LOOK_AGAIN_S: Final = 120
"""After the first try; twice as long after the second, and so on (snac2 data.c, _new_qmsg)."""
_LOOKS: Final = 10
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
    """``done``, ``ignored``, ``refused``, ``busy``; ``later``: it will be looked at again."""
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
        self._others = OtherActors(post, clock, anew=stock_rules.FETCHES_KEY_ANEW in profile.habits)
        self._suspended = set[str]()
        self._moves = MoveBook()
        self._ids = set[str]()
        self._refusals = Counter[bytes]()
        self._tasks = set[asyncio.Task[None]]()
        self._looking = set[asyncio.Task[None]]()
        self._asking = list[tuple[str, Json]]()
        self.is_away = False
        """Nobody here approves followers now, where that is done by hand."""
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
        found = await self._others.fetch(actor)
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
                return _json(documents.nodeinfo_links(self.host))
            case ["nodeinfo", "2.0"]:
                return _json(documents.nodeinfo(self.profile, len(self.people)))
            case ["users", name] if name in self.people:
                return _json(self._document(self.people[name]), ACTIVITY_TYPE)
            case _:
                return web.Response(status=404)

    async def close(self) -> None:
        """End what is still being done."""
        for task in self._tasks | self._looking:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._looking, return_exceptions=True)

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
        return _json(documents.webfinger(f"{name}@{self.host}", self.actor(name)), JRD_TYPE)

    def _document(self, person: StockPerson) -> Json:
        is_locked = self._has(stock_rules.APPROVES_BY_HAND)
        return documents.actor(self.host, person.name, person.aliases, _KEY.public_key(), is_locked=is_locked)

    # --- what arrives ------------------------------------------------------------------------------
    async def _inbox(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.profile.delay_s:
            await asyncio.sleep(self.profile.delay_s)
        activity = _object(body)
        if self._refusals[body] < self.profile.refusals:
            self._refusals[body] += 1
            self.seen.append(Seen(text_of(activity, "type"), id_of(activity.get("actor")), "", "busy"))
            return web.Response(status=_BUSY, headers={"Retry-After": str(self.profile.retry_after_s)})
        inbound = InboundRequest(
            request.method,
            self.host,
            request.raw_path.partition("?")[0],
            None,
            tuple((name, value) for name, value in request.headers.items()),
            body,
        )
        if self._has(stock_rules.ANSWERS_AT_ONCE):
            self._later(self._take(inbound, activity))
            return web.Response(status=_ACCEPTED)
        return web.Response(status=await self._take(inbound, activity))

    def _has(self, habit: str) -> bool:
        return habit in self.profile.habits

    def _later(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, request: InboundRequest, activity: Json) -> int:
        """Look at a delivery; do what it asks in a moment; return the answer's status."""
        kind, actor = text_of(activity, "type"), id_of(activity.get("actor"))
        target = id_of(activity.get("target")) if kind == "Move" else ""
        about = id_of(activity.get("object"))

        def saw(outcome: str, rule: str, signer: str = "") -> None:
            self.seen.append(Seen(kind, actor, signer, outcome, rule, target))

        is_about_self = kind in ("Delete", "Update") and about == actor
        if self._has(stock_rules.SKIPS_UNKNOWN) and is_about_self and self._others.kept(actor) is None:
            saw("ignored", stock_rules.UNKNOWN)
            return _ACCEPTED
        signer = await self._others.signer(request)
        if signer != actor or not actor:
            known = self._others.kept(actor) is not None
            saw("refused", stock_rules.SIGNATURE if known else stock_rules.KEY_UNKNOWN, signer)
            # Who signs for somebody else gets a 202, and no more: it might be signed within as well.
            return _ACCEPTED if signer else _UNAUTHORIZED
        arrived = _Arrived(activity, actor, about, not request.lines("signature-input"))
        rule = self._at_the_door(kind, arrived)
        if rule:
            saw("refused", rule, signer)
            return stock_rules.AT_THE_DOOR[rule]
        if self._has(stock_rules.ONE_ID_ONCE) and not self._is_new(text_of(activity, "id")):
            saw("ignored", stock_rules.REPEATED, signer)
            return _ACCEPTED

        async def judge() -> None:
            rule = await self._do(kind, arrived)
            again = rule == "targetSeen" and self._has(stock_rules.LOOKS_AGAIN)
            saw("later" if again else _outcome(rule), rule, signer)
            if again:
                self._look_again(arrived, lambda rule: saw(_outcome(rule), rule, signer))

        self._later(judge())
        return _ACCEPTED

    def _at_the_door(self, kind: str, arrived: _Arrived) -> str:
        """The rule for which an error is answered, where the software does so; else empty."""
        if not self._has(stock_rules.ANSWERS_AFTER_RULES):
            return ""
        if "cavageOnly" in self.profile.rules and not arrived.cavage:
            return "cavageOnly"
        if arrived.actor in self._suspended:
            return "notSuspended"
        return "objectIsSigner" if kind == "Move" and arrived.about != arrived.actor else ""

    def _is_new(self, name: str) -> bool:
        known = name in self._ids
        self._ids |= {name} if name else set()
        return not known

    def _look_again(self, arrived: _Arrived, done: Callable[[str], None]) -> None:
        """Judge a Move again by the clock of the lab, until its new actor was seen or it is given up."""
        began = self._clock.now()

        async def look() -> None:
            due = began
            for number in range(1, _LOOKS + 1):
                due += number * _LOOK_AGAIN_S
                await self._clock.until(due)
                rule = await self._move(arrived)
                if rule != "targetSeen" or number == _LOOKS:
                    done(rule)
                    return

        task = asyncio.create_task(look())
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

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
        person, kept = self._local(arrived.about), await self._others.known(arrived.actor)
        if person is None or kept is None:
            return "nobody"
        if self._has(stock_rules.APPROVES_BY_HAND) and self.is_away and arrived.actor not in person.followers:
            self._asking.append((person.name, arrived.activity))
            return ""
        person.followers.add(arrived.actor)
        await self._send(person.name, kept.inbox, "Accept", arrived.activity)
        return ""

    @property
    def asking(self) -> int:
        """How many wait until a person here approves them."""
        return len(self._asking)

    async def _accept_came(self, arrived: _Arrived) -> str:
        person = self._asked(arrived)
        if person is not None and arrived.actor in person.following:
            person.following[arrived.actor] = ACCEPTED
        return ""

    async def _reject_came(self, arrived: _Arrived) -> str:
        if self._has(stock_rules.REJECT_IGNORED):
            return ""
        if person := self._asked(arrived):
            person.following.pop(arrived.actor, None)
        return ""

    async def _undo_came(self, arrived: _Arrived) -> str:
        inner = object_of(arrived.activity.get("object")) or {}
        if person := self._local(id_of(inner.get("object"))):
            person.followers.discard(arrived.actor)
        return ""

    async def _update_came(self, arrived: _Arrived) -> str:
        if arrived.about != arrived.actor:
            return ""
        if self._has(stock_rules.UPDATES_OF_FOLLOWED):
            if PUBLIC not in ids_of(arrived.activity.get("to")):
                return stock_rules.NOT_PUBLIC
            if not self._is_followed(arrived.actor):
                return stock_rules.NOBODY_FOLLOWS
        if not self._others.keep(object_of(arrived.activity.get("object")), arrived.actor):
            await self._others.fetch(arrived.actor)
        return ""

    async def _delete_came(self, arrived: _Arrived) -> str:
        if arrived.about != arrived.actor or self._has(stock_rules.DELETE_IGNORED):
            return ""
        if self._has(stock_rules.DELETE_SUSPENDS):
            self._suspended.add(arrived.actor)
        else:
            self._others.forget(arrived.actor)
        for person in self.people.values():
            person.following.pop(arrived.actor, None)
            person.followers.discard(arrived.actor)
        return ""

    def _is_followed(self, actor: str) -> bool:
        return any(actor in person.following for person in self.people.values())

    def _asked(self, arrived: _Arrived) -> StockPerson | None:
        """Who here had sent the Follow that is answered; some answer with its id alone."""
        inner = object_of(arrived.activity.get("object"))
        return self._local(id_of(inner.get("actor")) if inner else arrived.about.partition("#")[0])

    async def _move(self, arrived: _Arrived) -> str:
        if not self.profile.follows_move:
            return stock_rules.NO_MOVE
        pair = arrived.about, id_of(arrived.activity.get("target"))
        kept = self._others.kept(pair[1])
        fetched = await self._others.fetch(pair[1]) if "targetThere" in self.profile.rules else None
        now = self._clock.now()
        case = self._moves.case(
            pair,
            arrived.actor,
            now,
            cavage=arrived.cavage,
            suspended=arrived.actor in self._suspended,
            followed=self._is_followed(pair[0]),
            kept=kept,
            fetched=fetched,
        )
        rule = stock_rules.judge(self.profile.rules, case)
        self._moves.note(pair, rule, now)
        return rule or await self._go_along(*pair)

    async def _go_along(self, old: str, new: str) -> str:
        """Let everybody follow the new actor, and then leave the old one."""
        followers = [person for person in self.people.values() if old in person.following]
        if not followers:
            return stock_rules.NOBODY_FOLLOWS
        for person in followers:
            if not await self.follow(person.name, new):
                return stock_rules.NOT_SENT
            person.following.pop(old, None)
            # The old account hears that it is followed no longer; a dead one does not.
            self._later(self._undo(person.name, old))
        return ""

    async def _undo(self, name: str, followed: str) -> None:
        kept = await self._others.known(followed)
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
        if kind == "Update":
            activity["to"] = [PUBLIC]
        return await self._post.send(Signer(f"{actor}#main-key", _KEY), inbox, activity)


def _outcome(rule: str) -> str:
    if not rule:
        return "done"
    return "ignored" if rule in (stock_rules.NOBODY_FOLLOWS, "isFollowed") else "refused"


def _object(body: bytes) -> Json:
    try:
        found: object = json.loads(body)
    except ValueError:
        return {}
    return object_of(found) or {}


def _json(value: Json, kind: str = "application/json") -> web.Response:
    return web.Response(body=json.dumps(value).encode(), headers={"Content-Type": kind})
