"""What can go wrong between client, node and node: one code each, one status, one exit code.

A problem says whose fault it is and what to do. Over HTTP it is an RFC 9457 document with the status
named here; on a stream it is a frame; the command line ends with the exit code. The same code is used
for "does not exist" and "not for you", so that nothing can be learned by asking.
"""

from typing import Final, Literal, NamedTuple

import msgspec

Whose = Literal["yours", "ours", "theirs"]


class ProblemKind(NamedTuple):
    """What follows from a problem's code."""

    status: int
    """HTTP status."""
    exit_code: int
    """Exit code of the command line; see docs/exit-codes.md."""
    whose: Whose
    """Whose fault it is: the asker's, this node's, or another node's."""
    retry: bool
    """Whether the same request may succeed later, unchanged."""


EXIT_OK: Final = 0
EXIT_INTERNAL: Final = 1
EXIT_USAGE: Final = 2
EXIT_REFUSED: Final = 3
EXIT_NOT_FOUND: Final = 4
EXIT_AUTH: Final = 5
EXIT_UNREACHABLE: Final = 6
EXIT_BUSY: Final = 7
EXIT_VERSION: Final = 8

PROBLEMS: Final[dict[str, ProblemKind]] = {
    # the request itself
    "badRequest": ProblemKind(400, EXIT_USAGE, "yours", retry=False),
    "tooLarge": ProblemKind(413, EXIT_REFUSED, "yours", retry=False),
    "unsupported": ProblemKind(400, EXIT_VERSION, "yours", retry=False),
    "methodNotAllowed": ProblemKind(405, EXIT_USAGE, "yours", retry=False),
    # who is asking
    "notSignedIn": ProblemKind(401, EXIT_AUTH, "yours", retry=False),
    "tokenExpired": ProblemKind(401, EXIT_AUTH, "yours", retry=False),
    "wrongLogin": ProblemKind(401, EXIT_AUTH, "yours", retry=False),
    "badSignature": ProblemKind(401, EXIT_AUTH, "yours", retry=False),
    "wrongInvite": ProblemKind(403, EXIT_REFUSED, "yours", retry=False),
    "nameTaken": ProblemKind(409, EXIT_REFUSED, "yours", retry=False),
    "badName": ProblemKind(400, EXIT_USAGE, "yours", retry=False),
    "badRecord": ProblemKind(400, EXIT_REFUSED, "yours", retry=False),
    # what is asked for
    "notFound": ProblemKind(404, EXIT_NOT_FOUND, "yours", retry=False),
    "gone": ProblemKind(410, EXIT_NOT_FOUND, "yours", retry=False),
    "notAllowed": ProblemKind(403, EXIT_REFUSED, "yours", retry=False),
    "noKeyPackages": ProblemKind(409, EXIT_REFUSED, "theirs", retry=True),
    # rooms (the detail ``rule`` names the rule of docs/room-rules.md)
    "refused": ProblemKind(422, EXIT_REFUSED, "yours", retry=False),
    "wrongEpoch": ProblemKind(409, EXIT_BUSY, "yours", retry=False),
    "epochTooOld": ProblemKind(409, EXIT_BUSY, "yours", retry=False),
    # load and reach
    "tooMany": ProblemKind(429, EXIT_BUSY, "yours", retry=True),
    "overloaded": ProblemKind(503, EXIT_BUSY, "ours", retry=True),
    "stopping": ProblemKind(503, EXIT_BUSY, "ours", retry=True),
    "diskFull": ProblemKind(507, EXIT_BUSY, "ours", retry=True),
    "hubUnreachable": ProblemKind(502, EXIT_UNREACHABLE, "theirs", retry=True),
    "peerUnreachable": ProblemKind(502, EXIT_UNREACHABLE, "theirs", retry=True),
    "peerRefused": ProblemKind(502, EXIT_REFUSED, "theirs", retry=False),
    # should not happen
    "internal": ProblemKind(500, EXIT_INTERNAL, "ours", retry=True),
}


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that went wrong, as it travels."""

    code: str
    """A key of PROBLEMS; an unknown one (from a newer node) is treated as ``internal`` without retry."""
    message: str
    """One line that says what to do; sanitised before it is shown."""
    retry_after: float | None = None
    """Seconds to wait before trying again."""
    detail: dict[str, str | int] = {}
    """For programs: ``epoch`` with wrongEpoch, ``rule`` with refused, ``limit`` with tooLarge."""

    @property
    def kind(self) -> ProblemKind:
        """What follows from the code."""
        return PROBLEMS.get(self.code, ProblemKind(500, EXIT_INTERNAL, "theirs", retry=False))


class ProblemError(Exception):
    """A problem on its way to whoever asked."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {problem.message}")
        self.problem = problem


def refuse(code: str, message: str, *, retry_after: float | None = None, **detail: str | int) -> ProblemError:
    """Build the error for a known code; an unknown code is our own bug."""
    if code not in PROBLEMS:
        raise KeyError(code)
    return ProblemError(Problem(code, message, retry_after=retry_after, detail=detail))
