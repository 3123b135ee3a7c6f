"""Each refusal has its status and its code, told to who asked, to the log and to who watches."""

import asyncio
import hashlib
import json
import logging
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from yurt.activitypub.http_signatures import cavage
from yurt.lab.world.network import Network
from yurt.node.accounts.testing import actor_key
from yurt.node.clock import SystemClock
from yurt.node.config import NodeConfig, read_network
from yurt.node.people import inbox
from yurt.node.testing import Town, open_town

HARBOUR, SILENT = "harbour.example", "silent.example"
TOKEN = "watch"
BODY = (
    b'{"type":"Follow","actor":"https://hill.example/users/bo","object":"https://harbour.example/users/ana"}'
)


async def post(town: Town, body: bytes, place: str = "/inbox", **headers: str) -> tuple[int, str]:
    """POST; the status and the code of the rule."""
    async with town.session.post(f"https://{HARBOUR}{place}", data=body, headers=headers) as answer:
        problem = json.loads(await answer.read())
        return answer.status, str(problem["extra"].get("rule", problem["code"]))


async def test_every_refusal_is_counted_by_its_code(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The figures name place and code, and neither they nor the log say what was sent."""
    network = Network.make(tmp_path / "network", (HARBOUR,))
    network.write_map(HARBOUR)
    caplog.set_level(logging.INFO)
    async with open_town(tmp_path, network, HARBOUR) as town:
        await town.stop(HARBOUR)
        place = read_network(network.map_file(HARBOUR)).map.names[HARBOUR]
        config = NodeConfig(
            HARBOUR,
            f"{place.host}:{place.port}",
            str(network.certificate_file(HARBOUR)),
            str(network.key_file(HARBOUR)),
            metrics_token_sha256=hashlib.sha256(TOKEN.encode()).hexdigest(),
        )
        await town.start(HARBOUR, config)

        assert await post(town, BODY) == (401, "signatureMissing")
        assert await post(town, b'{"type":"Delete"', Signature="x") == (400, "malformed")
        assert await post(town, BODY, Signature="x") == (400, "malformedHeader")
        assert await post(town, BODY, "/users/nobody/inbox") == (404, "notFound")
        header = {"Authorization": f"Bearer {TOKEN}"}
        async with town.session.get(f"https://{HARBOUR}/metrics", headers=header) as answer:
            shown = await answer.text()

    assert 'yurt_refused_total{at="/inbox",code="signatureMissing"} 1.0' in shown
    assert 'yurt_refused_total{at="/users/{name}/inbox",code="notFound"} 1.0' in shown
    lines = [record.getMessage() for record in caplog.records if record.name == "yurt.node.refusals"]
    assert "refused at /inbox: signatureMissing" in lines
    assert "hill.example" not in "".join(lines)


async def test_too_much_at_once_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While as many are taken in as can be, the next one gets 503; who sends slowly takes no place."""
    monkeypatch.setattr(inbox, "MAX_RUNNING", 2)
    network = Network.make(tmp_path / "network", (HARBOUR, SILENT))
    network.write_map(HARBOUR)
    asked, over = asyncio.Semaphore(0), asyncio.Event()

    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.release()
        await over.wait()
        writer.close()

    place = network.endpoints[SILENT]
    server = await asyncio.start_server(hold, place.host, place.port)
    async with server, open_town(tmp_path, network, HARBOUR) as town:
        slow = [await town.dial(HARBOUR) for _ in range(3)]
        for _, writer in slow:
            writer.write(f"POST /inbox HTTP/1.1\r\nHost: {HARBOUR}\r\nContent-Length: 9\r\n\r\n".encode())
            await writer.drain()
        waiting = [asyncio.create_task(send(town, **signed(number))) for number in range(2)]
        for _ in waiting:
            await asked.acquire()
        full = await send(town)
        over.set()
        codes = [status for status, _ in await asyncio.gather(*waiting)]
        for _, writer in slow:
            writer.close()

    assert full == (503, "5")
    assert codes == [401, 401]


def signed(number: int) -> dict[str, str]:
    """Headers of a request whose key is to be fetched from a server that says nothing."""
    key = load_der_private_key(actor_key(), None)
    assert isinstance(key, RSAPrivateKey)
    key_id, now = f"https://{SILENT}/users/{number}#main-key", SystemClock().now_s()
    return cavage.sign("POST", f"https://{HARBOUR}/inbox", BODY, key_id=key_id, key=key, now=now)


async def send(town: Town, **headers: str) -> tuple[int, str]:
    """POST; the status, and when to come again."""
    async with town.session.post(f"https://{HARBOUR}/inbox", data=BODY, headers=headers) as answer:
        return answer.status, answer.headers.get("Retry-After", "")
