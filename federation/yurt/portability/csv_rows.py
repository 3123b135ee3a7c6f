"""What the rows of Mastodon's CSVs say, and of our ``followers.csv``: one value for each kind of row.

Attributes that a file may leave out are None there: merging keeps what stands, and a new row gets what
Mastodon gives it. Each row has a `key`; two rows with one key are about the same thing.
"""

from dataclasses import dataclass
from enum import StrEnum

from yurt.portability.address import Address


class CsvKind(StrEnum):
    """A kind of file; the value is its name without ``.csv``, as Mastodon names the file."""

    FOLLOWING = "following_accounts"
    MUTES = "muted_accounts"
    BLOCKS = "blocked_accounts"
    DOMAIN_BLOCKS = "blocked_domains"
    LISTS = "lists"
    BOOKMARKS = "bookmarks"
    FOLLOWERS = "followers"
    """Ours; Mastodon has no such file and ignores it."""

    @property
    def file_name(self) -> str:
        """Name of the file."""
        return f"{self.value}.csv"


@dataclass(frozen=True, slots=True)
class FollowRow:
    """Somebody whom the person follows."""

    address: Address
    show_boosts: bool | None = None
    notify: bool | None = None
    languages: tuple[str, ...] | None = None
    """Only posts in these; the empty tuple means all."""

    @property
    def key(self) -> str:
        """The account."""
        return self.address.key


@dataclass(frozen=True, slots=True)
class MuteRow:
    """Somebody whom the person does not want to see."""

    address: Address
    hide_notifications: bool | None = None

    @property
    def key(self) -> str:
        """The account."""
        return self.address.key


@dataclass(frozen=True, slots=True)
class BlockRow:
    """Somebody who must not reach the person."""

    address: Address

    @property
    def key(self) -> str:
        """The account."""
        return self.address.key


@dataclass(frozen=True, slots=True)
class DomainBlockRow:
    """A node that must not reach the person."""

    domain: str

    @property
    def key(self) -> str:
        """The domain."""
        return self.domain


@dataclass(frozen=True, slots=True)
class ListRow:
    """Membership of one account in one of the person's private lists."""

    list_name: str
    address: Address

    @property
    def key(self) -> str:
        """List and account; no list's name holds a line break."""
        return f"{self.list_name}\n{self.address.key}"


@dataclass(frozen=True, slots=True)
class BookmarkRow:
    """A post that the person marked."""

    uri: str

    @property
    def key(self) -> str:
        """The post."""
        return self.uri


@dataclass(frozen=True, slots=True)
class FollowerRow:
    """Somebody who follows the person: what no other export has, and what a move needs."""

    address: Address
    actor: str = ""
    """Actor URL; empty if unknown."""
    inbox: str = ""
    mutual: bool | None = None
    since: str = ""
    """``2026-11-21T09:00:00Z``, or empty."""

    @property
    def key(self) -> str:
        """The account."""
        return self.address.key


Row = FollowRow | MuteRow | BlockRow | DomainBlockRow | ListRow | BookmarkRow | FollowerRow
