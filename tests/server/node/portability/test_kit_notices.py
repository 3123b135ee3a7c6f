"""A kit that nobody renews is dropped after 400 days, and whose it was hears of it before, and then."""

import os
import time

import msgspec
import pytest

from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import next_record, verify_first, verify_record
from yurt.node.accounts.testing import Newcomer
from yurt.node.store import logs
from yurt.node.store.types import Tx
from yurt.node.testing import Client, Town, until
from yurt.portability.kit import seal_graph
from yurt.portability.kit_contents import GraphContents
from yurt.portability.kit_keys import kit_secrets
from yurt.portability.roster import sign_roster
from yurt.wire.device_commands import PublishRecord
from yurt.wire.portability_commands import KIT_KEPT_S, KeepKit, KitKept, KitNotice
from yurt.wire.registry import InboxKind

HOME, BUDDY = "harbour.example", "hilltop.example"
DAY = 86_400


async def ana_with_a_kit(town: Town, buddy: str) -> tuple[Client, KeepKit]:
    """Ana at home, whose kit a buddy keeps; and the command that brings it there."""
    phrase, now = RecoveryPhrase.generate(os.urandom), time.time_ns() // 1_000_000_000
    ana = Client(town.session, HOME, Newcomer("ana", HOME, identity=phrase.identity_key()))
    signed_in = await ana.call(ana.person.join(await town.invite(HOME)))
    ana.token = signed_in.token
    record = verify_record(
        next_record(verify_first(ana.person.record), phrase.identity_key(), time=now, buddies=(buddy,))
    )
    await ana.call(PublishRecord(record.signed.encode()))
    public, device = kit_secrets(phrase).public, ana.person.device
    roster = sign_roster([], device, record, time=now)
    part = seal_graph(GraphContents(record.did, roster), public, device, record, counter=1, time=now)
    keep = KeepKit(buddy, public.kit_id, record.signed.encode(), (part,))
    await ana.call(keep)
    return ana, keep


async def grows_older(town: Town, buddy: str, days: int) -> None:
    """Let a kit lie for so long; whoever keeps it looks when it starts, and then once an hour."""
    await town.nodes[buddy].store.write(
        lambda tx: tx.change("UPDATE kit SET kept_at = kept_at - ?, graph_at = 0", days * DAY)
    )
    await town.stop(buddy)
    await town.start(buddy)


async def notices(town: Town) -> list[KitNotice]:
    """What is in ana's inbox about her kit."""

    def query(tx: Tx) -> list[KitNotice]:
        rows = tx.rows(
            "SELECT body FROM entry JOIN log ON log.id = entry.log WHERE log.name = ? AND kind = ?",
            logs.inbox_log("ana"),
            InboxKind.KIT,
        )
        return [msgspec.msgpack.decode(row[0], type=KitNotice) for row in rows]

    return await town.nodes[HOME].store.write(query)


@pytest.mark.parametrize("buddy", [BUDDY, HOME])
async def test_a_person_hears_that_a_kit_will_be_dropped_and_that_it_was(town: Town, buddy: str) -> None:
    """Nobody renewed it for 370 days, and then for 400: one word each, by whoever keeps it."""
    ana, keep = await ana_with_a_kit(town, buddy)
    await grows_older(town, buddy, 369)
    await grows_older(town, buddy, 2)

    async def told(count: int) -> bool:
        # Whoever is stopped before it has noted that tells it again.
        noted = await town.nodes[buddy].store.read(lambda tx: tx.rows("SELECT told FROM kit"))
        return len(await notices(town)) == count and noted in ([], [(count,)])

    await until(lambda: told(1))
    await grows_older(town, buddy, 30)
    await until(lambda: told(2))
    store = town.nodes[buddy].store

    async def forgotten() -> bool:
        return not await store.read(lambda tx: tx.rows("SELECT 1 FROM kit"))

    await until(forgotten)
    first, second = await notices(town)
    assert [(one.node, one.is_dropped) for one in (first, second)] == [(buddy, False), (buddy, True)]
    assert second.drops_at < time.time_ns() // 1_000_000_000 < first.drops_at + KIT_KEPT_S
    kept: KitKept = await ana.call(keep)
    assert kept.graph == 1


async def test_who_cannot_be_reached_is_told_later(town: Town) -> None:
    """The person's node is away for a while: the copy is dropped all the same, and the word waits."""
    await ana_with_a_kit(town, BUDDY)
    await town.stop(HOME)
    await grows_older(town, BUDDY, 401)
    store = town.nodes[BUDDY].store

    async def dropped() -> bool:
        return bool(await store.read(lambda tx: tx.rows("SELECT 1 FROM kit WHERE graph = x'' AND told < 2")))

    await until(dropped)
    await town.start(HOME)
    await town.stop(BUDDY)
    await town.start(BUDDY)

    async def told() -> bool:
        return [one.is_dropped for one in await notices(town)] == [True]

    await until(told)
    assert (await notices(town))[0].node == BUDDY


async def test_a_renewed_kit_is_warned_of_anew(town: Town) -> None:
    """Whoever renews a kit has 400 days again; of the next end is told again."""
    ana, keep = await ana_with_a_kit(town, BUDDY)
    await grows_older(town, BUDDY, 371)

    async def told(count: int) -> bool:
        return len(await notices(town)) == count

    await until(lambda: told(1))
    await ana.call(keep)
    await grows_older(town, BUDDY, 1)
    await grows_older(town, BUDDY, 371)

    await until(lambda: told(2))
    assert [one.is_dropped for one in await notices(town)] == [False, False]
