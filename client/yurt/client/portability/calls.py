"""What a front end may ask about carrying a network: export, import, kit and buddies.

Files are named by absolute paths: whoever holds the vault runs on the same machine as the same person. A job
is named by what it imports, so asking again finds the same one.
"""

from typing import ClassVar, Final, Literal

from yurt.client.api import View
from yurt.client.calls import EngineCall
from yurt.wire.unshown import Unshown

ExportKind = Literal["csv", "archive", "graphml", "edges"]


class PlanPartView(View, frozen=True, kw_only=True):
    """What an import changes of one kind."""

    kind: str
    added: int = 0
    refreshed: int = 0
    unchanged: int = 0
    skipped: int = 0
    removed: tuple[str, ...] = ()
    """Everything that goes, for people to read."""
    withheld: tuple[str, ...] = ()
    """Blocks that stay, because nobody asked to lift them."""


class PlanView(View, frozen=True, kw_only=True):
    """What an import would change, before anything changes."""

    job: bytes
    digest: bytes
    """Of what was read; given back to `StartImport`, so that nothing else is imported than was shown."""
    parts: tuple[PlanPartView, ...]
    refused: tuple[str, ...] = ()
    """Rows that cannot be read, each as one line."""
    aside: tuple[str, ...] = ()
    """Files among several that are left out, each as one line with its reason."""
    signed_by: str = ""
    """Address of whose archive it is; empty for a file that nobody signed."""
    messages: int = 0
    """Old messages in it, as its manifest tells by the sealed files; they need the phrase."""


class PlanImport(EngineCall, frozen=True, kw_only=True):
    """Compare a file with what stands; changes nothing."""

    name: ClassVar[str] = "plan_import"

    path: str
    kind: str = ""
    """A `CsvKind`, where neither header nor name tells."""
    overwrite: bool = False
    overwrite_blocks: bool = False


class StartImport(EngineCall, frozen=True, kw_only=True):
    """Import what was planned (`yurt.wire.portability_commands.JobView`); again: go on with it."""

    name: ClassVar[str] = "start_import"

    path: str
    digest: bytes
    kind: str = ""
    overwrite: bool = False
    overwrite_blocks: bool = False


class HistoryView(View, frozen=True, kw_only=True):
    """What came back of an archive's history."""

    rooms: int
    messages: int
    known: int
    """Messages that were here already."""


class ImportHistory(Unshown, EngineCall, frozen=True, kw_only=True):
    """Open an archive's sealed history with the phrase, and keep it for reading (`HistoryView`)."""

    name: ClassVar[str] = "import_history"

    path: str
    phrase: str


class ExportedFile(View, frozen=True, kw_only=True):
    """A file that was written."""

    path: str
    rows: int


class ExportView(View, frozen=True, kw_only=True):
    """What was written."""

    files: tuple[ExportedFile, ...]
    messages: int = 0


class Export(EngineCall, frozen=True, kw_only=True):
    """Write this person's network into files (`ExportView`)."""

    name: ClassVar[str] = "export"

    kind: ExportKind
    path: str
    """A folder for ``csv``, else a file that does not exist."""
    pseudonyms: bool = False


class BuddyView(View, frozen=True, kw_only=True):
    """A node that keeps the kit."""

    node: str
    graph: int = 0
    """Counter of the ``graph`` that it has; 0: none yet."""
    has_keys: bool = False
    """Whether it has the actor keys that are in the kit here."""
    kept_at: int = 0
    """When it last took something, in seconds since 1970."""
    problem: str = ""
    drops_at: int = 0
    """When it drops its copy, as it says itself, unless that is renewed; 0: it says nothing of it."""
    dropped_at: int = 0
    """When it last dropped one; 0: never."""


class KitView(View, frozen=True, kw_only=True):
    """How the continuity kit stands."""

    exists: bool
    """Whether there is one; an older vault gets it when the phrase is typed next."""
    has_keys: bool = False
    counter: int = 0
    graph_at: int = 0
    """When the graph was sealed, in seconds since 1970; 0: not yet."""
    ties: int = 0
    rooms: int = 0
    size: int = 0
    is_stale: bool = False
    """Whether something changed since, and could not be sealed yet."""
    problem: str = ""
    buddies: tuple[BuddyView, ...] = ()
    now: int = 0
    """By this device's clock, in seconds since 1970."""


class KitStatus(EngineCall, frozen=True):
    """How the kit stands (`KitView`)."""

    name: ClassVar[str] = "kit_status"


class SaveKit(Unshown, EngineCall, frozen=True, kw_only=True):
    """Write the kit into a new file (`KitView`); the phrase is needed where there is no kit yet."""

    name: ClassVar[str] = "save_kit"

    path: str
    phrase: str = ""


class SetBuddy(Unshown, EngineCall, frozen=True, kw_only=True):
    """Name a node as a buddy, or no longer (`KitView`): a new person record, so it asks for the phrase."""

    name: ClassVar[str] = "set_buddy"

    node: str
    phrase: str
    remove: bool = False


class ChangeKey(Unshown, EngineCall, frozen=True, kw_only=True):
    """Make a new actor key, known to the node and sealed into the kit (`KitView`)."""

    name: ClassVar[str] = "change_key"

    phrase: str = ""
    """Empty: nothing is done but to refuse what could not be, before anybody types 24 words."""


PORTABILITY_CALLS: Final[tuple[type[EngineCall], ...]] = (
    PlanImport,
    StartImport,
    ImportHistory,
    Export,
    KitStatus,
    SaveKit,
    SetBuddy,
    ChangeKey,
)
