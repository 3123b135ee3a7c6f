"""The queue of activities: nothing is lost, and nobody waits for somebody else's host."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
from typing_extensions import override

from yurt.activitypub import follower_sync
from yurt.activitypub.delivery import DEAD_DAYS, Recipient, plan
from yurt.activitypub.follow import FollowState
from yurt.activitypub.timestamps import write_time
from yurt.node.accounts.testing import Newcomer, actor_key
from yurt.node.fetch import Fetched, FetchFailed, FetchRefused, SafeFetch, Sign
from yurt.node.people import delivery, delivery_turns
from yurt.node.people.delivery import Delivery
from yurt.node.store import accounts, deliveries, people
from yurt.node.store.accounts import NewAccount, StoredLogin
from yurt.node.store.deliveries import NewDelivery
from yurt.node.store.delivery_hosts import HostRow, host_named
from yurt.node.store.people import KnownPerson
from yurt.node.store.sqlite import SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import Tx
from yurt.node.testing import until
from yurt.node.testing_clock import SetClock
from yurt.node.work_pool import WorkPool

HARBOUR = "harbour.example"
DAY_MS = 86_400_000
Answering = Callable[[dict[str, str]], Awaitable[Fetched]]


class Fediverse(SafeFetch):
    """Hosts that answer as they were told to; everybody else takes everything."""

    def __init__(self) -> None:
        super().__init__(None)
        self.hosts: dict[str, Answering] = {}
        self.taken: list[tuple[str, bytes]] = []
        self.asked: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []

    @override
    async def post(
        self,
        url: str,
        body: bytes,
        headers: dict[str, str],
        *,
        limit: int = 0,
        total_s: float = 0,
        sign: Sign | None = None,
    ) -> Fetched:
        """Answer as the host does."""
        del limit, total_s
        host = url.split("/")[2]
        self.asked[host] += 1
        headers = headers | (await sign() if sign else {})
        self.headers.append(headers)
        answer = await self.hosts.get(host, taking)(headers)
        if answer.status == 202:
            self.taken.append((host, body))
        return answer


async def taking(_headers: dict[str, str]) -> Fetched:
    return Fetched("", 202, {}, b"")


async def tar_pit(_headers: dict[str, str]) -> Fetched:
    await asyncio.sleep(3600)
    raise FetchFailed("never")


async def dead(_headers: dict[str, str]) -> Fetched:
    raise FetchFailed("nobody is there")


def answering(status: int, **headers: str) -> Answering:
    async def answer(_headers: dict[str, str]) -> Fetched:
        return Fetched("", status, headers, b"")

    return answer


@dataclass
class Office:
    """A queue with its store, its clock and its fediverse."""

    store: SqliteStore
    clock: SetClock = field(default_factory=SetClock)
    world: Fediverse = field(default_factory=Fediverse)
    work: WorkPool = field(default_factory=WorkPool)
    delivery: Delivery | None = None

    async def open(self) -> None:
        """Begin to deliver."""
        self.delivery = Delivery(HARBOUR, self.store, self.clock, self.world, self.work)
        await self.delivery.start()

    async def close(self) -> None:
        """Stop, as a restart does, whatever is under way."""
        if self.delivery is not None:
            await self.delivery.stop()

    async def queue(self, *hosts: str, new: NewDelivery | None = None) -> None:
        """Let an activity wait for each of these hosts."""
        stops = plan(Recipient(f"https://{host}/bo", f"https://{host}/bo/inbox") for host in hosts)
        activity = new or NewDelivery("ana", b"{}")
        await self.store.write(lambda tx: deliveries.add_deliveries(tx, activity, stops, self.clock.ms))
        if self.delivery is not None:
            self.delivery.wake()

    async def later(self, ms: int) -> None:
        """Let time pass, and the queue look again."""
        self.clock.ms += ms
        if self.delivery is not None:
            self.delivery.wake()

    async def waiting(self) -> int:
        """How many activities wait."""
        rows = await self.store.read(lambda tx: tx.rows("SELECT 1 FROM delivery WHERE aside = ''"))
        return len(rows)

    async def tries(self) -> list[int]:
        """Failures of what waits."""
        rows = await self.store.read(lambda tx: tx.rows("SELECT tries FROM delivery WHERE aside = ''"))
        return [int(row[0]) for row in rows]

    async def aside(self) -> list[str]:
        """Why activities were set aside."""
        rows = await self.store.read(lambda tx: tx.rows("SELECT aside FROM delivery WHERE aside <> ''"))
        return [str(row[0]) for row in rows]

    async def host(self, name: str) -> HostRow:
        """What is known of a host."""
        return await self.store.read(lambda tx: host_named(tx, name))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """The queue of ana's node; not yet open."""
    store = await SqliteStore.open(tmp_path / "node.db", STEPS)
    did = Newcomer("ana", HARBOUR).identity.did
    account = NewAccount("ana", did, b"", actor_key(), "", StoredLogin(b"", b"", 8, 1), 0)
    await store.write(lambda tx: accounts.add_account(tx, account, ""))
    running = Office(store)
    yield running
    await running.close()
    running.work.close()
    await store.close()


async def test_bad_hosts_delay_nobody_else(office: Office) -> None:
    """Tar pits and dead hosts cost only what waits for them."""
    pits = [f"pit{n}.example" for n in range(12)]
    gone = [f"gone{n}.example" for n in range(20)]
    good = [f"good{n}.example" for n in range(60)]
    office.world.hosts = {**dict.fromkeys(pits, tar_pit), **dict.fromkeys(gone, dead)}
    await office.queue(*pits, *gone, *good)

    await office.open()

    await until(lambda: len(office.world.taken) == 60)
    assert {host for host, _ in office.world.taken} == set(good)


async def test_who_answered_lately_is_served_first(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts that may be gone are tried when those that are there have what is theirs."""
    monkeypatch.setattr(delivery, "HOSTS_AT_ONCE", 1)
    await office.open()
    await office.queue("n.example", "m.example")
    await until(lambda: _is(office.waiting(), 0))
    office.world.taken.clear()

    await office.queue(*(f"{name}.example" for name in "abmnyz"))

    await until(lambda: _is(office.waiting(), 0))
    assert {host for host, _ in office.world.taken[:2]} == {"m.example", "n.example"}


async def test_bad_hosts_are_tried_when_the_good_ones_have_what_is_theirs(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A post to many hosts takes no longer because some of them are gone."""
    monkeypatch.setattr(delivery_turns, "GIVE_WAY_S", 3600.0)
    good, gone = [f"good{n}.example" for n in range(60)], [f"gone{n}.example" for n in range(20)]
    await office.open()
    await office.queue(*good)
    await until(lambda: _is(office.waiting(), 0))
    office.world.taken.clear()
    had_by_then = list[int]()

    async def nobody(_headers: dict[str, str]) -> Fetched:
        had_by_then.append(len(office.world.taken))
        raise FetchFailed("nobody is there")

    office.world.hosts = dict.fromkeys(gone, nobody)
    await office.queue(*gone, *good)

    await until(lambda: len(had_by_then) == 20)
    assert had_by_then == [60] * 20


async def test_what_goes_after_something_else_follows_at_once(office: Office) -> None:
    """An order between deliveries, to whatever hosts, costs no wait."""
    await office.queue("hill.example", "shore.example")
    await office.store.write(lambda tx: tx.change("UPDATE delivery SET goes_after = 1 WHERE id = 2"))

    await office.open()

    await until(lambda: _is(office.waiting(), 0))
    assert [host for host, _ in office.world.taken] == ["hill.example", "shore.example"]


async def test_what_comes_while_a_new_host_is_served_goes_next(office: Office) -> None:
    """It is not on the page that is under way; nobody rings again when that is done."""
    over = asyncio.Event()

    async def slow(headers: dict[str, str]) -> Fetched:
        await over.wait()
        return await taking(headers)

    office.world.hosts["slow.example"] = slow
    await office.open()
    await office.queue("slow.example")
    await until(lambda: office.world.asked["slow.example"] == 1)

    await office.queue("slow.example", "other.example")
    await until(lambda: office.world.asked["other.example"] == 1)
    over.set()

    await until(lambda: office.world.asked["slow.example"] == 2)


async def test_hosts_that_failed_share_slots_of_their_own(office: Office) -> None:
    """However many old hosts have become tar pits, a healthy one is served at once."""
    pits = [f"pit{n}.example" for n in range(60)]
    office.world.hosts = dict.fromkeys(pits, dead)
    await office.open()
    await office.queue(*pits)
    await until(lambda: sum(office.world.asked.values()) == 60)
    office.world.hosts = dict.fromkeys(pits, tar_pit)
    await office.later(10_000)
    await until(lambda: sum(office.world.asked.values()) == 68)

    await office.queue("good.example")

    await until(lambda: len(office.world.taken) == 1)


async def test_a_host_that_is_down_costs_one_try_for_everything(office: Office) -> None:
    """What waits for a dead host waits together, and all of it goes when the host is heard from."""
    office.world.hosts = {"hill.example": dead}
    for _ in range(30):
        await office.queue("hill.example")
    await office.open()
    await until(lambda: office.world.asked["hill.example"] == 1)
    await asyncio.sleep(0.05)
    assert office.world.asked["hill.example"] == 1

    office.world.hosts = {}
    await office.store.write(lambda tx: deliveries.alive(tx, "hill.example", office.clock.ms))
    await office.later(0)

    await until(lambda: len(office.world.taken) == 30)
    await until(lambda: _is(office.waiting(), 0))
    assert (await office.host("hill.example")).failures == 0


async def test_a_restart_between_claim_and_post_loses_nothing(office: Office) -> None:
    """What was under way when the node stopped is sent by the next one."""
    office.world.hosts = {"hill.example": tar_pit}
    await office.queue("hill.example")
    await office.open()
    await until(lambda: office.world.asked["hill.example"] == 1)
    await office.close()

    office.world.hosts = {}
    await office.open()

    await until(lambda: office.world.taken == [("hill.example", b"{}")])


@pytest.mark.parametrize("status", [400, 404, 410, 425, 501])
async def test_a_final_refusal_is_set_aside(office: Office, status: int) -> None:
    """A refusal that stays one is not asked for again, and blocks nothing."""
    office.world.hosts = {"hill.example": answering(status)}
    await office.queue("hill.example")
    await office.open()
    await until(lambda: _is(office.waiting(), 0))

    assert await office.aside() == [f"status{status}"]


@pytest.mark.parametrize("status", [401, 408, 429, 500, 503])
async def test_other_refusals_are_tried_again(office: Office, status: int) -> None:
    """Keys and clocks get well, and load passes."""
    office.world.hosts = {"hill.example": answering(status)}
    await office.queue("hill.example")
    await office.open()
    await until(lambda: _failed(office, "hill.example"))
    office.world.hosts = {}
    await office.later(5_000)

    await until(lambda: len(office.world.taken) == 1)


@dataclass
class Bucket:
    """A host that takes so many at once, then one each so many milliseconds, and says when to come again."""

    clock: SetClock
    left: int
    every_ms: int = 2_000
    names_moment: bool = False
    """As Mastodon and GoToSocial do, in place of the seconds."""
    not_before: int = 0
    too_early: int = 0
    refused: int = 0

    async def answer(self, _headers: dict[str, str]) -> Fetched:
        """Take one, or say when."""
        self.too_early += self.clock.ms < self.not_before
        if self.left or (self.not_before and self.clock.ms >= self.not_before):
            self.left = max(0, self.left - 1)
            self.not_before = 0
            return await taking({})
        self.refused += 1
        self.not_before = self.clock.ms + self.every_ms
        moment = {"x-ratelimit-reset": write_time(-(-self.not_before // 1000))}
        seconds = {"retry-after": str(self.every_ms // 1000)}
        return Fetched("", 429, moment if self.names_moment else seconds, b"")


@pytest.mark.parametrize("names_moment", [False, True])
async def test_a_busy_host_is_asked_when_it_said_and_all_arrives_in_order(
    office: Office,
    names_moment: bool,  # noqa: FBT001  # what pytest gives
) -> None:
    """429 with a time is the host's pace: nothing fails, nothing comes early, nothing is passed by."""
    bucket = Bucket(office.clock, left=3, names_moment=names_moment)
    office.world.hosts = {"hill.example": bucket.answer}
    bodies = [b"%d" % number for number in range(9)]
    for body in bodies:
        await office.queue("hill.example", new=NewDelivery("ana", body, is_follow=True))
    await office.open()

    failures = set[int]()

    async def all_arrived() -> bool:
        failures.update(await office.tries())
        return await _time_passes(office, len(office.world.taken) == len(bodies))

    await until(all_arrived)

    assert [body for _, body in office.world.taken] == bodies
    assert (bucket.refused > 1, bucket.too_early) == (True, 0)
    assert failures == {0}
    known = await office.host("hill.example")
    assert (known.failures, known.health.failed_days) == (0, ())


async def test_a_restart_does_not_make_a_busy_host_be_asked_early(office: Office) -> None:
    """What it asked for stands in the store, beside what waits; and a new Follow does not end it either."""
    bucket = Bucket(office.clock, left=0, every_ms=3_600_000)
    office.world.hosts = {"hill.example": bucket.answer}
    await office.queue("hill.example", new=NewDelivery("ana", b"first"))
    await office.open()
    await until(lambda: bucket.refused == 1)
    await until(lambda: _paused(office, "hill.example"))
    await office.close()

    await office.queue("hill.example", new=NewDelivery("ana", b"second", is_follow=True))
    await office.open()
    await office.queue("good.example")
    await until(lambda: _is(office.waiting(), 2))

    assert office.world.asked["hill.example"] == 1
    assert await office.tries() == [0, 0]
    bucket.left = 2
    await office.later(4_000_000)
    await until(lambda: _time_passes(office, len(office.world.taken) == 3))
    assert [body for host, body in office.world.taken if host == "hill.example"] == [b"first", b"second"]


async def test_a_follow_ends_the_pause_of_a_host_that_was_down(office: Office) -> None:
    """A person who follows asks anew; that the host did not answer before is no promise to it."""
    office.world.hosts = {"hill.example": dead}
    await office.queue("hill.example")
    await office.open()
    await until(lambda: _failed(office, "hill.example"))
    office.world.hosts = {}

    await office.queue("hill.example", new=NewDelivery("ana", b"follow", is_follow=True))

    await until(lambda: len(office.world.taken) == 2)


async def test_a_host_that_fails_on_seven_days_is_dead_but_for_follows(office: Office) -> None:
    """A dead mark holds everything back, except a person who asks anew; and an answer takes it away."""
    office.world.hosts = {"hill.example": dead}
    await office.queue("hill.example")
    await office.open()
    for day in range(1, DEAD_DAYS + 1):
        await until(partial(_days, office, day))
        await office.later(DAY_MS)
    asked = office.world.asked["hill.example"]
    await office.later(DAY_MS)
    await asyncio.sleep(0.05)
    assert office.world.asked["hill.example"] == asked

    office.world.hosts = {}
    await office.queue("hill.example", new=NewDelivery("ana", b"follow", is_follow=True))

    await until(lambda: [body for _, body in office.world.taken] == [b"follow", b"{}"])


async def test_two_weeks_are_enough(office: Office) -> None:
    """What could not be delivered for 14 days is set aside."""
    office.world.hosts = {"hill.example": answering(500)}
    await office.queue("hill.example")
    await office.open()
    await until(lambda: _failed(office, "hill.example"))
    await office.later(15 * DAY_MS)

    await until(lambda: _is(office.aside(), ["tooOld"]))


async def test_a_poisoned_item_blocks_nothing(office: Office) -> None:
    """What cannot be sent at all is set aside, with its reason, and the next one goes."""

    async def refuses(_headers: dict[str, str]) -> Fetched:
        raise FetchRefused("not a place")

    async def breaks(_headers: dict[str, str]) -> Fetched:
        office.world.hosts.pop("odd.example")
        raise KeyError("our own bug")

    office.world.hosts = {"wrong.example": refuses, "odd.example": breaks}
    await office.queue("wrong.example", "hill.example", new=NewDelivery("nobody", b"{}"))
    await office.queue("wrong.example", "hill.example", "odd.example")
    await office.queue("odd.example")
    await office.open()

    await until(lambda: _is(office.waiting(), 0))
    assert sorted(await office.aside()) == ["badInbox", "poisonedKeyError", "senderGone", "senderGone"]
    assert sorted(host for host, _ in office.world.taken) == ["hill.example", "odd.example"]


async def test_the_second_knock_is_remembered(office: Office) -> None:
    """A host that reads only RFC 9421 is asked twice once, and then as it likes."""

    async def modern(headers: dict[str, str]) -> Fetched:
        return Fetched("", 202 if "Signature-Input" in headers else 401, {}, b"")

    office.world.hosts = {"hill.example": modern}
    await office.open()
    await office.queue("hill.example")
    await until(lambda: len(office.world.taken) == 1)
    assert office.world.asked["hill.example"] == 2

    await office.queue("hill.example")

    await until(lambda: len(office.world.taken) == 2)
    assert office.world.asked["hill.example"] == 3


async def test_followers_only_things_carry_a_digest_of_the_followers_there(office: Office) -> None:
    """The receiving node can see whether it agrees about who follows (FEP-8fcf), about nobody else."""
    there = ["https://hill.example/bo", "https://hill.example/cleo"]
    elsewhere = ["https://hill.example.org/dan", "https://hillside.example/eve", "https://a.hill.example/fay"]
    pending = "https://hill.example/gus"

    def follows(tx: Tx) -> None:
        account = accounts.account_named(tx, "ana")
        assert account is not None
        for actor in (*there, *elsewhere, pending):
            state = FollowState.PENDING if actor == pending else FollowState.ACCEPTED
            person = people.put_person(tx, KnownPerson(actor, actor.removeprefix("https://")))
            people.put_tie(tx, account.id, person, people.FOLLOWER, (state.value, "", 0))

    await office.store.write(follows)
    await office.queue("hill.example", new=replace(NewDelivery("ana", b"{}"), for_followers=True))
    await office.open()
    await until(lambda: len(office.world.taken) == 1)

    header = office.world.headers[0]["Collection-Synchronization"]
    assert 'collectionId="https://harbour.example/users/ana/followers"' in header
    assert f'digest="{follower_sync.digest_of(there)}"' in header
    assert "collection-synchronization" in office.world.headers[0]["Signature"].lower()


async def _is(found: Awaitable[object], wanted: object) -> bool:
    return await found == wanted


async def _failed(office: Office, host: str) -> bool:
    return bool((await office.host(host)).health.failed_days)


async def _days(office: Office, days: int) -> bool:
    return len((await office.host("hill.example")).health.failed_days) == days


async def _paused(office: Office, host: str) -> bool:
    return (await office.host(host)).paused_until > office.clock.ms


async def _time_passes(office: Office, is_so: bool) -> bool:  # noqa: FBT001  # as below
    if not is_so:
        await office.later(1_000)
    return is_so
