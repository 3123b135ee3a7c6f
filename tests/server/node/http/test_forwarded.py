"""Whose address counts behind a proxy."""

from pathlib import Path

import pytest

from yurt.node.config import ConfigError, NodeConfig, check, load
from yurt.node.http.application import OPEN_RATE
from yurt.node.testing import Town

HARBOUR = "harbour.example"


async def status(town: Town, forwarded: str) -> int:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    async with town.session.get(f"http://{town.listen(HARBOUR)}/nodeinfo/2.1", headers=headers) as answer:
        return answer.status


async def test_one_stranger_behind_a_proxy_is_limited_alone(
    harbour: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last address is the one that the proxy wrote; what stands before it anybody could have written."""
    monkeypatch.setattr("yurt.node.http.application.OPEN_RATE", OPEN_RATE.__class__(burst=3, every_s=1000.0))
    await harbour.stop(HARBOUR)
    await harbour.start(HARBOUR, NodeConfig(HARBOUR, harbour.listen(HARBOUR), plain=True, forwarded=True))

    made_up = [await status(harbour, f"198.51.100.{n}, 203.0.113.7") for n in range(4)]
    other = await status(harbour, "203.0.113.8")
    nobody = [await status(harbour, text) for text in ("", "nonsense", "a," * 500)]

    assert made_up == [200, 200, 200, 429]
    assert [other, *nobody] == [200, 200, 200, 200]


async def test_without_the_setting_nobody_is_believed(harbour: Town, tmp_path: Path) -> None:
    """By default the header means nothing; with a listener of its own it may not be set."""
    config = load(harbour.folder / HARBOUR)

    assert config.forwarded is False
    with pytest.raises(ConfigError, match="forwarded"):
        check(NodeConfig(HARBOUR, tls_cert=str(tmp_path), tls_key=str(tmp_path), forwarded=True))
