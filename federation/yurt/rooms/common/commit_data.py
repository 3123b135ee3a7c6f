"""What a commit says beside its proposals: the authenticated data of every commit in a room (TRUST 3).

::

    struct {
        uint8  version = 1;
        uint64 made_at;             // milliseconds since 1970, by the committer's clock
        opaque join_proofs<V><V>;   // one for each leaf that came by link (later; empty)
        opaque records<V><V>;       // signed person records that the commit rests on, in their wire form
    } CommitData;

An unknown version is refused: nobody may merge a commit that they cannot judge.
"""

from dataclasses import dataclass
from typing import Final, Self

from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import DecodeError
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.rules import Rule

COMMIT_DATA_VERSION: Final = 1
MAX_COMMIT_DATA_SIZE: Final = 128 * 1024
MAX_RECORDS: Final = 16
MAX_JOIN_PROOFS: Final = 100


@dataclass(frozen=True, slots=True)
class CommitData:
    """The authenticated data of a commit."""

    made_at: int
    """Milliseconds since 1970, by the committer's clock."""
    records: tuple[bytes, ...] = ()
    """Signed person records, verbatim."""
    join_proofs: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """Write the authenticated data."""
        proofs, records = Writer(), Writer()
        for proof in self.join_proofs:
            proofs.opaque(proof)
        for record in self.records:
            records.opaque(record)
        w = Writer().u8(COMMIT_DATA_VERSION).u64(self.made_at)
        return w.opaque(proofs.bytes()).opaque(records.bytes()).bytes()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the authenticated data.

        Raises:
            Refused: ``commitDataVersion`` or ``commitData``.
        """
        try:
            r = Reader(data, limit=MAX_COMMIT_DATA_SIZE)
            if r.u8() != COMMIT_DATA_VERSION:
                raise Refused(
                    Rule.COMMIT_DATA_VERSION, "the commit's data is of a version that is not known here"
                )
            made_at, proofs, records = r.u64(), r.vector(Reader.opaque), r.vector(Reader.opaque)
            r.finish()
        except DecodeError:
            raise Refused(Rule.COMMIT_DATA, "the commit's data is malformed") from None
        if len(records) > MAX_RECORDS or len(proofs) > MAX_JOIN_PROOFS:
            raise Refused(Rule.COMMIT_DATA, "the commit carries too many records or join proofs")
        return cls(made_at, records, proofs)
