"""The kit as a file, and what is made of many copies of it: 24 words and one node are enough (TRUST 9).

A kit's file is lines: the newest person record in clear, then the parts, each verbatim. A buddy answers
with the same. Copies may be old, damaged or lies; of what is valid, the newest counts::

    data = encode_kit(record, [keys, graph])
    kit = open_kit([from_disk, from_buddy_1, from_buddy_2], secrets)
    kit.record, kit.keys, kit.graph, kit.graph_age(now)
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from yurt.identity.errors import RemoteIdentityError
from yurt.identity.signed_record import MAX_SIGNED_RECORD_SIZE, SignedRecord, VerifiedRecord, verify_record
from yurt.portability.errors import KitError
from yurt.portability.kit import KitPart, open_graph, open_keys, ranked
from yurt.portability.kit_contents import GraphContents, KeysContents
from yurt.portability.kit_keys import KitSecrets
from yurt.portability.kit_part import GRAPH, KEYS, MAX_PART_SIZE

MAX_PARTS: Final = 2
MAX_KIT_SIZE: Final = MAX_SIGNED_RECORD_SIZE + MAX_PARTS * (MAX_PART_SIZE + 1) + 1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KitIn:
    """A kit's file as it arrived."""

    record: SignedRecord
    parts: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenKit:
    """What the phrase brought back."""

    record: VerifiedRecord
    """The newest record of all copies."""
    keys: KeysContents | None
    """None if no copy has a valid one: stock peers will believe no Move."""
    graph: GraphContents | None = field(repr=False)
    """None if no copy has a valid one: nobody remembers the ties."""
    graph_part: KitPart | None = field(repr=False)

    def graph_age(self, now: int) -> int | None:
        """How old the graph is, in seconds; to be shown before anything is done with it."""
        return None if self.graph_part is None else self.graph_part.age(now)


def encode_kit(record: VerifiedRecord, parts: Sequence[bytes]) -> bytes:
    """Write a kit's file."""
    return b"".join(line + b"\n" for line in (record.signed.encode(), *parts))


def decode_kit(data: bytes) -> KitIn:
    """Read a kit's file without believing it.

    Raises:
        KitError: ``kitTooLarge`` or ``malformedKit``.
    """
    if len(data) > MAX_KIT_SIZE:
        raise KitError("kitTooLarge", "the kit is too large")
    first, *parts = data.split(b"\n", MAX_PARTS + 1)
    if not parts or parts[-1]:
        raise KitError("malformedKit", "the kit is malformed, or cut off")
    try:
        return KitIn(SignedRecord.decode(first), tuple(parts[:-1]))
    except RemoteIdentityError:
        raise KitError("malformedKit", "the kit's person record is malformed") from None


def open_kit(copies: Iterable[bytes], secrets: KitSecrets) -> OpenKit:
    """Make the best of all copies.

    Args:
        copies: Kit files, from the disk and from buddies, in any order.
        secrets: From the phrase.

    Raises:
        KitError: No copy with a valid record of this person (``noKit``); two records at one number, which
            means that somebody else has the phrase (``kitFrozen``).
    """
    kits = [kit for copy in copies if (kit := _readable(copy)) is not None]
    record = _newest_record(kits, secrets)
    parts = [part for kit in kits for part in kit.parts]
    keys = _opened(ranked(parts, KEYS, record), open_keys, secrets)
    graph = _opened(ranked(parts, GRAPH, record), open_graph, secrets)
    return OpenKit(
        record,
        None if keys is None else keys[1],
        None if graph is None else graph[1],
        None if graph is None else graph[0],
    )


def _readable(copy: bytes) -> KitIn | None:
    try:
        return decode_kit(copy)
    except KitError:
        return None


def _newest_record(kits: Iterable[KitIn], secrets: KitSecrets) -> VerifiedRecord:
    best: VerifiedRecord | None = None
    for kit in kits:
        try:
            record = verify_record(kit.record)
        except RemoteIdentityError:
            continue
        if record.did != secrets.did:
            continue
        if best is not None and record.record.seq == best.record.seq and record.hash != best.hash:
            raise KitError("kitFrozen", "two person records at one number: somebody else may have your words")
        if best is None or record.record.seq > best.record.seq:
            best = record
    if best is None:
        raise KitError("noKit", "no copy of the kit holds a valid record of this person")
    return best


def _opened(
    parts: Iterable[KitPart], opener: Callable[[KitPart, KitSecrets], T], secrets: KitSecrets
) -> tuple[KitPart, T] | None:
    """Open the first that opens: a listed device that lies must not hide what the others sealed."""
    for part in parts:
        try:
            return part, opener(part, secrets)
        except KitError:
            continue
    return None
