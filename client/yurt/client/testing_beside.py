"""What the fake node has beside its logs: history in pieces; it may spoil or hold back them. Tests only."""

from dataclasses import dataclass, field

from yurt.wire.command import Answer, Command, Done
from yurt.wire.history_commands import PIECE, GetHistory, HistoryPiece, HistoryStands, PutHistory
from yurt.wire.problems import refuse
from yurt.wire.swicg_commands import PublishPublicKeyPackage


@dataclass(slots=True)
class Beside:
    """Keeps blobs of history."""

    blobs: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    """By the hash that they were named with."""
    public: list[bytes] = field(default_factory=list[bytes])
    """Each public key package that was shown, in order."""
    served: list[int] = field(default_factory=list[int])
    """Where the pieces began that somebody asked for."""
    pieces_left: int = -1
    """So many more are served, then none; -1: all."""
    spoils: bool = False
    """Whether a bit of each piece is turned."""

    piece: int = PIECE
    """Bytes of a piece that is given."""

    def answer(self, command: Command) -> Answer:
        """Put or give a piece.

        Raises:
            ProblemError: It is something else, or held back.
        """
        match command:
            case PutHistory():
                known = self.blobs.get(command.hash, b"")
                if command.offset == len(known):
                    known = self.blobs[command.hash] = known + command.data
                return HistoryStands(len(known))
            case GetHistory():
                return self._give(command)
            case PublishPublicKeyPackage():
                self.public.append(command.key_package)
                return Done()
            case _:
                raise refuse("unsupported", "not here")

    def _give(self, command: GetHistory) -> HistoryPiece:
        if self.pieces_left == 0:
            raise refuse("overloaded", "not now", retry_after=0.1)
        self.pieces_left -= 1
        self.served.append(command.offset)
        blob = self.blobs[command.hash]
        data = blob[command.offset : command.offset + self.piece]
        return HistoryPiece(bytes((data[0] ^ 1, *data[1:])) if self.spoils else data, len(blob))
