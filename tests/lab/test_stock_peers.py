"""Stock peers among themselves: what they see, what they believe, what they answer; no node is needed."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from yurt.activitypub.http_signatures import rfc9421
from yurt.activitypub.references import Json
from yurt.activitypub.vocabulary import AS_CONTEXT, PUBLIC
from yurt.lab.migration import stock_peer
from yurt.lab.migration.hosts import Hosts, LabClock, Post, Signer
from yurt.lab.migration.stock_peer import ACCEPTED, StockPeer
from yurt.lab.migration.stock_profiles import profile
from yurt.lab.world.network import Network
from yurt.lab.world.people import until

OLD_HOST, NEW_HOST = "old.example", "new.example"
OLD, NEW = f"https://{OLD_HOST}/users/ana", f"https://{NEW_HOST}/users/ana"
ANA = Signer(f"{OLD}#main-key", stock_peer._KEY)  # pyright: ignore[reportPrivateUsage]  # what her old server has
ANEW = Signer(f"{NEW}#main-key", stock_peer._KEY)  # pyright: ignore[reportPrivateUsage]


@dataclass(slots=True)
class Street:
    """Ana's old and new server, and one of each kind whose Bo follows her."""

    post: Post
    peers: dict[str, StockPeer]
    clock: LabClock
    sent: int = 0

    async def say(self, signer: Signer, host: str, kind: str, about: str, target: str = "") -> None:
        """Let somebody deliver an activity, and wait until it was judged."""
        self.sent += 1
        actor = signer.key_id.partition("#")[0]
        activity: Json = {"@context": AS_CONTEXT, "id": f"{actor}#said/{self.sent}", "type": kind}
        activity |= {"actor": actor, "object": about} | ({"target": target} if target else {})
        await self.post.send(signer, f"https://{host}/inbox", activity)
        await self.peers[host].quiet()

    def follows(self, host: str) -> set[str]:
        """Whom Bo follows there."""
        return {
            actor for actor, state in self.peers[host].people["bo"].following.items() if state == ACCEPTED
        }

    def rules(self, host: str) -> list[tuple[str, str]]:
        """What became of each Move there."""
        return [(seen.outcome, seen.rule) for seen in self.peers[host].seen if seen.type == "Move"]


def move(number: int) -> Json:
    """Ana's Move, as it lies in the post."""
    activity: Json = {"@context": AS_CONTEXT, "id": f"{OLD}#sent/{number}", "type": "Move"}
    return activity | {"actor": OLD, "object": OLD, "target": NEW}


@asynccontextmanager
async def street(folder: Path, *kinds: str) -> AsyncGenerator[Street]:
    """Open servers, and let the Bo of each follow Ana."""
    hosts_of = {OLD_HOST: "mastodon", NEW_HOST: "mastodon", **{f"{kind}.example": kind for kind in kinds}}
    network, clock = Network.make(folder, hosts_of), LabClock()
    post, hosts = Post(network, clock), Hosts(network)
    peers = {host: StockPeer(host, profile(kind), post, clock) for host, kind in hosts_of.items()}
    post.open()
    await hosts.open()
    try:
        for host, peer in peers.items():
            await hosts.listen(host, peer)
        peers[OLD_HOST].join("ana")
        peers[NEW_HOST].join("ana", (OLD,))
        here = Street(post, peers, clock)
        for kind in kinds:
            host = f"{kind}.example"
            peers[host].join("bo")
            assert await peers[host].follow("bo", OLD)

            async def accepted(host: str = host) -> bool:
                return here.follows(host) == {OLD}

            await until(accepted, f"ana accepts bo of {host}")
        yield here
    finally:
        for peer in peers.values():
            await peer.close()
        await hosts.close()
        await post.close()


async def goes_along(here: Street, host: str) -> None:
    async def there() -> bool:
        return here.follows(host) == {NEW}

    await until(there, f"bo of {host} goes along")


async def test_a_move_takes_followers_along(tmp_path: Path) -> None:
    """Mastodon's and GoToSocial's followers go along at once, snac's once it has seen the new account."""
    async with street(tmp_path, "mastodon", "gotosocial", "snac", "no-move") as here:
        for kind in ("mastodon", "gotosocial", "no-move"):
            await here.say(ANA, f"{kind}.example", "Move", OLD, NEW)
        await here.say(ANA, "snac.example", "Move", OLD, NEW)
        assert here.rules("snac.example") == [("later", "targetSeen")]
        await here.say(ANEW, "snac.example", "Update", NEW)
        await here.say(ANA, "snac.example", "Move", OLD, NEW)

        for kind in ("mastodon", "gotosocial", "snac"):
            await goes_along(here, f"{kind}.example")
        assert here.follows("no-move.example") == {OLD}
        assert here.rules("no-move.example") == [("refused", "noMove")]

        async def told() -> bool:
            return len(here.peers[OLD_HOST].people["ana"].followers) == 1

        await until(told, "the old server hears that three have left")


async def test_nobody_goes_along_with_a_forgery(tmp_path: Path) -> None:
    """Another key, another signer, and an account that names no alias move nobody."""
    async with street(tmp_path, "mastodon", "gotosocial", "snac") as here:
        stranger = Signer(ANA.key_id, rsa.generate_private_key(public_exponent=65537, key_size=2048))
        for kind in ("mastodon", "gotosocial", "snac"):
            host = f"{kind}.example"
            await here.post.send(stranger, f"https://{host}/inbox", move(1))
            await here.peers[host].quiet()
            forged = move(2) | {"actor": NEW}
            await here.post.send(ANEW, f"https://{host}/inbox", forged)
            await here.peers[host].quiet()
            await here.say(ANA, host, "Move", OLD, f"https://{host}/users/bo")

            assert here.follows(host) == {OLD}
            assert {outcome for outcome, _ in here.rules(host)} <= {"refused", "later"}
            assert len(here.rules(host)) == 3
            assert here.rules(host)[0] == ("refused", "signature")
            assert here.rules(host)[1] == ("refused", "objectIsSigner")


async def test_what_a_delete_means(tmp_path: Path) -> None:
    """Mastodon forgets who was deleted, GoToSocial suspends them for good, and snac does not care."""
    async with street(tmp_path, "mastodon", "gotosocial", "snac") as here:
        await here.say(ANEW, "snac.example", "Update", NEW)
        for kind in ("mastodon", "gotosocial", "snac"):
            await here.say(ANA, f"{kind}.example", "Delete", OLD)
        assert here.follows("mastodon.example") == here.follows("gotosocial.example") == set()
        assert here.follows("snac.example") == {OLD}
        assert not await here.post.send(ANA, "https://gotosocial.example/inbox", move(9))

        await here.say(ANA, "mastodon.example", "Move", OLD, NEW)
        await here.say(ANA, "snac.example", "Move", OLD, NEW)

        await goes_along(here, "snac.example")
        assert here.rules("mastodon.example") == [("ignored", "nobodyFollows")]
        assert here.rules("gotosocial.example") == [("refused", "notSuspended")]


async def test_who_reads_the_newer_signatures(tmp_path: Path) -> None:
    """Mastodon reads RFC 9421; GoToSocial takes such a request for unsigned, and snac says nothing."""
    async with street(tmp_path, "mastodon", "gotosocial", "snac") as here:
        await here.say(ANEW, "snac.example", "Update", NEW)
        statuses = dict[str, int]()
        for kind in ("mastodon", "gotosocial", "snac"):
            inbox, body = f"https://{kind}.example/inbox", json.dumps(move(1)).encode()
            now = int(here.clock.now())
            headers = rfc9421.sign("POST", inbox, body, key_id=ANA.key_id, key=ANA.key, now=now)
            session = here.post._pool()  # pyright: ignore[reportPrivateUsage]  # the post itself signs in the old way
            async with session.post(inbox, data=body, headers=headers) as answer:
                statuses[kind] = answer.status
            await here.peers[f"{kind}.example"].quiet()

        assert statuses == {"mastodon": 202, "gotosocial": 401, "snac": 202}
        await goes_along(here, "mastodon.example")
        for kind in ("gotosocial", "snac"):
            assert here.follows(f"{kind}.example") == {OLD}
            assert here.rules(f"{kind}.example") == [("refused", "cavageOnly")]


async def test_whose_updates_snac_takes(tmp_path: Path) -> None:
    """What its people follow, and only if it is said to everybody: an actor names no recipients itself."""
    async with street(tmp_path, "snac") as here:
        snac = here.peers["snac.example"]
        for to in (f"{OLD}/followers", PUBLIC):
            update = move(1) | {"type": "Update", "to": [to]}
            assert await here.post.send(ANA, "https://snac.example/inbox", update)
            await snac.quiet()

        assert [seen.rule for seen in snac.seen if seen.type == "Update"] == ["notPublic", ""]


async def test_a_key_that_cannot_be_had(tmp_path: Path) -> None:
    """Deleted at Mastodon, and her old server is gone: nobody knows her key there, and 401 says so."""
    async with street(tmp_path, "mastodon") as here:
        await here.say(ANA, "mastodon.example", "Delete", OLD)
        here.peers[OLD_HOST].people.clear()

        assert not await here.post.send(ANA, "https://mastodon.example/inbox", move(1))
        assert here.rules("mastodon.example") == [("refused", "keyUnknown")]


async def test_who_asks_for_a_key_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Her key was changed and nobody told: Mastodon fetches the new one, GoToSocial and snac do not."""
    async with street(tmp_path, "mastodon", "gotosocial", "snac") as here:
        changed = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        monkeypatch.setattr(stock_peer, "_KEY", changed)
        ana = Signer(ANA.key_id, changed)
        for kind in ("mastodon", "gotosocial", "snac"):
            await here.post.send(ana, f"https://{kind}.example/inbox", move(1))
            await here.peers[f"{kind}.example"].quiet()

        assert here.rules("mastodon.example") == [("done", "")]
        assert here.rules("gotosocial.example") == here.rules("snac.example") == [("refused", "signature")]


async def test_the_week_goes_by(tmp_path: Path) -> None:
    """A second Move is looked at a week later, by the clock of the lab; nobody is left whom it moves."""
    async with street(tmp_path, "mastodon") as here:
        await here.say(ANA, "mastodon.example", "Move", OLD, NEW)
        await goes_along(here, "mastodon.example")
        await here.say(ANA, "mastodon.example", "Move", OLD, NEW)
        here.clock.offset_s += 7 * 86_400
        await here.say(ANA, "mastodon.example", "Move", OLD, NEW)

        assert [rule for _, rule in here.rules("mastodon.example")] == ["", "once7Days", "nobodyFollows"]


async def test_whose_week_it_is(tmp_path: Path) -> None:
    """Mastodon counts the Moves of the old account, GoToSocial those to the new one as well."""
    async with street(tmp_path, "mastodon", "gotosocial") as here:
        here.peers[OLD_HOST].join("anna")
        here.peers[NEW_HOST].people["ana"].aliases = (OLD, f"https://{OLD_HOST}/users/anna")
        anna = Signer(f"https://{OLD_HOST}/users/anna#main-key", ANA.key)
        for host in ("mastodon.example", "gotosocial.example"):
            await here.say(ANA, host, "Move", OLD, NEW)
            await goes_along(here, host)
            here.clock.offset_s += 600
            await here.say(anna, host, "Move", f"https://{OLD_HOST}/users/anna", NEW)

        assert here.rules("mastodon.example")[1] == ("ignored", "nobodyFollows")
        assert here.rules("gotosocial.example")[1] == ("refused", "once7DaysEither")


async def test_snac_looks_again(tmp_path: Path) -> None:
    """A Move that came before anything of the new account is tried again two minutes later."""
    async with street(tmp_path, "snac") as here:
        await here.say(ANA, "snac.example", "Move", OLD, NEW)
        await here.say(ANEW, "snac.example", "Update", NEW)
        assert here.rules("snac.example") == [("later", "targetSeen")]
        assert here.follows("snac.example") == {OLD}
        here.clock.offset_s += 121

        await goes_along(here, "snac.example")
        assert here.rules("snac.example") == [("later", "targetSeen"), ("done", "")]


async def test_who_approves_by_hand(tmp_path: Path) -> None:
    """On holiday nobody approves a follower; whom the holiday-maker follows is followed all the same."""
    async with street(tmp_path, "locked", "mastodon") as here:
        here.peers["locked.example"].is_away = True
        await here.peers["mastodon.example"].follow("bo", "https://locked.example/users/bo")
        await here.say(ANA, "locked.example", "Move", OLD, NEW)

        await goes_along(here, "locked.example")
        assert here.follows("mastodon.example") == {OLD}
        assert here.peers["locked.example"].asking == 1


async def test_a_busy_server_says_when_to_come_again(tmp_path: Path) -> None:
    """The first answers are 429 with Retry-After; the delivery is taken later, and once."""
    async with street(tmp_path, "busy") as here:
        await here.say(ANA, "busy.example", "Move", OLD, NEW)
        await goes_along(here, "busy.example")

        outcomes = [seen.outcome for seen in here.peers["busy.example"].seen if seen.type == "Move"]
        assert outcomes == ["busy", "busy", "done"]


async def test_a_server_can_be_found(tmp_path: Path) -> None:
    """WebFinger, NodeInfo and actor are there for those who are, and for nobody else."""
    async with street(tmp_path, "snac") as here:
        node = await here.post.get("https://snac.example/nodeinfo/2.0")
        finger = await here.post.get(
            "https://snac.example/.well-known/webfinger?resource=acct:bo@snac.example"
        )

        assert node is not None
        assert node["software"] == {"name": "snac", "version": "2.94"}
        assert finger is not None
        assert finger["subject"] == "acct:bo@snac.example"
        assert await here.post.get("https://snac.example/users/nobody") is None
        with pytest.raises((aiohttp.ClientError, OSError)):
            await here.post._pool().get("https://elsewhere.example/")  # pyright: ignore[reportPrivateUsage]
