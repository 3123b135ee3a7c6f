"""What a room's rules refuse, as a problem that travels; docs/room-rules.md explains each `rule`."""

from yurt.rooms.common.errors import EpochTooOld, LogError, Refused, RemoteRoomError, WrongEpoch
from yurt.rooms.common.rules import Rule
from yurt.wire.problems import ProblemError, refuse

_NO_ROOM = "there is no such room for this account"


def no_room() -> ProblemError:
    """The one answer for a room that is not there and for one that is not yours."""
    return refuse("notFound", _NO_ROOM)


def room_problem(error: RemoteRoomError) -> ProblemError:
    """The problem that answers a refusal."""
    if isinstance(error, WrongEpoch):
        return refuse("wrongEpoch", str(error), epoch=error.current)
    if isinstance(error, EpochTooOld):
        return refuse("epochTooOld", str(error), epoch=error.current)
    if isinstance(error, Refused):
        if error.rule is Rule.NOT_PARTICIPANT:
            return no_room()
        return _refused(error.code, error.detail, str(error))
    if isinstance(error, LogError):
        return _refused(type(error).__name__, "", str(error))
    return _refused("malformed", "", str(error))


def _refused(rule: str, detail: str, message: str) -> ProblemError:
    if detail:
        return refuse("refused", message, rule=rule, detail=detail)
    return refuse("refused", message, rule=rule)
