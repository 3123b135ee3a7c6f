"""Mutated messages of every kind: a documented error, or a value that encodes to the very same bytes.

`make test` runs some thousand mutations from a fixed seed; `make fuzz` as many as FUZZ_ROUNDS says, from a
fresh one, which a failure names (FUZZ_SEED repeats it).
"""

import os
import random
from collections.abc import Callable
from typing import Any, Final

import pytest

from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.commit import Commit
from yurt.mls.errors import RemoteMlsError
from yurt.mls.framing import MLSMessage, PublicMessage, peek
from yurt.mls.group_info import GroupInfo
from yurt.mls.key_package import KeyPackage
from yurt.mls.proposals import Add, GroupContextExtensions, PreSharedKey, ReInit, Remove, Update
from yurt.mls.public_group import PublicGroup
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.testing import SUITE, Person, Table
from yurt.mls.validation.key_package import check_key_package
from yurt.mls.welcome import GroupSecrets, Welcome

Load = Callable[[str], list[dict[str, Any]]]
Read = Callable[[bytes], bytes]
"""Reads bytes and gives what they encode to again."""

FEW: Final = 20_000
KINDS: Final[dict[str, type[Structure]]] = {
    "mls_welcome": MLSMessage,
    "mls_group_info": MLSMessage,
    "mls_key_package": MLSMessage,
    "group_secrets": GroupSecrets,
    "add_proposal": Add,
    "update_proposal": Update,
    "remove_proposal": Remove,
    "pre_shared_key_proposal": PreSharedKey,
    "re_init_proposal": ReInit,
    "group_context_extensions_proposal": GroupContextExtensions,
    "commit": Commit,
    "public_message_application": MLSMessage,
    "public_message_proposal": MLSMessage,
    "public_message_commit": MLSMessage,
    "private_message": MLSMessage,
}
LENGTHS: Final = (b"\0", b"\x3f", b"\x40\x40", b"\x7f\xff", b"\x80\0\x40\0", b"\xbf\xff\xff\xff", b"\xc0")
"""Lengths at the edges of their spellings."""


def _read_tree(data: bytes) -> bytes:
    tree = RatchetTree.decode(SUITE, data)
    tree.tree_hash()
    return tree.encode()


def _reader_of(kind: type[Structure]) -> Read:
    return lambda data: kind.decode(data).encode()


def _corpus(vectors: Load) -> list[tuple[bytes, Read]]:
    """Real messages, each with its reader."""
    corpus: list[tuple[bytes, Read]] = []
    for case in vectors("messages")[:6]:
        corpus += [(bytes.fromhex(case[name]), _reader_of(kind)) for name, kind in KINDS.items()]
        corpus.append((bytes.fromhex(case["ratchet_tree"]), _read_tree))
    return corpus


class Mutator:
    """Changes bytes as a careless or hostile sender might; the same seed gives the same changes."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._changes = (self._flip, self._cut, self._repeat, self._insert, self._length, self._number)

    def pick(self, count: int) -> int:
        """Choose one of `count`."""
        return self._random.randrange(count)

    def mutate(self, data: bytes, other: bytes) -> bytes:
        """Change bytes in one to four ways, or splice them with another message's."""
        if self.pick(8) == 0:
            place = self.pick(min(len(data), len(other)) + 1)
            return data[:place] + other[place:]
        for _ in range(1 + self.pick(4)):
            data = self._changes[self.pick(len(self._changes))](data)
        return data

    def _span(self, data: bytes) -> tuple[int, int]:
        start = self.pick(len(data) + 1)
        return start, min(len(data), start + 1 + self.pick(16))

    def _flip(self, data: bytes) -> bytes:
        place = self.pick(len(data) + 1)
        return (
            data[:place]
            + bytes(byte ^ (1 << self.pick(8)) for byte in data[place : place + 1])
            + data[place + 1 :]
        )

    def _cut(self, data: bytes) -> bytes:
        start, end = self._span(data)
        return data[:start] + data[end:]

    def _repeat(self, data: bytes) -> bytes:
        start, end = self._span(data)
        return data[:end] + data[start:end] * (1 + self.pick(40)) + data[end:]

    def _insert(self, data: bytes) -> bytes:
        start, _ = self._span(data)
        return data[:start] + self._random.randbytes(1 + self.pick(8)) + data[start:]

    def _length(self, data: bytes) -> bytes:
        start, _ = self._span(data)
        length = LENGTHS[self.pick(len(LENGTHS))]
        return data[:start] + length + data[start + self.pick(2) :]

    def _number(self, data: bytes) -> bytes:
        start, _ = self._span(data)
        number = (0, 1, 2**31, 2**32 - 1, 2**64 - 1)[self.pick(5)].to_bytes(8, "big")[-(1 << self.pick(4)) :]
        return data[:start] + number + data[start + len(number) :]


def _decode_all(corpus: list[tuple[bytes, Read]], rounds: int, seed: int) -> int:
    mutator, taken = Mutator(seed), 0
    for _ in range(rounds):
        (data, read), (other, _) = corpus[mutator.pick(len(corpus))], corpus[mutator.pick(len(corpus))]
        mutated = mutator.mutate(data, other)
        try:
            again = read(mutated)
        except RemoteMlsError:
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}: {mutated.hex()}") from error
        assert again == mutated, f"seed {seed}: {mutated.hex()}"
        taken += 1
    return taken


def _doors() -> list[tuple[bytes, Callable[[bytes], object]]]:
    """Real messages of a group, each with what takes it in; nothing mutated may be taken but as it was."""
    table, eva = Table.of(5), Person.named("eva")
    return [
        (MLSMessage(eva.package).encode(), _take_key_package),
        (
            MLSMessage(table.group_info()).encode(),
            lambda data: PublicGroup.from_group_info(data, None, now_ms=None),
        ),
        (table.commit(1, Remove(2), Add(eva.package)), table.group.stage),
        (table.external_commit(eva, Remove(3)), table.group.stage),
        (table.proposal(4, Add(eva.package)), table.group.stage_proposal),
        (table.commit(1), peek),
    ]


def _take_key_package(data: bytes) -> None:
    check_key_package(SUITE, MLSMessage.decode(data).expect(KeyPackage))


def _knock(rounds: int, seed: int) -> None:
    mutator, doors = Mutator(seed), _doors()
    for _ in range(rounds):
        (data, take), (other, _) = doors[mutator.pick(len(doors))], doors[mutator.pick(len(doors))]
        mutated = mutator.mutate(data, other)
        try:
            take(mutated)
        except RemoteMlsError:
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}: {mutated.hex()}") from error
        assert take is peek or _signed_part(mutated) in {_signed_part(good) for good, _ in doors}, (
            mutated.hex()
        )


def _signed_part(message: bytes) -> bytes:
    """Give a message without its tags, which only members can verify."""
    body = MLSMessage.decode(message).body
    if not isinstance(body, PublicMessage):
        return message
    w = Writer()
    body.content.encode_to(w)
    return w.opaque(body.auth.signature).bytes()


def test_mutated_structures(vectors: Load) -> None:
    """Twenty thousand mutations of the official messages."""
    assert _decode_all(_corpus(vectors), FEW, seed=9420) > 0


def test_mutated_messages_at_every_door() -> None:
    """Some thousand mutations of a group's messages: nobody takes what was not signed."""
    _knock(FEW // 8, seed=9420)


@pytest.mark.long
def test_fuzz(vectors: Load) -> None:
    """As many mutations as there is time for."""
    rounds = int(os.environ.get("FUZZ_ROUNDS", "200000"))
    seed = int(os.environ.get("FUZZ_SEED", "0")) or int.from_bytes(os.urandom(4), "big")

    _decode_all(_corpus(vectors), rounds, seed)
    _knock(rounds // 8, seed)


@pytest.mark.parametrize("kind", [MLSMessage, GroupInfo, Welcome, Commit, KeyPackage, GroupSecrets])
def test_nothing_and_noise(kind: type[Structure]) -> None:
    """No bytes, and bytes without meaning, are malformed."""
    noise = random.Random(9420)  # noqa: S311 - repeatable, not secret

    for size in range(200):
        with pytest.raises(RemoteMlsError):
            kind.decode(noise.randbytes(size))
    with pytest.raises(RemoteMlsError):
        kind.decode_from(Reader(b""))
