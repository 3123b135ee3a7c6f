"""What a node tells whoever watches it, and whom it tells."""

import hashlib

import msgspec

from yurt.node.config import load
from yurt.node.testing import Town

HARBOUR = "harbour.example"
TOKEN = "only the watcher knows"


async def status_and_text(town: Town, path: str, token: str = "") -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with town.session.get(f"https://{HARBOUR}{path}", headers=headers) as answer:
        return answer.status, await answer.text()


async def test_a_node_that_works_says_ok(harbour: Town) -> None:
    """Anybody may ask whether it works, and learns nothing else."""
    assert await status_and_text(harbour, "/healthz") == (200, "ok\n")


async def test_figures_are_for_the_token_only(harbour: Town) -> None:
    """Without the setting there is no such page; with it, only for who holds the token; it names nobody."""
    config = load(harbour.folder / HARBOUR)
    unset = await status_and_text(harbour, "/metrics", TOKEN)
    await harbour.stop(HARBOUR)
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    await harbour.start(HARBOUR, msgspec.structs.replace(config, metrics_token_sha256=digest))
    ana = await harbour.join("ana", HARBOUR)

    async with harbour.stream(ana):
        status, text = await status_and_text(harbour, "/metrics", TOKEN)

    assert unset[0] == 404
    assert [(await status_and_text(harbour, "/metrics", wrong))[0] for wrong in ("", "x", digest)] == [
        404
    ] * 3
    assert status == 200
    values = dict(line.split() for line in text.splitlines() if not line.startswith("#"))
    assert (values["yurt_accounts"], values["yurt_streams"]) == ("1.0", "1.0")
    assert float(values["yurt_resident_bytes"]) > 0
    assert "ana" not in text
