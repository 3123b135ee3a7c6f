"""GoToSocial, a live peer: what its own API says of who follows whom, and of what was posted.

Needs a release unpacked (binary and `web/` beside it); PEER_GOTOSOCIAL names the binary::

    PEER_GOTOSOCIAL=/opt/gotosocial/gotosocial pytest tests/peers

What is relied on stands in its source: `internal/config/config.go` (keys of the file; everything else keeps
its default, so it blocks private addresses and wants signed requests), `cmd/gotosocial/admin.go`, `server.go`
(commands), `internal/api/auth` (sign in, authorize, token), `internal/api/client` (search, follow, follow
requests, relationships, home timeline), `internal/gtsmodel/account.go` (accounts approve by hand at first).
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from yurt.node.testing import Client
from yurt.wire.people_commands import Block, Follow, Followers, Following, Unfollow
from yurt.wire.post_commands import Post, Timeline

PEER = "gts.example"
GINA = f"gina@{PEER}"
ANA = "@ana@harbour.example"
MAIL, PASSWORD = "gina@gts.example", "correct Horse 9 battery staple!"
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
SCOPE = "read write"
BINARY = Path(os.environ.get("PEER_GOTOSOCIAL", "/nonexistent"))
WEB = BINARY.parent / "web"
PATIENCE_S = 180
"""It compiles its media tools at the start, which takes a minute on a small machine."""

pytestmark = pytest.mark.skipif(
    not (BINARY.is_file() and (WEB / "template").is_dir() and (WEB / "assets").is_dir()),
    reason="no GoToSocial: PEER_GOTOSOCIAL does not name its binary with web/ beside it",
)


@dataclass
class Api:
    """GoToSocial's API, as Gina."""

    session: aiohttp.ClientSession
    token: str = ""

    async def ask(self, method: str, path: str, **fields: str) -> Any:  # noqa: ANN401  # whatever it says
        """Ask for something, and read its JSON."""
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        how: dict[str, Any] = {"params": fields} if method == "GET" else {"data": fields}
        async with self.session.request(method, f"https://{PEER}{path}", headers=headers, **how) as answer:
            assert answer.status == 200, (path, answer.status, await answer.text())
            return await answer.json()

    async def sign_in(self) -> None:
        """Get a token as an application does: sign in, authorize, take the code."""
        app = await self.ask(
            "POST", "/api/v1/apps", client_name="test", redirect_uris=OUT_OF_BAND, scopes=SCOPE
        )
        asked = {
            "response_type": "code",
            "client_id": app["client_id"],
            "redirect_uri": OUT_OF_BAND,
            "scope": SCOPE,
        }
        await self._page("GET", "/oauth/authorize", params=asked)
        await self._page("POST", "/auth/sign_in", data={"username": MAIL, "password": PASSWORD})
        place = await self._page("POST", "/oauth/authorize")
        [code] = parse_qs(urlsplit(place).query)["code"]
        given = await self.ask(
            "POST",
            "/oauth/token",
            grant_type="authorization_code",
            code=code,
            client_id=app["client_id"],
            client_secret=app["client_secret"],
            redirect_uri=OUT_OF_BAND,
        )
        self.token = given["access_token"]

    async def _page(self, method: str, path: str, **how: Any) -> str:  # noqa: ANN401  # passed on
        """Do one step of a person in a browser; where it leads."""
        headers = {"Accept": "text/html"}
        async with self.session.request(
            method, f"https://{PEER}{path}", headers=headers, allow_redirects=False, **how
        ) as answer:
            assert answer.status in (302, 303), (path, answer.status, await answer.text())
            return answer.headers["Location"]

    async def is_up(self) -> bool:
        """Whether it answers yet."""
        try:
            async with self.session.get(f"https://{PEER}/nodeinfo/2.0") as answer:
                return bool(answer.status == 200)
        except aiohttp.ClientError:
            return False

    async def says(self, account: str, **wanted: bool) -> bool:
        """Whether it says this of Gina and somebody."""
        [found] = await self.ask("GET", "/api/v1/accounts/relationships", **{"id[]": account})
        return {name: found[name] for name in wanted} == wanted

    async def home(self) -> list[dict[str, Any]]:
        """Gina's home timeline."""
        posts: list[dict[str, Any]] = await self.ask("GET", "/api/v1/timelines/home")
        return posts


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until something holds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_S
    while loop.time() < end:
        if await holds():
            return
        await asyncio.sleep(0.2)
    pytest.fail(f"it does not come about: {what}")


async def states(ana: Client, command: Followers | Following) -> dict[str, tuple[str, bool]]:
    return {tie.address: (tie.state, tie.locked) for tie in (await ana.call(command)).ties}


async def furnish(place: Any) -> None:  # noqa: ANN401  # an island
    """Write its configuration, make Gina's account, start it."""
    storage = place.folder / "storage"
    storage.mkdir()
    settings = {
        "host": PEER,
        "bind-address": "127.0.0.1",
        "port": place.port,
        "db-type": "sqlite",
        "db-address": place.folder / "gts.db",
        "storage-local-base-path": storage,
        "web-template-base-dir": f"{WEB / 'template'}/",
        "web-asset-base-dir": f"{WEB / 'assets'}/",
    }
    config = place.folder / "config.yaml"
    config.write_text(json.dumps(settings, default=str))  # any JSON is YAML
    base = (str(BINARY), "--config-path", str(config))
    create = ("admin", "account", "create", "--username", "gina", "--email", MAIL, "--password", PASSWORD)
    await place.run(*base, *create)
    await place.start(*base, "server", "start")


async def test_gotosocial_asks_before_it_is_followed(island: Callable[[str], Awaitable[Any]]) -> None:
    """With its production defaults: it follows, approves by hand, reads, likes, and hears of a block."""
    place = await island(PEER)
    ana: Client = await place.town.join("ana", "harbour.example")
    await furnish(place)
    gina = Api(place.town.session)
    await until(gina.is_up, "GoToSocial is up")
    await gina.sign_in()
    [found] = (await gina.ask("GET", "/api/v2/search", q=ANA, resolve="true", type="accounts"))["accounts"]

    await follow_each_other(ana, gina, found["id"])
    await read_each_other(ana, gina)
    await part(ana, gina, found["id"])


async def follow_each_other(ana: Client, gina: Api, ana_there: str) -> None:
    """Gina follows at once; Ana waits until Gina says yes."""
    await gina.ask("POST", f"/api/v1/accounts/{ana_there}/follow")
    await until(lambda: gina.says(ana_there, following=True), "gina follows ana")
    assert list(await states(ana, Followers())) == [GINA]

    assert (await ana.call(Follow(GINA))).locked
    assert await states(ana, Following()) == {GINA: ("pending", True)}

    async def is_asked() -> bool:
        return [one["acct"] for one in await gina.ask("GET", "/api/v1/follow_requests")] == [ANA[1:]]

    await until(is_asked, "gina is asked")
    await gina.ask("POST", f"/api/v1/follow_requests/{ana_there}/authorize")

    async def accepted() -> bool:
        return await states(ana, Following()) == {GINA: ("accepted", True)}

    await until(accepted, "ana learns that she may follow")
    assert await gina.says(ana_there, followed_by=True)


async def read_each_other(ana: Client, gina: Api) -> None:
    """Posts for followers go both ways, and a like comes back."""
    await ana.call(Post(text="hello, Gina"))

    async def reads() -> bool:
        return any("hello, Gina" in one["content"] for one in await gina.home())

    await until(reads, "gina reads ana")
    [post] = [one for one in await gina.home() if "hello, Gina" in one["content"]]
    await gina.ask("POST", f"/api/v1/statuses/{post['id']}/favourite")

    async def liked() -> bool:
        return 1 in [one.likes for one in (await ana.call(Timeline())).posts if one.text == "hello, Gina"]

    await until(liked, "ana counts gina's like")
    await gina.ask("POST", "/api/v1/statuses", status="hello, Ana", visibility="private")

    async def read() -> bool:
        return "hello, Ana" in [one.text for one in (await ana.call(Timeline())).posts]

    await until(read, "ana reads gina")


async def part(ana: Client, gina: Api, ana_there: str) -> None:
    """Ana leaves, then blocks: GoToSocial says the same."""
    await ana.call(Unfollow(GINA))
    await until(lambda: gina.says(ana_there, followed_by=False), "gina is followed no longer")
    await ana.call(Block(GINA))
    await until(lambda: gina.says(ana_there, blocked_by=True, following=False), "gina is blocked")
