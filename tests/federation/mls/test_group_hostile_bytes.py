from collections.abc import Callable, Iterator

import pytest

from yurt.mls.errors import RemoteMlsError
from yurt.mls.rehearsal import GROUP_ID, Member, add, room

Take = Callable[[bytes], object]
"""What a member does with bytes from outside."""


def mangled(data: bytes) -> Iterator[bytes]:
    """Give the message with bits flipped, cut short, and with a byte behind it."""
    step = max(1, len(data) // 150)
    for place in range(0, len(data), step):
        for mask in (0x01, 0x80):
            yield data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]
        yield data[:place]
    yield data + b"\x00"


def refuses(member: Member, take: Take, data: bytes) -> int:
    """Check that every mangled form is refused as theirs and changes no row; count them."""
    before, count = sorted(member.store.rows(GROUP_ID)), 0
    for bad in mangled(data):
        with pytest.raises(RemoteMlsError):
            take(bad)
        count += 1
    assert sorted(member.store.rows(GROUP_ID)) == before
    return count


def test_mangled_commits() -> None:
    """Whatever arrives in place of a commit is refused by name, and the commit itself still works."""
    ana, bo, _ = room("ana", "bo", "cy")
    staged = ana.group.stage_commit(force_path=True, authenticated_data=b"data")

    assert refuses(bo, lambda bad: bo.group.process(bad, at=0), staged.commit) > 300

    bo.follow(staged)
    assert bo.group.epoch == 2


def test_mangled_messages() -> None:
    """Whatever arrives in place of a message is refused by name, and the message is still read."""
    ana, bo = room("ana", "bo")
    bo.group.process(ana.group.encrypt(b"the secret tree has descended"), at=0)
    message = ana.group.encrypt(b"hello", authenticated_data=b"data")

    assert refuses(bo, lambda bad: bo.group.process(bad, at=0), message) > 300

    assert bo.group.process(message, at=0) is not None


def test_mangled_welcomes() -> None:
    """Whatever arrives in place of a Welcome is refused by name, and the Welcome itself still works."""
    ana, bo = room("ana", "bo")
    cy = Member("cy")
    package = cy.key_package().key_package
    staged = ana.group.stage_commit(adds=[package], force_path=True)

    assert refuses(cy, cy.join, staged.welcome or b"") > 300

    cy.join(staged.welcome)
    bo.follow(staged)
    ana.group.merge()
    add([ana, bo, cy], [Member("dee")])
    assert cy.group.epoch == bo.group.epoch == 3
