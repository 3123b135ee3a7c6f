"""A buddy says that it drops the kit: what it lacks it gets anew, and an old word changes nothing."""

import hashlib
from collections.abc import Iterator

import msgspec
import pytest
from sqlcipher3 import dbapi2
from sqlcipher3.dbapi2 import Connection

from yurt.client.moving.forecast import kit_standing
from yurt.client.portability import kit_notices
from yurt.client.vault import kits, schema
from yurt.client.vault.kits import BuddyRow, KitRow
from yurt.wire.portability_commands import KIT_KEPT_S, KitNotice
from yurt.wire.position import LogRow, Position
from yurt.wire.registry import InboxKind

NOW = 1_795_000_000
DAY = 86_400
BUDDY = "hilltop.example"


@pytest.fixture
def tx() -> Iterator[Connection]:
    """A vault whose kit a buddy has kept since a year ago."""
    connection = dbapi2.connect(":memory:")
    schema.prepare(connection)
    kits.save(connection, KitRow(b"public", b"keys", b"graph", counter=9, graph_at=NOW))
    kits.set_buddies(connection, (BUDDY,))
    kits.save_buddy(connection, BuddyRow(BUDDY, keys=8, graph=9, kept_at=NOW - 371 * DAY))
    yield connection
    connection.close()


def says(tx: Connection, drops_at: int, *, is_dropped: bool, node: str = BUDDY) -> BuddyRow:
    """What is known of the buddy after its word."""
    notice = KitNotice(did="did:key:z", node=node, drops_at=drops_at, is_dropped=is_dropped)
    body = msgspec.msgpack.encode(notice)
    kit_notices.take(tx, LogRow(Position(0, 1), InboxKind.KIT, NOW, hashlib.sha256(body).digest(), body, b""))
    (buddy,) = kits.buddies(tx)
    return buddy


def test_it_will_be_dropped(tx: Connection) -> None:
    """`kit status` and `check` say when, until it is renewed."""
    end = NOW - 371 * DAY + KIT_KEPT_S
    buddy = says(tx, end, is_dropped=False)

    assert (buddy.drops_at, buddy.graph) == (end, 9)
    (line,) = kit_standing(tx, NOW).notices
    assert "drops its copy of your kit in 29 days" in line
    kits.save_buddy(tx, BuddyRow(BUDDY, keys=8, graph=10, kept_at=NOW))
    assert kit_standing(tx, NOW).notices == ()


def test_it_was_dropped(tx: Connection) -> None:
    """Nothing counts as kept there any more, the keys neither: all of it goes there again."""
    kits.save_buddy(tx, BuddyRow(BUDDY, keys=8, graph=9, kept_at=NOW - 401 * DAY, try_at=NOW + DAY))

    buddy = says(tx, NOW - DAY, is_dropped=True)

    assert (buddy.keys, buddy.graph, buddy.try_at, buddy.dropped_at) == (0, 0, 0, NOW - DAY)
    assert "dropped its copy" in kit_standing(tx, NOW).notices[0]


def test_an_old_word_and_a_stranger_s_change_nothing(tx: Connection) -> None:
    """What was renewed meanwhile is there; nobody else speaks for a buddy."""
    kits.save_buddy(tx, BuddyRow(BUDDY, keys=8, graph=9, kept_at=NOW))
    before = kits.buddies(tx)

    for is_dropped in (False, True):
        says(tx, NOW - DAY, is_dropped=is_dropped)
        says(tx, NOW + KIT_KEPT_S, is_dropped=is_dropped, node="other.example")

    assert kits.buddies(tx) == before
    kit_notices.take(tx, LogRow(Position(0, 2), InboxKind.KIT, NOW, bytes(32), b"no notice", b""))
    assert kits.buddies(tx) == before


def test_the_own_node_is_no_safety(tx: Connection) -> None:
    """After a move to a buddy its copy dies with the own node: nobody keeps the kit then."""
    assert kit_standing(tx, NOW).buddies == (BUDDY,)
    assert kit_standing(tx, NOW, BUDDY).buddies == ()
