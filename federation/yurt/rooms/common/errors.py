"""What can go wrong with a room's log, and whose fault it is.

::

    RoomError
    ├── LocalRoomError          our bug: a caller offered what no rule foresees
    └── RemoteRoomError         what came from outside
        ├── Refused             a rule of docs/room-rules.md says no; ``rule`` names it
        │   ├── WrongEpoch      the epoch has its commit, or is not here yet; ``current`` says which is
        │   └── EpochTooOld     the message's epoch is over for good; encrypt again
        ├── LogError            a row does not continue the log that is here
        │   ├── LogGap          rows before it are missing: pull them
        │   └── LogForked       it contradicts the log: stop and tell a human
        ├── LinkRefused         a link to a room is mistyped, or its blob is not its own
        ├── BundleError         a bundle of history is not what its offer said
        ├── CheckpointError     a checkpoint that no device of the room signed
        └── ContentError        the plaintext of a message cannot be read
"""

from yurt.rooms.common.rules import Rule
from yurt.wire.position import Position


class RoomError(Exception):
    """Something about a room is wrong."""


class LocalRoomError(RoomError):
    """Our own mistake."""


class RemoteRoomError(RoomError):
    """What came from outside is refused."""


class Refused(RemoteRoomError):
    """A rule of the room says no."""

    def __init__(self, rule: Rule, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.detail = detail
        """The code of the rule underneath, where another package refused (identity, mls)."""

    @property
    def code(self) -> str:
        """The rule's code, as it travels and as docs/room-rules.md lists it."""
        return self.rule.value


class WrongEpoch(Refused):
    """The room is in another epoch: catch up, then do what was meant again."""

    def __init__(self, current: int, got: int) -> None:
        super().__init__(Rule.WRONG_EPOCH, f"the room is in epoch {current}, not {got}: catch up and retry")
        self.current = current
        self.got = got


class EpochTooOld(Refused):
    """A message was encrypted for an epoch that is over for good."""

    def __init__(self, current: int, got: int) -> None:
        super().__init__(
            Rule.EPOCH_TOO_OLD, f"epoch {got} is over, the room is in {current}: encrypt the message again"
        )
        self.current = current
        self.got = got


class LogError(RemoteRoomError):
    """A row of the log cannot be taken in."""


class LogGap(LogError):
    """Rows are missing between what is here and what arrived."""

    def __init__(self, have: Position, got: Position) -> None:
        super().__init__(f"have {have.term}.{have.seq}, got {got.term}.{got.seq}: rows are missing")
        self.have = have
        self.got = got


class LogForked(LogError):
    """A row contradicts the log that is here; the hub shows different people different logs, or lies.

    ``why`` is one of ``hash``, ``chain``, ``size``, ``term``, ``time``, ``rewritten``.
    """

    def __init__(self, why: str, at: Position) -> None:
        super().__init__(f"the row at {at.term}.{at.seq} contradicts the log ({why})")
        self.why = why
        self.at = at


class ContentError(RemoteRoomError):
    """A message's plaintext is malformed; ``code`` says how."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CodedError(RemoteRoomError):
    """An error with a stable code of its own, beside the rules."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LinkRefused(CodedError):
    """A link to a room cannot be used; ``code`` says why."""


class BundleError(CodedError):
    """A bundle of history cannot be taken in; ``code`` says why."""


class CheckpointError(CodedError):
    """A checkpoint counts for nothing; ``code`` says why."""
