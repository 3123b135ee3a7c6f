"""Whatever bytes come, the answer is a group's next state or one of the documented errors."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import pytest
from typing_extensions import override

from yurt.mls.capabilities import MLS_10
from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import DecodeError, InvalidSignature, RemoteMlsError
from yurt.mls.framed_content import WireFormat
from yurt.mls.framing import MLSMessage, PublicMessage, peek
from yurt.mls.key_package import KeyPackage
from yurt.mls.policy import judged_by_caller
from yurt.mls.proposals import Add, Remove, SelfRemove
from yurt.mls.public_group import PublicGroup
from yurt.mls.testing import SUITE, Person, Table
from yurt.mls.validation.codes import CommitRule
from yurt.mls.validation.key_package import check_key_package

ANA, BO, CY, DEE = range(4)
EVA: Final = Person.named("eva")
TABLE: Final = Table.of(4)
Take = Callable[[bytes], object]


def _take_key_package(data: bytes) -> None:
    check_key_package(SUITE, MLSMessage.decode(data).expect(KeyPackage))


def _take_group_info(data: bytes) -> None:
    PublicGroup.from_group_info(data, None, now_ms=None)


MESSAGES: Final[dict[str, tuple[bytes, Take, int]]] = {
    "key package": (MLSMessage(EVA.package).encode(), _take_key_package, 0),
    "group info": (MLSMessage(TABLE.group_info(BO)).encode(), _take_group_info, 0),
    # The tags at the end of a PublicMessage, 33 bytes each, are for members to verify.
    "commit": (TABLE.commit(BO, Remove(CY), Add(EVA.package)), TABLE.group.stage, 2 * 33),
    "external commit": (
        TABLE.external_commit(EVA, Remove(CY)),
        partial(TABLE.group.stage, policy=judged_by_caller),
        33,
    ),
    "proposal": (TABLE.proposal(BO, Add(EVA.package)), TABLE.group.stage_proposal, 33),
    "proposal from outside": (TABLE.proposal(EVA, Add(EVA.package)), TABLE.group.stage_proposal, 0),
}
"""A real message of each kind, who takes it, and how many of its last bytes only a member can verify."""


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_message_is_good(kind: str) -> None:
    """The messages that are changed here are taken as they are."""
    message, take, _ = MESSAGES[kind]

    take(message)


@pytest.mark.parametrize("kind", MESSAGES)
@pytest.mark.parametrize("flip", [0x01, 0x40, 0xFF])
def test_flipped_bytes(kind: str, flip: int) -> None:
    """With any byte changed, a message is refused by a documented error."""
    message, take, unseen = MESSAGES[kind]

    for place in range(flip % 3, len(message) - unseen, 3):
        changed = bytearray(message)
        changed[place] ^= flip
        with pytest.raises(RemoteMlsError):
            take(bytes(changed))


@pytest.mark.parametrize("kind", MESSAGES)
def test_cut_and_longer_messages(kind: str) -> None:
    """A message that ends early or goes on is malformed."""
    message, take, _ = MESSAGES[kind]

    for changed in (*(message[:cut] for cut in range(len(message))), message + b"\0", message * 2):
        with pytest.raises(DecodeError):
            take(changed)


class _Lengths(Reader):
    """A reader that remembers where it read a length."""

    places: tuple[tuple[int, int], ...] = ()

    @override
    def varint(self) -> int:
        start = self.position
        length = super().varint()
        self.places += ((start, self.position),)
        return length


def _lengths(message: bytes) -> Iterator[tuple[int, int, int]]:
    r = _Lengths(message)
    MLSMessage.decode_from(r)
    for start, end in r.places:
        yield start, end, Reader(message[start:end]).varint()


@pytest.mark.parametrize("kind", MESSAGES)
def test_lengths_that_could_be_shorter(kind: str) -> None:
    """Each length of each message has one spelling, or what was signed could be said in two ways."""
    message, take, _ = MESSAGES[kind]

    for start, end, length in _lengths(message):
        longer = (
            (length | 0x4000).to_bytes(2, "big") if length < 0x40 else (length | 1 << 31).to_bytes(4, "big")
        )
        with pytest.raises(DecodeError, match="not minimal"):
            take(message[:start] + longer + message[end:])
        with pytest.raises(DecodeError, match="prefix"):
            take(message[:start] + b"\xc0" + message[end:])


CHANGES: Final[dict[str, Callable[[bytes], bytes]]] = {
    "empty": lambda _: b"",
    "cut": lambda signature: signature[:-1],
    "longer": lambda signature: signature + b"\0",
    "zeros": lambda signature: bytes(len(signature)),
}


@pytest.mark.parametrize("kind", ["commit", "external commit", "proposal"])
@pytest.mark.parametrize("change", CHANGES)
def test_signatures_that_are_empty_cut_or_longer(kind: str, change: str) -> None:
    """A signature is never optional, and has one length."""
    message, take, _ = MESSAGES[kind]
    signature = MLSMessage.decode(message).expect(PublicMessage).auth.signature
    signed, changed = (Writer().opaque(each).bytes() for each in (signature, CHANGES[change](signature)))
    assert message.count(signed) == 1

    with pytest.raises(InvalidSignature):
        take(message.replace(signed, changed))


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64])
def test_confirmation_tags_of_no_size(size: int) -> None:
    """A tag that is empty, cut or longer cannot be any member's, so a hub refuses it, too."""
    with pytest.raises(RemoteMlsError) as refused:
        TABLE.group.stage(TABLE.commit(BO, tag=bytes(size)))

    assert refused.value.rule == CommitRule.TAG_SIZE


PUBLIC: Final = Writer().u16(MLS_10).u16(WireFormat.PUBLIC_MESSAGE).opaque(TABLE.group.group_id).bytes()
FLOODS: Final = {
    "self removes": (3, b"\1\0\x0a"),
    "references": (3, b"\2\0"),
    "removes": (3, b"\1\0\3\0\0\0\1"),
    "extensions": (3, b"\1\0\7\0"),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_floods_of_small_items(kind: str) -> None:
    """A megabyte of tiny proposals is refused by its form, before it costs many times its size."""
    content_type, unit = FLOODS[kind]
    body = Writer().opaque(unit * ((1 << 20) // len(unit))).u8(0).opaque(bytes(64)).opaque(bytes(32)).bytes()
    head = PUBLIC + bytes(7) + b"\3" + b"\1" + bytes(4) + b"\0"
    message = head + bytes((content_type,)) + body + Writer().opaque(bytes(32)).bytes()

    with pytest.raises(DecodeError, match="too many items"):
        TABLE.group.stage(message)


def test_a_proposal_is_not_staged_as_a_commit_and_back() -> None:
    """Each message has its door; the other one names what it is."""
    commit, proposal = TABLE.commit(BO), TABLE.proposal(CY, SelfRemove())

    with pytest.raises(RemoteMlsError, match="notAProposal"):
        TABLE.group.stage_proposal(commit)
    with pytest.raises(RemoteMlsError, match="notACommit"):
        TABLE.group.stage(proposal)


@pytest.mark.parametrize("kind", ["key package", "group info"])
def test_what_belongs_to_no_epoch(kind: str) -> None:
    """A hub's peek refuses what is no message of a group, and so do its doors."""
    message = MESSAGES[kind][0]

    for take in (peek, TABLE.group.stage, TABLE.group.stage_proposal):
        with pytest.raises(DecodeError):
            take(message)
