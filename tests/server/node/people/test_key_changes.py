"""An actor key is exchanged with the phrase alone; everybody goes along, also who fetches no key anew."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from yurt.activitypub.delivery import Stop
from yurt.activitypub.errors import SignatureRefused
from yurt.activitypub.http_signatures import policy
from yurt.activitypub.http_signatures.keys import PublicKey, read_pem
from yurt.identity.device_login import make_device_login
from yurt.identity.identity_key import IdentityKey
from yurt.lab.world.network import Network
from yurt.node.accounts.testing import actor_key
from yurt.node.http.inbound import inbound_request
from yurt.node.store import accounts, deliveries, moving, people, retired_keys
from yurt.node.store.deliveries import NewDelivery
from yurt.node.store.moving import LENT, LentKey
from yurt.node.store.people import KnownPerson
from yurt.node.store.types import Tx
from yurt.node.testing import Client, Town, open_town, served, until
from yurt.portability.actor_key import fingerprint_of_private, sign_change
from yurt.wire.actor_key_commands import ChangeActorKey, SeenKey, ShowSeenKey
from yurt.wire.people_commands import Follow, Followers
from yurt.wire.post_commands import Post
from yurt.wire.problems import ProblemError

HARBOUR, HILLTOP, STOCK = "harbour.example", "hilltop.example", "stock.example"
ANA: Final = f"https://{HARBOUR}/users/ana"
CY: Final = f"https://{STOCK}/users/cy"


@cache
def key(number: int) -> bytes:
    """A few keys for all tests: making one takes a tenth of a second."""
    del number
    made = generate_private_key(65537, 2048)
    return made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def now_ms() -> int:
    """The clock of the town."""
    return time.time_ns() // 1_000_000


def change(
    ana: Client, new: bytes, at: int, *, by: IdentityKey | None = None, actor: str = ANA
) -> ChangeActorKey:
    """Ana's word for a new key."""
    said = sign_change(by or ana.person.identity, actor, fingerprint_of_private(new), time=at)
    return ChangeActorKey(change=said, key=new)


@dataclass
class StrictPeer:
    """Believes the one key that it keeps and fetches none, as GoToSocial; an Update brings the next one."""

    key: PublicKey
    taken: list[str] = field(default_factory=list[str])
    is_down: bool = False
    refused: int = 0

    async def inbox(self, request: web.Request) -> web.Response:
        """`POST /inbox`."""
        body = await request.read()
        if self.is_down:
            return web.Response(status=500)
        signed = policy.parse(inbound_request(request, STOCK, body))
        try:
            policy.verify(signed, self.key, now_ms() // 1000)
        except SignatureRefused:
            self.refused += 1
            return web.Response(status=401)
        document = json.loads(body)
        if document["type"] == "Update":
            self.key = read_pem(document["object"]["publicKey"]["publicKeyPem"])
        self.taken.append(document["type"])
        return web.Response(status=202)


@dataclass
class Place:
    """Ana's node, and a stock peer with a follower of hers."""

    town: Town
    peer: StrictPeer
    ana: Client

    def files_with(self, secret: bytes) -> list[str]:
        """The node's files that hold a key."""
        files = [file for file in (self.town.folder / HARBOUR).rglob("*") if file.is_file()]
        return sorted(file.name for file in files if secret[100:164] in file.read_bytes())

    async def post(self, text: str) -> None:
        """Let ana post to her followers."""
        await self.ana.call(Post(text=text))

    async def key_of_now(self) -> PublicKey:
        """What ana's actor document shows."""
        account = await self.town.nodes[HARBOUR].store.read(lambda tx: accounts.account_named(tx, "ana"))
        assert account is not None
        return read_pem(account.actor_key_pem)

    async def retired(self) -> bool:
        """Whether an old key is kept."""
        return await self.town.nodes[HARBOUR].store.read(retired_keys.any_retired)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """Ana on her node, followed by cy on the stock peer."""
    network = Network.make(tmp_path / "network", (HARBOUR, STOCK))
    for name in (HARBOUR, STOCK):
        network.write_map(name)
    app = web.Application()
    async with open_town(tmp_path, network, HARBOUR) as town:
        ana = await town.join("ana", HARBOUR)

        def followed(tx: Tx) -> str:
            account = accounts.account_named(tx, "ana")
            assert account is not None
            cy = KnownPerson(CY, f"cy@{STOCK}", inbox=f"{CY}/inbox", shared_inbox=f"https://{STOCK}/inbox")
            number = people.put_person(tx, cy)
            people.put_tie(tx, account.id, number, people.FOLLOWER, ("accepted", f"{CY}#follow", 1))
            return account.actor_key_pem

        peer = StrictPeer(read_pem(await town.nodes[HARBOUR].store.write(followed)))
        app.router.add_post("/inbox", peer.inbox)
        async with served(network, STOCK, app):
            yield Place(town, peer, ana)


async def test_a_yurt_node_and_its_people_go_along(town: Town) -> None:
    """Who follows on another node hears of the new key, and reads what is posted under it."""
    ana, bo = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)
    await bo.call(Follow(f"ana@{HARBOUR}"))

    async def follows() -> bool:
        return bool((await ana.call(Followers())).ties)

    await until(follows)

    await ana.call(change(ana, key(1), now_ms()))

    there = town.nodes[HILLTOP].store

    async def knows() -> bool:
        seen: SeenKey = await ana_elsewhere.call(
            ShowSeenKey(proof=make_device_login(ana.person.device, did=ana.person.identity.did, node=HILLTOP,
                                                time=now_ms() // 1000))
        )  # fmt: skip
        return seen.fingerprint == fingerprint_of_private(key(1))

    ana_elsewhere = Client(town.session, HILLTOP, ana.person)
    await until(knows)
    await ana.call(Post(text="under the new key"))

    async def reads() -> bool:
        return bool(await there.read(lambda tx: tx.rows("SELECT 1 FROM post WHERE text LIKE '%new key%'")))

    await until(reads)


async def test_who_fetches_no_key_hears_of_it_under_the_old_one(place: Place) -> None:
    """What waited and the news come under the key that they know; then the old key is in no file."""
    old = actor_key()
    place.peer.is_down = True
    await place.post("before")
    await place.ana.call(change(place.ana, key(1), now_ms()))
    assert await place.retired()
    # A crash in between: the queue and the old key are in the store.
    await place.town.stop(HARBOUR)
    await place.town.start(HARBOUR)
    place.peer.is_down = False
    await place.post("after")

    async def told() -> bool:
        return len(place.peer.taken) == 3

    await until(told)

    assert sorted(place.peer.taken) == ["Create", "Create", "Update"]

    async def erased() -> bool:
        return not await place.retired()

    await until(erased)
    assert await asyncio.to_thread(place.files_with, old) == []
    assert await asyncio.to_thread(place.files_with, key(1)) != []


async def test_who_has_the_new_key_already_takes_what_waited(place: Place) -> None:
    """Something that waited is refused under the old key, and goes at once under the new one."""
    place.peer.is_down = True
    await place.post("before")
    await place.ana.call(change(place.ana, key(1), now_ms()))
    place.peer.key = await place.key_of_now()
    place.peer.is_down = False

    async def told() -> bool:
        return len(place.peer.taken) == 2

    await until(told)
    assert place.peer.refused


async def test_twice_is_two_keys_in_their_order(place: Place) -> None:
    """Two changes while a server is down: it hears of both, each under the key before it."""
    place.peer.is_down = True
    await place.ana.call(change(place.ana, key(1), now_ms()))
    await place.ana.call(change(place.ana, key(2), now_ms() + 1))
    place.peer.is_down = False

    async def told() -> bool:
        return len(place.peer.taken) == 2

    await until(told)
    await place.post("under the third")

    async def reads() -> bool:
        return place.peer.taken[2:] == ["Create"]

    await until(reads)


async def test_a_rescue_is_believed_by_who_knows_the_key_before(place: Place) -> None:
    """The old node died before everybody had heard of the new key: the Move goes under either of them."""
    old = "https://hill.example/users/ana"
    lent = LentKey(old, f"{old}#main-key", key(1), now_ms() // 1000 + 3600, older=actor_key())
    move = json.dumps({"type": "Move", "actor": old, "object": old, "target": ANA}).encode()

    def waits(tx: Tx) -> None:
        account = accounts.account_named(tx, "ana")
        assert account is not None
        moving.lend_key(tx, account.id, lent)
        stops = [Stop(f"https://{STOCK}/inbox", STOCK, (CY,))]
        deliveries.add_deliveries(tx, NewDelivery(f"{LENT}ana", move, is_follow=True), stops, now_ms())

    await place.town.nodes[HARBOUR].store.write(waits)
    await place.post("wakes the delivery")

    async def told() -> bool:
        return "Move" in place.peer.taken

    await until(told)
    assert place.peer.refused


async def test_the_phrase_alone_changes_a_key(place: Place) -> None:
    """No token is enough, no word of somebody else, for somebody else or another key, none of tomorrow."""
    ana, at = place.ana, now_ms()
    stranger = IdentityKey(bytes(32))
    for command, rule in (
        (change(ana, key(1), at, by=stranger), "keyChangeFor"),
        (change(ana, key(1), at, actor=ANA + "x"), "keyChangeFor"),
        (ChangeActorKey(change=change(ana, key(1), at).change, key=key(2)), "keyChangeFor"),
        (ChangeActorKey(change=b"", key=key(1)), "malformedKeyChange"),
        (change(ana, key(1), at + 3_600_000), "keyTime"),
    ):
        with pytest.raises(ProblemError) as refused:
            await ana.call(command)
        assert refused.value.problem.detail["rule"] == rule
    assert not await place.retired()


async def test_no_earlier_key_comes_back(place: Place) -> None:
    """Whoever saw an earlier change cannot repeat it; the last one again changes nothing."""
    ana, at = place.ana, now_ms()
    first, second = change(ana, key(1), at), change(ana, key(2), at + 1)
    await ana.call(first)
    await ana.call(second)

    with pytest.raises(ProblemError) as refused:
        await ana.call(first)
    await ana.call(second)

    assert refused.value.problem.detail["rule"] == "keyOld"
    own = await place.town.nodes[HARBOUR].store.read(lambda tx: accounts.actor_key_of(tx, "ana"))
    assert own == key(2)


async def test_only_oneself_learns_which_key_is_known(town: Town) -> None:
    """A node tells a person which key of theirs it has: with a proof of a device of theirs, once."""
    ana, eve = await town.join("ana", HARBOUR), await town.join("eve", HARBOUR)
    stranger = Client(town.session, HARBOUR, ana.person)
    device, did = ana.person.device, ana.person.identity.did

    def proof(node: str = HARBOUR) -> ShowSeenKey:
        return ShowSeenKey(proof=make_device_login(device, did=did, node=node, time=now_ms() // 1000))

    asked = proof()
    seen: SeenKey = await stranger.call(asked)
    assert seen.fingerprint == fingerprint_of_private(actor_key())
    of_eve = ShowSeenKey(
        proof=make_device_login(eve.person.device, did=did, node=HARBOUR, time=now_ms() // 1000)
    )
    for bad in (asked, proof(HILLTOP), of_eve, ShowSeenKey(proof=b"no proof")):
        with pytest.raises(ProblemError):
            await stranger.call(bad)
    with pytest.raises(ProblemError, match="does not know you"):
        await Client(town.session, HILLTOP, ana.person).call(proof(HILLTOP))
