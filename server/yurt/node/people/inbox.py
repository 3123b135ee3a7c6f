"""What other nodes send to people here: `POST /users/NAME/inbox` and `POST /inbox`.

Verified before 202: signature over these bytes, by a key that the activity's own actor owns. The same
request again is answered 202 and does nothing. One exception (DESIGN 10): a Delete of itself by an actor
that is unknown here gets 202 and is dropped before anything is fetched.
"""

from collections.abc import Callable
from typing import Final

from aiohttp import web

from yurt.activitypub.activities import Activity, Other, check_signer, parse_activity, self_delete_of
from yurt.activitypub.errors import RemoteActivityPubError
from yurt.activitypub.http_signatures.request import VerifiedRequest
from yurt.activitypub.references import host_of
from yurt.node.clock import Clock
from yurt.node.fetch import FetchError
from yurt.node.http.body import read_body
from yurt.node.http.inbound import inbound_request
from yurt.node.people.follow_ends import FollowEnds
from yurt.node.people.signatures import Signatures
from yurt.node.store import deliveries, people, replay
from yurt.node.store.types import Store, Tx
from yurt.wire import limits
from yurt.wire.errors import GateError
from yurt.wire.gate import parse_object
from yurt.wire.problems import ProblemError, refuse

_UNAUTHORIZED: Final = 401


class Inbox:
    """Takes activities in."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        signatures: Signatures,
        wake_delivery: Callable[[], None],
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._signatures = signatures
        self._wake_delivery = wake_delivery

    def routes(self) -> list[web.AbstractRouteDef]:
        """What this part answers."""
        return [
            web.post("/inbox", self.receive),
            web.post("/users/{name:[a-z0-9_]{1,30}}/inbox", self.receive),
        ]

    async def receive(self, request: web.Request) -> web.Response:
        """Take one activity in."""
        body = await read_body(request, limits.ACTIVITY_BODY)
        try:
            document = parse_object(body, limit=limits.ACTIVITY_BODY)
            if (gone := self_delete_of(document)) and not await self._knows(gone):
                return _accepted()
            verified, owner = await self._signatures.verify(inbound_request(request, self._domain, body))
            activity = parse_activity(document)
            check_signer(activity, owner)
        except GateError as error:
            raise error.as_problem() from error
        except RemoteActivityPubError as error:
            raise _problem(error) from error
        except FetchError as error:
            raise refuse("badSignature", f"the key of the signature cannot be had: {error}") from error
        await self._apply(verified, activity)
        return _accepted()

    async def _knows(self, actor: str) -> bool:
        return await self._store.read(lambda tx: people.person_at(tx, actor)) is not None

    async def _apply(self, verified: VerifiedRequest, activity: Activity) -> None:
        now_ms, host = self._clock.now_ms(), host_of(activity.actor)
        key = b"inbox/" + verified.replay_key

        def unit(tx: Tx) -> None:
            if not replay.first_time(tx, key, now_ms // 1000, verified.not_after):
                return
            deliveries.alive(tx, host, now_ms)
            if not isinstance(activity, Other):
                FollowEnds(tx, self._domain, now_ms).take(activity)

        await self._store.write(unit)
        self._wake_delivery()


def _accepted() -> web.Response:
    return web.Response(status=web.HTTPAccepted.status_code)


def _problem(error: RemoteActivityPubError) -> ProblemError:
    code = "badSignature" if error.status_hint == _UNAUTHORIZED else "badRequest"
    return refuse(code, str(error), rule=error.rule)
