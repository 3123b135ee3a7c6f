"""Stock peers among themselves: what they see, what they believe, what they answer; no node is needed."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from yurt.activitypub.references import Json
from yurt.activitypub.vocabulary import AS_CONTEXT
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
        assert await self.post.send(signer, f"https://{host}/inbox", activity)
        await self.peers[host].quiet()

    def follows(self, host: str) -> set[str]:
        """Whom Bo follows there."""
        return {
            actor for actor, state in self.peers[host].people["bo"].following.items() if state == ACCEPTED
        }

    def rules(self, host: str) -> list[tuple[str, str]]:
        """What became of each Move there."""
        return [(seen.outcome, seen.rule) for seen in self.peers[host].seen if seen.type == "Move"]


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
        assert here.rules("snac.example") == [("refused", "targetSeen")]
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
            await here.say(stranger, host, "Move", OLD, NEW)
            await here.say(ANEW, host, "Move", OLD, NEW)
            await here.say(ANA, host, "Move", OLD, f"https://{host}/users/bo")

            assert here.follows(host) == {OLD}
            assert [outcome for outcome, _ in here.rules(host)] == ["refused"] * 3
            assert here.rules(host)[0] == ("refused", "signature")
            assert here.rules(host)[1] == ("refused", "objectIsSigner")


async def test_whoever_is_deleted_moves_no_more(tmp_path: Path) -> None:
    """After a Delete the follow is gone, and so is every interest in a Move."""
    async with street(tmp_path, "mastodon") as here:
        await here.say(ANA, "mastodon.example", "Delete", OLD)
        await here.say(ANA, "mastodon.example", "Move", OLD, NEW)

        assert here.follows("mastodon.example") == set()
        assert here.rules("mastodon.example") == [("refused", "gone")]


async def test_the_week_goes_by(tmp_path: Path) -> None:
    """A second Move is looked at a week later, by the clock of the lab; nobody is left whom it moves."""
    async with street(tmp_path, "mastodon") as here:
        await here.say(ANA, "mastodon.example", "Move", OLD, NEW)
        await goes_along(here, "mastodon.example")
        await here.say(ANA, "mastodon.example", "Move", OLD, NEW)
        here.clock.offset_s += 7 * 86_400
        await here.say(ANA, "mastodon.example", "Move", OLD, NEW)

        assert [rule for _, rule in here.rules("mastodon.example")] == ["", "once7Days", "nobodyFollows"]


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
