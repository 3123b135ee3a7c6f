"""The pages as Chromium shows them: nothing blocked, nothing cut off, everything readable.

A Chromium without a window, spoken to over its DevTools protocol; skipped where there is none.
"""

import asyncio
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from yurt.node.config import NodeConfig
from yurt.node.testing import Town
from yurt.wire.post_commands import Post

HARBOUR = "harbour.example"
PATHS = ("/", "/users/ana", "/i/abcdefgh", "/j/abcdefgh", "/nothing")
LOOK = """(() => {
  const channel = value => {
    value /= 255;
    return value <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4;
  };
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => {
    const [r, g, b] = parts(colour).map(channel);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = element => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor, p = parts(colour);
      if (p.length < 4 || p[3] > 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const ratios = [...document.querySelectorAll('body *')]
    .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .map(element => {
      const pair = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => b - a);
      return (pair[0] + .05) / (pair[1] + .05);
    });
  const levels = [...document.querySelectorAll('h1,h2,h3,h4')].map(heading => Number(heading.tagName[1]));
  return {
    contrast: Math.min(...ratios),
    overflow: document.documentElement.scrollWidth - innerWidth,
    landmarks: ['main', 'header', 'footer', 'h1'].map(name => document.querySelectorAll(name).length),
    lang: document.documentElement.lang,
    title: document.title,
    skipped: levels.filter((level, at) => at && level > levels[at - 1] + 1).length,
    nameless: [...document.querySelectorAll('a')].filter(link => !link.textContent.trim()).length,
    scripts: document.scripts.length,
    styled: getComputedStyle(document.querySelector('footer')).borderTopStyle,
    paper: getComputedStyle(document.documentElement).backgroundColor,
  };
})()"""


NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Browser:
    """One tab."""

    socket: aiohttp.ClientWebSocketResponse
    said: list[str] = field(default_factory=list[str])
    """What the page complained about on its console, blocked loads among it."""
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Do a command of the protocol; return its result."""
        number = next(self._numbers)
        await self.socket.send_str(json.dumps({"id": number, "method": method, "params": params}))
        result: dict[str, Any] = (await self._until("id", number)).get("result", {})
        return result

    async def open(self, url: str, *, width: int, dark: bool) -> None:
        """Load a page as on a screen of that width."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.ask("Emulation.setEmulatedMedia", features=[scheme])
        await self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=844,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        await self.ask("Page.navigate", url=url)
        await self._until("method", "Page.loadEventFired")

    async def evaluate(self, expression: str) -> Any:  # noqa: ANN401  # whatever it is in the page
        """Look at the page."""
        answer = await self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def _until(self, name: str, value: object) -> dict[str, Any]:
        async with asyncio.timeout(60):
            while True:
                message: dict[str, Any] = json.loads(await self.socket.receive_str())
                if message.get("method") in {"Log.entryAdded", "Runtime.consoleAPICalled"}:
                    self.said.append(json.dumps(message["params"]))
                if message.get(name) == value:
                    return message


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    """A new Chromium, ended by its process id at the end."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium on this machine")
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
    quiet = ("--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0")
    process = await asyncio.create_subprocess_exec(
        program,
        *flags,
        *quiet,
        f"--user-data-dir={tmp_path}/profile",
        "about:blank",
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        port = await _port(process)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [tab for tab in await answer.json() if tab["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                tab = Browser(socket)
                for part in ("Page", "Runtime", "Log"):
                    await tab.ask(f"{part}.enable")
                yield tab
    finally:
        process.kill()
        await process.wait()


async def _port(process: asyncio.subprocess.Process) -> int:
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while line := (await process.stderr.readline()).decode(errors="replace"):
            if "DevTools listening on ws://" in line:
                return int(line.split("ws://", 1)[1].split("/", 1)[0].rpartition(":")[2])
    pytest.skip("Chromium does not start here")


@pytest.mark.browser
async def test_pages_are_readable_on_a_phone_and_on_a_desk(harbour: Town, browser: Browser) -> None:
    """Light and dark, narrow and wide: contrast, landmarks, headings in order, nothing cut off."""
    ana = await harbour.join("ana", HARBOUR)
    await ana.call(Post(text="A public post with a word " + "very" * 60 + "long", visibility="public"))
    await harbour.stop(HARBOUR)
    config = NodeConfig(HARBOUR, harbour.listen(HARBOUR), plain=True, about="A place by the water.")
    await harbour.start(HARBOUR, config)

    papers: set[str] = set()
    for path in PATHS:
        for width in (360, 1280):
            for dark in (False, True):
                await browser.open(f"http://{config.listen}{path}", width=width, dark=dark)
                found = await browser.evaluate(LOOK)
                where = (path, width, dark, found)
                assert found["contrast"] >= 4.5, where
                assert found["overflow"] <= 0, where
                assert found["landmarks"] == [1, 1, 1, 1], where
                assert (found["lang"], bool(found["title"])) == ("en", True), where
                assert (found["skipped"], found["nameless"], found["scripts"]) == (0, 0, 0), where
                assert found["styled"] == "solid", where
                papers.add(found["paper"])

    assert len(papers) == 2
    blocked = [line for line in browser.said if "Content Security Policy" in line]
    assert blocked == []
