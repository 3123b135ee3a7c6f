"""Requests to join by link wait at the hub: kept seven days, lent to whoever may add (TRUST 6).

The hub checks a request before anybody sees it (`yurt.rooms.common.join_request`). One online device gets up
to a hundred of them for 15 s, so that it adds many in one commit; what it did not add in time goes to the
next. Which devices are online the node knows.

    waiting = admit(JoinRequest.decode(data), state, now_ms)     # or Refused
    lease = lend(waiting, lenders, now_ms)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from yurt.identity.did import Did
from yurt.rooms.common.join_request import JoinRequest
from yurt.rooms.common.participants import Standing
from yurt.rooms.common.policy import Invite
from yurt.rooms.common.room_change import Device
from yurt.rooms.hub.state import HubState

KEPT_MS: Final = 7 * 86_400_000
LEASE_MS: Final = 15_000
MAX_LENT: Final = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that the hub keeps."""

    request: JoinRequest
    device: Device
    invite_pub: bytes
    inviter: Did
    actor: str
    """Where the person is."""
    since: int
    """Milliseconds since 1970."""
    lent_to: Device | None = None
    lent_until: int = 0

    def is_free(self, now_ms: int) -> bool:
        """Whether nobody holds it."""
        return now_ms >= self.lent_until

    def was_let_lapse(self, by: Device, now_ms: int) -> bool:
        """Whether a device just held it and added nobody: for as long again it is others' turn.

        Otherwise one member who takes and never adds keeps everybody out.
        """
        return self.lent_to == by and self.lent_until <= now_ms < self.lent_until + LEASE_MS


def admit(request: JoinRequest, state: HubState, now_ms: int) -> Waiting:
    """Take a request that could be granted now.

    Args:
        request: As it arrived.
        state: The room.
        now_ms: The hub's clock, milliseconds since 1970.

    Raises:
        Refused: See `JoinRequest.check`.
    """
    found = request.check(state.standing, state.room_id, now_ms)
    device = Device(found.leaf.did, found.leaf.device_id)
    return Waiting(request, device, found.invite.invite_pub, found.invite.by, found.leaf.actor, now_ms)


def still_waiting(waiting: Iterable[Waiting], standing: Standing, now_ms: int) -> tuple[Waiting, ...]:
    """Drop what was granted, is too old, or rests on a link that ended."""
    return tuple(
        each
        for each in waiting
        if now_ms - each.since < KEPT_MS
        and standing.people.device(each.device.did, each.device.device_id) is None
        and _is_open(standing.policy.invite(each.invite_pub), now_ms)
    )


def lend(waiting: Sequence[Waiting], online: Sequence[Device], now_ms: int) -> tuple[Waiting, ...]:
    """Lend free requests to one device that may add: an inviter's before another's, oldest first.

    What that device has just let lapse is not lent to it again at once (`Waiting.was_let_lapse`).

    Args:
        waiting: All requests of a room, oldest first.
        online: Devices in the room that are online, in the node's order; any member may add on a proof.
        now_ms: Milliseconds since 1970.

    Returns:
        The requests that are lent now, all to one device; none if nobody is online, or a lease runs.
    """
    if not online or any(not each.is_free(now_ms) for each in waiting):
        return ()
    inviters = {each.inviter for each in waiting}
    to = next((device for device in online if device.did in inviters), online[0])
    fresh = [each for each in waiting if not each.was_let_lapse(to, now_ms)]
    first = sorted(fresh, key=lambda each: (each.inviter != to.did, each.since))
    return tuple(replace(each, lent_to=to, lent_until=now_ms + LEASE_MS) for each in first[:MAX_LENT])


def _is_open(invite: Invite | None, now_ms: int) -> bool:
    return invite is not None and now_ms // 1000 <= invite.not_after
