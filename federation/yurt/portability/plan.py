"""What an import will change, before anything changes: merge and overwrite as a value to look at.

Blocks come first, so that nobody regains contact for a moment; a block beats a follow, wherever either
comes from. Overwriting removes what the file does not name, and the plan shows each removal; blocks are
removed only if that was asked for in so many words. Planning the result again plans nothing.

    plan = plan_import(state, files, Options(me=address, mode=Mode.OVERWRITE))
    for part in plan.parts:
        part.added, part.refreshed, part.removed, part.withheld, part.skipped
    after = apply(state, plan)
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from yurt.portability.address import Address
from yurt.portability.csv_files import CsvFile
from yurt.portability.csv_rows import (
    BlockRow,
    CsvKind,
    DomainBlockRow,
    FollowerRow,
    FollowRow,
    ListRow,
    MuteRow,
    Row,
)
from yurt.portability.errors import LocalPortabilityError
from yurt.portability.labels import LABEL_ITEM

State = Mapping[CsvKind, tuple[Row, ...]]
"""What the account has now, by kind."""

ORDER: Final = (
    CsvKind.DOMAIN_BLOCKS,
    CsvKind.BLOCKS,
    CsvKind.MUTES,
    CsvKind.FOLLOWING,
    CsvKind.LISTS,
    CsvKind.BOOKMARKS,
)
"""In this order an import is done; followers are nobody's to import: they follow, or do not."""
_PROTECTIVE: Final = frozenset({CsvKind.BLOCKS, CsvKind.DOMAIN_BLOCKS})
_REACHING_OUT: Final = frozenset({CsvKind.FOLLOWING, CsvKind.LISTS})


class Mode(StrEnum):
    """What happens to what the file does not name."""

    MERGE = "merge"
    """It stays."""
    OVERWRITE = "overwrite"
    """It goes."""


class Why(StrEnum):
    """Why a row is not done."""

    SELF = "self"
    BLOCKED = "blocked"
    """This account, or its whole domain, is blocked here or by the same import."""
    DOUBLE = "double"
    """A later row of the file names the same."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row of the file that will not be done."""

    row: Row
    why: Why


@dataclass(frozen=True, slots=True)
class Options:
    """How to import."""

    me: Address
    """The account into which is imported; nobody follows or blocks themselves."""
    mode: Mode = Mode.MERGE
    overwrite_blocks: bool = False
    """Asked for in so many words: blocks that the file does not name are lifted."""
    actors: Mapping[str, str] = field(default_factory=dict[str, str])
    """Address key to actor URL at the end of its ``movedTo`` chain: different addresses of one are one."""


@dataclass(frozen=True, slots=True)
class PlanPart:
    """What changes for one kind."""

    kind: CsvKind
    added: tuple[Row, ...] = ()
    refreshed: tuple[Row, ...] = ()
    """Rows that stand already, with what the file says about them."""
    unchanged: tuple[Row, ...] = ()
    removed: tuple[Row, ...] = ()
    """Everything that goes, to be shown and confirmed."""
    withheld: tuple[Row, ...] = ()
    """Blocks that overwriting would lift, and that stay because nobody asked for that."""
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import changes, in the order in which it is done."""

    parts: tuple[PlanPart, ...]

    @property
    def needs_confirmation(self) -> bool:
        """Tell whether something goes away."""
        return any(part.removed for part in self.parts)


def plan_import(state: State, files: Iterable[CsvFile], options: Options) -> ImportPlan:
    """Compare files with what stands.

    Raises:
        LocalPortabilityError: Two files of one kind, or one of followers.
    """
    incoming = _by_kind(files)
    identity = _Identity(options)
    parts: list[PlanPart] = []
    blocked = _Blocked(identity)
    for kind in ORDER:
        part = _plan_kind(kind, state.get(kind, ()), incoming.get(kind), options, identity, blocked)
        if kind in _PROTECTIVE:
            blocked.add(_after(part))
        if kind in incoming or part.removed:
            parts.append(part)
    return ImportPlan(tuple(parts))


def apply(state: State, plan: ImportPlan) -> dict[CsvKind, tuple[Row, ...]]:
    """Compute what stands after a plan is done; whoever has no network behind it may do it at once."""
    after = dict(state)
    after.update({part.kind: _after(part) for part in plan.parts})
    return after


def item_key(kind: CsvKind, subject: str, row: Row, *, removal: bool = False) -> bytes:
    """Name one item of an import, so that three imports are one (32 bytes, SHA-256).

    Args:
        kind: What is done.
        subject: The did or actor for whom.
        row: To whom.
        removal: Whether it is undone; doing and undoing are two items.
    """
    parts = ("undo" if removal else "do", kind.value, subject, row.key)
    # Each part with its length before it: no two lists of parts are the same bytes.
    said = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts))
    return hashlib.sha256(LABEL_ITEM + b"\0" + said).digest()


class _Identity:
    """Decides which rows are about the same."""

    def __init__(self, options: Options) -> None:
        self._actors = options.actors
        self.me = self.account(options.me)

    def account(self, address: Address) -> str:
        return self._actors.get(address.key, address.key)

    def row(self, row: Row) -> str:
        match row:
            case ListRow(name, address):
                return f"{name}\n{self.account(address)}"
            case FollowRow() | MuteRow() | BlockRow() | FollowerRow():
                return self.account(row.address)
            case _:
                return row.key


class _Blocked:
    """Who must not be reached: accounts, and domains with everything below them."""

    def __init__(self, identity: _Identity) -> None:
        self._identity = identity
        self._accounts: set[str] = set()
        self._domains: set[str] = set()

    def add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            match row:
                case BlockRow(address):
                    self._accounts.add(self._identity.account(address))
                case DomainBlockRow(domain):
                    self._domains.add(domain)
                case _:
                    pass

    def has(self, address: Address) -> bool:
        if self._identity.account(address) in self._accounts:
            return True
        labels = address.domain.split(".")
        return any(".".join(labels[at:]) in self._domains for at in range(len(labels)))


def _by_kind(files: Iterable[CsvFile]) -> dict[CsvKind, tuple[Row, ...]]:
    incoming: dict[CsvKind, tuple[Row, ...]] = {}
    for file in files:
        if file.kind in incoming or file.kind not in ORDER:
            raise LocalPortabilityError(
                "planKind", f"{file.kind.file_name} cannot be imported here, or twice"
            )
        incoming[file.kind] = file.rows
    return incoming


def _plan_kind(  # everything that decides over one row
    kind: CsvKind,
    current: tuple[Row, ...],
    incoming: tuple[Row, ...] | None,
    options: Options,
    identity: _Identity,
    blocked: _Blocked,
) -> PlanPart:
    standing = {identity.row(row): row for row in current}
    forbidden = {
        key: row
        for key, row in standing.items()
        if kind in _REACHING_OUT and _refusal(row, identity, blocked)
    }
    wanted, skipped = _wanted(kind, incoming or (), identity, blocked)
    missing = {key: row for key, row in standing.items() if key not in wanted and key not in forbidden}
    goes = missing if incoming is not None and options.mode is Mode.OVERWRITE else {}
    withheld: dict[str, Row] = {}
    if kind in _PROTECTIVE and not options.overwrite_blocks:
        goes, withheld = {}, goes
    newer = {key: _merged(standing[key], row) for key, row in wanted.items() if key in standing}
    refreshed = {key: row for key, row in newer.items() if row != standing[key]}
    stays = {key: row for key, row in standing.items() if key not in {**refreshed, **goes, **forbidden}}
    return PlanPart(
        kind,
        added=tuple(row for key, row in wanted.items() if key not in standing),
        refreshed=tuple(refreshed.values()),
        unchanged=tuple(stays.values()),
        removed=(*forbidden.values(), *goes.values()),
        withheld=tuple(withheld.values()),
        skipped=skipped,
    )


def _wanted(
    kind: CsvKind, incoming: tuple[Row, ...], identity: _Identity, blocked: _Blocked
) -> tuple[dict[str, Row], tuple[Skipped, ...]]:
    """Keep one row for each thing, the last as Mastodon does, and none that must not be done."""
    last = {identity.row(row): at for at, row in enumerate(incoming)}
    wanted: dict[str, Row] = {}
    skipped: list[Skipped] = []
    for at, row in enumerate(incoming):
        key = identity.row(row)
        why = _refusal(row, identity, blocked if kind in _REACHING_OUT else None)
        if why is None and last[key] != at:
            why = Why.DOUBLE
        if why is None:
            wanted[key] = row
        else:
            skipped.append(Skipped(row, why))
    return wanted, tuple(skipped)


def _refusal(row: Row, identity: _Identity, blocked: _Blocked | None) -> Why | None:
    match row:
        case FollowRow(address) | MuteRow(address) | BlockRow(address) | ListRow(address=address):
            if identity.account(address) == identity.me:
                return Why.SELF
            return Why.BLOCKED if blocked is not None and blocked.has(address) else None
        case _:
            return None


def _merged(standing: Row, row: Row) -> Row:
    """What stands, with what the file says; what the file leaves open stays."""
    match standing, row:
        case FollowRow(), FollowRow():
            return replace(
                standing,
                show_boosts=standing.show_boosts if row.show_boosts is None else row.show_boosts,
                notify=standing.notify if row.notify is None else row.notify,
                languages=standing.languages if row.languages is None else row.languages,
            )
        case MuteRow(), MuteRow():
            hide = standing.hide_notifications if row.hide_notifications is None else row.hide_notifications
            return replace(standing, hide_notifications=hide)
        case _:
            return standing


def _after(part: PlanPart) -> tuple[Row, ...]:
    return (*part.unchanged, *part.refreshed, *part.added)
