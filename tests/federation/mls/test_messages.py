"""Every official message is read, and written back as it came."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.commit import Commit
from yurt.mls.errors import DecodeError
from yurt.mls.framing import ContentType, MLSMessage, WireFormat, peek
from yurt.mls.key_package import KeyPackage
from yurt.mls.proposals import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    ReInit,
    Remove,
    SelfRemove,
    Update,
    read_proposal,
    write_proposal,
)
from yurt.mls.welcome import GroupSecrets

Case = dict[str, Any]
Load = Callable[[str], list[Case]]
unhex = bytes.fromhex

KINDS: dict[str, type[Structure]] = {
    "mls_welcome": MLSMessage,
    "mls_group_info": MLSMessage,
    "mls_key_package": MLSMessage,
    "group_secrets": GroupSecrets,
    "add_proposal": Add,
    "update_proposal": Update,
    "remove_proposal": Remove,
    "pre_shared_key_proposal": PreSharedKey,
    "re_init_proposal": ReInit,
    "external_init_proposal": ExternalInit,
    "group_context_extensions_proposal": GroupContextExtensions,
    "commit": Commit,
    "public_message_application": MLSMessage,
    "public_message_proposal": MLSMessage,
    "public_message_commit": MLSMessage,
    "private_message": MLSMessage,
}


def _bodies(case: Case) -> Iterator[tuple[type[Structure], bytes]]:
    for name, kind in KINDS.items():
        yield kind, unhex(case[name])


def test_official_messages(vectors: Load) -> None:
    """Each of the 300 official sets comes back byte for byte."""
    cases = vectors("messages")

    for case in cases:
        for kind, data in _bodies(case):
            assert kind.decode(data).encode() == data

    assert len(cases) == 300


def test_truncated_messages(vectors: Load) -> None:
    """A message cut anywhere is malformed, never a crash."""
    case = vectors("messages")[0]

    for kind, data in _bodies(case):
        for cut in range(0, len(data), max(1, len(data) // 97)):
            with pytest.raises(DecodeError):
                kind.decode(data[:cut])


def test_flipped_messages(vectors: Load) -> None:
    """A message with one byte changed is malformed or another message, never a crash."""
    case = vectors("messages")[1]
    malformed = 0

    for kind, data in _bodies(case):
        for place in range(0, len(data), max(1, len(data) // 97)):
            changed = bytearray(data)
            changed[place] ^= 0xFF
            try:
                assert kind.decode(bytes(changed)).encode() == bytes(changed)
            except DecodeError:
                malformed += 1

    assert malformed > 0


def test_peek(vectors: Load) -> None:
    """A hub reads group, epoch and content type of both framings without being in the group."""
    case = vectors("messages")[0]
    public, private = unhex(case["public_message_commit"]), unhex(case["private_message"])

    outside = peek(public)

    assert outside.wire_format is WireFormat.PUBLIC_MESSAGE
    assert outside.content_type is ContentType.COMMIT
    assert peek(private).wire_format is WireFormat.PRIVATE_MESSAGE
    assert peek(private).group_id == outside.group_id


def test_peek_at_a_welcome(vectors: Load) -> None:
    """A Welcome belongs to no epoch of a log."""
    with pytest.raises(DecodeError):
        peek(unhex(vectors("messages")[0]["mls_welcome"]))


def test_unknown_extensions_are_kept(vectors: Load) -> None:
    """Unknown extensions of a key package are signed bytes that stay as they are."""
    data = unhex(vectors("messages")[0]["mls_key_package"])
    package = MLSMessage.decode(data).expect(KeyPackage)

    assert KeyPackage.decode(package.encode()) == package


def test_a_proposal_of_an_unknown_type() -> None:
    """Nobody can tell where an unknown proposal ends, so it is malformed."""
    with pytest.raises(DecodeError):
        read_proposal(Reader(unhex("0a0a00")))


def test_a_self_remove_is_only_its_type() -> None:
    """A SelfRemove has an empty body."""
    w = Writer()
    write_proposal(w, SelfRemove())

    assert w.bytes() == unhex("000a")
    assert read_proposal(Reader(w.bytes())) == SelfRemove()
