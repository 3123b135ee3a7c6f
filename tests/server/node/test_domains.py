"""A domain that the operator keeps out gets nothing in and nothing out; and every refusal is counted."""

import asyncio
import json
import os
from functools import partial

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from yurt.activitypub.domains import Mode
from yurt.activitypub.http_signatures import cavage
from yurt.activitypub.http_signatures.rfc9421 import sign_exchange
from yurt.node import commands
from yurt.node.accounts.testing import actor_key
from yurt.node.clock import SystemClock
from yurt.node.ids import exchange_key_id
from yurt.node.keys import NodeKeys
from yurt.node.store import domains
from yurt.node.store.domains import BLOCK, DomainRow
from yurt.node.store.types import Tx
from yurt.node.testing import Client, Town, until
from yurt.wire.exchange import EXCHANGE_PATH, ExchangeRequest
from yurt.wire.people_commands import Follow, Following
from yurt.wire.post_commands import Post, Timeline
from yurt.wire.problems import ProblemError

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"
BO = f"https://{HILLTOP}/users/bo"
ANA = f"https://{HARBOUR}/users/ana"


async def put(town: Town, unit: "partial[None]") -> None:
    """Change harbour's lists; the running node notices by itself."""
    store = town.nodes[HARBOUR].store

    def work(tx: Tx) -> None:
        unit(tx)

    await store.write(work)

    async def refused() -> bool:
        return await status(town) == 403

    await until(refused)


async def status(town: Town, activity: str = "Follow") -> int:
    """Bo sends a signed activity to Ana; the status of the answer."""
    url, key = f"{ANA}/inbox", load_der_private_key(actor_key(), None)
    assert isinstance(key, RSAPrivateKey)
    document = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": f"{BO}#{activity}",
        "type": activity,
        "actor": BO,
        "object": ANA,
    }
    body = json.dumps(document).encode()
    headers = cavage.sign("POST", url, body, key_id=f"{BO}#main-key", key=key, now=SystemClock().now_s())
    async with town.session.post(url, data=body, headers=headers) as answer:
        return answer.status


async def two(town: Town) -> tuple[Client, Client]:
    return await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)


async def test_a_blocked_domain_gets_nothing_in_and_nothing_out(town: Town) -> None:
    """403 at the inbox, no fetch, no delivery, an empty timeline; unblocked, all is as it was."""
    ana, bo = await two(town)
    await ana.call(Follow(f"bo@{HILLTOP}"))

    async def follows() -> bool:
        return [one.state for one in (await ana.call(Following())).ties] == ["accepted"]

    async def reads() -> bool:
        return bool((await ana.call(Timeline())).posts)

    await until(follows)
    await bo.call(Post(text="hello"))
    await until(reads)

    await put(town, partial(domains.put_domain, row=DomainRow(HILLTOP, BLOCK, "", 0)))

    assert (await ana.call(Timeline())).posts == ()
    with pytest.raises(ProblemError) as refused:
        await ana.call(Follow(f"carl@{HILLTOP}"))
    assert refused.value.problem.detail["rule"] == "domainBlocked"

    await town.nodes[HARBOUR].store.write(lambda tx: domains.drop_domain(tx, HILLTOP))
    await until(reads)


async def test_a_blocked_node_exchanges_nothing(town: Town) -> None:
    """Rooms are kept out at the same door: a well signed exchange is answered 403."""
    keys, url = NodeKeys(town.folder / HILLTOP), f"https://{HARBOUR}{EXCHANGE_PATH}"
    body = msgspec.msgpack.encode(ExchangeRequest())

    async def exchange() -> int:
        headers = sign_exchange(
            url,
            body,
            key_id=exchange_key_id(HILLTOP),
            key=keys.ed25519,
            now=SystemClock().now_s(),
            nonce=os.urandom(16),
        )
        async with town.session.post(url, data=body, headers=headers) as answer:
            return answer.status

    await two(town)
    assert await exchange() == 200

    await put(town, partial(domains.put_domain, row=DomainRow(HILLTOP, BLOCK, "", 0)))

    assert await exchange() == 403


async def test_an_allowlist_lets_in_who_is_on_it(town: Town) -> None:
    """In the mode allowlist everybody else is kept out, in both directions."""
    ana, _ = await two(town)
    await put(town, partial(domains.set_mode, wanted=Mode.ALLOWLIST))

    with pytest.raises(ProblemError) as refused:
        await ana.call(Follow(f"bo@{HILLTOP}"))

    assert refused.value.problem.detail["rule"] == "domainNotAllowed"


async def test_the_operator_keeps_the_lists(harbour: Town) -> None:
    """Block, allow, remove and mode; nonsense and the own name are refused."""
    data = harbour.folder / HARBOUR

    def work() -> None:
        assert commands.put_domain(data, "Bad.example", blocked=True, note="spam").ties == 0
        commands.put_domain(data, "hill.example", blocked=False)
        commands.domain_mode(data, "allowlist")
        lists = commands.domain_lists(data)
        assert lists.mode == "allowlist"
        assert [(row.domain, row.kind) for row in lists.rows] == [
            ("bad.example", "block"),
            ("hill.example", "allow"),
        ]
        commands.remove_domain(data, "hill.example")
        for nonsense in (HARBOUR, "no domain", "127.0.0.1"):
            with pytest.raises(commands.NodeCommandError):
                commands.put_domain(data, nonsense, blocked=True)
        with pytest.raises(commands.NodeCommandError):
            commands.remove_domain(data, "hill.example")

    await asyncio.to_thread(work)
