"""The peer table: what other software does with a Move, where that was read, and when (``peers.toml``).

It is data, so that a new version of somebody's software is a line in a file and not a change of code.

    table = decode_peers(text)                     # `builtin_peers()` reads the one in the package
    table.peer("mastodon").follows_move            # "yes"
    table.peer("nobody-knows").software            # "*"
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Literal

import msgspec

from yurt.portability.errors import PeerTableError

TABLE_VERSION: Final = 1
MAX_TABLE_SIZE: Final = 1024 * 1024
ANY: Final = "*"
_DIGITS: Final = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,3})")

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
_Month = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}$")]


class Peer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one software does; the fields are explained at the top of ``peers.toml``."""

    software: _Text
    follows_move: Literal["yes", "no", "broken", "unknown"]
    dead_source: Literal["yes", "no", "unknown"]
    since: str = ""
    tested: str = ""
    evidence: Literal["measured", "source", "report", "unknown"]
    source: _Text
    read: _Month
    """When somebody looked: year and month."""
    likely: tuple[_Share, _Share]
    needs: tuple[_Text, ...] = ()

    @property
    def cited(self) -> str:
        """Source and date, to be shown beside what is concluded."""
        return f"{self.source} ({self.evidence}, {self.read})"

    def is_told_of(self, version: str) -> bool:
        """Tell whether a version is not older than what the rule is about; an unknown version is."""
        return not version or parse_version(version) >= parse_version(self.since)

    def is_newer_than_tested(self, version: str) -> bool:
        """Tell whether a version came after somebody looked."""
        tested = parse_version(self.tested)
        return bool(tested) and parse_version(version)[: len(tested)] > tested


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How often something may be done."""

    software: _Text
    name: _Text
    about: _Text
    source: _Text
    read: _Month
    seconds: Annotated[int, msgspec.Meta(ge=1)]
    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    """So many in so many seconds."""

    def seconds_for(self, wanted: int) -> int:
        """How long it takes until the last of `wanted` was allowed; the first ones are allowed at once."""
        return max(0, -(-wanted // self.count) - 1) * self.seconds


class _TableToml(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    peer: list[Peer]
    limit: list[Limit] = []


@dataclass(frozen=True, slots=True)
class PeerTable:
    """Peers by the name of their software, and limits."""

    peers: dict[str, Peer]
    limits: tuple[Limit, ...]

    def peer(self, software: str) -> Peer:
        """Find what is known of a software; nothing known is an entry, too."""
        return self.peers.get(software.strip().lower(), self.peers[ANY])

    def limits_of(self, software: str) -> tuple[Limit, ...]:
        """Find the limits of a software."""
        name = software.strip().lower()
        return tuple(limit for limit in self.limits if limit.software == name)


def decode_peers(data: bytes) -> PeerTable:
    """Read a table.

    Raises:
        PeerTableError: Too large, no TOML, not of this shape or version (``malformedPeers``), a software
            twice (``peerTwice``), or nothing said about all others (``peerRest``).
    """
    if len(data) > MAX_TABLE_SIZE:
        raise PeerTableError("malformedPeers", "the table of peers is too large")
    try:
        value = msgspec.convert(tomllib.loads(data.decode()), _TableToml)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise PeerTableError("malformedPeers", f"the table of peers is malformed: {error}") from None
    if value.version != TABLE_VERSION:
        raise PeerTableError("malformedPeers", "the table of peers is of a version that is not known here")
    peers = {peer.software: peer for peer in value.peer}
    if len(peers) != len(value.peer):
        raise PeerTableError("peerTwice", "the table of peers names a software twice")
    if ANY not in peers:
        raise PeerTableError("peerRest", "the table of peers says nothing about all others")
    if any(peer.likely[0] > peer.likely[1] for peer in value.peer):
        raise PeerTableError("malformedPeers", "a lowest share that is higher than the highest")
    return PeerTable(peers, tuple(value.limit))


@cache
def builtin_peers() -> PeerTable:
    """Read the table that comes with the package."""
    return decode_peers(files("yurt.portability").joinpath("peers.toml").read_bytes())


def parse_version(text: str) -> tuple[int, ...]:
    """Read the numbers at the beginning of a version; ``4.7.0-alpha.1+glitch`` is (4, 7).

    Zeros at the end do not count, so that 4.7 and 4.7.0 are one; what has no number is the lowest.
    """
    found = _DIGITS.match(text.strip())
    if found is None:
        return ()
    numbers = [int(number) for number in found[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
