"""GoToSocial, a live peer: what its own API says of who follows whom, and of what was posted.

Needs a release unpacked (binary and `web/` beside it), 0.20 or later; PEER_GOTOSOCIAL names the binary::

    PEER_GOTOSOCIAL=/opt/gotosocial/gotosocial pytest tests/peers

What is relied on stands in its source: `internal/config/config.go` (keys of the file; everything else keeps
its default, so it blocks private addresses and wants signed requests), `cmd/gotosocial/admin.go`, `server.go`
(commands), `internal/api/auth` (sign in, authorize, token), `internal/api/client` (search, follow, follow
requests, relationships, statuses, move, home timeline), `internal/gtsmodel/account.go` (accounts approve by
hand at first), `internal/processing/workers/fromfediapi_move.go` (what it asks of a Move).
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from yurt.lab.world.people import until

PEER = "gts.example"
PASSWORD = "correct Horse 9 battery staple!"
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
SCOPE = "read write"
BINARY = Path(os.environ.get("PEER_GOTOSOCIAL", "/nonexistent"))
WEB = BINARY.parent / "web"
comes = partial(until, within=120.0)


@dataclass
class Api:
    """GoToSocial's API, as somebody who lives there."""

    session: aiohttp.ClientSession
    name: str
    token: str = ""
    asked: Iterator[int] = field(default_factory=lambda: cycle(range(34, 256)))

    async def ask(self, method: str, path: str, **fields: str) -> Any:  # noqa: ANN401  # whatever it says
        """Ask for something, and read its JSON."""
        status, answer = await self.try_to(method, path, **fields)
        assert status == 200, (path, status, answer)
        return answer

    async def try_to(self, method: str, path: str, **fields: str) -> tuple[int, Any]:
        """Ask for something that may be refused."""
        # It takes one request a second from one address; nodes stay within that, who asks in a loop does not.
        headers = {"Accept": "application/json", "X-Forwarded-For": f"11.22.{next(self.asked)}.1"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        await asyncio.sleep(0.1)
        how: dict[str, Any] = {"params": fields} if method == "GET" else {"data": fields}
        async with self.session.request(method, f"https://{PEER}{path}", headers=headers, **how) as answer:
            return answer.status, await answer.json(content_type=None)

    async def sign_in(self) -> None:
        """Get a token as an application does: sign in, authorize, take the code."""
        self.session.cookie_jar.clear()
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
        mail = f"{self.name}@{PEER}"
        await self._page("POST", "/auth/sign_in", data={"username": mail, "password": PASSWORD})
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

    async def find(self, address: str) -> str:
        """Its id of somebody, whom it looks for if it does not know them."""
        answer = await self.ask("GET", "/api/v2/search", q=f"@{address}", resolve="true", type="accounts")
        [found] = answer["accounts"]
        return str(found["id"])

    async def look_up(self, url: str) -> list[dict[str, Any]]:
        """What it finds under the link of a post."""
        answer = await self.ask("GET", "/api/v2/search", q=url, resolve="true", type="statuses")
        found: list[dict[str, Any]] = answer["statuses"]
        return found

    async def says(self, account: str, **wanted: bool) -> bool:
        """Whether it says this of the two."""
        [found] = await self.ask("GET", "/api/v1/accounts/relationships", **{"id[]": account})
        return {name: found[name] for name in wanted} == wanted

    async def becomes(self, account: str, **wanted: bool) -> None:
        """Wait until it says this of the two."""
        await comes(lambda: self.says(account, **wanted), f"{self.name} and {account}: {wanted}")

    async def follow(self, account: str) -> None:
        """Follow somebody, and wait until they said yes."""
        await self.ask("POST", f"/api/v1/accounts/{account}/follow")
        await self.becomes(account, following=True)

    async def authorize(self, address: str, account: str) -> None:
        """Wait for somebody's question, and say yes."""

        async def is_asked() -> bool:
            return address in [one["acct"] for one in await self.ask("GET", "/api/v1/follow_requests")]

        await comes(is_asked, f"{self.name} is asked by {address}")
        await self.ask("POST", f"/api/v1/follow_requests/{account}/authorize")

    async def move(self, target: str) -> None:
        """Move to another account, which has this one as an alias."""
        status, answer = await self.try_to(
            "POST", "/api/v1/accounts/move", password=PASSWORD, moved_to_uri=target
        )
        assert status == 202, answer

    async def post(self, text: str, **how: str) -> dict[str, Any]:
        """Post something."""
        made: dict[str, Any] = await self.ask("POST", "/api/v1/statuses", status=text, **how)
        return made

    async def sees(self, text: str) -> dict[str, Any]:
        """Wait until a text is on the home timeline."""

        async def there() -> dict[str, Any] | None:
            posts: list[dict[str, Any]] = await self.ask("GET", "/api/v1/timelines/home")
            return next((one for one in posts if text in one["content"]), None)

        return await comes(there, f"{self.name} reads {text!r}")

    async def is_told(self, text: str) -> dict[str, Any]:
        """Wait until somebody is told that a text mentions them."""

        async def told() -> dict[str, Any] | None:
            news = await self.ask("GET", "/api/v1/notifications")
            posts: list[dict[str, Any]] = [one["status"] for one in news if one["type"] == "mention"]
            return next((one for one in posts if text in one["content"]), None)

        return await comes(told, f"{self.name} is told of {text!r}")

    async def counts(self, post: dict[str, Any], **wanted: int) -> None:
        """Wait until its counts of a post are these."""

        async def so() -> bool:
            found = await self.ask("GET", f"/api/v1/statuses/{post['id']}")
            return {name: found[name] for name in wanted} == wanted

        await comes(so, f"{wanted} of {post['id']}")


@pytest.fixture
def gotosocial(island: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[tuple[Any, list[Api]]]]:
    """Start GoToSocial with accounts of some names on an island, from which other hosts can be reached."""
    if not (BINARY.is_file() and (WEB / "template").is_dir() and (WEB / "assets").is_dir()):
        pytest.skip("no GoToSocial: PEER_GOTOSOCIAL does not name its binary with web/ beside it")

    async def open_gotosocial(*names: str, others: Sequence[str] = ()) -> tuple[Any, list[Api]]:
        place = await island(PEER, *others)
        base = (str(BINARY), "--config-path", str(configuration(place.folder, place.port)))
        await place.start(*base, "server", "start", up="/nodeinfo/2.0")
        for name in names:
            who = ("--username", name, "--email", f"{name}@{PEER}", "--password", PASSWORD)
            await place.run(*base, "admin", "account", "create", *who)
        people = [Api(place.session, name) for name in names]
        for person in people:
            await person.sign_in()
        return place, people

    return open_gotosocial


def configuration(folder: Path, port: int) -> Path:
    """Write its configuration: where things are, and nothing else."""
    storage = folder / "storage"
    storage.mkdir()
    settings = {
        "host": PEER,
        "bind-address": "127.0.0.1",
        "port": port,
        "db-type": "sqlite",
        "db-address": folder / "gts.db",
        "storage-local-base-path": storage,
        "web-template-base-dir": f"{WEB / 'template'}/",
        "web-asset-base-dir": f"{WEB / 'assets'}/",
    }
    file = folder / "config.yaml"
    file.write_text(json.dumps(settings, default=str))  # any JSON is YAML
    return file
