"""The API's own description: true to the routes, and nothing that it allows makes the node fail."""

import asyncio
import importlib
import io
import json
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from yurt.node.limiter import Rate
from yurt.node.testing import Client, Town
from yurt.wire.commands import COMMANDS
from yurt.wire.problems import PROBLEMS

HARBOUR = "harbour.example"
ELSEWHERE = 502
"""Another node cannot be reached: neither the asker's fault nor ours."""
_QUIET = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
NOT_OURS = pytest.mark.filterwarnings(
    # The node's loop, on another thread, may use `random` while a strategy draws.
    "ignore:Do not use the .random. module:hypothesis.errors.HypothesisDeprecationWarning"
)
LAST = "logout"
"""Ends the token that the others need."""


async def description(town: Town) -> dict[str, Any]:
    async with town.session.get(f"https://{HARBOUR}/api/v1/openapi.json") as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        document: dict[str, Any] = await answer.json()
    return document


async def test_the_description_is_true_to_the_routes(harbour: Town) -> None:
    """Every command has its path, and every path its command; open ones want no token."""
    document = await description(harbour)
    paths = {path.removeprefix("/api/v1/"): item["post"] for path, item in document["paths"].items()}

    assert document["openapi"] == "3.1.0"
    assert set(paths) == set(COMMANDS)
    for name, operation in paths.items():
        async with harbour.session.post(f"https://{HARBOUR}/api/v1/{name}", data=b"{}") as answer:
            body = json.loads(await answer.read())
        refused = answer.status == 401 and body["code"] == "notSignedIn"
        assert refused is bool(operation["security"]), name
        assert operation["summary"].endswith((".", "?")), name
        assert "\n    " not in operation.get("description", ""), name
    assert set(document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == set(PROBLEMS)


async def test_every_reference_leads_somewhere(harbour: Town) -> None:
    """A reader of the description finds each struct that it names."""
    document = await description(harbour)
    text = json.dumps(document)
    names = {part.split('"', 1)[0] for part in text.split("#/components/schemas/")[1:]}

    assert names <= set(document["components"]["schemas"])
    assert not {"Join", "Appended", "Problem"} - names


async def ask_everything(town: Town, examples: int) -> int:
    """Call every command with whatever its description allows, and with what it does not; count."""
    schemathesis: Any = importlib.import_module("schemathesis")  # takes seconds: not at collection
    document = await description(town)
    ana = await town.join("ana", HARBOUR)
    loop, count = asyncio.get_running_loop(), 0
    schema = schemathesis.openapi.from_dict(document)
    operations = [result.ok() for result in schema.get_all_operations()]

    def wait_for(work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(60)

    def run(operation: Any, mode: Any) -> None:  # noqa: ANN401  # the library has no public name for it
        nonlocal count

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=_QUIET,
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def try_it(case: Any) -> None:  # noqa: ANN401  # likewise
            nonlocal count
            count += 1
            wait_for(ask(town, ana, case.operation.path, body_of(case)))

        try_it()

    operations.sort(key=is_last)
    for operation in operations:
        for mode in schemathesis.GenerationMode:
            await asyncio.to_thread(run, operation, mode)
    return count


def is_last(operation: Any) -> bool:  # noqa: ANN401  # the library has no public name for it
    return str(operation.path).endswith(LAST)


def body_of(case: Any) -> bytes:  # noqa: ANN401  # likewise
    try:
        return json.dumps(case.body).encode("utf-8", "surrogatepass")
    except TypeError:
        return b""


async def ask(town: Town, who: Client, path: str, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {who.token}", "Content-Type": "application/json"}
    url = f"https://{HARBOUR}{path}"
    async with town.session.post(url, data=io.BytesIO(body), headers=headers) as answer:
        said = await answer.read()
    assert answer.status < 500 or answer.status == ELSEWHERE, (path, body, said)
    kind = "application/json" if answer.status == 200 else "application/problem+json"
    assert answer.content_type == kind, (path, body, said)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one account ask as often as it likes."""
    monkeypatch.setattr("yurt.node.dispatcher.COMMAND_RATE", Rate(10**9, 1e-9))


@NOT_OURS
@pytest.mark.usefixtures("unhurried")
async def test_nothing_that_the_description_allows_is_our_fault(harbour: Town) -> None:
    """A few requests for each command, good and bad, signed in: no 5xx, and problems are documents."""
    assert await ask_everything(harbour, 2) >= len(COMMANDS)


@pytest.mark.long
@NOT_OURS
@pytest.mark.usefixtures("unhurried")
async def test_nothing_that_the_description_allows_is_our_fault_again_and_again(harbour: Town) -> None:
    """The same with a hundred requests for each."""
    assert await ask_everything(harbour, 100) >= 50 * len(COMMANDS)
