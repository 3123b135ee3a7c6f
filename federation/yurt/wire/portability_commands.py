"""Carrying a network: what an account has, row by row, jobs that bring rows in, and kits of other people.

A job is named by whoever starts it, so it may be started again whenever an answer was lost; each of its rows
is named by what it does, so three imports of one file are one. ``yurt.portability.csv_rows`` says what the
kinds are; a row of a job is one row of such a file, or its removal.
"""

from typing import Annotated, ClassVar, Final, Literal

import msgspec

from yurt.wire.command import Answer, Command

JOB_ID_SIZE: Final = 16
MAX_JOB_PAGE: Final = 500
"""Rows in one ``StartJob``."""
MAX_JOB_ROWS: Final = 60_000
"""Rows of one job."""

JobState = Literal["filling", "running", "paused", "done"]
RowState = Literal["queued", "sent", "accepted", "pending", "refused", "dead", "successor", "skipped"]
JobId = Annotated[bytes, msgspec.Meta(min_length=JOB_ID_SIZE, max_length=JOB_ID_SIZE)]
Short = Annotated[str, msgspec.Meta(max_length=2_048)]
MAX_LANGUAGES: Final = 200
MAX_LANGUAGE: Final = 35
"""Characters of a language's code; RFC 5646 4.4.1 asks for so many."""
Language = Annotated[str, msgspec.Meta(max_length=MAX_LANGUAGE)]


class PortableRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of what an account has; which fields count depends on the kind."""

    address: str = ""
    """``user@domain``; for domain blocks the domain, for bookmarks the post's URL."""
    list: str = ""
    show_boosts: bool | None = None
    notify: bool | None = None
    languages: tuple[str, ...] | None = None
    hide: bool | None = None
    """Of a mute: whether notices are hidden, too."""
    actor: str = ""
    inbox: str = ""
    shared_inbox: str = ""
    did: str = ""
    state: str = ""
    """Of a follow: ``pending`` or ``accepted``."""
    mutual: bool = False
    since: int = 0
    """Seconds since 1970."""
    software: str = ""
    """Of a tie: NodeInfo's name of what their node runs; empty if nobody knows."""
    version: str = ""
    locked: bool = False
    """They approve followers by hand."""
    gone: bool = False
    """Their node says that the account is deleted."""
    silent_s: int = 0
    """For how long nobody reached their node, in seconds."""


class PortableRows(Answer, frozen=True):
    """A page of them."""

    rows: tuple[PortableRow, ...]
    next: str = ""
    """Give it as ``after`` for the next page; empty at the end."""


class Portable(Command, frozen=True):
    """Everything of one kind that this account has."""

    name: ClassVar[str] = "portable"
    answer: ClassVar[type[Answer]] = PortableRows

    kind: str
    """Name of a CSV without ``.csv``: ``following_accounts``, ``lists``, ``followers`` ..."""
    after: str = ""


class OwnDocuments(Answer, frozen=True):
    """The account's own documents, as its node serves them."""

    actor: bytes
    """JSON of the actor."""
    posts: tuple[bytes, ...]
    """JSON of ``Create`` activities, newest first."""
    next: int = 0
    """Give it as ``before`` for older ones; 0 at the end."""


class MyDocuments(Command, frozen=True):
    """Give the account's own actor and posts, all of them, for its archive."""

    name: ClassVar[str] = "my_documents"
    answer: ClassVar[type[Answer]] = OwnDocuments

    before: int = 0


class JobItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row to be done."""

    kind: Short
    address: Short
    """As in `PortableRow`."""
    removal: bool = False
    list: Short = ""
    show_boosts: bool | None = None
    notify: bool | None = None
    languages: Annotated[tuple[Language, ...], msgspec.Meta(max_length=MAX_LANGUAGES)] | None = None
    hide: bool | None = None
    rank: int = 0
    """Lower is earlier: the asker knows which ties are strong, and need not say why."""


class JobView(Answer, frozen=True, omit_defaults=True):
    """How a job stands."""

    job: bytes
    kind: str
    state: JobState
    total: int
    counts: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    """Rows by `RowState`; states without rows are missing."""
    created: int = 0
    """Seconds since 1970."""
    next_at: int = 0
    """When the next row may be tried, in milliseconds since 1970; 0: at once, or nothing waits."""


class StartJob(Command, frozen=True):
    """Begin a job, or add a page of rows to one that is being filled; both may be repeated."""

    name: ClassVar[str] = "start_job"
    answer: ClassVar[type[Answer]] = JobView

    job: JobId
    kind: Short
    """What it is for: ``import``, ``move``, ``rescue``."""
    rows: Annotated[tuple[JobItem, ...], msgspec.Meta(max_length=MAX_JOB_PAGE)]
    last: bool = True
    """Whether these are all: it runs from then on."""


class JobStatus(Command, frozen=True):
    """How a job stands."""

    name: ClassVar[str] = "job_status"
    answer: ClassVar[type[Answer]] = JobView

    job: JobId


class PauseJob(Command, frozen=True):
    """Let a job rest, or go on with it; what was sent stays sent."""

    name: ClassVar[str] = "pause_job"
    answer: ClassVar[type[Answer]] = JobView

    job: JobId
    paused: bool = True


class JobList(Answer, frozen=True):
    """Jobs of an account, newest first."""

    jobs: tuple[JobView, ...]


class Jobs(Command, frozen=True):
    """The jobs of this account."""

    name: ClassVar[str] = "jobs"
    answer: ClassVar[type[Answer]] = JobList


class JobRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one row stands."""

    row: int
    kind: str
    address: str
    state: RowState
    reason: str = ""
    """Code, and sometimes a few words behind a colon."""
    removal: bool = False
    list: str = ""
    attempts: int = 0


class JobRowPage(Answer, frozen=True):
    """A page of them, in the order in which they are done."""

    rows: tuple[JobRow, ...]
    next: int = 0
    """Give it as ``after`` for the next page; 0 at the end."""


class JobRows(Command, frozen=True):
    """The rows of a job."""

    name: ClassVar[str] = "job_rows"
    answer: ClassVar[type[Answer]] = JobRowPage

    job: JobId
    after: int = 0
    states: Annotated[tuple[RowState, ...], msgspec.Meta(max_length=8)] = ()
    """Only these; empty: all."""


class KitFile(Answer, frozen=True):
    """A continuity kit, as its person sealed it (`yurt.portability.kit_file`)."""

    kit: bytes


class KitKept(Answer, frozen=True, omit_defaults=True):
    """What a buddy keeps now."""

    keys: int = 0
    """Counter of the part ``keys``; 0: there is none."""
    graph: int = 0
    kept_at: int = 0
    """Seconds since 1970, by the buddy's clock."""


KIT_KEPT_S: Final = 400 * 86_400
"""A kit that nobody renewed for so long is dropped by its buddy."""


class KitNotice(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a buddy tells the node of somebody whose kit was not renewed for long, and that node them."""

    did: Short
    node: Short = ""
    """The buddy, as the person's node has verified it."""
    drops_at: int
    """When it drops the kit, or did; seconds since 1970."""
    is_dropped: bool = False


class KeepKit(Command, frozen=True):
    """Hand parts of one's own kit to a buddy, through the own node."""

    name: ClassVar[str] = "keep_kit"
    answer: ClassVar[type[Answer]] = KitKept

    buddy: Short
    """Name of the node; may be the own one."""
    kit_id: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    record: bytes
    """The newest person record, in clear: it names the buddy."""
    parts: Annotated[tuple[bytes, ...], msgspec.Meta(min_length=1, max_length=2)]


class FetchKit(Command, frozen=True):
    """Fetch a kit from a buddy, through the own node."""

    name: ClassVar[str] = "fetch_kit"
    answer: ClassVar[type[Answer]] = KitFile

    buddy: Short
    request: Annotated[bytes, msgspec.Meta(max_length=1_024)]
    """Signed by a key of the phrase, for this buddy (`KitSecrets.sign_read`)."""


PORTABILITY_COMMANDS: Final[tuple[type[Command], ...]] = (
    Portable,
    MyDocuments,
    StartJob,
    JobStatus,
    PauseJob,
    Jobs,
    JobRows,
    KeepKit,
    FetchKit,
)
