"""Kits of other people: noise that only its phrase fetches, taken only from devices that count."""

import os
from dataclasses import dataclass, replace

import pytest

from yurt.identity.device import DeviceKeys
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import SignedRecord, VerifiedRecord, first_record, next_record, verify_record
from yurt.node.limiter import Rate
from yurt.node.store import accounts, people
from yurt.node.store.people import KnownPerson
from yurt.node.store.types import Store, Tx
from yurt.node.testing import Client, Town
from yurt.portability.kit import seal_graph, seal_keys
from yurt.portability.kit_contents import ActorKey, GraphContents, KeysContents
from yurt.portability.kit_file import encode_kit, open_kit
from yurt.portability.kit_keys import KitSecrets, kit_secrets
from yurt.portability.roster import Tie, sign_roster
from yurt.wire.portability_commands import FetchKit, KeepKit, KitKept
from yurt.wire.problems import ProblemError
from yurt.wire.registry import DEVICE_LIFETIME_S

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"
SECRET_TIE = "https://meadow.example/users/secret-friend"


@dataclass
class Owner:
    """Somebody with a kit; whether they have an account does not matter to a buddy."""

    phrase: RecoveryPhrase
    device: DeviceKeys
    record: VerifiedRecord
    now: int

    @classmethod
    def make(cls, now: int, *buddies: str) -> "Owner":
        phrase, device = RecoveryPhrase.generate(os.urandom), DeviceKeys.generate(os.urandom)
        identity = phrase.identity_key()
        actor = f"https://{HARBOUR}/users/ana"
        first = verify_record(
            first_record(identity, actor, device.public, not_after=now + DEVICE_LIFETIME_S, time=now)
        )
        record = verify_record(next_record(first, identity, time=now, buddies=buddies))
        return cls(phrase, device, record, now)

    @property
    def secrets(self) -> KitSecrets:
        return kit_secrets(self.phrase)

    def graph(
        self, counter: int, *, device: DeviceKeys | None = None, record: VerifiedRecord | None = None
    ) -> bytes:
        keys, record = device or self.device, record or self.record
        tie = Tie(actor=SECRET_TIE, follower=True)
        roster = sign_roster([tie], keys, record, time=self.now)
        contents = GraphContents(record.did, roster)
        return seal_graph(contents, self.secrets.public, keys, record, counter=counter, time=self.now)

    def keys(self, counter: int) -> bytes:
        key = ActorKey(self.record.record.actor, self.record.record.actor + "#main-key", b"rsa", self.now)
        return seal_keys(
            KeysContents(self.record.did, (key,)),
            self.secrets.public,
            self.device,
            self.record,
            self.phrase.identity_key(),
            counter=counter,
            time=self.now,
        )

    def file(self, *parts: bytes) -> bytes:
        return self.secrets.kit_id + encode_kit(self.record, parts)

    def request(self, node: str) -> bytes:
        return self.secrets.sign_read(node, time=self.now, nonce=os.urandom(16))


async def post(town: Town, path: str, body: bytes) -> tuple[int, bytes]:
    async with town.session.post(f"https://{HILLTOP}{path}", data=body) as answer:
        return answer.status, await answer.read()


def now_of(town: Town) -> int:
    import time

    del town
    return int(time.time())  # noqa: TID251  # a test is where its clock is


async def test_a_kit_is_kept_and_comes_back_to_its_phrase(town: Town) -> None:
    """Buddy and strangers see noise; the phrase and the buddy's name are enough."""
    owner = Owner.make(now_of(town), HILLTOP)
    status, answer = await post(town, "/kits/keep", owner.file(owner.keys(5), owner.graph(6)))
    assert status == 200, answer
    assert b'"graph":6' in answer

    status, kit = await post(town, "/kits/read", owner.request(HILLTOP))

    assert status == 200
    opened = open_kit([kit], owner.secrets)
    assert opened.graph is not None
    assert SECRET_TIE.encode() in opened.graph.roster
    assert b"secret-friend" not in kit
    store: Store = town.nodes[HILLTOP].store
    kept = await store.read(lambda tx: tx.rows("SELECT keys, graph, record FROM kit"))
    assert b"secret-friend" not in b"".join(bytes(value) for row in kept for value in row)
    stranger = Owner.make(owner.now, HILLTOP)
    with pytest.raises(Exception, match="no copy"):
        open_kit([kit], stranger.secrets)


async def test_only_the_phrase_fetches_a_kit_and_each_request_once(town: Town) -> None:
    """Whoever knows the kit's name, or saw a request, gets the same answer as for no kit at all."""
    owner, thief = Owner.make(now_of(town), HILLTOP), Owner.make(now_of(town), HILLTOP)
    assert (await post(town, "/kits/keep", owner.file(owner.graph(1))))[0] == 200
    forged = replace(thief.secrets, kit_id=owner.secrets.kit_id)
    request = owner.request(HILLTOP)

    answers = [
        await post(town, "/kits/read", forged.sign_read(HILLTOP, time=owner.now, nonce=os.urandom(16))),
        await post(town, "/kits/read", thief.request(HILLTOP)),
        await post(town, "/kits/read", owner.request(HARBOUR)),
        await post(
            town, "/kits/read", owner.secrets.sign_read(HILLTOP, time=owner.now - 3600, nonce=bytes(16))
        ),
        await post(town, "/kits/read", b"\0" * 40),
    ]
    first = await post(town, "/kits/read", request)
    again = await post(town, "/kits/read", request)

    assert {status for status, _ in answers} == {404}
    assert len({body for _, body in answers}) == 1
    assert first[0] == 200
    assert again[0] == 404


async def test_the_highest_counter_wins_and_a_buddy_takes_one_write_a_minute(town: Town) -> None:
    """An old copy never replaces a newer one; a newer one waits its minute; the same again is no write."""
    owner = Owner.make(now_of(town), HILLTOP)
    newest = owner.graph(9)
    assert (await post(town, "/kits/keep", owner.file(newest)))[0] == 200

    same = await post(town, "/kits/keep", owner.file(newest))
    old = await post(town, "/kits/keep", owner.file(owner.graph(8)))
    soon = await post(town, "/kits/keep", owner.file(owner.graph(10)))
    store: Store = town.nodes[HILLTOP].store
    await store.write(lambda tx: tx.change("UPDATE kit SET graph_at = graph_at - 61"))
    later = await post(town, "/kits/keep", owner.file(owner.graph(10)))

    assert same[0] == 200
    assert (old[0], b"kitOld" in old[1]) == (422, True)
    assert soon[0] == 429
    assert later[0] == 200


async def test_a_device_that_is_not_in_the_newest_record_refreshes_nothing(town: Town) -> None:
    """A revoked device is refused, although an older record still lists it."""
    owner = Owner.make(now_of(town), HILLTOP)
    assert (await post(town, "/kits/keep", owner.file(owner.graph(1))))[0] == 200
    identity, other = owner.phrase.identity_key(), DeviceKeys.generate(os.urandom)
    added = [(other.public, owner.now + DEVICE_LIFETIME_S)]
    revoked = verify_record(
        next_record(owner.record, identity, time=owner.now, add=added, revoke=(owner.device.device_id,))
    )
    store: Store = town.nodes[HILLTOP].store
    await store.write(lambda tx: tx.change("UPDATE kit SET graph_at = graph_at - 61"))
    new = owner.secrets.kit_id + encode_kit(revoked, [owner.graph(2, device=other, record=revoked)])
    assert (await post(town, "/kits/keep", new))[0] == 200
    await store.write(lambda tx: tx.change("UPDATE kit SET graph_at = graph_at - 61"))

    stolen = await post(town, "/kits/keep", owner.file(owner.graph(3)))
    foreign = Owner.make(owner.now, HILLTOP)
    alien = owner.secrets.kit_id + encode_kit(owner.record, [foreign.graph(4)])

    assert stolen[0] == 422, stolen
    assert (await post(town, "/kits/keep", alien))[0] == 422
    assert await store.read(lambda tx: len(tx.rows("SELECT 1 FROM kit"))) == 1


async def test_a_buddy_keeps_only_what_names_it(town: Town) -> None:
    """Nobody becomes a buddy unasked, and garbage is refused by name."""
    unnamed = Owner.make(now_of(town), "meadow.example")

    refused = await post(town, "/kits/keep", unnamed.file(unnamed.graph(1)))

    assert (refused[0], b"notBuddy" in refused[1]) == (422, True)
    for body in (b"", b"x" * 31, b"x" * 40, unnamed.secrets.kit_id + b"{}\n{}\n", os.urandom(5_000)):
        status, _ = await post(town, "/kits/keep", body)
        assert 400 <= status < 500


async def test_own_people_hand_their_kit_on_and_no_other(town: Town) -> None:
    """A node carries its own people's kits to buddies; somebody else's it does not touch."""
    ana: Client = await town.join("ana", HARBOUR)
    now = now_of(town)
    owner = Owner.make(now, HILLTOP)
    theirs = KeepKit(HILLTOP, owner.secrets.kit_id, owner.record.signed.encode(), (owner.graph(1),))
    with pytest.raises(ProblemError) as refused:
        await ana.call(theirs)
    assert refused.value.problem.code == "notAllowed"

    assert (await post(town, "/kits/keep", owner.file(owner.graph(1))))[0] == 200
    fetched = await ana.call(FetchKit(HILLTOP, owner.request(HILLTOP)))
    assert open_kit([fetched.kit], owner.secrets).graph is not None
    with pytest.raises(ProblemError) as none:
        await ana.call(FetchKit(HARBOUR, owner.request(HARBOUR)))
    assert none.value.problem.code == "notFound"
    assert KitKept().graph == 0
    assert SignedRecord.decode(owner.record.signed.encode()) == owner.record.signed


async def test_who_knows_the_name_keeps_nobody_out(town: Town) -> None:
    """Every buddy knows a kit's name; what others put under it hinders neither keeping nor reading."""
    now = now_of(town)
    owner = Owner.make(now, HILLTOP)
    for thief in (Owner.make(now, HILLTOP) for _ in range(3)):
        body = owner.secrets.kit_id + encode_kit(thief.record, [thief.graph(1)])
        assert (await post(town, "/kits/keep", body))[0] == 200

    assert (await post(town, "/kits/keep", owner.file(owner.graph(1), owner.keys(1))))[0] == 200
    status, kit = await post(town, "/kits/read", owner.request(HILLTOP))

    assert status == 200
    assert open_kit([kit], owner.secrets).graph is not None
    # A kit of a database from before is read all the same.
    await town.nodes[HILLTOP].store.write(lambda tx: tx.change("UPDATE kit SET reader = x''"))
    assert (await post(town, "/kits/read", owner.request(HILLTOP)))[0] == 200


async def test_strangers_do_not_fill_a_buddy(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """New kits of people whom nobody here knows are few at a time; what is kept is still refreshed."""
    monkeypatch.setattr("yurt.node.portability.kits.NEW_RATE", Rate(burst=1, every_s=3600.0))
    now, store = now_of(town), town.nodes[HILLTOP].store
    first, second, friend = (Owner.make(now, HILLTOP) for _ in range(3))
    ana: Client = await town.join("ana", HILLTOP)

    def tie(tx: Tx) -> None:
        account = accounts.account_named(tx, ana.person.name)
        assert account is not None
        known = KnownPerson(friend.record.record.actor, "ana@harbour.example", friend.record.did)
        people.put_tie(tx, account.id, people.put_person(tx, known), people.FOLLOWING, ("accepted", "", 1))

    await store.write(tie)
    kept = [(await post(town, "/kits/keep", one.file(one.graph(1))))[0] for one in (first, second, friend)]

    assert kept == [200, 429, 200]
    await store.write(lambda tx: tx.change("UPDATE kit SET graph_at = graph_at - 61"))
    assert (await post(town, "/kits/keep", first.file(first.graph(2))))[0] == 200


async def test_strangers_leave_places_to_friends(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dids cost nothing: those of people whom nobody here knows take some of the places, never all."""
    monkeypatch.setattr("yurt.node.portability.kits.MAX_STRANGERS", 1)
    ana = await town.join("ana", HILLTOP)
    strangers = [Owner.make(now_of(town), HILLTOP) for _ in range(2)]
    friend = Owner.make(now_of(town), HILLTOP)

    def follows(tx: Tx) -> None:
        account = accounts.account_named(tx, ana.person.name)
        assert account is not None
        known = KnownPerson(friend.record.record.actor, f"friend@{HARBOUR}", str(friend.record.did))
        people.put_tie(tx, account.id, people.put_person(tx, known), "follower", ("accepted", "x", 0))

    await town.nodes[HILLTOP].store.write(follows)
    codes = [(await post(town, "/kits/keep", one.file(one.graph(1))))[0] for one in (*strangers, friend)]

    assert codes == [200, 429, 200]
