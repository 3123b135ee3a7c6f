"""``POST /rooms/exchange``: what two nodes tell each other about rooms, in batches (DESIGN 5).

One signed MessagePack request carries everything that waits for a peer; the answer (authenticated by TLS)
settles each item. A node speaks only for accounts of its own domain. One request is in flight per peer;
what is not settled is sent again, so every item must be safe to receive twice. Unknown keys are ignored.
"""

from typing import Final

import msgspec

from yurt.wire.position import LogRow, Position
from yurt.wire.problems import Problem

EXCHANGE_PATH: Final = "/rooms/exchange"
EXCHANGE_TYPE: Final = "application/vnd.yurt.exchange+msgpack"
EXCHANGE_TAG: Final = "yurt-rooms/1"
"""The ``tag`` parameter of the RFC 9421 signature."""
EXCHANGE_VERSION: Final = 1


class RoomRows(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rows of a room's log that follow a place the receiver should have."""

    room: bytes
    after: Position
    rows: tuple[LogRow, ...]
    head: Position


class RoomStart(msgspec.Struct, frozen=True, omit_defaults=True):
    """The hub makes the receiver a member node of a room: the state right after a commit."""

    id: bytes
    room: bytes
    row: LogRow
    """The commit that added the receiver's first participant."""
    snapshot: bytes
    """``rooms.hub.snapshot`` after that commit: public group, position, chain."""
    group_info: bytes = b""
    """The GroupInfo that came with the commit: its committer's word for the snapshot's context and tree."""


class WelcomeDelivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """A Welcome for a device of the receiver's account, stamped with its commit's place."""

    id: bytes
    room: bytes
    did: str
    device_id: bytes
    welcome: bytes
    position: Position
    chain: bytes
    accepted_at: int


class Submission(msgspec.Struct, frozen=True, omit_defaults=True):
    """An account of the sender wants an entry appended at the receiver's hub."""

    id: bytes
    actor: str
    """Who submits; its host must be the sending node."""
    room: bytes
    kind: int
    entry: bytes
    group_info: bytes = b""
    welcome: bytes = b""
    did: str = ""
    """Of a submitter whose newest record names `actor`, and whose leaves name an older one still."""


class Claim(msgspec.Struct, frozen=True, omit_defaults=True):
    """An account of the sender claims key packages of an account of the receiver."""

    id: bytes
    actor: str
    """The target's location at the receiver."""
    claimer: str
    """The claimer's actor URL at the sender."""
    claim: bytes
    record: bytes
    """The claimer's newest signed record, verbatim."""


class Pull(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member node asks for rows that it misses."""

    room: bytes
    after: Position
    limit: int = 500


class Ask(msgspec.Struct, frozen=True, omit_defaults=True):
    """An account of the sender asks the receiver for something that is answered at once."""

    id: bytes
    actor: str
    """Who asks; its host must be the sending node. The node itself asks as ``https://NODE/actor``."""
    what: str
    """The name of a command that may be asked so."""
    args: bytes
    """Its struct, MessagePack."""


class ExchangeRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that waits for a peer."""

    version: int = EXCHANGE_VERSION
    starts: tuple[RoomStart, ...] = ()
    rooms: tuple[RoomRows, ...] = ()
    welcomes: tuple[WelcomeDelivery, ...] = ()
    submissions: tuple[Submission, ...] = ()
    claims: tuple[Claim, ...] = ()
    pulls: tuple[Pull, ...] = ()
    records: tuple[bytes, ...] = ()
    """Newer person records of people with a tie or a shared room, verbatim."""
    asks: tuple[Ask, ...] = ()


class RoomHave(msgspec.Struct, frozen=True, omit_defaults=True):
    """Up to where the receiver durably has a room, after this request."""

    room: bytes
    have: Position
    problem: str = ""
    """``unknownRoom``: send a RoomStart; ``gap``: go back to ``have``; ``badChain``: stop, tell a human;
    ``roomFull``: it keeps no more, try again in some minutes."""


class Settled(msgspec.Struct, frozen=True, omit_defaults=True):
    """A start or welcome is durable at the receiver, or finally refused."""

    id: bytes
    problem: Problem | None = None


class SubmissionAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The hub's receipt or refusal."""

    id: bytes
    position: Position | None = None
    accepted_at: int = 0
    hash: bytes = b""
    chain: bytes = b""
    problem: Problem | None = None


class ClaimAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Key packages for each live device of the target, or a refusal."""

    id: bytes
    key_packages: tuple[bytes, ...] = ()
    record: bytes = b""
    problem: Problem | None = None


class AskAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to an ask, MessagePack, or a refusal."""

    id: bytes
    answer: bytes = b""
    problem: Problem | None = None


class ExchangeAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of each item."""

    version: int = EXCHANGE_VERSION
    starts: tuple[Settled, ...] = ()
    rooms: tuple[RoomHave, ...] = ()
    welcomes: tuple[Settled, ...] = ()
    submissions: tuple[SubmissionAnswer, ...] = ()
    claims: tuple[ClaimAnswer, ...] = ()
    pulls: tuple[RoomRows, ...] = ()
    asks: tuple[AskAnswer, ...] = ()
