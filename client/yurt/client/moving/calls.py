"""What a front end may ask about moving, and what it is shown. Addresses are other people's words."""

from typing import ClassVar, Literal

from yurt.client.api import View
from yurt.client.calls import EngineCall
from yurt.client.vault.moves import ForetoldTie
from yurt.wire.unshown import Unshown

KeyAgreement = Literal["agrees", "differs", "unknown", "none"]
"""``differs``: somebody has another one; ``unknown``: too little is known; ``none``: no kit has one."""


class Expected(View, frozen=True, kw_only=True):
    """How many of some ties are expected to arrive."""

    count: int
    outcomes: dict[str, int]
    low: int
    high: int


class RoomFate(View, frozen=True, kw_only=True):
    """What becomes of a room."""

    room: bytes
    name: str
    hub: str
    outcome: str
    """``keeps``, ``hubStays`` (it lives on the node that is left), ``hubDead`` or ``stopped``."""
    text: str


class LimitView(View, frozen=True, kw_only=True):
    """A limit of somebody's software that will bite."""

    software: str
    about: str
    source: str
    seconds: int
    """How long it takes until the last tie was allowed."""


class Readiness(View, frozen=True, kw_only=True):
    """Whether a move would work if the own node died today."""

    kit_age_s: int = -1
    """How old the newest copy of the kit is; -1: there is none."""
    buddies: tuple[str, ...] = ()
    """Nodes that keep a copy."""
    strong_safe: int = 0
    """Strong ties that would arrive without the old node."""
    strong: int = 0
    text: str = ""


class SeenKeyView(View, frozen=True, kw_only=True):
    """The actor key of this person that a node has."""

    node: str
    fingerprint: bytes = b""
    """32 bytes; none: it has none, or did not say."""
    fetched_at: int = 0
    """When it was fetched; seconds since 1970."""
    problem: str = ""


class KeyCheck(View, frozen=True, kw_only=True):
    """Whether a rescue with the kit's actor key would be believed."""

    standing: KeyAgreement = "unknown"
    kit: bytes = b""
    """Fingerprint of the key in the kit, 32 bytes; none if there is none, or nobody noted it."""
    home: SeenKeyView | None = None
    """What the own node signs with."""
    peers: tuple[SeenKeyView, ...] = ()
    """What others have; asked by this device itself, for the own node could tell what it likes."""
    told: tuple[str, ...] = ()
    """What is so and what to do, line by line, for people."""


class CheckView(View, frozen=True, kw_only=True):
    """What a move would do. Nothing was changed."""

    to: str = ""
    ties: tuple[ForetoldTie, ...]
    """Strong ones first."""
    followers: Expected
    following: Expected
    rooms: tuple[RoomFate, ...] = ()
    limits: tuple[LimitView, ...] = ()
    readiness: Readiness
    warnings: tuple[str, ...] = ()
    key: KeyCheck = KeyCheck()


class CheckMove(EngineCall, frozen=True, kw_only=True):
    """Tell what a move would do (`CheckView`)."""

    name: ClassVar[str] = "check_move"

    to: str = ""
    """Name of the node to which one would move; empty: not known yet."""


class MoveStanding(View, frozen=True, kw_only=True):
    """Where a move stands."""

    kind: str = ""
    """``move`` or ``rescue``; empty: nobody moves."""
    step: str = ""
    next: str = ""
    """What is done next, for people; empty at the end."""
    needs_confirmation: bool = False
    previous: str = ""
    target: str = ""
    difference: tuple[str, ...] = ()
    """What changes with the confirmation, line by line."""
    notes: tuple[str, ...] = ()


class PrepareMove(Unshown, EngineCall, frozen=True, kw_only=True):
    """Get a move ready, while the phrase is at hand (`MoveStanding`); nothing leaves this device."""

    name: ClassVar[str] = "prepare_move"

    link: str
    """Account invite of the new node."""
    account: str
    """Name of the new account; empty: the same as now."""
    phrase: str
    """The 24 words."""


class GoOnMove(EngineCall, frozen=True, kw_only=True):
    """Do the next step, if it needs no confirmation (`MoveStanding`)."""

    name: ClassVar[str] = "go_on_move"


class ConfirmMove(EngineCall, frozen=True, kw_only=True):
    """Agree to the move (`MoveStanding`): from here on it cannot be taken back."""

    name: ClassVar[str] = "confirm_move"

    lend_key: bool = False
    """If the old node refuses the Move: let the new one hold the old actor key, at most 30 days."""


class CancelMove(EngineCall, frozen=True):
    """Forget a move that was not confirmed (`Nothing`); the new account stays, unused."""

    name: ClassVar[str] = "cancel_move"


class ShowMove(EngineCall, frozen=True):
    """Tell where the move stands (`MoveStanding`)."""

    name: ClassVar[str] = "show_move"


class TieReceipt(View, frozen=True, kw_only=True):
    """What became of one direction of a tie."""

    actor: str
    address: str
    direction: str
    foretold: str
    state: str
    """``arrived``, ``pending`` or ``missing``."""
    strong: bool = False
    reason: str = ""
    since: int = 0
    """When it arrived; seconds since 1970."""


class Share(View, frozen=True, kw_only=True):
    """A share with its interval of 95 % (Wilson)."""

    kept: int
    count: int
    share: float
    low: float
    high: float


class MarkView(View, frozen=True, kw_only=True):
    """One time at which it is counted who arrived."""

    after_s: int
    at: int = 0
    arrived: int = 0


class ReceiptView(View, frozen=True, kw_only=True):
    """What arrived, against what was foretold."""

    kind: str
    previous: str
    target: str
    moved: int
    """Seconds since 1970."""
    now: int
    all: Share
    strong: Share
    other: Share
    followers: Share
    following: Share
    foretold: Expected
    brier: float = -1.0
    """Of the foretold chances; -1: nothing to count."""
    reach_loss: float = 0.0
    rooms_kept: int = 0
    rooms: int = 0
    history: float = 1.0
    """Share of the messages that can be read still."""
    answered: int = 0
    """Yurt nodes that said who there follows the new actor."""
    waiting: int = 0
    set_aside: int = 0
    key_until: int = 0
    marks: tuple[MarkView, ...] = ()
    ties: tuple[TieReceipt, ...] = ()
    manual: tuple[str, ...] = ()
    """What is left for the person to do."""
    notes: tuple[str, ...] = ()


class AskReceipt(EngineCall, frozen=True, kw_only=True):
    """Tell what arrived (`ReceiptView`)."""

    name: ClassVar[str] = "move_receipt"

    retry: bool = False
    """Tell those once more who did not come."""


MOVING_CALLS: tuple[type[EngineCall], ...] = (
    CheckMove,
    PrepareMove,
    GoOnMove,
    ConfirmMove,
    CancelMove,
    ShowMove,
    AskReceipt,
)
